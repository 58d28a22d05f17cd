"""Contacts, groups, blacklists and mailing lists that commands change at the simulated service."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from smsc_shell import Shell, number

from gateway.simulator.smsc_http import jobs

PHONE, OTHER = "79161234567", "79261234567"
OK = {"result": "OK"}


# -- contacts ------------------------------------------------------------------------------------------


class Side(NamedTuple):
    """Phone numbers, or mail addresses: the option, the member of answers, that of the blacklist, a form."""

    option: str
    member: str
    black: str
    form: str

    def new(self) -> str:
        return self.form.format(number())


SIDES = {
    "phones": Side("", "phone", "phone", "79161{}"),
    "mails": Side("--mail", "mail", "email", "a{}@example.org"),
}


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> Side:
    return SIDES[request.param]


def add_group(shell: Shell, side: Side, *words: str) -> int:
    [id] = shell.json(f"groups add Group{number()} {side.option} {' '.join(words)}").values()
    assert isinstance(id, int)
    return id


def in_group(shell: Shell, side: Side, group: int) -> list[str]:
    return [row[side.member] for row in shell.json(f"contacts list {side.option} --group {group}")]


def contact(shell: Shell, side: Side, address: str) -> Any:
    """What is known of it; None when there is no such contact."""
    rows = shell.json(f"contacts list {side.option} --address {address}")
    return rows[0] if rows else None


def add_contact(shell: Shell, side: Side, *words: str) -> str:
    address = side.new()
    [id] = shell.json(f"contacts add {address} --name Duty {side.option} {' '.join(words)}").values()
    assert isinstance(id, int)
    return address


def test_an_added_contact_is_listed_with_what_was_said(shell: Shell, side: Side) -> None:
    group = add_group(shell, side)
    details = "--first-name Ann --last-name Smith --birthday 1990-12-31 --own-id x7 --comment c --tags a,b"
    address = add_contact(shell, side, f"--group {group}", details)
    expected = {side.member: address, "name": "Duty", "group": group, "first_name": "Ann"}
    expected |= {"last_name": "Smith", "birthday": "31.12.1990", "id": "x7", "comments": "c", "tags": "a,b"}
    assert contact(shell, side, address).items() >= expected.items()
    assert in_group(shell, side, group) == [address]


def test_a_changed_contact_is_listed_as_it_is_now(shell: Shell, side: Side) -> None:
    address, new = add_contact(shell, side), side.new()
    words = f"--new-address {new} --comment new"
    assert shell.json(f"contacts change {address} {words} {side.option}") == OK
    assert contact(shell, side, address) is None
    assert contact(shell, side, new).items() >= {"name": "Duty", "comments": "new"}.items()


def test_a_deleted_contact_is_not_listed(shell: Shell, side: Side) -> None:
    address = add_contact(shell, side)
    assert shell.json(f"contacts delete {address} {side.option}") == OK
    assert contact(shell, side, address) is None


def test_a_contact_is_moved_to_a_group(shell: Shell, side: Side) -> None:
    first, second = add_group(shell, side), add_group(shell, side)
    address = add_contact(shell, side, f"--group {first}")
    assert shell.json(f"contacts move {second} {address} {side.option}") == OK
    assert (in_group(shell, side, first), in_group(shell, side, second)) == ([], [address])


def test_a_contact_joins_and_leaves_a_group(shell: Shell, side: Side) -> None:
    first, second = add_group(shell, side), add_group(shell, side)
    address = add_contact(shell, side, f"--group {first}")
    assert shell.json(f"contacts join {second} {address} {side.option}") == OK
    assert in_group(shell, side, first) == in_group(shell, side, second) == [address]
    assert shell.json(f"contacts leave {first} {address} {side.option}") == OK
    assert (in_group(shell, side, first), in_group(shell, side, second)) == ([], [address])


def group_row(shell: Shell, side: Side, id: int) -> Any:
    return next((row for row in shell.json(f"groups list {side.option}") if row["id"] == id), None)


def test_groups_are_listed_as_they_were_made_and_changed(shell: Shell, side: Side) -> None:
    num, other = number(), number()
    id = add_group(shell, side, f"--number {num}")
    add_contact(shell, side, f"--group {id}")
    assert group_row(shell, side, id).items() >= {"number": num, "cnt": "1"}.items()
    assert shell.json(f"groups change {id} Night --number {other} {side.option}") == OK
    assert group_row(shell, side, id) == {"id": id, "name": "Night", "number": other, "cnt": "1"}


def test_a_deleted_group_is_not_listed(shell: Shell, side: Side) -> None:
    id = add_group(shell, side)
    assert shell.json(f"groups delete {id} {side.option}") == OK
    assert group_row(shell, side, id) is None


def test_who_is_in_the_blacklist_is_listed_until_he_is_taken_off(shell: Shell, side: Side) -> None:
    address = side.new()
    [id] = shell.json(f"blacklist add {address} --type mass --comment why {side.option}").values()
    row = {"id": id, side.black: address, "type": 1, "comment": "why"}
    assert row in shell.json(f"blacklist list {side.option}")
    assert shell.json(f"blacklist delete {address} {side.option}") == OK
    assert row not in shell.json(f"blacklist list {side.option}")


# -- mailing lists -------------------------------------------------------------------------------------


def add_job(shell: Shell, words: str) -> Any:
    return shell.json(f"jobs add List{number()} {words}")


def job(shell: Shell, id: int, *words: str) -> Any:
    [row] = shell.json(f"jobs show {id} {' '.join(words)}")
    return row


def test_a_mailing_list_is_sent_and_shown(shell: Shell) -> None:
    phone = f"79161{number()}"
    answer = add_job(shell, f"--to {phone},{OTHER} --text Hi --from MyShop --cost")
    assert answer["cost"] == "2.95"
    row = job(shell, answer["id"])
    shown = {"phones": f"{phone},{OTHER}", "message": "Hi", "sender_id": "MyShop", "sms_sent": 2, "sms_ok": 2}
    assert row.items() >= {**shown, "id": answer["id"], "cost": "2.95"}.items()
    [message] = [message for message in shell.service.store.messages if message.phone == phone]
    assert (message.text, message.sender) == ("Hi", "MyShop")
    [listed] = [row for row in shell.json("jobs list") if row["id"] == answer["id"]]
    assert listed.items() >= {**shown, "phones_cnt": 2}.items()


def test_a_mailing_list_may_have_a_text_for_each_line(shell: Shell) -> None:
    one, two = f"79161{number()}", f"79161{number()}"
    Path("list").write_text(f"{one}:One\n{two}:Two\n")
    assert add_job(shell, "--list list").keys() == {"id"}
    texts = {message.phone: message.text for message in shell.service.store.messages}
    assert (texts[one], texts[two]) == ("One", "Two")


def test_a_mailing_list_may_have_a_template_for_its_text(shell: Shell) -> None:
    [template] = shell.json("templates add Late 'From a template'").values()
    id = add_job(shell, f"--to {PHONE} --template {template}")["id"]
    assert job(shell, id)["message"] == "From a template"


def test_a_mailing_list_is_repeated(shell: Shell) -> None:
    id = add_job(shell, f"--to {PHONE} --text Hi --repeat weekly --times 4 --at +60")["id"]
    assert job(shell, id).items() >= {"repeat_send": 5, "repeat_cnt": 4, "sms_sent": 0}.items()


def test_whom_a_messenger_does_not_reach_gets_an_sms(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "FALLBACK_FIRST_S", 0.0)
    phone = "79162299301"
    words = "--text Viber --viber --sms-text 'SMS instead' --sms-from MyShop --sms-fallback"
    add_job(shell, f"--to {phone} {words}")
    sent = [message for message in shell.service.store.messages if message.phone == phone]
    assert [(message.type, message.text, message.sender) for message in sent] == [
        (10, "Viber", "SMSC"),
        (0, "SMS instead", "MyShop"),
    ]


def test_a_list_that_was_cancelled_or_deleted_is_not_sent(shell: Shell) -> None:
    first, second = (add_job(shell, f"--to {PHONE} --text Hi --at +60")["id"] for _ in range(2))
    waiting = job(shell, first)["status"]
    assert shell.json(f"jobs cancel {first}") == OK
    assert job(shell, first)["status"] != waiting
    assert shell.json(f"jobs delete {second}") == OK
    assert "error 3 of jobs.php" in shell.fails(f"jobs show {second}")


def test_lists_of_mails_are_another_list(shell: Shell) -> None:
    words = "--to a@example.org --text Hi --email --subject Re --from me@example.org"
    id = add_job(shell, words)["id"]
    assert job(shell, id, "--email")["emails"] == "a@example.org"
    assert [row["emails"] for row in shell.json("jobs list --email") if row["id"] == id] == ["a@example.org"]
    assert id not in [row["id"] for row in shell.json("jobs list")]
