"""An office without a service around it: an outbox that only writes down, a clock that is turned by hand."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from decimal import Decimal

import pytest

from gateway.simulator.smsc_http.model import ApiProblem, IncomingMessage, Params, SentMessage, SimAccount
from gateway.simulator.smsc_http.office import Office

NOON = 1_735_722_000.0
"""01.01.2025 12:00:00 in Moscow, a Wednesday."""
HOUR, DAY = 3600.0, 86_400.0


class FakeOutbox:
    """Sends by writing down: one message for each of `phones`, 1.40 each."""

    def __init__(self) -> None:
        self.messages: list[SentMessage] = []
        self.incoming: list[IncomingMessage] = []
        self.sent: list[dict[str, str]] = []
        self.problem: ApiProblem | None = None
        self._pushed = 0
        self._due: list[tuple[float, int, Callable[[float], None]]] = []

    def send(self, params: Params, now: float) -> dict[str, object]:
        phones = params.get("phones", "").split(",") if params.get("phones") else ["79999999999"]
        if params.get("cost") == "1":
            return {"cost": f"{Decimal('1.40') * len(phones)}", "cnt": len(phones)}
        if self.problem is not None:
            raise self.problem
        self.sent.append(dict(params))
        id = len(self.sent)
        for phone in phones:
            self.put(phone, params.get("mes", ""), now, id=id, sender=params.get("sender", "SMSC"))
        return {"id": id, "cnt": len(phones)}

    def put(self, phone: str, text: str, at: float, **more: object) -> SentMessage:
        """A message that was sent, status 0 unless it is said otherwise."""
        message = SentMessage(
            int_id=len(self.messages) + 1,
            id=1,
            phone=phone,
            text=text,
            sender="SMSC",
            type=0,
            status=0,
            err=0,
            sent_at=at,
            changed_at=at,
            cost=Decimal("1.40"),
            parts=1,
        )
        for name, value in more.items():
            setattr(message, name, value)
        self.messages.append(message)
        return message

    def receive(
        self, phone: str, to: str, text: str, now: float, sms_id: int | str | None = None
    ) -> IncomingMessage:
        message = IncomingMessage(len(self.incoming) + 1, phone, to, text, now, now, sms_id)
        self.incoming.append(message)
        return message

    def confirm(self, phone: str, to: str, now: float) -> IncomingMessage:
        return self.receive(phone, to, "[waitcall]", now)

    def schedule(self, at: float, call: Callable[[float], None]) -> None:
        self._pushed += 1
        heapq.heappush(self._due, (at, self._pushed, call))

    def run(self, until: float) -> None:
        """Let the time go by."""
        while self._due and self._due[0][0] <= until:
            at, _, call = heapq.heappop(self._due)
            call(at)


class Desk:
    """An office and how it is asked."""

    def __init__(self) -> None:
        self.account = SimAccount()
        self.outbox = FakeOutbox()
        self.office = Office(self.account, self.outbox)

    def ask(self, operation: str, params: dict[str, str] | None = None, now: float = NOON) -> object:
        """The answer of a handler."""
        return self.office.HANDLERS[operation](params or {}, now)

    def rows(
        self, operation: str, params: dict[str, str] | None = None, now: float = NOON
    ) -> list[dict[str, object]]:
        """The answer of a handler whose answer is a list."""
        answer = self.ask(operation, params, now)
        assert isinstance(answer, list)
        return answer

    def problem(self, operation: str, params: dict[str, str] | None = None, now: float = NOON) -> int:
        """The error number that it answers."""
        with pytest.raises(ApiProblem) as caught:
            self.ask(operation, params, now)
        return caught.value.number


OK = {"result": "OK"}
