"""The dead mirror target in a QEMU with a mount and a pid namespace of its own: inside, every number is another.

The owner in a mutex is what the process believes its thread's number to be, so a number of the inner namespace.
"""

from enrolment import DialIn
from scenarios import dead_mirror_target
from stage import Stage
from virtual_machine import Machine

ENROLMENT = DialIn()
POLICIES = dead_mirror_target.POLICIES
_MACHINE = Machine(within=("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"))


async def alone(stage: Stage) -> str:
    return await dead_mirror_target.alone(stage, _MACHINE)


async def with_unwedged(stage: Stage) -> str:
    return await dead_mirror_target.with_unwedged(stage, _MACHINE)
