"""The base dies into which a commit writes, then QMP `stop`: a part of the guest's disk, named and left alone."""

import hang
from dead_node import BASE, commit, dies
from enrolment import FixedSocket
from stage import Stage

ENROLMENT = FixedSocket()
ROOT = ("block-node", BASE)


async def alone(stage: Stage) -> str:
    async with dies(stage, commit) as (source, _):
        return await hang.hangs(stage, source)


async def with_unwedged(stage: Stage) -> str:
    async with dies(stage, commit) as (source, _):
        await hang.has_verdict(stage, source, "main-loop-waits", ROOT)
        await hang.left_alone(stage, source, ("open", "failed"))
    return "hangs, explained; no yank"
