"""Runs `smsc-gateway smsc …` against a simulated service, and looks at what it got."""

from __future__ import annotations

import itertools
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from gateway.simulator.smsc_http.model import SentMessage
from gateway.simulator.smsc_http.server import HttpSimulator

_CONFIG = """\
listeners: {{smpp: [{{address: 127.0.0.1:2775}}]}}
accounts:
  - system_id: app
    password_hash: scrypt$15$8$1$dmVjdG9yLXNhbHQtMDAwMQ==$0VzBzFwXWYHFIY74QcIFfpC4huEdnm7tfl1Lb5gkmQQ=
smsc_connectors: [{{name: centre, url: '{url}', {login}}}]
routes: [{{connectors: [centre]}}]
"""
LOGIN = "login: gateway, password: hidden-1"
QUICK: dict[str, Any] = {"operator_ms": 0.0, "final_ms": 0.0, "limits": 0, "flood_max": 0}
"""Settings of a service whose messages end at once, and that may be asked as often as wished."""
_numbers = itertools.count(200_001)


class Shell:
    """A folder with a configuration, in which commands run; the service is in a thread of this process."""

    def __init__(self, simulator: HttpSimulator, capsys: pytest.CaptureFixture[str], login: str) -> None:
        self.service = simulator.service
        Path("config.yaml").write_text(_CONFIG.format(url=simulator.url, login=login))
        Path("config.yaml").chmod(0o600)
        self._capsys = capsys

    def __call__(self, words: str, *more: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of a command."""
        code = main(["smsc", "--config", "config.yaml", *shlex.split(words), *more])
        streams = self._capsys.readouterr()
        assert "hidden" not in streams.out + streams.err
        return code, streams.out, streams.err

    def json(self, words: str) -> Any:
        """What a command that succeeds answers as JSON."""
        code, out, err = self(words, "--json")
        assert (code, err) == (0, ""), words
        return json.loads(out)

    def fails(self, words: str) -> str:
        """What a command that fails says."""
        code, out, err = self(words)
        assert (code, out) == (1, ""), words
        return err

    def send(self, words: str) -> tuple[Any, Sequence[SentMessage]]:
        """The answer to `send`, and the messages that the service has of it."""
        id = number()
        answer = self.json(f"send --id {id} {words}")
        return answer, [message for message in self.service.store.messages if message.id == id]


def number() -> int:
    """Six digits that no other test of the process has."""
    return next(_numbers)
