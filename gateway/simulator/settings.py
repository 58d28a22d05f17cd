"""What the simulated SMSC does, field by field.

`smsc-gateway simulate` has one option per field (dashes for underscores) and prints `doc` as its help.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from gateway.simulator.answers import BIND_RESPONSES, ERROR_FORMS
from gateway.simulator.load import BY_LOAD, parse_congestion
from gateway.simulator.message_ids import ID_FORMATS
from gateway.simulator.receipt_forms import RECEIPT_FORMS
from gateway.simulator.texts import DATA_CODING_0
from protocols.smpp import constants
from protocols.sms.receipts import STATE_WORDS

RECEIPT_CONTENTS = ("both", "tlv", "text")
VERSIONS = {
    "3.3": constants.INTERFACE_VERSION_33,
    "3.4": constants.INTERFACE_VERSION_34,
    "5.0": constants.INTERFACE_VERSION_50,
}
OPTIONAL_OPERATIONS = {
    constants.command_name(command): command
    for command in (
        constants.QUERY_SM,
        constants.CANCEL_SM,
        constants.REPLACE_SM,
        constants.SUBMIT_MULTI,
        constants.DATA_SM,
        constants.BROADCAST_SM,
        constants.QUERY_BROADCAST_SM,
        constants.CANCEL_BROADCAST_SM,
    )
}

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
    receipt_form: str = option(
        "plain", "how receipts are written, by the name of a form", choices=RECEIPT_FORMS
    )
    id_format: str = option(
        "decimal", "how message_id looks in the response and in the receipt", choices=ID_FORMATS
    )
    state_mix: str = option("", "final states by weight, as DELIVRD=90,UNDELIV=7,EXPIRED=3; empty = DELIVRD")
    magic: bool = option(True, "obey magic destinations; off for load tests with running numbers")
    seed: int = option(1, "seed of the random faults: same seed and order of submits, same faults")
    window: int = option(200, "deliver_sm sent to a session and not answered yet, at most")
    keep: int = option(10_000, "messages kept for `received`, query_sm, cancel_sm and replace_sm")
    interface_version: str = option(
        "5.0", "the SMPP version it speaks, if the ESME does", choices=tuple(VERSIONS)
    )
    without: str = option("", "operations it does not have, as query_sm,cancel_sm: they get ESME_RINVCMDID")
    bind_resp: str = option("full", "what a good bind response has", choices=BIND_RESPONSES)
    rebind_pause_s: float = option(
        0.0, "refuse a bind with ESME_RALYBND until this many s after a session of its system_id ended"
    )
    rate: float = option(0.0, "submits it takes a second, all sessions together; 0 = any number")
    rate_status: int = option(
        constants.ESME_RTHROTTLED,
        "the command_status of submits over the rate, a name or a number",
        parse="status",
    )
    congestion: str = option(
        "", "congestion_state in responses over 5.0: 95, steps as 20:5,95:5 (value:s), or load (of the rate)"
    )
    error_form: str = option("header", "how a submit is refused, but for magic ones", choices=ERROR_FORMS)
    data_coding_0: str = option("gsm7", "the alphabet of data_coding 0", choices=DATA_CODING_0)
    outbind: str = option("", "HOST:PORT of an ESME to connect to, with outbind; empty = none")
    outbind_password: str = option("", "the password in outbind; empty = none", secret=True)

    def __post_init__(self) -> None:
        for name in (
            "resp_delay_ms",
            "receipt_delay_ms",
            "late_receipt_ms",
            "receipt_retry_ms",
            "drop_every",
            "rebind_pause_s",
            "rate",
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
        for option in fields(self):
            allowed = option.metadata.get("choices")
            if allowed is not None and getattr(self, option.name) not in allowed:
                raise ValueError(f"{option.name} is none of {', '.join(allowed)}")
        if self.congestion == BY_LOAD and not self.rate:
            raise ValueError("congestion by load needs a rate")
        if self.congestion != BY_LOAD:
            parse_congestion(self.congestion)
        if self.outbind:
            parse_address("outbind", self.outbind)
        parse_without(self.without)
        parse_state_mix(self.state_mix)


def parse_without(text: str) -> frozenset[int]:
    """command_ids of the operations that `without` names; ValueError for others."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in OPTIONAL_OPERATIONS:
            raise ValueError(f"without: {name!r} is none of {', '.join(OPTIONAL_OPERATIONS)}")
    return frozenset(OPTIONAL_OPERATIONS[name] for name in names)


def parse_address(name: str, text: str) -> tuple[str, int]:
    """Host and port of HOST:PORT; ValueError with the setting's name when it is none."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 0xFFFF:
        raise ValueError(f"{name} {text} is no HOST:PORT")
    return host.strip("[]"), int(port)


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
