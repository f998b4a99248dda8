"""The daemon under test, and unwedgectl as the only way in which the lab looks into it.

No knowledge of its insides: configuration in, exit status and documented JSON out.
"""

import asyncio
import itertools
import json
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from enrolment import Enrolment
from expectation import Unexpected, require
from processes import Process
from timeline import Timeline

_SHIPPED = Path(__file__).resolve().parents[2] / "policies" / "shipped"
PATIENCE = 3.0  # seconds, as in the configuration below
_PROBE = '[probe]\ninterval = "1s"\nlate_after = "1s"\npatience = "3s"\n'


def configuration(authority: str, enrolment: Enrolment, folder: Path, vms: Sequence[str],
                  policies: dict[str, str]) -> str:
    """`policies`: the administrator's, by name; they are written beside it. The others are those we ship."""
    discover = enrolment.discover(folder)
    own = folder / "policies.d"
    own.mkdir()
    for name, text in policies.items():
        (own / f"{name}.toml").write_text(text)
    return "\n".join([
        f'authority = "{authority}"\n',
        f'[policies]\nvendor = "{_SHIPPED}"\nadmin = "{own}"\n',
        f"[discover]\n{discover}" if discover else "",
        _PROBE,
        *(enrolment.fixed_vm(folder, vm) for vm in vms)])


class Unwedged:
    patience = 5.0  # seconds that unwedgectl may take

    def __init__(self, programs: Path, folder: Path, timeline: Timeline):
        self.folder = folder
        self._programs = programs
        self._timeline = timeline
        self._runtime = folder / "run"
        self._calls = itertools.count(1)
        self.process: Process | None = None

    async def start(self, config: str) -> None:
        """Up to READY=1 and an answer to unwedgectl: what systemd and an operator would wait for."""
        (self.folder / "unwedged.toml").write_text(config)
        for name in ("run", "state"):
            (self.folder / name).mkdir()
        notify = self.folder / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as ready:
            ready.bind(str(notify))
            self.process = Process("unwedged", [
                str(self._programs / "unwedged"), "--config", str(self.folder / "unwedged.toml"),
                "--runtime-dir", str(self._runtime), "--state-dir", str(self.folder / "state"),
                "--bus", "none", "--http", f"unix:{self.folder}/http",
            ], self.folder, env={**os.environ, "NOTIFY_SOCKET": str(notify)})
            await self._ready(ready)
        require((self._runtime / "unwedged.sock").exists(), "READY=1, but no unwedged.sock in the runtime directory")
        await self.call("list")

    async def stop(self) -> None:
        """Politely: the run's last check is that the daemon ends by itself on SIGTERM, with status 0."""
        require(self.process.alive, f"unwedged ended by itself:\n{self.process.log_tail()}")
        self.process.send(15)
        try:
            status = await self.process.wait(5)
        except TimeoutError:
            raise Unexpected("unwedged does not end within 5 s of SIGTERM") from None
        require(status == 0, f"unwedged ended with status {status} on SIGTERM")

    async def show(self, *arguments: str) -> None:
        """`unwedgectl ARGUMENTS` on the lab's own standard output, as a person would see it."""
        await self._run_ctl(arguments, shown=True)

    async def call(self, *arguments: str):
        """What `unwedgectl --json ARGUMENTS` prints; Unexpected if it fails or takes longer than `patience`."""
        printed = await self._run_ctl(["--json", *arguments], shown=False)
        self._timeline.trace("ctl", f"{' '.join(arguments)}: {printed.strip()}")
        try:
            return json.loads(printed)
        except ValueError as error:
            raise Unexpected(f"unwedgectl --json {' '.join(arguments)}: {error}: {printed[:200]!r}") from None

    async def vm(self, name: str) -> dict | None:
        return next((vm for vm in await self.call("list") if vm["name"] == name), None)

    async def vm_until(self, name: str, holds: Callable[[dict], bool], deadline: float, what: str) -> dict:
        """The VM's entry in `list` as soon as it is as wanted."""
        vm = None
        try:
            async with asyncio.timeout(deadline):
                while True:
                    vm = await self.vm(name)
                    if vm and holds(vm):
                        return vm
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise Unexpected(f"unwedged: {name} is not {what} within {deadline:g} s: {json.dumps(vm)}") from None

    async def incidents(self, name: str) -> list[dict]:
        """Every incident of the VM, in full."""
        return [await self.call("incident", str(entry["id"])) for entry in await self.call("incidents", name)]

    def record(self, incident: str) -> str:
        """Everything in the incident's folder: its journal and the evidence beside it."""
        folder = self.folder / "state" / "incidents" / incident
        return "\n".join(file.read_text() for file in sorted(folder.iterdir()) if file.is_file())

    async def incident_until(self, name: str, holds: Callable[[dict], bool], deadline: float, what: str) -> dict:
        """The VM's only incident as soon as it is as wanted; a second one is a failure at any time."""
        incidents: list[dict] = []
        try:
            async with asyncio.timeout(deadline):
                while True:
                    incidents = await self.incidents(name)
                    require(len(incidents) < 2, f"{len(incidents)} incidents of {name} where one was to be")
                    if incidents and holds(incidents[0]):
                        return incidents[0]
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise Unexpected(f"unwedged: no incident of {name} that is {what} within {deadline:g} s: "
                             f"{json.dumps(incidents)}") from None

    async def _run_ctl(self, arguments: Sequence[str], shown: bool) -> str:
        call = Process(f"ctl-{next(self._calls)}", [
            str(self._programs / "unwedgectl"), "--runtime-dir", str(self._runtime), *arguments],
            self.folder, shown=shown)
        try:
            status = await call.wait(self.patience)
        except TimeoutError:
            raise Unexpected(f"unwedgectl {' '.join(arguments)}: no answer within {self.patience:g} s") from None
        finally:
            call.end()
        require(status == 0, f"unwedgectl {' '.join(arguments)}: status {status}: {call.log_tail(3)}")
        printed = call.stdout.read_text()
        for file in (call.log, call.stdout):  # hundreds a run; what they said is in lab.log
            file.unlink()
        return printed

    async def _ready(self, notify: socket.socket) -> None:
        said = b""
        try:
            async with asyncio.timeout(10):
                while b"READY=1" not in said.split(b"\n"):
                    require(self.process.alive, f"unwedged does not come up:\n{self.process.log_tail()}")
                    try:
                        said += notify.recv(4096) + b"\n"
                    except BlockingIOError:
                        await asyncio.sleep(0.02)
        except TimeoutError:
            raise Unexpected(f"unwedged did not say READY=1 within 10 s:\n{self.process.log_tail()}") from None
