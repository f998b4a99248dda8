"""unwedge-rescue as the daemon would drive it, on a VM of the lab that hangs: who holds the BQL, which socket is the
dead one, and the lease with something done inside it.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from virtual_machine import VirtualMachine

FUTEX = 202  # x86-64


class NotRescued(Exception):
    """The program refused or failed; the text is its document."""


@dataclass(frozen=True)
class BigLock:
    address: int
    holder: int  # thread

    @classmethod
    def of(cls, pid: int) -> "BigLock":
        """As the main thread's futex shows it; NotRescued if it waits for no lock."""
        words = Path(f"/proc/{pid}/task/{pid}/syscall").read_text().split()
        if words[0] != str(FUTEX):
            raise NotRescued(f"the main thread is in system call {words[0]}, no futex")
        address = int(words[1], 16)
        with open(f"/proc/{pid}/mem", "rb") as memory:
            memory.seek(address)
            mutex = memory.read(20)
        return cls(address, int.from_bytes(mutex[8:12], "little"))


def sockets(pid: int) -> dict[int, int]:
    """Descriptor -> inode."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            found[int(name)] = int(target[8:-1])
    return found


def _identity(pid: int) -> list[str]:
    started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ["--pid", str(pid), "--start-time", started]


@dataclass
class Rescuer:
    program: Path
    vm: VirtualMachine
    documents: list[dict] = field(default_factory=list)  # of every run

    async def sever(self, fd: int, inode: int) -> dict:
        return await self._finish(await self._start("sever", "--fd", str(fd), "--inode", str(inode)))

    async def lease(self, inside: Callable[[], Awaitable[None]], window_ms: int = 3000) -> dict:
        """Does `inside` in the window, then ends it."""
        running = await self.begin(window_ms)
        first = json.loads(await running.stdout.readline())
        if first.get("event") != "granted":
            self.documents.append(first)
            raise NotRescued(json.dumps(first))
        try:
            await inside()
        finally:
            running.stdin.write(b"end\n")
        return await self._finish(running)

    async def begin(self, window_ms: int) -> asyncio.subprocess.Process:
        """Of the BQL from whom has it; the program as it runs."""
        lock = BigLock.of(self.vm.process.pid)
        return await self._start("lease", "--holder", str(lock.holder), "--mutex", hex(lock.address),
                                 "--window", str(window_ms))

    async def _start(self, order: str, *more: str) -> asyncio.subprocess.Process:
        arguments = [order, *_identity(self.vm.process.pid), *more]
        self.vm.timeline.note("rescue", " ".join(arguments))
        return await asyncio.create_subprocess_exec(self.program, *arguments, stdin=asyncio.subprocess.PIPE,
                                                    stdout=asyncio.subprocess.PIPE)

    async def _finish(self, running: asyncio.subprocess.Process) -> dict:
        async with asyncio.timeout(30):
            said, _ = await running.communicate()
        document = json.loads(said.splitlines()[-1])
        self.documents.append(document)
        self.vm.timeline.trace("rescue", json.dumps(document))
        if not document["ok"]:
            raise NotRescued(json.dumps(document))
        return document
