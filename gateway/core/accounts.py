"""What the gateway knows of an account while it runs."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gateway.config.model import Account as AccountConfig
from gateway.config.model import SubAccount
from gateway.core.fair_shares import FairShares
from gateway.core.limits import TokenBucket
from gateway.core.model import Wish
from gateway.core.peers import is_allowed

if TYPE_CHECKING:
    from gateway.core.admission import Rules

_PROCESS_KEY = os.urandom(32)
_CALLED = Wish.CALLED.value


def _digest(password: str) -> bytes:
    # for each request over HTTP; a keyed BLAKE2 is a MAC by itself, at a fraction of HMAC's time
    octets = password.encode("utf-8", "surrogateescape")
    return hashlib.blake2b(octets, key=_PROCESS_KEY, digest_size=32).digest()


class Account:
    """One customer's login: its configuration, and its counts, which outlive a reload."""

    def __init__(self, config: AccountConfig, now: float, open_messages: int = 0) -> None:
        self.open_messages = open_messages
        self.sessions = 0
        self.sessions_elsewhere = 0
        """At other nodes on the same store."""
        self.accepted = 0
        self.login_turn = asyncio.Lock()
        self.shares = FairShares()
        """What its sending sessions owe each other."""
        self.rules: Rules | None = None
        """What else it may send; None: it has no such option (see `gateway.core.admission`)."""
        self._added_sources: frozenset[str] = frozenset()
        self.configure(config, now)

    def configure(self, config: AccountConfig, now: float) -> None:
        """Takes over a changed configuration; counts stay."""
        self.config = config
        self.name = config.system_id
        self.blocked = config.blocked
        """It may not log in. Its parent's block is added by `Admission.configure`."""
        self.bucket = TokenBucket(config.rate, now)
        self.add_sources(self._added_sources)
        http = config.http
        self.flags = _CALLED if http is not None and (http.handler or http.webhook) else 0
        """What all its messages have among their Wish, however they come."""
        self._verified: set[bytes] = set()

    def add_sources(self, names: Iterable[str]) -> None:
        """Senders that it may use beside its allowed_sources (`gateway.core.sender_names`)."""
        self._added_sources = frozenset(names)
        allowed = frozenset(self.config.allowed_sources)
        self.sources = allowed | self._added_sources if allowed else allowed
        """Empty: any."""

    def allows_address(self, address: str) -> bool:
        """Whether a client may come from this IP address."""
        return is_allowed(address, self.config.allowed_addresses)

    def password_hashes(self) -> tuple[str, ...]:
        """The hash of the password, and of a second one while it is being changed."""
        both = (self.config.password_hash, self.config.second_password_hash)
        return tuple(stored.reveal() for stored in both if stored is not None)

    def was_verified(self, password: str) -> bool:
        """Whether this password was found right before: spares scrypt for each of a thousand binds.

        What is kept is a keyed digest that only this process can make.
        """
        digest = _digest(password)
        return any(hmac.compare_digest(known, digest) for known in self._verified)

    def remember_verified(self, password: str, hashes: tuple[str, ...]) -> None:
        """Remembers a password that was checked against these hashes, unless a reload has changed them."""
        if hashes == self.password_hashes():
            self._verified.add(_digest(password))


def family_of(account: Account) -> str:
    """The account that has made this one, whose bounds hold for all that it makes; else itself."""
    return account.config.parent if isinstance(account.config, SubAccount) else account.name
