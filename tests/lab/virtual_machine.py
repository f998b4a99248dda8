"""One real QEMU, with three monitors of the lab's: for commands, for the liveness probe, for oob.

The daemon gets a monitor of its own (see enrolment.py); nothing here is shared with it.
"""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from liveness import Liveness
from processes import Process, ProcessEnded
from qmp_client import QmpClient
from timeline import Timeline


@dataclass(frozen=True)
class Machine:
    """What a scenario may choose about a VM."""
    disk: Path | None = None
    nbd_port: int | None = None   # of a server on this host that has the disk instead
    overlay: Path | None = None   # qcow2: the guest's disk, with that disk (file or NBD, node `base`) as its backing
    aio: str = "threads"          # how the image file is read and written
    iothread: bool = False
    writes: bool = False  # its guest writes to the disk for ever; else it idles
    ram_mib: int = 64
    ram_file: Path | None = None  # initial content of the RAM; the file itself is not changed
    thread_names: bool = True     # debug-threads=on
    within: tuple[str, ...] = ()  # the command that QEMU is started by, such as unshare
    extra: list[str] = field(default_factory=list)


class VirtualMachine:
    def __init__(self, name: str, qemu: str, machine: Machine, folder: Path, timeline: Timeline):
        self.name = name
        self.machine = machine
        self.folder = folder
        self.timeline = timeline
        self.qmp = QmpClient(f"{name}.cmd", timeline, traces_events=True)
        self.oob = QmpClient(f"{name}.oob", timeline)
        self._probe_client = QmpClient(f"{name}.probe", timeline)
        self.liveness = Liveness(self._probe_client)
        self._has_disk = machine.disk is not None or machine.nbd_port is not None
        self.process = Process(name, self._argv(qemu, machine), folder)

    async def ready(self, *, incoming: bool = False, deadline: float = 30) -> None:
        """Connects the monitors and waits until the firmware has given up booting and the guest idles.

        Earlier, virtio-blk is not started (an iothread would have nothing to stop at the switchover).
        """
        for client in (self.qmp, self.oob, self._probe_client):
            await self._connect(client, deadline / 2)
        if self._has_disk and not incoming:
            await self._guest_has_read_its_disk(deadline)
        self.liveness.start()

    async def close(self) -> None:
        await self.liveness.stop()
        for client in (self.qmp, self.oob, self._probe_client):
            await client.close()
        self.process.end()

    async def oob_answers(self) -> float:
        """Seconds that an out-of-band command takes; QmpSilent if it stays without an answer."""
        asked = time.monotonic()
        await self.oob.execute_oob("query-yank")
        return time.monotonic() - asked

    async def writes_done(self) -> int:
        """By the guest, to all of its disks, as far as they have come back."""
        return sum(device["stats"]["wr_operations"] for device in await self.qmp.execute("query-blockstats"))

    async def listen_for_migration(self, address: str) -> dict:
        """On a VM started with -incoming defer: accept a migration; the address to give to the source."""
        await self.qmp.execute("migrate-incoming", uri=address)
        return (await self.qmp.execute("query-migrate"))["socket-address"][0]

    def _argv(self, qemu: str, machine: Machine) -> list[str]:
        board = "pc,accel=tcg"
        named = "on" if machine.thread_names else "off"
        argv = ["-name", f"guest={self.name},debug-threads={named}", "-nodefaults", "-no-user-config",
                "-display", "none", "-m", f"{machine.ram_mib}M"]
        if machine.ram_file:
            argv += ["-object", f"memory-backend-file,id=ram,size={machine.ram_mib}M,"
                                f"mem-path={machine.ram_file},share=off"]
            board += ",memory-backend=ram"
        argv += ["-machine", board]
        for monitor in ("cmd", "oob", "probe"):
            argv += ["-qmp", f"unix:{self._socket(monitor)},server=on,wait=off"]
        if self._has_disk:
            device = "virtio-blk-pci,id=vd0,drive=disk"
            if machine.iothread:
                argv += ["-object", "iothread,id=io0"]
                device += ",iothread=io0"
            # Two QEMUs of a migration, and the NBD server, have the same image open: no image locks here.
            argv += [*self._blockdev(machine), "-device", device]
        return [*machine.within, qemu, *argv, *machine.extra]

    @staticmethod
    def _blockdev(machine: Machine) -> list[str]:
        bottom = "base" if machine.overlay else "disk"
        if machine.nbd_port:
            argv = ["-blockdev", f"driver=nbd,node-name={bottom},export=disk,server.type=inet,"
                                 f"server.host=127.0.0.1,server.port={machine.nbd_port}"]
        else:
            argv = ["-blockdev", f"driver=file,node-name=file,filename={machine.disk},locking=off,aio={machine.aio}",
                    "-blockdev", f"driver=raw,node-name={bottom},file=file"]
        if machine.overlay:
            argv += ["-blockdev", f"driver=file,node-name=overlay-file,filename={machine.overlay}",
                     "-blockdev", "driver=qcow2,node-name=disk,file=overlay-file,backing=base"]
        return argv

    def _socket(self, monitor: str) -> Path:
        return self.folder / f"{self.name}.{monitor}"

    async def _connect(self, client: QmpClient, deadline: float) -> None:
        path = self.folder / client.name
        end = time.monotonic() + deadline
        while True:
            try:
                async with asyncio.timeout(10):
                    return await client.connect(path)
            except OSError:  # not listening yet
                if not self.process.alive or time.monotonic() > end:
                    raise ProcessEnded(f"{self.name} does not come up:\n{self.process.log_tail()}") from None
                await asyncio.sleep(0.05)

    async def _guest_has_read_its_disk(self, deadline: float) -> None:
        end = time.monotonic() + deadline
        while True:
            devices = await self.qmp.execute("query-blockstats")
            if any(device["stats"]["rd_operations"] for device in devices):
                break
            if time.monotonic() > end:
                raise ProcessEnded(f"{self.name}: the firmware never read the disk")
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)  # it gives up ("no bootable device") right after this read
