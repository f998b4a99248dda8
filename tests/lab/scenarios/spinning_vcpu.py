"""A vCPU's thread runs in circles inside a device, the BQL held: at work by its CPU time, and yet a hang."""

import hang
from enrolment import FixedSocket
from expectation import require
from scenarios.parked_vcpu import COMM, park
from stage import Stage

ENROLMENT = FixedSocket()


async def alone(stage: Stage) -> str:
    source, _ = await park(stage, spins=True)
    return await hang.hangs(stage, source)


async def with_unwedged(stage: Stage) -> str:
    source, _ = await park(stage, spins=True)
    incident = await hang.has_verdict(stage, source, "bql-held", ("vcpu", COMM), within=hang.AWAKE_WITHIN)
    require(incident["verdict"].get("spinning") is True, f"not said to spin: {incident['verdict']}")
    await hang.left_alone(stage, source, ("open", "failed"))
    return "hangs, the spinning vCPU is named; nothing done"
