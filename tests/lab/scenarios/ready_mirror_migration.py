"""A migration beside a READY mirror, by a manager that leaves the switchover to QEMU.

qemu-facts 8.1, first row. With the daemon the mirror is concluded first, while the guest stands still.
"""

import migration
import switchover
from enrolment import SocketGlob
from expectation import require
from mirror import JOB, start_mirror
from stage import Stage
from virtual_machine import Machine

ENROLMENT = SocketGlob()
MACHINE = Machine(writes=True)
_NO_LIMIT = 0


async def migrates(stage: Stage, machine: Machine = MACHINE) -> switchover.Trio:
    trio = await switchover.set_up(stage, machine)
    await start_mirror(trio.source.vm, trio.server, _NO_LIMIT, auto_dismiss=True)
    await trio.source.vm.qmp.event("BLOCK_JOB_READY", device=JOB, deadline=30)
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
