"""Accounts and the sub-clients that they have made, whose messages wait in the same places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.config.model import SubAccount
from gateway.core.accounts import Account, family_of


class Family:
    """Together they have not more open messages than the one that has made the others may have, or it could
    fill everybody's queue by making more."""

    def __init__(self, members: Sequence[Account], most: int) -> None:
        self._members = members
        self._most = most
        self._unasked = 0
        """So many messages can be taken before there is anything to count again."""

    def is_full(self) -> bool:
        """Whether one message more is too many; asked before each of them."""
        self._unasked -= 1
        if self._unasked > 0:
            return False
        room = self._most - sum(member.open_messages for member in self._members)
        self._unasked = room // 2
        return room <= 0


def families(accounts: Iterable[Account]) -> dict[str, Family]:
    """By account; who has made none and is nobody's sub-client is in no family."""
    everybody = list(accounts)
    makers = {family_of(one) for one in everybody if isinstance(one.config, SubAccount)}
    if not makers:
        return {}
    members: dict[str, list[Account]] = {name: [] for name in makers}
    for one in everybody:
        if family_of(one) in makers:
            members[family_of(one)].append(one)
    found = {name: Family(ones, max(one.config.max_open for one in ones)) for name, ones in members.items()}
    return {one.name: found[name] for name, ones in members.items() for one in ones}
