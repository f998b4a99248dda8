"""What happened in one run of a scenario, in order.

`note` is for people (the demo prints it as it comes); `trace` is everything else that an engineer
needs after a failure: each QMP message, each call of unwedgectl. Both go to lab.log in the run's folder.
"""

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

# Wall time is only needed to compare with the daemon's timestamps, so one offset, taken once, is enough
# and keeps a clock step in the middle of a run out of every duration.
_WALL_MINUS_MONOTONIC = time.time() - time.monotonic()

Narrator = Callable[[float, str, str], None]  # seconds since the start, who, what


def from_rfc3339(text: str) -> float:
    """A timestamp of the daemon, on the lab's monotonic scale."""
    return datetime.fromisoformat(text).timestamp() - _WALL_MINUS_MONOTONIC


class Timeline:
    def __init__(self, path: Path, narrator: Narrator | None = None):
        self.started = time.monotonic()
        self._file = open(path, "w", buffering=1)
        self._narrator = narrator

    def note(self, who: str, what: str, at: float | None = None) -> None:
        at = time.monotonic() if at is None else at
        self._write(who, what, at)
        if self._narrator:
            self._narrator(at - self.started, who, what)

    def trace(self, who: str, what: str) -> None:
        self._write(who, what, time.monotonic())

    def close(self) -> None:
        self._file.close()

    def _write(self, who: str, what: str, at: float) -> None:
        wall = datetime.fromtimestamp(at + _WALL_MINUS_MONOTONIC).strftime("%H:%M:%S.%f")[:-3]
        self._file.write(f"{at - self.started:9.3f}  {wall}  {who:<19}  {what}\n")
