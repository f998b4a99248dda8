"""Disk images with content that no accident reproduces, and their digests."""

import asyncio
import hashlib
import os
import subprocess
from pathlib import Path

from guest import SECTOR

MIB = 1 << 20


async def random_image(path: Path, mebibytes: int, boot_sector: bytes = b"") -> str:
    """Fill `path` with random bytes, but for the boot sector if there is one; returns its digest."""
    return await asyncio.to_thread(_write_random, path, mebibytes, boot_sector)


async def empty_image(path: Path, mebibytes: int) -> None:
    with open(path, "wb") as file:
        file.truncate(mebibytes * MIB)


async def empty_qcow2(path: Path, mebibytes: int) -> None:
    await _qemu_img("create", "-q", "-f", "qcow2", path, f"{mebibytes}M")


async def converted_to_qcow2(path: Path, raw: Path) -> None:
    await _qemu_img("convert", "-U", "-f", "raw", "-O", "qcow2", raw, path)


async def digest(path: Path) -> str:
    return await asyncio.to_thread(_digest, path)


async def _qemu_img(*arguments: str | Path) -> None:
    await asyncio.to_thread(subprocess.run, ["qemu-img", *arguments], check=True)


def _write_random(path: Path, mebibytes: int, boot_sector: bytes) -> str:
    with open(path, "wb") as file:
        for _ in range(mebibytes):
            file.write(os.urandom(MIB))
        if boot_sector:
            file.seek(0)
            file.write(boot_sector)
        else:  # no boot signature: the firmware must find nothing to boot, so that the guest stays idle
            file.seek(SECTOR - 2)
            file.write(b"\0\0")
    return _digest(path)


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
