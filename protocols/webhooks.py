"""The signature of our webhooks, for both sides: HMAC-SHA256 over the time and the body.

    X-Signature: t=1750000000,v1=6e2a…

`t` is when it was signed, in Unix seconds; `v1` the HMAC-SHA256, in small hex digits, of that number, a full
stop and the body as it was sent. Both are covered, so neither can be another one; whoever replays an old
request is told by its time, and within the tolerance by the event's id.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final

HEADER: Final = "X-Signature"
TOLERANCE_S: Final = 300
"""How far the time of a signature may be from the receiver's clock."""
MAX_HEADER: Final = 1000
"""Characters; nobody signs with that many secrets."""

_is_time = re.compile("[0-9]{1,12}", re.ASCII).fullmatch


def sign(body: bytes, secret: str, at_s: int) -> str:
    """The value of the header, for a body that is sent now."""
    return f"t={at_s},v1={_digest(body, secret, str(at_s))}"


def is_genuine(
    header: str, body: bytes, secrets: Iterable[str], now_s: float, tolerance_s: float = TOLERANCE_S
) -> bool:
    """Whether one of the secrets signed this body not long ago; give two while a secret changes.

    Answer 401 to the rest. Takes as long for a wrong signature as for the right one. An empty secret signs
    nothing; a header may have several `v1`, and elements of other names are left for later versions.
    """
    if len(header) > MAX_HEADER:
        return False
    elements = [element.strip().partition("=") for element in header.split(",")]
    times = [value for name, _, value in elements if name == "t"]
    given = [value.encode("utf-8", "replace") for name, _, value in elements if name == "v1"]
    if len(times) != 1 or _is_time(times[0]) is None or abs(now_s - int(times[0])) > tolerance_s:
        return False
    genuine = False
    for secret in filter(None, secrets):
        expected = _digest(body, secret, times[0]).encode()
        for digest in given:
            genuine |= hmac.compare_digest(digest, expected)
    return genuine


def _digest(body: bytes, secret: str, at: str) -> str:
    return hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
