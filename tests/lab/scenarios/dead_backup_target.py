"""The target of a backup dies, then QMP `stop`: the drain waits for it. It is named and left alone.

A write of the guest's to a part that is not copied yet waits for its copy (copy-before-write): with the target yanked
that write fails, and the guest gets an I/O error (tried on 7.2 and 10.0).
"""

import hang
from dead_node import backup, dies
from enrolment import SocketGlob
from mirror import TARGET
from stage import Stage

ENROLMENT = SocketGlob()
ROOT = ("block-node", TARGET)


async def alone(stage: Stage) -> str:
    async with dies(stage, backup) as (source, _):
        return await hang.hangs(stage, source)


async def with_unwedged(stage: Stage) -> str:
    async with dies(stage, backup) as (source, _):
        await hang.has_verdict(stage, source, "main-loop-waits", ROOT)
        await hang.left_alone(stage, source, ("open", "failed"))
    return "hangs, explained; no yank"
