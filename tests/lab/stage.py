"""What one run of one scenario stands on: a folder, the processes in it, the record of what happened.

The two columns of the table differ here and only here: alone, no daemon is started; with it, the VM is
enrolled and seen healthy before the scenario does anything to it.
"""

import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from disk_image import empty_image, random_image
from enrolment import Enrolment
from expectation import require
from guest import writing_boot_sector
from nbd_server import NbdServer
from timeline import Narrator, Timeline
from unwedged import Unwedged, configuration
from virtual_machine import Machine, VirtualMachine

DISK_MIB = 128
PROGRAMS = Path(__file__).resolve().parents[2] / "build" / "bin"  # where ./dev build leaves them


@dataclass(frozen=True)
class Settings:
    """What the command line says and every run needs."""
    qemu: str
    programs: Path


@dataclass
class Figures:
    """Moments on the monotonic clock; None as long as they did not come."""
    stall: float | None = None
    verdict: float | None = None
    running: float | None = None

    def seconds(self) -> dict[str, float | None]:
        def between(start: float | None, end: float | None) -> float | None:
            return None if start is None or end is None else round(end - start, 3)
        return {"stall_to_verdict": between(self.stall, self.verdict),
                "stall_to_running": between(self.stall, self.running),
                "verdict_to_running": between(self.verdict, self.running)}


@dataclass
class Source:
    """A VM under watch, and the digest of its disk as it was."""
    vm: VirtualMachine
    machine: Machine
    digest: str = ""


@dataclass
class Stage:
    settings: Settings
    enrolment: Enrolment | None  # None: alone
    authority: str = "protect"
    policies: dict[str, str] = field(default_factory=dict)
    run: int = 1      # of so many
    of_runs: int = 1
    narrator: Narrator | None = None
    vm_name: str = ""  # of the source; by default one that is unique on the host
    figures: Figures = field(default_factory=Figures)
    unwedged: Unwedged | None = None

    async def __aenter__(self) -> "Stage":
        # Directly in /tmp, whatever TMPDIR says: the path of a unix socket ends at 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="uw-", dir="/tmp"))
        # A daemon may see every QEMU of the host, so names are unique beyond this run.
        self._tag = self.folder.name.removeprefix("uw-")
        self.timeline = Timeline(self.folder / "lab.log", self.narrator)
        self._closing: list[VirtualMachine | NbdServer] = []
        return self

    async def __aexit__(self, *_) -> None:
        if self.unwedged and self.unwedged.process:
            self.unwedged.process.end()
        for thing in reversed(self._closing):
            if isinstance(thing, VirtualMachine):
                await thing.close()
            else:
                thing.process.end()
        self.timeline.close()

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    async def start_source(self, machine: Machine = Machine(), *, disk: bool = True) -> Source:
        """The VM of the scenario; with a daemon, watched by it and healthy in its eyes."""
        digest = ""
        if disk and not machine.nbd_port and not machine.disk:
            machine = replace(machine, disk=self.folder / "source.raw")
            digest = await random_image(machine.disk, DISK_MIB, writing_boot_sector() if machine.writes else b"")
        name = self.vm_name or f"src-{self._tag}"
        if self.enrolment and self.enrolment.daemon_first:
            await self.start_unwedged([name])
        vm = await self._start_vm(name, machine, self._enrolled(name))
        if self.enrolment and not self.enrolment.daemon_first:
            await self.start_unwedged([name])
        if self.unwedged:
            await self._seen_by_unwedged(name)
        vm.liveness.forget()
        return Source(vm, machine, digest)

    async def _seen_by_unwedged(self, name: str) -> None:
        if not self.enrolment.monitored:
            await self.unwedged.vm_until(name, lambda seen: seen["state"] == "healthy", 15, "found and healthy")
            self.timeline.note("unwedged", f"found {name} by its process")
            return
        await self.unwedged.vm_until(
            name, lambda seen: seen["state"] == "healthy" and seen["qmp"]["oob"] and seen["run_state"] == "running",
            15, "healthy with oob")
        self.timeline.note("unwedged", f"watches {name}: healthy, oob negotiated")

    async def start_destination(self, like: Source, disk: Path | None = None, *,
                                watched: bool = False, prefix: str = "dst") -> VirtualMachine:
        """The other end of a migration."""
        name = f"{prefix}-{self._tag}"
        extra = self._enrolled(name) if watched else []
        machine = replace(like.machine, disk=disk or like.machine.disk)
        # A guest that writes would change the disk before anybody can compare it.
        paused = ["-S"] if machine.writes else []
        return await self._start_vm(name, machine, ["-incoming", "defer", *paused, *extra], incoming=True)

    async def start_nbd_server(self, *, boot_sector: bytes = b"", full: bool = False,
                               transport: str = "tcp") -> NbdServer:
        """Of an empty image, of a `full` one, or with a boot sector of one that a guest can start from."""
        image = self.folder / "target.raw"
        if boot_sector or full:
            await random_image(image, DISK_MIB, boot_sector)
        else:
            await empty_image(image, DISK_MIB)
        server = NbdServer(image, self.folder, transport)
        self._closing.append(server)
        await server.serves()
        self.timeline.note("nbd", f"NBD server started on {server.path or f'127.0.0.1:{server.port}'}")
        return server

    async def _start_vm(self, name: str, machine: Machine, extra: list[str], *,
                        incoming: bool = False) -> VirtualMachine:
        machine = replace(machine, extra=machine.extra + extra)
        vm = VirtualMachine(name, self.settings.qemu, machine, self.folder, self.timeline)
        self._closing.append(vm)
        self.timeline.note("qemu", f"{name} started, pid {vm.process.pid}")
        await vm.ready(incoming=incoming)
        return vm

    def _enrolled(self, name: str) -> list[str]:
        return self.enrolment.qemu_arguments(self.folder, name) if self.enrolment else []

    async def start_unwedged(self, vms: list[str]) -> None:
        """`vms` for the enrolment by name; the others are found."""
        require(not self.unwedged, "one daemon is enough")
        self.unwedged = Unwedged(self.settings.programs, self.folder, self.timeline)
        await self.unwedged.start(
            configuration(self.authority, self.enrolment, self.folder, vms, self.policies))
        self.timeline.note("unwedged", f"started, authority {self.authority}, patience 3 s")
