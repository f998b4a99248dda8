"""A migration that gets nowhere, because its bandwidth is less than what the guest dirties: it is reported."""

import json

import migration
from enrolment import SocketGlob
from expectation import require
from stage import Stage
from virtual_machine import Machine

ENROLMENT = SocketGlob()
# As shipped, with less patience.
POLICIES = {"migration-no-progress": """
condition = "migration-no-progress"
patience = "12s"
ladder = [{ action = "report" }]
"""}


async def with_unwedged(stage: Stage) -> str:
    source = await stage.start_source(Machine(writes=True))
    destination = await stage.start_destination(source)
    # Nothing at all gets through: the stream stands still behind a stopped reader, and its buffers are full.
    await source.vm.qmp.execute("migrate-set-parameters", max_bandwidth=4_000_000)
    await migration.migrate(source.vm, destination)
    destination.process.freeze()
    incident = await stage.unwedged.incident_until(
        source.vm.name, lambda seen: True, 30, "open")
    require(incident["condition"] == "migration-no-progress", f"incident {incident}")
    require(not incident["steps"], f"something was done: {json.dumps(incident['steps'])}")
    destination.process.thaw()
    closed = await stage.unwedged.incident_until(
        source.vm.name, lambda seen: seen["closed"] is not None, 30, "closed")
    require(closed["outcome"] == "observed", f"outcome {closed['outcome']}")
    return "reported"
