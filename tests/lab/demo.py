"""The main job for a person: a VM hangs, unwedged says why, the VM runs again.

The scenario dead-mirror-target on real QEMU, told as it happens. Exit status: 0 the VM was recovered, 1 it
was not, 2 usage, 130 interrupted.
"""

import argparse
import asyncio
import json
import shutil
import sys
from pathlib import Path

import hang
import migration
from campaign import CONTRADICTIONS
from expectation import require
from interruption import EXIT_STATUS, cancel_on_signals
from mirror import JOB
from narration import Narration
from qmp_client import QmpSilent
from scenarios import dead_mirror_target
from stage import PROGRAMS, Settings, Source, Stage
from timeline import from_rfc3339


async def _show_silence(stage: Stage, source: Source) -> None:
    """What anybody else sees who asks this VM something."""
    vm = source.vm
    require(await vm.liveness.stalled(10), "the VM did not stall")
    try:
        await vm.qmp.execute("query-block-jobs", deadline=0.5)
    except QmpSilent:
        stage.timeline.note("lab", "another QMP client asks query-block-jobs: no answer")
    took = await vm.oob_answers()
    stage.timeline.note("lab", f"out-of-band query-yank: answered in {took * 1000:.1f} ms; only the main loop hangs")


async def _follow_daemon(stage: Stage, source: Source) -> None:
    """Tells each change of the daemon's opinion, and each step that it takes."""
    told, steps = "healthy", 0
    while True:
        seen = await stage.unwedged.vm(source.vm.name)
        if seen and seen["state"] != told:
            told = seen["state"]
            stage.timeline.note("unwedged", f"{source.vm.name} is {told}", at=from_rfc3339(seen["since"]))
        for incident in await stage.unwedged.incidents(source.vm.name):
            for step in incident["steps"][steps:]:
                stage.timeline.note("unwedged", f"{step['action']} {json.dumps(step['arguments'])}: {step['result']}, "
                                                f"{step['took_ms']} ms", at=from_rfc3339(step["at"]))
            steps = len(incident["steps"])
        await asyncio.sleep(0.1)


async def _show_aftermath(stage: Stage, source: Source) -> None:
    vm = source.vm
    await hang.migration_failed(source)
    stage.timeline.note("qemu", f"migration: {await migration.status(vm)}; guest: {vm.liveness.status}")
    job = next(job for job in await vm.qmp.execute("query-jobs") if job["id"] == JOB)
    stage.timeline.note("qemu", f"mirror {JOB}: {job['status']}, {job.get('error', 'no error')}")
    # recovers() has compared the digests; it would have raised.
    stage.timeline.note("lab", "source disk compared: byte for byte as it was")


async def _show_surfaces(stage: Stage, source: Source, narration: Narration) -> None:
    """The same, as an operator finds it afterwards."""
    incident, = await stage.unwedged.incidents(source.vm.name)
    for arguments in (["list"], ["incidents"], ["incident", str(incident["id"])]):
        narration.heading(f"$ unwedgectl {' '.join(arguments)}")
        await stage.unwedged.show(*arguments)


async def _play(stage: Stage, narration: Narration) -> None:
    source = await dead_mirror_target.provoke(stage)
    beside = [asyncio.create_task(_show_silence(stage, source)), asyncio.create_task(_follow_daemon(stage, source))]
    try:
        await hang.recovers(stage, source, "bql-held", dead_mirror_target.ROOT)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
    await _show_aftermath(stage, source)
    await _show_surfaces(stage, source, narration)
    times = stage.figures.seconds()
    narration.heading(f"Stall to verdict {times['stall_to_verdict']:.1f} s (patience 3 s), "
                      f"verdict to running VM {times['verdict_to_running']:.1f} s.")


async def _demo(settings: Settings, keep: bool) -> int:
    cancel_on_signals()
    narration = Narration()
    stage = Stage(settings, dead_mirror_target.ENROLMENT, policies=dead_mirror_target.POLICIES, narrator=narration.tell, vm_name="web01")
    narration.heading("The target of a mirror dies; then a migration is started. QEMU alone would hang for ever.\n")
    try:
        async with stage, narration:
            await _play(stage, narration)
    except CONTRADICTIONS as error:
        log = stage.unwedged.process.log_tail() if stage.unwedged and stage.unwedged.process else ""
        print(f"\nThe VM was not recovered: {error}\n{log}\nlogs: {stage.folder}", file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        stage.remove()
        raise
    if keep:
        print(f"logs: {stage.folder}")
    else:
        stage.remove()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, default=PROGRAMS, metavar="DIR",
                        help="where unwedged and unwedgectl are (default build/bin)")
    parser.add_argument("--qemu", default="qemu-system-x86_64", metavar="BINARY", help="the QEMU to play with")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    arguments = parser.parse_args()
    for program in (arguments.qemu, "qemu-storage-daemon", str(arguments.bin.resolve() / "unwedged")):
        if not shutil.which(program):
            parser.error(f"there is no {program}")
    try:
        return asyncio.run(_demo(Settings(arguments.qemu, arguments.bin.resolve()), arguments.keep))
    except asyncio.CancelledError:
        return EXIT_STATUS


if __name__ == "__main__":
    sys.exit(main())
