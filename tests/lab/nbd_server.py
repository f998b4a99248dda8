"""A real NBD server, the target of the mirrors: qemu-storage-daemon with one raw image."""

import asyncio
import shutil
import socket
from pathlib import Path

from processes import Process, ProcessEnded

_RECEIVES = 1 << 20  # bytes


class NbdServer:
    EXPORT = "disk"

    def __init__(self, image: Path, folder: Path, transport: str = "tcp"):
        """`transport`: tcp or unix, a socket in `folder`."""
        self.image = image
        self.path = folder / "nbd.sock" if transport == "unix" else None
        self.port = None
        # We bind and listen, the server inherits: the port is ours from the start and no other run can
        # take it, and a client may connect before the server has come up.
        with self._listener() as listener:
            # The kernel takes 36 MiB for a server that is frozen, more than a mirror has in flight: now and then all of
            # it would be taken, and who is to tell a dead server from one that flushes? What has a size does not grow.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVES)
            if not self.path:
                self.port = listener.getsockname()[1]
            self.process = Process("nbd-server", [
                shutil.which("qemu-storage-daemon") or "qemu-storage-daemon",
                "--blockdev", f"driver=file,node-name=file,filename={image}",
                "--blockdev", "driver=raw,node-name=disk,file=file",
                "--nbd-server", f"addr.type=fd,addr.str={listener.fileno()}",
                "--export", f"type=nbd,id=export,node-name=disk,name={self.EXPORT},writable=on",
            ], folder, pass_fds=[listener.fileno()])

    def _listener(self) -> socket.socket:
        if not self.path:
            return socket.create_server(("127.0.0.1", 0))
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.path))
        listener.listen()
        return listener

    @property
    def address(self) -> dict:
        if self.path:
            return {"type": "unix", "path": str(self.path)}
        return {"type": "inet", "host": "127.0.0.1", "port": str(self.port)}

    async def serves(self) -> None:
        """Waits until it greets a client (a listening socket alone proves nothing)."""
        reader, writer = await (asyncio.open_unix_connection(self.path) if self.path
                                else asyncio.open_connection("127.0.0.1", self.port))
        try:
            async with asyncio.timeout(10):
                await reader.readexactly(8)
        except (asyncio.IncompleteReadError, TimeoutError):
            raise ProcessEnded(f"the NBD server does not serve:\n{self.process.log_tail()}") from None
        finally:
            writer.close()
