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
        """So many messages more before it is looked at again."""
        self.used = 0.0
        """Open messages that are its own, as far as can be known, and its `places`: they count beforehand."""

    @property
    def open_messages(self) -> float:
        """Those of `used` that there are."""
        return max(0.0, self.used - self.places)


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
            first = self._shares[0]
            first.used, first.places = float(open_messages), 0
            first.kept = self._kept = 0.0
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
        """Why a session cannot send a message now without taking what is the others'.

        Ask if `crowded`; where the account has no rate, a session with `places` takes one without asking.
        """
        if account.bucket.rate and not self._has_token(share, account.bucket, now):
            account.bucket.missed += 1
            return Refusal.RATE
        if share.places > 0:
            share.places -= 1
        elif not self._find_places(share, account):
            return Refusal.QUEUE_FULL
        return None

    def took(self, share: Share, account: Account, segments: int, now: float) -> None:
        """A message of the session was accepted, and paid for from the account's bucket: it has a rate."""
        bucket = account.bucket
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

    def _fill(self, rate: float, now: float) -> None:
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
        """Gives a session that has none left some places, of which it takes one; False: there are none."""
        shares, limit, used = self._shares, account.config.max_open, account.open_messages
        kept = limit // (KEPT_PLACES * len(shares))
        room = limit - used - kept * len(shares)
        if room <= 0:  # else there is enough, whoever has the others
            known = sum(one.open_messages for one in shares)
            if known > used:
                for one in shares:
                    one.used = one.open_messages * used / known + one.places
            others = sum(max(0.0, kept - one.open_messages) for one in shares if one is not share)
            room = int(limit - used - others)
        if room <= 0:
            return False
        given = min(PLACES_AT_ONCE, max(1, room // len(shares)))
        share.used += given
        share.places = given - 1
        return True
