"""The lab's own QMP connection: the witness that a VM hangs or answers, independent of unwedged.

Deliberately plain and not shared with the daemon's code. Out-of-band is negotiated at once; afterwards,
when it hangs, it is too late.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from timeline import Timeline

_LONGEST_MESSAGE = 16 << 20


class QmpError(Exception):
    """The server said no: it is alive, and the command did not happen."""


class QmpSilent(Exception):
    """No reply within the deadline, or the connection ended: nobody knows whether the command ran."""


@dataclass(frozen=True)
class Event:
    at: float
    name: str
    data: dict


class QmpClient:
    def __init__(self, name: str, timeline: Timeline, *, traces_events: bool = False):
        self.name = name
        self.events: list[Event] = []
        self._timeline = timeline
        self._traces_events = traces_events  # QEMU tells every monitor: one record is enough
        self._ids = itertools.count(1)
        self._pending: dict[str, asyncio.Future] = {}
        self._arrived = asyncio.Event()
        self._reading: asyncio.Task | None = None

    async def connect(self, path: Path) -> None:
        self._reader, self._writer = await asyncio.open_unix_connection(str(path), limit=_LONGEST_MESSAGE)
        greeting = await self._greeting()
        if "oob" not in greeting["QMP"]["capabilities"]:
            raise QmpError(f"{self.name}: this QEMU offers no oob on {path}")
        self._reading = asyncio.create_task(self._read())
        await self.execute("qmp_capabilities", enable=["oob"])

    async def execute(self, command: str, *, deadline: float | None = 10, **arguments):
        """In-band: answered by the main loop, under the BQL. `deadline=None` waits for ever."""
        return await self._request("execute", command, arguments, deadline)

    async def execute_oob(self, command: str, *, deadline: float = 2, **arguments):
        """Out-of-band: answered by the monitor thread, even while the main loop hangs."""
        return await self._request("exec-oob", command, arguments, deadline)

    async def event(self, name: str, *, since: int = 0, deadline: float = 10, **data) -> Event:
        """The first event of that name, with that data, from index `since` of `events` on."""
        def fits(event: Event) -> bool:
            return event.name == name and data.items() <= event.data.items()
        return await self._first_event(fits, since, deadline, f"{name} {data or ''}")

    async def close(self) -> None:
        if self._reading:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._writer.close()
            self._reading = None

    async def _greeting(self) -> dict:
        """QEMU sends what happened between its listening and its first look at the monitor before the greeting."""
        while True:
            message = json.loads(await self._reader.readline())
            if "QMP" in message:
                return message
            self._take(message)

    async def _first_event(self, fits: Callable[[Event], bool], since: int, deadline: float, what: str) -> Event:
        try:
            async with asyncio.timeout(deadline):
                while True:
                    for event in self.events[since:]:
                        if fits(event):
                            return event
                    since = len(self.events)
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            raise QmpSilent(f"{self.name}: no event {what} within {deadline} s") from None

    async def _request(self, verb: str, command: str, arguments: dict, deadline: float | None):
        key = f"{self.name}-{next(self._ids)}"
        message = {verb: command, "id": key}
        if arguments:
            message["arguments"] = {name.replace("_", "-"): value for name, value in arguments.items()}
        reply = self._pending[key] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(json.dumps(message).encode() + b"\n")
            if command != "query-status":  # ten a second from the liveness probe would bury the rest
                self._timeline.trace(self.name, f"-> {json.dumps(message)}")
            async with asyncio.timeout(deadline):
                answer = await reply
        except TimeoutError:
            raise QmpSilent(f"{self.name}: no reply to {command} within {deadline} s") from None
        finally:
            self._pending.pop(key, None)
        if "error" in answer:
            raise QmpError(f"{self.name}: {command}: {answer['error']['desc']}")
        return answer["return"]

    async def _read(self) -> None:
        why = "connection closed"
        try:
            while line := await self._reader.readline():
                self._take(json.loads(line))
        except (OSError, ValueError) as error:
            why = str(error)
        for reply in self._pending.values():
            if not reply.done():
                reply.set_exception(QmpSilent(f"{self.name}: {why}"))

    def _take(self, message: dict) -> None:
        if "event" in message:
            self.events.append(Event(time.monotonic(), message["event"], message.get("data", {})))
            if self._traces_events:
                self._timeline.trace(self.name, f"<- {json.dumps(message)}")
            self._arrived.set()
            return
        reply = self._pending.get(message.get("id", ""))
        if not (isinstance(message.get("return"), dict) and "running" in message["return"]):
            self._timeline.trace(self.name, f"<- {json.dumps(message)[:2000]}")
        if reply and not reply.done():
            reply.set_result(message)
