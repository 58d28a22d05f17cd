"""phones.php and mails.php over a real store: contacts and groups."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from front_desk import FrontDesk, asked, config_of, desk_of
from gateway_fakes import account_config

from gateway.front import address_book, contacts, entries
from gateway.front.address_book import contact_of, group_numbers
from gateway.front.desk import ApiProblem
from gateway.front.entries import ENTRIES_MAX
from protocols.smsc_http.rendering import render

Ask = Callable[..., Awaitable[Any]]
ANNA, BORIS, VERA = "79990000001", "79990000002", "79990000003"


def run(folder: Path, test: Callable[[FrontDesk, Ask], Awaitable[None]]) -> None:
    async def whole() -> None:
        desk = desk_of(folder, config_of(account_config(), account_config(system_id="other")))
        scripts = contacts.handlers(desk)

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


async def names(ask: Ask, **params: str) -> list[str]:
    return [row["name"] for row in await ask("phone_get", **params)]


def test_a_contact_is_added_changed_shown_and_deleted(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        assert await number_of(ask("phone_get")) == 3
        said = {"lnm": "Иванова", "fnm": "Анна", "mnm": "Петровна", "bd": "01.02.1990", "myid": "a-1"}
        said |= {"cmt": "a friend", "tags": "vip", "pho": "123"}
        assert await ask(
            "phone_add",
            phone=f"+{ANNA};8 999 000-00-02".replace(" ", "").replace("-", ""),
            name="Anna",
            **said,
        ) == {"id": 1}
        row = {
            "phone": f"{ANNA},{BORIS}",
            "name": "Anna",
            "group": 0,
            "first_name": "Анна",
            "last_name": "Иванова",
            "middle_name": "Петровна",
            "birthday": "01.02.1990",
            "id": "a-1",
            "comments": "a friend",
            "tags": "vip",
            "phone_other": "123",
            "int_id": "1",
        }
        assert await ask("phone_get") == [row]
        assert render("phone_get", [row], 1).startswith(f"{ANNA},{BORIS},Anna,0,")
        assert await ask("phone_chg", phone=BORIS, new_phone=VERA, cmt="") == {"result": "OK"}
        assert await ask("phone_get") == [{**row, "phone": VERA, "comments": ""}]
        # the old numbers are nobody's now
        assert await number_of(ask("phone_chg", phone=ANNA, name="x")) == 3
        assert await ask("phone_add", phone=ANNA, name="Another") == {"id": 2}
        assert await ask("phone_del", phone=VERA) == {"result": "OK"}
        assert await names(ask) == ["Another"]
        assert await number_of(ask("phone_del", phone=VERA)) == 3
        assert desk.journal.all("SELECT count(*) FROM contact_number") == [(1,)]

    run(tmp_path, test)


def test_a_number_belongs_to_one_contact(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        await ask("phone_add", phone=ANNA, name="Anna")
        await ask("phone_add", phone=BORIS, name="Boris")
        assert await number_of(ask("phone_add", phone=f"{VERA},{ANNA}", name="Vera")) == 5
        assert await number_of(ask("phone_chg", phone=BORIS, new_phone=f"{BORIS},{ANNA}")) == 5
        assert await ask("phone_chg", phone=BORIS, new_phone=f"{BORIS},{VERA}") == {"result": "OK"}
        # of two at once the second comes too late
        both = [ask("phone_add", phone="79990000009", name=name) for name in ("first", "second")]
        ends = await asyncio.gather(*both, return_exceptions=True)
        assert sorted(isinstance(end, ApiProblem) for end in ends) == [False, True]

    run(tmp_path, test)


def test_contacts_are_found_by_group_number_names_and_place(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        group = str((await ask("phone_group_add", name="Friends"))["id"])
        await ask("phone_add", phone=ANNA, name="Anna", lnm="Иванова", grp=group)
        await ask("phone_add", phone=BORIS, name="Boris", fnm="Борис")
        await ask("phone_add", phone=VERA, name="Vera", mnm="Ивановна", grp=group)
        assert await names(ask) == ["Anna", "Boris", "Vera"]
        assert await names(ask, grp=group) == ["Anna", "Vera"]
        assert await names(ask, grp=group, after_id="1") == ["Vera"]
        assert await names(ask, phone=BORIS) == ["Boris"]
        assert await number_of(ask("phone_get", phone=BORIS, grp=group)) == 3
        assert await names(ask, phone=VERA, grp=group) == ["Vera"]
        assert await number_of(ask("phone_get", phone=VERA, after_id="3")) == 3
        assert await names(ask, fio="ИВАН") == ["Anna", "Vera"]
        assert await names(ask, search="bor") == ["Boris"]
        assert await names(ask, search="0000003") == ["Vera"]
        assert await names(ask, after_id="1", cnt="1") == ["Boris"]
        assert await number_of(ask("phone_get", search="nobody")) == 3
        assert await number_of(ask("phone_get", cnt="0")) == 1
        assert [row["group"] for row in await ask("phone_get")] == [1, 0, 1]

    run(tmp_path, test)


def test_pages_are_looked_through_to_their_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        monkeypatch.setattr(contacts, "PAGE", 2)
        monkeypatch.setattr(address_book, "PAGE", 2)
        group = str((await ask("phone_group_add", name="g"))["id"])
        for n in range(7):
            await ask(
                "phone_add", phone=f"7999000001{n}", name=f"{'even' if n % 2 == 0 else 'odd'} {n}", grp=group
            )
        assert await names(ask, search="odd", cnt="2") == ["odd 1", "odd 3"]
        assert await names(ask, search="even 6") == ["even 6"]
        assert await names(ask, grp=group, search="odd 5") == ["odd 5"]
        assert len(await group_numbers(desk, "app", "1", False) or ()) == 7
        assert await ask("phone_group_del", grp=group) == {"result": "OK"}
        assert desk.journal.all("SELECT DISTINCT groups FROM contact") == [("",)]
        assert desk.journal.all("SELECT count(*) FROM contact_group_member") == [(0,)]

    run(tmp_path, test)


def test_contacts_move_join_and_leave(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        first, second = [str((await ask("phone_group_add", name=name))["id"]) for name in ("a", "b")]
        await ask("phone_add", phone=ANNA, name="Anna", grp=first)

        async def groups() -> list[str]:
            contact = await contact_of(desk, "app", ANNA)
            assert contact is not None
            return contact.groups.split()

        await ask("phone_join", grp=second, phone=ANNA)
        await ask("phone_join", grp=second, phone=ANNA)
        assert await groups() == [first, second]
        assert (await ask("phone_get", grp=second))[0]["group"] == int(second)
        await ask("phone_leave", grp=first, phone=ANNA)
        assert await groups() == [second]
        assert await number_of(ask("phone_leave", grp=first, phone=ANNA)) == 5
        await ask("phone_move", grp=first, phone=ANNA)
        assert await groups() == [first]
        assert await number_of(ask("phone_join", grp="77", phone=ANNA)) == 3
        assert await number_of(ask("phone_join", grp=first, phone=BORIS)) == 3
        assert await number_of(ask("phone_add", phone=BORIS, name="x", grp=f"{first},x")) == 1

    run(tmp_path, test)


def test_groups_are_named_numbered_counted_and_deleted(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        assert await number_of(ask("phone_group_get")) == 3
        assert await ask("phone_group_add", name="Friends", num="777") == {"id": 1}
        assert await ask("phone_group_add", name="Others") == {"id": 2}
        assert await number_of(ask("phone_group_add", name="x", num="777")) == 5
        assert await number_of(ask("phone_group_add", name="")) == 1
        assert await number_of(ask("phone_group_add", name="x", num="0")) == 1
        await ask("phone_add", phone=f"{ANNA},{BORIS}", name="two", grp="1,2")
        assert await ask("phone_group_get") == [
            {"id": 1, "name": "Friends", "number": "777", "cnt": "1"},
            {"id": 2, "name": "Others", "number": "1", "cnt": "1"},
        ]
        assert await ask("phone_group_chg", grp="2", name="Rest") == {"result": "OK"}
        assert await number_of(ask("phone_group_chg", grp="2", name="Rest", num="777")) == 5
        assert await ask("phone_group_chg", grp="2", name="Rest", num="888") == {"result": "OK"}
        assert [row["number"] for row in await ask("phone_group_get")] == ["777", "888"]
        assert await group_numbers(desk, "app", "888", False) == [ANNA, BORIS]
        assert await group_numbers(desk, "app", "888", True) is None
        assert await group_numbers(desk, "app", "999", False) is None
        assert await group_numbers(desk, "other", "888", False) is None
        assert await ask("phone_group_del", grp="1") == {"result": "OK"}
        assert await number_of(ask("phone_group_del", grp="1")) == 3
        assert (await ask("phone_get"))[0]["group"] == 2

    run(tmp_path, test)


def test_mail_addresses_are_the_same_by_other_names(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        group = str((await ask("mail_group_add", name="Letters"))["id"])
        assert await number_of(ask("phone_group_get")) == 3
        assert [row["id"] for row in await ask("phone_group_get", type="1")] == [1]
        assert await ask("mail_add", mail="Anna@Example.org", name="Anna", grp=group) == {"id": 1}
        assert await number_of(ask("phone_add", phone=BORIS, name="Boris", grp=group)) == 3
        [row] = await ask("mail_get")
        assert (row["mail"], row["mail_other"], row["group"]) == ("anna@example.org", "", 1)
        await ask("mail_chg", mail="anna@example.org", new_mail="a@example.org b@example.org")
        await ask("mail_leave", mail="b@example.org", grp=group)
        await ask("mail_join", mail="b@example.org", grp=group)
        await ask("mail_move", mail="a@example.org", grp=group)
        assert await group_numbers(desk, "app", "1", True) == ["a@example.org", "b@example.org"]
        assert await ask("mail_group_chg", grp=group, name="Post") == {"result": "OK"}
        assert [row["name"] for row in await ask("mail_group_get")] == ["Post"]
        assert await number_of(ask("phone_get")) == 3
        assert await ask("mail_del", mail="A@example.org") == {"result": "OK"}
        assert await ask("mail_group_del", grp=group) == {"result": "OK"}
        assert await number_of(ask("mail_add", mail="79990000001", name="x")) == 1

    run(tmp_path, test)


def test_nobody_sees_the_contacts_of_another_account(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        await ask("phone_group_add", name="mine", num="7")
        await ask("phone_add", phone=ANNA, name="Anna", grp="1")
        assert await number_of(ask("phone_get", "other")) == 3
        assert await number_of(ask("phone_group_get", "other")) == 3
        assert await number_of(ask("phone_get", "other", grp="1")) == 3
        assert await number_of(ask("phone_del", "other", phone=ANNA)) == 3
        assert await number_of(ask("phone_group_del", "other", grp="1")) == 3
        assert await ask("phone_add", "other", phone=ANNA, name="their Anna") == {"id": 2}
        assert await ask("phone_group_add", "other", name="theirs", num="7") == {"id": 2}
        assert await names(ask) == ["Anna"]

    run(tmp_path, test)


@pytest.mark.parametrize(
    "params",
    [
        {"name": "x"},
        {"phone": ANNA},
        {"phone": ANNA, "name": " "},
        {"phone": "12", "name": "x"},
        {"phone": "name", "name": "x"},
        {"phone": ANNA, "name": "x" * 101},
        {"phone": ANNA, "name": "x", "bd": "31.02.2000"},
        {"phone": ANNA, "name": "x", "cmt": "c" * 1001},
        {"phone": ANNA, "name": "x", "grp": "one"},
        {"phone": ",".join(f"79990{n:06d}" for n in range(ENTRIES_MAX + 1)), "name": "x"},
    ],
)
def test_what_makes_no_sense_is_error_1(tmp_path: Path, params: dict[str, str]) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        assert await number_of(ask("phone_add", **params)) == 1
        assert desk.journal.all("SELECT count(*) FROM contact") == [(0,)]

    run(tmp_path, test)


def test_there_is_an_end_to_contacts_and_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        monkeypatch.setattr(contacts, "CONTACTS_MAX", 1)
        monkeypatch.setattr(contacts, "GROUPS_MAX", 1)
        await ask("phone_add", phone=ANNA, name="x")
        await ask("phone_group_add", name="x")
        assert await number_of(ask("phone_add", phone=BORIS, name="x")) == 5
        assert await number_of(ask("phone_group_add", name="x")) == 5
        assert await ask("mail_add", mail="a@example.org", name="x") == {"id": 2}

    run(tmp_path, test)


def test_an_address_with_a_space_of_another_alphabet_is_none(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        for space in ("\xa0", "\u2028", "\x85"):
            assert await number_of(ask("mail_add", mail=f"a{space}b@example.org", name="x")) == 1

    run(tmp_path, test)


def test_of_a_list_that_is_too_long_no_item_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        looked_at: list[str] = []

        def items(value: str) -> list[str]:
            looked_at.append(value)
            return []

        monkeypatch.setattr(entries, "items", items)
        monkeypatch.setattr(contacts, "items", items)
        many = f"{ANNA}," * 100_000
        assert await number_of(ask("phone_add", phone=many, name="Anna")) == 1
        assert await number_of(ask("phone_del", phone=many)) == 1
        monkeypatch.undo()
        await ask("phone_add", phone=ANNA, name="Anna")
        monkeypatch.setattr(contacts, "items", items)
        assert await number_of(ask("phone_chg", phone=ANNA, grp="1," * 100_000)) == 1
        assert looked_at == []

    run(tmp_path, test)


def test_a_contact_is_in_the_group_that_it_is_in_and_in_none_of_like_numbers(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Ask) -> None:
        groups = [str((await ask("phone_group_add", name="g"))["id"]) for _ in range(11)]
        await ask("phone_add", phone=ANNA, name="Anna", grp=groups[-1])
        assert groups[-1].startswith(groups[0])
        assert await names(ask, phone=ANNA, grp=groups[-1]) == ["Anna"]
        assert await number_of(ask("phone_get", phone=ANNA, grp=groups[0])) == 3

    run(tmp_path, test)
