"""The destination of a migration freezes in the switchover: the migration thread sits in sendmsg with the BQL.

To hit the switchover every time, it is made long. With the longest permitted downtime, QEMU switches over
as soon as it has measured the bandwidth (100 ms), with nearly all of the RAM, random bytes, left to send
under the lock: far more than the sockets hold. pause-before-switchover marks the moment to freeze.
"""

import asyncio

import hang
import migration
from disk_image import random_image
from enrolment import DialIn
from stage import Source, Stage
from virtual_machine import Machine

ENROLMENT = DialIn()
RAM_MIB = 256                      # the socket buffers can grow to 36 MiB here
_BYTES_PER_SECOND = 32_000_000
_LONGEST_DOWNTIME_MS = 2_000_000   # QEMU's upper limit


async def provoke(stage: Stage, transport: str = "tcp", *, names: bool = True) -> Source:
    ram = stage.folder / "ram"
    await random_image(ram, RAM_MIB)
    source = await stage.start_source(Machine(ram_mib=RAM_MIB, ram_file=ram, thread_names=names), disk=False)
    destination = await stage.start_destination(source)
    await migration.set_capabilities(source.vm, "pause-before-switchover", "events")
    await source.vm.qmp.execute("migrate-set-parameters", max_bandwidth=_BYTES_PER_SECOND,
                                downtime_limit=_LONGEST_DOWNTIME_MS)
    await migration.migrate(source.vm, destination, transport)
    await source.vm.qmp.event("MIGRATION", status="pre-switchover", deadline=30)
    destination.process.freeze()
    stage.timeline.note("qemu", "destination frozen (SIGSTOP) before the switchover")
    # The migration thread may have the lock before the main thread has answered (docs/qemu.md): the event tells.
    continuing = asyncio.create_task(source.vm.qmp.execute("migrate-continue", deadline=None, state="pre-switchover"))
    await source.vm.qmp.event("MIGRATION", status="device")
    continuing.cancel()
    return source


async def alone(stage: Stage, *, names: bool = True) -> str:
    return await hang.hangs(stage, await provoke(stage, names=names))


async def with_unwedged(stage: Stage, transport: str = "tcp", *, names: bool = True) -> str:
    source = await provoke(stage, transport, names=names)
    outcome = await hang.recovers(stage, source, "bql-held", ("migration", "migration"))
    await hang.migration_failed(source)
    return f"{outcome}, migration failed"
