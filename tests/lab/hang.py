"""The endings that scenarios share: the VM hangs, hangs on although the daemon watches, or comes back."""

import json

import migration
from disk_image import digest
from expectation import Unexpected, require
from liveness import LATE
from qmp_client import QmpSilent
from quiet import done
from stage import Source, Stage
from timeline import from_rfc3339
from unwedged import PATIENCE

HANGS_AFTER = 8.0       # seconds of silence after which we call it a hang; a recovery would have come long before
VERDICT_WITHIN = PATIENCE + 1
AWAKE_WITHIN = 15.0     # a thread that is awake and gets nothing done may be at work: that takes longer to tell
RUNNING_WITHIN = 2.0    # of the verdict
RESCUED_WITHIN = 6.0    # likewise by a lease: a job that pauses lasts until its window of 3 s is over


async def hangs(stage: Stage, source: Source) -> str:
    """In-band silence for HANGS_AFTER while out-of-band answers: the main loop is stuck, not the process."""
    vm = source.vm
    if not await vm.liveness.stalled(HANGS_AFTER + 6, seconds=HANGS_AFTER):
        raise Unexpected(f"no hang: silent for {vm.liveness.silent_for:.1f} s, run state {vm.liveness.status}, "
                         f"stalls {vm.liveness.stalls}, process {'alive' if vm.process.alive else 'dead'}")
    require(vm.liveness.silent_for >= HANGS_AFTER, f"it stalled and came back: {vm.liveness.stalls}")
    await _only_the_main_loop_hangs(source)
    stage.figures.stall = vm.liveness.onset
    return "hangs"


async def has_verdict(stage: Stage, source: Source, kind: str, root: tuple[str, str] | None, *,
                      within: float = VERDICT_WITHIN, since: float = 0) -> dict:
    """The incident with the expected verdict, in time; fills in the figures. A debugger that stopped the VM itself until
    `since` is no part of the stall."""
    vm = source.vm
    require(await vm.liveness.stalled(10), "the VM did not stall at all")
    stage.figures.stall = max(vm.liveness.onset, since)
    stage.timeline.note("lab", "first unanswered query-status", at=vm.liveness.onset)
    incident = await stage.unwedged.incident_until(
        vm.name, lambda seen: seen["verdict"] is not None, within + 4, "with a verdict")
    check_verdict(incident["verdict"], kind, root)
    stage.figures.verdict = from_rfc3339(incident["verdict"]["at"])
    stage.timeline.note("unwedged", f"verdict: {incident['verdict']['sentence']}", at=stage.figures.verdict)
    took = stage.figures.verdict - stage.figures.stall
    require(took <= within, f"verdict {took:.2f} s after the stall, allowed are {within:g} s")
    return incident


def check_verdict(verdict: dict, kind: str, root: tuple[str, str] | None) -> None:
    require(verdict["kind"] == kind, f"verdict {verdict['kind']}, expected {kind}: {verdict['sentence']}")
    if root:
        found = verdict["root"] and (verdict["root"]["type"], verdict["root"]["name"])
        require(found == root, f"root {found}, expected {root}: {verdict['sentence']}")


async def recovers(stage: Stage, source: Source, kind: str, root: tuple[str, str], *, by: str = "yank") -> str:
    """Verdict, one remedy (`by`: yank, sever-root, rescue-root) of exactly that root, VM running, all in time; the disk
    as it was, the incident closed."""
    await has_verdict(stage, source, kind, root)
    return await comes_back(stage, source, root, by=by)


async def comes_back(stage: Stage, source: Source, root: tuple[str, str], *, by: str = "yank") -> str:
    """What must follow a verdict that has a remedy."""
    vm = source.vm
    within = RESCUED_WITHIN if by == "rescue-root" else RUNNING_WITHIN
    require(await vm.liveness.running_again(within + 8), f"not running again; {await _about(stage, source)}")
    stage.figures.running = vm.liveness.first_running
    stage.timeline.note("lab", "query-status answers: running", at=vm.liveness.first_running)
    took = stage.figures.running - stage.figures.verdict
    require(took <= within, f"running {took:.2f} s after the verdict, allowed are {within:g} s")
    await _unharmed(source)
    await _recovered(stage, source, root, by)
    require(vm.liveness.silent_for < LATE and vm.liveness.status == "running", "it stalled again")
    return "recovered"


async def migration_failed(source: Source, *, how: tuple[str, ...] = ("failed",)) -> None:
    status = await migration.status(source.vm)
    require(status in how, f"migration {status}, expected {' or '.join(how)}")


async def left_alone(stage: Stage, source: Source, outcomes: tuple[str, ...]) -> dict:
    """A verdict, but nothing was done: still hung, still alive, nothing claimed."""
    vm = source.vm
    await vm.liveness.stalled(HANGS_AFTER + 6, seconds=HANGS_AFTER)
    require(vm.process.alive, f"QEMU died; {await _about(stage, source)}")
    require(vm.liveness.silent_for >= HANGS_AFTER, f"it came back; {await _about(stage, source)}")
    await _only_the_main_loop_hangs(source)
    incident, = await stage.unwedged.incidents(vm.name)
    require(not done(incident), f"something was done: {json.dumps(incident['steps'])}")
    require(incident["outcome"] in outcomes, f"outcome {incident['outcome']}, expected one of {outcomes}")
    return incident


async def resolves_itself(stage: Stage, source: Source) -> None:
    """The cause went away, the VM is well: the incident says so, and that nothing was done."""
    name = source.vm.name
    incident = await stage.unwedged.incident_until(name, lambda seen: seen["closed"] is not None, 10, "closed")
    require(incident["outcome"] == "resolved-itself", f"outcome {incident['outcome']}, expected resolved-itself")
    require(not done(incident), f"something was done: {json.dumps(incident['steps'])}")
    await stage.unwedged.vm_until(name, lambda vm: vm["state"] == "healthy", 5, "healthy again")


async def _recovered(stage: Stage, source: Source, root: tuple[str, str], by: str) -> None:
    incident = await stage.unwedged.incident_until(
        source.vm.name, lambda seen: seen["closed"] is not None, 10, "closed")
    require(incident["outcome"] == "recovered", f"outcome {incident['outcome']}: {json.dumps(incident['steps'])}")
    steps = done(incident)
    require(len(steps) == 1 and steps[0]["action"] == by and _of(root, steps[0]["arguments"]),
            f"expected one {by} of {root}: {json.dumps(incident['steps'])}")
    seen = await stage.unwedged.vm_until(source.vm.name, lambda vm: vm["state"] == "healthy", 5, "healthy again")
    require(seen["incident"] is None and seen["verdict"] is None, f"still in trouble: {json.dumps(seen)}")


def _of(root: tuple[str, str], arguments: dict) -> bool:
    """The step is of this root alone, whatever the remedy."""
    if "instances" not in arguments:
        return arguments.get("nodes") == [root[1]] or (root[0] == "migration" and arguments.get("migration") is True)
    wanted = {"type": "migration"} if root[0] == "migration" else {"type": "block-node", "node-name": root[1]}
    return arguments["instances"] == [wanted]


async def _only_the_main_loop_hangs(source: Source) -> None:
    try:
        await source.vm.oob_answers()
    except QmpSilent as silent:
        raise Unexpected(f"out-of-band is silent as well: {silent}") from None


async def _unharmed(source: Source) -> None:
    if source.machine.disk:
        require(await digest(source.machine.disk) == source.digest, "DATA LOSS: the source's disk has changed")


async def _about(stage: Stage, source: Source) -> str:
    vm = source.vm
    return (f"process {'alive' if vm.process.alive else 'dead'}, silent for {vm.liveness.silent_for:.1f} s, "
            f"incidents {json.dumps(await stage.unwedged.incidents(vm.name))}")
