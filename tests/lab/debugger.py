"""gdb on a VM of the lab: it stops it for a while, or parks one thread for ever and lets go.

A parked thread keeps every lock that it held at that moment: there is no other way to have a thread of a stock QEMU
hold the BQL and do nothing.
"""

import asyncio
import mmap
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from expectation import require
from processes import Process, ProcessEnded
from stage import Stage
from virtual_machine import VirtualMachine

_QUICK = ["-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set auto-load off",
          "-iex", "set auto-solib-add off"]  # every symbol that is not read shortens the stop
_ENDLESS = b"\xeb\xfe"  # jmp to itself

# Names come from the dynamic symbol table, which a stripped QEMU has for its modules.
_PARK = """
set pagination off
set confirm off
handle all nostop noprint pass
sharedlibrary libc.so
break {function}
python
print("armed", flush=True)
while True:
    gdb.execute("continue")
    thread = gdb.selected_thread()
    if (thread.name or "").startswith("{comm}"):
        break
print("parked", thread.ptid[1], thread.name, flush=True)
end
set $rip = {where}
delete
detach
"""


@dataclass(frozen=True)
class Parked:
    tid: int
    comm: str
    since: float  # when gdb let go of the VM


class Debugger:
    """gdb with a script; ends with the `async with`, and the VM goes on then."""

    def __init__(self, stage: Stage, vm: VirtualMachine, script: str):
        self._folder, self._vm, self._script, self._timeline = stage.folder, vm, script, stage.timeline

    async def __aenter__(self) -> "Debugger":
        require(shutil.which("gdb"), "gdb is not installed")
        file = self._folder / "gdb.script"
        file.write_text(self._script)
        self._gdb = Process("gdb", ["gdb", *_QUICK, "-p", str(self._vm.process.pid), "-x", str(file)], self._folder)
        self._timeline.note("gdb", f"attaches to {self._vm.name}")
        return self

    async def __aexit__(self, *_) -> None:
        self._gdb.end()

    async def says(self, word: str, deadline: float = 20) -> list[str]:
        """The words after that one, once it has printed it at the start of a line."""
        end = time.monotonic() + deadline
        while True:
            for line in self._gdb.stdout.read_text(errors="replace").splitlines():
                if line.split(maxsplit=1)[:1] == [word]:
                    return line.split(maxsplit=2)[1:]
            if not self._gdb.alive or time.monotonic() > end:
                raise ProcessEnded(f"gdb does not say {word}:\n{self._gdb.log_tail()}")
            await asyncio.sleep(0.02)

    async def lets_go(self, deadline: float = 20) -> None:
        status = await self._gdb.wait(deadline)
        require(status == 0, f"gdb ended with status {status}:\n{self._gdb.log_tail()}")
        self._timeline.note("gdb", "detached")


def parking(stage: Stage, vm: VirtualMachine, function: str, comm: str, *, spins: bool = False) -> Debugger:
    """Parks the first thread with such a name that enters the function: in pause(2), or in an endless loop."""
    where = hex(_address_of(vm.process.pid, _ENDLESS)) if spins else "(unsigned long)&pause"
    return Debugger(stage, vm, _PARK.format(function=function, comm=comm, where=where))


async def parked(debugger: Debugger, vm: VirtualMachine) -> Parked:
    tid, comm = await debugger.says("parked")
    await debugger.lets_go()
    require(Path(f"/proc/{vm.process.pid}/task/{tid}").exists(), f"thread {tid} has ended")
    return Parked(int(tid), comm, time.monotonic())


def holding(stage: Stage, vm: VirtualMachine, seconds: float) -> Debugger:
    """Attached, the VM stopped, for so long."""
    return Debugger(stage, vm, f'python\nimport time\nprint("attached now", flush=True)\ntime.sleep({seconds})\nend\n'
                               "detach\n")


def _address_of(pid: int, code: bytes) -> int:
    """Where these bytes lie in some program or library that the process has mapped executable."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, mode, offset, _, _, *path = line.split(maxsplit=5)
        if "x" not in mode or "w" in mode or not path or not path[0].startswith("/"):
            continue
        start, end = (int(part, 16) for part in span.split("-"))
        with open(path[0], "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            first = int(offset, 16)
            at = content.find(code, first, min(len(content), first + end - start))
        if at >= 0:
            return start + at - first
    raise ProcessEnded(f"no {code.hex()} in the code of process {pid}")
