"""A vCPU's thread sleeps for ever inside a device, the BQL held (a debugger parked it there): named, left alone."""

import debugger
import hang
from enrolment import SocketGlob
from stage import Source, Stage
from switchover import writes_on
from virtual_machine import Machine

ENROLMENT = SocketGlob()
COMM = "CPU 0/TCG"


async def park(stage: Stage, *, spins: bool = False) -> tuple[Source, debugger.Parked]:
    """On its way into a device: the write of an I/O port, which QEMU does under the BQL."""
    source = await stage.start_source(Machine(writes=True))
    await writes_on(source.vm)
    async with debugger.parking(stage, source.vm, "memory_region_dispatch_write", "CPU ", spins=spins) as gdb:
        thread = await debugger.parked(gdb, source.vm)
    stage.timeline.note("gdb", f"{thread.comm} (tid {thread.tid}) {'spins' if spins else 'sleeps'} with the BQL held")
    return source, thread


async def alone(stage: Stage) -> str:
    source, _ = await park(stage)
    return await hang.hangs(stage, source)


async def with_unwedged(stage: Stage) -> str:
    source, thread = await park(stage)
    await hang.has_verdict(stage, source, "bql-held", ("vcpu", COMM), since=thread.since)
    await hang.left_alone(stage, source, ("open", "failed"))
    return "hangs, the vCPU is named; nothing done"
