"""Accounts while the gateway runs: addresses, remembered logins, what a reload keeps."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from gateway_fakes import NOW, account, account_config

from gateway.config.secret import Secret


@pytest.mark.parametrize(
    ("networks", "address", "allowed"),
    [
        ([], "203.0.113.9", True),
        (["127.0.0.0/8"], "127.0.0.1", True),
        (["127.0.0.0/8"], "10.0.0.1", False),
        (["10.0.0.0/8", "192.0.2.7/32"], "192.0.2.7", True),
        (["10.0.0.0/8", "192.0.2.7/32"], "192.0.2.8", False),
        (["192.0.2.0/24"], "::ffff:192.0.2.7", True),  # a socket for both families says it so
        (["192.0.2.0/24"], "::ffff:192.0.3.7", False),
        (["2001:db8::/32"], "2001:db8::5", True),
        (["2001:db8::/32"], "2001:db9::5", False),
        (["2001:db8::/32"], "192.0.2.7", False),
        (["0.0.0.0/0"], "2001:db8::5", False),
        (["::/0"], "192.0.2.7", False),
        (["fe80::/10"], "fe80::1%eth0", True),
    ],
)
def test_allowed_addresses(networks: list[str], address: str, allowed: bool) -> None:
    app = account(allowed_addresses=[ip_network(network) for network in networks])
    assert app.allows_address(address) is allowed


def test_one_or_two_password_hashes() -> None:
    assert account().password_hashes() == ("hash-of-the-password",)
    changing = account(second_password_hash=Secret("another"))
    assert changing.password_hashes() == ("hash-of-the-password", "another")


def test_a_verified_password_is_remembered_and_no_other() -> None:
    app, other = account(), account(system_id="other")
    assert not app.was_verified("secret08")
    app.remember_verified("secret08", app.password_hashes())
    assert app.was_verified("secret08")
    assert not app.was_verified("Secret08")
    assert not app.was_verified("")
    assert not other.was_verified("secret08")


def test_security_38_the_password_itself_is_not_kept() -> None:
    app = account()
    app.remember_verified("secret08", app.password_hashes())
    assert b"secret08" not in b"".join(app._verified)


def test_odd_passwords_do_not_fail() -> None:
    app = account()
    app.remember_verified("\x80пароль\xff\udcff", app.password_hashes())
    assert app.was_verified("\x80пароль\xff\udcff")


def test_a_reload_forgets_what_was_verified() -> None:
    app = account()
    app.remember_verified("secret08", app.password_hashes())
    app.configure(account_config(password_hash=Secret("changed")), NOW)
    assert not app.was_verified("secret08")


def test_a_check_that_a_reload_overtook_is_not_remembered() -> None:
    """The old password was right when its check began; it must not live on in memory."""
    app = account()
    checked_against = app.password_hashes()
    app.configure(account_config(password_hash=Secret("changed")), NOW)
    app.remember_verified("secret08", checked_against)
    assert not app.was_verified("secret08")


def test_a_reload_keeps_the_counts() -> None:
    app = account(open_messages=5, rate=1)
    app.sessions, app.accepted = 2, 9
    assert app.bucket.take(1, NOW)
    app.configure(account_config(rate=3, allowed_sources=["Example"], max_binds=1), NOW)
    assert (app.open_messages, app.sessions, app.accepted) == (5, 2, 9)
    assert app.config.max_binds == 1
    assert app.sources == frozenset({"Example"})
    assert [app.bucket.take(1, NOW) for _ in range(4)] == [True, True, True, False]
