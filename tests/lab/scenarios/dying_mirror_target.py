"""The target of a mirror dies at any moment, before a migration or in the middle of it.

qemu-facts 8.1, third row, with the moment drawn at random: the k-th of N runs dies in the k-th part of the time from
just after the mirror's start to well after the migration's. One run in four ends the server, the others freeze it.
"""

import asyncio
import random

import migration
import switchover
from enrolment import SocketGlob
from expectation import require
from mirror import start_mirror
from stage import Stage
from virtual_machine import Machine

ENROLMENT = SocketGlob()
MACHINE = Machine(writes=True)
_MIGRATES_AFTER = 2.5   # seconds after the mirror's start
_FIRST, _LAST = 0.3, 8.0  # the mirror takes 6.4 s


async def migrates(stage: Stage, machine: Machine) -> tuple[switchover.Trio, str]:
    part = (_LAST - _FIRST) / stage.of_runs
    moment = random.uniform(_FIRST + part * (stage.run - 1), _FIRST + part * stage.run)
    trio = await switchover.set_up(stage, machine)
    await start_mirror(trio.source.vm, trio.server)
    death = "ends" if random.random() < 0.25 else "freezes"

    async def dies() -> None:
        await asyncio.sleep(moment)
        if death == "ends":
            trio.server.process.end()
        else:
            trio.server.process.freeze()
        stage.timeline.note("nbd", f"NBD server {death} {moment:.2f} s after the mirror's start")

    async def begins() -> None:
        await asyncio.sleep(_MIGRATES_AFTER)
        await migration.migrate(trio.source.vm, trio.destination)

    async with asyncio.TaskGroup() as both:
        both.create_task(dies())
        both.create_task(begins())
    return trio, f"target {death} at {moment:.2f} s"


async def alone(stage: Stage, machine: Machine = MACHINE) -> str:
    trio, what = await migrates(stage, machine)
    stage.timeline.note("lab", what)
    return await switchover.fate(stage, trio)


async def with_unwedged(stage: Stage, machine: Machine = MACHINE) -> str:
    trio, what = await migrates(stage, machine)
    outcome = await switchover.fate(stage, trio)
    require(outcome in switchover.SURVIVED, f"{outcome}; {what}")
    return outcome
