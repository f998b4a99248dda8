"""Like dying-mirror-target, with the disk in an iothread."""

from dataclasses import replace

from scenarios import dying_mirror_target as plain
from stage import Stage

ENROLMENT = plain.ENROLMENT
MACHINE = replace(plain.MACHINE, iothread=True)


async def alone(stage: Stage) -> str:
    return await plain.alone(stage, MACHINE)


async def with_unwedged(stage: Stage) -> str:
    return await plain.with_unwedged(stage, MACHINE)
