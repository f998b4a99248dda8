"""A migration waits in pre-switchover, the guest stands still, and the manager that was to continue it has died."""

import asyncio

import migration
import switchover
from enrolment import DialIn
from expectation import require
from stage import Stage
from virtual_machine import Machine

ENROLMENT = DialIn()
MACHINE = Machine(writes=True)
# As shipped, with less patience.
POLICIES = {"switchover-overdue": """
condition = "switchover-overdue"
patience = "4s"
ladder = [{ action = "cancel-migration", verify_within = "5s" }]
"""}


async def waits(stage: Stage) -> switchover.Trio:
    server = await stage.start_nbd_server()
    source = await stage.start_source(MACHINE)
    destination = await stage.start_destination(source)  # the storage is shared
    await migration.set_capabilities(source.vm, "pause-before-switchover", "events")
    await migration.migrate(source.vm, destination)
    await source.vm.qmp.event("MIGRATION", status="pre-switchover", deadline=30)
    return switchover.Trio(source, destination, server)


async def alone(stage: Stage) -> str:
    trio = await waits(stage)
    await asyncio.sleep(8)
    state = (await trio.source.vm.qmp.execute("query-status"))["status"]
    require(state == "finish-migrate", f"run state {state}, expected finish-migrate")
    return "the guest stands still for ever"


async def with_unwedged(stage: Stage) -> str:
    trio = await waits(stage)
    incident = await stage.unwedged.incident_until(
        trio.source.vm.name, lambda seen: seen["closed"] is not None, 15, "closed")
    require(incident["condition"] == "switchover-overdue", f"incident {incident}")
    require(incident["outcome"] == "recovered", f"outcome {incident['outcome']}: {incident['steps']}")
    await switchover.writes_on(trio.source.vm)
    require(await migration.status(trio.source.vm) == "cancelled", "the migration was not cancelled")
    return "cancelled, guest writes on"
