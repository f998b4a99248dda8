"""A migration beside a mirror, started by a manager that leaves the switchover to QEMU: what comes of it.

The fates are told apart by what counts for the machine's owner: where the VM runs, whether its process lives, and
whether the disk that it would run on is whole.
"""

import asyncio
import json
import time
from dataclasses import dataclass

import migration
from disk_image import digest
from expectation import Unexpected, require
from hang import HANGS_AFTER
from nbd_server import NbdServer
from qmp_client import QmpError, QmpSilent
from quiet import done
from stage import Source, Stage
from virtual_machine import Machine, VirtualMachine

_OVER = ("completed", "failed", "cancelled")
_SETTLES = 1.5  # seconds: QEMU aborts, if it does, right after the completion
_USUAL_BANDWIDTH, _USUAL_DOWNTIME = 134_217_728, 300  # QEMU's defaults
SURVIVED = ("completes", "runs on the source")


@dataclass(frozen=True)
class Trio:
    """Both ends of a migration, and the server of the mirror's target."""
    source: Source
    destination: VirtualMachine
    server: NbdServer


async def fate(stage: Stage, trio: Trio, deadline: float = 60) -> str:
    """One of SURVIVED, "hangs", "aborts", "completes over a broken copy"; Unexpected for anything else."""
    source, vm = trio.source, trio.source.vm
    # A server that has taken all bytes may be flushing: the daemon gives it 20 s.
    status = await _status_at_the_end(vm, deadline, 30 if stage.unwedged else HANGS_AFTER)
    if status == "hangs":
        stage.figures.stall = vm.liveness.onset
        return "hangs"
    if status == "completed":
        await asyncio.sleep(_SETTLES)
    if not source.machine.writes:
        require(await digest(source.machine.disk) == source.digest, "DATA LOSS: the source's disk has changed")
    # Byte for byte: the source stands still after a completion, or is dead, and the destination waits for us.
    whole = await digest(trio.server.image) == await digest(source.machine.disk)
    if not vm.process.alive:
        return "aborts" if whole else "aborts, the copy is not whole"
    if status == "completed":
        await _runs_there(trio)
        return "completes" if whole else "completes over a broken copy"
    await _runs_here(trio)
    return "runs on the source"


async def _status_at_the_end(vm: VirtualMachine, deadline: float, hangs_after: float) -> str:
    end = time.monotonic() + deadline
    status = "none"
    while time.monotonic() < end:
        if not vm.process.alive:
            return "aborted"
        if vm.liveness.silent_for >= hangs_after:
            return "hangs"
        try:
            status = (await vm.qmp.execute("query-migrate", deadline=0.5)).get("status", "none")
        except (QmpSilent, QmpError):
            status = "none"
        if status in _OVER:
            return status
        await asyncio.sleep(0.05)
    raise Unexpected(f"the migration is {status} after {deadline:g} s, run state {vm.liveness.status}")


async def _runs_there(trio: Trio) -> None:
    destination = trio.destination
    require(destination.process.alive, f"the destination died:\n{destination.process.log_tail()}")
    if trio.source.machine.writes:
        await _until(destination, "paused", 10)
        await destination.qmp.execute("cont")
        await writes_on(destination)
    else:
        await _until(destination, "running", 10)


async def writes_on(vm: VirtualMachine) -> None:
    """Its guest really runs: it goes on writing, and the writes come back."""
    before, end = await vm.writes_done(), time.monotonic() + 5
    while await vm.writes_done() <= before + 3:
        require(time.monotonic() < end, f"the guest of {vm.name} does not write any more")
        await asyncio.sleep(0.1)


async def _runs_here(trio: Trio) -> None:
    """The guest on the source, and on the source alone."""
    await _until(trio.source.vm, "running", 10)
    if trio.source.machine.writes:
        await writes_on(trio.source.vm)
    if not trio.destination.process.alive:
        return
    try:
        state = (await trio.destination.qmp.execute("query-status", deadline=2))["status"]
    except QmpSilent:
        return  # it is ending
    require(state != "running", "TWO VMS: the guest runs on the source and on the destination")


async def _until(vm: VirtualMachine, state: str, deadline: float) -> None:
    end = time.monotonic() + deadline
    seen = "unknown"
    while time.monotonic() < end:
        try:
            seen = (await vm.qmp.execute("query-status", deadline=1))["status"]
        except QmpSilent:
            seen = "silent"
        if seen == state:
            return
        require(vm.process.alive, f"{vm.name} died:\n{vm.process.log_tail()}")
        await asyncio.sleep(0.1)
    raise Unexpected(f"{vm.name} is {seen}, expected {state}")


async def set_up(stage: Stage, machine: Machine) -> Trio:
    server = await stage.start_nbd_server()
    source = await stage.start_source(machine)
    destination = await stage.start_destination(source, server.image)
    # For the record in lab.log; the daemon sets it as well.
    await migration.set_capabilities(source.vm, "events")
    return Trio(source, destination, server)


def concluded_first(trio: Trio) -> None:
    """Every mirror had concluded, and none was aborting, before the migration went over its switchover."""
    names = [(event.name, event.data.get("status", "")) for event in trio.source.vm.qmp.events]
    require(("JOB_STATUS_CHANGE", "aborting") not in names, "the mirror was aborted")
    over = names.index(("MIGRATION", "completed"))
    require(("JOB_STATUS_CHANGE", "concluded") in names[:over], "the mirror was not concluded before the completion")
    require(("MIGRATION", "pre-switchover") in names[:over], "the migration did not wait at its switchover")


async def guarded(stage: Stage, trio: Trio, actions: list[str]) -> None:
    """One incident, of the guard, recovered by these steps in this order."""
    incident = await stage.unwedged.incident_until(
        trio.source.vm.name, lambda seen: seen["closed"] is not None, 10, "closed")
    require(incident["condition"] == "mirror-at-switchover", f"condition {incident['condition']}")
    require(incident["outcome"] == "recovered", f"outcome {incident['outcome']}: {json.dumps(incident['steps'])}")
    taken = [step["action"] for step in done(incident)]
    require(taken == actions, f"steps {taken}, expected {actions}")
    failed = [step for step in incident["steps"] if step["result"] != "done"]
    require(not failed, f"not done: {json.dumps(failed)}")


async def parameters_as_before(trio: Trio) -> None:
    """What the daemon changed for a migration is taken back, soon after its end."""
    if not trio.source.vm.process.alive:
        return
    end = time.monotonic() + 5
    while True:
        now = await trio.source.vm.qmp.execute("query-migrate-parameters")
        if now["max-bandwidth"] == _USUAL_BANDWIDTH and now["downtime-limit"] == _USUAL_DOWNTIME:
            return
        require(time.monotonic() < end, f"max-bandwidth {now['max-bandwidth']}, downtime-limit {now['downtime-limit']}")
        await asyncio.sleep(0.1)
