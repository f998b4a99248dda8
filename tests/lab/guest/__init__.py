"""What runs in the VMs of the lab: nothing at all, or a boot sector that writes to its disk or to a port."""

import functools
import subprocess
import tempfile
from pathlib import Path

SECTOR = 512


def writing_boot_sector() -> bytes:
    """Writes to its disk for ever."""
    return _assembled("writer.S")


def talking_boot_sector() -> bytes:
    """Writes to the debug console's port for ever."""
    return _assembled("talker.S")


@functools.cache
def _assembled(name: str) -> bytes:
    """By binutils, once for each run of the lab."""
    source = Path(__file__).parent / name
    with tempfile.TemporaryDirectory(prefix="uw-guest-", dir="/tmp") as folder:
        object_file, binary = Path(folder) / "guest.o", Path(folder) / "guest.bin"
        subprocess.run(["as", "--32", source, "-o", object_file], check=True)
        subprocess.run(["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary", object_file, "-o", binary],
                       check=True)
        sector = binary.read_bytes()
    assert len(sector) == SECTOR, f"a boot sector has {SECTOR} bytes, this {len(sector)}"
    return sector
