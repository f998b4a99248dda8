"""A migration beside a mirror too slow to get READY in time: the migration is given up within the bound."""

import switchover
from enrolment import DialIn
from expectation import require
from scenarios import busy_mirror_migration
from stage import Stage
from virtual_machine import Machine

ENROLMENT = DialIn()
MACHINE = Machine(writes=True)
_BOUND = 5  # seconds
POLICIES = {"switchover-guard": f"""
condition = "mirror-at-switchover"
patience = "3s"
ladder = [{{ action = "guard-switchover" }}]
[guard]
hold_for = "{_BOUND}s"
"""}
_SPEED = 4_000_000


async def alone(stage: Stage, machine: Machine = MACHINE) -> str:
    return await switchover.fate(stage, await busy_mirror_migration.migrates(stage, machine, _SPEED))


async def with_unwedged(stage: Stage, machine: Machine = MACHINE) -> str:
    trio = await busy_mirror_migration.migrates(stage, machine, _SPEED)
    outcome = await switchover.fate(stage, trio, deadline=_BOUND + 4)
    require(outcome == "runs on the source", outcome)
    await switchover.guarded(stage, trio, ["migrate_cancel"])
    return outcome + ", cancelled within the bound"
