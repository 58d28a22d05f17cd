"""Limits and timers of a session."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Limits and timers of a session; `*_s` are seconds."""

    window: int = 10
    """Requests of ours that may be unanswered before `send_request` refuses another message."""
    peer_window: int = 10
    """Requests of the peer that may be unanswered before it is told ESME_RTHROTTLED."""
    max_pdu_length: int = 70_000
    """Octets; a longer command_length ends the session before anything is buffered."""
    enquire_link_s: float = 30.0
    """Silence of the peer after which enquire_link is sent; 0 = never."""
    response_timeout_s: float = 30.0
    """How long a request of ours, enquire_link and unbind included, may stay unanswered."""
    bind_timeout_s: float = 5.0
    """How long a peer may stay connected without a bind (SMSC side)."""
    pdu_timeout_s: float = 10.0
    """How long a PDU may take from its first octet to its last."""
    bad_state_limit: int = 5
    """Refused PDUs before the bind that end the session."""
    unknown_responses_per_min: int = 100
    """Responses to nothing of ours within a minute; one more ends the session."""
    max_tlvs: int = 64
    """TLVs in one request."""
