"""What became of the messages of a request, as send.php answers it (SMSC HTTP API §2.1.12)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from gateway.core.model import Draft, Message
from gateway.core.networks import mccmnc_of
from gateway.core.prices import amount_text
from gateway.core.submission import Accepted
from gateway.front.planning import Outcome, Planned
from gateway.translate.api_status import WAITING, refusal_number, registered_as, status_of
from gateway.translate.api_submit import OWN_KINDS


def error_of(outcomes: Sequence[Outcome]) -> int:
    """The error of a request of which nothing was taken, else 0."""
    first = outcomes[0]
    if isinstance(first, Accepted) or any(isinstance(one, Accepted) for one in outcomes):
        return 0
    return refusal_number(first)


def segments_taken(draft: Draft, message: Message) -> int:
    """SMS of a message; a connector that splits by itself has it kept as one."""
    return draft.segments if message.user_data is draft.user_data else message.segments


def segments_of(one: Planned, taken: Accepted) -> int:
    """The same of one that was planned."""
    return segments_taken(one.draft, taken.message)


def parts_of(one: Planned, segments: int) -> int:
    """What is counted of it: SMS, seconds of a call."""
    return segments if one.content.kind.name in OWN_KINDS else one.content.parts


def row_of(one: Planned, outcome: Outcome) -> dict[str, str]:
    """A recipient in the list that op=1 and err=1 ask for."""
    if isinstance(outcome, Accepted):
        status, err, cost = WAITING, 0, outcome.cost
    else:
        state, error = registered_as(outcome)
        (status, err), cost = status_of(state, error), 0
    return {
        "phone": one.phone,
        "mccmnc": mccmnc_of(one.phone) if one.phone.isdecimal() else "",
        "cost": money(cost),
        "status": str(status),
        "error": str(err),
    }


@lru_cache(maxsize=1024)
def money(amount: int) -> str:
    """Millionths as answers have them: `1.40`."""
    return amount_text(amount)
