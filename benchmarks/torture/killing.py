"""Runs the gateway so that it kills itself, and its store with it, at a point between intent and commit.

    python benchmarks/torture/killing.py POINT TIMES EXECUTABLE run --config …

The gateway has no hooks for this: functions of its link to an SMSC are replaced before it starts.  POINT is:

    intent     the intent is committed, and no octet of the submit has left
    part       the first half of the submit's octets has left
    whole      all of them have left
    answered   the response is here, and nothing of it is recorded
    committed  its commit is done

It is the last of so many TIMES that kills: until then each connector stops where it is.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from gateway.__main__ import main as gateway
from gateway.core.upstream import Upstream
from gateway.egress.smpp_connection import UpstreamConnection
from protocols.smpp import constants as c

left = 0


def reached() -> None:
    """One more has come to the point."""
    global left
    left -= 1
    if not left:
        os.killpg(0, signal.SIGKILL)


def intent() -> None:
    def submit(self: UpstreamConnection, message: Any, segments: Any) -> None:
        reached()

    UpstreamConnection.submit = submit  # type: ignore[method-assign]


def _written(share: int) -> None:
    write = UpstreamConnection._write

    def _write(self: UpstreamConnection) -> None:
        if not self.session.outstanding or self.link not in self.connector.upstream.links:
            write(self)
            return
        data = self.session.data_to_send()
        if data:
            self._transport.write(data[: len(data) * share // 2])
            reached()

    UpstreamConnection._write = _write  # type: ignore[method-assign]


def part() -> None:
    _written(1)


def whole() -> None:
    _written(2)


def answered() -> None:
    take = UpstreamConnection._answered

    def _answered(self: UpstreamConnection, event: Any, now_ms: int) -> None:
        if event.response.command_id == c.SUBMIT_SM_RESP:
            reached()
        else:
            take(self, event, now_ms)

    UpstreamConnection._answered = _answered  # type: ignore[method-assign]


def committed() -> None:
    def release(self: Upstream, segments: int) -> None:
        reached()

    Upstream.release = release  # type: ignore[method-assign]


POINTS: dict[str, Callable[[], None]] = {
    "intent": intent,
    "part": part,
    "whole": whole,
    "answered": answered,
    "committed": committed,
}


def main() -> int:
    global left
    point, times, executable, *arguments = sys.argv[1:]
    left = int(times)
    POINTS[point]()
    sys.argv[0] = executable
    return gateway(arguments)


if __name__ == "__main__":
    sys.exit(main())
