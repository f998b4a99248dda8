"""The target of a mirror dies, then QMP `stop`: the main thread itself waits for it in a nested poll.

Nobody else holds the lock here; the guest's vCPU waits for the main thread. After the yank the VM is
paused, as the operator had asked, and `cont` must bring it back.
"""

import asyncio

import hang
from enrolment import FixedSocket
from expectation import require
from mirror import TARGET, freeze_target_in_mid_mirror
from stage import Source, Stage

ENROLMENT = FixedSocket()
ROOT = ("block-node", TARGET)


async def provoke(stage: Stage) -> tuple[Source, asyncio.Task]:
    """The stop goes on as a task: it is answered when the hang ends, if ever."""
    server = await stage.start_nbd_server()
    source = await stage.start_source()
    await freeze_target_in_mid_mirror(source.vm, server)
    stopping = asyncio.create_task(source.vm.qmp.execute("stop", deadline=None))
    stage.timeline.note("qemu", "stop")
    return source, stopping


async def alone(stage: Stage) -> str:
    source, stopping = await provoke(stage)
    try:
        return await hang.hangs(stage, source)
    finally:
        stopping.cancel()


async def with_unwedged(stage: Stage) -> str:
    source, stopping = await provoke(stage)
    try:
        await hang.has_verdict(stage, source, "main-loop-waits", ROOT)
        require(await source.vm.liveness.answered(10), "the monitor did not answer again")
        async with asyncio.timeout(5):
            await stopping
    finally:
        stopping.cancel()
    status = source.vm.liveness.stalls[-1].status
    require(status == "paused", f"run state {status} after the yank, expected paused as the operator asked")
    await source.vm.qmp.execute("cont")
    return await hang.comes_back(stage, source, ROOT) + ": paused, then cont"
