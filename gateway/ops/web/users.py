"""The users of the pages, as `gateway.core.logins` wants those who log in."""

from __future__ import annotations

import asyncio

from gateway.ops.web.settings import User, WebSettings


class PageUser:
    """One user; each login costs a hash, there are few of them."""

    def __init__(self, user: User) -> None:
        self.name = user.name
        self.user = user
        self.login_turn = asyncio.Lock()

    def password_hashes(self) -> tuple[str, ...]:
        return (self.user.password_hash,)

    def was_verified(self, password: str) -> bool:
        return False

    def remember_verified(self, password: str, hashes: tuple[str, ...]) -> None:
        """Nothing: a password that is known would be answered sooner than others."""


class PageUsers:
    """All of them by name."""

    def __init__(self, settings: WebSettings) -> None:
        self._by_name: dict[str, PageUser] = {}
        self.configure(settings)

    def configure(self, settings: WebSettings) -> None:
        before = self._by_name
        self._by_name = {
            user.name: before[user.name]
            if user.name in before and before[user.name].user == user
            else PageUser(user)
            for user in settings.users
        }

    def find(self, name: str) -> PageUser | None:
        return self._by_name.get(name)
