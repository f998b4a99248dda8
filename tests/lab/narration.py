"""Prints a timeline for a person: aligned, in the order in which things happened, in colour on a terminal only.

A fact may be known later than it happened (the daemon's timestamps come through unwedgectl), so a line is
held back for a moment in which an earlier one may still turn up.
"""

import asyncio
import heapq
import itertools
import shutil
import sys
import textwrap
import time

_HELD_BACK = 0.8  # seconds; longer than the demo takes to learn of anything
_COLOURS = {"qemu": "36", "nbd": "35", "lab": "0", "unwedged": "1;32"}


class Narration:
    def __init__(self) -> None:
        self._lines: list[tuple[float, int, float, str]] = []  # at, order of arrival, arrival, text
        self._order = itertools.count()
        self._colour = sys.stdout.isatty()
        self._width = min(120, shutil.get_terminal_size((110, 24)).columns)
        self._task: asyncio.Task | None = None

    def tell(self, at: float, who: str, what: str) -> None:
        heapq.heappush(self._lines, (at, next(self._order), time.monotonic(), self._formatted(at, who, what)))

    async def __aenter__(self) -> "Narration":
        self._task = asyncio.create_task(self._print_as_they_settle())
        return self

    async def __aexit__(self, *_) -> None:
        self._task.cancel()
        self.flush()

    def flush(self) -> None:
        while self._lines:
            print(heapq.heappop(self._lines)[-1], flush=True)

    def heading(self, text: str) -> None:
        self.flush()
        print(f"\n\033[1m{text}\033[0m" if self._colour else f"\n{text}", flush=True)

    async def _print_as_they_settle(self) -> None:
        while True:
            while self._lines and time.monotonic() - self._lines[0][2] >= _HELD_BACK:
                print(heapq.heappop(self._lines)[-1], flush=True)
            await asyncio.sleep(0.05)

    def _formatted(self, at: float, who: str, what: str) -> str:
        head = f"{at:8.2f} s  {who:<8}  "
        text = textwrap.fill(what, self._width, initial_indent=head, subsequent_indent=" " * len(head))
        return f"\033[{_COLOURS.get(who, '0')}m{text}\033[0m" if self._colour else text
