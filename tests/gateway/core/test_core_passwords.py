"""Password hashes: form, comparison, and the same price for every login."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from gateway.core.passwords import dummy_verify, hash_password, is_hash, verify

SALT = b"vector-salt-0001"
HASH = "scrypt$15$8$1$dmVjdG9yLXNhbHQtMDAwMQ==$0VzBzFwXWYHFIY74QcIFfpC4huEdnm7tfl1Lb5gkmQQ="


def test_security_37_the_form_and_the_cost_are_stable() -> None:
    assert hash_password("vector", SALT) == HASH


def test_salts_differ() -> None:
    assert hash_password("vector") != hash_password("vector")


@pytest.mark.parametrize(
    ("password", "expected"),
    [("vector", True), ("Vector", False), ("vector ", False), ("", False), ("\ud800", False)],
)
def test_verify(password: str, expected: bool) -> None:
    assert verify(password, HASH) is expected


def test_long_and_non_ascii_passwords_count_whole() -> None:
    made = hash_password("пароль-bench-only", SALT)
    assert verify("пароль-bench-only", made)
    assert not verify("пароль-b", made)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "vector",
        HASH[:-1],
        HASH + "\n",
        HASH.replace("$15$", "$14$"),
        HASH.replace("scrypt", "bcrypt"),
        HASH.replace("dmVj", "dm-j"),
    ],
)
def test_other_texts_are_no_hashes(text: str) -> None:
    assert not is_hash(text)
    with pytest.raises(ValueError, match="not a hash"):
        verify("vector", text)


def test_a_salt_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="16 octets"):
        hash_password("vector", b"short")


def test_an_unknown_login_costs_what_a_known_one_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    costs: list[dict[str, Any]] = []
    original = hashlib.scrypt

    def counted(password: bytes, *, salt: bytes, **cost: int) -> bytes:
        costs.append(cost)
        return original(password, salt=salt, **cost)

    monkeypatch.setattr(hashlib, "scrypt", counted)
    assert verify("vector", HASH) is True
    assert dummy_verify("vector") is False
    assert costs[0] == costs[1]
    assert (costs[0]["n"], costs[0]["r"], costs[0]["p"]) == (2**15, 8, 1)
