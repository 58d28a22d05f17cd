"""What can go wrong, sorted by what the caller does next.

SmppError
├── DecodeError     bytes from the peer; `.action` says answer, nack or close
├── EncodeError     a PDU of ours that has no encoding: a field too long, a NUL inside a string
└── SessionError    our side asked for something the session cannot do now
    ├── WindowFull      as many requests are unanswered as the window allows: wait for `room`
    └── InvalidState    the operation does not belong to this end in this state
"""

from __future__ import annotations

from enum import Enum

from protocols.smpp.constants import command_name, status_name


class Action(Enum):
    """What the receiver of a bad PDU owes the peer."""

    ANSWER = "answer"
    """Send the matching ``_resp`` with the error's status; the session goes on. A bad *response* is
    never answered: its request is settled by the header alone."""
    NACK = "nack"
    """Send generic_nack with the error's status; the session goes on."""
    CLOSE = "close"
    """Send generic_nack with the error's status, then close: the stream cannot be read any further."""


class SmppError(Exception):
    """Base of every error of this package."""


class DecodeError(SmppError):
    """A PDU that cannot be taken as it is.

    `status` is the command_status to answer with; `sequence_number` is 0 where the header could not be
    read. The text says what is wrong and is safe to log: it holds lengths and names, never field values.
    """

    def __init__(
        self, status: int, action: Action, reason: str, *, command_id: int = 0, sequence_number: int = 0
    ) -> None:
        super().__init__(f"{command_name(command_id)} {sequence_number}: {reason} ({status_name(status)})")
        self.status = status
        self.action = action
        self.reason = reason
        self.command_id = command_id
        self.sequence_number = sequence_number


class FieldFault(Exception):
    """One field cannot be read. Internal: the codec adds the PDU and the action, and raises DecodeError."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class EncodeError(SmppError, ValueError):
    """A PDU of ours whose fields do not fit the wire format; nothing was sent."""


class SessionError(SmppError):
    """Our side asked for something the session cannot do now; nothing was sent."""


class WindowFull(SessionError):
    """As many of our requests are unanswered as the window allows."""


class InvalidState(SessionError):
    """The operation does not belong to this end of the link in its present state."""
