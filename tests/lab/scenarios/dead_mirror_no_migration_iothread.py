"""Like dead-mirror-no-migration, with the disk in an iothread."""

from dataclasses import replace

from scenarios import dead_mirror_no_migration as plain
from stage import Stage

ENROLMENT = plain.ENROLMENT
MACHINE = replace(plain.MACHINE, iothread=True)
POLICIES = plain.POLICIES


async def alone(stage: Stage) -> str:
    return await plain.alone(stage, MACHINE)


async def with_unwedged(stage: Stage) -> str:
    return await plain.with_unwedged(stage, MACHINE)
