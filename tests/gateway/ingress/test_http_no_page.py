"""security.md 65 where there are no pages: whatever is in a text, no browser takes an answer for a page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.core.http import HttpReply
from gateway.ingress.http_writing import plain, reply_octets

ROOT = Path(__file__).parents[3] / "gateway"
SCRIPT = "<script>alert(1)</script>"


@pytest.mark.parametrize("content_type", ["text/plain; charset=utf-8", "text/xml", "application/json"])
def test_security_65_no_browser_guesses_that_a_text_is_a_page(content_type: str) -> None:
    reply = HttpReply(200, content_type, SCRIPT.encode())
    octets = reply_octets(reply, "", is_head=False, is_old=False, closes=False)
    head, _, body = octets.partition(b"\r\n\r\n")
    assert b"\r\nX-Content-Type-Options: nosniff" in head
    assert f"\r\nContent-Type: {content_type}".encode() in head
    assert body == SCRIPT.encode()


def test_security_65_nothing_says_that_it_is_one() -> None:
    assert plain(400, SCRIPT).content_type.startswith("text/plain")
    sides = [path for name in ("front", "api", "ingress") for path in (ROOT / name).rglob("*.py")]
    named = [path.name for path in sides if re.search(r"text/html|xhtml", path.read_text("utf-8"))]
    assert named == []
