"""The service's own form: vectors, limits, times, and that the password stays inside."""

import re
import traceback
from datetime import UTC, datetime, timedelta, timezone

import pytest
from mail_grammar_support import VECTORS, columns, parametrized

from protocols.mail.errors import MailError
from protocols.mail.service_form import (
    FORMAT_NAMES,
    MAX_FORM,
    MAX_TEXT,
    ServiceMail,
    ServiceText,
    parse_service_form,
    parse_time,
)

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
PASSWORD = "Secr3t-"


def blocks() -> list[tuple[str, str, str]]:
    """Name, body and expectation of each form."""
    text = (VECTORS / "service_forms.txt").read_text("utf-8")
    return re.findall(r"^==== (.*)\n((?:.*\n)*?)----\n((?:.*\n)*?)(?=====|\Z)", text, re.MULTILINE)


def expected_form(lines: list[str]) -> ServiceMail:
    said: dict[str, str] = {}
    texts = []
    for line in lines:
        name, _, value = line.partition(" ")
        if name != "text":
            said[name] = value
            continue
        head, _, text = value.partition(" | ")
        phones, _, source = head.rpartition(" ") if head.endswith(" SHOP") else (head, "", "")
        texts.append(ServiceText(tuple(phones.split(",")), text.replace("⏎", "\n"), source))
    number = int(said.pop("format", "0"))
    return ServiceMail(
        login=said.pop("login", ""),
        password=PASSWORD,
        client_id=said.pop("client_id", ""),
        time=said.pop("time", ""),
        zone=said.pop("zone", ""),
        translit=said.pop("translit", ""),
        source=said.pop("source", ""),
        test=said.pop("test", "no") == "yes",
        texts=tuple(text._replace(format=number) for text in texts),
    )


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(("name", "body", "expectation"), blocks(), ids=[name for name, _, _ in blocks()])
def test_vectors_of_forms(name: str, body: str, expectation: str, line_end: str) -> None:
    body = body.replace("\n", line_end)
    lines = expectation.splitlines()
    if not lines[0].startswith("code "):
        assert tuple(parse_service_form(body)) == tuple(expected_form(lines))
        return
    with pytest.raises(MailError) as caught:
        parse_service_form(body)
    assert caught.value.code == lines[0].removeprefix("code ")
    assert lines[1].removeprefix("says ") in caught.value.text


@pytest.mark.parametrize(("name", "body", "expectation"), blocks(), ids=[name for name, _, _ in blocks()])
def test_security_38_the_password_is_in_no_error(name: str, body: str, expectation: str) -> None:
    """Also not in the traceback's chain, nor in the form's own repr."""
    try:
        form = parse_service_form(body)
    except MailError as error:
        assert PASSWORD not in str(error)
        assert error.__cause__ is None
        assert error.__context__ is None or error.__suppress_context__
        assert PASSWORD not in "".join(traceback.format_exception(error))
    else:
        assert form.password == PASSWORD
        assert PASSWORD not in repr(form) + str(form) + f"{form}"
        assert all(said.text not in repr(form) for said in form.texts if said.text)


def test_control_characters_do_not_pass() -> None:
    form = parse_service_form("\ufeffal\0ex:Secr3t-::::79991234567\x1b:He\x00l\x7flo\x85\tworld")
    assert form.login == "alex"
    assert form.texts == (ServiceText(("79991234567",), "Hello\tworld", ""),)
    for field in ("al\u2028ex", "al\tex", "al\u202eex"):
        with pytest.raises(MailError, match="several lines"):
            parse_service_form(f"{field}:Secr3t-::::79991234567:Hello")


def test_the_limits_of_a_form() -> None:
    head = "alex:Secr3t-::::79991234567:"
    assert len(parse_service_form(head + "x" * MAX_TEXT).texts[0][1]) == MAX_TEXT
    with pytest.raises(MailError, match=r"^550 5\.5\.4 .*1000"):
        parse_service_form(head + "x" * (MAX_TEXT + 1))
    with pytest.raises(MailError, match=r"^550 5\.5\.4 .*1000"):
        parse_service_form("alex:Secr3t-:::::79991234567:ok\n79997654321:" + "x" * (MAX_TEXT + 1))
    lines = "79991234567:ok\n" * 6000
    longest = "alex:Secr3t-:::::" + lines + "\n" * (102_400 - 17 - len(lines))
    assert len(longest) == MAX_FORM
    assert len(parse_service_form(longest).texts) == 6000
    with pytest.raises(MailError, match=r"^552 5\.3\.4 "):
        parse_service_form(longest + "\n")


def test_every_format_has_a_name() -> None:
    assert sorted(FORMAT_NAMES) == list(range(12))
    for number in FORMAT_NAMES:
        [said] = parse_service_form(f"alex:Secr3t-:::,{number}:79991234567:00").texts
        assert said.format == number


PREFIXES = {"CALL": "call", "VIBER": "Viber", "SOC": "social networks", "MAIL": "e-mail"}
PREFIXES |= {"PING": "ping", "HLR": "HLR"}


@pytest.mark.parametrize(("prefix", "name"), PREFIXES.items())
def test_a_prefix_stands_for_a_format_of_its_own_line(prefix: str, name: str) -> None:
    form = parse_service_form(f"alex:Secr3t-:::,1::79990000001:Hello\n79991234567:\x01 __{prefix}__: Hello")
    flash, other = form.texts
    assert flash.format == 1
    assert FORMAT_NAMES[other.format] == name


def test_octets_stay_as_they_are() -> None:
    octets = "\x05\x00\x03\x07\x02\x01 \x1bé\n"
    form = parse_service_form(f"alex:Secr3t-:::,4:7999123\x004567:{octets}")
    assert form.texts == (ServiceText(("79991234567",), octets, "", 4),)


@pytest.mark.parametrize("number", [4, 5])
def test_binary_data_needs_its_octets_and_keeps_its_fields(number: int) -> None:
    text = "00FF\n~~~\npid: 1, dcs: 4"
    assert parse_service_form(f"alex:Secr3t-:::,{number}:79991234567:{text}").texts[0][1] == text
    with pytest.raises(MailError, match="a text is missing"):
        parse_service_form(f"alex:Secr3t-:::,{number}:79991234567:")


@parametrized("service_times")
def test_vectors_of_times(text: str, expected: str) -> None:
    time, zone = columns(text)
    if expected == "!":
        with pytest.raises(ValueError):
            parse_time(time, zone, NOW)
        return
    due = None if expected == "now" else datetime.fromisoformat(expected).replace(tzinfo=UTC)
    found = parse_time(time, zone, NOW)
    assert found == due
    assert found is None or found.utcoffset() == timedelta(0)


def test_the_zone_of_now_does_not_matter() -> None:
    now = NOW.astimezone(timezone(timedelta(hours=-8)))
    for time in ("16-21", "14-15", "1003261600", "+5", "01773150000"):
        assert parse_time(time, "", now) == parse_time(time, "", NOW)


def test_a_window_opens_on_the_hour_and_closes_before_the_other() -> None:
    moscow = timezone(timedelta(hours=3))
    first = datetime(2026, 3, 10, 9, tzinfo=moscow)
    assert parse_time("9-21", "", first - timedelta(seconds=1)) == first
    assert parse_time("9-21", "", first) is None
    last = datetime(2026, 3, 10, 20, 59, 59, tzinfo=moscow)
    assert parse_time("9-21", "", last) is None
    assert parse_time("9-21", "", last + timedelta(seconds=1)) == first + timedelta(days=1)
    year_end = datetime(2026, 12, 31, 22, tzinfo=moscow)
    assert parse_time("9-21", "", year_end) == datetime(2027, 1, 1, 9, tzinfo=moscow)
