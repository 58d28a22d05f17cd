"""Deliveries in another style than the usual one; in parts to a session that knows no long ones.

The parts of one delivery go down one after the other's answer, so they need no more room than one, and the
row ends with the answer to the last.  A client that refuses one in between gets all of them again, or none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gateway.core.model import Delivery
from gateway.translate.smpp_deliver import pdus_of

if TYPE_CHECKING:
    from gateway.ingress.smpp import SmppConnection
    from protocols.smpp.pdu import Pdu


class Parts:
    """A delivery of which more is to come."""

    __slots__ = ("delivery", "left")

    def __init__(self, delivery: Delivery, left: Iterable[Pdu]) -> None:
        self.delivery = delivery
        self.left = deque(left)


def delivery_in(context: object) -> Delivery | None:
    """The delivery that a request of ours was about."""
    if isinstance(context, Parts):
        return context.delivery
    return context if isinstance(context, Delivery) else None


def send_first(connection: SmppConnection, delivery: Delivery) -> None:
    """Sends a delivery in the session's style; ValueError when it cannot be written."""
    first, *rest = pdus_of(delivery, connection.id_format, connection.style)
    context = Parts(delivery, rest) if rest else delivery
    connection.session.send_request(first, connection.listener.clock.now(), context)


def send_next(connection: SmppConnection, parts: Parts) -> bool:
    """Sends what is left; False: that was all.  A session that goes leaves it to another one."""
    if not parts.left:
        return False
    if connection.session.room:
        connection.session.send_request(parts.left.popleft(), connection.listener.clock.now(), parts)
    elif connection.outlet is not None:
        connection.outlet.put_back(parts.delivery)
    return True
