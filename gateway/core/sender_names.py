"""Names that accounts may send with beside their `allowed_sources`: added over HTTP, and allowed by a person.

An account without `allowed_sources` may use any name, and needs none of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.core.accounts import Account


class SenderNames:
    """The allowed ones, by account; kept here so that they hold for accounts that a reload brings back."""

    def __init__(self) -> None:
        self._names: dict[str, set[str]] = {}

    def load(self, names: Iterable[tuple[str, str]], accounts: Mapping[str, Account]) -> None:
        """What the store has: accounts, and names that are allowed."""
        for account, name in names:
            self._names.setdefault(account, set()).add(name)
        self.apply(accounts)

    def apply(self, accounts: Mapping[str, Account]) -> None:
        """Tells the accounts, after their configuration has changed."""
        for account, names in self._names.items():
            if account in accounts:
                accounts[account].add_sources(names)

    def replace(self, account: str, names: Iterable[str], accounts: Mapping[str, Account]) -> None:
        """These are allowed now, and no others."""
        self._names[account] = set(names)
        self.apply(accounts)

    def put(self, account: str, name: str, accounts: Mapping[str, Account], *, allowed: bool) -> None:
        """A name is allowed from now on, or is no more."""
        names = self._names.setdefault(account, set())
        if allowed:
            names.add(name)
        else:
            names.discard(name)
        self.apply(accounts)
