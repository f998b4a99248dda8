"""unwedge-rescue is killed (SIGKILL) at random instants of a lease on a real QEMU that hangs: each time the VM must be
as it was, hung with the BQL where it was, or have come back; never crashed. At the end it is rescued and looked through
as in rescue_campaign.py. Exit status: 0 so it was, 1 it was not.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from expectation import Unexpected, require
from interruption import EXIT_STATUS, cancel_on_signals
from qemus import ALL, chosen
from rescue_campaign import Case, Run
from rescuer import BigLock, NotRescued, Rescuer
from stage import PROGRAMS, Settings, Stage

_WINDOW_MS = 40
_PPOLL = "271"


def _traced(status: int) -> bool:
    """Of a thread's open `status`; as quick as can be, since it is for some 100 us only."""
    return b"TracerPid:\t0\n" not in os.pread(status, 4096, 0)


def _switches(pid: int) -> str:
    """How often the main thread has gone to sleep: it has run in between only if a lease let it."""
    return next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("voluntary"))


def _polls_again(pid: int, lock: BigLock) -> bool:
    """The holder is in QEMU's own poll, which polls something, and the main thread waits for it."""
    try:
        words = Path(f"/proc/{pid}/task/{lock.holder}/syscall").read_text().split()
        return words[0] == _PPOLL and int(words[2], 16) != 0 and BigLock.of(pid) == lock
    except (NotRescued, FileNotFoundError):
        return False


class Kills(Run):
    def __init__(self, case: Case, stage: Stage, programs: Path, kills: int, seed: int):
        super().__init__(case, stage, programs)
        self.kills, self.random = kills, random.Random(seed)
        self.seen = {"before": 0, "held": 0, "after": 0, "begun": 0}

    async def play(self) -> str:
        await self._hang()
        vm, pid = self.vm, self.vm.process.pid
        rescuer = Rescuer(self.programs / "unwedge-rescue", vm)
        for kill in range(self.kills):
            lock = BigLock.of(pid)
            slept = _switches(pid)
            running = await rescuer.begin(_WINDOW_MS)
            await self._instant(kill % 3, lock, pid, running)
            with suppress(ProcessLookupError):  # it was through already
                running.send_signal(signal.SIGKILL)
            await running.communicate()
            end = time.monotonic() + 10
            while not _polls_again(pid, lock):
                require(vm.process.alive, f"QEMU died after kill {kill}: {vm.process.log_tail()}")
                require(time.monotonic() < end, f"after kill {kill} the holder did not come back")
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.02)
            with open(f"/proc/{pid}/task/{lock.holder}/status") as status:
                require(not _traced(status.fileno()), "somebody still traces it")
            self.seen["begun"] += _switches(pid) != slept
        vm.liveness.forget()
        require(await vm.liveness.stalled(10), "it does not hang any more")
        self.rescuer = rescuer
        await self._lease_sever()
        require(await vm.liveness.running_again(10), self._not_back())
        await self._is_whole()
        await self._migrates_again()
        return "survives"

    async def _instant(self, kind: int, lock: BigLock, pid: int, running: asyncio.subprocess.Process) -> None:
        """While it holds the thread; in the window, or as that is ended early; any."""
        if kind == 0:
            with open(f"/proc/{pid}/task/{lock.holder}/status") as file:
                status, end = file.fileno(), time.monotonic() + 1
                while not _traced(status) and time.monotonic() < end:
                    pass
                until = time.monotonic() + self.random.uniform(0, 200e-6)
                while time.monotonic() < until:
                    pass
                self.seen["held"] += _traced(status)
        elif kind == 1:
            require(await running.stdout.readline(), "the lease was refused")
            if self.random.random() < 0.5:
                running.stdin.write(b"end\n")
            await asyncio.sleep(self.random.uniform(0, 1.3 * _WINDOW_MS / 1e3))
            self.seen["after"] += 1
        else:
            await asyncio.sleep(self.random.uniform(0, 0.3))
            self.seen["before"] += 1


async def _all(arguments: argparse.Namespace) -> bool:
    cancel_on_signals()
    ok = True
    for qemu in chosen(arguments.qemu):
        for iothread in (False, True):
            case = Case(qemu, iothread, "tcp", "killed")
            stage = Stage(Settings(qemu.binary, arguments.bin), None)
            run = None
            try:
                async with stage:
                    run = Kills(case, stage, arguments.bin, arguments.kills, arguments.seed)
                    outcome = await run.play()
            except (Unexpected, NotRescued, OSError) as error:
                outcome, ok = f"FAILED, {stage.folder}: {error}", False
            else:
                stage.remove()
            seen = run.seen
            if outcome == "survives" and (seen["begun"] == 0 or arguments.kills >= 30 and seen["held"] == 0):
                outcome, ok = "FAILED: hardly a kill came when it matters", False
            print(f"{case.name}: {arguments.kills} kills ({seen['held']} while it held the thread, {seen['after']} in the "
                  f"window or after, {seen['before']} at any instant; {seen['begun']} leases had begun), then rescued: "
                  f"{outcome}", flush=True)
    return ok


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, metavar="N", help="of each of four VMs (default 50)")
    parser.add_argument("--seed", type=int, default=20251125, metavar="N")
    parser.add_argument("--qemu", default=ALL, metavar="WHICH",
                        help="installed, 10.0, all (default) of these, 5.2, or a program")
    parser.add_argument("--bin", type=Path, default=PROGRAMS, metavar="DIR", help="where unwedge-rescue is")
    try:
        return 0 if asyncio.run(_all(parser.parse_args())) else 1
    except asyncio.CancelledError:
        return EXIT_STATUS


if __name__ == "__main__":
    sys.exit(main())
