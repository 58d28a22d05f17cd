"""What `Session` reports, in wire order. A request of the peer is reported as the PDU itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from protocols.smpp.pdu import Pdu


@dataclass(slots=True, eq=False)
class Answered:
    """One of our requests has its answer: its own response, or a generic_nack.

    `context` is what was given to `send_request`, `sent_at` the session's time then. `late` means that a
    TimedOut was reported before.
    """

    context: object
    response: Pdu
    sent_at: float
    late: bool = False
    response_id: int = 0
    """command_id that the answer must have (for the session)."""


class TimedOut(NamedTuple):
    """One of our requests has no answer within response_timeout_s; its place in the window is free."""

    context: object
    sequence_number: int
    sent_at: float


class Refused(NamedTuple):
    """Bad input that the session has dealt with; nothing is left to do but count it.

    `status` is what the peer was told, 0 when it was told nothing.
    """

    command_id: int
    status: int
    reason: str


class Closed(NamedTuple):
    """The session is over: send what `data_to_send` holds, then close the connection.

    `status` is the command_status behind it, None when the end was orderly or the peer just went silent.
    """

    reason: str
    status: int | None = None


class Abandoned(NamedTuple):
    """One of our requests that was unanswered when the connection went."""

    sequence_number: int
    context: object
    sent_at: float


Event = Pdu | Answered | TimedOut | Refused | Closed
