"""Test mode: where the messages of its accounts go instead of an SMSC."""

from __future__ import annotations

from dataclasses import replace

from gateway.config.account_model import SANDBOX as SANDBOX
from gateway.core.model import OnAmbiguous
from gateway.core.routing import Route


def in_sandbox(route: Route) -> Route:
    """The route with the sandbox in the place of its connectors; what it makes of a message stays."""
    return replace(
        route,
        connectors=(SANDBOX,),
        # whatever a kill left in doubt there was sent to nobody
        ambiguous={SANDBOX: OnAmbiguous.RESEND.value},
        failover=frozenset(),
        weights=(),
        cheapest=False,
    )
