"""Reports as the standard library's parser finds them: three parts, whatever mail they are about."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.mail import dsn

STATUS = dsn.Status(
    reporting_mta="sms.example.org",
    envid="QQ314",
    arrival_ms=1_750_000_000_000,
    orcpt="rfc822;+2B79991234567@sms.example.org",
    recipient="79991234567@sms.example.org",
    action="failed",
    status="5.1.1",
    diagnostic="UNDELIV err:001",
    last_attempt_ms=1_750_000_005_000,
    retry_until_ms=0,
)
HEADER = b"Received: by one\r\n\twith two\r\nSubject: Disk full\r\nMessage-ID: <a@example.org>\r\n"
MAIL = HEADER + b"Content-Type: text/plain\r\n\r\nThe disk is full.\r\n"


def parts_of(report: dsn.Report) -> tuple[EmailMessage, EmailMessage, EmailMessage]:
    """The three parts, of a report that nothing is wrong with."""
    message = email.message_from_bytes(b"MIME-Version: 1.0\r\n" + report.entity, policy=email.policy.default)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    parts: Any = message.get_payload()
    text, machine, third = parts
    assert [defect for part in (message, *parts) for defect in part.defects] == []
    assert text.get_content_type() == "text/plain"
    assert machine.get_content_type() == "message/delivery-status"
    for line in report.entity.split(b"\r\n"):
        assert b"\r" not in line and b"\n" not in line and len(line) <= 998
    assert report.entity.isascii() or report.eight_bit
    assert report.eight_bit == (message["Content-Transfer-Encoding"] == "8bit")
    return text, machine, third


def returned_of(third: EmailMessage) -> bytes:
    octets = third.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return octets


def inner_of(third: EmailMessage) -> Any:
    payload: Any = third.get_payload()
    [inner] = payload
    return inner


def report(returned: bytes, *, whole: bool = False, eight_bit: bool = True) -> dsn.Report:
    return dsn.report("It was not delivered.", STATUS, returned, whole=whole, eight_bit=eight_bit)


def test_the_fields_are_those_of_rfc_3464_in_two_groups() -> None:
    _, machine, _ = parts_of(report(HEADER))
    groups: Any = machine.get_payload()
    per_message, per_recipient = groups
    assert per_message.items() == [
        ("Reporting-MTA", "dns; sms.example.org"),
        ("Original-Envelope-Id", "QQ314"),
        ("Arrival-Date", "Sun, 15 Jun 2025 15:06:40 +0000"),
    ]
    assert per_recipient.items() == [
        ("Original-Recipient", "rfc822; +79991234567@sms.example.org"),
        ("Final-Recipient", "rfc822; 79991234567@sms.example.org"),
        ("Action", "failed"),
        ("Status", "5.1.1"),
        ("Diagnostic-Code", "x-sms; UNDELIV err:001"),
        ("Last-Attempt-Date", "Sun, 15 Jun 2025 15:06:45 +0000"),
    ]


def test_what_is_not_known_is_left_out() -> None:
    status = STATUS._replace(envid="", arrival_ms=0, orcpt="", diagnostic="", last_attempt_ms=0)
    assert dsn.status_fields(status._replace(retry_until_ms=1_750_000_000_000)) == (
        b"Reporting-MTA: dns; sms.example.org\r\n"
        b"\r\n"
        b"Final-Recipient: rfc822; 79991234567@sms.example.org\r\n"
        b"Action: failed\r\n"
        b"Status: 5.1.1\r\n"
        b"Will-Retry-Until: Sun, 15 Jun 2025 15:06:40 +0000\r\n"
    )


@pytest.mark.parametrize(
    ("orcpt", "field"),
    [
        ("rfc822;a+2Bb@example.org", "rfc822; a+b@example.org"),
        ("rfc822;a+2b@example.org", "rfc822; a+2b@example.org"),  # no xtext: as it was given
        ("x400;/S=x/", "x400; /S=x/"),
        (r"utf-8;\x{436}@example.org", r"utf-8; \x{436}@example.org"),
        ("utf-8;ж@example.org", r"utf-8; \x{436}@example.org"),
        ("rfc822;a+0D+0Ab@example.org", "rfc822; a+0D+0Ab@example.org"),
    ],
)
def test_the_original_recipient_is_read_from_its_xtext(orcpt: str, field: str) -> None:
    fields = dsn.status_fields(STATUS._replace(orcpt=orcpt)).decode("ascii")
    assert f"Original-Recipient: {field}\r\n" in fields


def test_a_recipient_outside_ascii_stays_within_it_in_the_report() -> None:
    fields = dsn.status_fields(STATUS._replace(recipient="ж@sms.example.org"))
    assert rb"Final-Recipient: utf-8; \x{436}@sms.example.org" in fields


NASTY = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["a\r\nAction: delivered", "\n\nX: y", "ж" * 700, "w " * 600, "\ud800"]),
)


@given(NASTY, NASTY, NASTY, NASTY)
@settings(max_examples=150, deadline=None)
def test_security_48_strangers_texts_add_no_field_and_no_group(
    envid: str, orcpt: str, recipient: str, diagnostic: str
) -> None:
    status = STATUS._replace(envid=envid, orcpt=orcpt, recipient=recipient, diagnostic=diagnostic)
    fields = dsn.status_fields(status)
    message, recipient_fields = (
        [line.partition(b":")[0].decode() for line in group.split(b"\r\n") if line and line[:1] != b" "]
        for group in fields.split(b"\r\n\r\n")
    )
    assert message == ["Reporting-MTA", *["Original-Envelope-Id"] * bool(envid), "Arrival-Date"]
    assert recipient_fields == [
        *["Original-Recipient"] * bool(orcpt),
        "Final-Recipient",
        "Action",
        "Status",
        *["Diagnostic-Code"] * bool(diagnostic),
        "Last-Attempt-Date",
    ]
    assert all(len(line) <= 998 for line in fields.split(b"\r\n"))


# -- what comes back -----------------------------------------------------------------------------------


def test_the_header_comes_back() -> None:
    text, _, third = parts_of(report(HEADER + b"\r\n"))
    assert text.get_content() == "It was not delivered.\r\n"
    assert third.get_content_type() == "text/rfc822-headers"
    assert returned_of(third) == HEADER


@pytest.mark.parametrize(
    ("returned", "header"),
    [
        (b"", b""),
        (b"\r\n", b""),
        (b"\r\nbody: only\r\n", b""),
        (b"A: b", b"A: b\r\n"),
        (b"A: b\r\n", b"A: b\r\n"),
        (b"A: b\n\nbody", b"A: b\r\n"),
        (b"A: b\rC: d\r\rbody", b"A: b\r\nC: d\r\n"),
        (b"A: \xd0\xb6\r\n", b"A: \xd0\xb6\r\n"),
        (b"A: \0\r\n", b"A: \0\r\n"),
        (b"A: " + b"x" * 5000 + b"\r\n", b"A: " + b"x" * 5000 + b"\r\n"),
    ],
)
def test_a_header_comes_back_however_it_was_written(returned: bytes, header: bytes) -> None:
    for whole in (False, True):
        _, _, third = parts_of(report(returned, eight_bit=False, whole=whole))
        if third.get_content_type() == "text/rfc822-headers":
            assert returned_of(third) == header
        else:
            assert whole


def test_a_header_that_was_cut_ends_with_its_last_whole_field() -> None:
    header = (b"X: " + b"y" * 50 + b"\r\n") * 1000
    cut = header[: dsn.HEADER_MAX]
    assert not cut.endswith(b"\r\n")
    _, _, third = parts_of(report(cut))
    octets = returned_of(third)
    assert header.startswith(octets) and octets.endswith(b"y\r\n")
    assert len(cut) - len(octets) < 60


def test_a_cut_between_the_lines_of_a_field_leaves_it_out() -> None:
    first = b"A: b\r\n"
    second = b"X: " + b"y" * (dsn.HEADER_MAX - len(first) - 5) + b"\r\n"
    assert len(first + second) == dsn.HEADER_MAX
    _, _, third = parts_of(report(first + second + b"\tz\r\n\r\n"))
    assert returned_of(third) == first
    _, _, third = parts_of(report(first + second + b"Z: z\r\n\r\n"))
    assert returned_of(third) == first + second
    _, _, third = parts_of(report(first + second))  # cut before: nobody knows whether the field goes on
    assert returned_of(third) == first


@pytest.mark.parametrize("first", [b"", b"X: " + b"y" * 20_000 + b"\r\n", b"X: " + b"y" * 40_000 + b"\r\n"])
@pytest.mark.parametrize("whole", [False, True])
def test_a_header_of_100_kb_is_cut_where_a_field_ends(first: bytes, whole: bool) -> None:
    header = first + b"".join(b"X-%d: %b\r\n\tfolded \xff\r\n" % (n, b"z" * (n % 90)) for n in range(1800))
    assert len(header) > 100_000
    _, _, third = parts_of(report(header, whole=whole))
    octets = returned_of(third)
    assert len(octets) <= dsn.HEADER_MAX
    assert header.startswith(octets)
    assert header[len(octets) :][:1] not in (b" ", b"\t")
    assert octets == b"" if len(first) > dsn.HEADER_MAX else len(octets) > dsn.HEADER_MAX - 200


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b"The disk is full.\r\n", "The disk is full.\r\n"),
        (b"one\n.\n..two\n", "one\r\n.\r\n..two\r\n"),
        (b"", ""),
        (b"no end", "no end"),
    ],
)
def test_a_mail_comes_back_whole(body: bytes, lines: str) -> None:
    _, _, third = parts_of(report(HEADER + b"\r\n" + body, whole=True, eight_bit=False))
    assert third.get_content_type() == "message/rfc822"
    mail = inner_of(third)
    assert mail["Subject"] == "Disk full"
    assert mail.get_payload() == lines


def test_an_8bit_mail_comes_back_whole_where_8bit_can_go() -> None:
    eight = HEADER + b"Content-Transfer-Encoding: 8bit\r\n\r\n\xd0\x96\r\n"
    able = report(eight, whole=True, eight_bit=True)
    _, _, third = parts_of(able)
    assert able.eight_bit
    assert third.get_content_type() == "message/rfc822" and third["Content-Transfer-Encoding"] == "8bit"
    assert b"\r\n\r\n\xd0\x96\r\n" in able.entity
    unable = report(eight, whole=True, eight_bit=False)
    _, _, third = parts_of(unable)
    assert not unable.eight_bit
    assert third.get_content_type() == "text/rfc822-headers" and b"\xd0" not in unable.entity


@pytest.mark.parametrize(
    "mail",
    [
        b"Subject: \xd0\x96\r\n\r\nbody\r\n",
        MAIL + b"x" * 999 + b"\r\n",
        MAIL + b"\0\r\n",
        HEADER + b"\r\n" + b"line\r\n" * (dsn.WHOLE_MAX // 6),
    ],
)
def test_a_mail_that_cannot_travel_as_it_is_comes_back_as_its_header(mail: bytes) -> None:
    _, _, third = parts_of(report(mail, whole=True))
    assert third.get_content_type() == "text/rfc822-headers"
    assert b"Subject" in returned_of(third) and b"body" not in returned_of(third)


def test_a_report_on_a_report_keeps_its_parts_apart() -> None:
    first = b"Subject: one\r\n" + report(MAIL, whole=True).entity
    second = report(first, whole=True)
    _, _, third = parts_of(second)
    inner = inner_of(third)
    assert inner.get_content_type() == "multipart/report" and len(inner.get_payload()) == 3


@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"A: b", b"--=_", b" ", b"\xff"]))
)
@settings(max_examples=60, deadline=None)
def test_any_octets_make_a_report(returned: bytes | list[bytes]) -> None:
    octets = returned if isinstance(returned, bytes) else b"".join(returned)
    for whole in (False, True):
        for eight_bit in (False, True):
            parts_of(report(octets, whole=whole, eight_bit=eight_bit))
