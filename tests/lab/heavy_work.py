"""What keeps a healthy VM's main loop busy for seconds: snapshots of the whole machine, dumps of its memory, copies of
its disk. One operation after another, for as long as asked.

The VM must have a qcow2 disk: the node `disk` over `overlay-file` (Machine.overlay).
"""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from disk_image import empty_image, empty_qcow2
from expectation import require
from virtual_machine import VirtualMachine

DISK_MIB = 128
_SLOW = 3600  # seconds that one step may take: a VM niced to 19 gets 3 ms of CPU a second on a machine at its limit
_JOB = "work"


async def savevm(vm: VirtualMachine) -> None:
    """The monitor's command of old: everything on the main thread, the VM stopped meanwhile."""
    await _hmp(vm, "savevm work")
    await _hmp(vm, "delvm work")


async def snapshot_save(vm: VirtualMachine) -> None:
    """The same as a job, which holds the main loop up all the same."""
    for command, extra in (("snapshot-save", {"vmstate": "disk"}), ("snapshot-delete", {})):
        await _job(vm, command, job_id=_JOB, tag="job", devices=["disk"], **extra)


async def dump_guest_memory(vm: VirtualMachine) -> None:
    dump = vm.folder / f"{vm.name}.dump"
    await vm.qmp.execute("dump-guest-memory", paging=False, format="kdump-zlib", protocol=f"file:{dump}",
                         deadline=_SLOW)
    dump.unlink()


async def backup(vm: VirtualMachine) -> None:
    """The whole disk, into a file."""
    copy = vm.folder / f"{vm.name}.backup"
    await empty_image(copy, DISK_MIB)
    await vm.qmp.execute("blockdev-add", driver="file", node_name="copy", filename=str(copy), deadline=_SLOW)
    await _job(vm, "blockdev-backup", job_id=_JOB, device="disk", target="copy", sync="full", auto_dismiss=False)
    await vm.qmp.execute("blockdev-del", node_name="copy", deadline=_SLOW)
    copy.unlink()


async def commit(vm: VirtualMachine) -> None:
    """A layer with 64 MiB in it on top of the disk, and down again."""
    layer = vm.folder / f"{vm.name}.layer"
    await empty_qcow2(layer, DISK_MIB)
    await vm.qmp.execute("blockdev-add", driver="qcow2", node_name="layer", backing=None,
                         file={"driver": "file", "filename": str(layer)}, deadline=_SLOW)
    await _hmp(vm, 'qemu-io layer "write -P 7 48M 64M"')
    await vm.qmp.execute("blockdev-snapshot", node="disk", overlay="layer", deadline=_SLOW)
    await _job(vm, "block-commit", job_id=_JOB, device="layer", base_node="disk", auto_dismiss=False, completes=True)
    await vm.qmp.execute("blockdev-del", node_name="layer", deadline=_SLOW)
    layer.unlink()


OPERATIONS: tuple[Callable[[VirtualMachine], Awaitable[None]], ...] = (
    savevm, snapshot_save, dump_guest_memory, backup, commit)


async def labour(vm: VirtualMachine, first: int, until: float, done: Counter) -> None:
    """All in turn, from that one on. `done` counts the operations by name; each must succeed."""
    for turn in itertools.count(first):
        if time.monotonic() >= until:
            return
        operation = OPERATIONS[turn % len(OPERATIONS)]
        await operation(vm)
        done[operation.__name__] += 1
        await asyncio.sleep(random.uniform(0, 2))


async def _hmp(vm: VirtualMachine, line: str) -> None:
    said = await vm.qmp.execute("human-monitor-command", command_line=line, deadline=_SLOW)
    require(not said or said.startswith("wrote "), f"{vm.name}: {line}: {said}")


async def _job(vm: VirtualMachine, command: str, *, completes: bool = False, **arguments) -> None:
    """To its end, and dismissed."""
    since = len(vm.qmp.events)
    await vm.qmp.execute(command, deadline=_SLOW, **arguments)
    if completes:
        await vm.qmp.event("JOB_STATUS_CHANGE", id=_JOB, status="ready", since=since, deadline=_SLOW)
        await vm.qmp.execute("job-complete", id=_JOB, deadline=_SLOW)
    await vm.qmp.event("JOB_STATUS_CHANGE", id=_JOB, status="concluded", since=since, deadline=_SLOW)
    job, = (job for job in await vm.qmp.execute("query-jobs", deadline=_SLOW) if job["id"] == _JOB)
    await vm.qmp.execute("job-dismiss", id=_JOB, deadline=_SLOW)
    require("error" not in job, f"{vm.name}: {command}: {job.get('error')}")
