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
from qemus import Qemu
from qmp_client import QmpError, QmpSilent
from stage import Settings, Stage

_LONGEST_RUN = 120  # seconds; a scenario takes 10 to 25
# What a run may raise when the world is not as the scenario expects; anything else is a bug of the lab.
CONTRADICTIONS = (Unexpected, ProcessEnded, QmpError, QmpSilent, TimeoutError)


@contextmanager
def snapshot(programs: Path) -> Iterator[Path]:
    """A copy of the programs, so that a build beside a long campaign cannot change what it tests."""
    with tempfile.TemporaryDirectory(prefix="uw-bin-", dir="/tmp") as copy:
        for name in ("unwedged", "unwedgectl", "unwedge-inspect", "unwedge-core", "unwedge-rescue"):
            if (programs / name).exists():
                shutil.copy2(programs / name, copy)
        yield Path(copy)


@dataclass(frozen=True)
class Play:
    """One run of one scenario."""
    scenario: Scenario
    qemu: Qemu
    column: str
    run: int
    of_runs: int


@dataclass
class Result:
    scenario: str
    qemu: str
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
    programs: Path
    jobs: int
    keep: bool
    results: list[Result] = field(default_factory=list)

    async def play(self, wanted: list[Play]) -> list[Result]:
        """All, in order as slots come free."""
        slots = asyncio.Semaphore(self.jobs)
        self._total, self._started = len(wanted), time.monotonic()

        async def in_a_slot(play: Play) -> Result:
            async with slots:
                result = await self._one(play)
            self.results.append(result)
            self._progress(result)
            return result

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(in_a_slot(play)) for play in wanted]
        return [task.result() for task in tasks]

    async def _one(self, play: Play) -> Result:
        scenario = play.scenario
        result = Result(scenario.name, play.qemu.version, play.column, play.run)
        started = time.monotonic()
        stage = Stage(Settings(play.qemu.binary, self.programs), scenario.enrolment if play.column == "with" else None,
                      scenario.authority, scenario.policies, play.run, play.of_runs)
        try:
            async with stage, asyncio.timeout(_LONGEST_RUN):
                result.outcome = await scenario.play[play.column](stage)
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
        print(f"{since:7.1f} s  {len(self.results):3}/{self._total}  {result.scenario} (QEMU {result.qemu}, "
              f"{result.column}, run {result.run}): {said}  [{result.seconds:.0f} s]", file=sys.stderr, flush=True)
