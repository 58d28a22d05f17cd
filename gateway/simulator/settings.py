"""What the simulated SMSC does, field by field.

`smsc-gateway simulate` has one option per field (dashes for underscores) and prints `doc` as its help.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

from gateway.simulator.message_ids import ID_FORMATS
from protocols.smpp import constants
from protocols.sms.receipts import STATE_WORDS

RECEIPT_CONTENTS = ("both", "tlv", "text")

_FINAL_STATES = {
    STATE_WORDS[state]: state
    for state in (
        constants.DELIVERED,
        constants.EXPIRED,
        constants.DELETED,
        constants.UNDELIVERABLE,
        constants.UNKNOWN,
        constants.REJECTED,
    )
}

T = TypeVar("T")


def option(default: T, doc: str, **more: Any) -> T:
    """A field of settings: its default and its help, in which `secret`, `choices` and `parse` may follow."""
    value: T = field(default=default, metadata={"doc": doc, **more})
    return value


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """One simulated SMSC. Percentages are of the submits to destinations that are not magic.

    Raises ValueError, with a sentence that names the field, when a value makes no sense.
    """

    system_id: str | None = option(None, "the only system_id that may bind; without it, any")
    password: str | None = option(None, "the password it needs; without it, any", secret=True)
    resp_delay_ms: float = option(0.0, "answer each submit this many ms after it came")
    receipt_delay_ms: float = option(0.0, "send the receipt this many ms after the response")
    late_receipt_ms: float = option(5000.0, "what the magic destination for a late receipt waits, in ms")
    receipt_retry_ms: float = option(500.0, "send a receipt again this many ms after a temporary refusal")
    throttle_pct: float = option(0.0, "answer this share of submits with ESME_RTHROTTLED, %")
    error_pct: float = option(0.0, "answer this share of submits with error_status, %")
    error_status: int = option(
        constants.ESME_RSUBMITFAIL,
        "the command_status of error_pct, a name or a number",
        parse="status",
    )
    no_response_pct: float = option(0.0, "never answer (and do not take) this share of submits, %")
    drop_every: int = option(0, "close a connection on its Nth submit, unanswered; 0 = never")
    receipt_before_response: bool = option(False, "send the receipt before the response")
    receipt_duplicate_pct: float = option(0.0, "send this share of the receipts twice, %")
    receipts_from: str = option(
        "both", "where a receipt says what it says: TLVs, text or both", choices=RECEIPT_CONTENTS
    )
    id_format: str = option(
        "decimal", "how message_id looks in the response and in the receipt", choices=ID_FORMATS
    )
    state_mix: str = option("", "final states by weight, as DELIVRD=90,UNDELIV=7,EXPIRED=3; empty = DELIVRD")
    magic: bool = option(True, "obey magic destinations; off for load tests with running numbers")
    seed: int = option(1, "seed of the random faults: same seed and order of submits, same faults")
    window: int = option(200, "deliver_sm sent to a session and not answered yet, at most")
    keep: int = option(10_000, "messages kept for `received`, query_sm, cancel_sm and replace_sm")

    def __post_init__(self) -> None:
        for name in (
            "resp_delay_ms",
            "receipt_delay_ms",
            "late_receipt_ms",
            "receipt_retry_ms",
            "drop_every",
        ):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is below 0: give 0 or more")
        for name in ("throttle_pct", "error_pct", "no_response_pct", "receipt_duplicate_pct"):
            if not 0 <= getattr(self, name) <= 100:
                raise ValueError(f"{name} is not a percentage: give 0 to 100")
        if self.throttle_pct + self.error_pct + self.no_response_pct > 100:
            raise ValueError("throttle_pct, error_pct and no_response_pct exceed 100 together")
        if self.window < 1 or self.keep < 1:
            raise ValueError("window and keep must be 1 or more")
        if self.receipts_from not in RECEIPT_CONTENTS:
            raise ValueError(f"receipts_from is none of {', '.join(RECEIPT_CONTENTS)}")
        if self.id_format not in ID_FORMATS:
            raise ValueError(f"id_format is none of {', '.join(ID_FORMATS)}")
        parse_state_mix(self.state_mix)


def parse_state_mix(text: str) -> dict[int, float]:
    """Weights by message state from `DELIVRD=90,UNDELIV=10`; empty text gives DELIVERED alone."""
    weights: dict[int, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        word, _, weight = part.partition("=")
        state = _FINAL_STATES.get(word.strip().upper())
        if state is None:
            raise ValueError(f"state_mix: {word!r} is none of {', '.join(_FINAL_STATES)}")
        try:
            weights[state] = float(weight)
        except ValueError:
            raise ValueError(f"state_mix: {part!r} has no weight: write {word}=10") from None
        if not weights[state] > 0:
            raise ValueError(f"state_mix: the weight of {word} is not above 0")
    return weights or {constants.DELIVERED: 1.0}
