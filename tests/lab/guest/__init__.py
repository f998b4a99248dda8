"""What runs in the VMs of the lab: nothing at all, or a boot sector that writes to its disk or to a port."""

import functools
import subprocess
import tempfile
from pathlib import Path

SECTOR = 512
_FIRST, _RING = 2048, 0x10000  # writer.S: its first sector, and how many it goes round in


def writing_boot_sector() -> bytes:
    """Writes to its disk for ever."""
    return _assembled("writer.S")


def talking_boot_sector() -> bytes:
    """Writes to the debug console's port for ever."""
    return _assembled("talker.S")


def last_written(disk: Path) -> int:
    """The number of the last write of such a guest; AssertionError if one of those before is not where it belongs."""
    with disk.open("rb") as file:
        file.seek(_FIRST * SECTOR)
        ring = memoryview(file.read(_RING * SECTOR)).cast("I")
    words = SECTOR // 4
    at = {n: i for i in range(_RING) if (n := ring[i * words]) % _RING == i and set(ring[i * words:(i + 1) * words]) == {n}}
    last = max(n for n in at if n < 1 << 24)  # what was there before is random
    missing = [n for n in range(max(1, last - _RING + 1), last) if n not in at]
    assert not missing, f"{len(missing)} writes are not on the disk, of {last}: {missing[:5]}"
    return last


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
