"""Disk images with content that no accident reproduces, and their digests."""

import asyncio
import hashlib
import os
from pathlib import Path

MIB = 1 << 20
_SECTOR = 512


async def random_image(path: Path, mebibytes: int) -> str:
    """Fill `path` with random bytes; returns its digest."""
    return await asyncio.to_thread(_write_random, path, mebibytes)


async def empty_image(path: Path, mebibytes: int) -> None:
    with open(path, "wb") as file:
        file.truncate(mebibytes * MIB)


async def digest(path: Path) -> str:
    return await asyncio.to_thread(_digest, path)


def _write_random(path: Path, mebibytes: int) -> str:
    with open(path, "wb") as file:
        for _ in range(mebibytes):
            file.write(os.urandom(MIB))
        # No boot signature: the firmware must find nothing to boot, so that the guest stays idle.
        file.seek(_SECTOR - 2)
        file.write(b"\0\0")
    return _digest(path)


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
