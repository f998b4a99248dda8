"""The other ending that scenarios share: whatever the VM went through, the daemon did nothing about it."""

import asyncio
import json

from expectation import require
from stage import Stage
from unwedged import PATIENCE
from virtual_machine import VirtualMachine

HARMLESS = ("main-loop-busy",)  # verdicts that a stall with progress may get
_NOT_DONE = ("observed", "refused", "withheld", "skipped", "dry-run")  # results of a step that touched nothing


def done(incident: dict) -> list[dict]:
    """The steps that touched the VM. A result is a word, and after a colon the reason. A flag for the kernel's core
    touches nothing: the VM goes on, or hangs on, as it would have."""
    return [step for step in incident["steps"]
            if step["action"] != "flag-core" and step["result"].partition(":")[0] not in _NOT_DONE]


async def stays_quiet(stage: Stage, *vms: VirtualMachine, suspicion_allowed: bool = False) -> None:
    """With a daemon: after another patience still nothing. Alone there is nobody to be quiet."""
    if not stage.unwedged:
        return
    await asyncio.sleep(PATIENCE + 1)
    for vm in vms:
        await stage.unwedged.vm_until(vm.name, lambda seen: seen["state"] == "healthy", 5, "healthy")
        for incident in await stage.unwedged.incidents(vm.name):
            require(suspicion_allowed, f"an incident of a healthy VM: {json.dumps(incident)}")
            require(not done(incident), f"something was done: {json.dumps(incident['steps'])}")
            kind = incident["verdict"] and incident["verdict"]["kind"]
            require(kind in (None, *HARMLESS), f"verdict {kind}: {json.dumps(incident['verdict'])}")
