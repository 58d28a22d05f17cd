"""Mails made to cost: each of a megabyte, and read in a moment.

What would be quadratic takes minutes here, so a time limit far above what a slow machine needs tells.
"""

from __future__ import annotations

import mail_vectors as vectors
import pytest

from gateway.ingress.mail_worker import html_to_text
from protocols.mail.errors import MailError
from protocols.mail.fitting import fit
from protocols.mail.message import read_message

SIZE = 1_000_000
MIXED = b"Content-Type: multipart/mixed; boundary="
HTML = b"Content-Type: text/html\n\n"


def repeated(unit: bytes | str, size: int = SIZE) -> bytes:
    octets = unit.encode() if isinstance(unit, str) else unit
    return (octets * (size // len(octets) + 1))[:size]


def plain(unit: bytes | str, parameters: str = "charset=utf-8") -> bytes:
    return b"Content-Type: text/plain; %b\n\n%b" % (parameters.encode(), repeated(unit))


def nested(count: int, boundary: bytes = b"b") -> bytes:
    """`count` multiparts around a text."""
    levels = (b"%b%b%d\n\n--%b%d\n" % (MIXED, boundary, n, boundary, n) for n in range(count))
    return b"".join(levels) + b"\ninside"


HOSTILE = {
    "quoted lines": plain(b"> > > a\n"),
    "blanks between quoted lines": plain(b">\n \n"),
    "one quoted line": plain(b">"),
    "introductions": plain(b"On 1 a wrote:\n"),
    "colons": plain(b":\n"),
    "heads of quoted mails": plain(b"From: a\n"),
    "dashes": plain(b"--\n"),
    "rules": plain(b"________\n"),
    "separators": plain(b"-- Original Message "),
    "spaces": plain(b" "),
    "blank lines": plain(b" \n"),
    "carriage returns": plain(b"\r"),
    "colours": plain(b"\x1b[1;1;1;"),
    "joiners": plain("\u200c"),
    "accents": plain("\u0323\u0301"),
    "accents on Greek": plain("\u03b1\u0323\u0301\u0323\u0301"),
    "halves of flags": plain("\U0001f1e9"),
    "flowed": plain(b"> \n> a \n", "format=flowed; delsp=yes"),
    "flowed without end": plain(b"a \n", "format=flowed"),
    "words in a subject": b"Subject: " + repeated(b"=?a?q?", 90_000) + b"\n\nx",
    "whole words in a subject": b"Subject: " + repeated(b"=?utf-8?b?QQ==?= ", 90_000) + b"\n\nx",
    "folds in a subject": b"Subject: " + repeated(b"a\n ", 90_000) + b"\n\nx",
    "quotes in From": b"From: " + repeated(b'"', 90_000) + b"\n\nx",
    "comments in From": b"From: " + repeated(b"(", 19_000) + b"\n\nx",
    "many authors": repeated(b"From: a@b.example\n", 99_000) + b"\n\nx",
    "comments in Content-Type": b"Content-Type: text/plain" + repeated(b"(", 90_000) + b"\n\nx",
    "quotes in Content-Type": b"Content-Type: text/plain" + repeated(b';a="\\"', 90_000) + b"\n\nx",
    "pieces of parameters": b"Content-Type: text/plain" + repeated(b";a*1=b", 90_000) + b"\n\nx",
    "no header": repeated(b"abc def\n"),
    "no line break": repeated(b"a"),
    "lines that are no fields": repeated(b"no field\nA:b\n", 99_000) + b"\n\nx",
    "empty fields": repeated(b"a:\n", 99_000) + b"\n\nx",
    "nearly boundaries": MIXED + b"ab\n\n" + repeated(b"\n--abx"),
    "nearly long boundaries": MIXED + b"-" * 190 + b"\n\n" + repeated(b"\n" + b"-" * 191),
    "nearly boundaries of all levels": nested(9) + repeated(b"\n--bx"),
    "blank parts": MIXED + b"a\n\n" + (b"--a\nContent-Type: text/html\n\n<p>" + b"<b>" * 1700 + b"\n") * 190,
    "base64": b"Content-Transfer-Encoding: base64\n\n" + repeated(b"QUFB"),
    "padding": b"Content-Transfer-Encoding: base64\n\n" + repeated(b"A="),
    "base64 with blanks": b"Content-Transfer-Encoding: base64\n\n" + repeated(b"A\t"),
    "quoted-printable": b"Content-Transfer-Encoding: quoted-printable\n\n" + repeated(b"=\n"),
    "UTF-7": plain(b"+AGE", "charset=utf-7"),
    "HZ": plain(b"~{", "charset=hz-gb-2312"),
    "escapes of ISO-2022-JP": plain(b"\x1b$B", "charset=iso-2022-jp"),
    "shifts of ISO-2022-KR": plain(b"\x0e\x0f", "charset=iso-2022-kr"),
    "halves of GB 18030": plain(b"\x81\x30\x81", "charset=gb18030"),
    "divs": HTML + repeated(b"<div>"),
    "tables": HTML + repeated(b"<table><tr><td>"),
    "misnested": HTML + repeated(b"<font><p>"),
    "brackets": HTML + repeated(b"<"),
    "entities": HTML + repeated(b"&#x41;"),
    "hidden": HTML + repeated(b"<p hidden>x</p>"),
    "hidden in hidden": HTML + repeated(b"<b hidden style='display:none'>x"),
    "attributes": HTML + b"<p " + repeated(b"a='"),
    "comments": HTML + repeated(b"<!--"),
    "charsets in HTML": HTML + repeated(b"charset   "),
    "clearsigned": plain(b"- \n").replace(b"- ", b"-----BEGIN PGP SIGNED MESSAGE-----\n\n- ", 1),
    "numbers": b"Subject: " + repeated(b"1 ", 2000) + b"x\n\n" + repeated(b"+1,", 60_000) + b"x",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", HOSTILE)
def test_security_50_52_54_56_a_hostile_mail_is_read_in_a_moment(name: str) -> None:
    style = vectors.STYLE._replace(sender="{name} {address} ", numbers_in_subject=True, numbers_in_body=True)
    reading = read_message(HOSTILE[name], style, html_to_text)
    assert len(reading.text) <= 70_000
    for transliterate in ("typography", "all"):
        fitted = fit(reading.text, transliterate=transliterate, max_segments=4, max_characters=0, cut=True)
        assert fitted.segments <= 4


def test_security_52_parts_have_a_depth() -> None:
    assert read_message(nested(10), vectors.STYLE, html_to_text).text == "inside"
    with pytest.raises(MailError) as caught:
        read_message(nested(11), vectors.STYLE, html_to_text)
    assert caught.value.code == "554 5.6.0"


def test_security_52_mails_in_mails_have_a_depth() -> None:
    inside = b"Content-Type: message/rfc822\n\n"
    assert read_message(inside * 10 + b"\nx", vectors.STYLE, html_to_text).text == "x"
    with pytest.raises(MailError) as caught:
        read_message(inside * 11 + b"\nx", vectors.STYLE, html_to_text)
    assert caught.value.code == "554 5.6.0"


def test_security_52_parts_have_a_number() -> None:
    blank = b"--a\nContent-Type: image/png\n\n"
    text = b"--a\n\nthe text\n--a--"
    assert read_message(MIXED + b"a\n\n" + blank * 198 + text, vectors.STYLE, html_to_text).text == "the text"
    with pytest.raises(MailError) as caught:
        read_message(MIXED + b"a\n\n" + blank * 199 + text, vectors.STYLE, html_to_text)
    assert caught.value.code == "554 5.6.0"


def test_security_52_parts_behind_the_text_count_too() -> None:
    blank = b"--a\nContent-Type: image/png\n\n"
    mail_inside = b"--a\nContent-Type: message/rfc822\n\n"
    start = MIXED + b"a\n\n--a\n\nthe text\n"
    assert read_message(start + blank * 198, vectors.STYLE, html_to_text).text == "the text"
    for more in (blank * 199, mail_inside + nested(9), mail_inside * 100):
        with pytest.raises(MailError) as caught:
            read_message(start + more, vectors.STYLE, html_to_text)
        assert caught.value.code == "554 5.6.0"
    assert read_message(start + mail_inside + nested(8), vectors.STYLE, html_to_text).text == "the text"


def test_security_56_only_so_much_html_is_looked_at() -> None:
    seen: list[int] = []

    def count(html: str) -> str:
        seen.append(len(html))
        return "x"

    read_message(HTML + repeated(b"<p>"), vectors.STYLE, count)
    assert seen == [262_144]
