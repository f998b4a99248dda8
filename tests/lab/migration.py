"""Starting a migration between two VMs of the lab, and its status."""

from virtual_machine import VirtualMachine


async def migrate(source: VirtualMachine, destination: VirtualMachine, transport: str = "tcp") -> None:
    # The destination chooses a free port itself and says which.
    uri = "tcp:127.0.0.1:0" if transport == "tcp" else f"unix:{destination.folder}/migration"
    address = await destination.listen_for_migration(uri)
    if transport == "tcp":
        uri = f"tcp:127.0.0.1:{address['port']}"
    await source.qmp.execute("migrate", uri=uri)
    source.timeline.note("qemu", f"migration started to {uri}")


async def status(vm: VirtualMachine) -> str:
    return (await vm.qmp.execute("query-migrate")).get("status", "none")


async def set_capabilities(vm: VirtualMachine, *names: str, to: bool = True) -> None:
    await vm.qmp.execute("migrate-set-capabilities",
                         capabilities=[{"capability": name, "state": to} for name in names])
