"""The server of the guest's own disk does not answer: the guest's I/O stands still while QMP answers; it is reported."""

import json

from enrolment import SocketGlob
from expectation import require
from guest import writing_boot_sector
from liveness import LATE
from stage import Stage
from switchover import writes_on
from virtual_machine import Machine

ENROLMENT = SocketGlob()
# As shipped, with less patience.
POLICIES = {"guest-io-stall": """
condition = "guest-io-stall"
patience = "5s"
ladder = [{ action = "report" }]
"""}


async def with_unwedged(stage: Stage) -> str:
    server = await stage.start_nbd_server(boot_sector=writing_boot_sector())
    source = (await stage.start_source(Machine(nbd_port=server.port))).vm
    await writes_on(source)
    server.process.freeze()
    incident = await stage.unwedged.incident_until(source.name, lambda seen: True, 75, "open")
    require((incident["condition"], incident["subject"]) == ("guest-io-stall", "disk"), f"incident {incident}")
    require(not incident["steps"], f"something was done: {json.dumps(incident['steps'])}")
    require(source.liveness.silent_for < LATE, "the monitor does not answer either")
    server.process.thaw()
    closed = await stage.unwedged.incident_until(source.name, lambda seen: seen["closed"] is not None, 20, "closed")
    require(closed["outcome"] == "observed", f"outcome {closed['outcome']}")
    await writes_on(source)
    return "reported while QMP answers, closed when it goes on"
