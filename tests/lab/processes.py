"""Child processes that cannot outlive the lab.

Every process of the lab starts here. The kernel kills it when the lab dies, even by SIGKILL
(PR_SET_PDEATHSIG), and signals go through the pidfd of the child that we started, never to a pid that
somebody else may have by now. The lab runs in one thread, because the death signal is tied to the
thread which forked.
"""

import asyncio
import ctypes
import os
import select
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)  # loaded before any fork: the child must not take a loader's lock


class ProcessEnded(Exception):
    """A process ended that should have gone on."""


class Process:
    """One child, its pidfd and its log."""

    def __init__(self, name: str, argv: Sequence[str], folder: Path, *,
                 env: dict[str, str] | None = None, pass_fds: Sequence[int] = (), shown: bool = False):
        """`shown`: its standard output is the lab's, terminal or not, and no file."""
        self.name = name
        self.log = folder / f"{name}.log"
        self.stdout = folder / f"{name}.out"
        lab = os.getpid()

        def die_with_the_lab() -> None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != lab:  # the lab died between fork and prctl
                os._exit(127)

        with open(self.stdout, "wb") as out, open(self.log, "wb") as log:
            # A session of its own: a ^C on the terminal is for the lab, which then ends its children in order.
            self._popen = subprocess.Popen(
                list(argv), stdin=subprocess.DEVNULL, stdout=None if shown else out, stderr=log, env=env, pass_fds=pass_fds,
                start_new_session=True, preexec_fn=die_with_the_lab)
        self.pid = self._popen.pid
        self._pidfd = os.pidfd_open(self.pid)

    @property
    def alive(self) -> bool:
        if self._pidfd < 0:
            return False
        poller = select.poll()
        poller.register(self._pidfd, select.POLLIN)
        return not poller.poll(0)

    def send(self, number: signal.Signals) -> None:
        signal.pidfd_send_signal(self._pidfd, number)

    def freeze(self) -> None:
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)

    async def wait(self, deadline: float) -> int:
        """The exit status; TimeoutError after `deadline` seconds. Reaps."""
        loop = asyncio.get_running_loop()
        ended = loop.create_future()
        loop.add_reader(self._pidfd, lambda: ended.done() or ended.set_result(None))
        try:
            async with asyncio.timeout(deadline):
                await ended
        finally:
            loop.remove_reader(self._pidfd)
        return self._popen.wait()

    def end(self) -> None:
        """Kill, reap, close; a stopped process as well (SIGKILL needs no SIGCONT). Safe to call twice."""
        if self._pidfd < 0:
            return
        if self.alive:
            self.send(signal.SIGKILL)
        self._popen.wait(timeout=30)
        os.close(self._pidfd)
        self._pidfd = -1

    def log_tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
