"""Which QEMU to play with: the machine's own, the one of bookworm-backports (unpacked when first wanted), any other."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

INSTALLED, BACKPORT, ALL = "installed", "10.0", "all"
_TOP = Path(__file__).resolve().parents[2]
_UNPACK = Path(__file__).parent / "unpack_backport.sh"
_FOLDER = _TOP / "build" / "qemu-10.0"


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
    if name != BACKPORT:
        return name
    unpacked = subprocess.run(["bash", str(_UNPACK), str(_FOLDER)], stdout=subprocess.DEVNULL)
    if unpacked.returncode:
        raise NoQemu("QEMU 10.0 could not be unpacked from Debian's bookworm-backports; the reason is above")
    return str(_FOLDER / "qemu-system-x86_64")


def _about(binary: str) -> Qemu:
    if not shutil.which(binary):
        raise NoQemu(f"{binary} is not installed")
    full = subprocess.run([binary, "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    number = full.removeprefix("QEMU emulator version ").split()[0]
    return Qemu(binary, ".".join(number.split(".")[:2]), full)
