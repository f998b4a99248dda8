"""The migration's thread sleeps for ever with the BQL held, and for no connection: it is named, left alone."""

import asyncio

import debugger
import hang
from enrolment import DialIn
from stage import Source, Stage

ENROLMENT = DialIn()
# Held back by the guard, a migration would not come to the place where it is parked.
POLICIES = {"switchover-guard": "", "dead-mirror": ""}


async def park(stage: Stage) -> tuple[Source, debugger.Parked]:
    """On its way into vm_stop, at the switchover. Whom it migrates to does not matter."""
    source = await stage.start_source()
    async with debugger.parking(stage, source.vm, "vm_stop_force_state", "") as gdb:
        await gdb.says("armed")
        migrating = asyncio.create_task(source.vm.qmp.execute("migrate", uri="exec:cat > /dev/null", deadline=20))
        thread = await debugger.parked(gdb, source.vm)
        await asyncio.gather(migrating, return_exceptions=True)
    stage.timeline.note("gdb", f"{thread.comm} (tid {thread.tid}) sleeps with the BQL held")
    return source, thread


async def alone(stage: Stage) -> str:
    source, _ = await park(stage)
    return await hang.hangs(stage, source)


async def with_unwedged(stage: Stage) -> str:
    source, thread = await park(stage)
    await hang.has_verdict(stage, source, "bql-held", ("thread", thread.comm), since=thread.since)
    await hang.left_alone(stage, source, ("open", "failed"))
    return "hangs, the thread is named; nothing done"
