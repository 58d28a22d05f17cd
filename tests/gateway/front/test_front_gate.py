"""Who may ask over HTTP, and how often."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from random import Random
from typing import Any

import pytest
from gateway_fakes import NOW, ManualClock, account_config, recorded_events
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.model import AccountHttp, Http
from gateway.config.secret import Secret
from gateway.core.accounts import Account
from gateway.core.api_keys import hash_key
from gateway.core.logins import Logins
from gateway.core.passwords import hash_password
from gateway.front import gate as module
from gateway.front.desk import ApiProblem
from gateway.front.gate import Credentials, Gate, credentials_in
from gateway.front.often import Seen
from protocols.smsc_http.operations import OPERATIONS

ADDRESS = "192.0.2.7"
KEY = "k" * 43
GOOD = Credentials("app", "pw")
HASH = hash_password("pw")
SEND = OPERATIONS["send"]


class Gated:
    """A gate with one account, and what a test says to it."""

    def __init__(self, settings: Http | None = None, **fields: Any) -> None:
        values = {"password_hash": Secret(HASH), "api_keys": [Secret(hash_key(KEY))], "http": AccountHttp()}
        config = account_config(**{**values, **fields})
        self.clock = ManualClock()
        self.account = Account(config, NOW)
        self.accounts = {config.system_id: self.account}
        self.logins = Logins(self.clock)
        events, self.lines = recorded_events()
        self.gate = Gate(self.accounts, self.logins, self.clock, settings or Http(), events)

    def answer(self, credentials: Credentials, address: str = ADDRESS) -> int:
        """0: let in; else the number of the error."""

        async def ask() -> int:
            try:
                assert await self.gate.account(credentials, address) is self.account
            except ApiProblem as problem:
                return problem.number
            return 0

        return asyncio.run(ask())

    def claim(self, operation: str = "send", **params: str) -> int:
        """The same for how often something is asked."""
        try:
            self.gate.claim(self.account, OPERATIONS[operation], params)
        except ApiProblem as problem:
            return problem.number
        return 0


# -- who -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"login": "a", "psw": "b"}, Credentials("a", "b")),
        ({"apikey": "k", "login": "a", "psw": "b"}, Credentials(key="k")),
        ({"login": "", "psw": "k"}, Credentials(key="k")),
        ({"psw": "k"}, Credentials(key="k")),
        ({"login": "a"}, Credentials("a")),
        ({}, Credentials()),
    ],
)
def test_what_a_request_says_of_who_asks(params: dict[str, str], found: Credentials) -> None:
    assert credentials_in(params) == found


def test_secrets_are_not_shown() -> None:
    assert repr(Credentials("app", "hunter2", "key7")) == "Credentials(login='app')"


def test_a_password_or_a_key_lets_in_and_nothing_else_does() -> None:
    gated = Gated()
    assert gated.answer(GOOD) == gated.answer(Credentials(key=KEY)) == 0
    for bad in (
        Credentials("app", "wrong"),
        Credentials("other", "pw"),
        Credentials("app", ""),
        Credentials("", ""),
        Credentials(key=KEY[:-1]),
        Credentials(key="pw"),
        Credentials("app", KEY),
        Credentials("app", "8fe4c11451281c094a6578e6ddbf5eed"),  # the MD5 of the password
    ):
        assert gated.answer(bad) == 2, bad
    assert 'http_refused account=app peer=192.0.2.7 reason="no such login' in "".join(gated.lines)
    assert "hunter2" not in "".join(gated.lines)


def test_a_password_that_was_good_needs_no_wait() -> None:
    gated = Gated()
    assert gated.gate.known(GOOD, ADDRESS) is None
    assert gated.answer(GOOD) == 0
    assert gated.gate.known(GOOD, ADDRESS) is gated.account
    assert gated.gate.known(Credentials("app", "wrong"), ADDRESS) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"http": None},
        {"blocked": True},
        {"allowed_addresses": [ip_network("198.51.100.0/24")]},
        {"http": AccountHttp(networks=[ip_network("198.51.100.0/24")])},
        {
            "allowed_addresses": [ip_network("192.0.2.0/24")],
            "http": AccountHttp(networks=[ip_network("198.51.100.0/24")]),
        },
    ],
)
def test_who_may_not_is_answered_as_a_stranger(fields: dict[str, Any]) -> None:
    gated = Gated(**fields)
    assert gated.answer(GOOD) == gated.answer(Credentials(key=KEY)) == 2


def test_both_lists_of_networks_may_have_the_address() -> None:
    networks = [ip_network("192.0.2.0/24")]
    assert Gated(allowed_addresses=networks, http=AccountHttp(networks=networks)).answer(GOOD) == 0


def test_a_reload_changes_keys_and_settings() -> None:
    gated = Gated()
    assert gated.answer(Credentials(key=KEY)) == 0
    gated.account.configure(account_config(password_hash=Secret(HASH), http=AccountHttp()), NOW)
    gated.gate.configure(Http(limits=0))
    assert gated.answer(Credentials(key=KEY)) == 2
    assert [gated.claim(mes="a") for _ in range(3)] == [0, 0, 0]


# -- addresses -----------------------------------------------------------------------------------------------


def test_many_bad_logins_block_their_address_for_a_time() -> None:
    gated = Gated(Http(block_after=3, block_s=100))
    bad = Credentials(key="x")
    assert [gated.answer(bad) for _ in range(2)] == [2, 2]
    assert "http_blocked" not in "".join(gated.lines)
    assert [gated.answer(bad) for _ in range(2)] == [2, 4]
    assert "http_blocked peer=192.0.2.7 seconds=100" in "".join(gated.lines)
    assert gated.answer(GOOD) == gated.answer(Credentials(key=KEY)) == 4
    assert gated.answer(Credentials(key=KEY), "192.0.2.8") == 0
    gated.clock.advance(99)
    assert gated.answer(Credentials(key=KEY)) == 4
    gated.clock.advance(1)
    assert gated.answer(Credentials(key=KEY)) == 0


def test_bad_logins_are_forgotten_after_a_minute_and_never_count_where_nobody_wants_it() -> None:
    gated = Gated(Http(block_after=3))
    for _ in range(5):
        assert [gated.answer(Credentials(key="x")) for _ in range(2)] == [2, 2]
        gated.clock.advance(60)
    never = Gated(Http(block_after=0))
    assert {never.answer(Credentials(key="x")) for _ in range(50)} == {2}


def test_a_customers_network_of_ipv6_is_one_address() -> None:
    gated = Gated(Http(block_after=2))
    assert gated.answer(Credentials(key="x"), "2001:db8:0:1::1") == 2
    assert gated.answer(Credentials(key="x"), "2001:db8:0:1:ffff::2") == 2
    assert gated.answer(Credentials(key=KEY), "2001:db8:0:1::3") == 4
    assert gated.answer(Credentials(key=KEY), "2001:db8:0:2::1") == 0


def test_what_is_remembered_of_addresses_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ADDRESSES_MAX", 10)
    gated = Gated(Http(block_after=1))
    for number in range(30):
        gated.answer(Credentials(key="x"), f"192.0.2.{number}")
    assert gated.answer(Credentials(key=KEY), "192.0.2.29") == 4
    assert gated.answer(Credentials(key=KEY), "192.0.2.0") == 0
    assert len(gated.gate._blocked) == 10
    gated = Gated(Http(block_after=2))
    for number in range(30):
        gated.answer(Credentials(key="x"), f"192.0.2.{number}")
    assert len(gated.gate._bad) == 10


# -- how often -----------------------------------------------------------------------------------------------


def test_so_many_at_the_same_time_are_too_many() -> None:
    gated = Gated(Http(max_requests=4, max_status_requests=3))
    gate, account = gated.gate, gated.account
    gate.enter(account, is_status=True)
    gate.enter(account, is_status=True)
    with pytest.raises(ApiProblem) as caught:
        gate.enter(account, is_status=True)
    assert caught.value.number == 9
    gate.enter(account)
    with pytest.raises(ApiProblem):
        gate.enter(account)
    gate.leave(account, is_status=True)
    gate.enter(account, is_status=True)
    for is_status in (True, True, False):
        gate.leave(account, is_status=is_status)
    assert gate._under_way == {}


def test_the_same_message_is_taken_once_a_minute() -> None:
    gated = Gated()
    hello = {"phones": "79991234567", "mes": "Hello"}
    assert [gated.claim(**hello) for _ in range(2)] == [0, 9]
    assert gated.claim(**{**hello, "mes": "Hello!"}) == 0
    other = {"login": "app", "psw": "pw", "fmt": "3", "charset": "utf-8", "apikey": "k"}
    assert gated.claim(**hello, **other) == 9
    gated.clock.advance(59)
    assert gated.claim(**hello) == 9
    gated.clock.advance(1.5)
    assert [gated.claim(**hello) for _ in range(2)] == [0, 9]


def test_another_account_may_send_the_same() -> None:
    gated = Gated()
    other = Account(account_config(system_id="other", http=AccountHttp()), NOW)
    assert gated.claim(mes="Hello") == 0
    assert gated.gate.claim(other, SEND, {"mes": "Hello"})


def test_what_was_not_taken_is_not_counted() -> None:
    gated = Gated()
    for operation, params in (("send", {"mes": "a"}), ("balance", {}), ("status", {"id": "1", "phone": "7"})):
        found = gated.gate.claim(gated.account, OPERATIONS[operation], params)
        gated.gate.give_back(found)
        assert gated.claim(operation, **params) == 0


@pytest.mark.parametrize(
    ("operation", "params", "count"),
    [
        ("cost", {"mes": "a"}, 5),
        ("status", {"id": "1", "phone": "7"}, 5),
        ("status", {"id": "1,2", "phone": "7,8"}, 1),
        ("balance", {}, 10),
        ("stat", {}, 3),
        ("user_chg", {"user": "one"}, 3),
        ("tpl_get", {}, 3),
        ("status_delete", {"id": "1"}, 1000),
    ],
)
def test_limits_are_the_services(operation: str, params: dict[str, str], count: int) -> None:
    gated = Gated()
    answers = [gated.claim(operation, **params) for _ in range(count + 1)]
    assert answers == [0] * count + [0 if count == 1000 else 9]


def test_limits_are_a_multiple_of_the_services() -> None:
    gated = Gated(Http(limits=2.5))
    assert [gated.claim(mes="a") for _ in range(3)] == [0, 0, 9]
    assert [gated.claim("balance") for _ in range(26)] == [0] * 25 + [9]
    half = Gated(Http(limits=0.5))
    assert [half.claim("balance") for _ in range(6)] == [0] * 5 + [9]
    assert [half.claim(mes="a") for _ in range(2)] == [0, 9]  # no less than one


# -- what was seen -------------------------------------------------------------------------------------------


def test_of_many_that_share_a_place_the_oldest_is_forgotten() -> None:
    seen = Seen(60)
    for key in range(1, 7):
        seen.take(key, NOW + key)
    assert [key for key in range(1, 7) if seen.due(key, NOW + 7)] == [3, 4, 5, 6]


def test_a_flood_takes_no_memory_and_forgets_the_oldest_first() -> None:
    seen = Seen(60)
    size = seen._table.nbytes
    rnd = Random(7)
    keys = [rnd.getrandbits(64) - (1 << 63) for _ in range(200_000)]
    for number, key in enumerate(keys):
        seen.take(key, number / 10_000)
    assert seen._table.nbytes == size <= 8 << 20
    known = sum(seen.due(key, 30) > 0 for key in keys)
    assert known > 0.98 * len(keys)
    assert all(seen.due(key, 30) > 0 for key in keys[-1000:])
    assert not any(seen.due(rnd.getrandbits(64), 30) for _ in range(10_000))


@given(st.lists(st.tuples(st.integers(-(1 << 63), (1 << 63) - 1), st.floats(0, 200)), max_size=50))
def test_what_was_seen_is_seen_for_so_long_and_no_longer(rows: list[tuple[int, float]]) -> None:
    seen, now, last = _SEEN, 0.0, dict[int, float]()
    for key, pause in rows:
        now += pause
        age = now - last.get(key, -1000)
        if age < 59.7:
            assert 0 < seen.due(key, now) <= 60
        elif age > 60.3:
            assert seen.due(key, now) == 0
        seen.take(key, now)
        last[key] = now
    for key in last:
        seen.give_back(key)
        assert seen.due(key, now) == 0


_SEEN = Seen(60)
