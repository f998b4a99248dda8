"""A file system that stops answering: the place of a disk image on storage that has gone away (NFS, Ceph, Gluster).

The server is a process of the lab's own (fuse_server.py), so that "stops answering" is a SIGSTOP. Whoever waits for
such a file system may not even be killed (the kernel lets nobody go whose request the server has taken), so the
server goes first, before the VM that uses it: `async with` in the scenario, and its end is inside the stage's.
"""

import asyncio
import ctypes
import os
import sys
import time
from pathlib import Path

from expectation import require
from processes import Process, ProcessEnded
from timeline import Timeline

_SERVER = Path(__file__).with_name("fuse_server.py")
_MNT_DETACH = 2
_libc = ctypes.CDLL(None, use_errno=True)


class StallingStorage:
    """One image, `image`, whose content is that of the file `backing`."""

    def __init__(self, folder: Path, backing: Path, timeline: Timeline):
        self._mountpoint = folder / "storage"
        self.image = self._mountpoint / "disk.raw"
        self._backing = backing
        self._folder = folder
        self._timeline = timeline

    async def __aenter__(self) -> "StallingStorage":
        require(os.geteuid() == 0, "mounting a file system needs root")
        self._mountpoint.mkdir()
        self._server = Process("storage", [sys.executable, str(_SERVER), str(self._mountpoint), str(self._backing),
                                           self.image.name], self._folder)
        try:
            await self._mounted()
        except BaseException:
            self._end()
            raise
        return self

    async def __aexit__(self, *_) -> None:
        self._end()

    def stall(self) -> None:
        self._server.freeze()
        self._timeline.note("storage", f"{self.image} does not answer any more")

    def go_on(self) -> None:
        self._server.thaw()
        self._timeline.note("storage", f"{self.image} answers again")

    async def _mounted(self) -> None:
        end = time.monotonic() + 10
        while not self._server.stdout.read_bytes():
            if not self._server.alive or time.monotonic() > end:
                raise ProcessEnded(f"the file system does not come up:\n{self._server.log_tail()}")
            await asyncio.sleep(0.02)

    def _end(self) -> None:
        self._server.end()  # the last close of /dev/fuse aborts every request
        _libc.umount2(bytes(self._mountpoint), _MNT_DETACH)
