"""The frozen destination in a QEMU whose threads have no names: whose stream it is must show otherwise.

Named it must be; whether that is sure enough to act on is the judge's. Acted on, the VM must come back.
"""

import hang
from enrolment import FixedSocket
from scenarios import frozen_destination
from stage import Stage

ENROLMENT = FixedSocket()
ROOT = ("migration", "migration")


async def alone(stage: Stage) -> str:
    return await frozen_destination.alone(stage, names=False)


async def with_unwedged(stage: Stage) -> str:
    source = await frozen_destination.provoke(stage, names=False)
    await hang.has_verdict(stage, source, "bql-held", ROOT)
    if await source.vm.liveness.running_again(hang.RUNNING_WITHIN + 1):
        outcome = await hang.comes_back(stage, source, ROOT)
        await hang.migration_failed(source)
        return f"{outcome}, migration failed"
    await hang.left_alone(stage, source, ("open", "failed"))
    return "hangs, explained; nothing done"
