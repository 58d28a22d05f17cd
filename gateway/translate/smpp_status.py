"""What SMPP says for what the core decides, and the other way round."""

from __future__ import annotations

from enum import Enum

from gateway.core.errors import Refusal
from protocols.smpp import constants as c

REFUSAL_STATUS: dict[Refusal, int] = {
    Refusal.RATE: c.ESME_RTHROTTLED,
    Refusal.QUEUE_FULL: c.ESME_RMSGQFUL,
    Refusal.STORE: c.ESME_RSYSERR,
    Refusal.SOURCE: c.ESME_RINVSRCADR,
    Refusal.DESTINATION: c.ESME_RINVDSTADR,
    Refusal.NO_ROUTE: c.ESME_RINVDSTADR,
    Refusal.ROUTE: c.ESME_RINVDSTADR,
    Refusal.TOO_LONG: c.ESME_RINVMSGLEN,
    Refusal.MALFORMED_TEXT: c.ESME_RINVMSGLEN,
    Refusal.RECEIPT_CLASS: c.ESME_RINVESMCLASS,
    Refusal.SCHEDULE: c.ESME_RINVSCHED,
    Refusal.VALIDITY: c.ESME_RINVEXPIRY,
    Refusal.SERVICE_TYPE: c.ESME_RINVSERTYP,
    Refusal.SERVICE_OPTIONS: c.ESME_ROPTPARNOTALLWD,
    Refusal.OPTION_VALUE: c.ESME_RINVOPTPARAMVAL,
    Refusal.TLV: c.ESME_ROPTPARNOTALLWD,
    Refusal.DENIED: c.ESME_RINVDSTADR,
    Refusal.NUMBER: c.ESME_RINVDSTADR,
    Refusal.SPECIAL: c.ESME_RPROHIBITED,
    Refusal.STOPPING: c.ESME_RSYSERR,
    # Not ESME_RTHROTTLED: to clients that is "slow down and send the same again", to some of them for the
    # whole session. None of these ends by waiting a second, and most are about one number alone.
    Refusal.PER_DAY: c.ESME_RSUBMITFAIL,
    Refusal.PER_NUMBER: c.ESME_RSUBMITFAIL,
    Refusal.PER_TEXT: c.ESME_RSUBMITFAIL,
    Refusal.PER_ADDRESS: c.ESME_RSUBMITFAIL,
    Refusal.HOURS: c.ESME_RSUBMITFAIL,
    Refusal.FLOOD: c.ESME_RSUBMITFAIL,
    Refusal.REPEATED: c.ESME_RSUBMITFAIL,
    Refusal.BLACKLIST: c.ESME_RINVDSTADR,
    Refusal.BALANCE: c.ESME_RSUBMITFAIL,
    Refusal.NO_PRICE: c.ESME_RINVDSTADR,
}


class Verdict(Enum):
    """What an SMSC's or a client's error means for a message."""

    FULL = "full"  # it lacks capacity: the same again soon
    LATER = "later"  # it is in trouble: another connector, or later
    NEVER = "never"


_FULL = frozenset({c.ESME_RTHROTTLED, c.ESME_RMSGQFUL})
_LATER = frozenset(
    {
        c.ESME_RSYSERR,
        c.ESME_RINVBNDSTS,
        c.ESME_RX_T_APPN,
        c.ESME_RUNKNOWNERR,
        c.ESME_RSERTYPUNAVAIL,
        c.ESME_RINVCMDID,
    }
)
_TRY_DELIVERY_LATER = _FULL | _LATER


SUBMIT_FAIL_TRIES = 5
"""ESME_RSUBMITFAIL may mean anything: so many times it is taken for "too fast", if it is at all."""
SUBMIT_FAILED = frozenset({c.ESME_RSUBMITFAIL})


def status_of(name: str) -> int:
    """The command_status of a name of the specification or of 0x and a number; ValueError for another."""
    if name[:2] in ("0x", "0X"):
        return int(name, 16)
    status = getattr(c, name, None) if name.startswith("ESME_R") else None
    if not isinstance(status, int):
        raise ValueError(f"no such status: {name}")
    return status


def submit_verdict(status: int, too_fast: frozenset[int] = _FULL, retries: int = 0) -> Verdict:
    """What an error in a submit_sm_resp means.

    `too_fast`: by what this SMSC says so; `retries`: how often the message was put off already. Vendor codes
    (0x400 and more) are final unless they are among the former.
    """
    if status in too_fast and (status != c.ESME_RSUBMITFAIL or retries < SUBMIT_FAIL_TRIES - 1):
        return Verdict.FULL
    return Verdict.LATER if status in _TRY_DELIVERY_LATER else Verdict.NEVER


def delivery_is_put_off(status: int) -> bool:
    """Whether a client's error in a deliver_sm_resp asks for another try."""
    return status in _TRY_DELIVERY_LATER
