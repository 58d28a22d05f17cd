"""Mails from anyone: nothing but MailError leaves `read_message`, and what it reads can be sent."""

from __future__ import annotations

import mail_vectors as vectors
from hypothesis import example, given, settings
from hypothesis import strategies as st
from targets_mail import check_mail, read_or_refuse

from protocols.mail.message import Style

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


@settings(max_examples=200, deadline=None)
@given(
    raw=mutated() | st.lists(pieces, max_size=30).map(b"".join),
    style=styles,
    transliterate=st.sampled_from(["none", "typography", "all"]),
)
@example(raw=b"", style=vectors.STYLE, transliterate="none")
def test_a_mail_is_read_or_refused(raw: bytes, style: Style, transliterate: str) -> None:
    check_mail(raw, style, transliterate)


@settings(max_examples=60, deadline=None)
@given(raw=st.sampled_from(RAW), end=st.integers(0, 3000))
def test_a_mail_that_ends_anywhere(raw: bytes, end: int) -> None:
    read_or_refuse(raw[:end], vectors.STYLE)
