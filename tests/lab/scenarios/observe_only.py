"""The dead mirror target with authority observe: everything is said, nothing is done.

Alone it is dead-mirror-target, so there is only one column.
"""

import hang
from enrolment import SocketGlob
from expectation import require
from scenarios.dead_mirror_target import POLICIES, ROOT, provoke
from stage import Stage

ENROLMENT = SocketGlob()
AUTHORITY = "observe"


async def with_unwedged(stage: Stage) -> str:
    source = await provoke(stage)
    await hang.has_verdict(stage, source, "bql-held", ROOT)
    incident = await hang.left_alone(stage, source, ("open", "observed"))
    instances = [{"type": ROOT[0], "node-name": ROOT[1]}]
    would = [step for step in incident["steps"] if step["action"] == "yank" and step["result"] == "observed"]
    require(would and would[0]["arguments"]["instances"] == instances,
            f"the step that would have been taken is not recorded: {incident['steps']}")
    return "hangs, explained; would yank"
