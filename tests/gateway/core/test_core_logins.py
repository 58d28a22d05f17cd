"""Passwords: checked few at once, and slowly for those who guess."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from gateway_fakes import ManualClock, account

from gateway.config.secret import Secret
from gateway.core import logins, passwords
from gateway.core.accounts import Account
from gateway.core.logins import Logins
from gateway.core.passwords import hash_password

HERE, THERE = "192.0.2.1", "192.0.2.2"


@functools.cache
def hashed(password: str) -> Secret:
    return Secret(hash_password(password))


def app(name: str = "app", **fields: Any) -> Account:
    return account(system_id=name, password_hash=hashed("good"), **fields)


class Door:
    """Logins whose clock and whose waits the test sees."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.slept: list[float] = []
        self.logins = Logins(self.clock, sleep=self.sleep)
        self.app = app()
        self.guesses = 0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds)

    async def tries(self, password: str, peer: str = HERE, name: str = "app") -> bool | None:
        return await self.logins.verify(self.app if name == "app" else None, name, password, peer)

    async def fails(self, times: int, peer: str = HERE, name: str = "app") -> None:
        """So many guesses, each another one."""
        for _ in range(times):
            self.guesses += 1
            assert await self.tries(f"guess {self.guesses}", peer, name) is False


def door(test: Callable[[Door], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        async def bounded() -> None:
            at = Door()
            try:
                async with asyncio.timeout(30):
                    await test(at)
            finally:
                at.logins.close()

        asyncio.run(bounded())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Passwords that were really compared; without scrypt, so that a test may guess a thousand times."""
    made: list[str] = []

    def verify(password: str, hash: str) -> bool:
        made.append(password)
        return hash == hashed(password).reveal() if password in ("good", "second") else False

    def dummy(password: str) -> bool:
        made.append(password)
        return False

    monkeypatch.setattr(passwords, "verify", verify)
    monkeypatch.setattr(passwords, "dummy_verify", dummy)
    return made


@door
async def test_good_and_bad(at: Door) -> None:
    assert await at.tries("good") is True
    assert await at.tries("bad") is False
    assert await at.tries("good", name="nobody") is False
    at.app.configure(app(second_password_hash=hashed("second")).config, 0.0)
    assert await at.tries("second") is True


def test_security_36_everybody_costs_two_hashes(quick_hashes: list[str]) -> None:
    @door
    async def run(at: Door) -> None:
        for name, passed in (("app", False), ("nobody", False), ("app", True)):
            quick_hashes.clear()
            assert await at.tries("good" if passed else "bad", name=name) is passed
            assert len(quick_hashes) == 2

    run()


def test_what_was_verified_costs_no_hash(quick_hashes: list[str]) -> None:
    @door
    async def run(at: Door) -> None:
        assert not at.logins.is_known(at.app, "good", HERE)
        assert all(await asyncio.gather(*(at.tries("good", peer) for peer in (HERE, THERE) * 50)))
        assert len(quick_hashes) == 2
        assert at.logins.is_known(at.app, "good", HERE)
        assert not at.logins.is_known(at.app, "bad", HERE)
        at.app.configure(app().config, 0.0)
        assert not at.logins.is_known(at.app, "good", HERE)

    run()


def test_security_35_the_delay_grows(quick_hashes: list[str]) -> None:
    @door
    async def run(at: Door) -> None:
        await at.fails(5)
        assert at.slept == []
        await at.fails(7)
        assert at.slept == [1, 2, 4, 8, 16, 30, 30]

    run()


@door
async def test_security_35_only_that_address_and_that_name_wait(at: Door) -> None:
    await at.fails(8)
    await at.fails(5, name="nobody")
    at.slept.clear()
    assert await at.tries("good", THERE) is True
    await at.fails(3, THERE)
    await at.fails(3, name="other")
    assert at.slept == []
    await at.fails(1, name="nobody")
    assert at.slept == [1]


@door
async def test_the_right_password_ends_it(at: Door) -> None:
    await at.fails(7)
    assert await at.tries("good") is True
    assert at.slept == [1, 2, 4]
    await at.fails(5)
    assert at.slept == [1, 2, 4]


@door
async def test_so_does_time(at: Door) -> None:
    await at.fails(5)
    at.clock.advance(logins.FORGOTTEN_AFTER_S - 1)
    await at.fails(1)
    at.clock.advance(2)
    await at.fails(4)
    assert at.slept == [1]


def test_security_35_an_old_password_that_comes_all_day_keeps_nobody_out(quick_hashes: list[str]) -> None:
    @door
    async def run(at: Door) -> None:
        assert await at.tries("good") is True
        for name in ("app", "nobody"):
            for _ in range(500):
                assert await at.tries("old", name=name) is False
                at.clock.advance(3)
        assert await at.tries("good") is True
        assert at.slept == []
        assert len(quick_hashes) < 20  # it costs next to nothing either
        assert await asyncio.gather(*(at.tries("older") for _ in range(10))) == [False] * 10
        await at.fails(4)
        assert at.slept == []
        await at.fails(1)
        assert at.slept == [1]  # and others' guesses count as before

    run()


@door
async def test_an_old_password_that_becomes_good_is_good(at: Door) -> None:
    assert await at.tries("second") is False
    at.app.configure(app(second_password_hash=hashed("second")).config, 0.0)
    assert await at.tries("second") is True


@door
async def test_security_37_one_address_cannot_keep_others_from_their_logins(at: Door) -> None:
    guesses = [asyncio.create_task(at.tries("bad", name=f"nobody {n}")) for n in range(100)]
    await asyncio.sleep(0)
    assert await at.tries("good", THERE) is True
    found = await asyncio.gather(*guesses)
    assert found.count(False) == logins.CHECKS_OF_AN_ADDRESS
    assert not at.logins._checks


@door
async def test_a_password_that_was_verified_waits_for_nobody(at: Door) -> None:
    assert await at.tries("good") is True
    async with at.app.login_turn:  # somebody guesses from elsewhere
        assert await at.tries("good") is True


@door
async def test_few_mistakes_over_a_long_time_are_forgiven(at: Door) -> None:
    for _ in range(20):
        await at.fails(1)
        at.clock.advance(logins.FORGOTTEN_AFTER_S / 4)
    assert at.slept == []


@door
async def test_a_known_password_gets_no_quick_answer_where_somebody_guesses(at: Door) -> None:
    """Else every wrong guess would be known by the lack of one."""
    assert await at.tries("good") is True
    await at.fails(5)
    assert not at.logins.is_known(at.app, "good", HERE)
    assert at.logins.is_known(at.app, "good", THERE)
    assert await at.tries("good") is True
    assert at.slept == [1]
    assert at.logins.is_known(at.app, "good", HERE)


def test_guesses_side_by_side_gain_nothing(quick_hashes: list[str]) -> None:
    async def run() -> None:
        clock = ManualClock()
        waiting: list[float] = []

        longest = asyncio.Event()

        async def sleep(seconds: float) -> None:
            waiting.append(seconds)
            if seconds == logins.LONGEST_LINE_S:
                longest.set()
            await asyncio.Event().wait()

        at = Logins(clock, sleep=sleep)
        tries = [asyncio.create_task(at.verify(app_, "app", f"guess {n}", HERE)) for n in range(200)]
        await longest.wait()
        assert len(set(quick_hashes)) == 5  # the others have a place in line, or none
        assert waiting == [float(n) for n in range(1, 61)]
        while len(done := [task for task in tries if task.done()]) < 140:
            await asyncio.wait([task for task in tries if not task.done()], return_when="FIRST_COMPLETED")
        assert [task.result() for task in done].count(False) == 5
        assert [task.result() for task in done].count(None) == 135
        # Whoever leaves keeps its place: the next one does not come earlier by that.
        for task in tries:
            task.cancel()
        await asyncio.gather(*tries, return_exceptions=True)
        assert await at.verify(app_, "app", "good", HERE) is None
        at.close()

    app_ = app()
    asyncio.run(run())


@door
async def test_what_is_remembered_is_bounded(at: Door) -> None:
    at_once = 100
    for n in range(logins.REMEMBERED + 50):
        at.logins._count_bad((f"address {n}", "app"), b"%d" % n)
        if n % at_once == 0:
            at.logins._count_bad(("busy", "app"), b"%d" % n)
    assert len(at.logins._tries) == logins.REMEMBERED
    assert ("busy", "app") in at.logins._tries  # the newest mistake counts
    assert ("address 0", "app") not in at.logins._tries


@door
async def test_names_of_any_length_are_one_pair(at: Door) -> None:
    for n in range(6):
        await at.fails(1, name="x" * 64 + str(n))
    assert at.slept == [1]
    assert all(len(name) <= 64 for _, name in at.logins._tries)


def test_security_37_the_pool_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "CHECKS_AT_ONCE", 3)

    @door
    async def run(at: Door) -> None:
        found = await asyncio.gather(*(at.tries("bad", f"192.0.2.{n}", "nobody") for n in range(200)))
        assert (found.count(False), found.count(None)) == (3, 197)
        assert at.logins._pool._max_workers == 1  # one core is the most that guessing costs
        assert await at.tries("good") is True  # and it goes on

    run()


@door
async def test_after_the_end_nobody_gets_in(at: Door) -> None:
    at.logins.close()
    assert await at.tries("good") is None


@door
async def test_a_password_changed_meanwhile_is_not_remembered(at: Door) -> None:
    trying = asyncio.create_task(at.tries("good"))
    await asyncio.sleep(0)
    at.app.configure(account(system_id="app", password_hash=hashed("second")).config, 0.0)
    assert await trying is True
    assert not at.logins.is_known(at.app, "good", HERE)
