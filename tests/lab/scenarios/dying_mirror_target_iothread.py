"""Like dying-mirror-target, with the disk in an iothread."""

from scenarios import dying_mirror_target as plain
from stage import Stage
from virtual_machine import Machine

ENROLMENT = plain.ENROLMENT


async def alone(stage: Stage) -> str:
    return await plain.alone(stage, Machine(iothread=True))


async def with_unwedged(stage: Stage) -> str:
    return await plain.with_unwedged(stage, Machine(iothread=True))
