"""smsc-gateway check-config."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.core.passwords import hash_password

VECTORS = Path(__file__).parents[2] / "vectors" / "config"


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    return Path(shutil.copy(VECTORS / "bad" / "unknown-option.yaml", tmp_path))


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return Path(shutil.copy(VECTORS / "good" / "minimal.yaml", tmp_path))


def test_mistakes_go_to_standard_error(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", "--config", str(bad)]) == 78
    streams = capsys.readouterr()
    assert streams.out == ""
    lines = streams.err.splitlines()
    assert lines[0] == f"{bad}:3:22: accounts[0].windw: is not an option – did you mean window?"
    assert len(lines) == 3


def test_mistakes_as_json(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", "--config", str(bad), "--json"]) == 78
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    assert answer["problems"][0] == {
        "file": str(bad),
        "line": 3,
        "column": 22,
        "key": "accounts[0].windw",
        "text": "is not an option",
        "fix": "did you mean window?",
    }


def test_ok_comes_with_a_summary(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", "--config", str(good)]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["ok"],
        ["listeners", "1", "smpp", "127.0.0.1:2775"],
        ["accounts", "1", "app"],
        ["connectors", "1", "up", "127.0.0.1:2776"],
        ["routes", "1", "*", "to", "up"],
    ]


def test_the_summary_tells_of_the_pages(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    user = f"{{name: ann, role: operator, password_hash: {hash_password('q7-Kf2pw')}}}"
    good.write_text(good.read_text() + f"web: {{address: '127.0.0.1:8090', users: [{user}]}}\n")
    assert main(["check-config", "--config", str(good)]) == 0
    assert "pages 127.0.0.1:8090" in capsys.readouterr().out.splitlines()[1]


def test_ok_as_json_holds_no_secret(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", "--config", str(good), "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out) == {
        "ok": True,
        "warnings": [],
        "listeners": ["smpp 127.0.0.1:2775"],
        "accounts": ["app"],
        "connectors": ["up 127.0.0.1:2776"],
        "routes": ["* to up"],
        "mail": [],
        "incoming": [],
    }
    assert "secret" not in out
    assert "scrypt" not in out


def test_the_summary_tells_of_mail(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = good.read_text().replace("{smpp: ", "{lmtp: [{path: lmtp, account: app}], smtp: ")
    text = text.replace("system_id: app", "system_id: app, mail: {}")
    mail = "mail: {domains: [sms.example.org], smarthost: {address: '127.0.0.1:25'}}\n"
    rules = ["{number: 1234, keyword: STOP, account: app}", "{account: app, mail: [a@example.org]}"]
    good.write_text(f"{text}{mail}incoming: [{', '.join(rules)}]\n")
    assert main(["check-config", "--config", str(good)]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[1] == f"listeners 2 smtp 127.0.0.1:2775, lmtp {good.parent}/lmtp"
    assert lines[5:] == [
        "mail 1 sms.example.org",
        "incoming 2 1234 STOP to app, * to app and a@example.org",
    ]


def test_a_missing_file_is_a_bad_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", "--config", str(tmp_path / "none.yaml")]) == 78
    assert "none.yaml:1:1: cannot be read: " in capsys.readouterr().err


def test_the_summary_tells_of_services_over_http(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = good.read_text().replace(
        "2775}]}", "2775}], callbacks: [{address: 127.0.0.1:8080}], http: [{address: 127.0.0.1:8081}]}"
    )
    service = "{name: centre, url: 'https://smscentre.com', api_key: hunter2}"
    good.write_text(text + f"smsc_connectors: [{service}]\n")
    good.chmod(0o640)
    assert main(["check-config", "--config", str(good)]) == 0
    out = capsys.readouterr().out
    lines = [line.split(maxsplit=2) for line in out.splitlines()]
    listeners = "smpp 127.0.0.1:2775, callbacks 127.0.0.1:8080, http 127.0.0.1:8081"
    assert ["listeners", "3", listeners] in lines
    assert ["connectors", "2", "up 127.0.0.1:2776, centre https://smscentre.com"] in lines
    assert "hunter2" not in out


@pytest.fixture
def odd(good: Path) -> Path:
    """With a connector that nobody uses."""
    spare = "  - {name: spare, address: 127.0.0.1:2777, system_id: gw, password: secret}\nroutes:"
    good.write_text(good.read_text().replace("routes:", spare))
    return good


def test_warnings_come_beside_ok(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", "--config", str(odd)]) == 0
    streams = capsys.readouterr()
    assert streams.out.startswith("ok\n")
    [line] = streams.err.splitlines()
    expected = "connectors[1].name: warning: no route names 'spare' – name it in a route, or remove it"
    assert line.startswith(f"{odd}:")
    assert line.endswith(expected)


def test_strict_takes_warnings_for_mistakes(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", "--config", str(odd), "--strict"]) == 78
    assert not capsys.readouterr().out.startswith("ok")
    assert main(["check-config", "--config", str(odd), "--strict", "--json"]) == 78
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    [warning] = answer["warnings"]
    assert (warning["key"], warning["text"]) == ("connectors[1].name", "no route names 'spare'")


def test_strict_is_content_without_warnings(good: Path) -> None:
    assert main(["check-config", "--config", str(good), "--strict"]) == 0


def test_routes_that_no_message_reaches_are_told(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head, _, _ = good.read_text().partition("routes:")
    routes = (
        "routes:\n"
        "  - {name: first, connectors: [up], priority: 1}\n"
        "  - {name: hidden, prefix: 7, hours: 9-21, connectors: [up]}\n"
        "  - {name: seen, prefix: 8, priority: 2, connectors: [up]}\n"
    )
    good.write_text(head + routes)
    assert main(["check-config", "--config", str(good)]) == 0
    line = head.count("\n") + 2
    where = f"{good}:{line + 1}:5: routes[1]: warning: no message can reach it: "
    expected = f"{where}'first' in {good.name} line {line} always holds before it – "
    [warning] = capsys.readouterr().err.splitlines()
    assert warning.startswith(expected)
    assert main(["check-config", "--config", str(good), "--strict"]) == 78
