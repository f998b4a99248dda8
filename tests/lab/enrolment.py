"""The ways in which a VM gets to the daemon. Scenarios use different ones, so that all are covered."""

from pathlib import Path
from typing import Protocol


class Enrolment(Protocol):
    daemon_first: bool  # is the daemon up before the VM?
    monitored: bool     # does the daemon get a monitor of the VM?

    def qemu_arguments(self, folder: Path, vm: str) -> list[str]: ...
    def discover(self, folder: Path) -> str: ...
    def fixed_vm(self, folder: Path, vm: str) -> str: ...


class FixedSocket:
    """A [[vm]] of the configuration with the path of its monitor; the VM was there before the daemon."""
    daemon_first = False
    monitored = True

    def qemu_arguments(self, folder: Path, vm: str) -> list[str]:
        return ["-qmp", f"unix:{folder}/{vm}.sock,server=on,wait=off"]

    def discover(self, folder: Path) -> str:
        return ""

    def fixed_vm(self, folder: Path, vm: str) -> str:
        return f'[[vm]]\nname = "{vm}"\nqmp = "{folder}/{vm}.sock"\n'


class SocketGlob:
    """A monitor that appears in a watched folder while the daemon runs."""
    daemon_first = True
    monitored = True

    def qemu_arguments(self, folder: Path, vm: str) -> list[str]:
        return ["-qmp", f"unix:{folder}/qmp/{vm}.sock,server=on,wait=off"]

    def discover(self, folder: Path) -> str:
        (folder / "qmp").mkdir(exist_ok=True)
        return f'sockets = ["{folder}/qmp/*.sock"]\n'

    def fixed_vm(self, folder: Path, vm: str) -> str:
        return ""


class DialIn:
    """QEMU connects to the daemon, and does so again after the daemon has come up late."""
    daemon_first = False
    monitored = True

    def qemu_arguments(self, folder: Path, vm: str) -> list[str]:
        return ["-chardev", f"socket,id=uw,path={folder}/dial-in.sock,reconnect=1",
                "-mon", "chardev=uw,mode=control"]

    def discover(self, folder: Path) -> str:
        return f'listen = "{folder}/dial-in.sock"\n'

    def fixed_vm(self, folder: Path, vm: str) -> str:
        return ""


class Unenrolled:
    """Nobody told the daemon: it finds the process."""
    daemon_first = True
    monitored = False

    def qemu_arguments(self, folder: Path, vm: str) -> list[str]:
        return []

    def discover(self, folder: Path) -> str:
        return "processes = true\n"

    def fixed_vm(self, folder: Path, vm: str) -> str:
        return ""
