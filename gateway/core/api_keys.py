"""API keys: one word that stands for an account's login and password.

A key is 32 random octets, so it needs no slow hash: nobody can try all of them, and finding its SHA-256 in a
table tells nothing of the others by the time it takes.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.core.accounts import Account

_KEY_OCTETS = 32
_PREFIX = "sha256$"
_FORM = re.compile(re.escape(_PREFIX) + "[0-9a-f]{64}", re.ASCII)


def new_key() -> str:
    """A key that nobody has yet: 43 letters, digits, - and _."""
    return secrets.token_urlsafe(_KEY_OCTETS)


def hash_key(key: str) -> str:
    """The line to put in the configuration, `sha256$<64 hexadecimal digits>`."""
    # surrogatepass: odd text from the wire must fail as an unknown key, not as an encoding error
    return _PREFIX + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def is_key_hash(text: str) -> bool:
    """Whether `text` has the form that `hash_key` returns."""
    return _FORM.fullmatch(text) is not None


class ApiKeys:
    """Whose a key is."""

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = accounts
        self.configure()

    def configure(self) -> None:
        """Looks at the accounts again, after their configuration has changed."""
        self._names = {
            stored.reveal(): name
            for name, account in self._accounts.items()
            for stored in account.config.api_keys
        }

    def find(self, key: str) -> Account | None:
        """The account of a key; None: it is nobody's."""
        name = self._names.get(hash_key(key))
        return None if name is None else self._accounts.get(name)
