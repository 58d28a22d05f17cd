"""A way to PostgreSQL that can be cut, also just before or just after a commit."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import Any


def _until_committed(client: socket.socket, server: socket.socket) -> None:
    """Forwards what else comes, and nothing back, until the server says that it has committed."""
    said = b""
    while b"COMMIT" not in said:
        for one in select.select([client, server], [], [])[0]:
            data = one.recv(1 << 16)
            if not data:
                return
            if one is client:
                server.sendall(data)
            else:
                said += data


class Proxy:
    """Forwards connections on a port of loopback to a server."""

    def __init__(self, host: str, port: int) -> None:
        self.cut_at = ""
        """"before": the next COMMIT does not get there, and its connection ends; "after": its answer does not
        come back."""
        self.cuts = 0
        self.down = False
        """Connections that come are ended at once."""
        self._server = host, port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def url(self, database: str, user: str) -> str:
        return f"postgresql://{user}:s3cret@127.0.0.1:{self.port}/{database}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.down:
                    client.close()
                    continue
                server = socket.create_connection(self._server)
                self._open += [client, server]
                thread = threading.Thread(target=self._forward, args=(client, server))
                self._threads.append(thread)
                thread.start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError), client, server:
            while True:
                ready, _, _ = select.select([client, server], [], [])
                for one in ready:
                    data = one.recv(1 << 16)
                    if not data:
                        return
                    if one is client and self.cut_at and b"COMMIT" in data:
                        self._cut(client, server, data)
                        return
                    (server if one is client else client).sendall(data)

    def _cut(self, client: socket.socket, server: socket.socket, data: bytes) -> None:
        how, self.cut_at = self.cut_at, ""
        self.cuts += 1
        if how == "after":
            server.sendall(data)
            _until_committed(client, server)

    def cut(self) -> None:
        """All connections end."""
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
