"""The same stall of the storage with the image read and written through io_uring: no thread sits in a write."""

from enrolment import SocketGlob
from scenarios import storage_stall
from stage import Stage

ENROLMENT = SocketGlob()


async def alone(stage: Stage) -> str:
    return await storage_stall.alone(stage, "io_uring")


async def with_unwedged(stage: Stage) -> str:
    return await storage_stall.with_unwedged(stage, "io_uring")
