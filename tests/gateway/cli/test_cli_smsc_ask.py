"""Commands of one request: their parameters, and their answers in three forms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from smsc_command import Runner

from protocols.smsc_http.answers import Failure
from protocols.smsc_http.requests import File

OK = {"result": "OK"}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(monkeypatch, capsys)


@pytest.mark.parametrize(
    ("words", "operation", "params"),
    [
        ("contacts list --group 3 --name Ann --count 5", "phone_get", {"grp": "3", "fio": "Ann", "cnt": "5"}),
        ("contacts list --mail --address a@example.org", "mail_get", {"mail": "a@example.org"}),
        (
            "contacts add 7999 7998 --name Duty --group 1 --group 2 --birthday 1990-12-31",
            "phone_add",
            {"phone": "7999,7998", "name": "Duty", "grp": "1,2", "bd": "31.12.1990"},
        ),
        (
            "contacts add a@example.org --name Ann --mail",
            "mail_add",
            {"mail": "a@example.org", "name": "Ann"},
        ),
        (
            "contacts change a@example.org --new-address b@example.org --mail",
            "mail_chg",
            {"mail": "a@example.org", "new_mail": "b@example.org"},
        ),
        ("contacts move 3 7999", "phone_move", {"grp": "3", "phone": "7999"}),
        ("contacts join 3 a@example.org --mail", "mail_join", {"grp": "3", "mail": "a@example.org"}),
        ("contacts leave 3 7999", "phone_leave", {"grp": "3", "phone": "7999"}),
        ("contacts delete 7999", "phone_del", {"phone": "7999"}),
        ("groups add Duty --number 777", "phone_group_add", {"name": "Duty", "num": "777"}),
        ("groups add Duty --mail", "mail_group_add", {"name": "Duty", "type": "1"}),
        ("groups list --mail", "mail_group_get", {"type": "1"}),
        ("groups change 3 Day", "phone_group_chg", {"grp": "3", "name": "Day"}),
        ("blacklist add 7999 --type mass", "phone_black_add", {"phone": "7999", "type": "1"}),
        ("blacklist delete 7999", "phone_black_del", {"phone": "7999"}),
        ("jobs list --email", "job_list", {"mail": "1"}),
        ("jobs cancel 12", "job_cancel", {"id": "12"}),
        ("sub-clients pay branch -500", "user_pay", {"user": "branch", "sum": "-500"}),
        (
            "sub-clients change branch --no-smpp --virtual --currency EUR",
            "user_chg",
            {"user": "branch", "fl[2]": "0", "fl2[27]": "1", "curr": "3"},
        ),
        ("sub-clients statistics --user-id 5 --reseller", "user_stat", {"user_id": "5", "reseller": "1"}),
        ("senders list --operators --files", "sender_get", {"operators": "1", "files": "1"}),
        (
            "senders change --name MyShop --mts-step --no-tele2",
            "sender_chg",
            {"sender": "MyShop", "mts_step": "1", "tele2": "0"},
        ),
        ("senders code 7999 --from MyShop", "sender_code", {"sender": "7999", "site": "MyShop"}),
        ("senders check 7999 338824", "sender_check", {"sender": "7999", "code": "338824"}),
        ("templates add Late Text --format sms --signature", "tpl_add",
         {"name": "Late", "msg": "Text", "format": "sms", "fl[1]": "1"}),
        ("notify 5 --host db1 --ok", "ping", {"id": "5", "host": "db1", "ok": "1"}),
        ("incoming --hours 24 --to 7000", "answers", {"hour": "24", "to_phone": "7000"}),
        ("statistics --start 2024-01-01 --own-currency", "stat", {"start": "01.01.2024", "mycur": "1"}),
        ("operator 7999 7998", "operator", {"phone": "7999,7998"}),
        ("short-link --link https://example.org", "tinyurl", {"link": "https://example.org"}),
        ("numbers rent 7999 --no-renewal", "rcv_buy", {"phone": "7999", "noprolong": "1"}),
        ("numbers change 7999 --renewal on", "rcv_chg", {"phone": "7999", "noprolong": "0"}),
        ("downloads list --after 5", "dl_list", {"after_id": "5"}),
    ],
)  # fmt: skip
def test_what_was_typed_is_asked(run: Runner, words: str, operation: str, params: dict[str, str]) -> None:
    done = run(*words.split(), answers={operation: OK})
    assert (done.code, done.out, done.err) == (0, "done\n", "")
    assert [(call.operation, call.params) for call in done.calls] == [(operation, params)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("short-link", "give --id"),
        ("senders delete", "give --name"),
        ("documents act --output x.pdf --user branch", "give --id"),
        ("downloads fetch --output x.csv", "give --id"),
    ],
)
def test_options_that_are_missing_are_named(run: Runner, words: str, said: str) -> None:
    done = run(*words.split())
    assert (done.code, done.calls) == (2, [])
    assert said in done.err


def test_a_password_is_read_from_its_file(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("Secret-password1\n")
    done = run("sub-clients", "add", "branch", "--password-file", str(path), answers={"user_add": {"id": 7}})
    assert done.calls[0].params == {"user": "branch", "password": "Secret-password1"}
    assert done.out == "id  7\n"


def test_a_document_goes_along_with_a_sender_name(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "licence.pdf"
    path.write_bytes(b"%PDF")
    done = run(
        *("senders", "add", "MyShop", "--document", str(path), "--document-info", "licence"),
        answers={"sender_add": {"sender": 9}},
    )
    assert done.calls[0].params == {"sender": "MyShop", "doc_info": "licence"}
    assert done.calls[0].files == (File("licence.pdf", b"%PDF"),)


def test_a_list_says_what_its_numbers_mean(run: Runner) -> None:
    rows = [{"id": 1, "phone": "7999", "type": 1, "comment": ""}]
    done = run("blacklist", "list", answers={"phone_black_get": rows})
    assert done.out == "id  phone  type    comment\n1   7999   1 mass  -\n"


def test_operator_states_and_documents_of_senders_are_shown(run: Runner) -> None:
    rows = [{"sender": "MyShop", "mts_step": "2", "id": "5", "files": [{"file": "a.pdf", "fstatus": 1}]}]
    done = run("senders", "list", "--operators", answers={"sender_get": rows})
    assert "2 allowed" in done.out
    assert "file a.pdf fstatus 1" in done.out


def test_a_list_of_nothing_is_no_failure(run: Runner) -> None:
    nothing = Failure(3, "", None)
    assert run("contacts", "list", answers={"phone_get": nothing})[:2] == (0, "none\n")
    assert run("contacts", "list", "--mail", "--json", answers={"mail_get": nothing})[:2] == (0, "[]\n")
    assert run("sub-clients", "details", answers={"user_stat_all": nothing})[:2] == (0, "none\n")
    assert run("templates", "delete", "5", answers={"tpl_del": nothing}).code == 1
    assert run("operator", "7999", answers={"operator": nothing}).code == 1


def test_one_mailing_list_is_a_record(run: Runner) -> None:
    done = run("jobs", "show", "5", answers={"job_get": [{"id": 5, "phones_cnt": 3}]})
    assert done.out == "id            5\nphones count  3\n"


def test_json_is_the_canonical_value(run: Runner) -> None:
    rows = [{"id": 1, "name": "Duty", "number": 777, "cnt": "3"}]
    done = run("groups", "list", "--json", answers={"phone_group_get": rows})
    assert json.loads(done.out) == rows


def test_a_list_is_saved_in_place_of_being_shown(run: Runner, tmp_path: Path) -> None:
    rows = [{"phone": "7999", "name": "=cmd"}]
    path = tmp_path / "contacts.csv"
    done = run("contacts", "list", "--output", str(path), answers={"phone_get": rows})
    assert done.out == f"1 saved in {path}\n"
    assert path.read_text("utf-8-sig") == "phone,name\n7999,'=cmd\n"
    done = run("contacts", "list", "--output", str(path), "--force", "--json", answers={"phone_get": rows})
    assert json.loads(done.out) == {"file": str(path), "records": 1}


def test_a_file_that_cannot_be_written_is_told_before_anything_is_asked(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text("mine")
    done = run("contacts", "list", "--output", str(path), answers={"phone_get": []})
    assert (done.code, done.calls) == (2, [])
    assert "is there already" in done.err
