"""The virtual life of messages: -1 waits, 0 is with the operator, then what their outcome says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from gateway.simulator.smsc_http.due import Due
from gateway.simulator.smsc_http.model import IncomingMessage, SentMessage, SimAccount
from gateway.simulator.smsc_http.numbering import network_of
from gateway.simulator.smsc_http.outcomes import Outcome
from gateway.simulator.smsc_http.settings import FINAL, HttpSettings
from gateway.simulator.smsc_http.store import DELETED, Store

_OFFLINE = 6
_EXPIRED = 3
_VIRTUAL = 200
HLR, CALL, MAIL = 4, 7, 8


class Handler(Protocol):
    """Who is told of changes (callbacks.py)."""

    def status(self, message: SentMessage) -> None:
        """The message has a new status."""

    def incoming(self, message: IncomingMessage) -> None:
        """A subscriber's message came."""

    def wait_call(self, phone: str, at: float) -> None:
        """A subscriber called to confirm the number."""


class Start(NamedTuple):
    """A message that begins to live at a moment, with what becomes of it and its lifetime in seconds."""

    message: SentMessage
    outcome: Outcome
    at: float
    valid_s: float | None = None


class _Step(NamedTuple):
    delay_s: float
    status: int
    err: int


class _Course(NamedTuple):
    """What a group of messages has in common."""

    steps: tuple[_Step, ...]
    calls: int
    reply: bool


class Life:
    """Changes the status of messages in time; those of one request that live alike, as one."""

    def __init__(
        self,
        settings: HttpSettings,
        store: Store,
        due: Due,
        handler: Handler,
        clicked: Callable[[SentMessage, float], None],
        account: SimAccount,
    ) -> None:
        self._settings = settings
        self._account = account
        self._store = store
        self._due = due
        self._handler = handler
        self._clicked = clicked
        self._courses: dict[tuple[Outcome, float | None, bool], _Course] = {}
        self.received = 0
        """Messages of subscribers since the start."""

    def begin(self, starts: Sequence[Start]) -> None:
        """Let messages of one request begin to live: they are in the store, and have no end yet."""
        groups: dict[tuple[float, int], tuple[_Course, list[SentMessage]]] = {}
        for message, outcome, at, valid_s in starts:
            course = self._course(outcome, valid_s, virtual=self._account.virtual and message.type != MAIL)
            group = groups.get((at, id(course)))
            if group is None:
                groups[at, id(course)] = course, [message]
            else:
                group[1].append(message)
        for (at, _), (course, messages) in groups.items():
            if course.steps:
                self._due.push(at + course.steps[0].delay_s, partial(self._advance, messages, course, 0))

    def receive(
        self, phone: str, to: str, text: str, now: float, sms_id: int | str | None = None
    ) -> IncomingMessage:
        """A subscriber's message arrives; without `sms_id` it answers the newest one sent there, if any."""
        message = self._remember(phone, to, text, now)
        last = self._store.last_to(phone)
        message.sms_id = last.id if sms_id is None and last is not None else sms_id
        self._handler.incoming(message)
        return message

    def confirm(self, phone: str, to: str, now: float) -> IncomingMessage:
        """A subscriber calls a number of wait_call.php."""
        message = self._remember(phone, to, "[waitcall]", now)
        self._handler.wait_call(phone, now)
        return message

    def _remember(self, phone: str, to: str, text: str, now: float) -> IncomingMessage:
        self.received += 1
        message = IncomingMessage(self.received, phone, to, text, now, now)
        self._store.incoming.append(message)
        return message

    def _course(self, outcome: Outcome, valid_s: float | None, *, virtual: bool) -> _Course:
        if outcome.status in FINAL and valid_s is not None and not outcome.late:
            valid_s = None  # it ends long before
        key = outcome, valid_s, virtual
        course = self._courses.get(key)
        if course is None:
            if len(self._courses) > 10_000:
                self._courses.clear()
            course = self._courses[key] = _Course(
                tuple(self._steps(outcome, valid_s, virtual=virtual)), outcome.calls, outcome.reply
            )
        return course

    def _steps(self, outcome: Outcome, valid_s: float | None, *, virtual: bool) -> list[_Step]:
        settings = self._settings
        to_operator, to_final = settings.operator_ms / 1000, settings.final_ms / 1000
        if outcome.status < 0:
            steps = [] if outcome.status == -1 else [_Step(to_operator, outcome.status, outcome.err)]
        elif outcome.status == 0:
            steps = [_Step(to_operator, 0, 0)]
        else:
            late = settings.late_ms / 1000 if outcome.late else 0.0
            err = _VIRTUAL if virtual and (outcome.status, outcome.err) == (1, 0) else outcome.err
            steps = [_Step(to_operator, 0, 0), _Step(to_final + late, outcome.status, err)]
            if outcome.then is not None:
                steps.append(_Step(settings.follow_ms / 1000, outcome.then, err))
        if valid_s is not None:
            steps = _expiring(steps, valid_s)
        return steps

    def _advance(self, messages: list[SentMessage], course: _Course, index: int, now: float) -> None:
        _, status, err = course.steps[index]
        tell = self._tells(status)
        for message in messages:
            if message.status == DELETED:
                continue
            message.status, message.err, message.changed_at = status, err, now
            if status in FINAL:
                self._ended(message, status, now)
            if tell:
                for _ in range(course.calls):
                    self._handler.status(message)
            if course.reply and status == 1:
                self.receive(message.phone, message.sender, message.text, now, message.id)
        if index + 1 < len(course.steps):
            delay_s = course.steps[index + 1].delay_s
            self._due.push(now + delay_s, partial(self._advance, messages, course, index + 1))

    def _tells(self, status: int) -> bool:
        return status > 0 or self._settings.handler_statuses == "all"

    def _ended(self, message: SentMessage, status: int, now: float) -> None:
        if message.type == HLR:
            message.hlr = hlr_of(message.phone, known=status == 1)
        elif status == 4:
            self._clicked(message, now)


def hlr_of(phone: str, *, known: bool) -> dict[str, str]:
    """The result of an HLR request; empty fields for a subscriber who is not available."""
    network = network_of(phone)
    if not known:
        return dict.fromkeys(("imsi", "msc", "mcc", "mnc", "cn", "net", "rcn", "rnet"), "")
    return {
        "imsi": f"{network.mccmnc}{phone[-10:].rjust(15 - len(network.mccmnc), '0')}",
        "msc": f"{phone[:4]}0000000",
        "mcc": network.mcc,
        "mnc": network.mnc,
        "cn": network.country,
        "net": network.operator,
        "rcn": "",
        "rnet": "",
    }


def _expiring(steps: list[_Step], valid_s: float) -> list[_Step]:
    """The steps until the lifetime is over, and then the end of it."""
    kept: list[_Step] = []
    passed = 0.0
    for step in steps:
        if passed + step.delay_s >= valid_s:
            break
        kept.append(step)
        passed += step.delay_s
    if kept and kept[-1].status in FINAL:
        return kept
    return [*kept, _Step(valid_s - passed, _EXPIRED, _OFFLINE)]
