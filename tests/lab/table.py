"""The lab's results for people: one row a scenario, what came of it in both columns, and the times."""

import statistics
from collections.abc import Iterable

from campaign import Result

_FIGURES = ("stall_to_verdict", "stall_to_running", "verdict_to_running")
_HEAD = ("scenario", "QEMU", "alone", "with unwedged", "stall->verdict", "stall->running", "verdict->running", "ok")


def table(results: list[Result]) -> str:
    rows = [_HEAD, *(_row(name, qemu, of) for (name, qemu), of in _by_row(results).items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    if max(result.run for result in results) > 1:
        lines.append("Times in seconds: minimum / median / maximum of the runs with unwedged.")
    else:
        lines.append("Times in seconds, with unwedged.")
    return "\n".join(lines)


def failures(results: Iterable[Result]) -> str:
    """Each run that was not as expected: why, and where its logs are."""
    paragraphs = []
    for result in results:
        if result.ok:
            continue
        paragraphs.append(f"{result.scenario} (QEMU {result.qemu}, {result.column}, run {result.run}): {result.reason.strip()}\n"
                          f"  logs: {result.folder}")
        if result.unwedged_log:
            paragraphs.append("  the end of unwedged's log:\n" + _indented(result.unwedged_log))
    return "\n".join(paragraphs)


def summary(results: list[Result]) -> dict:
    """Minimum, median and maximum of each figure, by scenario and QEMU, over the runs with the daemon."""
    return {f"{name}, QEMU {qemu}": {figure: _spread(of, figure) for figure in _FIGURES}
            for (name, qemu), of in _by_row(results).items()}


def _by_row(results: list[Result]) -> dict[tuple[str, str], list[Result]]:
    rows: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        rows.setdefault((result.scenario, result.qemu), []).append(result)
    return rows


def _row(name: str, qemu: str, results: list[Result]) -> tuple[str, ...]:
    figures = {figure: _spread(results, figure) for figure in _FIGURES}
    passed = sum(result.ok for result in results)
    ok = "yes" if passed == len(results) else f"NO ({passed}/{len(results)})"
    return (name, qemu, _outcomes(results, "alone"), _outcomes(results, "with"),
            *(_times(figures[figure]) for figure in _FIGURES), ok)


def _outcomes(results: list[Result], column: str) -> str:
    said = [result.outcome if result.ok else "FAILED" for result in results if result.column == column]
    counted = [f"{said.count(outcome)}x {outcome}" if len(set(said)) > 1 else outcome
               for outcome in dict.fromkeys(said)]
    return ", ".join(counted) or "-"


def _spread(results: Iterable[Result], figure: str) -> dict[str, float] | None:
    values = [result.figures[figure] for result in results
              if result.column == "with" and result.figures.get(figure) is not None]
    if not values:
        return None
    return {"min": min(values), "median": round(statistics.median(values), 3), "max": max(values)}


def _times(spread: dict[str, float] | None) -> str:
    if spread is None:
        return "-"
    if spread["min"] == spread["max"]:
        return f"{spread['median']:.2f}"
    return f"{spread['min']:.2f} / {spread['median']:.2f} / {spread['max']:.2f}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
