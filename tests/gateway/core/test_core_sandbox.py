"""What test mode makes of a route."""

from __future__ import annotations

from gateway.core.model import OnAmbiguous
from gateway.core.routing import Route
from gateway.core.sandbox import SANDBOX, in_sandbox


def test_what_a_kill_left_in_doubt_is_sent_again_whatever_the_route_says() -> None:
    route = Route(
        "7", ("one", "two"), ambiguous={"one": OnAmbiguous.HOLD.value, "two": OnAmbiguous.FAIL.value}
    )
    found = in_sandbox(route)
    assert (found.connectors, found.ambiguous) == ((SANDBOX,), {SANDBOX: OnAmbiguous.RESEND.value})
