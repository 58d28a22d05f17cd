"""What the sessions of one account owe each other: its rate and its places for open messages.

Theory of operation.  The account's bucket says what there is in all.  Of that, each session keeps a little
for itself, up to half a second of its equal part of the rate; what comes in is dealt to those that keep less
than that, in equal parts, and what they do not need is anybody's.  So a session that asks for less than its
part finds a token whatever the others do, and one that asks for more gets what is left: no rate is lost.

Places for open messages cannot be called back once they are lent, so a quarter of them is kept: each session
that has less than its part of that quarter finds a place.  Which session an ended message was of is not
known, so ends are dealt out in proportion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.errors import Refusal

if TYPE_CHECKING:
    from gateway.core.accounts import Account
    from gateway.core.limits import TokenBucket

FILL_EVERY_S = 0.02
KEPT_S = 0.5
"""Seconds of its part of the rate that a session may keep."""
KEPT_PLACES = 4
"""One place of so many is kept for sessions that have few."""
PLACES_AT_ONCE = 64
"""A session is given so many places before it is looked at again."""


class Share:
    """One session's part."""

    __slots__ = ("kept", "places", "used")

    def __init__(self) -> None:
        self.kept = 0.0
        """Tokens that are its own; below zero it owes some."""
        self.places = 0
        self.used = 0.0
        """Open messages that are its own, as far as can be known."""


class FairShares:
    """The sending sessions of one account."""

    def __init__(self) -> None:
        self.crowded = False
        """Whether there are several; a single one has no need to share."""
        self._shares: list[Share] = []
        self._kept = 0.0  # by all of them
        self._filled_at = 0.0

    def join(self, open_messages: int, now: float) -> Share:
        """A session more; what is open until now is of those that are there."""
        if len(self._shares) == 1:
            self._shares[0].used = float(open_messages)
            self._shares[0].kept = self._kept = 0.0
            self._filled_at = now
        share = Share()
        self._shares.append(share)
        self.crowded = len(self._shares) > 1
        return share

    def leave(self, share: Share) -> None:
        """A session less; what it kept is anybody's."""
        if share in self._shares:
            self._shares.remove(share)
            self._kept -= share.kept
            self.crowded = len(self._shares) > 1

    def refusal(self, share: Share, account: Account, now: float) -> Refusal | None:
        """Why a session cannot send a message now without taking what is the others'; ask if `crowded`."""
        if account.bucket.rate and not self._has_token(share, account.bucket, now):
            return Refusal.RATE
        share.places -= 1
        if share.places < 0 and not self._find_places(share, account):
            return Refusal.QUEUE_FULL
        return None

    def took(self, share: Share, account: Account, segments: int, now: float) -> None:
        """A message of the session was accepted, and paid for from the account's bucket."""
        share.used += 1
        bucket = account.bucket
        if not bucket.rate:
            return
        share.kept -= segments
        self._kept -= segments
        if share.kept < 0:
            lent = min(-share.kept, bucket.available(now) - self._kept)
            if lent > 0:
                share.kept += lent
                self._kept += lent

    # -- rate ------------------------------------------------------------------------------------------

    def _has_token(self, share: Share, bucket: TokenBucket, now: float) -> bool:
        if bucket.rate * KEPT_S < len(self._shares):
            return True  # parts of less than one token: whoever comes first
        if now - self._filled_at >= FILL_EVERY_S:
            self._fill(bucket.rate, now)
        return bucket.available(now) - (self._kept - share.kept) >= 1.0

    def _fill(self, rate: int, now: float) -> None:
        most = rate * KEPT_S / len(self._shares)
        hungry = [share for share in self._shares if share.kept < most]
        if hungry:
            part = rate * min(1.0, now - self._filled_at) / len(hungry)
            for share in hungry:
                share.kept = min(most, share.kept + part)
        for share in self._shares:
            share.kept = min(most, share.kept)  # more sessions, or another rate
        self._kept = sum(share.kept for share in self._shares)
        self._filled_at = now

    # -- places ----------------------------------------------------------------------------------------

    def _find_places(self, share: Share, account: Account) -> bool:
        shares, limit, used = self._shares, account.config.max_open, account.open_messages
        kept = limit // (KEPT_PLACES * len(shares))
        room = limit - used - kept * len(shares)
        if room > 0:  # enough, whoever has the others
            share.places = min(PLACES_AT_ONCE, max(1, room // len(shares))) - 1
            return True
        known = sum(one.used for one in shares)
        if known > used:
            for one in shares:
                one.used *= used / known
        others = sum(max(0.0, kept - one.used) for one in shares if one is not share)
        room = int(limit - used - others)
        share.places = max(0, min(PLACES_AT_ONCE, max(1, room // len(shares))) - 1)
        return room > 0
