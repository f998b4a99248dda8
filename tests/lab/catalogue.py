"""The scenarios: one module a file in scenarios/, found by its name.

A module has a docstring (its first line is what --list says), ENROLMENT, and a coroutine for each column
of the table that makes sense for it: `alone(stage)` and `with_unwedged(stage)`. They return what came of it
in a few words, or raise Unexpected. AUTHORITY is protect unless it says otherwise. POLICIES are files of the
administrator's, by name: an empty text switches the shipped one of that name off.
"""

import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from enrolment import Enrolment
from stage import Stage

COLUMNS = ("alone", "with")
_FOLDER = Path(__file__).parent / "scenarios"
# The main job first; what is not listed follows by name.
_ORDER = ["dead-mirror-target", "frozen-destination", "stop-with-dead-mirror", "healthy-mirror-migration",
          "long-legitimate-stall", "sigstopped-qemu", "killed-qemu"]


@dataclass(frozen=True)
class Scenario:
    name: str
    summary: str
    enrolment: Enrolment
    authority: str
    policies: dict[str, str]
    play: dict[str, Callable[[Stage], Awaitable[str]]]  # by column


def scenarios() -> dict[str, Scenario]:
    names = sorted(path.stem.replace("_", "-") for path in _FOLDER.glob("*.py"))
    names.sort(key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))
    return {name: _load(name) for name in names}


def _load(name: str) -> Scenario:
    module = importlib.import_module(f"scenarios.{name.replace('-', '_')}")
    columns = {"alone": getattr(module, "alone", None), "with": getattr(module, "with_unwedged", None)}
    return Scenario(name, module.__doc__.splitlines()[0], module.ENROLMENT,
                    getattr(module, "AUTHORITY", "protect"), getattr(module, "POLICIES", {}),
                    {column: play for column, play in columns.items() if play})
