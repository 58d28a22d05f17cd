"""What becomes of a message over HTTP: forced by its destination, else drawn by the settings.

A destination that ends with 99 and three more digits is magic, as with the SMSC over SMPP. "Once" outcomes
hit the first request with the same text to it; the next one passes, and the one after that is a first one
again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from gateway.simulator.smsc_http.faults import Fault, FaultKind
from gateway.simulator.smsc_http.settings import FINAL, HttpSettings, parse_status_mix

DIGITS = 5
_MAX_HIT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row: what happens to the request, and the statuses after it."""

    meaning: str
    status: int = 1
    err: int = 0
    fault: Fault | None = None
    once: bool = False
    late: bool = False
    then: int | None = None
    """Another status after the final one: read or clicked."""
    calls: int = 1
    """How often the handler is told each status."""
    reply: bool = False
    """The subscriber answers with the same text."""

    @property
    def registered(self) -> int:
        """The error of a request that has only such recipients, which are registered all the same; else 0."""
        fault = self.fault
        return fault.number if fault is not None and fault.number in REGISTERED else 0


DELIVERED = Outcome("delivered")

_ERR_STATUS = {
    **dict.fromkeys((238, 239, 243, 244, 246, 247, 250, 251, 252, 253, 254), 23),
    249: 22,
    248: 25,
    11: 20,
    200: 1,
    0: 1,
}
"""The final status that comes with an err code; 20 of the others."""
ERR_CODES = (
    *(0, 1, 2, 3, 4, 6, 11, 12, 13, 21, 200, 219, 220, 237, 238, 239, 240, 241, 242, 243, 244, 245, 246, 247),
    *(248, 249, 250, 251, 252, 253, 254, 255),
)
REGISTERED = {3: (24, 0), 6: (23, 253), 7: (22, 249), 8: (25, 248)}
"""Status and err of a message that was registered although its request was answered with this error."""


def status_of(err: int) -> int:
    """The final status that goes with an err code."""
    return _ERR_STATUS.get(err, 20)


def _fault(meaning: str, kind: FaultKind, *, once: bool = True) -> Outcome:
    return Outcome(meaning + (" the first time, then fine" if once else ""), fault=Fault(kind), once=once)


def _error(number: int, *, once: bool) -> Outcome:
    status, err = REGISTERED.get(number, (1, 0))
    when = "once, then fine" if once else "for good"
    return Outcome(f"error {number} {when}", status, err, fault=Fault(FaultKind.ERROR, number), once=once)


MAGIC: dict[str, Outcome] = {
    "99001": DELIVERED,
    "99002": Outcome("cannot be delivered, rejected by the operator (20, err 255)", 20, 255),
    "99003": Outcome("expired, subscriber offline (3, err 6)", 3, 6),
    "99004": Outcome("banned, spam filter (23, err 253)", 23, 253),
    "99005": Outcome("stopped, and stays so (-2)", -2),
    "99006": Outcome("status not received by the service (20, err 245)", 20, 245),
    "99008": _fault("HTTP 500, not accepted", FaultKind.HTTP_ERROR_BEFORE),
    "99100": _fault("accepted, never answered", FaultKind.TIMEOUT, once=False),
    "99101": _fault("accepted, not answered", FaultKind.TIMEOUT),
    "99102": _fault("accepted, connection dropped", FaultKind.DROP),
    "99103": Outcome("delivered late, by late_ms (5 s)", late=True),
    "99104": _fault(
        "the answer comes slow_ms late, after the calls of the handler", FaultKind.SLOW, once=False
    ),
    "99105": Outcome("the handler is told each status twice", calls=2),
    "99106": Outcome("never final: stays with the operator (0)", 0),
    "99107": Outcome("never leaves the service (-1)", -1),
    "99108": Outcome("delivered, and the handler is not told", calls=0),
    "99109": Outcome("delivered, then read (2)", then=2),
    "99110": Outcome("delivered, then its link clicked (4)", then=4),
    "99111": Outcome("a status that nobody knows (77)", 77),
    "99112": Outcome("an err that nobody knows (20, err 177)", 20, 177),
    "99120": Outcome("delivered, and answered by a message with the same text", reply=True),
    "99121": _fault("not accepted, connection dropped", FaultKind.DROP_BEFORE),
    "99122": _fault("accepted, HTTP 500", FaultKind.HTTP_ERROR),
    "99123": _fault("HTTP 500, not accepted, each time", FaultKind.HTTP_ERROR_BEFORE, once=False),
    "99125": _fault("answered in another charset than the header says", FaultKind.WRONG_CHARSET, once=False),
    "99126": _fault("accepted, answered with a page of HTML", FaultKind.NO_JSON),
}
RANGES: tuple[tuple[str, str], ...] = (
    ("9913N", "error N for good, N 1–9; 99140 is error 10"),
    ("9915N", "error N once, N 1–9, then fine"),
    ("992NN", "final status NN: 99201, 02, 03, 04, 20, 22, 23, 24, 25"),
    ("99300 + E", "err E with the status that goes with it: 99301 is err 1, 99549 is err 249"),
    ("99600 + E", "expired (status 3) with err E: 99606 is err 6"),
)
"""Rows that stand for several endings."""

MAGIC.update({f"{99130 + number}": _error(number, once=False) for number in range(1, 11)})
MAGIC.update({f"{99150 + number}": _error(number, once=True) for number in range(1, 10)})
MAGIC.update({f"{99200 + status}": Outcome(f"final status {status}", status) for status in FINAL})
MAGIC.update(
    {
        f"{99300 + err}": Outcome(f"status {status_of(err)}, err {err}", status_of(err), err)
        for err in ERR_CODES
    }
)
MAGIC.update({f"{99600 + err}": Outcome(f"expired, err {err}", 3, err) for err in ERR_CODES})
_SINGLE = tuple(MAGIC)[: tuple(MAGIC).index("99126") + 1]


def rows() -> list[tuple[str, str]]:
    """The table of endings and their meanings, for help and documentation."""
    return [*((code, MAGIC[code].meaning) for code in _SINGLE), *RANGES]


def magic_help() -> str:
    """The table as text, a row a line."""
    return "\n".join(f"  …{code}  {meaning}" for code, meaning in rows())


class Outcomes:
    """Chooses the outcome of each message; remembers which "once" outcomes have hit."""

    def __init__(self, settings: HttpSettings) -> None:
        self._magic = MAGIC if settings.magic else {}
        self._random = random.Random(settings.seed)
        mix = parse_status_mix(settings.status_mix)
        self._drawn = [Outcome("drawn", status, err) for status, err in mix]
        self._weights = list(mix.values())
        self._fixed = not settings.status_mix
        self._hit_once: dict[tuple[str, str], None] = {}

    def choose(self, phone: str, text: str) -> Outcome:
        """The outcome of one more message to this recipient."""
        outcome = self._magic.get(_ending(phone))
        if outcome is None:
            return DELIVERED if self._fixed else self._random.choices(self._drawn, self._weights)[0]
        if outcome.once and not self._first_time((phone, text)):
            return DELIVERED
        return outcome

    def _first_time(self, key: tuple[str, str]) -> bool:
        hit = self._hit_once
        if key in hit:
            del hit[key]
            return False
        if len(hit) >= _MAX_HIT_ONCE:
            del hit[next(iter(hit))]
        hit[key] = None
        return True


def _ending(phone: str) -> str:
    """The digits that may be magic: the last of a number, or of the local part of a mail address."""
    return phone.partition("@")[0][-DIGITS:]
