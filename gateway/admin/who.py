"""Who asks for something, as what was done is remembered."""

from __future__ import annotations

from gateway.ops.control import Request

WHO_MAX = 64
"""Characters."""


def who_of(request: Request) -> str:
    """The user of the pages, else the one of the command line; "" when it does not say."""
    by = request.get("by")
    user = by.get("user") if isinstance(by, dict) else None
    text = str(user or request.get("who") or "")
    return "".join(filter(str.isprintable, text))[:WHO_MAX]
