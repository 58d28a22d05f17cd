"""Values of the model that have behaviour."""

from __future__ import annotations

import pickle

import pytest

from gateway.config.model import Account, Address
from gateway.config.secret import Secret


@pytest.mark.parametrize(
    ("address", "text"),
    [(Address("127.0.0.1", 2775), "127.0.0.1:2775"), (Address("2001:db8::1", 1), "[2001:db8::1]:1")],
)
def test_an_address_prints_as_it_is_written(address: Address, text: str) -> None:
    assert str(address) == text


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("192.0.2.1", False),
        ("0.0.0.0", False),
        ("localhost.example.net", False),
    ],
)
def test_loopback_is_known(host: str, expected: bool) -> None:
    assert Address(host, 1).is_loopback is expected


def test_security_38_a_secret_shows_only_on_demand() -> None:
    secret = Secret("hunter2")
    account = Account(system_id="app", password_hash=secret)
    shown = [str(secret), repr(secret), f"{secret}", f"{secret!r}", "%s" % secret, repr(account)]  # noqa: UP031
    assert not any("hunter2" in text for text in shown)
    assert secret.reveal() == "hunter2"


def test_secrets_compare_by_value() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_a_secret_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret("hunter2"))
