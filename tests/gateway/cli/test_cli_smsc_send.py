"""Messages by hand: what is asked of the service, and what is said about what it answers."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from smsc_command import Done, Runner

from gateway.egress.smsc_http.client import NoAnswer
from protocols.smsc_http.answers import Failure
from protocols.smsc_http.requests import File

SENT = {"id": 1234, "cnt": 1, "cost": "1.40", "balance": "98.60"}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(monkeypatch, capsys)


def sent(run: Runner, *words: str) -> Done:
    return run("send", *words, answers={"send": SENT, "cost": {"cost": "1.40", "cnt": 1}})


def params(run: Runner, *words: str) -> dict[str, str]:
    [call] = sent(run, "--id", "1234", *words).calls
    return {name: value for name, value in call.params.items() if name not in ("id", "cost")}


def test_send_shows_id_count_cost_balance_and_how_to_go_on(run: Runner) -> None:
    done = sent(run, "--to", "+79991234567", "--text", "Hello", "--id", "1234")
    assert done.code == 0
    assert done.out.splitlines() == [
        "id       1234",
        "count    1",
        "cost     1.40",
        "balance  98.60",
        "",
        "what becomes of it: smsc-gateway smsc status 1234:79991234567",
    ]
    [call] = done.calls
    assert call.operation == "send"
    assert call.params == {"phones": "+79991234567", "mes": "Hello", "id": "1234", "cost": "3"}


def test_each_message_has_an_id_of_ours(run: Runner) -> None:
    ids = {sent(run, "--to", "7999", "--text", "x").calls[0].params["id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(1 <= int(id_) <= 2_147_483_647 for id_ in ids)


def test_cost_sends_nothing(run: Runner) -> None:
    done = sent(run, "--to", "7999", "--text", "x", "--cost")
    assert done.out == "cost   1.40\ncount  1\n"
    [call] = done.calls
    assert (call.operation, call.params["cost"]) == ("cost", "1")
    assert "id" not in call.params


def test_op_shows_a_row_for_each_number(run: Runner) -> None:
    numbers = [
        {"phone": "7999", "mccmnc": "25001", "cost": "1.40", "status": "-1", "error": "0"},
        {"phone": "7998", "mccmnc": "25002", "cost": "0", "status": "20", "error": "254"},
    ]
    done = run(
        "send", "--to", "7999,7998", "--text", "x", "--op", answers={"send": {**SENT, "phones": numbers}}
    )
    assert done.calls[0].params["op"] == "1"
    assert "7999   25001   1.40  -1 waiting" in done.out
    assert "20 cannot be delivered  254 unregistered sender" in done.out


def test_json_is_the_answer(run: Runner) -> None:
    assert json.loads(sent(run, "--to", "7999", "--text", "x", "--json").out) == SENT


def test_a_send_without_an_answer_says_how_to_find_out(run: Runner) -> None:
    words = ["send", "--to", "+7999,7998", "--text", "x", "--id", "abc-1", "--connector", "centre"]
    done = run(*words, answers={"send": NoAnswer("no answer within 30 s")})
    assert (done.code, done.out) == (1, "")
    assert "The message may have been accepted" in done.err
    assert "  smsc-gateway smsc status --connector centre abc-1:7999,7998\n" in done.err


def test_a_group_is_looked_up_in_the_history(run: Runner) -> None:
    done = run("send", "--to", "G777", "--text", "x", answers={"send": NoAnswer("HTTP 502")})
    assert "  smsc-gateway smsc history\n" in done.err


def test_a_refused_message_that_is_registered_says_where(run: Runner) -> None:
    words = ["send", "--to", "7999", "--text", "x", "--id", "5"]
    done = run(*words, answers={"send": Failure(6, "message is denied", 5)})
    assert done.code == 1
    assert "message forbidden" in done.err
    assert "smsc-gateway smsc status 5:7999" in done.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--hlr"], {"hlr": "1"}),
        (["--ping"], {"ping": "1"}),
        (["--text", "x", "--flash", "--translit", "lookalike"], {"mes": "x", "flash": "1", "translit": "2"}),
        (["--text", "http://a\nb", "--push"], {"mes": "http://a\nb", "push": "1"}),
        (
            ["--text", "x", "--call", "--voice", "w2,en", "--ring", "20,10,3"],
            {"mes": "x", "call": "1", "voice": "w2,en", "param": "20,10,3"},
        ),
        (["--call", "--file-url", "http://a/b.wav"], {"call": "1", "fileurl": "http://a/b.wav"}),
        (["--text", "x", "--viber", "--short-links"], {"mes": "x", "viber": "1", "tinyurl": "1"}),
        (["--text", "x", "--whatsapp"], {"mes": "x", "whatsapp": "1"}),
        (["--text", "x", "--soc"], {"mes": "x", "soc": "1"}),
        (
            ["--text", "x", "--bot", "@my_bot", "--confirm-days", "25"],
            {"mes": "x", "bot": "@my_bot", "smsreq": "25"},
        ),
        (["--mms", "--subject", "Hi"], {"mms": "1", "subj": "Hi"}),
        (
            ["--text", "x", "--email", "--subject", "Hi", "--from", "a@example.org"],
            {"mes": "x", "mail": "1", "subj": "Hi", "sender": "a@example.org"},
        ),
        (["--text", "x", "--comment", "mine"], {"mes": "x\n~~~\nmine"}),
        (
            ["--text", "x", "--at", "+5", "--tz", "-1", "--spread", "2", "--every", "30", "--valid", "01:30"],
            {"mes": "x", "time": "+5", "tz": "-1", "period": "2", "freq": "30", "valid": "01:30"},
        ),
        (
            [
                "--text",
                "x",
                "--max-parts",
                "2",
                "--captcha",
                "77",
                "--user-ip",
                "192.0.2.1",
                "--partner",
                "9",
            ],
            {"mes": "x", "maxsms": "2", "imgcode": "77", "userip": "192.0.2.1", "pp": "9"},
        ),
        (["--binary", "C0FFEE"], {"bin": "2", "mes": "00C0FFEE"}),
        (["--binary", "0605040b8423f0dc", "--udh"], {"bin": "2", "mes": "0605040B8423F0DC"}),
        (
            ["--binary", "C0", "--pid", "0x7f", "--dcs", "246"],
            {"bin": "2", "mes": "00C0\n~~~\npid: 127, dcs: 246"},
        ),
    ],
)
def test_every_kind_of_message_is_asked_for(run: Runner, words: list[str], expected: dict[str, str]) -> None:
    assert params(run, "--to", "7999", *words) == {"phones": "7999", **expected}


def test_recipients_may_be_repeated(run: Runner) -> None:
    assert params(run, "--to", "7999", "--to", "7998,G7", "--text", "x")["phones"] == "7999,7998,G7"


def test_text_may_come_from_a_file_or_standard_input(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "text"
    path.write_bytes("Строка\r\nвторая\r\n".encode())
    assert params(run, "--to", "7999", "--text-file", str(path))["mes"] == "Строка\nвторая"
    monkeypatch.setattr("sys.stdin", io.StringIO("piped\n"))
    assert params(run, "--to", "7999", "--text-file", "-")["mes"] == "piped"


def test_a_list_goes_as_one_request(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("79991234567:Hello\nMyShop|79997654321:Hello\\nworld\n")
    done = sent(run, "--list", str(path), "--id", "7")
    assert done.calls[0].params["list"] == "79991234567:Hello\nMyShop|79997654321:Hello\\nworld\n"
    assert "smsc status 7:79991234567,79997654321" in done.out
    assert "nl" not in done.calls[0].params
    assert params(run, "--list", str(path), "--multiline")["nl"] == "1"


def test_files_go_along(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "voice.wav"
    path.write_bytes(b"RIFF")
    done = sent(run, "--to", "7999", "--call", "--file", str(path))
    assert done.calls[0].files == (File("voice.wav", b"RIFF"),)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--text", "x"], "whom to?"),
        (["--to", "7999"], "give --text"),
        (["--to", "7999", "--binary", "XY"], "--binary takes hex digits"),
        (["--to", "7999", "--binary", "00", "--udh", "--pid", "x"], "--binary takes hex digits"),
        (["--to", "7999", "--binary", "FF00", "--udh"], "begins with its header's length"),
        (["--to", "7999", "--text", "a\n~~~\nb", "--comment", "c"], "three tildes"),
    ],
)
def test_what_cannot_be_sent_is_wrong_usage(run: Runner, words: list[str], said: str) -> None:
    done = sent(run, *words)
    assert (done.code, done.calls) == (2, [])
    assert said in done.err


def test_an_empty_list_is_wrong_usage(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "list").write_text("\n")
    done = sent(run, "--list", str(tmp_path / "list"))
    assert (done.code, done.calls) == (2, [])


def test_status_of_one_message_is_a_record_in_words(run: Runner) -> None:
    value = {"status": 20, "last_date": "01.02.2024 10:00:00", "last_timestamp": 1, "flag": 0, "err": 1}
    done = run("status", "1234:79991234567", answers={"status": value})
    assert done.calls[0].params == {"id": "1234", "phone": "79991234567"}
    assert "status          20 cannot be delivered\n" in done.out
    assert "err             1 subscriber does not exist\n" in done.out


def test_status_of_several_is_a_table(run: Runner) -> None:
    rows = [{"status": 1, "id": 1, "phone": "7999"}, {"status": -3, "id": 2, "phone": "a@example.org"}]
    done = run("status", "1:7999", "2:a@example.org", "--all", "1", answers={"status": rows})
    assert done.calls[0].params == {"id": "1,2", "phone": "7999,a@example.org", "all": "1"}
    assert done.out.splitlines()[1:] == ["1 delivered   1   7999", "-3 not found  2   a@example.org"]
    assert run("status", "1:7999,7998", answers={"status": rows}).calls[0].params["id"] == "1,1"


def test_status_as_json_and_file_keeps_the_numbers(run: Runner, tmp_path: Path) -> None:
    value = {"status": 1, "err": 0}
    assert json.loads(run("status", "1:7999", "--json", answers={"status": value}).out) == value
    path = tmp_path / "status.csv"
    done = run("status", "1:7999", "--output", str(path), answers={"status": value})
    assert done.out == f"1 saved in {path}\n"
    assert path.read_text("utf-8-sig") == "status,err\n1,0\n"


@pytest.mark.parametrize("word", ["1234", "1234:", ":7999", "a b:7999"])
def test_what_names_no_message_is_wrong_usage(run: Runner, word: str) -> None:
    done = run("status", word)
    assert (done.code, done.calls) == (2, [])
    assert "is no ID:NUMBER" in done.err


def test_delete_goes_on_after_one_that_is_not_deleted(run: Runner) -> None:
    answers = {"status_delete": (Failure(5, "", None), {"result": "OK"})}
    done = run("delete", "1:7999,7998", answers=answers)
    assert done.code == 1
    assert [call.params for call in done.calls] == [
        {"id": "1", "phone": phone, "del": "1"} for phone in ("7999", "7998")
    ]
    lines = done.out.splitlines()
    assert "message not deleted" in lines[1]
    assert lines[2].split() == ["1", "7998", "deleted"]
    assert run("delete", "1:7999", "--json", answers={"status_delete": {"result": "OK"}}).code == 0


def test_a_mailing_list_takes_what_a_message_takes(run: Runner) -> None:
    done = run(
        *("jobs", "add", "weekly", "--to", "G7", "--text", "{Name}, hello", "--viber", "--repeat", "weekly"),
        *("--times", "4", "--sms-text", "hello", "--sms-from", "MyShop", "--sms-fallback", "--cost"),
        answers={"job_add": {"id": 12, "cost": "5.00"}},
    )
    assert done.out == "id    12\ncost  5.00\n"
    assert done.calls[0].params == {
        "name": "weekly",
        "phones": "G7",
        "mes": "{Name}, hello",
        "viber": "1",
        "rpt": "5",
        "rptn": "4",
        "mes2": "hello",
        "sender2": "MyShop",
        "fl[5]": "1",
        "cost": "1",
    }


def test_a_mailing_list_may_have_a_template_for_its_text(run: Runner) -> None:
    done = run("jobs", "add", "a", "--to", "G7", "--template", "3", answers={"job_add": {"id": 1}})
    assert done.calls[0].params == {"name": "a", "phones": "G7", "tpl": "3"}
