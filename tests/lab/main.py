"""The lab: real QEMU, a real NBD server, real migrations, real faults; each alone and with unwedged.

Exit status: 0 everything was as expected, 1 something was not, 2 usage, 130 interrupted.
"""

import argparse
import asyncio
import json
import shutil
import sys
from pathlib import Path

from campaign import Campaign, Play, Result, snapshot
from catalogue import COLUMNS, Scenario, scenarios
from interruption import EXIT_STATUS, cancel_on_signals
from qemus import ALL, BACKPORT, BULLSEYE, INSTALLED, NoQemu, chosen
from stage import PROGRAMS
from table import failures, summary, table


def _arguments(known: dict[str, Scenario]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev lab", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="scenarios:\n" + _listing(known))
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenarios to play (default: all)")
    columns = parser.add_mutually_exclusive_group()
    columns.add_argument("--alone", action="store_true", help="only without the daemon: what QEMU does by itself")
    columns.add_argument("--with", dest="with_unwedged", action="store_true", help="only with the daemon")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="play everything N times (default 1)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="scenarios side by side (default 2)")
    parser.add_argument("--json", action="store_true", help="results as one JSON document on stdout")
    parser.add_argument("--keep", action="store_true", help="keep the folder of every run, not only of failed ones")
    parser.add_argument("--bin", type=Path, default=PROGRAMS, metavar="DIR",
                        help="where unwedged and unwedgectl are (default build/bin)")
    parser.add_argument("--qemu", default=INSTALLED, metavar="WHICH",
                        help=f"the QEMU to play with: {INSTALLED} (default), {BACKPORT} (of bookworm-backports), "
                             f"{ALL} of these, {BULLSEYE} (of Debian 11), or a program")
    parser.add_argument("--list", action="store_true", help="list the scenarios and exit")
    arguments = parser.parse_args()

    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        parser.error(f"no scenario {', '.join(unknown)}; there are {', '.join(known)}")
    if arguments.runs < 1 or arguments.jobs < 1:
        parser.error("--runs and --jobs start at 1")
    if arguments.list:
        return arguments
    if not shutil.which("qemu-storage-daemon"):
        parser.error("qemu-storage-daemon is not installed")
    try:
        arguments.qemus = chosen(arguments.qemu)
    except NoQemu as missing:
        parser.error(str(missing))
    if not arguments.alone and not (arguments.bin / "unwedged").exists():
        parser.error(f"no unwedged in {arguments.bin}: build it first (./dev build), or use --alone")
    return arguments


def _listing(known: dict[str, Scenario]) -> str:
    width = max(map(len, known))
    return "\n".join(f"  {name:<{width}}  {scenario.summary}" for name, scenario in known.items())


def _wanted(arguments: argparse.Namespace, known: dict[str, Scenario]) -> list[Play]:
    columns = ("alone",) if arguments.alone else ("with",) if arguments.with_unwedged else COLUMNS
    return [Play(known[name], qemu, column, run, arguments.runs) for run in range(1, arguments.runs + 1)
            for name in known if name in arguments.names or not arguments.names
            for qemu in arguments.qemus
            for column in columns if column in known[name].play]


async def _play(campaign: Campaign, wanted: list[Play]) -> list[Result]:
    cancel_on_signals()
    return await campaign.play(wanted)


def main() -> int:
    known = scenarios()
    arguments = _arguments(known)
    if arguments.list:
        print(_listing(known))
        return 0
    for qemu in arguments.qemus:
        print(qemu.full, file=sys.stderr)
    try:
        with snapshot(arguments.bin) as programs:
            campaign = Campaign(programs, arguments.jobs, arguments.keep)
            results = asyncio.run(_play(campaign, _wanted(arguments, known)))
    except asyncio.CancelledError:
        print("interrupted; everything that was started has been ended", file=sys.stderr)
        return EXIT_STATUS
    ok = all(result.ok for result in results)
    if arguments.json:
        print(json.dumps({"qemu": [qemu.full for qemu in arguments.qemus], "runs": arguments.runs, "ok": ok, "summary": summary(results),
                          "results": [result.as_json() for result in results]}, indent=2))
    elif results:
        print(table(results))
    if not ok:
        print(failures(results), file=sys.stderr)
    kept = [result.folder for result in results if result.ok and result.folder]
    if kept:
        print("kept: " + " ".join(kept), file=sys.stderr)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
