"""How messages of an SMSC service are known to the store: by the id that we gave and whom they went to.

One id of the service may stand for many numbers, so neither is enough alone.
"""

from __future__ import annotations

from hashlib import sha256

MAX_OCTETS = 320
"""Of an upstream_id in the store: an address as it is, so that its status can be asked for."""
_ID_OCTETS = 40
_HASH_DIGITS = 32
_SEPARATORS = str.maketrans("", "", "+-() \t")


def phone_key(phone: str) -> str:
    """A number as the service names it: its digits; an e-mail address in small letters."""
    phone = phone.strip()
    return phone.casefold() if "@" in phone else phone.translate(_SEPARATORS).casefold()


def upstream_id_of(id: int | str, phone: str) -> str:
    """The store's upstream_id of what was sent to `phone` under this id of a message.

    At most MAX_OCTETS; an address that would not fit is replaced by a digest of it.
    """
    head, key = str(id)[:_ID_OCTETS], phone_key(phone)
    if len(head) + 1 + len(key.encode()) > MAX_OCTETS:
        key = sha256(key.encode()).hexdigest()[: min(_HASH_DIGITS, MAX_OCTETS - 1 - len(head))]
    return f"{head}/{key}"


def incoming_key(id: int | str) -> int:
    """The number under which an incoming SMS is known as taken; below zero for what is no number itself."""
    text = str(id)
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    return -1 - int.from_bytes(sha256(text.encode()).digest()[:7], "big")
