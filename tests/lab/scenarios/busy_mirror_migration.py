"""A migration beside a mirror that still copies: QEMU alone aborts, or completes over half a copy.

qemu-facts 8.1, second row. With the daemon the migration waits for its mirror, and the copy is whole.
"""

import asyncio

import migration
import switchover
from enrolment import FixedSocket
from expectation import require
from mirror import start_mirror
from stage import Stage
from virtual_machine import Machine

ENROLMENT = FixedSocket()
MACHINE = Machine(writes=True)
_SPEED = 20_000_000  # some six seconds for the disk; a migration takes half a second


async def migrates(stage: Stage, machine: Machine = MACHINE, speed: int = _SPEED) -> switchover.Trio:
    trio = await switchover.set_up(stage, machine)
    await start_mirror(trio.source.vm, trio.server, speed)
    await asyncio.sleep(1)
    await migration.migrate(trio.source.vm, trio.destination)
    return trio


async def alone(stage: Stage, machine: Machine = MACHINE) -> str:
    return await switchover.fate(stage, await migrates(stage, machine))


async def with_unwedged(stage: Stage, machine: Machine = MACHINE) -> str:
    trio = await migrates(stage, machine)
    outcome = await switchover.fate(stage, trio)
    require(outcome == "completes", outcome)
    switchover.concluded_first(trio)
    await switchover.guarded(stage, trio, ["migrate-set-parameters", "block-job-cancel", "migrate-continue"])
    await switchover.parameters_as_before(trio)
    return outcome
