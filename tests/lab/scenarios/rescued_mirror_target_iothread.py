"""The dead mirror target with the disk in an iothread, which nothing else can bring back: the BQL is lent away.

qemu-facts 8.4. In the window the migration is cancelled and the dead node yanked, so that the job fails cleanly in the
main thread; then the holder gets its lock back.
"""

import hang
from enrolment import DialIn
from scenarios.dead_mirror_target import POLICIES, ROOT, provoke
from stage import Stage
from virtual_machine import Machine

ENROLMENT = DialIn()
AUTHORITY = "rescue"


async def with_unwedged(stage: Stage, transport: str = "tcp") -> str:
    source = await provoke(stage, Machine(iothread=True), transport=transport)
    outcome = await hang.recovers(stage, source, "bql-held", ROOT, by="rescue-root")
    await hang.migration_failed(source, how=("failed", "cancelled"))
    return f"{outcome} by a lease, migration over"
