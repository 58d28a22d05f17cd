"""`smsc-gateway preview`: what it shows is what would be sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.core.passwords import hash_password

VECTORS = Path(__file__).parents[2] / "vectors" / "mail"

CONFIG = """\
listeners: {{smtp: [{{address: '127.0.0.1:2525'}}]}}
mail: {{domains: [sms.example.org]}}
accounts:
  - system_id: plain
    password_hash: {hash}
  - system_id: mail
    password_hash: {hash}
    max_segments: 2
    mail: {{subject: '', over_limit: reject}}
connectors: [{{name: up, address: '127.0.0.1:1', system_id: g, password: p}}]
routes: [{{connectors: [up]}}]
"""


def mail(tmp_path: Path, text: str = "hello", head: str = "Subject: Alert\n") -> str:
    path = tmp_path / "mail.eml"
    path.write_text(f"From: a@example.org\n{head}\n{text}\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(hash=hash_password("pw")))
    return str(path)


def test_the_segments_the_alphabet_the_cost_and_the_reasons_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = "Subject: Alert\nImportance: high\nAuto-Submitted: auto-generated\n"
    assert main(["preview", "--defaults", mail(tmp_path, "ёж " * 40, head)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["charset", "utf-8"]
    assert "subject      written as '{subject}: ' (option subject)" in lines
    assert "alphabet     UCS-2 because of “ё” (U+0451) at character 8" in lines
    assert "cost         2 segments for each recipient, of at most 4" in lines
    assert any(line.startswith("priority") for line in lines)
    assert any(line.startswith("report       none will be written") for line in lines)
    assert lines.index("SMS 1 of 2, 67 characters") < lines.index("SMS 2 of 2, 59 characters")
    shown = "".join(line[4:] for line in lines if line.startswith("  | "))
    assert shown == "Alert: " + ("ёж " * 40).strip()


@pytest.mark.parametrize("name", ["gmail-reply", "koi8-r", "logwatch", "html-newsletter"])
def test_json_holds_the_text_that_the_vectors_expect(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", "--defaults", "--json", str(VECTORS / f"{name}.eml")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sent"] is True
    assert found["segments"] == len(found["texts"])
    expected = (VECTORS / f"{name}.sms").read_text(encoding="utf-8").rstrip("\n")
    assert "".join(found["texts"]).removesuffix("...")[:300] == expected[:300]


def test_the_options_of_an_account_count(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["preview", mail(tmp_path), "--config", config]) == 0
    assert "  | hello" in capsys.readouterr().out.splitlines()
    assert main(["preview", mail(tmp_path, "x" * 400), "--config", config, "--account", "mail"]) == 1
    assert capsys.readouterr().out.startswith("refused: 554 5.2.3 ")
    with_less = ["--to", "/id=79991234567/maxpages=1/@sms.example.org"]
    assert main(["preview", mail(tmp_path, "x" * 200), "--config", config, *with_less]) == 1
    assert main(["preview", mail(tmp_path, "x" * 200), "--config", config]) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--account", "plain"], "there is no account 'plain' with a mail section"),
        (["--to", "nobody"], "--to nobody is no mail address"),
    ],
)
def test_what_cannot_be_previewed_is_said(
    arguments: list[str], words: str, tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["preview", mail(tmp_path), "--config", config, *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", "--defaults", "nowhere.eml"]) == 1
    assert "nowhere.eml cannot be read: No such file" in capsys.readouterr().err


def test_mails_that_are_refused_give_the_reply(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", "--defaults", "--json", mail(tmp_path, "", "")]) == 1
    assert json.loads(capsys.readouterr().out)["code"] == "554 5.6.0"
    assert main(["preview", "--defaults", str(VECTORS / "bounce-postfix.eml")]) == 1
    assert capsys.readouterr().out.startswith("refused: 554 5.7.1 ")


def test_control_characters_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["preview", "--defaults", mail(tmp_path, "red \x1b[31m \u202e text")]) == 0
    assert "\x1b" not in capsys.readouterr().out
