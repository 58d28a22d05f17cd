"""What becomes of a message: forced by its destination, else drawn by the settings' percentages.

A destination that ends with 99 and three more digits is magic: it always has the outcome of its row in
MAGIC. "Once" outcomes hit the first submit of the same text between the same addresses; the next one
passes, and the one after that is a first one again.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from gateway.simulator.answers import VENDOR_STATUS
from gateway.simulator.incoming import FORMS as INCOMING_FORMS
from gateway.simulator.receipt_forms import FORMS as RECEIPT_FORMS
from gateway.simulator.settings import SimulatorSettings, parse_state_mix
from protocols.smpp import constants as c

_MAGIC_DIGITS = 5
_MAX_HIT_ONCE = 10_000


class Answer(Enum):
    """How a submit is answered."""

    RESPONSE = "response"
    NONE = "none"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row: the answer to the submit and the receipts after it."""

    meaning: str
    answer: Answer = Answer.RESPONSE
    status: int = c.ESME_ROK
    once: bool = False
    state: int = c.DELIVERED
    copies: int = 1
    late: bool = False
    receipt_first: bool = False
    accepted_first: bool = False
    by_data_sm: bool = False
    receipt_from: str | None = None  # overrides receipts_from
    word: str | None = None  # overrides the state's word in the text
    reply: bool = False
    form: str = ""  # how the submit is answered; overrides error_form
    receipt_form: str | None = None  # overrides receipt_form
    incoming: str | None = None  # the form of the message that answers it
    absent: bool = False  # the subscriber cannot be reached before late_receipt_ms have passed
    alert: bool = False


DELIVERED = Outcome("delivered")
DROPPED = Outcome("the connection is closed without an answer", answer=Answer.DROP)

MAGIC: dict[str, Outcome] = {
    "99001": DELIVERED,
    "99002": Outcome("undeliverable", state=c.UNDELIVERABLE),
    "99003": Outcome("expired", state=c.EXPIRED),
    "99004": Outcome("accepted, then rejected by its receipt", state=c.REJECTED),
    "99005": Outcome("deleted", state=c.DELETED),
    "99006": Outcome("state unknown", state=c.UNKNOWN),
    "99008": Outcome("system error once (ESME_RSYSERR), then fine", status=c.ESME_RSYSERR, once=True),
    "99011": Outcome("invalid destination for good (ESME_RINVDSTADR)", status=c.ESME_RINVDSTADR),
    "99014": Outcome("queue full once (ESME_RMSGQFUL), then fine", status=c.ESME_RMSGQFUL, once=True),
    "99058": Outcome("throttled once (ESME_RTHROTTLED), then fine", status=c.ESME_RTHROTTLED, once=True),
    "99100": Outcome("never answered", answer=Answer.NONE),
    "99101": Outcome("not answered the first time, then fine", answer=Answer.NONE, once=True),
    "99102": Outcome("connection dropped the first time, then fine", answer=Answer.DROP, once=True),
    "99103": Outcome("receipt late, by late_receipt_ms (5 s)", late=True),
    "99104": Outcome("receipt before the response", receipt_first=True),
    "99105": Outcome("receipt twice", copies=2),
    "99106": Outcome("no receipt", copies=0),
    "99107": Outcome("receipt ACCEPTD, then DELIVRD", accepted_first=True),
    "99108": Outcome("receipt by data_sm", by_data_sm=True),
    "99109": Outcome("receipt without TLVs", receipt_from="text"),
    "99110": Outcome("receipt of TLVs only", receipt_from="tlv"),
    "99111": Outcome(
        "unknown word in the receipt's stat", receipt_from="text", word="WEIRD", state=c.UNKNOWN
    ),
    "99120": Outcome("delivered, and answered by a message with the same text", reply=True),
    "99130": Outcome(
        "absent, delivered after late_receipt_ms; with set_dpf dpf_result 1, then alert_notification",
        absent=True,
    ),
    "99131": Outcome("delivered, and an alert_notification", alert=True),
    "99045": Outcome(
        "submit failed once (ESME_RSUBMITFAIL), then fine", status=c.ESME_RSUBMITFAIL, once=True
    ),
    "99400": Outcome("a vendor's status for good (0x00000401)", status=VENDOR_STATUS),
    "99401": Outcome(
        "system error once, in a response with a body, then fine",
        status=c.ESME_RSYSERR,
        once=True,
        form="body",
    ),
    "99402": Outcome(
        "invalid destination for good, in a response with TLVs", status=c.ESME_RINVDSTADR, form="tlvs"
    ),
    "99403": Outcome(
        "generic_nack once (ESME_RSYSERR), then fine", status=c.ESME_RSYSERR, once=True, form="nack"
    ),
    "99404": Outcome("generic_nack for good (ESME_RINVCMDID)", status=c.ESME_RINVCMDID, form="nack"),
    "99405": Outcome("delivered, the response with TLVs", form="tlvs"),
}
MAGIC |= {
    f"{99500 + number}": Outcome(f"receipt in the form {name}: {form.meaning}", receipt_form=name)
    for number, (name, form) in enumerate(RECEIPT_FORMS.items())
    if number
}
MAGIC |= {
    f"{99600 + number}": Outcome(f"answered by {name}: {meaning}", incoming=name)
    for number, (name, (meaning, _)) in enumerate(INCOMING_FORMS.items())
}


def magic_help() -> str:
    """The table of MAGIC as text, a row a line."""
    return "\n".join(f"  …{code}  {outcome.meaning}" for code, outcome in MAGIC.items())


class Outcomes:
    """Chooses the outcome of each submit; remembers which "once" outcomes have hit."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._magic = MAGIC if settings.magic else {}
        self._random = random.Random(settings.seed)
        self._thresholds = _thresholds(settings)
        self._duplicate_pct = settings.receipt_duplicate_pct
        self._states, self._weights = zip(*parse_state_mix(settings.state_mix).items(), strict=True)
        self._fixed = not (self._thresholds or self._duplicate_pct or settings.state_mix)
        self._hit_once: dict[object, None] = {}

    def choose(self, source: str, destination: str, user_data: bytes) -> Outcome:
        """The outcome of one more submit between these addresses."""
        outcome = self._magic.get(destination[-_MAGIC_DIGITS:])
        if outcome is None:
            return DELIVERED if self._fixed else self._draw()
        if outcome.once and not self._first_time((source, destination, user_data)):
            return DELIVERED
        return outcome

    def _first_time(self, key: object) -> bool:
        hit = self._hit_once
        if key in hit:
            del hit[key]
            return False
        if len(hit) >= _MAX_HIT_ONCE:
            del hit[next(iter(hit))]
        hit[key] = None
        return True

    def _draw(self) -> Outcome:
        roll = self._random.random() * 100
        for limit, fault in self._thresholds:
            if roll < limit:
                return fault
        state = DELIVERED.state
        if len(self._states) > 1 or self._states[0] != state:
            state = self._random.choices(self._states, self._weights)[0]
        copies = 1
        if self._duplicate_pct and self._random.random() * 100 < self._duplicate_pct:
            copies = 2
        return replace(DELIVERED, state=state, copies=copies)


def _thresholds(settings: SimulatorSettings) -> Sequence[tuple[float, Outcome]]:
    """Upper limits of one roll of 0–100 for each fault that can happen."""
    faults = (
        (settings.throttle_pct, Outcome("throttled", status=c.ESME_RTHROTTLED)),
        (settings.error_pct, Outcome("refused", status=settings.error_status)),
        (settings.no_response_pct, Outcome("never answered", answer=Answer.NONE)),
    )
    limits = []
    limit = 0.0
    for share, fault in faults:
        if share:
            limit += share
            limits.append((limit, fault))
    return limits
