"""Headers, parameters and parts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.mail.errors import MailError
from protocols.mail.mime import MAX_HEADER, children, parse_parameters, read_fields, read_part, unfold


@pytest.mark.parametrize(
    ("data", "fields", "body", "odd"),
    [
        (b"", {}, b"", 0),
        (b"A: b\n\nbody", {b"a": [b" b"]}, b"body", 0),
        (b"A: b\r\n\r\nbody", {b"a": [b" b\r"]}, b"body", 0),
        (b"A: b\r\r\n\r\r\nbody", {b"a": [b" b\r\r"]}, b"body", 0),
        (b"A: b\nA: c\nB:\n\n", {b"a": [b" b", b" c"], b"b": [b""]}, b"", 0),
        (b"A: b\n c\n\td\n\nbody", {b"a": [b" b\n c\n\td"]}, b"body", 0),
        (b"A : b\n\nbody", {b"a": [b" b"]}, b"body", 0),
        (b"A: b", {b"a": [b" b"]}, b"", 0),
        (b"\nbody: b\n", {}, b"body: b\n", 0),
        (b"From x Mon\nA: b\n\nbody", {b"a": [b" b"]}, b"body", 0),
        (b"A: b\nodd line\nC: d\n\nbody", {b"a": [b" b"], b"c": [b" d"]}, b"body", 1),
        (
            b"A: b\nThis is the body.\nIt has lines.\n",
            {b"a": [b" b"]},
            b"This is the body.\nIt has lines.\n",
            0,
        ),
        (b"A: b\nThis is the body.\n\nC: d\n", {b"a": [b" b"]}, b"This is the body.\n\nC: d\n", 0),
        (b"no header", {}, b"no header", 0),
        (b"A: b\n \nbody", {b"a": [b" b\n "]}, b"body", 0),
        ("Ä: b\nA: b\n\nx".encode(), {b"a": [b" b"]}, b"x", 1),
    ],
)
def test_read_fields(data: bytes, fields: dict[bytes, list[bytes]], body: bytes, odd: int) -> None:
    found, start, odd_lines = read_fields(data, 0, len(data))
    assert (found, data[start:], odd_lines) == (fields, body, odd)


def test_fields_are_read_within_their_part() -> None:
    data = b"A: b\nC: d\n\nbody"
    assert read_fields(data, 5, 9)[0] == {b"c": [b" d"]}
    assert read_fields(data, 5, 9)[1] == 9


def test_a_header_has_an_end() -> None:
    fitting = b"A: " + b"x" * (MAX_HEADER - 4) + b"\n"
    assert read_fields(fitting + b"\n", 0, len(fitting) + 1)[1] == MAX_HEADER + 1
    with pytest.raises(MailError) as caught:
        read_fields(b"x" + fitting + b"\n", 0, len(fitting) + 2)
    assert caught.value.code == "552 5.3.4"


def test_unfold() -> None:
    assert unfold(b" a\r\n b\n\tc\r") == b"a b\tc"
    assert len(unfold(b"a" * 5000)) == 2048


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", ("", {})),
        (b"text/plain", ("text/plain", {})),
        (b"Text/Plain; Charset=UTF-8", ("text/plain", {"charset": "UTF-8"})),
        (b'text/plain;charset="utf-8"', ("text/plain", {"charset": "utf-8"})),
        (b"text/plain charset=utf-8", ("text/plain", {"charset": "utf-8"})),
        (b"text/plain; charset = utf-8 ; x=y", ("text/plain", {"charset": "utf-8", "x": "y"})),
        (b'a/b; x="c; y=d \\" \\\\ e"; z=1', ("a/b", {"x": 'c; y=d " \\ e', "z": "1"})),
        (b'a/b; x="open', ("a/b", {"x": "open"})),
        (b'a/b; x="', ("a/b", {"x": ""})),
        (b"a/b; x=1; x=2", ("a/b", {"x": "1"})),
        (b"a/b; x", ("a/b", {})),
        (b"a/b;; ;x=1;", ("a/b", {"x": "1"})),
        (b"a/b (c; x=1 (d) ; x=2", ("a/b", {})),  # the comment does not end
        (b'a/b (c; x=1 (d) \\) e) ; x="2 (3)"', ("a/b", {"x": "2 (3)"})),
        (b"a/b; x*0=1; x*1=2", ("a/b", {"x": "12"})),  # RFC 2231 §3
        (b"a/b; x*1=2; x*0=1", ("a/b", {"x": "12"})),
        (b"a/b; x*=utf-8'en'%C3%A4%2", ("a/b", {"x": "Ã¤%2"})),
        (b"a/b; x*0*=us-ascii''%41; x*1=%42", ("a/b", {"x": "A%42"})),
        (b"a/b; x*x=1; *=2; y=3", ("a/b", {"x*x": "1", "*": "2", "y": "3"})),
    ],
)
def test_parse_parameters(value: bytes, expected: tuple[str, dict[str, str]]) -> None:
    assert parse_parameters(value) == expected


def bodies(raw: bytes) -> list[bytes]:
    part = read_part(raw, 0, len(raw))
    return [child.data[child.start : child.end] for child in children(part)]


def mixed(body: bytes, boundary: bytes = b"b") -> bytes:
    return b"Content-Type: multipart/mixed; boundary=%b\n\n%b" % (boundary, body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", []),
        (b"no parts", []),
        (b"--b\n\none\n--b\n\ntwo\n--b--\nrest", [b"one", b"two"]),
        (b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n", [b"one", b"two"]),
        (b"preamble\n--b\n\none\n--b--", [b"one"]),
        (b"--b\n\none", [b"one"]),
        (b"--b\n\none\n", [b"one\n"]),
        (b"--b\nA: c\n\none\n--b", [b"one", b""]),
        (b"--b \t\n\none\n--b--  \n", [b"one"]),
        (b"--b\n\none\n--bc\n--b c\n -- b\n--b--", [b"one\n--bc\n--b c\n -- b"]),
        (b"--b\n--b\n\ntwo\n--b--", [b"", b"two"]),
        (b"--b\n\n\n\n--b--", [b"\n"]),
        (b"--b--\n\none", []),
        (b"--b\nno header\n--b--", [b"no header"]),
    ],
)
def test_children(body: bytes, expected: list[bytes]) -> None:
    assert bodies(mixed(body)) == expected


def test_an_impossible_boundary_has_no_parts() -> None:
    assert bodies(b"Content-Type: multipart/mixed\n\n--\n\none\n----") == []
    assert bodies(mixed(b"--b\n\none", b'""')) == []
    assert bodies(mixed(b"--" + b"b" * 201 + b"\n\none", b"b" * 201)) == []
    assert bodies(mixed(b"--" + b"b" * 200 + b"\n\none", b"b" * 200)) == [b"one"]


def test_a_childs_header() -> None:
    raw = mixed(b"--b\nContent-Type: TEXT/html; a=b\n\n<p>\n--b\n\nx\n--b--")
    first, second = children(read_part(raw, 0, len(raw)))
    assert (first.media_type, first.parameters) == ("text/html", {"a": "b"})
    assert (second.media_type, second.parameters) == ("text/plain", {})
    digest = raw.replace(b"mixed", b"digest")
    assert [child.media_type for child in children(read_part(digest, 0, len(digest)))] == [
        "text/html",
        "message/rfc822",
    ]


def test_children_are_found_one_by_one() -> None:
    raw = mixed(b"--b\n\none\n--b\n" + b"A: " + b"x" * 200_000 + b"\n--b--")
    found = children(read_part(raw, 0, len(raw)))
    assert next(found).end
    with pytest.raises(MailError):
        next(found)


_line = st.sampled_from(
    [b"--b", b"--b--", b"--bb", b"", b"text", b"A: b", b"Content-Type: multipart/mixed", b"--"]
)


@settings(deadline=None)
@given(lines=st.lists(_line, max_size=12), ending=st.sampled_from([b"\n", b"\r\n"]))
def test_parts_lie_within_the_mail_and_in_order(lines: list[bytes], ending: bytes) -> None:
    raw = mixed(ending.join(lines))
    mail = read_part(raw, 0, len(raw))
    end = mail.start
    for child in children(mail):
        assert end <= max(child.start, child.end) <= len(raw)
        assert b"\n--b\n" not in raw[child.start : child.end].replace(b"\r", b"")
        end = max(child.end, end)
