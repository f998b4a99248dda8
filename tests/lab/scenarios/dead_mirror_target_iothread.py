"""The dead mirror target with the disk in an iothread: a plain yank would abort QEMU, so nothing may be done.

qemu-facts 8.2: the yank trips an assertion (job_set_aio_context) most times. Saying why and leaving the VM
alone is right until there is a remedy that does not kill it.
"""

import hang
from enrolment import DialIn
from scenarios.dead_mirror_target import POLICIES, ROOT, provoke
from stage import Stage
from virtual_machine import Machine

ENROLMENT = DialIn()


async def alone(stage: Stage) -> str:
    return await hang.hangs(stage, await provoke(stage, Machine(iothread=True)))


async def with_unwedged(stage: Stage) -> str:
    source = await provoke(stage, Machine(iothread=True))
    await hang.has_verdict(stage, source, "bql-held", ROOT)
    await hang.left_alone(stage, source, ("open", "failed"))
    return "hangs, explained; no yank"
