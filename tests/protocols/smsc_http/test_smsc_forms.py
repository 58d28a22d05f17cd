"""Forms, percent-encoded and multipart: round trips, what other clients write, bounds."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.smsc_http.forms import (
    MAX_FIELDS,
    MAX_FILES,
    File,
    FormError,
    Part,
    format_form,
    format_multipart,
    parse_form,
    parse_multipart,
)

NAMES = st.text("ab1[]=&+;\"'", min_size=1, max_size=12)
TYPE = "multipart/form-data; boundary=b"


def body(*lines: str, end: str = "\r\n") -> bytes:
    return end.join(lines).encode()


SIMPLE = body("--b", 'Content-Disposition: form-data; name="a"', "", "1", "--b--", "")


@settings(max_examples=40)
@given(st.lists(st.tuples(NAMES, st.binary(max_size=40)), max_size=6))
def test_a_form_comes_back(fields: list[tuple[str, bytes]]) -> None:
    assert parse_form(format_form(fields)) == [(name.encode(), value) for name, value in fields]


def test_forms_that_others_write() -> None:
    assert parse_form(b"a=1&&b=x+y%2Bz%&c&fl[5]=1&d=1=2") == [
        *((b"a", b"1"), (b"b", b"x y+z%"), (b"c", b""), (b"fl[5]", b"1"), (b"d", b"1=2")),
    ]
    assert parse_form(b"") == []


@pytest.mark.parametrize("shift", range(4))
def test_long_values_are_read_in_pieces_without_a_seam(shift: int) -> None:
    value = b"x" * shift + "ж+ %4".encode() * 40_000
    assert parse_form(format_form([("a", value)])) == [(b"a", value)]
    assert parse_form(b"a=" + b"x" * shift + b"%zz%%41" * 20_000) == [
        (b"a", b"x" * shift + b"%zz%A" * 20_000)
    ]


@pytest.mark.parametrize("octets", [b"=1", b"n" * 65 + b"=1", b"a=1&" * (MAX_FIELDS + 1), b"&" * 5000])
def test_forms_out_of_bounds(octets: bytes) -> None:
    with pytest.raises(FormError):
        parse_form(octets)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(NAMES, st.binary(max_size=40)), max_size=4),
    st.lists(
        st.builds(File, st.just('a "b".txt'), st.binary(max_size=80), st.just("a/b"), NAMES), max_size=3
    ),
)
def test_a_multipart_form_comes_back(fields: list[tuple[str, bytes]], files: list[File]) -> None:
    found = parse_multipart(*format_multipart(fields, files))
    assert found == [
        *(Part(name.encode(), None, "", value) for name, value in fields),
        *(Part(file.field.encode(), b'a "b".txt', file.content_type, file.content) for file in files),
    ]


def test_files_are_named_by_their_place() -> None:
    _, written = format_multipart([], [File("a.wav", b"1", "audio/x-wav"), File("b.wav", b"2")])
    assert b'name="file0"; filename="a.wav"\r\nContent-Type: audio/x-wav\r\n\r\n1\r\n' in written
    assert b'name="file1"; filename="b.wav"' in written


def test_the_boundary_is_in_no_content() -> None:
    content_type, _ = format_multipart([("a", b"x")], [])
    boundary = content_type.partition("boundary=")[2]
    again, written = format_multipart([("a", b"x"), ("b", boundary.encode())], [])
    assert boundary not in again
    assert [part.content for part in parse_multipart(again, written)] == [b"x", boundary.encode()]


def test_nothing_breaks_out_of_a_header() -> None:
    file = File('a"\r\nX: 1', b"", "text/plain\r\nX: 2", 'f"\r\n')
    [part] = parse_multipart(*format_multipart([], [file]))
    assert part == Part(b'f"\r\n', b'a"\r\nX: 1', "text/plainX: 2", b"")


def test_a_file_says_nothing_of_its_content() -> None:
    assert "secret" not in repr(File("a", b"secret"))


@pytest.mark.parametrize(
    ("disposition", "name", "filename"),
    [
        ('form-data; name="a"', b"a", None),
        ("form-data; name=a", b"a", None),
        ('form-data; name="fl[5]"', b"fl[5]", None),
        ('form-data; filename="x.png"; name="a"', b"a", b"x.png"),
        ('form-data; name="a"; filename=""', b"a", b""),
        ('form-data; name="a"; filename="C:\\dir\\x.png"', b"a", b"x.png"),
        ('form-data; name="a"; filename="../../etc/x"', b"a", b"x"),
        ('form-data; name="a"; filename="x\\"y.png"', b"a", b'x"y.png'),
        ('form-data; name="a"; filename="x"; filename*=UTF-8\'\'%D0%B6+.png', b"a", "ж+.png".encode()),
    ],
)
def test_parts_that_others_write(disposition: str, name: bytes, filename: bytes | None) -> None:
    text = body("--b", f"content-disposition: {disposition}", "Content-Type: x/y", "", "1", "--b--")
    assert parse_multipart('Multipart/Form-Data; Boundary="b"', text) == [Part(name, filename, "x/y", b"1")]


def test_contents_may_have_line_ends_and_almost_boundaries() -> None:
    content = "\r\n--\r\n--a\r\n-- b\r\n"
    text = body("--b", 'Content-Disposition: form-data; name="a"', "", content, "--b--")
    assert parse_multipart(TYPE, b"\r\n" + text)[0].content == content.encode()


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        ("multipart/form-data", SIMPLE),
        ("multipart/mixed; boundary=b", SIMPLE),
        ("multipart/form-data; boundary=" + "b" * 71, SIMPLE),
        (TYPE, b""),
        (TYPE, SIMPLE.replace(b"--b--", b"")),
        (TYPE, SIMPLE[:-6]),
        (TYPE, SIMPLE + b"--b"),
        (TYPE, b"preamble\r\n" + SIMPLE),
        (TYPE, SIMPLE.replace(b"\r\n", b"\n")),
        (TYPE, SIMPLE.replace(b"form-data", b"attachment")),
        (TYPE, SIMPLE.replace(b'name="a"', b"")),
        (TYPE, SIMPLE.replace(b'name="a"', b'name=""')),
        (TYPE, SIMPLE.replace(b'name="a"', b'name="a')),
        (TYPE, SIMPLE.replace(b"Content-Disposition", b"Content-Type")),
        (TYPE, SIMPLE.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n")),
        (TYPE, SIMPLE.replace(b"\r\n\r\n", b"\r\nX: 1\r\nX: 2\r\n\r\n")),
        (TYPE, SIMPLE.replace(b"\r\n\r\n", b"\r\nno colon\r\n\r\n")),
        (TYPE, SIMPLE.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * 5000 + b"\r\n\r\n")),
        (TYPE, SIMPLE.replace(b"--b--", b"--bb--")),
    ],
)
def test_no_multipart_forms(content_type: str, text: bytes) -> None:
    assert parse_multipart(TYPE, SIMPLE)
    with pytest.raises(FormError):
        parse_multipart(content_type, text)


def test_the_number_of_files_is_bounded() -> None:
    with pytest.raises(FormError):
        parse_multipart(*format_multipart([], [File("a", b"")] * (MAX_FILES + 1)))


@given(st.text(alphabet='-b\r\n:;=" aform-data', max_size=80), st.integers(0, len(SIMPLE)))
def test_only_the_documented_error_escapes(text: str, place: int) -> None:
    with contextlib.suppress(FormError):
        parse_multipart(TYPE, SIMPLE[:place] + text.encode() + SIMPLE[place:])
    with contextlib.suppress(FormError):
        parse_form(text.encode())
