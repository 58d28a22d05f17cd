"""phones.php and mails.php over a real store: the blacklist, and what it keeps off."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from front_desk import FrontDesk, asked, config_of, desk_of
from gateway_fakes import account_config

from gateway.core.blacklist import number_of as held
from gateway.front import blacklist
from gateway.front.blacklist import forbids, load
from gateway.front.desk import ApiProblem, Unavailable

Ask = Callable[..., Awaitable[Any]]
ANNA, BORIS, VERA = "79990000001", "79990000002", "79990000003"


def run(folder: Path, test: Callable[[FrontDesk, Ask], Awaitable[None]]) -> None:
    async def whole() -> None:
        desk = desk_of(folder, config_of(account_config(), account_config(system_id="other")))
        scripts = blacklist.handlers(desk)

        async def ask(operation: str, account: str = "app", **params: str) -> Any:
            return await scripts[operation](asked(desk, account, operation, params))

        try:
            await test(desk, ask)
        finally:
            desk.journal.close()

    asyncio.run(whole())


async def number_of(answer: Awaitable[Any]) -> int:
    with pytest.raises(ApiProblem) as caught:
        await answer
    return caught.value.number


def keeps_off(desk: FrontDesk, entry: str, account: str = "app") -> tuple[bool, bool]:
    """Whether one of several, and one alone, is not sent to."""
    listed = "@" not in entry and held(entry) in desk.blacklists.of(account)
    return listed or forbids(desk, account, entry, True), listed or forbids(desk, account, entry, False)


def test_the_three_types_keep_off_all_several_or_single_messages(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        assert keeps_off(desk, ANNA) == (False, False)
        assert await ask("phone_black_add", phone=f"+{ANNA}") == {"id": 1}
        assert await ask("phone_black_add", phone=BORIS, type="1", cmt="no news") == {"id": 2}
        assert await ask("phone_black_add", phone=VERA, type="2") == {"id": 3}
        assert [keeps_off(desk, who) for who in (ANNA, BORIS, VERA)] == [
            (True, True),
            (True, False),
            (False, True),
        ]
        # only the first holds for all ways in
        assert desk.admission.blacklists.of("app") == {held(ANNA)}
        assert await ask("phone_black_get") == [
            {"id": 3, "phone": VERA, "type": 2, "comment": ""},
            {"id": 2, "phone": BORIS, "type": 1, "comment": "no news"},
            {"id": 1, "phone": ANNA, "type": 0, "comment": ""},
        ]
        assert [row["id"] for row in await ask("phone_black_get", prev_id="3", cnt="1")] == [2]
        assert await number_of(ask("phone_black_get", prev_id="1")) == 3
        assert keeps_off(desk, ANNA, "other") == (False, False)
        assert await number_of(ask("phone_black_get", "other")) == 3
        assert await number_of(ask("phone_black_del", "other", phone=ANNA)) == 3

    run(tmp_path, test)


def test_an_entry_becomes_one_of_another_type(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        await ask("phone_black_add", phone=ANNA)
        assert await ask("phone_black_add", phone=ANNA, type="1") == {"id": 1}
        assert desk.admission.blacklists.of("app") == set()
        assert desk.journal.all("SELECT count(*) FROM blacklist") == [(0,)]
        assert keeps_off(desk, ANNA) == (True, False)
        assert await ask("phone_black_add", phone=ANNA, type="0") == {"id": 1}
        assert not forbids(desk, "app", ANNA, True)  # nothing of the other type is left
        assert desk.admission.blacklists.of("app") == {held(ANNA)}
        assert await ask("phone_black_del", phone=ANNA) == {"result": "OK"}
        assert desk.admission.blacklists.of("app") == set()
        assert keeps_off(desk, ANNA) == (False, False)
        assert await number_of(ask("phone_black_del", phone=ANNA)) == 3

    run(tmp_path, test)


def test_an_entry_that_is_gone_keeps_nobody_off(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        for operation, given in (("phone_black", {"phone": ANNA}), ("mail_black", {"mail": "a@example.org"})):
            [entry] = given.values()
            await ask(f"{operation}_add", **given, type="1")
            assert keeps_off(desk, entry) == (True, False)
            await ask(f"{operation}_del", **given)
            assert keeps_off(desk, entry) == (False, False)

    run(tmp_path, test)


def test_addresses_are_kept_off_too(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        assert await ask("mail_black_add", mail="Anna@Example.org") == {"id": 1}
        assert keeps_off(desk, "ANNA@example.org") == (True, True)
        assert await ask("mail_black_get") == [
            {"id": 1, "email": "anna@example.org", "type": 0, "comment": ""}
        ]
        assert await number_of(ask("phone_black_get")) == 3
        assert desk.admission.blacklists.of("app") == set()
        assert await ask("mail_black_del", mail="anna@example.org") == {"result": "OK"}

    run(tmp_path, test)


def test_entries_hold_after_a_restart(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        await ask("phone_black_add", phone=BORIS, type="1", cmt="why")
        desk.black.clear()
        await load(desk)
        assert keeps_off(desk, BORIS) == (True, False)
        assert [row["comment"] for row in await ask("phone_black_get")] == ["why"]

    run(tmp_path, test)


def test_what_cannot_be_stored_changes_nothing(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        await ask("phone_black_add", phone=ANNA)
        desk.journal.fails = True
        with pytest.raises(Unavailable):
            await ask("phone_black_add", phone=BORIS)
        with pytest.raises(Unavailable):
            await ask("phone_black_del", phone=ANNA)
        assert desk.admission.blacklists.of("app") == {held(ANNA)}
        assert (keeps_off(desk, ANNA), keeps_off(desk, BORIS)) == ((True, True), (False, False))

    run(tmp_path, test)


@pytest.mark.parametrize(
    "params", [{}, {"phone": "12"}, {"phone": ANNA, "type": "3"}, {"phone": ANNA, "cmt": "c" * 201}]
)
def test_what_makes_no_sense_is_error_1(tmp_path: Path, params: dict[str, str]) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        assert await number_of(ask("phone_black_add", **params)) == 1

    run(tmp_path, test)


def test_an_address_with_a_blank_in_it_is_none(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        assert await number_of(ask("mail_black_add", mail="a\u00a0b@example.org")) == 1

    run(tmp_path, test)


def test_there_is_an_end_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        monkeypatch.setattr(blacklist, "ENTRIES_MAX", 1)
        await ask("phone_black_add", phone=ANNA)
        assert await number_of(ask("phone_black_add", phone=BORIS)) == 5
        assert await ask("phone_black_add", phone=ANNA, type="2") == {"id": 1}

    run(tmp_path, test)


def stop(desk: FrontDesk, number: str, why: str = "SMS: stop") -> None:
    """Somebody else than the account puts a number on its list."""
    desk.journal.batch.blacklisted.append(("app", number, 1, why))
    desk.blacklists.add("app", (number,))


def test_what_a_subscriber_or_an_admin_has_said_stays(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        stop(desk, ANNA)
        await ask("phone_black_add", phone=ANNA)
        await ask("phone_black_add", phone=BORIS)
        stop(desk, BORIS, "an admin's reason")
        await ask("phone_black_add", phone=VERA)
        assert await ask("phone_black_del", phone=ANNA) == {"result": "OK"}
        assert await ask("phone_black_add", phone=BORIS, type="2") == {"id": 2}
        assert await ask("phone_black_del", phone=BORIS) == {"result": "OK"}
        assert await ask("phone_black_del", phone=VERA) == {"result": "OK"}
        assert desk.admission.blacklists.of("app") == {held(ANNA), held(BORIS)}
        assert desk.journal.all("SELECT number, why FROM blacklist ORDER BY number") == [
            (ANNA, "SMS: stop"),
            (BORIS, "an admin's reason"),
        ]

    run(tmp_path, test)


def test_a_stop_word_that_comes_with_a_removal_counts(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        for number in (ANNA, BORIS):
            await ask("phone_black_add", phone=number)
        now = desk.journal.rows

        async def rows(statement: str, parameters: Any = ()) -> list[dict[str, Any]]:
            found = await now(statement, parameters)
            if statement == "black_why" and parameters[1] == ANNA:
                stop(desk, ANNA)  # before the removal, in the same batch
            return found

        desk.rows = rows
        await ask("phone_black_del", phone=ANNA)
        removal = asyncio.ensure_future(ask("phone_black_del", phone=BORIS))
        for _ in range(50):
            if not desk.journal.batch.unblacklisted:
                await asyncio.sleep(0)
        assert desk.journal.batch.unblacklisted
        stop(desk, BORIS)  # behind it
        await removal
        assert desk.admission.blacklists.of("app") == {held(ANNA), held(BORIS)}
        assert desk.journal.all("SELECT count(*) FROM blacklist") == [(2,)]

    run(tmp_path, test)


def test_entries_of_many_accounts_come_into_memory_page_by_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        for number in (ANNA, BORIS, VERA):
            await ask("phone_black_add", phone=number, type="1")
            await ask("mail_black_add", "other", mail=f"{number}@example.org")
        before = {name: dict(entries) for name, entries in desk.black.items()}
        desk.black.clear()
        monkeypatch.setattr(blacklist, "PAGE", 2)
        await load(desk)
        assert desk.black == before

    run(tmp_path, test)
