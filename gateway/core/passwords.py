"""Account passwords: scrypt hashes and their comparison.

Every hash has the same cost (2**15, 8, 1: about 32 MiB and tens of milliseconds), so an answer's time does
not tell one account from another, or from none. The functions block; callers run them in a bounded pool.
SMPP allows 8 characters of password (SMPP v3.4 §5.2.2), and clients may cut longer ones.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re

_LOG2_N, _R, _P = 15, 8, 1
_MAX_MEMORY = 64 * 1024 * 1024
_SALT_OCTETS = 16
_HASH_OCTETS = 32
_PREFIX = f"scrypt${_LOG2_N}${_R}${_P}$"
# 16 and 32 octets in base64 always have these lengths and this padding.
_FORM = re.compile(re.escape(_PREFIX) + r"([A-Za-z0-9+/]{22}==)\$([A-Za-z0-9+/]{43}=)", re.ASCII)


def hash_password(password: str, salt: bytes | None = None) -> str:
    """The line to put in the configuration, `scrypt$15$8$1$<salt>$<hash>` with base64 parts.

    `salt` is 16 octets, random unless given. Raises ValueError when it has another length.
    """
    salt = os.urandom(_SALT_OCTETS) if salt is None else salt
    if len(salt) != _SALT_OCTETS:
        raise ValueError(f"a salt has {_SALT_OCTETS} octets")
    parts = (base64.b64encode(part).decode() for part in (salt, _scrypt(password, salt)))
    return _PREFIX + "$".join(parts)


def is_hash(text: str) -> bool:
    """Whether `text` has the form that `hash_password` returns."""
    return _FORM.fullmatch(text) is not None


def verify(password: str, hash: str) -> bool:
    """Whether `hash` was made of `password`, compared in constant time.

    Raises ValueError when `hash` is none of ours; the configuration check keeps such ones out.
    """
    match = _FORM.fullmatch(hash)
    if match is None:
        raise ValueError("not a hash made by hash_password")
    salt, expected = (base64.b64decode(part) for part in match.groups())
    return hmac.compare_digest(_scrypt(password, salt), expected)


def dummy_verify(password: str) -> bool:
    """Always False, at the price of `verify`: the answer for a login that does not exist."""
    _scrypt(password, bytes(_SALT_OCTETS))
    return False


def _scrypt(password: str, salt: bytes) -> bytes:
    # surrogatepass: odd text from the wire must fail as a wrong password, not as an encoding error
    octets = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(octets, salt=salt, n=2**_LOG2_N, r=_R, p=_P, maxmem=_MAX_MEMORY, dklen=_HASH_OCTETS)
