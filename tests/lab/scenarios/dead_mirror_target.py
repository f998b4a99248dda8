"""The target of a mirror dies, then a migration is started: the switchover waits for it with the BQL held.

qemu-facts 8.1, "dead target", without iothread: the issue in seed/, on stock packages.
"""

import hang
import migration
from enrolment import FixedSocket
from mirror import TARGET, freeze_target_in_mid_mirror
from stage import Source, Stage
from virtual_machine import Machine

ENROLMENT = FixedSocket()
# Prevented by the guard where it may act; this is about the remedy when it could not.
POLICIES = {"switchover-guard": "", "dead-mirror": ""}
ROOT = ("block-node", TARGET)


async def provoke(stage: Stage, machine: Machine = Machine(), *, transport: str = "tcp") -> Source:
    server = await stage.start_nbd_server(transport=transport)
    source = await stage.start_source(machine)
    destination = await stage.start_destination(source, server.image)
    await freeze_target_in_mid_mirror(source.vm, server)
    await migration.migrate(source.vm, destination)
    return source


async def alone(stage: Stage, machine: Machine = Machine()) -> str:
    return await hang.hangs(stage, await provoke(stage, machine))


async def with_unwedged(stage: Stage, machine: Machine = Machine()) -> str:
    source = await provoke(stage, machine)
    outcome = await hang.recovers(stage, source, "bql-held", ROOT)
    await hang.migration_failed(source)
    return f"{outcome}, migration failed"
