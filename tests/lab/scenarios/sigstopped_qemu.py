"""Somebody stopped the QEMU process (SIGSTOP), for reasons of their own: say so, and keep your hands off."""

import json

import hang
import quiet
from enrolment import SocketGlob
from expectation import Unexpected, require
from qmp_client import QmpSilent
from stage import Source, Stage

ENROLMENT = SocketGlob()
_STOPPED_FOR = 7.0


async def stop_process(stage: Stage) -> Source:
    source = await stage.start_source()
    source.vm.process.freeze()
    stage.timeline.note("qemu", "process stopped (SIGSTOP)")
    return source


async def thaw_process(stage: Stage, source: Source) -> None:
    """After SIGSTOP has lasted: all is silent until SIGCONT, and all is well after it."""
    vm = source.vm
    await vm.liveness.stalled(_STOPPED_FOR + 3, seconds=_STOPPED_FOR)
    try:
        await vm.oob_answers()
    except QmpSilent:
        pass
    else:
        raise Unexpected("a stopped process answered out-of-band")
    stage.figures.stall = vm.liveness.onset
    vm.process.thaw()
    stage.timeline.note("qemu", "process continued (SIGCONT)")
    require(await vm.liveness.running_again(5), "no answer after SIGCONT")


async def alone(stage: Stage) -> str:
    await thaw_process(stage, await stop_process(stage))
    return "silent until SIGCONT"


async def with_unwedged(stage: Stage) -> str:
    source = await stop_process(stage)
    await hang.has_verdict(stage, source, "stopped", None)
    await thaw_process(stage, source)
    incident = await stage.unwedged.incident_until(
        source.vm.name, lambda seen: seen["closed"] is not None, 10, "closed")
    require(incident["outcome"] == "resolved-itself", f"outcome {incident['outcome']}, expected resolved-itself")
    require(not quiet.done(incident), f"something was done: {json.dumps(incident['steps'])}")
    await stage.unwedged.vm_until(source.vm.name, lambda vm: vm["state"] == "healthy", 5, "healthy again")
    return "stopped, left alone"
