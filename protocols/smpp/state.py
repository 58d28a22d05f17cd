"""Which end may send which operation in which session state (SMPP v3.4 §2.2–2.3, SMPP v5.0 §2.3–2.4).

The table is read by the session, by its tests and by people. Responses are not in it: a response may
come whenever its request is outstanding.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from protocols.smpp import constants as c


class Role(Enum):
    """An end of the link."""

    ESME = "ESME"
    SMSC = "SMSC"

    @property
    def peer(self) -> Role:
        """The other end."""
        return Role.SMSC if self is Role.ESME else Role.ESME


class State(Enum):
    """Session states; BOUND_* are named for what the ESME may do."""

    OPEN = "open"
    OUTBOUND = "outbound"
    BOUND_TX = "bound_tx"
    BOUND_RX = "bound_rx"
    BOUND_TRX = "bound_trx"
    UNBOUND = "unbound"
    CLOSED = "closed"


_START = frozenset({State.OPEN, State.OUTBOUND})
_TX = frozenset({State.BOUND_TX, State.BOUND_TRX})
_RX = frozenset({State.BOUND_RX, State.BOUND_TRX})
BOUND: Final = _TX | _RX
# 5.0 lets either end probe the link in every state; some peers do so before they bind (interop quirk 36)
_ANY = frozenset(State) - {State.CLOSED}
_NEVER: frozenset[State] = frozenset()

OPERATIONS: Final[dict[int, dict[Role, frozenset[State]]]] = {
    c.BIND_RECEIVER: {Role.ESME: _START, Role.SMSC: _NEVER},
    c.BIND_TRANSMITTER: {Role.ESME: _START, Role.SMSC: _NEVER},
    c.BIND_TRANSCEIVER: {Role.ESME: _START, Role.SMSC: _NEVER},
    c.OUTBIND: {Role.ESME: _NEVER, Role.SMSC: frozenset({State.OPEN})},
    c.UNBIND: {Role.ESME: BOUND, Role.SMSC: BOUND},
    c.SUBMIT_SM: {Role.ESME: _TX, Role.SMSC: _NEVER},
    c.SUBMIT_MULTI: {Role.ESME: _TX, Role.SMSC: _NEVER},
    c.DATA_SM: {Role.ESME: _TX, Role.SMSC: _RX},
    c.DELIVER_SM: {Role.ESME: _NEVER, Role.SMSC: _RX},
    c.QUERY_SM: {Role.ESME: _TX, Role.SMSC: _NEVER},
    c.CANCEL_SM: {Role.ESME: _TX, Role.SMSC: _NEVER},
    c.REPLACE_SM: {Role.ESME: _TX, Role.SMSC: _NEVER},
    c.ENQUIRE_LINK: {Role.ESME: _ANY, Role.SMSC: _ANY},
    c.ALERT_NOTIFICATION: {Role.ESME: _NEVER, Role.SMSC: _RX},
    c.BROADCAST_SM: {Role.ESME: _TX, Role.SMSC: _NEVER},
    c.QUERY_BROADCAST_SM: {Role.ESME: _TX, Role.SMSC: _NEVER},
    c.CANCEL_BROADCAST_SM: {Role.ESME: _TX, Role.SMSC: _NEVER},
}
"""command_id of a request → the states in which each end may send it."""

ALLOWED: Final[dict[tuple[Role, State], frozenset[int]]] = {
    (role, state): frozenset(command for command, rows in OPERATIONS.items() if state in rows[role])
    for role in Role
    for state in State
}
"""The same table the other way round: what this end may send in this state."""

STATE_AFTER_BIND: Final[dict[int, State]] = {
    c.BIND_RECEIVER: State.BOUND_RX,
    c.BIND_TRANSMITTER: State.BOUND_TX,
    c.BIND_TRANSCEIVER: State.BOUND_TRX,
}

MESSAGE_OPERATIONS: Final = frozenset(
    {c.SUBMIT_SM, c.SUBMIT_MULTI, c.DATA_SM, c.DELIVER_SM, c.BROADCAST_SM},
)
"""Operations that carry a message: the window counts and holds these back."""

APPLICATION_ANSWERS: Final = MESSAGE_OPERATIONS | {
    c.QUERY_SM,
    c.CANCEL_SM,
    c.REPLACE_SM,
    c.QUERY_BROADCAST_SM,
    c.CANCEL_BROADCAST_SM,
}
"""Operations of a bound session that the application, not the session, answers."""
