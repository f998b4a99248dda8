"""The dead mirror target in a QEMU whose threads have no names (no debug-threads): the same verdict, the same cure."""

from enrolment import SocketGlob
from scenarios import dead_mirror_target
from stage import Stage
from virtual_machine import Machine

ENROLMENT = SocketGlob()
POLICIES = dead_mirror_target.POLICIES
_MACHINE = Machine(thread_names=False)


async def alone(stage: Stage) -> str:
    return await dead_mirror_target.alone(stage, _MACHINE)


async def with_unwedged(stage: Stage) -> str:
    return await dead_mirror_target.with_unwedged(stage, _MACHINE)
