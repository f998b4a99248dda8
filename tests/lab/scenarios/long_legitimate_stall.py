"""A dump of the guest's memory keeps the monitor silent for seconds, at work all the time: busy is not hung.

dump-guest-memory compresses on the main thread. Random RAM does not compress, so that the time goes with its
size, which is chosen by how fast this machine compresses.
"""

import os
import time
import zlib

import quiet
from disk_image import random_image
from enrolment import SocketGlob
from expectation import require
from stage import Stage
from virtual_machine import Machine

ENROLMENT = SocketGlob()
_PAGE = 4096
_AIM = 12.0       # seconds of silence to aim at: beside other runs the measurement may show half of the speed
_AT_LEAST = 6.0   # twice the patience; less would prove nothing


async def dumps(stage: Stage) -> str:
    ram = stage.folder / "ram"
    size = _mebibytes_in(_AIM)
    await random_image(ram, size)
    source = await stage.start_source(Machine(ram_mib=size, ram_file=ram), disk=False)
    stage.timeline.note("qemu", f"dump-guest-memory of {size} MiB")
    await source.vm.qmp.execute("dump-guest-memory", paging=False, format="kdump-zlib",
                                protocol=f"file:{stage.folder}/dump", deadline=120)
    require(await source.vm.liveness.answered(5), "the dump did not make the monitor silent")
    longest = max(stall.seconds for stall in source.vm.liveness.stalls)
    stage.timeline.note("lab", f"query-status stayed without an answer for {longest:.1f} s")
    require(longest >= _AT_LEAST, f"the stall was too short to prove anything: {longest:.1f} s")
    require(await source.vm.liveness.running_again(5), f"run state {source.vm.liveness.status} after the dump")
    await quiet.stays_quiet(stage, source.vm, suspicion_allowed=True)
    return "busy, then answers"


async def alone(stage: Stage) -> str:
    return await dumps(stage)


async def with_unwedged(stage: Stage) -> str:
    return await dumps(stage) + "; no action"


def _mebibytes_in(seconds: float) -> int:
    """How much RAM this machine compresses in that time, page by page as QEMU does, at QEMU's level.

    In CPU time: by the clock, whatever else runs during the measurement would make the dump too short.
    """
    page = os.urandom(_PAGE)
    done, started = 0, time.process_time()
    while time.process_time() - started < 0.5:
        zlib.compress(page, zlib.Z_BEST_SPEED)
        done += 1
    per_second = done / (time.process_time() - started)
    return min(4096, max(128, int(per_second * seconds * _PAGE / (1 << 20))))
