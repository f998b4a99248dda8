"""Plays scenarios side by side, in as many slots as allowed, and collects what came of each."""

import asyncio
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from catalogue import Scenario
from expectation import Unexpected
from processes import ProcessEnded
from qmp_client import QmpError, QmpSilent
from stage import Settings, Stage

_LONGEST_RUN = 120  # seconds; a scenario takes 10 to 25
# What a run may raise when the world is not as the scenario expects; anything else is a bug of the lab.
CONTRADICTIONS = (Unexpected, ProcessEnded, QmpError, QmpSilent, TimeoutError)


@contextmanager
def snapshot(programs: Path) -> Iterator[Path]:
    """A copy of the programs, so that a build beside a long campaign cannot change what it tests."""
    with tempfile.TemporaryDirectory(prefix="uw-bin-", dir="/tmp") as copy:
        for name in ("unwedged", "unwedgectl"):
            if (programs / name).exists():
                shutil.copy2(programs / name, copy)
        yield Path(copy)


@dataclass
class Result:
    scenario: str
    column: str
    run: int
    ok: bool = False
    outcome: str = ""
    reason: str | None = None   # why it is not ok
    seconds: float = 0.0
    figures: dict[str, float | None] = field(default_factory=dict)
    folder: str | None = None   # kept
    unwedged_log: str | None = None

    def as_json(self) -> dict:
        return asdict(self)


@dataclass
class Campaign:
    settings: Settings
    jobs: int
    keep: bool
    results: list[Result] = field(default_factory=list)

    async def play(self, wanted: list[tuple[Scenario, str, int]]) -> list[Result]:
        """Every (scenario, column, run), in order as slots come free."""
        slots = asyncio.Semaphore(self.jobs)
        self._total, self._started = len(wanted), time.monotonic()

        async def in_a_slot(scenario: Scenario, column: str, run: int) -> Result:
            async with slots:
                result = await self._one(scenario, column, run)
            self.results.append(result)
            self._progress(result)
            return result

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(in_a_slot(*item)) for item in wanted]
        return [task.result() for task in tasks]

    async def _one(self, scenario: Scenario, column: str, run: int) -> Result:
        result = Result(scenario.name, column, run)
        started = time.monotonic()
        stage = Stage(self.settings, scenario.enrolment if column == "with" else None, scenario.authority)
        try:
            async with stage, asyncio.timeout(_LONGEST_RUN):
                result.outcome = await scenario.play[column](stage)
                if stage.unwedged:
                    await stage.unwedged.stop()
            result.ok = True
        except CONTRADICTIONS as error:
            result.reason = str(error) or f"not through after {_LONGEST_RUN} s"
        except Exception:  # the firewall of one run: a bug of the lab is one red line, not the end of the others
            result.reason = traceback.format_exc()
        finally:
            result.figures = stage.figures.seconds()
            result.seconds = round(time.monotonic() - started, 1)
            self._tidy(stage, result)
        return result

    def _tidy(self, stage: Stage, result: Result) -> None:
        if result.reason and stage.unwedged and stage.unwedged.process:
            result.unwedged_log = stage.unwedged.process.log_tail()
        if result.reason or self.keep:
            result.folder = str(stage.folder)
        else:
            stage.remove()

    def _progress(self, result: Result) -> None:
        since = time.monotonic() - self._started
        said = result.outcome if result.ok else f"FAILED: {result.reason.strip().splitlines()[-1][:160]}"
        print(f"{since:7.1f} s  {len(self.results):3}/{self._total}  {result.scenario} ({result.column}, "
              f"run {result.run}): {said}  [{result.seconds:.0f} s]", file=sys.stderr, flush=True)
