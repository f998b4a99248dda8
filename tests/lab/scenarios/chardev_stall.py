"""Whoever reads a guest's debug console stops reading: the vCPU's thread tries again for ever, the BQL held.

A device that writes "all of it" to a chardev has QEMU loop: send, EAGAIN, sleep 100 us (qemu_chr_write_buffer). The
thread is awake ten thousand times a second and gets nothing done.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import hang
from disk_image import random_image
from enrolment import FixedSocket
from guest import talking_boot_sector
from stage import DISK_MIB, Source, Stage
from virtual_machine import Machine

ENROLMENT = FixedSocket()
CHARDEV = "con0"


@asynccontextmanager
async def stalled(stage: Stage) -> AsyncIterator[Source]:
    """As long as nobody has connected, QEMU drops what the guest says; the first who connects and does not read
    stops it after some hundred bytes."""
    disk = stage.folder / "source.raw"
    digest = await random_image(disk, DISK_MIB, talking_boot_sector())
    console = stage.folder / "console"
    source = await stage.start_source(Machine(disk=disk, extra=[
        "-chardev", f"socket,id={CHARDEV},path={console},server=on,wait=off",
        "-device", f"isa-debugcon,chardev={CHARDEV}"]))
    source.digest = digest
    await asyncio.sleep(1)  # a daemon asks for the chardevs a few queries after the state
    with socket.socket(socket.AF_UNIX) as reader:
        reader.connect(str(console))
        stage.timeline.note("console", "connected, and does not read")
        yield source


async def alone(stage: Stage) -> str:
    async with stalled(stage) as source:
        return await hang.hangs(stage, source)


async def with_unwedged(stage: Stage) -> str:
    async with stalled(stage) as source:
        await hang.has_verdict(stage, source, "bql-held", ("chardev", CHARDEV), within=hang.AWAKE_WITHIN)
        await hang.left_alone(stage, source, ("open", "failed"))
    return "hangs, the chardev is named; nothing done"
