"""A VM that nobody enrolled hangs: found by its process, the hang seen and its holder named without any QMP."""

import json

import hang
from enrolment import Unenrolled
from expectation import require
from quiet import done
from scenarios.dead_mirror_target import provoke
from stage import Stage

ENROLMENT = Unenrolled()
_WITHIN = 8.0  # seconds of the stall: there is no request of ours that is late, only samples of the process


async def with_unwedged(stage: Stage) -> str:
    source = await provoke(stage)
    vm = source.vm
    require(await vm.liveness.stalled(10), "the VM did not stall at all")
    seen = await stage.unwedged.vm_until(vm.name, lambda vm: vm["verdict"] is not None, _WITHIN + 2, "with a verdict")
    require(seen["pid"] == vm.process.pid, f"pid {seen['pid']}, expected {vm.process.pid}")
    require(seen["verdict"]["kind"] == "bql-held", f"verdict {json.dumps(seen['verdict'])}")
    holder = seen["verdict"]["holder"]["comm"]
    require(holder in ("live_migration", "mig/src/main"), f"holder {holder}")
    await hang.hangs(stage, source)
    for incident in await stage.unwedged.incidents(vm.name):
        require(not done(incident), f"something was done: {json.dumps(incident['steps'])}")
    return "hangs, explained by its process alone"
