"""A migration whose stream stands still while the guest runs on: it is reported."""

import asyncio
import json

import migration
from disk_image import random_image
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
_RAM_MIB = 256  # more than the sockets hold
_BYTES_PER_SECOND = 32_000_000


async def with_unwedged(stage: Stage) -> str:
    ram = stage.folder / "ram"
    await random_image(ram, _RAM_MIB)
    source = await stage.start_source(Machine(ram_mib=_RAM_MIB, ram_file=ram), disk=False)
    destination = await stage.start_destination(source)
    await source.vm.qmp.execute("migrate-set-parameters", max_bandwidth=_BYTES_PER_SECOND)
    await migration.migrate(source.vm, destination)
    await asyncio.sleep(1)
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
