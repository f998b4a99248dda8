"""A QEMU that hangs on a dead mirror target at the switchover, and what brings it back: the daemon with authority rescue
(unwedged), nothing, `yank` alone, and by hand, with unwedge-rescue: sever alone, a lease with one of them inside it.

A VM survives if it runs again, the job has concluded, the migration is over and has not completed, RAM and disk are
what they were, and a second migration of it completes. Exit status: 0 every VM survived that must, 1 not.
"""

import argparse
import asyncio
import hashlib
import json
import statistics
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import guest
import migration
from campaign import CONTRADICTIONS
from disk_image import digest
from enrolment import FixedSocket
from expectation import Unexpected, require
from interruption import EXIT_STATUS, cancel_on_signals
from liveness import LATE
from mirror import JOB, TARGET, freeze_in_mid_mirror, freeze_target_in_mid_mirror, start_drive_mirror
from nbd_server import NbdServer
from qemus import ALL, NoQemu, Qemu, chosen
from quiet import done
from rescuer import NotRescued, Rescuer, sockets
from scenarios.dead_mirror_target import POLICIES
from stage import PROGRAMS, Settings, Source, Stage
from virtual_machine import Machine, VirtualMachine

HUNG_FOR = 3.0    # seconds of silence, then something is done; a healthy switchover has long been through
BACK_WITHIN = 10.0
PATIENT_WITHIN = 30.0  # a server that took all that was sent may be writing: the daemon gives it twenty seconds
RAM_FROM, RAM_BYTES = 1 << 20, 48 << 20  # an idle guest changes nothing above the BIOS's own first megabyte
LIBVIRTS_SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
METHODS = ("unwedged", "nothing", "yank", "sever", "lease+yank", "lease+sever")
# Only if asked for: where a yank did not help; and for QEMU 5.2.
MORE_METHODS = ("yank,sever", "yank,lease+sever", "lease+pause+sever")


@dataclass
class Case:
    qemu: Qemu
    iothread: bool
    transport: str
    method: str
    sandboxed: bool = False
    writes: bool = False  # its guest, for ever; else it idles
    drive_mirror: bool = False
    pauses: bool = False  # capability pause-before-switchover, as libvirt sets it
    auto_dismiss: bool = False  # the job is gone with its end

    @property
    def name(self) -> str:
        words = [self.qemu.version, "iothread" if self.iothread else "no iothread", self.transport,
                 "sandboxed" if self.sandboxed else "", "writes" if self.writes else "",
                 "drive-mirror" if self.drive_mirror else "",
                 "pause-before-switchover" if self.pauses else "", "auto-dismiss" if self.auto_dismiss else "", self.method]
        return " ".join(word for word in words if word)

    @property
    def must_survive(self) -> bool:
        """QEMU's own yank of a full unix socket makes its poll spin, lease or not (docs/qemu.md). A drive-mirror's
        node goes with its job, or the job itself with its end, and QEMU 7.2 walks over it: no lease there, it hangs on.
        """
        if (self.drive_mirror or self.auto_dismiss) and self.iothread and self.qemu.version == "7.2":
            return False
        return self.method in ("unwedged", "lease+sever") or (self.method == "lease+yank" and self.transport == "tcp")


@dataclass
class Result:
    case: Case
    outcome: str
    seconds: float
    documents: list[dict] = field(default_factory=list)
    folder: str | None = None


class Run:
    """One VM, from its start to its second migration."""

    def __init__(self, case: Case, stage: Stage, programs: Path):
        self.case, self.stage, self.programs = case, stage, programs
        self.rescuer: Rescuer | None = None

    async def play(self) -> str:
        await self._hang()
        pid = self.vm.process.pid
        self.rescuer = Rescuer(self.programs / "unwedge-rescue", self.vm)
        self.stage.timeline.note("lab", f"it hangs, pid {pid}; now {self.case.method}")
        within = PATIENT_WITHIN if self.stage.unwedged else BACK_WITHIN
        try:
            await getattr(self, "_" + self.case.method.replace("+", "_").replace(",", "_"))()
        except NotRescued as why:
            return f"refused: {why}"
        if not await self.vm.liveness.running_again(within):
            return self._not_back()
        await asyncio.sleep(0.5)
        if not self.vm.process.alive or self.vm.liveness.silent_for >= LATE:
            return self._not_back()
        await self._is_whole()
        if self.stage.unwedged:
            await self._is_on_record()
        await self._migrates_again()
        return "survives"

    async def _hang(self) -> None:
        self.server: NbdServer = await self.stage.start_nbd_server(transport=self.case.transport)
        sandbox = ["-sandbox", LIBVIRTS_SANDBOX] if self.case.sandboxed else []
        self.source: Source = await self.stage.start_source(Machine(iothread=self.case.iothread, writes=self.case.writes,
                                                                  extra=sandbox))
        self.vm = self.source.vm
        destination = await self.stage.start_destination(self.source, self.server.image)
        before = sockets(self.vm.process.pid)
        if self.case.drive_mirror:
            await start_drive_mirror(self.vm, self.server)
            await freeze_in_mid_mirror(self.vm, self.server)
        else:
            await freeze_target_in_mid_mirror(self.vm, self.server, auto_dismiss=self.case.auto_dismiss)
        new = {fd: inode for fd, inode in sockets(self.vm.process.pid).items() if before.get(fd) != inode}
        require(len(new) == 1, f"the mirror's connection is one of {new}")
        (self.fd, self.inode), = new.items()
        self.ram = "" if self.case.writes else await self._ram()
        if self.case.pauses:
            await migration.set_capabilities(self.vm, "pause-before-switchover")
        await migration.migrate(self.vm, destination)
        stalls = await self.vm.liveness.stalled(15, seconds=LATE if self.stage.unwedged else HUNG_FOR)
        require(stalls and (self.stage.unwedged or self.vm.liveness.silent_for >= HUNG_FOR), "it does not hang")

    async def _nothing(self) -> None:
        pass

    async def _unwedged(self) -> None:
        """It is at it already."""

    async def _is_on_record(self) -> None:
        incident = await self.stage.unwedged.incident_until(
            self.vm.name, lambda seen: seen["closed"] is not None, 15, "closed")
        steps = [(step["action"], step["result"]) for step in done(incident)]
        require(incident["outcome"] == "recovered" and len(steps) == 1, f"{incident['outcome']}: {json.dumps(steps)}")
        self.by = steps[0][0]
        await self.stage.unwedged.vm_until(self.vm.name, lambda vm: vm["state"] == "healthy", 5, "healthy again")

    async def _yank(self) -> None:
        await self.vm.oob.execute_oob("yank", instances=[{"type": "block-node", "node-name": TARGET}])

    async def _sever(self) -> None:
        await self.rescuer.sever(self.fd, self.inode)

    async def _yank_sever(self) -> None:
        await self._yank()
        await asyncio.sleep(2)
        await self._sever()

    async def _yank_lease_sever(self) -> None:
        await self._yank()
        await asyncio.sleep(2)
        await self._lease_sever()

    async def _lease_yank(self) -> None:
        await self.rescuer.lease(lambda: self._until_settled(self._yank()))

    async def _lease_sever(self) -> None:
        await self.rescuer.lease(lambda: self._until_settled(self._sever()))

    async def _lease_pause_sever(self) -> None:
        await self.rescuer.lease(lambda: self._until_settled(self._pause_sever()))

    async def _pause_sever(self) -> None:
        await self.vm.qmp.execute("job-pause", id=JOB)
        await self._sever()

    async def _until_settled(self, remedy) -> None:
        """The job has concluded, or the window is over. A job that is paused for the drain is no end: let go then, QEMU
        may abort when it moves the job's disk back (docs/rescue.md)."""
        since = len(self.vm.qmp.events)
        await remedy
        end = time.monotonic() + 3
        while not any(event.name == "JOB_STATUS_CHANGE" and event.data["id"] == JOB
                      and event.data["status"] == "concluded" for event in self.vm.qmp.events[since:]):
            if time.monotonic() > end:
                self.stage.timeline.note("lab", "the job has not settled within the window")
                return
            await asyncio.sleep(0.01)

    async def _ram(self) -> str:
        file = self.stage.folder / "ram"
        await self.vm.qmp.execute("pmemsave", val=RAM_FROM, size=RAM_BYTES, filename=str(file))
        return hashlib.sha256(file.read_bytes()).hexdigest()

    def _not_back(self) -> str:
        if self.vm.process.alive:
            return "hangs"
        said = [line for line in self.vm.process.log_tail().splitlines() if "Assertion" in line]
        return f"aborts: {said[-1].rpartition('Assertion')[2].strip()}" if said else "dies"

    async def _is_whole(self) -> None:
        require((await self.vm.qmp.execute("query-status"))["status"] == "running", "the guest does not run")
        status = await migration.status(self.vm)
        require(status in ("failed", "cancelled"), f"migration {status}")
        jobs = {job["id"]: job["status"] for job in await self.vm.qmp.execute("query-jobs")}
        require(jobs == ({} if self.case.auto_dismiss else {JOB: "concluded"}), f"jobs {jobs}")
        require(any(event.name == "RESUME" for event in self.vm.qmp.events), "no RESUME")
        if self.case.writes:
            self.written = await self._lost_nothing(self.vm, since=0)
            return
        require(await self._ram() == self.ram, "the guest's RAM has changed")
        require(await digest(self.source.machine.disk) == self.source.digest, "the guest's disk has changed")

    async def _lost_nothing(self, vm: VirtualMachine, since: int) -> int:
        """A guest that writes goes on, and every number that it has written since is where it belongs; the last one."""
        began = await vm.writes_done()
        await asyncio.sleep(1)
        require(await vm.writes_done() > began + 5, "the guest writes no more")
        await vm.qmp.execute("stop")
        last = guest.last_written(self.source.machine.disk)
        await vm.qmp.execute("cont")
        require(last > since, f"the guest counts from {last}, after {since}")
        return last

    async def _migrates_again(self) -> None:
        if not self.case.auto_dismiss:
            await self.vm.qmp.execute("job-dismiss", id=JOB)
        if not self.case.drive_mirror:
            await self.vm.qmp.execute("blockdev-del", node_name=TARGET)
        if self.case.pauses:
            await migration.set_capabilities(self.vm, "pause-before-switchover", to=False)
        destination = await self.stage.start_destination(self.source, prefix="again")
        since = len(self.vm.qmp.events)
        await migration.migrate(self.vm, destination)
        await self.vm.qmp.event("STOP", since=since, deadline=20)
        end = time.monotonic() + 20
        while (status := await migration.status(self.vm)) not in ("completed", "failed"):
            require(time.monotonic() < end, f"the second migration is still {status}")
            await asyncio.sleep(0.1)
        require(status == "completed", f"the second migration {status}")
        if self.case.writes:  # such a one is started paused
            await destination.qmp.execute("cont")
        while (await destination.qmp.execute("query-status"))["status"] != "running":
            require(time.monotonic() < end, "nobody runs after it")
            await asyncio.sleep(0.1)
        if self.case.writes:
            await self._lost_nothing(destination, since=self.written)


async def _one(case: Case, programs: Path) -> Result:
    started = time.monotonic()
    stage = Stage(Settings(case.qemu.binary, programs), None)
    if case.method == "unwedged":
        stage = Stage(Settings(case.qemu.binary, programs), FixedSocket(), authority="rescue", policies=POLICIES)
    run = None
    try:
        async with stage, asyncio.timeout(120):
            run = Run(case, stage, programs)
            outcome = await run.play()
    except CONTRADICTIONS as error:
        outcome = f"broken: {error or type(error).__name__}"
    except Exception:  # the firewall of one run
        outcome = f"broken: {traceback.format_exc()}"
    documents = run.rescuer.documents if run and run.rescuer else []
    result = Result(case, outcome, round(time.monotonic() - started, 1), documents)
    if outcome.startswith(("broken", "refused", "dies")) or (outcome != "survives" and case.must_survive):
        result.folder = str(stage.folder)
    else:
        stage.remove()
    return result


async def _all(cases: list[Case], programs: Path, jobs: int, results: list[Result]) -> None:
    cancel_on_signals()
    slots = asyncio.Semaphore(jobs)

    async def in_a_slot(case: Case) -> None:
        async with slots:
            result = await _one(case, programs)
        results.append(result)
        print(f"{len(results):4}/{len(cases)}  {case.name}: {result.outcome.splitlines()[-1][:200]}"
              f"{'  ' + result.folder if result.folder else ''}", file=sys.stderr, flush=True)

    async with asyncio.TaskGroup() as group:
        for case in cases:
            group.create_task(in_a_slot(case))


def _stops(results: list[Result], key: str) -> list[int]:
    return [document[key] for result in results for document in result.documents if key in document]


def _table(results: list[Result]) -> str:
    by_case: dict[str, Counter] = {}
    for result in results:
        by_case.setdefault(result.case.name, Counter())[result.outcome.partition(":")[0]] += 1
    width = max(map(len, by_case))
    lines = [f"{name:<{width}}  " + ", ".join(f"{count} {what}" for what, count in sorted(outcomes.items()))
             for name, outcomes in sorted(by_case.items())]
    for key, what in (("stopped_ns", "to begin a lease"), ("operated_ns", "of that, once it had stopped"),
                      ("end_stopped_ns", "to end one early"), ("end_operated_ns", "of that, once it had stopped")):
        if stops := _stops(results, key):
            lines.append(f"the holder stood still, {what}, {len(stops)} times: "
                         f"median {statistics.median(stops) / 1e3:.0f} us, "
                         f"at most {max(stops) / 1e3:.0f} us")
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="of every case (default 1)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="side by side (default 2)")
    parser.add_argument("--qemu", default=ALL, metavar="WHICH",
                        help="installed, 10.0, all (default) of these, 5.2, or a program")
    parser.add_argument("--method", action="append", choices=METHODS + MORE_METHODS, help="only these")
    parser.add_argument("--transport", action="append", choices=("tcp", "unix"), help="only these")
    parser.add_argument("--iothread", choices=("with", "without"), help="only so")
    parser.add_argument("--sandbox", action="store_true", help="QEMU with -sandbox, as libvirt starts it")
    parser.add_argument("--writes", action="store_true", help="the guest writes for ever; all it wrote must be there")
    parser.add_argument("--drive-mirror", action="store_true", help="the copy's node goes with its job")
    parser.add_argument("--pause-before-switchover", action="store_true", help="with that capability")
    parser.add_argument("--auto-dismiss", action="store_true", help="the job is gone with its end")
    parser.add_argument("--bin", type=Path, default=PROGRAMS, metavar="DIR", help="where unwedge-rescue is")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every result, with the program's documents")
    arguments = parser.parse_args()
    if not (arguments.bin / "unwedge-rescue").exists():
        parser.error(f"no unwedge-rescue in {arguments.bin}: build it first (./dev build)")
    try:
        arguments.qemus = chosen(arguments.qemu)
    except NoQemu as missing:
        parser.error(str(missing))
    return arguments


def main() -> int:
    arguments = _arguments()
    iothreads = [arguments.iothread == "with"] if arguments.iothread else [False, True]
    kind = (arguments.sandbox, arguments.writes, arguments.drive_mirror, arguments.pause_before_switchover,
            arguments.auto_dismiss)
    cases = [Case(qemu, iothread, transport, method, *kind) for _ in range(arguments.runs)
             for qemu in arguments.qemus for iothread in iothreads
             for transport in arguments.transport or ("tcp", "unix") for method in arguments.method or METHODS]
    results: list[Result] = []
    try:
        asyncio.run(_all(cases, arguments.bin, arguments.jobs, results))
        interrupted = False
    except asyncio.CancelledError:
        interrupted = True
    if arguments.json:
        arguments.json.write_text(json.dumps(
            [{"case": r.case.name, "outcome": r.outcome, "seconds": r.seconds, "documents": r.documents}
             for r in results]))
    if results:
        print(_table(results))
    if interrupted:
        return EXIT_STATUS
    must = [r.outcome == "survives" for r in results if r.case.must_survive]
    if not must and any(c.must_survive for c in cases):
        print("none of those that must survive came to a result")
        return 1
    return 0 if all(must) else 1


if __name__ == "__main__":
    sys.exit(main())
