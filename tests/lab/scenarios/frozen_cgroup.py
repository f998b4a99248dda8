"""QEMU's cgroup is frozen (unified hierarchy), as by a container manager: say so, and keep your hands off."""

import hang
from enrolment import SocketGlob
from expectation import require
from freezer import FrozenCgroup, Hierarchy, unified
from stage import Stage

ENROLMENT = SocketGlob()


async def freeze(stage: Stage, hierarchy: Hierarchy | None) -> str:
    require(hierarchy, "this host has no unified cgroup hierarchy")
    source = await stage.start_source()
    with FrozenCgroup(hierarchy, source.vm.process.pid, f"uw-lab-{source.vm.name}"):
        stage.timeline.note("cgroup", f"{source.vm.name} frozen through {hierarchy.mountpoint}")
        await hang.has_verdict(stage, source, "frozen", None)
    stage.timeline.note("cgroup", f"{source.vm.name} thawed")
    require(await source.vm.liveness.running_again(5), "no answer after the thaw")
    await hang.resolves_itself(stage, source)
    return "frozen, left alone"


async def with_unwedged(stage: Stage) -> str:
    return await freeze(stage, unified())
