"""Who has the connections of a listener, and who gives way when all are taken.

A stranger is a connection that has not shown yet that it is somebody: it has not bound, not logged in, not
sent a whole request.  When all places are taken a newcomer gets that of a stranger, so that connections which
only stand there keep no client out.  It is the oldest one of the address that has the most of them: whoever
opens many pushes out himself.  When the strangers are few, a connection that is known but has nothing under
way gives way instead.  Only when there is none of these either the newcomer is turned away.

Behind a load balancer all have one address; then it is the oldest stranger.
"""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv6Address
from typing import Protocol

STRANGERS_PART = 4
"""So many places for one that strangers keep when others could give way."""


class Guest(Protocol):
    """A connection."""

    @property
    def is_idle(self) -> bool:
        """Once it is known: nothing is under way, and its client can connect again without harm."""
        ...

    def give_way(self) -> None:
        """Ends it now: another one gets its place."""
        ...


def sender_of(address: str) -> str:
    """Whose an address is: IPv6 gives everybody 64 bits of them, so the rest does not tell people apart."""
    if ":" not in address:
        return address
    try:
        whole = IPv6Address(address)
    except ValueError:
        return address
    return str(whole.ipv4_mapped or int(whole) >> 64)


class Places:
    """The connections of one listener."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._strangers = _Strangers()
        self._known: dict[Guest, str] = {}
        self._known_of: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._strangers) + len(self._known)

    def to_free(self) -> tuple[Guest, str] | None:
        """Whose place a newcomer gets, with whose it is; None: nobody gives way."""
        if len(self._strangers) > self.most // STRANGERS_PART:
            return self._strangers.to_free()
        return self._idle() or self._strangers.to_free()

    @property
    def is_full(self) -> bool:
        return len(self) >= self.most

    def enter(self, guest: Guest, address: str) -> None:
        """One more, who is a stranger."""
        self._strangers.add(guest, sender_of(address))

    def recognise(self, guest: Guest) -> None:
        """It has shown that it is somebody."""
        sender = self._strangers.drop(guest)
        if sender is not None:
            self._known[guest] = sender
            self._known_of[sender] += 1

    def leave(self, guest: Guest) -> None:
        """It is over; again and for others this does nothing."""
        if self._strangers.drop(guest) is None and (sender := self._known.pop(guest, None)) is not None:
            self._known_of[sender] -= 1
            if not self._known_of[sender]:
                del self._known_of[sender]

    def _idle(self) -> tuple[Guest, str] | None:
        """The first idle one of whoever has the most."""
        found, most = None, 0
        for guest, sender in self._known.items():
            if self._known_of[sender] > most and guest.is_idle:
                found, most = (guest, sender), self._known_of[sender]
        return found


class _Strangers:
    """Those that are not known, by their sender; whom to send away is found without a search."""

    def __init__(self) -> None:
        self._senders: dict[Guest, str] = {}
        self._of: dict[str, dict[Guest, None]] = {}
        """Each sender's, the oldest first."""
        self._with: dict[int, dict[str, None]] = {}
        """Senders by how many they have; first who has had so many for the longest time."""
        self._most = 0

    def __len__(self) -> int:
        return len(self._senders)

    def to_free(self) -> tuple[Guest, str] | None:
        if not self._most:
            return None
        sender = next(iter(self._with[self._most]))
        return next(iter(self._of[sender])), sender

    def add(self, guest: Guest, sender: str) -> None:
        own = self._of.setdefault(sender, {})
        own[guest] = None
        self._senders[guest] = sender
        self._count(sender, len(own) - 1, len(own))
        self._most = max(self._most, len(own))

    def drop(self, guest: Guest) -> str | None:
        """The sender of one that was there."""
        sender = self._senders.pop(guest, None)
        if sender is not None:
            own = self._of[sender]
            del own[guest]
            if not own:
                del self._of[sender]
            self._count(sender, len(own) + 1, len(own))
            if self._most not in self._with:
                self._most -= 1
        return sender

    def _count(self, sender: str, before: int, now: int) -> None:
        if before:
            del self._with[before][sender]
            if not self._with[before]:
                del self._with[before]
        if now:
            self._with.setdefault(now, {})[sender] = None
