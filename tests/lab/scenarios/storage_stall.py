"""The storage under the disk stops answering (a FUSE file system), then QMP `stop` waits for the write in flight.

The write sits in a thread of QEMU's pool; the main thread polls for its end. Nothing helps but the storage itself:
the file is named, nothing is done, and all is well once it answers again.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import hang
from disk_image import random_image
from enrolment import FixedSocket
from expectation import require
from guest import writing_boot_sector
from stage import DISK_MIB, Source, Stage
from stalling_storage import StallingStorage
from switchover import writes_on
from virtual_machine import Machine

ENROLMENT = FixedSocket()


@asynccontextmanager
async def stalled(stage: Stage, aio: str = "threads") -> AsyncIterator[tuple[Source, StallingStorage]]:
    """A VM that waits for its storage. `stop` is answered once that goes on."""
    backing = stage.folder / "backing.raw"
    await random_image(backing, DISK_MIB, writing_boot_sector())
    async with StallingStorage(stage.folder, backing, stage.timeline) as storage:
        source = await stage.start_source(Machine(disk=storage.image, writes=True, aio=aio))
        await writes_on(source.vm)
        storage.stall()
        await asyncio.sleep(0.3)  # the guest writes every 55 ms: one of its writes is in flight now
        stopping = asyncio.create_task(source.vm.qmp.execute("stop", deadline=None))
        stage.timeline.note("qemu", "stop")
        try:
            yield source, storage
        finally:
            stopping.cancel()


async def alone(stage: Stage, aio: str = "threads") -> str:
    async with stalled(stage, aio) as (source, _):
        return await hang.hangs(stage, source)


async def with_unwedged(stage: Stage, aio: str = "threads") -> str:
    async with stalled(stage, aio) as (source, storage):
        await hang.has_verdict(stage, source, "storage-wait", ("file", str(storage.image)))
        storage.go_on()
        require(await source.vm.liveness.answered(5), "no answer although the storage goes on")
        await source.vm.qmp.execute("cont")
        await hang.resolves_itself(stage, source)
        await writes_on(source.vm)
    return "the file is named, nothing done, well again with the storage"
