"""A mirror has concluded, and nobody dismisses it: it is reported, and the report closed when somebody does."""

import json

from enrolment import FixedSocket
from expectation import require
from mirror import JOB, start_mirror
from stage import Stage

ENROLMENT = FixedSocket()
# As shipped, with less patience.
POLICIES = {"stuck-job": """
condition = "job-stuck"
patience = "3s"
ladder = [{ action = "report" }]
"""}
_NO_LIMIT = 0


async def with_unwedged(stage: Stage) -> str:
    server = await stage.start_nbd_server()
    source = await stage.start_source()
    qmp, name = source.vm.qmp, source.vm.name
    await start_mirror(source.vm, server, _NO_LIMIT)
    await qmp.event("BLOCK_JOB_READY", device=JOB, deadline=30)
    await qmp.execute("block-job-cancel", device=JOB, force=False)
    await qmp.event("JOB_STATUS_CHANGE", id=JOB, status="concluded")
    incident = await stage.unwedged.incident_until(name, lambda seen: True, 10, "open")
    require((incident["condition"], incident["subject"]) == ("job-stuck", JOB), f"incident {incident}")
    require(not incident["steps"], f"something was done: {json.dumps(incident['steps'])}")
    await qmp.execute("job-dismiss", id=JOB)
    closed = await stage.unwedged.incident_until(name, lambda seen: seen["closed"] is not None, 5, "closed")
    require(closed["outcome"] == "observed", f"outcome {closed['outcome']}")
    return "reported, closed when dismissed"
