"""Signatures of webhooks: vectors made with openssl, and everything that must not pass (security 64)."""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.webhooks import MAX_HEADER, TOLERANCE_S, is_genuine, sign

FILE = Path(__file__).parents[1] / "vectors" / "webhooks" / "signatures.json"
VECTORS = json.loads(FILE.read_text("utf-8"))["vectors"]
SECRET, BODY, NOW = "my-secret_1", b'{"id":"ended-1"}', 1_750_000_000
GOOD = sign(BODY, SECRET, NOW)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["what"])
def test_vectors(vector: dict[str, Any]) -> None:
    body = vector["body"].encode()
    assert sign(body, vector["secret"], vector["at"]) == vector["header"]
    assert is_genuine(vector["header"], body, [vector["secret"]], vector["at"])


@pytest.mark.parametrize(
    "header",
    [
        "",
        "v1=" + GOOD.partition("v1=")[2],
        f"t={NOW}",
        f"t={NOW},v1=",
        f"t={NOW},v1={'0' * 64}",
        f"t={NOW},v2={GOOD.partition('v1=')[2]}",
        f"t={NOW + 1},v1={GOOD.partition('v1=')[2]}",
        f"t={NOW},{GOOD}",
        GOOD.replace("t=", "t=+"),
        GOOD.replace("t=", "t=0"),
        GOOD.replace(str(NOW), "\u0661"),
        GOOD.upper(),
        GOOD + "0",
        GOOD + ",x=" + "y" * MAX_HEADER,
        "\ud800" + GOOD,
        "t=" + "9" * 5000 + ",v1=0",
    ],
)
def test_security_64_a_wrong_or_missing_signature_is_not_genuine(header: str) -> None:
    assert not is_genuine(header, BODY, [SECRET], NOW)


def test_security_64_a_replayed_request_is_too_old() -> None:
    assert is_genuine(GOOD, BODY, [SECRET], NOW + TOLERANCE_S)
    assert is_genuine(GOOD, BODY, [SECRET], NOW - TOLERANCE_S)
    assert not is_genuine(GOOD, BODY, [SECRET], NOW + TOLERANCE_S + 1)
    assert not is_genuine(GOOD, BODY, [SECRET], NOW - TOLERANCE_S - 1)
    assert is_genuine(GOOD, BODY, [SECRET], NOW + 3600, tolerance_s=3600)


def test_while_a_secret_changes_both_are_good() -> None:
    new = sign(BODY, "new", NOW)
    for header in (GOOD, new, f"{GOOD},{new.partition(',')[2]}"):
        assert is_genuine(header, BODY, ["new", SECRET], NOW)
    assert not is_genuine(GOOD, BODY, ["new"], NOW)
    assert not is_genuine(sign(BODY, "", NOW), BODY, ["", SECRET], NOW)
    assert not is_genuine(GOOD, BODY, [], NOW)


def test_security_64_all_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    same = hmac.compare_digest

    def noting(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return same(one, other)

    monkeypatch.setattr(hmac, "compare_digest", noting)
    assert is_genuine(f"{GOOD},v1={'0' * 64}", BODY, [SECRET, "old"], NOW)
    assert len(compared) == 4, "also behind the one that fits"


def test_spaces_and_elements_of_later_versions_do_not_matter() -> None:
    assert is_genuine(GOOD.replace(",", ", ") + ", v3=abc", BODY, [SECRET], NOW)


@given(st.binary(max_size=200), st.text(min_size=1, max_size=40), st.integers(0, 10**11), st.data())
def test_only_what_was_signed_is_genuine(body: bytes, secret: str, at: int, data: st.DataObject) -> None:
    try:
        header = sign(body, secret, at)
    except UnicodeEncodeError:
        return  # no secret has lone surrogates
    assert is_genuine(header, body, ["other", secret], at)
    place = data.draw(st.integers(0, max(0, len(body) - 1)))
    changed = body[:place] + bytes([(body[place] if body else 0) ^ 1]) + body[place + 1 :]
    assert not is_genuine(header, changed, [secret], at)
    assert not is_genuine(header, body, [secret + "x"], at)


@given(st.text(max_size=200))
def test_any_header_is_answered(header: str) -> None:
    assert not is_genuine(header, BODY, [SECRET], NOW)
