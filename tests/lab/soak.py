"""A host at work: healthy VMs that migrate and labour without end, on a machine loaded by stress-ng.

Nothing is wrong with any of them, so the daemon, which may act, must find nothing. A part of the VMs migrates: each in
turn gets a destination, its disk is mirrored there, it moves as libvirt does it (pause-before-switchover, soft cancel,
continue), and the disks are compared. The others take snapshots of themselves, dump their memory, copy and commit their
disks, which keeps their monitors silent for seconds; every second one of those is niced to 19. Exit status: 0 no
verdict but main-loop-busy, no incident, no action, and every kind of work was done; 1 not so, 2 usage, 130 interrupted.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from campaign import CONTRADICTIONS, snapshot
from enrolment import SocketGlob
from heavy_work import OPERATIONS
from interruption import EXIT_STATUS, cancel_on_signals
from processes import Process
from qemus import INSTALLED, NoQemu, Qemu, chosen
from quiet import HARMLESS, done
from soak_host import Host
from stage import PROGRAMS, Settings, Stage
from unwedged import Unwedged

_LOAD = ["stress-ng", "--cpu", "2", "--io", "2", "--vm", "1", "--vm-bytes", "1G"]
_LOOK_EVERY = 2.0   # seconds
_SAY_EVERY = 15.0
_PATIENT = 30.0       # for unwedgectl: sixty processes want the CPU before it
_DRAINS_IN = 900    # seconds after the load's end, for what is still under way


@dataclass
class Seen:
    """What the daemon said of the VMs, and what it cost."""
    daemon: Unwedged
    states: Counter = field(default_factory=Counter)
    verdicts: Counter = field(default_factory=Counter)  # kinds, by looks that showed them
    began: float = field(default_factory=time.monotonic)

    async def look(self) -> None:
        for vm in await self.daemon.call("list"):
            if vm["state"] == "gone":  # it has moved; an end that was no orderly one would be an incident
                continue
            self.states[vm["state"]] += 1
            if vm["verdict"]:
                kind = vm["verdict"]["kind"]
                self.verdicts[kind] += 1
                if kind not in HARMLESS:
                    print(f"verdict on {vm['name']}: {json.dumps(vm['verdict'])}", file=sys.stderr)

    def cost(self) -> dict:
        """CPU of one core, in percent, and resident memory of the daemon."""
        folder = Path(f"/proc/{self.daemon.process.pid}")
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        lines = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        return {"cpu_percent": round(100 * cpu / (time.monotonic() - self.began), 2),
                **{name: int(lines[key].split()[0]) for name, key in (("rss_kib", "VmRSS"), ("peak_kib", "VmHWM"))}}


async def _watch(host: Host, seen: Seen) -> None:
    """Until cancelled: looks, and says now and then how it goes."""
    said = time.monotonic()
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        await seen.look()
        if time.monotonic() - said >= _SAY_EVERY:
            said = time.monotonic()
            print(f"{said - seen.began:6.0f} s  {dict(host.done)}  states {dict(seen.states)}  "
                  f"verdicts {dict(seen.verdicts)}  {seen.cost()}", file=sys.stderr, flush=True)


async def _soak(qemus: list[Qemu], programs: Path, arguments: argparse.Namespace) -> bool:
    cancel_on_signals()
    stage = Stage(Settings(qemus[0].binary, programs), SocketGlob())
    migrating = {"migrations": arguments.vms, "heavy": 0, "mixed": arguments.vms // 3}[arguments.work]
    host = Host(stage, qemus, migrating, arguments.vms - migrating)
    async with stage:
        load, well = None, False
        try:
            await stage.start_unwedged([])
            await host.boot()
            print(f"QEMU {' and '.join(qemu.version for qemu in qemus)}: {len(host.vms)} VMs run", file=sys.stderr)
            seconds = arguments.minutes * 60
            load = Process("stress-ng", [*_LOAD, "--timeout", f"{seconds:.0f}"], stage.folder)
            stage.unwedged.patience = _PATIENT
            seen = Seen(stage.unwedged)
            async with asyncio.timeout(seconds + _DRAINS_IN):
                async with asyncio.TaskGroup() as together:  # a look that fails ends the work
                    watching = together.create_task(_watch(host, seen))
                    await host.work(time.monotonic() + seconds, arguments.slots)
                    watching.cancel()
            await seen.look()
            well = await _verdict(host, seen, qemus, arguments)
            return well
        finally:
            if load:
                await _end_load(load)
            await host.close()
            if well and not arguments.keep:
                stage.remove()
            else:
                print(f"logs and incidents are kept in {stage.folder}", file=sys.stderr)


async def _end_load(load: Process) -> None:
    if load.alive:
        load.send(15)  # it ends its children itself
        await load.wait(30)
    load.end()


async def _verdict(host: Host, seen: Seen, qemus: list[Qemu], arguments: argparse.Namespace) -> bool:
    incidents = [await seen.daemon.call("incident", entry["id"]) for entry in await seen.daemon.call("incidents")]
    acted = [incident for incident in incidents if done(incident)]
    guarded = [line for line in seen.daemon.process.log.read_text().splitlines() if ": migrate-set-" in line]
    wanted = [operation.__name__ for operation in OPERATIONS] if host.labouring else []
    undone = [name for name in [*wanted, *(["migration"] if host.migrating else [])] if not host.done[name]]
    print(json.dumps({"qemu": [qemu.full for qemu in qemus], "minutes": arguments.minutes, "vms": len(host.vms),
                      "done": dict(host.done), "not_done": undone, "states_seen": dict(seen.states),
                      "verdicts_seen": dict(seen.verdicts),
                      "incidents": len(incidents), "by_condition": dict(Counter(i["condition"] for i in incidents)),
                      "acted": len(acted), "settings_changed": len(guarded), "daemon": seen.cost()}, indent=2))
    for incident in incidents:
        print(f"{incident['id']}: {incident['condition']}: {incident.get('why')}; verdict "
              f"{json.dumps(incident['verdict'])}; steps {json.dumps(incident['steps'])}", file=sys.stderr)
    return not incidents and not guarded and not undone and set(seen.verdicts) <= set(HARMLESS)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev soak", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="how long (default 10)")
    parser.add_argument("--vms", type=int, default=30, help="how many VMs (default 30)")
    parser.add_argument("--work", choices=("migrations", "heavy", "mixed"), default="mixed",
                        help="what they do (default mixed: a third migrates)")
    parser.add_argument("--slots", type=int, default=4, help="migrations at a time (default 4)")
    parser.add_argument("--qemu", default=INSTALLED, metavar="WHICH",
                        help="as for ./dev lab; of all, half of the VMs each")
    parser.add_argument("--bin", type=Path, default=PROGRAMS, metavar="DIR", help="where unwedged and unwedgectl are")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs; of a failure it is kept anyway")
    arguments = parser.parse_args()
    if not shutil.which("stress-ng"):
        parser.error("stress-ng is not installed")
    try:
        qemus = chosen(arguments.qemu)
    except NoQemu as missing:
        parser.error(str(missing))
    status = 1
    try:
        with snapshot(arguments.bin) as programs:
            status = 0 if asyncio.run(_soak(qemus, programs, arguments)) else 1
    except* CONTRADICTIONS as failed:
        print(f"failed: {'; '.join(map(str, failed.exceptions))}", file=sys.stderr)
    except* asyncio.CancelledError:
        status = EXIT_STATUS
    return status


if __name__ == "__main__":
    sys.exit(main())
