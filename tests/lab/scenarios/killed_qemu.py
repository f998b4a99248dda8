"""QEMU is killed: nothing to save, but its last hours must be on record."""

import asyncio
import signal
import time

import hang
from enrolment import FixedSocket
from expectation import require
from stage import Source, Stage
from timeline import from_rfc3339

ENROLMENT = FixedSocket()


async def kill(stage: Stage) -> Source:
    source = await stage.start_source()
    # Something that a post-mortem can show.
    await source.vm.qmp.execute("stop")
    await source.vm.qmp.execute("cont")
    await asyncio.sleep(0.5)
    stage.figures.stall = time.monotonic()
    source.vm.process.send(signal.SIGKILL)
    stage.timeline.note("qemu", "process killed (SIGKILL)")
    await source.vm.process.wait(5)
    return source


async def alone(stage: Stage) -> str:
    await kill(stage)
    return "gone without a trace"


async def with_unwedged(stage: Stage) -> str:
    vm = (await kill(stage)).vm
    await stage.unwedged.vm_until(vm.name, lambda seen: seen["state"] == "gone", hang.VERDICT_WITHIN, "gone")
    incident = await stage.unwedged.incident_until(
        vm.name, lambda seen: seen["condition"] == "process-gone", 5, "process-gone")
    if incident["verdict"]:
        hang.check_verdict(incident["verdict"], "gone", None)
        stage.figures.verdict = from_rfc3339(incident["verdict"]["at"])
    record = stage.unwedged.record(incident["id"])
    for event in ("STOP", "RESUME"):
        require(f'"{event}"' in record, f"the post-mortem does not hold the event {event}")
    return "gone, post-mortem"
