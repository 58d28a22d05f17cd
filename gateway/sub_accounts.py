"""Accounts that accounts have made: kept as records, and joined to those of the file whenever it is read.

The part of users.php that is the daemon's. A name that the file uses is the file's; a sub-client whose parent
is gone rests until it is there again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.config.account_model import Account, SubAccount
from gateway.config.model import Config
from gateway.front.sub_clients import KIND, SubClient

if TYPE_CHECKING:
    from gateway.daemon import Daemon


class SubAccounts:
    """All sub-clients, and the accounts that they are."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._known: dict[str, SubClient] = {}
        self._made: dict[str, tuple[Account, SubClient, SubAccount]] = {}
        """What each was made of last: when one of a thousand changes, the others cost nothing."""
        self.turn = asyncio.Lock()
        """One is made or changed at a time: two must not get one name."""

    def opened(self, config: Config) -> Config:
        """A configuration with the sub-clients that the store has; at the start, before any account."""
        self._known = {known.name: known for known in self._stored()}
        return self.joined(config)

    def _stored(self) -> list[SubClient]:
        with self._daemon.reads.question() as connection:
            rows = connection.run("list_kind", (KIND,)).fetchall()
        found = []
        for row in rows:
            data = json.loads(row["data"])
            found.append(
                SubClient(row["record_id"], row["name"], row["account"], data["hash"], data["settings"])
            )
        return found

    async def heard(self) -> None:
        """Another node has made or changed some."""
        async with self.turn:
            found = await asyncio.to_thread(self._stored)
            changed = [one for one in found if self._known.get(one.name) != one]
            self._known.update((one.name, one) for one in changed)
            if changed:
                await self._daemon.reloading.accounts_changed()

    def of(self, parent: str) -> list[SubClient]:
        """The sub-clients that an account has made and that are in use, oldest first."""
        found = (one for one in self._known.values() if one.parent == parent and self._is_used(one))
        return sorted(found, key=lambda one: one.record_id)

    def find(self, name: str) -> SubClient | None:
        """The sub-client that is the account of this name; None: a file has it, or nobody."""
        known = self._known.get(name)
        return known if known is not None and self._is_used(known) else None

    def is_known(self, name: str) -> bool:
        """Whether a sub-client has this name, in small or capital letters, in use or not."""
        return name.casefold() in {known.casefold() for known in self._known}

    def _is_used(self, known: SubClient) -> bool:
        account = self._daemon.accounts.get(known.name)
        return account is not None and isinstance(account.config, SubAccount)

    # -- the configuration -----------------------------------------------------------------------------

    def joined(self, config: Config) -> Config:
        """A configuration of files, or one that was joined before, with the sub-clients of now."""
        if not self._known:
            return config
        of_file = [account for account in config.accounts if not isinstance(account, SubAccount)]
        return replace(config, accounts=(*of_file, *self._accounts(of_file)))

    def _accounts(self, of_file: Iterable[Account]) -> Iterable[SubAccount]:
        from gateway.front.user_settings import account_of  # only who has sub-clients pays for it

        by_name = {account.system_id: account for account in of_file}
        for known in self._known.values():
            parent = by_name.get(known.parent)
            if parent is not None and known.name not in by_name:
                made = self._made.get(known.name)
                if made is None or made[0] is not parent or made[1] is not known:
                    account = account_of(parent, known.name, known.password_hash, known.settings)
                    made = self._made[known.name] = (parent, known, account)
                yield made[2]

    def say_what_rests(self) -> None:
        """Which sub-clients are none just now, in the log; after a start or a reload."""
        for known in self._known.values():
            if not self._is_used(known):
                is_taken = known.name in self._daemon.accounts
                self._daemon.events.say(
                    "warning",
                    "sub_account_rests",
                    account=known.name,
                    parent=known.parent,
                    reason="the file has an account of this name" if is_taken else "its parent is gone",
                )

    def share_rates(self) -> None:
        """What a sub-client sends counts against its parent's rate, as if it were one of its sessions."""
        accounts = self._daemon.accounts
        for account in accounts.values():
            if isinstance(account.config, SubAccount) and account.config.parent in accounts:
                account.bucket = accounts[account.config.parent].bucket

    async def put(self, known: SubClient) -> bool:
        """One is new or changed, and durable: it is an account now. False: the gateway is stopping."""
        self._known[known.name] = known
        return await self._daemon.reloading.accounts_changed()
