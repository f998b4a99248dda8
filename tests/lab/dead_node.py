"""Block jobs other than a mirror whose NBD node dies in the middle, then QMP `stop`, which drains them all.

A backup copies to that node, which is nobody's disk. A commit writes into it and a stream reads from it: there it is a
part of the guest's own disk, and to lose it may be to lose the VM.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from disk_image import converted_to_qcow2, empty_qcow2
from expectation import require
from mirror import BYTES_PER_SECOND, JOB, TARGET, copied
from nbd_server import NbdServer
from stage import DISK_MIB, Source, Stage
from virtual_machine import Machine

BASE = "base"  # the node under the guest's overlay


async def backup(stage: Stage) -> tuple[Source, NbdServer]:
    server = await stage.start_nbd_server()
    source = await stage.start_source()
    await source.vm.qmp.execute("blockdev-add", driver="nbd", node_name=TARGET, server=server.address,
                                export=server.EXPORT)
    await source.vm.qmp.execute("blockdev-backup", job_id=JOB, device="disk", target=TARGET, sync="full",
                                speed=BYTES_PER_SECOND, auto_dismiss=False)
    return source, server


async def commit(stage: Stage) -> tuple[Source, NbdServer]:
    """Everything is in the overlay and goes down into the base."""
    server = await stage.start_nbd_server(full=True)
    overlay = stage.folder / "overlay.qcow2"
    await converted_to_qcow2(overlay, server.image)
    source = await stage.start_source(Machine(nbd_port=server.port, overlay=overlay))
    await source.vm.qmp.execute("block-commit", job_id=JOB, device="disk", speed=BYTES_PER_SECOND, auto_dismiss=False)
    return source, server


async def stream(stage: Stage) -> tuple[Source, NbdServer]:
    """Everything is in the base and comes up into the overlay."""
    server = await stage.start_nbd_server(full=True)
    overlay = stage.folder / "overlay.qcow2"
    await empty_qcow2(overlay, DISK_MIB)
    source = await stage.start_source(Machine(nbd_port=server.port, overlay=overlay))
    await source.vm.qmp.execute("block-stream", job_id=JOB, device="disk", speed=BYTES_PER_SECOND, auto_dismiss=False)
    return source, server


@asynccontextmanager
async def dies(stage: Stage, begin) -> AsyncIterator[tuple[Source, asyncio.Task]]:
    """`begin` is one of the jobs above; what follows is `stop`, answered if ever the hang ends."""
    source, server = await begin(stage)
    await asyncio.sleep(1)
    stage.timeline.note("qemu", f"job {JOB}: {await copied(source.vm):.0%}")
    server.process.freeze()
    stage.timeline.note("nbd", "NBD server frozen (SIGSTOP)")
    await source.vm.qmp.execute("block-job-set-speed", device=JOB, speed=0)
    await asyncio.sleep(0.3)
    require(0 < await copied(source.vm) < 1, "the job was through before its node froze")
    stopping = asyncio.create_task(source.vm.qmp.execute("stop", deadline=None))
    stage.timeline.note("qemu", "stop")
    try:
        yield source, stopping
    finally:
        stopping.cancel()
