"""A mirror becomes READY and a migration completes, as libvirt does it: the daemon must not say a word.

pause-before-switchover, soft cancel of the READY mirror at pre-switchover, migrate-continue.
"""

import migration
import quiet
from disk_image import digest
from enrolment import SocketGlob
from expectation import require
from mirror import JOB, start_mirror
from stage import Stage

ENROLMENT = SocketGlob()
_NO_LIMIT = 0


async def migrates(stage: Stage) -> str:
    server = await stage.start_nbd_server()
    source = await stage.start_source()
    destination = await stage.start_destination(source, server.image, watched=True)
    qmp = source.vm.qmp
    await migration.set_capabilities(source.vm, "pause-before-switchover", "events")
    await start_mirror(source.vm, server, _NO_LIMIT)
    await qmp.event("BLOCK_JOB_READY", device=JOB, deadline=30)
    stage.timeline.note("qemu", "mirror READY")
    await migration.migrate(source.vm, destination)
    await qmp.event("MIGRATION", status="pre-switchover", deadline=30)
    await qmp.execute("block-job-cancel", device=JOB, force=False)
    await qmp.event("JOB_STATUS_CHANGE", id=JOB, status="concluded")
    await qmp.execute("job-dismiss", id=JOB)
    await qmp.execute("migrate-continue", state="pre-switchover")
    await qmp.event("MIGRATION", status="completed", deadline=30)
    await destination.qmp.event("RESUME", deadline=10)
    state = (await destination.qmp.execute("query-status"))["status"]
    require(state == "running", f"run state {state} on the destination, expected running")
    require(await digest(server.image) == source.digest, "the destination's disk is not the source's")
    await quiet.stays_quiet(stage, source.vm, destination)
    return "completes"


async def alone(stage: Stage) -> str:
    return await migrates(stage)


async def with_unwedged(stage: Stage) -> str:
    return await migrates(stage) + ", no incident"
