"""The dead mirror target on a unix socket, with the disk in an iothread: a lease, and in it a cut from outside.

The yank would leave QEMU spinning (dead-mirror-target-unix), lease or not.
"""

from enrolment import DialIn
from scenarios import rescued_mirror_target_iothread
from scenarios.dead_mirror_target import POLICIES
from stage import Stage

ENROLMENT = DialIn()
AUTHORITY = "rescue"


async def with_unwedged(stage: Stage) -> str:
    return await rescued_mirror_target_iothread.with_unwedged(stage, "unix")
