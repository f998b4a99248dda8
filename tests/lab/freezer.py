"""The cgroup freezer, of both hierarchies: a VM in a cgroup of the lab's, frozen as a container manager does it.

A process frozen by the first hierarchy cannot even be killed: it is thawed, moved back and the cgroup removed at
the end of the `with`, which is inside the stage's. Should the lab be killed meanwhile, a shell that waits for that
thaws it.
"""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from expectation import require


@dataclass(frozen=True)
class Hierarchy:
    mountpoint: Path
    switch: str       # the file that freezes
    on: str
    off: str
    controller: str   # how /proc/PID/cgroup calls it


def unified() -> Hierarchy | None:
    where = _mountpoint("cgroup2", "")
    return where and Hierarchy(where, "cgroup.freeze", "1", "0", "")


def first() -> Hierarchy | None:
    where = _mountpoint("cgroup", "freezer")
    return where and Hierarchy(where, "freezer.state", "FROZEN", "THAWED", "freezer")


class FrozenCgroup:
    def __init__(self, hierarchy: Hierarchy, pid: int, name: str):
        require(os.geteuid() == 0, "a cgroup of one's own needs root")
        self._hierarchy, self._pid, self._folder = hierarchy, pid, hierarchy.mountpoint / name

    def __enter__(self) -> "FrozenCgroup":
        self._home = self._hierarchy.mountpoint / self._cgroup_of_the_process().lstrip("/")
        self._folder.mkdir()
        # Its standard input ends with the lab, whatever ends that.
        self._thawer = subprocess.Popen(
            ["sh", "-c", 'read _; echo "$1" > "$2"', "sh", self._hierarchy.off, self._folder / self._hierarchy.switch],
            stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
        (self._folder / "cgroup.procs").write_text(str(self._pid))
        self._write(self._hierarchy.on)
        return self

    def __exit__(self, *_) -> None:
        self.thaw()
        self._thawer.stdin.close()
        self._thawer.wait(timeout=10)
        (self._home / "cgroup.procs").write_text(str(self._pid))
        self._folder.rmdir()

    def thaw(self) -> None:
        self._write(self._hierarchy.off)
        time.sleep(0.05)  # a move out of a cgroup that is still frozen in part would freeze and thaw once more

    def _write(self, state: str) -> None:
        (self._folder / self._hierarchy.switch).write_text(state)

    def _cgroup_of_the_process(self) -> str:
        for line in Path(f"/proc/{self._pid}/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if self._hierarchy.controller in controllers.split(","):
                return path
        return "/"


def _mountpoint(kind: str, option: str) -> Path | None:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        found, _, options = after.split(" ", 2)
        if found == kind and (not option or option in options.split(",")):
            return Path(before.split()[4])
    return None
