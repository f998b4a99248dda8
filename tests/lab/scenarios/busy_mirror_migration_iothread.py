"""Like busy-mirror-migration, with the disk in an iothread."""

from scenarios import busy_mirror_migration as plain
from stage import Stage
from virtual_machine import Machine

ENROLMENT = plain.ENROLMENT


async def alone(stage: Stage) -> str:
    return await plain.alone(stage, Machine(iothread=True))


async def with_unwedged(stage: Stage) -> str:
    return await plain.with_unwedged(stage, Machine(iothread=True))
