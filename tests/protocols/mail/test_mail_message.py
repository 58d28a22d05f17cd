"""What a mail says: the vectors, and what the gateway has to know besides the text."""

from __future__ import annotations

from typing import Any

import mail_vectors as vectors
import pytest

from gateway.ingress.mail_worker import html_to_text
from protocols.mail.errors import MailError
from protocols.mail.message import Reading, Style, clean, read_message


def read(raw: bytes | str, **changes: Any) -> Reading:
    octets = raw.encode() if isinstance(raw, str) else raw
    return read_message(octets, vectors.STYLE._replace(**changes), html_to_text)


@pytest.mark.parametrize("name", vectors.NAMES)
def test_a_mail_becomes_its_sms(name: str) -> None:
    style, limits = vectors.options(name)
    fitted = vectors.fitted(read_message(vectors.raw(name), style, html_to_text), limits)
    assert (fitted.text if fitted else "") == vectors.expected(name)
    if fitted:
        assert fitted.segments <= limits["max_segments"]


@pytest.mark.parametrize("name", [name for name in vectors.NAMES if name != "camera-double-cr"])
def test_line_breaks_do_not_matter(name: str) -> None:
    style, _ = vectors.options(name)
    crlf = vectors.raw(name).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    with_lf = read_message(crlf.replace(b"\r\n", b"\n"), style, html_to_text)
    assert with_lf._replace(header_length=0) == read_message(crlf, style, html_to_text)._replace(
        header_length=0
    )


def test_there_are_vectors() -> None:
    assert len(vectors.NAMES) >= 60
    styles = {path.stem for path in vectors.FOLDER.glob("*.style")}
    assert styles <= set(vectors.NAMES)
    assert {path.stem for path in vectors.FOLDER.glob("*.sms")} == set(vectors.NAMES)


def test_all_of_an_ordinary_mail() -> None:
    reading = read(vectors.raw("nagios-mailx"))
    assert reading == Reading(
        text=vectors.expected("nagios-mailx"),
        header_id="<20250512101502.A1B2C3@monitor.example.org>",
        subject="** PROBLEM Service Alert: db1/Disk /var is CRITICAL **",
        author_addresses=("nagios@monitor.example.org",),
        automatic="",
        report=False,
        hops=1,
        traces=(),
        priority=0,
        number_source="",
        header_length=vectors.raw("nagios-mailx").index(b"\r\n\r\n") + 4,
        charset="us-ascii",
        reasons=(),
    )


# -- who wrote it -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("From: a@Example.ORG", ("a@example.org",)),
        ("From: A <a@example.org>\nSender: b@example.org", ("a@example.org", "b@example.org")),
        ("Sender: b@example.org\nFrom: A <a@example.org>", ("a@example.org", "b@example.org")),
        ("From: a@example.org\nSender: a@example.org", ("a@example.org",)),
        ("From: a@example.org, b@example.org", ("a@example.org", "b@example.org")),
        ("From: a@example.org\nFrom: evil@example.net", ("a@example.org", "evil@example.net")),
        ('From: "a@good.example" <x@evil.example>', ("x@evil.example",)),
        ("From: =?utf-8?q?a=40good.example?= <x@evil.example>", ("x@evil.example",)),
        ("From: a@good.example <x@evil.example>", ()),
        ("From: a@example.org\nSender: nonsense", ()),
        ("From: A\n <a@example.org>", ("a@example.org",)),
        ("From: A\r\n <a@example.org>\r", ("a@example.org",)),
        ("From: a@example.org" + "," * 30_000, ()),
        ("X: none", ()),
    ],
)
def test_security_47_55_the_authors_are_read_strictly(header: str, expected: tuple[str, ...]) -> None:
    assert read(f"{header}\n\nx").author_addresses == expected


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("{address}: ", "a@example.org: x"),
        ("{name}: ", "Ä b: x"),
        ("[{name}|{address}] ", "[Ä b|a@example.org] x"),
    ],
)
def test_the_sender_is_shown(style: str, expected: str) -> None:
    assert read("From: =?utf-8?q?=C3=84_b?= <a@example.org>\n\nx", sender=style).text == expected


def test_a_sender_without_a_name_is_shown_by_the_address() -> None:
    assert read("From: a@example.org\n\nx", sender="{name}: ").text == "a@example.org: x"


def test_an_unreadable_sender_is_not_shown() -> None:
    assert read("From: a@good.example <x@evil.example>\n\nx", sender="{name} {address}: ").text == "x"
    assert read("X: a\n\nx", sender="{name}: ").text == "x"


def test_what_a_sender_calls_himself_is_no_template() -> None:
    assert (
        read('From: "{address}{name}" <a@example.org>\n\nx', sender="{name}: ").text == "{address}{name}: x"
    )


# -- programs, loops, reports -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Auto-Submitted: no", ""),
        ("Auto-Submitted: auto-generated", "generated"),
        ("Auto-Submitted: AUTO-REPLIED (vacation)", "replied"),
        ("Auto-Submitted: auto-notified; owner=x", "generated"),
        ("Auto-Submitted: something-else", "generated"),
        ("Auto-Submitted:", "generated"),
        ("Auto-Submitted: no\nPrecedence: bulk", "bulk"),
        ("Precedence: Bulk", "bulk"),
        ("Precedence: junk", "bulk"),
        ("Precedence: list", "bulk"),
        ("Precedence: auto_reply", "replied"),
        ("Precedence: first-class", ""),
        ("X-Autoreply: yes", "replied"),
        ("List-Id: <ops.example.org>", "bulk"),
        ("List-Unsubscribe: <mailto:x@example.org>", "bulk"),
        ("X: y", ""),
    ],
)
def test_programs_are_known(header: str, expected: str) -> None:
    assert read(f"{header}\n\nx").automatic == expected


def test_reports_are_known() -> None:
    assert read(vectors.raw("bounce-postfix")).report
    assert read(vectors.raw("read-receipt")).report
    assert read("Content-Type: message/delivery-status\n\nx").report
    assert not read(vectors.raw("gmail-reply")).report


def test_security_57_hops_and_traces_are_counted() -> None:
    reading = read("Received: a\n b\nreceived: c\nX-SMSC-Gateway: 15\nX-Smsc-Gateway:  16 \n\nx")
    assert reading.hops == 2
    assert reading.traces == ("15", "16")
    assert read("Received: a\n" * 51 + "\nx").hops == 51
    many = read("X-SMSC-Gateway: " + "1" * 500 + "\n" + "X-SMSC-Gateway: 2\n" * 500 + "\nx").traces
    assert (len(many), len(many[0])) == (20, 100)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("X-Priority: 1 (Highest)", 3),
        ("X-Priority: 2", 2),
        ("X-Priority: 3 (Normal)", 0),
        ("X-Priority: 5", 0),
        ("X-Priority:", 0),
        ("X-Priority: 999999999999999999999", 0),
        ("Importance: High", 2),
        ("Importance: low", 0),
        ("Priority: urgent", 3),
        ("Priority: non-urgent", 0),
        ("X-MSMail-Priority: High\nX-Priority: 1", 3),
        ("X: y", 0),
    ],
)
def test_priority(header: str, expected: int) -> None:
    assert read(f"{header}\n\nx").priority == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Message-ID: <a@example.org>", "<a@example.org>"),
        ("Message-ID:\n <a@example.org>", "<a@example.org>"),
        ("Message-ID: a@example.org", ""),
        ("Message-ID: <a b@example.org>", ""),
        ("Message-ID: <a@example.org> x", ""),
        ("Message-ID: <a\u00e4@example.org>", ""),
        (f"Message-ID: <{'a' * 600}>", ""),
        ("X: y", ""),
    ],
)
def test_the_message_id_is_one_or_none(header: str, expected: str) -> None:
    assert read(f"{header}\n\nx").header_id == expected


def test_security_48_a_subject_is_one_line_without_controls() -> None:
    subject = read(vectors.raw("subject-hostile")).subject
    assert subject == "a Bcc: x@example.net{subject}{0.__class__}{address}%s"


def test_a_subject_has_an_end() -> None:
    assert len(read("Subject: " + "a" * 5000 + "\n\nx").subject) == 998


# -- subject and text -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mail", "changes", "expected"),
    [
        ("Subject: s\n\nx", {}, "s: x"),
        ("Subject: s\n\nx", {"subject": "({subject}) "}, "(s) x"),
        ("Subject: s\n\n", {"subject": "({subject}) "}, "(s)"),
        ("Subject: s\n\n", {"subject": "{subject} - "}, "s"),
        ("Subject: s\n\nx", {"subject": "{subject}\n"}, "s\nx"),
        ("Subject: s\n\nx", {"text": False}, "s"),
        ("Subject: \n\nx", {}, "x"),
        ("Subject: s\n\nx", {"subject": ""}, "x"),
        ("Subject: s\n\n", {"subject": "", "empty_text": "nothing"}, "nothing"),
        ("Subject: s\n\n", {"empty_text": "nothing"}, "s"),
        ("Subject: s\n\n", {"subject": ""}, ""),
        ("Subject: {subject}\n\nx", {}, "{subject}: x"),
    ],
)
def test_subject_and_text(mail: str, changes: dict[str, Any], expected: str) -> None:
    assert read(mail, **changes).text == expected


QUOTING = "In-Reply-To: <1@example.org>\n\nmine\n\nOn 1 May 2025, A wrote:\n> yours\n-- \nA\n"


def test_quotes_and_signatures_stay_on_request() -> None:
    assert read(QUOTING).text == "mine"
    assert read(QUOTING, cut_quotes=False).text == "mine\nOn 1 May 2025, A wrote:\n> yours"
    assert read(QUOTING, cut_signature=False).text == "mine\n--\nA"


def test_decisions_are_said() -> None:
    assert read(QUOTING).reasons == (
        ("quotes", "1 quoted lines are left out"),
        ("signature", "the signature is left out"),
    )
    assert read("no field\nA: b\nSubject: s\n\n", subject="", empty_text="-").reasons == (
        ("text", "there is none in the mail"),
        ("text", "nothing is left of the mail: empty_text stands for it"),
        ("header", "1 lines that are no fields are left out"),
    )


# -- numbers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mail", "source", "text"),
    [
        ("Subject: 79991234567\n\nx", "79991234567", "x"),
        ("Subject: +7 (999) 123-45-67; 8 999 765-43-21\n\nx", "+7 (999) 123-45-67; 8 999 765-43-21", "x"),
        ("Subject: Call 79991234567\n\nx", "", "Call 79991234567: x"),
        ("Subject: 4711\n\nx", "", "4711: x"),
        ("Subject: s\n\n79991234567, 79997654321\n\nx\ny", "79991234567, 79997654321", "s: x\ny"),
        ("Subject: s\n\nroom 5550123\nx", "", "s: room 5550123\nx"),
        ("Subject: 79991234567\n\n79997654321\nx", "79991234567", "79997654321\nx"),
    ],
)
def test_where_the_numbers_stand(mail: str, source: str, text: str) -> None:
    reading = read(mail, numbers_in_subject=True, numbers_in_body=True)
    assert (reading.number_source, reading.text) == (source, text)
    assert read(mail).number_source == ""


def test_the_service_form_stays_as_it_is() -> None:
    reading = read("Subject: s\n\n a:b\r\n\r\n> c  d\n-- \ne\0\n", service_form=True, sender="{address}")
    assert reading.text == "a:b\n\n> c  d\n-- \ne\0"


# -- limits -----------------------------------------------------------------------------------------


def test_security_50_a_header_has_an_end() -> None:
    for header in (b"A: " + b"x" * 103_000, b"A: b\n" * 30_000, b"A: b\n" + b" c\n" * 40_000):
        with pytest.raises(MailError) as caught:
            read(header + b"\n\nx")
        assert caught.value.code == "552 5.3.4"


def test_clean() -> None:
    assert clean(" a \t b \r\n\n\u2003\n c\x0bd\u200b ") == "a b\nc\nd"
    assert clean("one line") == "one line"
    assert clean("نمی\u200cخواهم a\u200cb") == "نمی\u200cخواهم ab"
    assert clean("a\ud800b") == "ab"


def test_a_style_is_what_crosses_to_the_worker() -> None:
    assert tuple(vectors.STYLE) == tuple(Style(*vectors.STYLE))
    assert Style._fields == (
        *("subject", "sender", "text", "cut_quotes", "cut_signature", "empty_text"),
        *("numbers_in_subject", "numbers_in_body", "service_form"),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("***** Monitor *****\ndown", "Monitor\ndown"),
        ("##########\n===== =====\nup", "up"),
        ("---------- Disk ----------\n---\n- a", "Disk\n---\n- a"),
        ("-----BEGIN CERTIFICATE-----\ncard *****1234\n*****1234", None),
        ("a ----- b\n<---->", None),
    ],
)
def test_ornaments_of_programs_are_left_out(text: str, expected: str | None) -> None:
    assert read(f"Subject:\n\n{text}\n").text == (text if expected is None else expected)


@pytest.mark.parametrize(
    ("subject", "text", "expected"),
    [
        ("Disk full", "Disk full", "Disk full"),
        ("disk full", "Disk full on db1", "Disk full on db1"),
        ("Disk full on db1", "Disk full\non db1: 99 %", "Disk full\non db1: 99 %"),
        ("Disk", "Disks are full", "Disk: Disks are full"),
        ("Disk full", "The disk full of logs", "Disk full: The disk full of logs"),
    ],
)
def test_a_subject_with_which_the_text_begins_is_shown_once(subject: str, text: str, expected: str) -> None:
    assert read(f"Subject: {subject}\n\n{text}\n").text == expected
