"""A mail's wishes to a draft: alphabet, sender, reports, hours; refusals to replies; the service's form."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.core.errors import Refusal
from gateway.core.model import Draft, Notify
from gateway.translate import mail_service
from gateway.translate.mail_service import About
from gateway.translate.mail_submit import REFUSALS, draft_of, notify_of, opening_ms, own_number_of
from protocols.mail.errors import MailError
from protocols.mail.fitting import Fitted, fit

NOW_MS = 1_800_000_000_000  # 2027-01-15 08:00 UTC


def fitted(text: str) -> Fitted:
    return fit(text, transliterate="none", max_segments=10, max_characters=0, cut=False)


def test_every_refusal_has_a_reply_with_an_enhanced_code_of_its_class() -> None:
    assert set(REFUSALS) == set(Refusal)
    for code, text in REFUSALS.values():
        reply, enhanced = code.split()
        assert len(reply) == 3 and reply[0] == enhanced[0] and enhanced.count(".") == 2
        assert text.isprintable()


@pytest.mark.parametrize(
    ("text", "flash", "data_coding"),
    [("hi", False, 0), ("ё", False, 8), ("hi", True, 0x10), ("ё", True, 0x18)],
)
def test_the_alphabet_becomes_data_coding(text: str, flash: bool, data_coding: int) -> None:
    draft = draft_of(fitted(text), "79991234567", "", notify=Notify(0), flash=flash)
    assert (draft.data_coding, draft.segments) == (data_coding, 1)
    assert draft.user_data == text.encode("utf-16-be" if data_coding & 8 else "ascii")
    assert (draft.destination_ton, draft.destination_npi, draft.destination) == (1, 1, "79991234567")


@pytest.mark.parametrize(
    ("source", "ton_npi", "own"),
    [
        ("", (0, 0), ""),
        ("Example", (5, 0), ""),
        ("1234", (3, 0), "1234"),
        ("+79990000000", (1, 1), "79990000000"),
        ("79990000000", (1, 1), "79990000000"),
    ],
)
def test_the_sender_says_where_answers_come_to(source: str, ton_npi: tuple[int, int], own: str) -> None:
    draft = draft_of(fitted("hi"), "79991234567", source, notify=Notify(0))
    assert (draft.source_ton, draft.source_npi) == ton_npi
    assert own_number_of(draft) == own


@pytest.mark.parametrize(
    ("asked", "report", "may_answer", "notify", "registered"),
    [
        (None, "failure", True, Notify.FAILURE, 2),
        (None, "always", True, Notify.SUCCESS | Notify.FAILURE, 1),
        (None, "never", True, Notify(0), 0),
        (0, "always", True, Notify(0), 0),
        (1, "never", True, Notify.SUCCESS, 3),
        (7, "never", True, Notify.SUCCESS | Notify.FAILURE | Notify.DELAY, 1),
        (4, "always", True, Notify.DELAY, 0),
        (7, "always", False, Notify(0), 0),
    ],
)
def test_notify_is_asked_of_the_smsc_too(
    asked: int | None, report: str, may_answer: bool, notify: Notify, registered: int
) -> None:
    found = notify_of(asked, report, may_answer=may_answer)
    assert found == notify
    assert draft_of(fitted("hi"), "79991234567", "", notify=found).registered_delivery == registered


def at(hour: int, zone: str = "UTC", day: int = 15) -> int:
    tz = UTC if zone == "UTC" else ZoneInfo(zone)
    return int(datetime(2027, 1, day, hour, 30, tzinfo=tz).timestamp() * 1000)


@pytest.mark.parametrize(
    ("hours", "hour", "opens"),
    [
        ("", 3, None),
        ("9-21", 9, None),
        ("9-21", 20, None),
        ("9-21", 21, (16, 9)),
        ("9-21", 3, (15, 9)),
        ("22-6", 23, None),
        ("22-6", 5, None),
        ("22-6", 6, (15, 22)),
        ("0-24", 0, None),
        ("9-24", 23, None),
        ("9-24", 0, (15, 9)),
    ],
)
def test_outside_of_the_hours_it_waits_for_them(hours: str, hour: int, opens: tuple[int, int] | None) -> None:
    due = opening_ms(hours, "UTC", at(hour))
    if opens is None:
        assert due == 0
    else:
        assert datetime.fromtimestamp(due / 1000, UTC) == datetime(2027, 1, *opens, tzinfo=UTC)


def test_hours_are_those_of_the_time_zone_also_when_clocks_change() -> None:
    moscow = ZoneInfo("Europe/Moscow")
    due = opening_ms("9-21", "Europe/Moscow", at(22, "Europe/Moscow"))
    assert datetime.fromtimestamp(due / 1000, moscow).hour == 9
    berlin = ZoneInfo("Europe/Berlin")
    night_before = int(datetime(2027, 3, 27, 22, tzinfo=berlin).timestamp() * 1000)
    due = opening_ms("9-21", "Europe/Berlin", night_before)
    assert datetime.fromtimestamp(due / 1000, berlin) == datetime(2027, 3, 28, 9, tzinfo=berlin)


# -- the service's form ----------------------------------------------------------------------------------


ABOUT = About(may_service=False, author="alex@example.org", subject="Hello there", charset="koi8-r")


def resolve(phone: str) -> tuple[str, ...]:
    if phone.isdecimal():
        return (phone,)
    if phone == "G1":
        return ("79990000001", "79990000002")
    raise MailError("550 5.1.3", "no number")


def drafts(text: str, source: str = "Usual", about: About = ABOUT, **limits: int) -> list[Draft]:
    return mail_service.drafts_of(
        mail_service.parse(text),
        resolve=resolve,
        source=source,
        max_segments=limits.get("max_segments", 10),
        max_numbers=limits.get("max_numbers", 100),
        notify=Notify.FAILURE,
        now_ms=NOW_MS,
        about=about,
    )


def test_each_phone_of_a_form_is_an_sms_once() -> None:
    found = drafts("app:pw::::79991234567,79991234567,G1:Hello: world")
    assert [draft.destination for draft in found] == ["79991234567", "79990000001", "79990000002"]
    assert {draft.user_data for draft in found} == {b"Hello: world"}
    assert {draft.source for draft in found} == {"Usual"}


@pytest.mark.parametrize(("group", "source"), [("0,0,INFO", "INFO"), ("0,0,.", ""), ("0,0", "Usual")])
def test_the_sender_of_a_form(group: str, source: str) -> None:
    [draft] = drafts(f"app:pw:::{group}:79991234567:hi")
    assert draft.source == source


def test_flash_hex_and_transliterated_forms() -> None:
    [flash] = drafts("app:pw:::0,1:79991234567:hi")
    assert flash.data_coding == 0x10
    [latin] = drafts("app:pw:::1,0:79991234567:Привет")
    assert (latin.data_coding, latin.user_data) == (0, b"Privet")
    [cyrillic] = drafts("app:pw:::0,0:79991234567:Привет")
    assert cyrillic.data_coding == 8
    [port] = drafts("app:pw:::0,5:79991234567:0605040B8423F0ABCD")
    assert (port.esm_class, port.data_coding) == (0x40, 4)
    assert port.user_data == bytes.fromhex("0605040B8423F0ABCD")
    [plain] = drafts("app:pw:::0,5:79991234567:00ABCD\n~~~\npid: 1, dcs: 245")
    assert (plain.esm_class, plain.protocol_id, plain.data_coding) == (0, 1, 245)
    assert (plain.user_data, plain.segments) == (b"\xab\xcd", 1)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ("app:pw:::0,3:79991234567:hi", "550 5.5.4"),
        ("app:pw::::79991234567:__CALL__: hi", "550 5.5.4"),
        ("app:pw::::79991234567:__BOT__: hi", "550 5.5.4"),
        ("app:pw:::0,5:79991234567:xyz", "550 5.5.4"),
        ("app:pw:::0,5:79991234567:", "550 5.5.4"),
        ("app:pw:::0,5:79991234567:09", "550 5.5.4"),
        ("app:pw:::0,5:79991234567:00" + "AB" * 141, "554 5.2.3"),
        ("app:pw:::0,5:79991234567:00AB\n~~~\npid: 300, dcs: 0", "550 5.5.4"),
        ("app:pw:::0,5:79991234567:00AB\n~~~\nnonsense", "550 5.5.4"),
        ("app:pw::tomorrow::79991234567:hi", "550 5.5.4"),
        ("app:pw::::79991234567:" + "x" * 600, "554 5.2.3"),
        ("app:pw::::G1,79991234567:hi", "550 5.5.3"),
    ],
)
def test_what_a_form_may_not_ask_for(form: str, code: str) -> None:
    with pytest.raises(MailError) as caught:
        drafts(form, max_segments=3, max_numbers=2)
    assert caught.value.code == code
    assert "pw" not in caught.value.text


def test_octets_of_a_form_are_those_of_its_mail() -> None:
    octets = bytes.fromhex("0605040B8423F0ABCDFF")
    [port] = drafts("app:pw:::0,4:79991234567:" + octets.decode("koi8-r"))
    assert (port.user_data, port.esm_class, port.data_coding) == (octets, 0x40, 4)
    [plain] = drafts("app:pw:::0,4:79991234567:\0Hi\n~~~\npid: 1, dcs: 245")
    assert (plain.user_data, plain.esm_class, plain.protocol_id, plain.data_coding) == (b"Hi", 0, 1, 245)
    for charset, text in (("koi8-r", "\0\ufffd"), ("utf-16", "\0a"), ("x-unknown", "\0a")):
        with pytest.raises(MailError, match=r"^550 5\.5\.4 binary data"):
            drafts(f"app:pw:::0,4:79991234567:{text}", about=ABOUT._replace(charset=charset))


def test_a_form_sends_when_it_says() -> None:
    [draft] = drafts("app:pw::+10::79991234567:hi")
    assert draft.due_ms == NOW_MS + 600_000
    [draft] = drafts("app:pw::0::79991234567:hi")
    assert draft.due_ms == 0
