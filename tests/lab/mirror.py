"""A block mirror from a VM's disk to the NBD server, as libvirt sets it up for storage that is not shared."""

import asyncio

from expectation import require
from nbd_server import NbdServer
from virtual_machine import VirtualMachine

JOB = "m0"
TARGET = "tgt"
BYTES_PER_SECOND = 20_000_000


async def start_mirror(vm: VirtualMachine, server: NbdServer, speed: int = BYTES_PER_SECOND, *,
                       auto_dismiss: bool = False, host: str = "127.0.0.1") -> None:
    """auto-dismiss off, as libvirt does: a concluded job stays to be asked about. On, the job is gone at its end."""
    address = server.address if server.path else {**server.address, "host": host}
    await vm.qmp.execute("blockdev-add", driver="nbd", node_name=TARGET, server=address,
                         export=server.EXPORT)
    await vm.qmp.execute("blockdev-mirror", job_id=JOB, device="disk", target=TARGET, sync="full", speed=speed,
                         auto_dismiss=auto_dismiss)
    vm.timeline.note("qemu", f"mirror {JOB}: disk -> NBD node {TARGET}")


async def start_drive_mirror(vm: VirtualMachine, server: NbdServer, speed: int = BYTES_PER_SECOND) -> None:
    """As Proxmox does it: QEMU opens the target itself, gives the node a name, and takes it away with the job."""
    where = server.address
    uri = f"nbd+unix:///{server.EXPORT}?socket={server.path}" if server.path else \
        f"nbd://127.0.0.1:{where['port']}/{server.EXPORT}"
    await vm.qmp.execute("drive-mirror", job_id=JOB, device="disk", target=uri, format="raw", mode="existing",
                         sync="full", speed=speed, auto_dismiss=False)
    vm.timeline.note("qemu", f"drive-mirror {JOB}: disk -> {uri}")


async def copied(vm: VirtualMachine) -> float:
    """The part of the disk that is done, from 0 to 1."""
    job = next(job for job in await vm.qmp.execute("query-jobs") if job["id"] == JOB)
    return job["current-progress"] / job["total-progress"]


async def freeze_target_in_mid_mirror(vm: VirtualMachine, server: NbdServer, host: str = "127.0.0.1", *,
                                      auto_dismiss: bool = False) -> None:
    """The dead target of qemu-facts 8: frozen after a second, with requests in flight."""
    await start_mirror(vm, server, host=host, auto_dismiss=auto_dismiss)
    await freeze_in_mid_mirror(vm, server)


async def freeze_in_mid_mirror(vm: VirtualMachine, server: NbdServer) -> None:
    await asyncio.sleep(1)
    done = await copied(vm)
    vm.timeline.note("qemu", f"mirror {JOB}: {done:.0%}")
    server.process.freeze()
    vm.timeline.note("nbd", "NBD server frozen (SIGSTOP)")
    # Without a limit the job sends as much as it may have in flight; all of it stays without an answer.
    await vm.qmp.execute("block-job-set-speed", device=JOB, speed=0)
    await asyncio.sleep(0.3)
    require(0 < await copied(vm) < 1, "the mirror was through before its target froze")
