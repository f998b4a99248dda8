"""Somebody debugs QEMU and holds it stopped for a while: say so, and keep your hands off."""

import debugger
import hang
from enrolment import FixedSocket
from expectation import require
from stage import Stage

ENROLMENT = FixedSocket()
_HELD_FOR = 7.0


async def with_unwedged(stage: Stage) -> str:
    source = await stage.start_source()
    async with debugger.holding(stage, source.vm, _HELD_FOR) as gdb:
        await gdb.says("attached")
        await hang.has_verdict(stage, source, "traced", None)
        await gdb.lets_go()
    require(await source.vm.liveness.running_again(5), "no answer after the debugger let go")
    await hang.resolves_itself(stage, source)
    return "traced, left alone"
