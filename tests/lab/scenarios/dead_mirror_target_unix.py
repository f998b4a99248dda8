"""The dead mirror target on a unix socket: QEMU's own yank leaves it spinning there, so it is cut off from outside.

qemu-facts 8.5: the shutdown of a full unix socket gives POLLHUP alone, which QEMU does not poll for.
"""

import hang
from enrolment import FixedSocket
from scenarios.dead_mirror_target import POLICIES, ROOT, provoke
from stage import Stage

ENROLMENT = FixedSocket()


async def alone(stage: Stage) -> str:
    return await hang.hangs(stage, await provoke(stage, transport="unix"))


async def with_unwedged(stage: Stage) -> str:
    source = await provoke(stage, transport="unix")
    outcome = await hang.recovers(stage, source, "bql-held", ROOT, by="sever-root")
    await hang.migration_failed(source)
    return f"{outcome} by sever, migration failed"
