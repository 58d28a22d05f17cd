"""Sender names, templates, records and numbers: what commands ask of the simulated service, and change."""

from __future__ import annotations

import re
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from smsc_shell import Shell, number

from gateway.simulator.smsc_http import downloads, wait_call
from gateway.simulator.smsc_http.imgcode import png_of

PHONE = "79161234567"
OK = {"result": "OK"}


# -- sender names and templates ------------------------------------------------------------------------


def senders(shell: Shell, *words: str) -> dict[str, Any]:
    return {row["sender"]: row for row in shell.json(f"senders list {' '.join(words)}")}


def test_a_new_sender_name_waits_and_is_listed_with_all(shell: Shell) -> None:
    name = f"Shop{number()}"
    answer = shell.json(f"senders add {name} --comment ours")
    assert name not in senders(shell)
    assert senders(shell)["SMSC"] == {"sender": "SMSC", "id": 1}
    assert senders(shell, "--all")[name] == {"sender": name, "status": 0, "id": answer["sender"]}
    assert "0 waits for moderation" in shell("senders list --all")[1]


def test_a_mail_address_may_be_a_sender(shell: Shell) -> None:
    address = f"a{number()}@example.org"
    shell.json(f"senders add {address} --mail --owner Ann")
    assert address in senders(shell, "--all")


def test_a_sender_name_is_registered_with_operators(shell: Shell) -> None:
    name = f"Shop{number()}"
    id = shell.json(f"senders add {name}")["sender"]
    assert shell.json(f"senders change --name {name} --mts-step --tele2") == OK
    row = {"sender": name, "mts_step": "0", "tele2": "0", "id": str(id)}
    assert senders(shell, "--all --operators")[name] == row
    assert "0 waits for registration" in shell("senders list --all --operators")[1]


def test_documents_go_along_and_are_listed(shell: Shell) -> None:
    name = f"Shop{number()}"
    shell.json(f"senders add {name} --document licence.pdf --document-info licence")
    Path("licence.pdf").rename("more.pdf")
    assert shell.json(f"senders change --name {name} --document more.pdf --document-info more") == OK
    files = senders(shell, "--all --files")[name]["files"]
    assert [(file["file"], file["fcomment"]) for file in files] == [
        ("licence.pdf", "licence"),
        ("more.pdf", "more"),
    ]


def test_a_number_becomes_a_sender_by_its_code(shell: Shell) -> None:
    phone = f"79161{number()}"
    assert shell.json(f"senders code {phone} --from SMSC --website example.org") == OK
    [message] = [message for message in shell.service.store.messages if message.phone == phone]
    assert "example.org" in message.text
    [code] = re.findall(r"\d{6}", message.text)
    assert "error 11 of senders.php" in shell.fails(f"senders check {phone} {(int(code) + 1) % 10**6:06}")
    assert shell.json(f"senders check {phone} {code}") == OK
    assert phone in senders(shell)


def test_a_deleted_sender_name_is_not_listed(shell: Shell) -> None:
    name = f"Shop{number()}"
    shell.json(f"senders add {name}")
    assert shell.json(f"senders delete --name {name}") == OK
    assert name not in senders(shell, "--all")


def template(shell: Shell, id: int) -> Any:
    return next((row for row in shell.json("templates list") if row["id"] == id), None)


def test_templates_are_listed_as_they_were_made_and_changed(shell: Shell) -> None:
    [id] = shell.json("templates add Late 'You are late' --format sms --from MyShop --signature").values()
    made = {
        "id": id,
        "name": "Late",
        "format": "sms",
        "sender": "MyShop",
        "flag": 1,
        "message": "You are late",
    }
    assert template(shell, id) == made
    assert shell.json(f"templates change {id} --text 'I am late' --no-signature") == OK
    assert template(shell, id) == {**made, "flag": 0, "message": "I am late"}


def test_a_deleted_template_is_not_listed(shell: Shell) -> None:
    [id] = shell.json("templates add Late 'You are late'").values()
    assert shell.json(f"templates delete {id}") == OK
    assert template(shell, id) is None


def test_templates_of_operators_have_a_state(shell: Shell) -> None:
    words = f"SMSC 'Code {number()}' --mts-auth --bee-srv"
    [mts, bee] = shell.json(f"operator-templates add {words}")
    assert (mts["mts_auth"], bee["bee_srv"]) == (1, 1)
    assert shell.json(f"operator-templates list {words}") == [{**mts, "mts_auth": 0}, {**bee, "bee_srv": 0}]
    assert "0 waits for registration" in shell(f"operator-templates list {words}")[1]


# -- records and the rest ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "text"),
    [("", "db1 h1 does not answer. full"), ("--ok", "db1 h1 answers again. full")],
    ids=["failure", "recovery"],
)
def test_an_event_is_told_to_the_contacts_of_its_group(shell: Shell, words: str, text: str) -> None:
    assert shell.json(f"notify 1 --name db1 --host h1 --info full {words}") == OK
    assert shell.service.store.messages[-1].text == text
    assert "error 3 of ping.php" in shell.fails("notify 2")


def test_the_history_has_what_was_sent_to_a_number(shell: Shell) -> None:
    phone = f"79161{number()}"
    _, [first] = shell.send(f"--to {phone} --text One")
    _, [second] = shell.send(f"--to {phone} --text Two --flash")
    rows = shell.json(f"history --to {phone}")
    seen = [(row["id"], row["message"], row["status"], row["type"], row["cost"]) for row in rows]
    assert seen == [(second.id, "Two", 1, 1, "1.45"), (first.id, "One", 1, 0, "1.45")]
    assert shell.json(f"history --to {phone} --before {rows[0]['int_id']}") == rows[1:]
    assert shell.json(f"history --to {phone} --count 1") == rows[:1]


def test_the_history_of_mails_is_another(shell: Shell) -> None:
    address = f"a{number()}@example.org"
    _, [mail] = shell.send(f"--to {address} --text Hi --email --subject Re --from me@example.org")
    [row] = shell.json(f"history --email --email-to {address}")
    assert (row["id"], row["phone"], row["format"], row["message"]) == (mail.id, address, 8, "Hi")


def test_what_subscribers_wrote_is_read_on_from_an_id(shell: Shell) -> None:
    own, life = f"7999{number()}8", shell.service.life
    for text in ("One", "Два"):
        life.receive(PHONE, own, text, time.time())
    rows = shell.json(f"incoming --hours 24 --to {own}")
    assert [(row["phone"], row["message"], row["to_phone"]) for row in rows] == [
        (PHONE, "One", own),
        (PHONE, "Два", own),
    ]
    assert shell.json(f"incoming --after {rows[0]['id']} --to {own}") == rows[1:]


def test_statistics_count_messages_and_money(shell: Shell) -> None:
    [before] = shell.json("statistics")
    shell.send(f"--to {PHONE} --text {'x' * 161}")
    [after] = shell.json("statistics")
    assert int(after["sms"]) - int(before["sms"]) == 2
    assert Decimal(after["debit"]) - Decimal(before["debit"]) == Decimal("2.90")
    assert (after["login"], after["currency"]) == ("gateway", "RUR")


def test_prices_are_of_zones_operators_and_mails(shell: Shell) -> None:
    answer = shell.json("prices")
    zone = {"zone": "1", "name": "Russia", "api": "1.40", "mass": "1.90", "mms": "6.00"}
    assert answer["zones"][0] == {**zone, "hlr": "0.20", "call": "1.10"}
    assert answer["codes"][0] == {"mccmnc": "25001", "cost": "1.45"}
    assert answer["mail"] == "0.10"


def test_the_operator_of_a_number_and_of_several(shell: Shell) -> None:
    mts = {"country": "Russia", "operator": "MTS", "region": "Moscow", "mcc": "250", "mnc": "01", "tz": "0"}
    assert shell.json(f"operator {PHONE}") == mts
    first, second = shell.json(f"operator {PHONE} 77011234567")
    assert first == {"phone": PHONE, **mts}
    assert (second["phone"], second["country"], second["tz"]) == ("77011234567", "Kazakhstan", "2")


def test_a_rented_number_is_paid_and_its_renewal_is_switched(shell: Shell) -> None:
    [row, *others] = shell.json("numbers list")
    before = shell.service.account.balance
    assert shell.json(f"numbers rent {row['phone']}") == {"cost": row["current_cost"]}
    assert before - shell.service.account.balance == Decimal(row["current_cost"])
    assert shell.json("numbers list") == others
    assert shell.json(f"numbers change {row['phone']} --renewal off") == OK
    next_month = time.time() + 32 * 86_400
    again = shell.service.office.HANDLERS["rcv_get"]({}, next_month)
    assert isinstance(again, list) and row["phone"] in [found["phone"] for found in again]


def test_a_number_is_confirmed_by_a_call(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait_call, "CALL_AFTER_S", 0.0)
    phone = f"79161{number()}"
    answer = shell.json(f"wait-call {phone} --wait")
    assert answer["phone"] in answer["all_phones"] and len(answer["all_phones"]) == 3
    assert (answer["confirmed"], answer["call"]["phone"]) == (True, phone)


def test_an_export_is_listed_and_fetched(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "RUNS_AFTER_S", 0.0)
    monkeypatch.setattr(downloads, "DONE_AFTER_S", 0.0)
    _, [message] = shell.send(f"--to {PHONE} --text 'For the export'")
    task = shell.service.office.downloads.order(f"mine{number()}", time.time())
    [row] = shell.json(f"downloads list --after {task.id - 1} --count 1")
    assert (row["id"], row["name"], row["status"]) == (task.id, task.name, "2")
    shell.json(f"downloads fetch --id {task.id} --output mine.csv")
    last = Path("mine.csv").read_text("utf-8").splitlines()[-1]
    assert last.startswith(f"{message.id};{PHONE};") and last.endswith(";For the export")


def test_a_captcha_is_a_picture(shell: Shell) -> None:
    shell.json("captcha --output a.png")
    code = shell.service.office.imgcodes.last("127.0.0.1")
    assert code is not None
    assert Path("a.png").read_bytes() == png_of(code)
