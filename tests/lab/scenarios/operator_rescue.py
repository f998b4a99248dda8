"""A hang that no policy is about: an operator asks what would bring it back, then has it done.

The dead mirror target with the disk in an iothread; `unwedgectl act VM rescue --plan`, which touches nothing, and --yes.
"""

import hang
from disk_image import digest
from enrolment import FixedSocket
from expectation import require
from scenarios import dead_mirror_target
from stage import Stage
from virtual_machine import Machine

ENROLMENT = FixedSocket()
AUTHORITY = "rescue"
POLICIES = {**dead_mirror_target.POLICIES, "monitor-stall": ""}


async def with_unwedged(stage: Stage) -> str:
    source = await dead_mirror_target.provoke(stage, Machine(iothread=True))
    vm, unwedged = source.vm, stage.unwedged
    unwedged.patience = 15  # a window that runs out takes 3 s, and looking takes its time
    await unwedged.vm_until(vm.name, lambda seen: seen["verdict"] and seen["state"] == "stalled", 15, "stalled")
    planned = await unwedged.call("act", vm.name, "rescue", "--plan")
    held = [each["name"] for each in planned["preconditions"] if each["ok"]]
    require(len(held) == len(planned["preconditions"]) > 10, f"preconditions: {planned}")
    fences = ("migrate_cancel, then yank of node tgt", "yank of the migration, then yank of node tgt")
    require(any(fence in planned["plan"] for fence in fences), f"plan: {planned['plan']}")
    require(not await unwedged.incidents(vm.name), "a plan is on record as if something was done")
    require(vm.liveness.silent_for > 3, "it does not hang any more")
    done = await unwedged.call("act", vm.name, "rescue", "--yes")
    require(done["ok"], f"not done: {done}")
    require(await vm.liveness.running_again(5), "it does not run")
    await hang.migration_failed(source, how=("failed", "cancelled"))
    require(await digest(source.machine.disk) == source.digest, "DATA LOSS: the source's disk has changed")
    incident = await unwedged.incident_until(vm.name, lambda seen: seen["closed"] is not None, 10, "closed")
    steps = [(step["action"], step["result"]) for step in incident["steps"]]
    require(incident["outcome"] == "recovered" and steps == [("rescue-root", "done")], f"{incident}")
    return "planned, then recovered by a lease"
