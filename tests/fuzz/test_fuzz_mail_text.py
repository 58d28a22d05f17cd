"""Mails from anyone: nothing but MailError leaves `read_message`, and what it reads can be sent."""

from __future__ import annotations

import mail_vectors as vectors
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.ingress.mail_worker import html_to_text
from protocols.mail.errors import MailError
from protocols.mail.fitting import fit
from protocols.mail.message import Reading, Style, read_message
from protocols.sms import segments

RAW = [vectors.raw(name) for name in vectors.NAMES]
TOKENS = [
    *(
        b"\n",
        b"\r\n",
        b"\r",
        b"\n\n",
        b" ",
        b"\t",
        b"\0",
        b"\xff",
        b"\xfe\xff",
        b"\xef\xbb\xbf",
        b"--",
        b"-- \n",
    ),
    *(
        b"Content-Type: multipart/mixed; boundary=b\n\n",
        b"\n--b\n",
        b"\n--b--\n",
        b"; charset=utf-16",
        b'"',
        b"(",
    ),
    *(
        b"Content-Transfer-Encoding: base64\n",
        b"=?utf-8?B?",
        b"?=",
        b"=\n",
        b"*0*=",
        b"%E4",
        b"; format=flowed",
    ),
    *(
        b"> ",
        b"\nOn 1 wrote:\n",
        b"\nFrom: a\nSent: b\nTo: c\n",
        b"<p>",
        b"<style>",
        b"&#0;",
        b"\x1b$B",
        b"\x1b[1m",
    ),
    *("\u0301\u200d\U0001f1e9".encode(), "ж".encode("koi8-r"), b"Content-Type: message/rfc822\n\n"),
]

pieces = st.sampled_from(TOKENS) | st.binary(max_size=8)
styles = st.builds(
    Style,
    subject=st.sampled_from(["", "{subject}: ", "{subject}", "}{subject"]),
    sender=st.sampled_from(["", "{name} {address}", "{"]),
    text=st.booleans(),
    cut_quotes=st.booleans(),
    cut_signature=st.booleans(),
    empty_text=st.sampled_from(["", "nothing"]),
    numbers_in_subject=st.booleans(),
    numbers_in_body=st.booleans(),
    service_form=st.booleans(),
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A vector with pieces cut out, put in or doubled."""
    raw = draw(st.sampled_from(RAW))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(raw)))
        end = min(len(raw), start + draw(st.integers(0, 40)))
        raw = raw[:start] + draw(pieces) * draw(st.integers(0, 3)) + raw[end:]
    return raw


def read(raw: bytes, style: Style) -> Reading | None:
    try:
        return read_message(raw, style, html_to_text)
    except MailError as error:
        assert error.code in ("554 5.6.0", "552 5.3.4")
        return None


@settings(max_examples=200, deadline=None)
@given(
    raw=mutated() | st.lists(pieces, max_size=30).map(b"".join),
    style=styles,
    transliterate=st.sampled_from(["none", "typography", "all"]),
)
@example(raw=b"", style=vectors.STYLE, transliterate="none")
def test_a_mail_is_read_or_refused(raw: bytes, style: Style, transliterate: str) -> None:
    reading = read(raw, style)
    if reading is None:
        return
    for line in (reading.subject, *reading.traces, reading.header_id, reading.number_source):
        assert not any(character in line for character in "\r\n\0")
    assert 0 <= reading.header_length <= len(raw)
    assert reading.priority in range(4)
    assert reading.text == reading.text.strip() or style.empty_text
    assert "\0" not in reading.text or style.service_form  # there it may be binary data
    if reading.text:
        fitted = fit(reading.text, transliterate=transliterate, max_segments=2, max_characters=0, cut=True)
        assert segments.count(fitted.user_data, fitted.alphabet) == fitted.segments <= 2


@settings(max_examples=60, deadline=None)
@given(raw=st.sampled_from(RAW), end=st.integers(0, 3000))
def test_a_mail_that_ends_anywhere(raw: bytes, end: int) -> None:
    read(raw[:end], vectors.STYLE)
