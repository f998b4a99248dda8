"""A FUSE file system with one file, spoken straight to /dev/fuse: python3 fuse_server.py MOUNTPOINT BACKING NAME.

The file NAME under MOUNTPOINT has the content of BACKING. Prints a line once it is mounted. It answers one request
after another, in one thread: whoever stops this process has a file system that does not answer. Killing it aborts
every request, as the kernel promises of the last close of /dev/fuse; the mount is then dead, and its owner's to remove.
Layouts: linux/fuse.h, protocol 7.31.
"""

import ctypes
import errno
import os
import stat
import struct
import sys
from collections.abc import Callable

_HEADER = struct.Struct("<IIQQIIII")  # len, opcode, unique, nodeid, uid, gid, pid, padding
_REPLY = struct.Struct("<IiQ")        # len, -errno, unique
_ROOT, _FILE = 1, 2                   # node ids
_MOST_WRITTEN = 1 << 17
_VALID = 3600                         # seconds for which the kernel may believe an answer


class FileSystem:
    def __init__(self, device: int, backing: int, name: bytes):
        self._device = device
        self._backing = backing
        self._name = name
        self._answers: dict[int, Callable[[int, bytes], bytes]] = {
            1: self._lookup, 3: self._getattr, 4: self._setattr, 14: self._open, 15: self._read, 16: self._write,
            17: self._statfs, 18: self._nothing, 20: self._fsync, 25: self._nothing, 26: self._init, 27: self._open,
            29: self._nothing, 34: self._nothing}

    def serve(self) -> None:
        """Until the file system is unmounted."""
        while True:
            try:
                request = os.read(self._device, _MOST_WRITTEN + 8192)
            except OSError as error:
                if error.errno == errno.ENODEV:
                    return
                if error.errno in (errno.EINTR, errno.ENOENT):  # ENOENT: interrupted before we read it
                    continue
                raise
            self._serve_one(request)

    def _serve_one(self, request: bytes) -> None:
        _, opcode, unique, node, *_ = _HEADER.unpack_from(request)
        if opcode in (2, 36, 42):  # forget, interrupt: no answer is due
            return
        error, body = 0, b""
        answer = self._answers.get(opcode)
        if answer is None:
            error = errno.ENOSYS
        else:
            try:
                body = answer(node, request[_HEADER.size:])
            except OSError as refused:
                error = refused.errno
        try:
            os.write(self._device, _REPLY.pack(_REPLY.size + len(body), -error, unique) + body)
        except FileNotFoundError:  # its asker has gone
            pass

    def _init(self, _: int, __: bytes) -> bytes:
        return struct.pack("<IIIIHHIIHHI28x", 7, 31, _MOST_WRITTEN, 0, 12, 9, _MOST_WRITTEN, 1, 0, 0, 0)

    def _lookup(self, node: int, body: bytes) -> bytes:
        if node != _ROOT or body.rstrip(b"\0") != self._name:
            raise OSError(errno.ENOENT, "")
        return struct.pack("<QQQQII", _FILE, 0, _VALID, _VALID, 0, 0) + self._attributes(_FILE)

    def _getattr(self, node: int, _: bytes) -> bytes:
        return struct.pack("<QII", _VALID, 0, 0) + self._attributes(node)

    def _setattr(self, node: int, body: bytes) -> bytes:
        valid, _, _, size = struct.unpack_from("<IIQQ", body)
        if valid & 8:  # FATTR_SIZE
            os.ftruncate(self._backing, size)
        return self._getattr(node, b"")

    def _open(self, _: int, __: bytes) -> bytes:
        return bytes(16)

    def _read(self, _: int, body: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", body)
        return os.pread(self._backing, size, offset)

    def _write(self, _: int, body: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", body)
        return struct.pack("<II", os.pwrite(self._backing, body[40:40 + size], offset), 0)

    def _fsync(self, _: int, __: bytes) -> bytes:
        os.fdatasync(self._backing)
        return b""

    def _statfs(self, _: int, __: bytes) -> bytes:
        return struct.pack("<QQQQQIIII24x", 1 << 20, 1 << 19, 1 << 19, 2, 0, 4096, 255, 4096, 0)

    def _nothing(self, _: int, __: bytes) -> bytes:
        return b""

    def _attributes(self, node: int) -> bytes:
        size = os.fstat(self._backing).st_size if node == _FILE else 0
        mode = stat.S_IFREG | 0o600 if node == _FILE else stat.S_IFDIR | 0o700
        return struct.pack("<QQQQQQIIIIIIIIII", node, size, -(-size // 512), 0, 0, 0, 0, 0, 0, mode, 1,
                           os.getuid(), os.getgid(), 0, 4096, 0)


def main() -> None:
    mountpoint, backing, name = sys.argv[1:]
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},allow_other"
    nosuid_nodev = 0x2 | 0x4
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"unwedge-lab", mountpoint.encode(), b"fuse", nosuid_nodev, options.encode()):
        raise OSError(ctypes.get_errno(), "mount", mountpoint)
    print("mounted", flush=True)
    FileSystem(device, os.open(backing, os.O_RDWR | os.O_CLOEXEC), name.encode()).serve()


if __name__ == "__main__":
    main()
