"""Who may log in: passwords are checked off the event loop, few at once, and guessing gets slow.

One object for all ways in, so that what somebody tried over SMPP counts over SMTP too.  After a few bad
passwords from one address for one name the next tries wait in line, each longer than the one before; nobody
else waits, and the right password ends it.  Only passwords that differ count: a forgotten device that comes
all day with the same old one guesses nothing, and must not make its neighbours behind the same address wait.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from gateway.core import passwords
from gateway.core.clock import Clock

CHECKS_AT_ONCE = 32
"""Passwords that wait for their hash; each takes a tenth of a second of one core."""
CHECKS_OF_AN_ADDRESS = 16
"""So many of them may come from one address: it keeps nobody else out by guessing names."""
BAD_PASSWORDS = 5
"""So many within FORGOTTEN_AFTER_S, and the next try waits a second, then two, four, … LONGEST_DELAY_S."""
FORGOTTEN_AFTER_S = 600.0
LONGEST_DELAY_S = 30.0
LONGEST_LINE_S = 60.0
"""Tries that would have to wait longer, for others of the same address and name, are turned away at once."""
REMEMBERED = 10_000
"""Pairs of address and name whose bad passwords are counted; the oldest are forgotten first."""
_NAME_LENGTH = 64
_PROCESS_KEY = os.urandom(32)


class Account(Protocol):
    """Who has a password: an account, or a user of the pages."""

    name: str
    login_turn: asyncio.Lock

    def password_hashes(self) -> tuple[str, ...]:
        """Any of them is good."""
        ...

    def was_verified(self, password: str) -> bool:
        """Whether this password was found right before, and that is remembered."""
        ...

    def remember_verified(self, password: str, hashes: tuple[str, ...]) -> None:
        """It was found right by one of these."""
        ...


class _Tries:
    """The bad passwords of one address for one name, each with the time it came, as a digest."""

    __slots__ = ("bad", "free_at")

    def __init__(self) -> None:
        # 2**5 s is over the longest delay
        self.bad: deque[tuple[float, bytes]] = deque(maxlen=BAD_PASSWORDS + 5)
        self.free_at = 0.0  # when the last try in line has its turn


class Logins:
    """Checks names and passwords for all listeners."""

    def __init__(self, clock: Clock, *, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="password")
        self._checks: Counter[str] = Counter()
        """Passwords that wait for their hash, by address."""
        self._closed = False
        self._tries: dict[tuple[str, str], _Tries] = {}

    def close(self) -> None:
        """Ends the pool; logins that are under way get no answer any more."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def is_known(self, account: Account, password: str, peer: str) -> bool:
        """Whether the password is good and was found so before: the answer that needs no wait.

        Not for an address that guesses, which would learn by it what `verify` says only later.
        """
        return not self._delay((peer, account.name)) and account.was_verified(password)

    async def verify(self, account: Account | None, name: str, password: str, peer: str) -> bool | None:
        """Whether the password is the account's; None when too many are being checked, to be tried later.

        `account` is None for a name that does not exist: the time that takes does not tell.
        """
        pair = (peer, name[:_NAME_LENGTH])
        digest = _digest(password, account)
        if self._came_before(pair, digest):
            return False
        if account is not None and self.is_known(account, password, peer):
            return True
        guesses = self._delay(pair) > 0
        if guesses and not await self._stand_in_line(pair):
            return None
        if account is None:
            good = await self._hash(peer, password, ())
        else:
            # One login of an account at a time: when its first bind is good, the other thousand need no hash.
            async with account.login_turn:
                late = not guesses and self._delay(pair) > 0  # others failed while this one waited
                good = None if late else await self._is_good(account, password, peer)
            if late:
                return await self.verify(account, name, password, peer)
        if good:
            self._tries.pop(pair, None)
        elif good is not None:
            self._count_bad(pair, digest)
        return good

    async def _is_good(self, account: Account, password: str, peer: str) -> bool | None:
        if account.was_verified(password):
            return True
        hashes = account.password_hashes()
        good = await self._hash(peer, password, hashes)
        if good:
            account.remember_verified(password, hashes)
        return good

    async def _hash(self, peer: str, password: str, hashes: tuple[str, ...]) -> bool | None:
        checks = self._checks
        if checks[peer] >= CHECKS_OF_AN_ADDRESS or checks.total() >= CHECKS_AT_ONCE or self._closed:
            return None
        checks[peer] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, _verify, password, hashes)
        finally:
            checks[peer] -= 1
            if not checks[peer]:
                del checks[peer]

    # -- guessing --------------------------------------------------------------------------------------

    def _delay(self, pair: tuple[str, str]) -> float:
        """Seconds that this pair's next try has to wait."""
        tries = self._tries.get(pair)
        if tries is None:
            return 0.0
        self._forget(tries)
        excess = len(tries.bad) - BAD_PASSWORDS
        return min(2.0**excess, LONGEST_DELAY_S) if excess >= 0 else 0.0

    def _forget(self, tries: _Tries) -> None:
        forgotten = self._clock.now() - FORGOTTEN_AFTER_S
        while tries.bad and tries.bad[0][0] <= forgotten:
            tries.bad.popleft()

    async def _stand_in_line(self, pair: tuple[str, str]) -> bool:
        """Waits for the pair's turn, one after the other; False when the line is too long.

        Whoever leaves before its turn keeps its place, so that leaving gains nothing.
        """
        tries = self._tries[pair]
        now = self._clock.now()
        at = max(now, tries.free_at) + self._delay(pair)
        if at - now > LONGEST_LINE_S:
            return False
        tries.free_at = at
        await self._sleep(at - now)
        return True

    def _came_before(self, pair: tuple[str, str], digest: bytes) -> bool:
        """Whether this password is known to be bad: whoever says it again learns nothing, so needs no wait.

        It is not counted again either, so that it is forgotten, and then is one bad password once more.
        """
        tries = self._tries.get(pair)
        if tries is None:
            return False
        self._forget(tries)
        return any(hmac.compare_digest(bad, digest) for _, bad in tries.bad)

    def _count_bad(self, pair: tuple[str, str], digest: bytes) -> None:
        if self._came_before(pair, digest):  # on another connection, at the same time
            return
        tries = self._tries.pop(pair, None) or _Tries()
        tries.bad.append((self._clock.now(), digest))
        if len(self._tries) >= REMEMBERED:
            del self._tries[next(iter(self._tries))]
        self._tries[pair] = tries


def _digest(password: str, account: Account | None) -> bytes:
    """What is kept of a bad password: nothing that means anything elsewhere, or after its account changed."""
    hashes = account.password_hashes() if account is not None else ()
    text = "\0".join((password, *hashes)).encode("utf-8", "surrogateescape")
    return hmac.digest(_PROCESS_KEY, text, hashlib.sha256)


def _verify(password: str, hashes: tuple[str, ...]) -> bool:
    """Two hashes are made whatever the account: the time must not tell which accounts exist."""
    good = [passwords.verify(password, stored) for stored in hashes]
    for _ in range(2 - len(hashes)):
        passwords.dummy_verify(password)
    return any(good)
