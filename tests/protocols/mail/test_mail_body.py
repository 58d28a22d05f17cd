"""Which part is the text; most of it is in the vectors, here is what they do not show."""

from __future__ import annotations

import pytest

from protocols.mail.body import MAX_CHARACTERS, NO_BODY, Body, find_body
from protocols.mail.mime import read_part


def body_of(raw: bytes, default_charset: str = "") -> Body:
    return find_body(
        read_part(raw, 0, len(raw)), default_charset, lambda html: html.replace("<p>", "").upper()
    )


def multipart(subtype: str, *parts: str) -> bytes:
    inside = "".join(f"--b\n{part}\n" for part in parts)
    return f"Content-Type: multipart/{subtype}; boundary=b\n\n{inside}--b--\n".encode()


PLAIN = "Content-Type: text/plain\n\nplain"
HTML = "Content-Type: text/html\n\n<p>html"
NAMED = 'Content-Type: text/plain; name="a.txt"\n\nnamed'
PICTURE = "Content-Type: image/png\n\npixels"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (multipart("alternative", PLAIN, HTML), "plain"),
        (multipart("alternative", HTML, PLAIN), "plain"),
        (multipart("alternative", HTML), "HTML"),
        (multipart("alternative", HTML, "Content-Type: text/html\n\nsecond"), "HTML"),
        (multipart("mixed", HTML, PLAIN), "HTML"),
        (multipart("mixed", PICTURE, PLAIN), "plain"),
        (multipart("mixed", NAMED, PLAIN), "plain"),
        (multipart("mixed", NAMED), ""),
        (multipart("mixed", "Content-Disposition: attachment\n\nno"), ""),
        (multipart("mixed", "Content-Disposition: inline; filename=a\n\nno"), ""),
        (multipart("mixed", "Content-Disposition: inline\n\nyes"), "yes"),
        (multipart("mixed", "Content-Disposition: ATTACHMENT\n\nno", PLAIN), "plain"),
        (multipart("unheard-of", PICTURE, PLAIN), "plain"),
        (multipart("mixed", "Content-Type: text/x-log\n\nlog"), "log"),
        (multipart("mixed", "Content-Type: text\n\nodd"), "odd"),
        (multipart("mixed", "Content-Type: text/calendar\n\nBEGIN"), ""),
        (multipart("mixed", "Content-Type: text/csv\n\na,b"), ""),
        (multipart("mixed", "Content-Type: text/rfc822-headers\n\nA: b"), ""),
        (multipart("mixed", "Content-Type: application/xhtml+xml\n\n<p>x"), "X"),
        (multipart("mixed", "Content-Type: text/enriched\n\nx"), "X"),
        (multipart("mixed", "\n \t\n", PLAIN), "plain"),
        (multipart("mixed", "Content-Type: message/rfc822\n\n\ninner", "\nouter"), "outer"),
        (multipart("mixed", "Content-Type: message/rfc822\n\nA: b\n\ninner"), "inner"),
        (multipart("mixed", "Content-Type: message/global\n\nA: b\n\ninner"), "inner"),
        (
            multipart(
                "mixed",
                "Content-Type: message/rfc822\n\nContent-Type: image/png\n\nx",
                "Content-Type: message/rfc822\n\n\nsecond",
            ),
            "second",
        ),
        (
            multipart(
                "mixed", "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nQTogYgoKaGk="
            ),
            "hi",
        ),
        (
            b"Content-Type: text/plain; name=a.txt\nContent-Disposition: attachment\n\nall there is",
            "all there is",
        ),
        (b"Content-Type: image/png\n\nx", ""),
        (b"Content-Type: message/delivery-status\n\nA: b", ""),
        (b"", ""),
    ],
)
def test_the_text_is_found(raw: bytes, text: str) -> None:
    assert body_of(raw).text.strip() == text


def test_no_text() -> None:
    assert body_of(b"Content-Type: image/png\n\nx") == NO_BODY


def test_line_breaks_become_one_kind() -> None:
    assert body_of(b"\na\r\nb\rc\nd").text == "a\nb\nc\nd"


def test_flowed_is_known() -> None:
    flowed = body_of(b"Content-Type: text/plain; format=Flowed; DelSp=Yes\n\nx")
    assert (flowed.flowed, flowed.delsp) == (True, True)
    assert body_of(b"Content-Type: text/plain; delsp=yes\n\nx").delsp is False
    assert body_of(b"Content-Type: text/html; format=flowed\n\nx").flowed is False


def test_a_default_charset() -> None:
    assert body_of("\nж".encode("koi8-r"), "koi8-r").text == "ж"
    assert body_of("Content-Type: text/plain; charset=cp1251\n\nж".encode("cp1251"), "koi8-r").text == "ж"


def test_a_charset_in_html_counts_where_no_other_is_named() -> None:
    html = "Content-Type: text/html{}\n\n<meta charset='koi8-r'>ж"
    assert body_of(html.format("").encode("koi8-r")).text.endswith("Ж")
    assert body_of(html.format("; charset=utf-8").encode()).text.endswith("Ж")


def test_a_text_has_an_end() -> None:
    body = body_of(b"\n" + b"a" * 100_000)
    assert len(body.text) == MAX_CHARACTERS
    assert body.reasons == (("text", "only its first 65536 characters are looked at"),)


def test_reasons() -> None:
    assert body_of(HTML.encode()).reasons == (("text", "from the HTML, there is no plain text"),)
    assert body_of(b"Content-Type: multipart/mixed; boundary=x\n\nplain").reasons == (
        ("parts", "the boundary of the parts is not in the mail: all of it is taken as text"),
    )
    odd = b"Content-Type: text/plain; charset=x-y\nContent-Transfer-Encoding: base64\n\nno base64"
    assert body_of(odd).reasons == (
        ("transfer encoding", "the text is no base64, and taken as it is"),
        ("charset", "charset “x-y” is unknown"),
    )
    inside = multipart("mixed", "Content-Type: message/rfc822\n\nA: b\n\ninner")
    assert body_of(inside).reasons == (("text", "of the mail inside the mail"),)
