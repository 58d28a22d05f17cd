"""Every command of `smsc-gateway smsc` against the simulated service over HTTP: for people and as JSON."""

from __future__ import annotations

import csv
import itertools
import json
import re
import shlex
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from http_simulator import running

from gateway.__main__ import main
from gateway.cli.smsc import records
from gateway.cli.smsc.commands import COMMANDS
from gateway.simulator.smsc_http import downloads, wait_call
from gateway.simulator.smsc_http.server import HttpSimulator
from gateway.simulator.smsc_http.settings import HttpSettings

CONFIG = """\
listeners: {{smpp: [{{address: 127.0.0.1:2775}}]}}
accounts:
  - system_id: app
    password_hash: scrypt$15$8$1$dmVjdG9yLXNhbHQtMDAwMQ==$0VzBzFwXWYHFIY74QcIFfpC4huEdnm7tfl1Lb5gkmQQ=
smsc_connectors:
  - {{name: centre, url: '{url}', login: gateway, password: {password}, timeout_s: {timeout_s}}}
routes: [{{connectors: [centre]}}]
"""
PDF, PNG = b"%PDF-", b"\x89PNG"


class Case(NamedTuple):
    """`words` with {n}, which no other run has, and {0} and {last}: ids that the first and the last of
    `before` answered.

    For people the output has every one of `shown`; the first record of the JSON has these members.
    """

    words: str
    shown: tuple[str, ...]
    record: Mapping[str, object]
    before: tuple[str, ...] = ()


OK = {"result": "OK"}
SEND = "send --to 79991{n} --text Hello{n} --id {n}"
CONTACT = "contacts add 79992{n} --name Duty{n} --group {0}"
USER = "sub-clients add branch{n} --password-file password.txt"
INVOICE = "documents new-invoice 500 --user branch{n} --output {n}-first.pdf"
SENDER = "senders add Shop{n} --comment ours"
CASES = {
    "balance": Case("balance", ("balance   ", "currency  RUR"), {"currency": "RUR"}),
    "send": Case(f"{SEND} --op", ("id       {n}\ncount    1", "-1 waiting"), {"id": "{n}", "cnt": 1}),
    "status": Case("status {n}:79991{n} --all 1", ("message", "Hello{n}"), {"message": "Hello{n}"}, (SEND,)),
    "delete": Case("delete {n}:79991{n}", ("deleted",), {"result": "deleted"}, (SEND,)),
    "history": Case("history --to 79991{n}", ("Hello{n}",), {"phone": "79991{n}"}, (SEND,)),
    "incoming": Case("incoming --hours 24 --to 79990000888", ("Hi there",), {"phone": "79990001122"}),
    "statistics": Case("statistics --start 2024-01-01", ("gateway",), {"login": "gateway"}),
    "prices": Case("prices", ("zone  name", "by operator", "a mail"), {}),
    "operator": Case("operator 79991234567 442030000201", ("Russia", "United Kingdom"), {"mcc": "250"}),
    "short-link": Case(
        "short-link --link https://example.org/{n}",
        ("count day",),
        {"cnt": "0"},
        ("send --to 79991{n} --text https://example.org/{n} --short-links",),
    ),
    "contacts list": Case(
        "contacts list --group {0}", ("Duty{n}",), {"name": "Duty{n}"}, ("groups add Old{n}", CONTACT)
    ),
    "contacts add": Case(CONTACT, ("id  ",), {}, ("groups add A{n}",)),
    "contacts change": Case(
        "contacts change 79992{n} --comment new", ("done",), OK, ("groups add B{n}", CONTACT)
    ),
    "contacts delete": Case("contacts delete 79992{n}", ("done",), OK, ("groups add C{n}", CONTACT)),
    **{
        f"contacts {verb}": Case(
            f"contacts {verb} {{0}} 79992{{n}}", ("done",), OK, (f"groups add {verb}{{n}}", *more)
        )
        for verb, more in (
            ("move", ("contacts add 79992{n} --name Duty{n}",)),
            ("join", ("contacts add 79992{n} --name Duty{n}",)),
            ("leave", (CONTACT,)),
        )
    },
    "groups list": Case("groups list", ("Shift",), {}, ("groups add Shift{n}",)),
    "groups add": Case("groups add E{n} --number {n}", ("id  ",), {}),
    "groups change": Case("groups change {0} F{n}", ("done",), OK, ("groups add G{n}",)),
    "groups delete": Case("groups delete {0}", ("done",), OK, ("groups add H{n}",)),
    "blacklist list": Case(
        "blacklist list --count 1", ("1 mass",), {"type": 1}, ("blacklist add 79993{n} --type mass",)
    ),
    "blacklist add": Case("blacklist add 79993{n}", ("id  ",), {}),
    "blacklist delete": Case("blacklist delete 79993{n}", ("done",), OK, ("blacklist add 79993{n}",)),
    "jobs add": Case("jobs add L{n} --to 79994{n} --text Hi --cost", ("cost  1",), {"cost": "1.40"}),
    "jobs list": Case("jobs list", ("phones count",), {}, ("jobs add M{n} --to 79994{n} --text Hi",)),
    "jobs show": Case(
        "jobs show {0}", ("name          N{n}\n",), {"name": "N{n}"}, ("jobs add N{n} --to 7999 --text Hi",)
    ),
    "jobs cancel": Case(
        "jobs cancel {0}", ("done",), OK, ("jobs add O{n} --to 79994{n} --text Hi --at +60",)
    ),
    "jobs delete": Case("jobs delete {0}", ("done",), OK, ("jobs add P{n} --to 79994{n} --text Hi",)),
    "sub-clients add": Case(USER, ("id  ",), {}),
    "sub-clients change": Case("sub-clients change branch{n} --no-smpp", ("done",), OK, (USER,)),
    "sub-clients pay": Case("sub-clients pay branch{n} 5", ("done",), OK, (USER,)),
    "sub-clients statistics": Case(
        "sub-clients statistics --reseller --user branch{n}", ("branch{n}",), {"login": "branch{n}"}, (USER,)
    ),
    "sub-clients details": Case("sub-clients details", ("description",), {}, (USER,)),
    "documents new-invoice": Case(
        "documents new-invoice 500 --user branch{n} --output {n}.pdf",
        ("sum     500.00", "{n}.pdf"),
        {"sum": "500.00", "file": "{n}.pdf"},
        (USER,),
    ),
    "documents invoice": Case(
        "documents invoice {last} --user branch{n} --output {n}.pdf",
        ("octets",),
        {"file": "{n}.pdf"},
        (USER, INVOICE),
    ),
    "documents act": Case(
        "documents act --id {last} --user branch{n} --output {n}.pdf",
        ("octets",),
        {"file": "{n}.pdf"},
        (USER, INVOICE),
    ),
    "senders list": Case("senders list --all", ("SMSC",), {"status": 1}),
    "senders add": Case(
        "senders add Shop{n} --document licence.pdf --document-info licence", ("sender  ",), {}
    ),
    "senders change": Case("senders change --name Shop{n} --mts-step", ("done",), OK, (SENDER,)),
    "senders delete": Case("senders delete --name Shop{n}", ("done",), OK, (SENDER,)),
    "senders code": Case("senders code 79995{n}", ("done",), OK, ("senders add 79995{n}",)),
    "senders check": Case(
        "senders check 79995{n} {code}", ("done",), OK, ("senders add 79995{n}", "senders code 79995{n}")
    ),
    "templates list": Case("templates list", ("Text",), {"message": "Text"}, ("templates add Q Text",)),
    "templates add": Case("templates add R{n} Text --format sms --signature", ("id  ",), {}),
    "templates change": Case("templates change {0} --name S{n}", ("done",), OK, ("templates add T Text",)),
    "templates delete": Case("templates delete {0}", ("done",), OK, ("templates add U Text",)),
    "operator-templates add": Case(
        "operator-templates add SMSC 'Code {n}' --mts-auth", ("mts_auth  1 added",), {"mts_auth": 1}
    ),
    "operator-templates list": Case("operator-templates list SMSC 'Code {n}' --mts-auth", ("mts_auth",), {}),
    "notify": Case("notify 1 --host db1 --info full", ("done",), OK),
    "numbers list": Case("numbers list", ("1 virtual",), {"type": 1}),
    "numbers rent": Case("numbers rent 7999000010{k}", ("cost  ",), {}),
    "numbers change": Case("numbers change 79990000103 --renewal off", ("done",), OK),
    "wait-call": Case("wait-call 79996{n} --wait", ("confirmed: the call came",), {"confirmed": True}),
    "downloads list": Case("downloads list", ("messages-",), {"id": 1}),
    "downloads fetch": Case(
        "downloads fetch --id 1 --output {n}.csv", ("octets",), {"file": "{n}.csv"}, ("downloads list",)
    ),
    "captcha": Case("captcha --output {n}.png", ("octets",), {"file": "{n}.png"}),
}
CONTENTS = {"documents": PDF, "captcha": PNG, "downloads": b"id;phone;"}
_numbers = itertools.count(100_001)


@pytest.fixture(scope="module")
def service() -> Iterator[HttpSimulator]:
    settings = HttpSettings(login="gateway", password="hidden-1", limits=0, balance="100000", flood_max=0)
    with running(settings) as simulator:
        simulator.service.life.receive("79990001122", "79990000888", "Hi there", time.time(), None)
        simulator.service.office.HANDLERS["rcv_buy"]({"phone": "79990000103"}, time.time())
        yield simulator


class Shell:
    """Runs commands in a folder with a configuration."""

    def __init__(
        self, url: str, capsys: pytest.CaptureFixture[str], password: str = "hidden-1", timeout_s: float = 10
    ) -> None:
        Path("config.yaml").write_text(CONFIG.format(url=url, password=password, timeout_s=timeout_s))
        Path("config.yaml").chmod(0o600)
        Path("password.txt").write_text("Abcdefg1\n")
        Path("licence.pdf").write_bytes(PDF)
        self._capsys = capsys

    def __call__(self, words: str, *more: str) -> tuple[int, str, str]:
        code = main(["smsc", "--config", "config.yaml", *shlex.split(words), *more])
        streams = self._capsys.readouterr()
        assert "hidden" not in streams.out + streams.err
        return code, streams.out, streams.err

    def json(self, words: str) -> Any:
        code, out, err = self(words, "--json")
        assert code == 0, (words, err)
        return json.loads(out)


@pytest.fixture
def shell(
    service: HttpSimulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(downloads, "RUNS_AFTER_S", 0.0)
    monkeypatch.setattr(downloads, "DONE_AFTER_S", 0.0)
    monkeypatch.setattr(wait_call, "CALL_AFTER_S", 0.0)
    return Shell(service.url, capsys)


def fill(text: str, names: Mapping[str, object]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: str(names[found[1]]), text)


def first(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value


@pytest.mark.parametrize("as_json", [False, True], ids=["people", "json"])
@pytest.mark.parametrize("name", CASES)
def test_a_command_does_what_it_says(shell: Shell, name: str, as_json: bool) -> None:
    case = CASES[name]
    names: dict[str, object] = {"n": next(_numbers), "k": 1 + as_json}
    for words in case.before:
        value = first(shell.json(fill(words, names)))
        names["last"] = value.get("id")
        names.setdefault("0", names["last"])
    if "{code}" in case.words:
        [message] = shell.json(f"history --to 79995{names['n']}")
        names["code"] = re.findall(r"\d{6}", message["message"])[0]
    words = fill(case.words, names)
    if as_json:
        record = first(shell.json(words))
        assert {key: str(value) for key, value in record.items()}.items() >= {
            (key, fill(str(value), names)) for key, value in case.record.items()
        }
    else:
        code, out, err = shell(words)
        assert (code, err) == (0, "")
        for shown in case.shown:
            assert fill(shown, names) in out
        assert "\t" not in out
    if "--output" in words:
        start = CONTENTS[name.split()[0]]
        assert Path(words.rpartition("--output ")[2]).read_bytes().startswith(start)


def test_every_command_is_run_here() -> None:
    assert set(CASES) == set(COMMANDS)


KINDS = {
    "flash": "--text Hi --flash",
    "push": "--text 'http://example.org\nTitle' --push",
    "hlr": "--hlr",
    "ping": "--ping",
    "mms": "--mms --subject Hi --file licence.pdf",
    "viber": "--text Hi --viber --short-links",
    "whatsapp": "--text Hi --whatsapp",
    "soc": "--text Hi --soc",
    "bot": "--text Hi --bot @my_bot --confirm-days 25",
    "call": "--text Hi --call --voice w,en --ring 20,10,3",
    "binary": "--binary 050A0307056048656C6C6F --udh --pid 0 --dcs 4",
    "later": "--text Hi --at +60 --valid 12 --comment mine --translit latin",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_message_is_taken(shell: Shell, kind: str) -> None:
    number = next(_numbers)
    Path("licence.pdf").rename("picture.jpg")
    words = KINDS[kind].replace("licence.pdf", "picture.jpg")
    sent = shell.json(f"send --to 79997{number} {words}")
    assert sent["id"]
    assert shell.json(f"status {sent['id']}:79997{number} --all 1")["status"] in (-1, 0, 1)


def test_a_mail_is_sent_and_found_in_the_history_of_mails(shell: Shell) -> None:
    number = next(_numbers)
    words = f"--to a{number}@example.org --text Hi --email --subject Re --from me@example.org"
    sent = shell.json(f"send {words}")
    [mail] = shell.json(f"history --email --email-to a{number}@example.org")
    assert (mail["id"], mail["format"]) == (sent["id"], 8)


def test_a_list_is_sent_in_one_request(shell: Shell) -> None:
    number = next(_numbers)
    Path("list").write_text(f"79998{number}:One\n79997{number}:Two\\nlines\n")
    code, out, err = shell(f"send --list list --id {number} --op")
    assert (code, err) == (0, "")
    messages = shell.json(f"history --to 79998{number},79997{number}")
    assert {row["message"] for row in messages} == {"One", "Two\nlines"}
    [first_one, second] = shell.json(f"status {number}:79998{number},79997{number}")
    assert (first_one["id"], second["id"]) == (number, number)
    [command] = re.findall(r"smsc-gateway smsc (status .*)", out)
    assert shell(command)[0] == 0


def test_a_history_of_many_pages_is_saved_whole(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    number = next(_numbers)
    for text in ("=1+1", "two", "three"):
        shell.json(f"send --to 79998{number} --text {text}")
    monkeypatch.setattr(records, "PAGE", 2)
    code, out, err = shell(f"history --to 79998{number} --output history.csv")
    assert (code, out, err) == (0, "3 saved in history.csv\n", "")
    rows = list(csv.DictReader(Path("history.csv").read_text("utf-8-sig").splitlines()))
    assert [row["message"] for row in rows] == ["three", "two", "'=1+1"]


def test_a_wrong_password_is_told_without_it(
    service: HttpSimulator, shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = Shell(service.url, capsys, password="hidden-2")
    code, out, err = wrong("balance")
    assert (code, out) == (1, "")
    assert err.startswith("smsc-gateway smsc: wrong login or password, or address not allowed (error 2 of")


def test_too_many_requests_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with running(HttpSettings(login="gateway", password="hidden-1")) as strict:
        shell = Shell(strict.url, capsys)
        assert shell("send --to 79991234567 --text Hi --id 5")[0] == 0
        code, out, err = shell("send --to 79991234567 --text Hi --id 5")
    assert (code, out) == (1, "")
    assert "error 9 of send.php" in err
    assert "wait a minute" in err


def test_an_answer_that_never_comes_leaves_a_message_that_can_be_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with running(HttpSettings(login="gateway", password="hidden-1", faults="send.timeout=100%")) as mute:
        shell = Shell(mute.url, capsys, timeout_s=0.3)
        code, out, err = shell("send --to 79991234567 --text Hi")
        assert (code, out) == (1, "")
        assert "The message may have been accepted" in err
        [command] = re.findall(r"smsc-gateway smsc (status .*)", err)
        assert shell.json(command)["status"] in (-1, 0, 1)


def test_a_service_that_is_not_there_got_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with running(HttpSettings()) as gone:
        url = gone.url
    code, out, err = Shell(url, capsys)("send --to 79991234567 --text Hi")
    assert (code, out) == (1, "")
    assert "nothing was sent" in err
    assert "may have been accepted" not in err
