"""Hangs real QEMUs as the lab's scenarios do and writes down the stacks of their threads, for tests/unit/signatures.

Usage: capture_stacks.py UNWEDGE_INSPECT FOLDER [installed|10.0|all]
"""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import qemus
from interruption import cancel_on_signals
from scenarios import dead_mirror_target, frozen_destination, stop_with_dead_mirror
from stage import PROGRAMS, Settings, Source, Stage
from virtual_machine import Machine

MIRROR, MIGRATION = ("block-node", ["mirror"]), ("migration", [])
HANGS_AFTER = 3.0
UNANSWERED: list[asyncio.Task] = []


async def idle(stage: Stage) -> Source:
    return await stage.start_source(Machine(iothread=True))


async def with_iothread(stage: Stage) -> Source:
    return await dead_mirror_target.provoke(stage, Machine(iothread=True))


async def stopped(stage: Stage) -> Source:
    source, stopping = await stop_with_dead_mirror.provoke(stage)
    stopping.add_done_callback(lambda task: task.cancelled() or task.exception())  # it ends when QEMU does
    UNANSWERED.append(stopping)
    return source


SITUATIONS = {"idle": (idle, (None, [])), "dead-mirror-target": (dead_mirror_target.provoke, MIRROR),
              "dead-mirror-target-iothread": (with_iothread, MIRROR),
              "stop-with-dead-mirror": (stopped, MIRROR), "frozen-destination": (frozen_destination.provoke, MIGRATION)}


def inspect(program: Path, pid: int) -> dict:
    start = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    done = subprocess.run([program, "--pid", str(pid), "--start-time", start, "stacks"], capture_output=True, check=True)
    return json.loads(done.stdout)


def reduced(seen: dict) -> list[str]:
    """A thread a line: what signatures look at."""
    return [json.dumps({"tid": thread["tid"], "comm": thread["comm"], "unwind": thread["unwind"],
                        "functions": [frame.get("function") or "" for frame in thread["frames"]]})
            for thread in seen["threads"]]


async def capture(name: str, qemu: qemus.Qemu, program: Path) -> str:
    provoke, (root, jobs) = SITUATIONS[name]
    async with Stage(Settings(qemu.binary, PROGRAMS), None) as stage:
        try:
            source = await provoke(stage)
            if root and not await source.vm.liveness.stalled(20, seconds=HANGS_AFTER):
                raise SystemExit(f"{name}: no hang")
            seen = await asyncio.to_thread(inspect, program, source.vm.process.pid)
        finally:
            for task in UNANSWERED:
                task.cancel()
            UNANSWERED.clear()
            stage.remove()
    head = {"qemu": qemu.version, "root": root, "jobs": jobs}
    return json.dumps(head)[:-1] + ', "threads": [\n  ' + ",\n  ".join(reduced(seen)) + "\n]}\n"


async def main(program: Path, folder: Path, which: str) -> None:
    cancel_on_signals()
    for qemu in qemus.chosen(which):
        for name in SITUATIONS:
            text = await capture(name, qemu, program)
            (folder / f"{name}-{qemu.version}.json").write_text(text)
            print(f"{name} on {qemu.full}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]), *(sys.argv[3:] or ["all"])))
