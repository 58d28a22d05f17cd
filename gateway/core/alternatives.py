"""Which connector takes a message that its own one cannot take, after what the SMSC said of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from gateway.core.model import Message, Wish

THROTTLED_HERE = 1
"""So often a message waits after "too much" before another connector is tried, if its route wants that."""
_ON_REFUSED, _ON_THROTTLED = Wish.ON_REFUSED.value, Wish.ON_THROTTLED.value
_STAYS_DOWN = Wish.STAYS_DOWN.value


class Works(Protocol):
    """What is asked of a connector's upstream."""

    @property
    def works(self) -> bool:
        """Whether there is a link, and the SMSC answers."""
        ...


Upstreams = Mapping[str, Works]


def in_trouble(message: Message, name: str, upstreams: Upstreams) -> str | None:
    """Who takes a message at once whose SMSC is in trouble itself: the next one after this that works."""
    if message.flags & _STAYS_DOWN:
        return None
    after, _ = _others(message, name)
    return _first_that_works(after, upstreams)


def too_much(message: Message, name: str, upstreams: Upstreams) -> tuple[str | None, bool]:
    """Who takes a message that is too much for its SMSC, and whether at once; None: it waits here.

    When all connectors after this one were asked it begins anew with those before it, after a pause.
    """
    if not message.flags & _ON_THROTTLED or message.retries < THROTTLED_HERE:
        return None, False
    after, before = _others(message, name)
    if (other := _first_that_works(after, upstreams)) is not None:
        return other, True
    return _first_that_works(before, upstreams), False


def refused(message: Message, name: str, upstreams: Upstreams) -> str | None:
    """Who takes a message that its SMSC refuses for good: the next one that works, else the next one.

    Those that have refused it are not among its alternatives any more.
    """
    if not message.flags & _ON_REFUSED:
        return None
    after, before = _others(message, name)
    others = [other for other in (*after, *before) if other in upstreams]
    return _first_that_works(others, upstreams) or next(iter(others), None)


def _others(message: Message, name: str) -> tuple[list[str], list[str]]:
    """The alternatives after this one, and those before it."""
    names = message.alternatives.split()
    if name not in names:
        return names, []
    place = names.index(name)
    return names[place + 1 :], names[:place]


def _first_that_works(names: Iterable[str], upstreams: Upstreams) -> str | None:
    return next((name for name in names if name in upstreams and upstreams[name].works), None)
