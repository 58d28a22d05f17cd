"""Whatever `smsc-gateway smsc send` is asked for, the simulated service has got just that."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from smsc_shell import Shell, number

from gateway.simulator.smsc_http.model import SentMessage

PHONE, OTHER = "79161234567", "79261234567"
NEW_YEAR = 1_893_445_200.0
"""01.01.2030 00:00 in Moscow."""
HOUR = 3600.0
MENU = "Hello {menu: press a key\n*: back\n1: sms:$phone,MyShop,Hi\n2: end\n} bye"


def told(message: SentMessage, name: str) -> object:
    """Something about a message, among what the service notes of its kind or of every message."""
    extra = message.extra or {}
    return extra[name] if name in extra else getattr(message, name)


CASES: dict[str, tuple[str, Mapping[str, object]]] = {
    "text": ("--text 'Привет, мир'", {"type": 0, "text": "Привет, мир", "sender": "SMSC", "parts": 1}),
    "sender": ("--text Hi --from MyShop", {"sender": "MyShop", "text": "Hi"}),
    "latin": ("--text Привет --translit latin", {"text": "Privet"}),
    "lookalike": ("--text транслит --translit lookalike", {"text": "mpaHc/Ium"}),
    "at digits": ("--text Hi --at 0101300000", {"sent_at": NEW_YEAR}),
    "at dots": ("--text Hi --at '01.01.30 00:00'", {"sent_at": NEW_YEAR}),
    "at a timestamp": ("--text Hi --at 2030-01-01T00:00+03:00", {"sent_at": NEW_YEAR}),
    "in a zone": ("--text Hi --at 0101300000 --tz -3", {"sent_at": NEW_YEAR + 3 * HOUR}),
    "flash": ("--text Hi --flash", {"type": 1, "text": "Hi"}),
    "binary": ("--binary C0FFEE", {"type": 2, "octets": "00C0FFEE"}),
    "binary with a header": (
        "--binary 050A0307056048656C6C6F --udh",
        {"type": 2, "octets": "050A0307056048656C6C6F"},
    ),
    "pid and dcs": ("--binary C0 --pid 0x41 --dcs 245", {"octets": "00C0", "pid": 65, "dcs": 245}),
    "push": ("--text 'http://wap.ru\nWAP.RU' --push", {"type": 3, "text": "http://wap.ru\nWAP.RU"}),
    "hlr": ("--hlr", {"type": 4, "text": "", "sender": "HLR"}),
    "ping": ("--ping", {"type": 5, "text": ""}),
    "mms": (
        "--mms --subject Privet --text Hello --file picture.jpg",
        {"type": 6, "subj": "Privet", "text": "Hello", "files": ["picture.jpg"]},
    ),
    "soc": ("--text Hi --soc", {"type": 12, "text": "Hi"}),
    "viber": ("--text Hi --viber", {"type": 10, "text": "Hi"}),
    "viber button": (
        "--text 'Hi {button,https://example.org,site}' --viber",
        {"type": 10, "text": "Hi {button,https://example.org,site}"},
    ),
    "whatsapp": ("--text Hi --whatsapp", {"kind": "whatsapp", "text": "Hi"}),
    "bot": ("--text Hi --bot @my_bot", {"kind": "bot", "bot": "@my_bot", "text": "Hi"}),
    "confirm days": ("--text Hi --bot @my_bot --confirm-days 25", {"smsreq": "25"}),
    "call": ("--text 'Hello world!' --call", {"type": 7, "text": "Hello world!"}),
    "voice": ("--text Hi --call --voice w,en", {"type": 7, "voice": "w,en"}),
    "ring": ("--text Hi --call --ring 20,30,3", {"wait_s": 20, "interval_s": 30, "attempts": 3}),
    "menu": (f"--text '{MENU}' --call", {"type": 7, "text": MENU}),
    "files": (
        "--text 'Hi <file 1> and <file 2>' --call --file voice.wav --file picture.jpg",
        {"text": "Hi <file 1> and <file 2>", "files": ["voice.wav", "picture.jpg"]},
    ),
    "file url": (
        "--call --file-url http://example.org/voice.wav",
        {"type": 7, "files": ["http://example.org/voice.wav"]},
    ),
    "max parts": (f"--text {'x' * 500} --max-parts 2", {"text": "x" * 306, "parts": 2}),
    "partner": ("--text Hi --partner 501", {"pp": "501"}),
    "comment": ("--text Hi --comment 'order 17'", {"text": "Hi", "comment": "order 17"}),
    "__CALL__": ("--text '__CALL__: Hi'", {"type": 7, "text": "Hi"}),
    "__VIBER__": ("--text '__VIBER__: Hi'", {"type": 10, "text": "Hi"}),
    "__SOC__": ("--text '__SOC__: Hi'", {"type": 12, "text": "Hi"}),
    "__BOT__": ("--text '__BOT__: Hi'", {"kind": "bot", "text": "Hi"}),
    "__PING__": ("--text __PING__", {"type": 5, "text": ""}),
    "__HLR__": ("--text __HLR__", {"type": 4, "text": ""}),
}


@pytest.mark.parametrize("case", CASES)
def test_one_message_is_what_was_asked_for(shell: Shell, case: str) -> None:
    words, expected = CASES[case]
    answer, [message] = shell.send(f"--to {PHONE} {words}")
    assert (answer["id"], answer["cnt"]) == (message.id, message.parts)
    assert message.phone == PHONE
    assert {name: told(message, name) for name in expected} == expected


@pytest.mark.parametrize("to", ["alex_nick", "#1122334455"])
def test_a_bot_writes_to_names_and_numbers_of_its_own(shell: Shell, to: str) -> None:
    _, [message] = shell.send(f"--to '{to}' --text Hi --bot @my_bot")
    assert (message.phone, told(message, "bot")) == (to, "@my_bot")


@pytest.mark.parametrize("words", ["--text Hi --email", "--text '__MAIL__: Hi'"], ids=["email", "__MAIL__"])
def test_a_mail_has_its_subject_and_sender(shell: Shell, words: str) -> None:
    _, [message] = shell.send(f"--to a@example.org {words} --subject News --from me@example.org")
    found = (message.type, message.phone, message.text, message.sender, told(message, "subj"))
    assert found == (8, "a@example.org", "Hi", "me@example.org", "News")


# -- whom to, and when ---------------------------------------------------------------------------------


def test_several_numbers_share_an_id(shell: Shell) -> None:
    answer, messages = shell.send(f"--to {PHONE} --to +{OTHER},79031234567 --text {'x' * 161}")
    assert answer["cnt"] == 6
    assert [(message.phone, message.parts) for message in messages] == [
        (PHONE, 2),
        (OTHER, 2),
        ("79031234567", 2),
    ]


def test_a_group_is_sent_to_by_its_number(shell: Shell) -> None:
    group, phone = number(), f"79161{number()}"
    [id] = shell.json(f"groups add Duty --number {group}").values()
    shell.json(f"contacts add {phone} --name Duty --group {id}")
    _, messages = shell.send(f"--to g{group},{OTHER} --text Hi")
    assert [message.phone for message in messages] == [phone, OTHER]


def test_a_list_has_a_text_for_each_line(shell: Shell) -> None:
    Path("list").write_text(f"{PHONE}:One: 1\\n~~~\\nfirst\n{OTHER},79031234567:Two\\nlines\n")
    _, messages = shell.send("--list list")
    assert [(message.phone, message.text, message.comment) for message in messages] == [
        (PHONE, "One: 1", "first"),
        (OTHER, "Two\nlines", ""),
        ("79031234567", "Two\nlines", ""),
    ]


def test_lines_of_a_list_have_senders_and_zones(shell: Shell) -> None:
    Path("list").write_text(f"MyShop,2|{PHONE}:One\nOther|{OTHER}:Two\n")
    _, [first, second] = shell.send("--list list --at 0101300000")
    assert [(it.sender, it.sent_at) for it in (first, second)] == [
        ("MyShop", NEW_YEAR - 2 * HOUR),
        ("Other", NEW_YEAR),
    ]


def test_texts_of_a_list_may_have_lines(shell: Shell) -> None:
    Path("list").write_text(f"{PHONE}:One\nmore of it\n{OTHER}:Two\n")
    _, messages = shell.send("--list list --multiline")
    assert [message.text.rstrip("\n") for message in messages] == ["One\nmore of it", "Two"]


def test_minutes_are_counted_from_now(shell: Shell) -> None:
    before = time.time()
    _, [message] = shell.send(f"--to {PHONE} --text Hi --at +15")
    assert before + 900 <= message.sent_at <= time.time() + 900


def test_a_window_of_hours_opens_today_or_tomorrow(shell: Shell) -> None:
    hour = int(time.time() / HOUR + 3) % 24
    opens = hour + 2 if hour < 22 else 1
    _, [message] = shell.send(f"--to {PHONE} --text Hi --at {opens}-{opens + 1}")
    assert message.sent_at > time.time()
    assert (message.sent_at / HOUR + 3) % 24 == opens


def test_a_sending_is_spread_over_hours(shell: Shell) -> None:
    phones = ",".join(f"7916123456{digit}" for digit in range(4))
    _, messages = shell.send(f"--to {phones} --text Hi --spread 1 --every 30")
    assert [round(message.sent_at - messages[0].sent_at) for message in messages] == [0, 0, 1800, 1800]


@pytest.mark.parametrize(("valid", "valid_s"), [("2", 7200), ("00:30", 1800)])
def test_a_lifetime_is_told(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, valid: str, valid_s: float
) -> None:
    begun: list[Any] = []
    monkeypatch.setattr(shell.service.life, "begin", begun.extend)
    shell.send(f"--to {PHONE} --text Hi --valid {valid}")
    assert [start.valid_s for start in begun] == [valid_s]


# -- what is asked besides -----------------------------------------------------------------------------


def test_links_are_shortened_and_can_be_asked_for(shell: Shell) -> None:
    link = f"https://example.org/{number()}"
    _, [message] = shell.send(f"--to {PHONE} --text 'See {link}, now' --short-links")
    short = message.text.removeprefix("See ").removesuffix(", now")
    shell.service.office.clicked(short, time.time())
    answer = shell.json(f"short-link --link {link}")
    assert (answer["link"], answer["cnt"], answer["cnt_day"]) == (short, "1", "1")
    assert shell.json(f"short-link --id {answer['id']}") == answer


def test_the_cost_alone_sends_nothing(shell: Shell) -> None:
    before = shell.service.store.accepted
    assert shell.json(f"send --to {PHONE} --text Hi --cost") == {"cost": "1.45", "cnt": 1}
    assert shell.service.store.accepted == before


def test_what_was_sent_tells_its_cost_and_the_balance(shell: Shell) -> None:
    answer, [message] = shell.send(f"--to {PHONE} --text Hi")
    balance = str(shell.service.account.balance)
    assert answer == {"id": message.id, "cnt": 1, "cost": "1.45", "balance": balance}


def test_each_number_is_told_or_the_bad_ones(shell: Shell) -> None:
    answer, _ = shell.send(f"--to {PHONE},123 --text Hi --op")
    assert answer["phones"] == [
        {"phone": PHONE, "mccmnc": "25001", "cost": "1.45", "status": "-1", "error": "0"},
        {"phone": "123", "mccmnc": "310410", "cost": "2.80", "status": "22", "error": "249"},
    ]
    answer, _ = shell.send(f"--to {PHONE},123 --text Hi --errors")
    assert [row["phone"] for row in answer["phones"]] == ["123"]
    out = shell(f"send --to {PHONE},123 --text Hi --op")[1]
    assert "22 wrong number  249 bad number format" in out


def test_a_captcha_is_checked_for_its_user(shell: Shell) -> None:
    shell("captcha --output a.png")
    code = shell.service.office.imgcodes.last("127.0.0.1")
    words = f"--to {PHONE} --text Hi --captcha {code} --user-ip"
    assert "error 10 of send.php" in shell.fails(f"send {words} 192.0.2.1")
    answer, _ = shell.send(f"{words} 127.0.0.1")
    assert answer["cnt"] == 1
