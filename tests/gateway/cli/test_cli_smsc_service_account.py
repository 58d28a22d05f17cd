"""What `smsc-gateway smsc …` says of an account of the simulated service, its messages and sub-clients."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from http_simulator import running
from smsc_shell import LOGIN, QUICK, Shell, number

from gateway.simulator.smsc_http.settings import HttpSettings

PHONE, OTHER = "79161234567", "79261234567"
OK = {"result": "OK"}


# -- who may ask ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "login", "said"),
    [
        ({"api_key": "hidden-key"}, "api_key: hidden-key", ""),
        ({"api_key": "hidden-key"}, "api_key: hidden-other", "error 2 of balance.php"),
        ({}, "login: other, password: hidden-1", "error 2 of balance.php"),
        ({"allowed_ips": "192.0.2.0/24"}, LOGIN, "allows the address of this machine"),
        ({"block_after": 1}, "login: other, password: hidden-1", "wait some minutes"),
    ],
    ids=["key", "wrong key", "wrong login", "address", "blocked"],
)
def test_who_may_ask_and_who_is_told_why_not(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, Any],
    login: str,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with running(HttpSettings(login="gateway", password="hidden-1", **settings)) as strict:
        shell = Shell(strict, capsys, login)
        if not said:
            assert shell.json("balance") == {"balance": "1000.00", "currency": "RUR"}
            return
        first = shell.fails("balance")
        assert said in (shell.fails("balance") if "block_after" in settings else first)


def test_the_balance_comes_with_a_credit_where_there_is_one(shell: Shell) -> None:
    account = shell.service.account
    assert shell.json("balance") == {"balance": str(account.balance), "currency": "RUR"}
    account.credit = Decimal(5)
    try:
        assert shell.json("balance")["credit"] == "5.00"
    finally:
        account.credit = Decimal(0)


def test_a_virtual_message_ends_delivered_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = HttpSettings(login="gateway", password="hidden-1", virtual=True, balance="0", **QUICK)
    with running(settings) as virtual:
        shell = Shell(virtual, capsys, LOGIN)
        answer, [message] = shell.send(f"--to {PHONE} --text Hi")
        assert answer["cost"] == "0.00"
        out = shell(f"status {message.id}:{PHONE}")[1]
        assert re.search(r"^status +1 delivered$", out, re.MULTILINE)
        assert re.search(r"^err +200 virtual sending$", out, re.MULTILINE)


# -- statuses ------------------------------------------------------------------------------------------


def test_the_status_of_a_message_in_three_lengths(shell: Shell) -> None:
    _, [message] = shell.send(f"--to {PHONE} --text Hi --comment mine --from MyShop")
    short, whole, place = (shell.json(f"status {message.id}:{PHONE} --all {n}") for n in "012")
    assert list(short) == ["status", "last_date", "last_timestamp", "flag", "err"]
    assert (short["status"], short["err"], short["last_timestamp"]) == (1, 0, int(message.changed_at))
    about = {
        "phone": PHONE,
        "sender_id": "MyShop",
        "message": "Hi",
        "comment": "mine",
        "type": 0,
        "sms_cnt": 1,
    }
    assert whole.items() >= {**short, **about, "cost": "1.45"}.items()
    where = {"mccmnc": "25001", "country": "Russia", "operator": "MTS", "region": "Moscow"}
    assert place.items() >= {**whole, **where}.items()


def test_the_status_of_an_hlr_request_in_three_lengths(shell: Shell) -> None:
    _, [message] = shell.send(f"--to {PHONE} --hlr")
    short, whole, place = (shell.json(f"status {message.id}:{PHONE} --all {n}") for n in "012")
    found = {"imsi": "250019161234567", "mcc": "250", "mnc": "01", "cn": "Russia", "net": "MTS"}
    assert short.items() >= {"status": 1, **found}.items()
    assert whole.items() >= {**short, "sender_id": "HLR", "type": 4}.items()
    assert place.items() >= {**whole, "country": "Russia", "operator": "MTS", "region": "Moscow"}.items()
    assert "comment" not in place


def test_errors_of_mails_have_their_own_words(shell: Shell) -> None:
    words = "--text Hi --email --subject Re --from me@example.org"
    _, [message] = shell.send(f"--to a79161299303@example.org {words}")
    out = shell(f"status {message.id}:{message.phone} --all 1")[1]
    assert re.search(r"^err +3 recipient server not found$", out, re.MULTILINE)


def test_several_statuses_and_one_that_is_not_there(shell: Shell) -> None:
    _, [first, second] = shell.send(f"--to {PHONE},79161299301 --text Hi")
    rows = shell.json(f"status {first.id}:{PHONE},79161299301,{OTHER}")
    assert [(row["id"], row["phone"], row["status"], row.get("err")) for row in rows] == [
        (first.id, PHONE, 1, 0),
        (first.id, second.phone, 20, 1),
        (first.id, OTHER, -3, None),
    ]
    assert shell.json(f"status {first.id}:{OTHER}") == {"status": -3}


def test_a_deleted_message_is_gone(shell: Shell) -> None:
    _, [message] = shell.send(f"--to {PHONE} --text Hi")
    assert shell.json(f"delete {message.id}:{PHONE}")[0]["result"] == "deleted"
    assert shell.json(f"status {message.id}:{PHONE}") == {"status": -3}
    code, out, _ = shell(f"delete {message.id}:{PHONE}")
    assert code == 1
    assert "message not deleted (error 5 of status.php)" in out


# -- sub-clients ---------------------------------------------------------------------------------------


def add_user(shell: Shell, *words: str) -> tuple[str, int]:
    login = f"branch{number()}"
    [id] = shell.json(f"sub-clients add {login} --password-file password.txt {' '.join(words)}").values()
    assert isinstance(id, int)
    return login, id


def user(shell: Shell, login: str) -> Any:
    return shell.service.office.users.find(login)


def test_an_added_sub_client_has_its_settings(shell: Shell) -> None:
    login, _ = add_user(shell, "--phone 79991234567 --main-senders --name Office --currency EUR")
    assert user(shell, login).password == "Abcdefg1"
    settings = {"phone": "79991234567", "fl[29]": "1", "fio": "Office", "curr": "3"}
    assert user(shell, login).settings == settings


def test_a_changed_sub_client_has_its_new_settings(shell: Shell) -> None:
    login, _ = add_user(shell, "--main-senders")
    passwords = "--password-file other.txt --current-password-file password.txt"
    words = f"--new-login {login}x --no-main-senders --virtual {passwords}"
    assert shell.json(f"sub-clients change {login} {words}") == OK
    assert user(shell, login) is None
    found = user(shell, f"{login}x")
    assert (found.password, found.settings) == ("Other-Word2", {"fl[29]": "0", "fl2[27]": "1"})


def test_money_goes_to_a_sub_client_and_back(shell: Shell) -> None:
    login, _ = add_user(shell)
    before = shell.service.account.balance
    assert shell.json(f"sub-clients pay {login} 100.50") == OK
    assert shell.json(f"sub-clients pay {login} -0.50") == OK
    moved = (user(shell, login).balance, before - shell.service.account.balance)
    assert moved == (Decimal(100), Decimal(100))
    assert "error 5 of users.php" in shell.fails(f"sub-clients pay {login} -101")


def test_statistics_are_of_all_or_of_one_sub_client(shell: Shell) -> None:
    (login, id), (other, _) = add_user(shell), add_user(shell, "--type main")
    shell.json(f"sub-clients pay {login} 30")
    row = {"login": login, "sms": "0", "credit": "30.00", "debit": "0.00", "currency": "RUR"}
    logins = [row["login"] for row in shell.json("sub-clients statistics --reseller")]
    assert login in logins and other not in logins
    assert other in [row["login"] for row in shell.json("sub-clients statistics")]
    assert shell.json(f"sub-clients statistics --user {login}") == [row]
    assert shell.json(f"sub-clients statistics --user-id {id}") == [row]


def test_details_are_told_by_service(shell: Shell) -> None:
    login, _ = add_user(shell)
    shell.json(f"sub-clients pay {login} 7")
    [items] = [row["items"] for row in shell.json("sub-clients details") if row["login"] == login]
    assert items[0].items() >= {"description": "SMS", "credit": "7.00", "currency": "RUR"}.items()
    assert re.search(rf"^{login} +SMS ", shell("sub-clients details")[1], re.MULTILINE)


def test_an_invoice_is_made_and_fetched_again_and_so_is_its_act(shell: Shell) -> None:
    login, id = add_user(shell)
    made = shell.json(f"documents new-invoice 500 --user {login} --service Texts --output new.pdf")
    assert made.items() >= {"sum": "500.00", "file": "new.pdf"}.items()
    shell.json(f"documents invoice {made['id']} --user-id {id} --output again.pdf")
    shell.json(f"documents act --id {made['id']} --user {login} --output act.pdf")
    new, again, act = (Path(f"{name}.pdf").read_bytes() for name in ("new", "again", "act"))
    assert new == again
    assert f"(Invoice {made['id']})".encode() in new and b"(Service: Texts)" in new
    assert f"(Act A-{made['id']})".encode() in act
    words = f"documents act --id 7 --user {login} --output no.pdf"
    assert "document not found (error 7 of documents.php)" in shell.fails(words)
