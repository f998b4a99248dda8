"""Which QEMU to play with: the machine's own, that of bookworm-backports or of Debian 11 (unpacked when first wanted),
any other."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

INSTALLED, BACKPORT, BULLSEYE, ALL = "installed", "10.0", "5.2", "all"  # all: the first two
_TOP = Path(__file__).resolve().parents[2]
_UNPACK = {BACKPORT: "unpack_backport.sh", BULLSEYE: "unpack_bullseye.sh"}


class NoQemu(Exception):
    """The text says what is missing."""


@dataclass(frozen=True)
class Qemu:
    binary: str
    version: str  # "7.2", "10.0"
    full: str     # the first line of --version


def chosen(choice: str) -> list[Qemu]:
    names = [INSTALLED, BACKPORT] if choice == ALL else [choice]
    return [_about(_binary(name)) for name in names]


def _binary(name: str) -> str:
    if name == INSTALLED:
        return "qemu-system-x86_64"
    if name not in _UNPACK:
        return name
    folder = _TOP / "build" / f"qemu-{name}"
    script = Path(__file__).parent / _UNPACK[name]
    unpacked = subprocess.run(["bash", str(script), str(folder)], stdout=subprocess.DEVNULL)
    if unpacked.returncode:
        raise NoQemu(f"QEMU {name} could not be unpacked from Debian's packages; the reason is above")
    return str(folder / "qemu-system-x86_64")


def _about(binary: str) -> Qemu:
    if not shutil.which(binary):
        raise NoQemu(f"{binary} is not installed")
    full = subprocess.run([binary, "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    number = full.removeprefix("QEMU emulator version ").split()[0]
    return Qemu(binary, ".".join(number.split(".")[:2]), full)
