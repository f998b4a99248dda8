"""The target of a mirror dies while the VM runs and nobody migrates: the copy is given up before it can hang the VM."""

import asyncio

import hang
from enrolment import FixedSocket
from expectation import require
from mirror import JOB, TARGET, freeze_target_in_mid_mirror
from stage import Source, Stage
from switchover import writes_on
from virtual_machine import Machine

ENROLMENT = FixedSocket()
MACHINE = Machine(writes=True)
# As shipped, with less patience.
POLICIES = {"dead-mirror": """
condition = "mirror-stalled"
patience = "4s"
ladder = [{ action = "yank-target", verify_within = "10s" }]
"""}


async def dies(stage: Stage, machine: Machine) -> Source:
    server = await stage.start_nbd_server()
    source = await stage.start_source(machine)
    # By name, as libvirt often has it: the daemon must find out which connection that is.
    await freeze_target_in_mid_mirror(source.vm, server, "localhost")
    return source


async def alone(stage: Stage, machine: Machine = MACHINE) -> str:
    """A trap: the VM runs, and hangs at the first drain, which any `stop`, snapshot or migration makes."""
    source = await dies(stage, machine)
    await writes_on(source.vm)
    stopping = asyncio.create_task(source.vm.qmp.execute("stop", deadline=None))
    try:
        return await hang.hangs(stage, source) + " at the next stop"
    finally:
        stopping.cancel()


async def with_unwedged(stage: Stage, machine: Machine = MACHINE) -> str:
    source = await dies(stage, machine)
    incident = await stage.unwedged.incident_until(
        source.vm.name, lambda seen: seen["closed"] is not None, 25, "closed")
    require(incident["condition"] == "mirror-stalled" and incident["subject"] == JOB, f"incident {incident}")
    require(incident["outcome"] == "recovered", f"outcome {incident['outcome']}: {incident['steps']}")
    yanks = [step for step in incident["steps"] if step["action"] == "yank" and step["result"] == "done"]
    instances = [{"type": "block-node", "node-name": TARGET}]
    require([step["arguments"]["instances"] for step in yanks] == [instances], f"steps {incident['steps']}")
    require(not source.vm.liveness.stalls, f"the monitor stalled: {source.vm.liveness.stalls}")
    await writes_on(source.vm)
    return "copy given up, guest writes on"
