"""The VMs of a soak: some migrate among themselves, the others labour (heavy_work.py), a part of them niced to 19."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field, replace

import heavy_work
import migration
from disk_image import digest, empty_qcow2, random_image
from enrolment import SocketGlob
from expectation import require
from guest import writing_boot_sector
from mirror import JOB, start_mirror
from nbd_server import NbdServer
from qemus import Qemu
from stage import Stage
from virtual_machine import Machine, VirtualMachine

_MIGRATED_MIB = 32   # the disks that are mirrored
_RAM_MIB = 128       # of those that labour
_SLOW = 120          # seconds that one step may take on such a machine
# With autogroups (sched(7)) niceness counts among the threads of one session only, and every VM has its own; that of
# the group is set apart.
_IDLEST = ("sh", "-c", '[ ! -e /proc/self/autogroup ] || echo 19 > /proc/self/autogroup; exec nice -n 19 "$@"', "sh")


@dataclass
class Host:
    """The VMs, and what they did so far. They run on the QEMUs given, two of each kind on each in turn."""
    stage: Stage
    qemus: list[Qemu]
    migrating: int
    labouring: int
    vms: dict[str, VirtualMachine] = field(default_factory=dict)
    done: Counter = field(default_factory=Counter)  # operations, by name

    async def boot(self) -> None:
        await self._templates()
        slots = asyncio.Semaphore(4)

        async def one(name: str, labours: bool, nice: bool) -> None:
            async with slots:
                (self.stage.folder / name).mkdir()
                machine = await (self._labourer(name, nice) if labours else self._migrant(name))
                self.vms[name] = await self._start(f"{name}-0", machine)

        async with asyncio.TaskGroup() as group:
            for i in range(self.migrating):
                group.create_task(one(f"vm{i:02}", False, False))
            for i in range(self.labouring):
                group.create_task(one(f"hv{i:02}", True, i % 2 == 1))

    async def work(self, until: float, slots: int) -> None:
        """Everybody, until then. Migrants take turns, so many at a time; what labours, labours all the time."""
        turns = asyncio.Queue()
        for name in sorted(self.vms):
            if name.startswith("vm"):
                turns.put_nowait((name, 1))

        async def migrates() -> None:
            while time.monotonic() < until:
                name, generation = await turns.get()
                await self._migrate(name, generation)
                turns.put_nowait((name, generation + 1))

        async with asyncio.TaskGroup() as group:
            for _ in range(min(slots, self.migrating)):
                group.create_task(migrates())
            labourers = [vm for name, vm in sorted(self.vms.items()) if name.startswith("hv")]
            for first, vm in enumerate(labourers):
                group.create_task(heavy_work.labour(vm, first, until, self.done))

    async def close(self) -> None:
        for vm in self.vms.values():
            await vm.close()

    async def _templates(self) -> None:
        """One image and one content of RAM for all that labour: random, so that saving them takes its time."""
        if self.labouring:
            await random_image(self.stage.folder / "template.raw", heavy_work.DISK_MIB, writing_boot_sector())
            await random_image(self.stage.folder / "ram", _RAM_MIB)

    async def _migrant(self, name: str) -> Machine:
        disk = self.stage.folder / name / "disk0.raw"
        await random_image(disk, _MIGRATED_MIB)
        return Machine(disk=disk)

    async def _labourer(self, name: str, nice: bool) -> Machine:
        overlay = self.stage.folder / name / "disk.qcow2"
        await empty_qcow2(overlay, heavy_work.DISK_MIB)
        return Machine(disk=self.stage.folder / "template.raw", overlay=overlay, writes=True, ram_mib=_RAM_MIB,
                       ram_file=self.stage.folder / "ram", within=_IDLEST if nice else ())

    async def _migrate(self, name: str, generation: int) -> None:
        """The VM's whole move to another process and another disk."""
        source = self.vms[name]
        folder = self.stage.folder / name
        image = folder / f"disk{generation}.raw"
        with open(image, "wb") as file:
            file.truncate(_MIGRATED_MIB << 20)
        server = NbdServer(image, folder)
        try:
            await server.serves()
            destination = await self._start(f"{name}-{generation}", replace(source.machine, disk=image), incoming=True)
            await _move(source, destination, server)
            require(await digest(image) == await digest(source.machine.disk), f"{name}: the disks differ")
        finally:
            server.process.end()
        await source.close()
        source.machine.disk.unlink()
        self.vms[name] = destination
        self.done["migration"] += 1

    async def _start(self, name: str, machine: Machine, *, incoming: bool = False) -> VirtualMachine:
        arguments = SocketGlob().qemu_arguments(self.stage.folder, name)
        machine = replace(machine, extra=(["-incoming", "defer"] if incoming else []) + arguments)
        base = name.partition("-")[0]
        qemu = self.qemus[int(base[2:]) // 2 % len(self.qemus)]
        vm = VirtualMachine(name, qemu.binary, machine, self.stage.folder / base, self.stage.timeline)
        await vm.ready(incoming=incoming, deadline=_SLOW)
        return vm


async def _move(source: VirtualMachine, destination: VirtualMachine, server: NbdServer) -> None:
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
