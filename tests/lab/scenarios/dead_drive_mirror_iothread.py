"""The dead target of a drive-mirror, with the disk in an iothread and the authority for a lease.

Its node goes with its job. QEMU 7.2 walks the block graph at the switchover, and would abort as it comes to a node that
is no more (docs/rescue.md): no lease, left alone. 10.0 does not walk it, and is brought back.
"""

import hang
import migration
from enrolment import DialIn
from expectation import require
from mirror import freeze_in_mid_mirror, start_drive_mirror
from quiet import done
from scenarios.dead_mirror_target import POLICIES
from stage import Source, Stage
from virtual_machine import Machine

ENROLMENT = DialIn()
AUTHORITY = "rescue"


async def provoke(stage: Stage) -> tuple[Source, int]:
    """And the major number of its QEMU."""
    server = await stage.start_nbd_server()
    source = await stage.start_source(Machine(iothread=True))
    destination = await stage.start_destination(source, server.image)
    await start_drive_mirror(source.vm, server)
    await freeze_in_mid_mirror(source.vm, server)
    version = await source.vm.qmp.execute("query-version")
    await migration.migrate(source.vm, destination)
    return source, version["qemu"]["major"]


async def with_unwedged(stage: Stage) -> str:
    source, major = await provoke(stage)
    incident = await hang.has_verdict(stage, source, "bql-held", None)
    root = incident["verdict"]["root"]
    require(root["type"] == "block-node" and root["name"].startswith("#"), f"root {root}")
    if major < 8:
        return await _is_refused(stage, source)
    outcome = await hang.comes_back(stage, source, (root["type"], root["name"]), by="rescue-root")
    await hang.migration_failed(source, how=("failed", "cancelled"))
    return f"{outcome} by a lease, migration over"


async def _is_refused(stage: Stage, source: Source) -> str:
    name = source.vm.name
    refused = "failed: graph-stays"
    await stage.unwedged.incident_until(
        name, lambda seen: any(step["result"].startswith(refused) for step in seen["steps"]), 10, refused)
    require(not await source.vm.liveness.running_again(hang.HANGS_AFTER), "it came back")
    require(source.vm.process.alive, "QEMU died")
    incident, = await stage.unwedged.incidents(name)
    require([step["action"] for step in done(incident)] == ["rescue-root"], f"something else was done: {incident['steps']}")
    return "hangs, explained; no lease"
