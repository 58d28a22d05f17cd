"""Runs `smsc-gateway smsc …` against a stand-in for the service's client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from gateway.__main__ import main
from gateway.cli.smsc import session
from protocols.smsc_http.operations import OPERATIONS, missing, unknown
from protocols.smsc_http.requests import File

Answer = object
"""A value of the canonical form, a Failure, an exception to raise, or a function of the parameters."""


class Call(NamedTuple):
    operation: str
    params: dict[str, str]
    files: tuple[File, ...] = ()


class Fetched(NamedTuple):
    """What `fetch` answers with."""

    octets: bytes
    content_type: str


class FakeClient:
    """Answers from a table; several answers of one operation are given in their order, the last again."""

    def __init__(self, answers: Mapping[str, Sequence[Answer]]) -> None:
        self._answers = {name: list(given) for name, given in answers.items()}
        self.calls: list[Call] = []
        self.closed = False

    async def call(
        self,
        operation: str,
        params: Mapping[str, str],
        *,
        files: Sequence[File] = (),
        timeout_s: float | None = None,
    ) -> Any:
        row = OPERATIONS[operation]
        assert unknown(row, params) == (), (operation, params)
        assert missing(row, params) == (), (operation, params)
        self.calls.append(Call(operation, dict(params), tuple(files)))
        given = self._answers[operation]
        answer = given.pop(0) if len(given) > 1 else given[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer(dict(params)) if callable(answer) else answer

    async def fetch(self, operation: str, params: Mapping[str, str], **_: object) -> tuple[bytes, str]:
        return await self.call(operation, params)  # type: ignore[no-any-return]

    def due_s(self, operation: str, params: Mapping[str, str]) -> float:
        return 0.0

    async def close(self) -> None:
        self.closed = True


class Done(NamedTuple):
    code: int
    out: str
    err: str
    calls: list[Call]


class Runner:
    """`runner("balance", answers={"balance": …})`; a clock that only waiting moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.slept: list[float] = []
        self.client = FakeClient({})
        self.on_sleep: Callable[[], None] = lambda: None

    def __call__(self, *words: str, answers: Mapping[str, Answer] | None = None) -> Done:
        table = {name: given if type(given) is tuple else (given,) for name, given in (answers or {}).items()}
        self.client = client = FakeClient(table)

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            self.on_sleep()

        @asynccontextmanager
        async def opened(connector: object) -> AsyncIterator[session.ServiceSession]:
            try:
                yield session.ServiceSession(client, "centre", sleep, lambda: sum(self.slept))
            finally:
                await client.close()

        self._monkeypatch.setattr(session, "opened", opened)
        self._monkeypatch.setattr(session, "connector_of", lambda args: SimpleNamespace(name="centre"))
        code = main(["smsc", *words])
        assert client.closed
        streams = self._capsys.readouterr()
        return Done(code, streams.out, streams.err, client.calls)
