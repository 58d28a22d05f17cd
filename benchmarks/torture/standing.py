"""A flood of connections that only stand there, in a process of its own.

    python standing.py --count N --seconds S --from 127.0.0.2,127.0.0.3 PORT:KIND …

KIND is smpp, tls, smtp or http.  Half of the connections say nothing; the other half send an octet of
what would be a beginning now and then.  What the gateway closes is opened again, AGAIN_PER_S of them.  Prints
what it has seen as JSON.
"""

from __future__ import annotations

import argparse
import errno
import itertools
import json
import resource
import selectors
import socket
import time
from contextlib import suppress

HOST = "127.0.0.1"
FILES = 30_000
AT_ONCE = 200
"""New connections in one turn."""
AGAIN_PER_S = 500.0
TRICKLE_S = 2.0
BEGINNINGS = {
    "smpp": bytes.fromhex("0000002f00000009000000000000000161"),
    "tls": bytes.fromhex("1603010200010001fc0303") + bytes(60),
    "smtp": b"EHLO somebody.example.org",
    "http": b"GET /sys/balance.php?login=x HTTP/1.1\r\nHost: x",
}


class Flood:
    """The connections."""

    def __init__(self, targets: list[tuple[int, str]], sources: list[str], count: int) -> None:
        self._where = itertools.cycle(targets)
        self._from = itertools.cycle(sources)
        self._count = count
        self._selector = selectors.DefaultSelector()
        self._kinds: dict[socket.socket, tuple[str, int]] = {}
        self.opened = self.failed = self.most = 0

    def run(self, seconds: float) -> None:
        """Keeps them up so long."""
        end = time.monotonic() + seconds
        next_octets = time.monotonic() + TRICKLE_S
        stands_since = 0.0
        while (now := time.monotonic()) < end:
            if not stands_since and self.opened >= self._count:
                stands_since = now
            may = self._count if not stands_since else self._count + int((now - stands_since) * AGAIN_PER_S)
            for _ in range(min(AT_ONCE, self._count - len(self._kinds), max(0, may - self.opened))):
                if not self._open():
                    break
            for key, _ in self._selector.select(0.01):
                self._heard(key.fileobj)  # type: ignore[arg-type]
            if time.monotonic() >= next_octets:
                next_octets += TRICKLE_S
                self._trickle()
            self.most = max(self.most, len(self._kinds))
        for one in self._kinds:
            one.close()

    def _open(self) -> bool:
        port, kind = next(self._where)
        one = socket.socket()
        one.setblocking(False)
        try:
            one.bind((next(self._from), 0))
            if one.connect_ex((HOST, port)) not in (0, errno.EINPROGRESS):
                raise OSError
        except OSError:  # no port is left at this address for now
            self.failed += 1
            one.close()
            return False
        self.opened += 1
        self._kinds[one] = (kind, self.opened)
        self._selector.register(one, selectors.EVENT_READ)
        return True

    def _heard(self, one: socket.socket) -> None:
        try:
            if one.recv(4096):
                return
        except BlockingIOError:
            return
        except OSError:
            pass  # it was reset
        self._selector.unregister(one)
        del self._kinds[one]
        one.close()

    def _trickle(self) -> None:
        turn = int(time.monotonic() / TRICKLE_S)
        for one, (kind, number) in self._kinds.items():
            if number % 2:
                at = turn % len(BEGINNINGS[kind])
                with suppress(OSError):
                    one.send(BEGINNINGS[kind][at : at + 1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="+")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--from", dest="sources", required=True)
    args = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, most) if most > 0 else FILES, most))
    targets = [(int(port), kind) for port, _, kind in (it.partition(":") for it in args.targets)]
    flood = Flood(targets, args.sources.split(","), args.count)
    flood.run(args.seconds)
    print(json.dumps({"opened": flood.opened, "most": flood.most, "failed": flood.failed}))


if __name__ == "__main__":
    main()
