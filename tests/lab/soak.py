"""A host at work: healthy VMs that mirror and migrate without end, on a machine loaded by stress-ng.

Nothing is wrong with any of them, so the daemon, which may act, must not. Each VM in turn gets a destination, its disk
is mirrored there, it migrates as libvirt does it (pause-before-switchover, soft cancel, continue), and the disks are
compared. Exit status: 0 no action was taken and every migration completed, 1 not so, 2 usage, 130 interrupted.
"""

import argparse
import asyncio
import json
import shutil
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import migration
from campaign import CONTRADICTIONS, snapshot
from disk_image import digest, random_image
from enrolment import SocketGlob
from expectation import require
from interruption import EXIT_STATUS, cancel_on_signals
from mirror import JOB, start_mirror
from nbd_server import NbdServer
from processes import Process
from qemus import INSTALLED, NoQemu, Qemu, chosen
from quiet import done
from stage import PROGRAMS, Settings, Stage
from virtual_machine import Machine, VirtualMachine

_DISK_MIB = 32
_LOAD = ["stress-ng", "--cpu", "2", "--io", "2", "--vm", "1", "--vm-bytes", "1G"]
_SLOW = 120  # seconds that one step may take on such a machine


@dataclass
class Host:
    """The VMs, and what they did so far."""
    stage: Stage
    wanted: int
    vms: dict[str, VirtualMachine] = field(default_factory=dict)
    migrations: int = 0
    states: Counter = field(default_factory=Counter)  # as `unwedgectl list` showed them

    async def boot(self) -> None:
        slots = asyncio.Semaphore(4)

        async def one(name: str) -> None:
            async with slots:
                folder = self.stage.folder / name
                folder.mkdir()
                disk = folder / "disk0.raw"
                await random_image(disk, _DISK_MIB)
                self.vms[name] = await self._start(f"{name}-0", Machine(disk=disk))

        async with asyncio.TaskGroup() as group:
            for i in range(self.wanted):
                group.create_task(one(f"vm{i:02}"))

    async def migrate(self, name: str, generation: int) -> None:
        """The VM's whole move to another process and another disk."""
        source = self.vms[name]
        folder = self.stage.folder / name
        image = folder / f"disk{generation}.raw"
        with open(image, "wb") as file:
            file.truncate(_DISK_MIB << 20)
        server = NbdServer(image, folder)
        try:
            await server.serves()
            destination = await self._start(f"{name}-{generation}", replace(source.machine, disk=image), incoming=True)
            await self._move(source, destination, server)
            require(await digest(image) == await digest(source.machine.disk), f"{name}: the disks differ")
        finally:
            server.process.end()
        await source.close()
        source.machine.disk.unlink()
        self.vms[name] = destination
        self.migrations += 1

    async def close(self) -> None:
        for vm in self.vms.values():
            await vm.close()

    async def _move(self, source: VirtualMachine, destination: VirtualMachine, server: NbdServer) -> None:
        qmp = source.qmp
        await migration.set_capabilities(source, "pause-before-switchover", "events")
        await start_mirror(source, server, 0)
        await qmp.event("BLOCK_JOB_READY", device=JOB, deadline=_SLOW)
        await migration.migrate(source, destination)
        await qmp.event("MIGRATION", status="pre-switchover", deadline=_SLOW)
        await qmp.execute("block-job-cancel", device=JOB, force=False, deadline=_SLOW)
        await qmp.event("JOB_STATUS_CHANGE", id=JOB, status="concluded", deadline=_SLOW)
        await qmp.execute("job-dismiss", id=JOB, deadline=_SLOW)
        await qmp.execute("migrate-continue", state="pre-switchover", deadline=_SLOW)
        await qmp.event("MIGRATION", status="completed", deadline=_SLOW)
        await destination.qmp.event("RESUME", deadline=_SLOW)
        # As managers do: an orderly end, so that it is no post-mortem.
        await qmp.execute("quit", deadline=_SLOW)

    async def _start(self, name: str, machine: Machine, *, incoming: bool = False) -> VirtualMachine:
        arguments = SocketGlob().qemu_arguments(self.stage.folder, name)
        machine = replace(machine, extra=(["-incoming", "defer"] if incoming else []) + arguments)
        vm = VirtualMachine(name, self.stage.settings.qemu, machine, self.stage.folder / name.partition("-")[0],
                            self.stage.timeline)
        await vm.ready(incoming=incoming, deadline=_SLOW)
        return vm


async def _work(host: Host, until: float, slots: int) -> None:
    """Every VM migrates in its turn, so many at a time."""
    turns = asyncio.Queue()
    for name in host.vms:
        turns.put_nowait((name, 1))

    async def worker() -> None:
        while time.monotonic() < until:
            name, generation = await turns.get()
            await host.migrate(name, generation)
            turns.put_nowait((name, generation + 1))

    async def looker() -> None:
        began = time.monotonic()
        while time.monotonic() < until:
            await asyncio.sleep(5)
            host.states.update(vm["state"] for vm in await host.stage.unwedged.call("list"))
            print(f"{time.monotonic() - began:6.0f} s  {host.migrations} migrations, states seen {dict(host.states)}",
                  file=sys.stderr, flush=True)

    async with asyncio.TaskGroup() as group:
        for _ in range(slots):
            group.create_task(worker())
        group.create_task(looker())


async def _soak(qemu: Qemu, programs: Path, arguments: argparse.Namespace) -> bool:
    cancel_on_signals()
    stage = Stage(Settings(qemu.binary, programs), SocketGlob())
    host = Host(stage, arguments.vms)
    async with stage:
        load = None
        try:
            await stage.start_unwedged([])
            await host.boot()
            print(f"QEMU {qemu.version}: {len(host.vms)} VMs run", file=sys.stderr)
            load = Process("stress-ng", [*_LOAD, "--timeout", f"{arguments.minutes * 60 + 300:.0f}"], stage.folder)
            await _work(host, time.monotonic() + arguments.minutes * 60, arguments.slots)
            return await _verdict(host, qemu, arguments)
        finally:
            if load:
                load.send(15)  # it ends its children itself
                await load.wait(30)
                load.end()
            await host.close()
            if not arguments.keep:
                stage.remove()


async def _verdict(host: Host, qemu: Qemu, arguments: argparse.Namespace) -> bool:
    daemon = host.stage.unwedged
    incidents = [await daemon.call("incident", entry["id"]) for entry in await daemon.call("incidents")]
    acted = [incident for incident in incidents if done(incident)]
    guarded = [line for line in daemon.process.log.read_text().splitlines() if ": migrate-set-" in line]
    print(json.dumps({"qemu": qemu.full, "minutes": arguments.minutes, "vms": len(host.vms),
                      "migrations": host.migrations, "states_seen": dict(host.states), "incidents": len(incidents),
                      "by_condition": dict(Counter(i["condition"] for i in incidents)),
                      "acted": len(acted), "settings_changed": len(guarded)}, indent=2))
    for incident in incidents:
        print(f"{incident['id']}: {incident['condition']}: {incident.get('why')}; steps "
              f"{json.dumps(incident['steps'])}", file=sys.stderr)
    return not acted and not guarded and host.migrations > 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev soak", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="how long (default 10)")
    parser.add_argument("--vms", type=int, default=30, help="how many VMs (default 30)")
    parser.add_argument("--slots", type=int, default=4, help="migrations at a time (default 4)")
    parser.add_argument("--qemu", default=INSTALLED, metavar="WHICH", help="as for ./dev lab, but one")
    parser.add_argument("--bin", type=Path, default=PROGRAMS, metavar="DIR", help="where unwedged and unwedgectl are")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    arguments = parser.parse_args()
    if not shutil.which("stress-ng"):
        parser.error("stress-ng is not installed")
    try:
        qemus = chosen(arguments.qemu)
    except NoQemu as missing:
        parser.error(str(missing))
    if len(qemus) != 1:
        parser.error("one QEMU at a time")
    status = 1
    try:
        with snapshot(arguments.bin) as programs:
            status = 0 if asyncio.run(_soak(qemus[0], programs, arguments)) else 1
    except* CONTRADICTIONS as failed:
        print(f"failed: {'; '.join(map(str, failed.exceptions))}", file=sys.stderr)
    except* asyncio.CancelledError:
        status = EXIT_STATUS
    return status


if __name__ == "__main__":
    sys.exit(main())
