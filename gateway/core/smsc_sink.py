"""What the calls of an SMSC service are handed to."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from gateway.config.smsc_model import SmscCallback
from protocols.smsc_http.callbacks import IncomingCall, StatusCall, WaitCall


class CallbackSink(Protocol):
    """Puts calls into the gathering batch; whoever called is answered after its commit.

    The same call may come again, and by other ways too.
    """

    def status(self, call: StatusCall, now_ms: int) -> None:
        """What became of a message."""
        ...

    def incoming(self, call: IncomingCall, now_ms: int) -> None:
        """A subscriber has written."""
        ...

    def wait_call(self, call: WaitCall, now_ms: int) -> None:
        """A subscriber has called the number that he was shown."""
        ...


class Endpoint(NamedTuple):
    """What a path of the callback listeners leads to."""

    connector: str
    config: SmscCallback
    sink: CallbackSink
