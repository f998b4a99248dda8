"""The same through the first hierarchy's freezer, on a host that has it mounted."""

from enrolment import DialIn
from freezer import first
from scenarios.frozen_cgroup import freeze
from stage import Stage

ENROLMENT = DialIn()

if first():
    async def with_unwedged(stage: Stage) -> str:
        return await freeze(stage, first())
