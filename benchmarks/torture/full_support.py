"""What the parts about full disks and files watch: what the gateway says, and what its sender hears."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness import Gateway, acknowledged, tail
from part import PartError, Run

from gateway.cli.daemon_client import ask

PATIENCE_S = 60.0
REFUSALS = 50


class Watch:
    """One gateway and its sender."""

    def __init__(self, run: Run, gateway: Gateway) -> None:
        self._run = run
        self._gateway = gateway
        self._read = 0
        self.acked_while_refusing = 0

    def refused(self) -> int:
        """Messages that the sender was refused so far."""
        return (self._run.ledgers / "sender.jsonl").read_bytes().count(b'"refused"')

    def arrived(self) -> int:
        """Messages that the SMSC has taken so far."""
        return (self._run.ledgers / "upstream.jsonl").read_bytes().count(b'"received"')

    def until(self, condition: Callable[[], bool], otherwise: str) -> None:
        """Waits; PartError when it takes too long, or the gateway has ended."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if self._gateway.code is not None or time.monotonic() > deadline:
                raise PartError(f"{otherwise}: {tail(self._gateway.log)}")
            time.sleep(0.05)

    def until_said(self, word: str) -> None:
        """Waits for a line of the log that was not waited for yet."""

        def is_there() -> bool:
            found = self._gateway.log.read_text().find(word, self._read)
            if found >= 0:
                self._read = found + len(word)
            return found >= 0

        self.until(is_there, f"its log does not say {word}")

    def until_acknowledging(self) -> None:
        """Waits until it takes messages."""
        before = acknowledged(self._run)
        self.until(lambda: acknowledged(self._run) > before, "it takes nothing")

    def until_refusing(self) -> None:
        """Waits until it refuses, and looks whether it takes something in between."""
        self._more_refused(1)
        before = acknowledged(self._run)
        self._more_refused(REFUSALS)
        self.acked_while_refusing += acknowledged(self._run) - before
        if not self.problems():
            raise PartError("it calls itself healthy")

    def _more_refused(self, more: int) -> None:
        before = self.refused()
        self.until(lambda: self.refused() >= before + more, "it does not refuse")

    def problems(self) -> list[str]:
        """What its status complains of."""
        found: list[str] = ask(self._gateway.state_dir, "status")["problems"]
        return found
