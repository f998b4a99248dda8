"""The frozen destination with the migration stream on a unix socket, as libvirt's tunnels have it."""

import hang
from enrolment import FixedSocket
from scenarios import frozen_destination
from stage import Stage

ENROLMENT = FixedSocket()


async def alone(stage: Stage) -> str:
    return await hang.hangs(stage, await frozen_destination.provoke(stage, "unix"))


async def with_unwedged(stage: Stage) -> str:
    return await frozen_destination.with_unwedged(stage, "unix")
