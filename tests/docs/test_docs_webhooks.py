"""The page about webhooks: its code tells a genuine call from others, its example is what is sent."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from call_rows import call
from docs_support import ROOT
from example_blocks import blocks_of

from gateway.translate.calls import webhook_body
from protocols.webhooks import sign

SECRET, BODY = "hook-secret", '{"text":"Привет"}'.encode()
BLOCKS = blocks_of((ROOT / "docs/http.md").read_text("utf-8"))


def block(kind: str, word: str) -> str:
    """The one block of a kind that has a word in it."""
    (found,) = (it.text for it in BLOCKS if it.kind == kind and word in it.text)
    return found


def headers() -> list[tuple[str, bool]]:
    """Signatures, and whether they are good."""
    now = int(time.time())
    good = sign(BODY, SECRET, now)
    return [
        (good, True),
        (sign(BODY, "other", now), False),
        (sign(BODY + b" ", SECRET, now), False),
        (sign(BODY, SECRET, now - 600), False),
        (f"t={now}", False),
        ("", False),
    ]


def test_security_64_the_python_snippet_tells_good_from_bad() -> None:
    names: dict[str, Any] = {}
    exec(block("python", "hmac"), names)  # noqa: S102 - it is our own page
    for header, good in headers():
        assert names["is_genuine"](header, BODY, ["old", SECRET]) is good, header


@pytest.mark.parametrize(("place"), range(len(headers())))
def test_security_64_the_shell_snippet_tells_good_from_bad(tmp_path: Path, place: int) -> None:
    (tmp_path / "body.json").write_bytes(BODY)
    header, good = headers()[place]
    child = subprocess.run(
        ["sh", "-c", block("sh", "openssl")],
        cwd=tmp_path,
        env={"header": header, "secret": SECRET, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.stdout == ("genuine\n" if good else ""), child.stderr


def test_the_example_is_what_is_sent() -> None:
    shown = json.loads(block("text", '"version":1'))
    row = call(
        message_id=int(shown["message"]["id"]),
        created_ms=1_795_867_203_120,
        done_ms=1_795_867_203_120,
        api_id="order-17",
        phone="79991234567",
        error="000",
        cost=1_400_000,
    )
    assert json.loads(webhook_body(row)) == shown
