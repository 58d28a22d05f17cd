"""What the parts of the simulated service share: its account, its messages, and how they reach each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

Params = Mapping[str, str]
Handler = Callable[[dict[str, str], float], object]
"""Handles one request: its parameters (without the credentials, with `PEER_IP`) and now, Unix seconds.

It returns the canonical value (as protocols.smsc_http.rendering takes it), or bytes with or without their
content type for what is a file; it raises ApiProblem.
"""

PEER_IP = "_peer_ip"
"""The parameter in which a handler finds the address of the one who asks."""


class ApiProblem(Exception):
    """A request answered with an error number; `id` is that of a message registered all the same."""

    def __init__(self, number: int, id: int | str | None = None) -> None:
        super().__init__(number)
        self.number = number
        self.id = id


@dataclass(slots=True)
class SimAccount:
    """The one account of the simulated service."""

    login: str = "demo"
    password: str = "demo"  # noqa: S105 - of a simulator
    api_keys: tuple[str, ...] = ()
    balance: Decimal = Decimal("1000.00")
    credit: Decimal = Decimal(0)
    currency: str = "RUR"
    tz: int = 0
    """Its time zone, in hours from Moscow."""
    sender: str = "SMSC"
    """The sender name of messages that bring none."""
    virtual: bool = False
    """Virtual sending: nothing is charged, each message ends delivered with err 200."""
    handler_url: str = ""
    """Where statuses and incoming messages are sent, with its options; empty: nowhere."""

    def can_pay(self, cost: Decimal) -> bool:
        """Whether balance and credit are enough for this."""
        return self.balance + self.credit >= cost


@dataclass(slots=True, eq=False)
class SentMessage:
    """One message to one recipient. Times are Unix seconds."""

    int_id: int
    """The service's own number of the message: no other has it."""
    id: int | str
    """The id of its request: the client's, or given by the service; recipients of one request share it."""
    phone: str
    """Digits, or an e-mail address, or a name for the messengers that have them."""
    text: str
    sender: str
    type: int
    status: int
    err: int
    sent_at: float
    changed_at: float
    cost: Decimal
    parts: int
    comment: str = ""
    flag: int = 0
    mccmnc: str = ""
    country: str = ""
    operator: str = ""
    region: str = ""
    hlr: dict[str, str] = field(default_factory=dict)
    """imsi, msc, mcc, mnc, cn, net, rcn and rnet of an HLR request; else empty."""
    extra: dict[str, object] | None = None
    """What is seldom there: octets of a binary message, file names, dtmf, link ids."""


@dataclass(slots=True, eq=False)
class IncomingMessage:
    """One message from a subscriber. Times are Unix seconds."""

    id: int
    phone: str
    to: str
    text: str
    sent_at: float
    received_at: float
    sms_id: int | str | None = None
    """The id of the message it answers, if it answers one."""


class Outbox(Protocol):
    """What the office may ask of the sending side (messages.py has it)."""

    @property
    def messages(self) -> Sequence[SentMessage]:
        """What is remembered of the sent messages, oldest first; deleted ones are gone."""

    @property
    def incoming(self) -> Sequence[IncomingMessage]:
        """What is remembered of the incoming messages, oldest first."""

    def send(self, params: Params, now: float) -> dict[str, object]:
        """Send, as send.php does with these parameters; its answer in canonical form. Raises ApiProblem."""

    def receive(
        self, phone: str, to: str, text: str, now: float, sms_id: int | str | None = None
    ) -> IncomingMessage:
        """A subscriber's message arrives: it is remembered, and the handler is called."""

    def confirm(self, phone: str, to: str, now: float) -> IncomingMessage:
        """A subscriber calls the number of wait_call.php: `[waitcall]` arrives, and the handler is called."""

    def schedule(self, at: float, call: Callable[[float], None]) -> None:
        """Have `call(now)` called at or after this moment, Unix seconds."""


class Desk(Protocol):
    """What the sending side asks of the office (office.py has it)."""

    def group_phones(self, number: str) -> Sequence[str] | None:
        """The recipients in the contact group with this sending number (`num`); None: no such group."""

    def is_black(self, phone: str, *, mass: bool) -> bool:
        """Whether the blacklist forbids a message to this recipient (`mass`: one of a mailing)."""

    def shorten(self, link: str, now: float) -> str:
        """The short link that stands for this one, made if it is new."""

    def clicked(self, link: str, now: float) -> None:
        """A subscriber opened the short link."""

    def captcha_is(self, ip: str, code: str) -> bool:
        """Whether this is the code of the last picture shown to this address."""


class NoDesk:
    """A Desk of an empty office, for tests of the sending side alone."""

    def group_phones(self, number: str) -> Sequence[str] | None:
        """There are no groups."""
        return None

    def is_black(self, phone: str, *, mass: bool) -> bool:
        """Nobody is in the blacklist."""
        return False

    def shorten(self, link: str, now: float) -> str:
        """The link as it is."""
        return link

    def clicked(self, link: str, now: float) -> None:
        """Nobody counts."""

    def captcha_is(self, ip: str, code: str) -> bool:
        """There are no pictures."""
        return False
