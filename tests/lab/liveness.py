"""Is the main loop of a VM alive? Measured from outside, the way a manager would notice.

In-band `query-status` every 100 ms with at most one in flight, on a connection of its own. The onset of
a stall is when the first probe was sent that stayed unanswered; the VM runs again with the first reply
after it that says `running`.
"""

import asyncio
import time
from dataclasses import dataclass

from qmp_client import QmpClient, QmpError, QmpSilent

INTERVAL = 0.1
LATE = 1.0  # slower than that, an answer counts as a stall


@dataclass(frozen=True)
class Stall:
    onset: float
    ended: float
    status: str  # the run state of the late reply

    @property
    def seconds(self) -> float:
        return self.ended - self.onset


class Liveness:
    def __init__(self, client: QmpClient):
        self.status = "unknown"
        self.stalls: list[Stall] = []   # those that ended
        self.first_running: float | None = None  # since the last forget()
        self._client = client
        self._sent: float | None = None
        self._task: asyncio.Task | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._probe())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def forget(self) -> None:
        """Start a measurement: the stalls of the past, such as a slow start, do not belong to it."""
        self.stalls.clear()
        self.first_running = None

    @property
    def silent_for(self) -> float:
        """Seconds for which the probe in flight has been without an answer."""
        return time.monotonic() - self._sent if self._sent is not None else 0.0

    @property
    def onset(self) -> float | None:
        """Of the last stall, ended or not."""
        if self.silent_for >= LATE:
            return self._sent
        return self.stalls[-1].onset if self.stalls else None

    async def stalled(self, deadline: float, seconds: float = LATE) -> bool:
        """Waits until a stall has lasted for `seconds`; False if none did within the deadline."""
        return await self._until(
            lambda: self.silent_for >= seconds or any(stall.seconds >= seconds for stall in self.stalls), deadline)

    async def answered(self, deadline: float) -> bool:
        """Waits for the end of a stall."""
        return await self._until(lambda: bool(self.stalls) and self.silent_for < LATE, deadline)

    async def running_again(self, deadline: float) -> bool:
        """Waits for a reply `running` after a stall."""
        return await self._until(lambda: self.first_running is not None, deadline)

    async def _until(self, holds, deadline: float) -> bool:
        end = time.monotonic() + deadline
        while not holds():
            if time.monotonic() >= end:
                return False
            await asyncio.sleep(0.02)
        return True

    async def _probe(self) -> None:
        while True:
            self._sent = time.monotonic()
            try:
                self.status = (await self._client.execute("query-status", deadline=None))["status"]
            except (QmpSilent, QmpError, OSError):
                return  # the connection ended; silent_for goes on counting
            now = time.monotonic()
            if now - self._sent >= LATE:
                self.stalls.append(Stall(self._sent, now, self.status))
            if self.stalls and self.status == "running" and self.first_running is None:
                self.first_running = now
            self._sent = None
            await asyncio.sleep(max(0.0, INTERVAL - (time.monotonic() - now)))
