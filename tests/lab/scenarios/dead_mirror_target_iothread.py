"""The dead mirror target with the disk in an iothread, and no authority for a lease: explained, and left alone.

qemu-facts 8.2: a plain yank, and a cut from outside as well, trips an assertion (job_set_aio_context) most times. What
brings it back needs the authority rescue: rescued-mirror-target-iothread.
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
    await hang.left_alone(stage, source, ("open", "failed", "observed"))
    return "hangs, explained; not cut off"
