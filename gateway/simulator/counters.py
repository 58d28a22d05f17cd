"""What a simulated SMSC counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """What happened since the start."""

    connections: int = 0
    binds: int = 0
    binds_refused: int = 0
    submitted: int = 0  # submit_sm and data_sm that arrived
    accepted: int = 0  # of them answered ESME_ROK
    refused: int = 0  # of them answered with another status
    unanswered: int = 0  # of them never answered
    drops: int = 0  # connections closed on purpose
    receipts_sent: int = 0  # receipts and replies written, each time
    receipts_acknowledged: int = 0
    receipts_retried: int = 0  # temporary refusals, timeouts and lost connections
    receipts_refused: int = 0  # refused for good by the ESME
    receipts_discarded: int = 0  # nobody bound and too many waited
    bad_input: int = 0  # PDUs that the session refused by itself
