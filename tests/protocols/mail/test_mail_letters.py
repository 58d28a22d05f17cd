"""Fields that nothing breaks out of, and texts that survive every relay, read back by Python's own parser."""

from __future__ import annotations

import email
import email.header
import email.message
import email.policy
import email.utils
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.mail import letters

NASTY = [
    "",
    "Disk full",
    "a\r\nBcc: victim@example.org",
    "a\nBcc: victim@example.org\n\nbody",
    "a\r\n\r\nbody",
    "a\x00b\x0bc\x0cd\x1be\x7ff\x85g\u2028h",
    "Диск полон",
    "Диск\r\n полон\r\n\t",
    "=?utf-8?B?bm90IHdoYXQgaXQgc2VlbXM=?=",
    "x" * 2000,
    "word " * 200,
    "ж" * 2000,
    "\U0001f600" * 30,
    "\ud800 lone",
    "\u202egnirts\u202c",
    ": starts with a colon",
    '"quoted" \\ and <angles> (comments) ;,@:',
    " " * 300,
    "y" * 69,
    "y" * 70,
    "tab\tinside",
]
TEXTS = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=300),
    st.text('\r\n\t =?_BQ"<>:\\aЖ\U0001f600\x00\x85', max_size=120),
)
quick = settings(max_examples=150, deadline=None)


def headers_of(block: bytes) -> email.message.EmailMessage:
    """The block read as a header; every reader must find all of it, and nothing behind it."""
    message = email.message_from_bytes(block + b"\r\nbody\r\n", policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    assert message.get_payload() == "body\r\n"
    assert not message.defects
    compatible = email.message_from_bytes(block + b"\r\nbody\r\n", policy=email.policy.compat32)
    assert compatible.keys() == message.keys()
    return message


def lines_of(block: bytes) -> list[bytes]:
    assert block.endswith(b"\r\n")
    lines = block[:-2].split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    return lines


def decoded(value: str) -> str:
    return str(email.header.make_header(email.header.decode_header(value)))


@given(TEXTS)
@quick
def test_a_text_in_a_field_is_that_one_field_and_reads_back(text: str) -> None:
    block = letters.text_field("Subject", text)
    message = headers_of(block)
    assert message.keys() == ["Subject"]
    assert message["Subject"].strip() == letters.one_line(text)
    lines = lines_of(block)
    assert all(len(line) <= letters.LINE for line in lines)
    assert all(0x20 <= octet < 0x7F for line in lines for octet in line)
    assert all(line.strip() for line in lines[1:])
    raw = email.message_from_bytes(block + b"\r\n", policy=email.policy.compat32)["Subject"]
    assert decoded(raw).strip() == letters.one_line(text)


@pytest.mark.parametrize("text", NASTY)
def test_security_48_a_line_end_in_a_subject_makes_no_second_header(text: str) -> None:
    assert headers_of(letters.text_field("Subject", text)).keys() == ["Subject"]
    assert headers_of(letters.address_field("From", "a@example.org", text)).keys() == ["From"]


def test_a_plain_subject_stays_readable_and_is_folded_at_blanks() -> None:
    assert letters.text_field("Subject", "Re: Disk  full") == b"Subject: Re: Disk full\r\n"
    block = letters.text_field("Subject", "twelve chars " * 10)
    assert len(lines_of(block)) == 2
    assert b"=?" not in block


def test_encoded_words_are_short_and_whole() -> None:
    for line in lines_of(letters.text_field("Subject", "ж" * 200)):
        word = line.removeprefix(b"Subject:").strip().decode("ascii")
        assert len(word) <= 75
        (octets, charset), *rest = email.header.decode_header(word)
        assert not rest and charset == "utf-8"
        assert set(octets.decode("utf-8")) <= {"ж", "…"}


def test_a_long_text_is_cut_with_an_ellipsis() -> None:
    assert letters.one_line("x" * 1000) == "x" * 399 + "…"
    assert letters.one_line("x" * 400) == "x" * 400
    assert letters.one_line("ab", 2) == "ab"


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\x00", "ж", "a\x7f"])
def test_what_must_be_ascii_is_refused_otherwise(value: str) -> None:
    with pytest.raises(ValueError, match="Message-ID"):
        letters.ascii_field("Message-ID", value)


# -- addresses -------------------------------------------------------------------------------------------


@given(TEXTS)
@quick
def test_a_display_name_is_one_phrase_and_the_address_stays_what_it_is(display: str) -> None:
    message = headers_of(letters.address_field("From", "79991234567@sms.example.org", display))
    assert message.keys() == ["From"]
    [address] = message["From"].addresses
    assert address.addr_spec == "79991234567@sms.example.org"
    # Python puts blanks between encoded words of a phrase, which RFC 2047 §6.2 does not.
    assert address.display_name.replace(" ", "") == letters.one_line(display, 100).replace(" ", "")


def test_a_number_is_a_quoted_name() -> None:
    field = letters.address_field("From", "79991234567@sms.example.org", "+79991234567")
    assert field == b'From: "+79991234567" <79991234567@sms.example.org>\r\n'


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@b@c",
        "a@example.org\r\nBcc: b@example.org",
        "a\r\n@example.org",
        "a@example.org\x00",
        "a b@example.org",
        "<a@example.org>",
        "a@example.org>, <b@example.org",
        "x" * 300 + "@example.org",
    ],
)
def test_security_48_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError):
        letters.address_field("To", address)


def test_an_address_outside_ascii_goes_in_utf8() -> None:
    field = letters.address_field("To", "дежурный@example.org", "Дежурный")
    assert "<дежурный@example.org>".encode() in field
    message = email.message_from_string(field.decode() + "\r\n", policy=email.policy.SMTPUTF8)
    assert message["To"].addresses[0].addr_spec == "дежурный@example.org"


def test_a_quoted_local_part_is_an_address() -> None:
    message = headers_of(letters.address_field("To", '"the duty"@example.org'))
    assert message["To"].addresses[0].username == "the duty"


# -- references and dates --------------------------------------------------------------------------------


def test_references_name_the_mail_that_is_answered() -> None:
    message = headers_of(b"".join(letters.reference_fields("<abc.1@example.org>")))
    assert message["In-Reply-To"] == message["References"] == "<abc.1@example.org>"


@pytest.mark.parametrize(
    "message_id",
    [
        "",
        "abc@example.org",
        "<a b@example.org>",
        "<a@example.org>\r\nBcc: b@c",
        "<a@b",
        "<ж@b>",
        "<a@b><c@d>",
        "<" + "x" * 300 + "@example.org>",
    ],
)
def test_a_malformed_message_id_is_not_repeated(message_id: str) -> None:
    assert letters.reference_fields(message_id) == []


@given(st.integers(0, 4_000_000_000_000))
@quick
def test_dates_are_those_of_the_standard_library(moment_ms: int) -> None:
    at = datetime.fromtimestamp(moment_ms // 1000, UTC)
    assert email.utils.parsedate_to_datetime(letters.date(moment_ms)) == at


# -- texts -----------------------------------------------------------------------------------------------


def text_of(entity: bytes) -> str:
    for policy in (email.policy.default, email.policy.compat32):
        message = email.message_from_bytes(entity, policy=policy)
        assert message.get_content_type() == "text/plain"
        octets = message.get_payload(decode=True)
        assert isinstance(octets, bytes)
        text = octets.decode(str(message.get_content_charset()))
    return text


def normal(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode("utf-8")
    return (lines if lines.endswith("\n") else lines + "\n").replace("\n", "\r\n")


@given(
    st.one_of(
        st.sampled_from(NASTY),
        st.text(max_size=400),
        st.text("= .\t\r\nFrom ж", max_size=300),
        st.integers(60, 90).map(lambda n: "x" * n + " \t\n.\n"),
    )
)
@quick
def test_every_text_comes_back_and_travels_as_short_lines_of_ascii(text: str) -> None:
    entity = letters.text_entity(text)
    assert text_of(entity) == normal(text)
    lines = lines_of(entity)
    assert all(len(line) <= 76 for line in lines)
    assert all(0x20 <= octet < 0x7F or octet == 9 for line in lines for octet in line)


@pytest.mark.parametrize(("text", "encoding"), [("hello = 5", b"quoted-printable"), ("привет", b"base64")])
def test_the_encoding_is_the_one_that_suits(text: str, encoding: bytes) -> None:
    assert b"Content-Transfer-Encoding: " + encoding in letters.text_entity(text)


@pytest.mark.parametrize("make", [bytes, letters.crlf])
@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"\x00", b"\xff", b".", b" ", b"x" * 80])))
@quick
def test_octets_survive_quoted_printable(make: Callable[[bytes], bytes], pieces: list[bytes]) -> None:
    data = make(b"".join(pieces))
    encoded = letters.quoted_printable(data)
    message = email.message_from_bytes(b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + encoded)
    assert message.get_payload(decode=True) == letters.crlf(data)
    lines = encoded.split(b"\r\n")
    assert all(len(line) <= 76 for line in lines)
    assert not any(line.endswith((b" ", b"\t")) for line in lines)  # RFC 2045 §6.7 (3): they would be lost


def test_a_mail_is_its_fields_and_its_entity() -> None:
    whole = letters.mail(
        [letters.text_field("Subject", "hello"), letters.address_field("To", "a@example.org")],
        letters.text_entity("world"),
    )
    message = email.message_from_bytes(whole, policy=email.policy.default)
    assert message["Subject"] == "hello" and message["MIME-Version"] == "1.0"
    assert message.get_payload() == "world\r\n"
