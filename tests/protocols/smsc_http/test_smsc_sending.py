"""What stands inside the values of a sending: lists, comments, prefixes, binary messages, calls."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.smsc_http.sending import (
    CALL_DEFAULT,
    PREFIXES,
    Binary,
    CallParam,
    ListLine,
    SendingError,
    call_param,
    can_list,
    format_binary,
    format_list,
    group_number,
    is_client_id,
    join_comment,
    parse_binary,
    parse_list,
    parts_of,
    split_comment,
    split_phones,
    split_prefix,
)

PHONES = st.lists(
    st.sampled_from(["79991234567", "+79991234567", "G777", "#11", "a@example.org"]), min_size=1, max_size=3
)
HEADS = st.text("Ab 1.-_!?ж", max_size=11).map(str.strip)
TEXTS = st.text("aж1:;,|\\n\n \u2028\t~", max_size=40).filter(can_list)
LINES = st.builds(ListLine, PHONES.map(tuple), TEXTS, HEADS, st.sampled_from(["", "3", "-2"]))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "79999999999:Hello!\n78888888888:Hello\\nworld!",
            [ListLine(("79999999999",), "Hello!"), ListLine(("78888888888",), "Hello\nworld!")],
        ),
        (
            "79999999999:Hello1!\\n~~~\\nComment1\n78888888888:Hello2!\\n~~~\\nComment2",
            [
                ListLine(("79999999999",), "Hello1!\n~~~\nComment1"),
                ListLine(("78888888888",), "Hello2!\n~~~\nComment2"),
            ],
        ),
        ("ivan|79999999999,G777:a", [ListLine(("79999999999", "G777"), "a", "ivan")]),
        ("ivan,-2|79999999999:a:b;c", [ListLine(("79999999999",), "a:b;c", "ivan", "-2")]),
        (",3|79999999999:a", [ListLine(("79999999999",), "a", "", "3")]),
        ("79999999999;a:b", [ListLine(("79999999999",), "a:b")]),
        (
            "79999999999:a | b\r\n\r\n78888888888: c",
            [ListLine(("79999999999",), "a | b"), ListLine(("78888888888",), " c")],
        ),
        ("79999999999:", [ListLine(("79999999999",), "")]),
        ("79999999999:a\u2028b", [ListLine(("79999999999",), "a\u2028b")]),
    ],
)
def test_lists(text: str, lines: list[ListLine]) -> None:
    assert parse_list(text) == lines


@pytest.mark.parametrize(
    "text", ["", "\n \n", "79999999999", ":text", "ivan|:text", ",:text", "79999999999:a\nb"]
)
def test_no_lists(text: str) -> None:
    with pytest.raises(SendingError):
        parse_list(text)


def test_texts_with_real_line_feeds_go_on_until_a_line_begins() -> None:
    text = "79999999999:Hello\nat 10:30\n\nBye\\n\nivan|78888888888,a@example.org;b\nG777:c\n"
    assert parse_list(text, nl=True) == [
        ListLine(("79999999999",), "Hello\nat 10:30\n\nBye\\n"),
        ListLine(("78888888888", "a@example.org"), "b", "ivan"),
        ListLine(("G777",), "c\n"),
    ]


@settings(max_examples=40)
@given(st.lists(LINES, min_size=1, max_size=4))
def test_a_list_comes_back_as_it_was_written(lines: list[ListLine]) -> None:
    assert parse_list(format_list(lines)) == lines


@pytest.mark.parametrize(
    "line",
    [
        ListLine((), "a"),
        ListLine(("",), "a"),
        ListLine(("7999,7888",), "a"),
        ListLine(("a|b@example.org",), "a"),
        ListLine(("79999999999",), "C:\\new"),
        ListLine(("79999999999",), "a\r\nb"),
        ListLine(("79999999999",), "a", "a:b"),
        ListLine(("79999999999",), "a", "a|b"),
        ListLine(("79999999999",), "a", "ivan", "3\n7888:b"),
    ],
)
def test_what_a_list_cannot_hold_is_refused_without_being_said(line: ListLine) -> None:
    with pytest.raises(SendingError) as caught:
        format_list([line])
    assert "new" not in str(caught.value)


def test_an_empty_list_is_none() -> None:
    with pytest.raises(SendingError):
        format_list([])


@given(st.text(alphabet="7123456789G,;:|\\n\n\r@a~ ", max_size=80), st.booleans())
def test_any_text_is_a_list_or_refused(text: str, nl: bool) -> None:
    with contextlib.suppress(SendingError):
        for line in parse_list(text, nl):
            assert line.phones
            assert nl or "\\n" not in line.text


def test_recipients_and_groups() -> None:
    assert split_phones("79999999999, +78888888888;;#11;G777,") == (
        "79999999999",
        "+78888888888",
        "#11",
        "G777",
    )
    assert split_phones(" ,;") == ()
    assert [group_number(phone) for phone in ("G777", "g888", "777", "G", "Gx", "G٣")] == [
        *("777", "888"),
        *[None] * 4,
    ]


@pytest.mark.parametrize("text", ["1", "2147483647", "a", "a.b-c_d", "x" * 40, "2147483648a"])
def test_ids_of_clients(text: str) -> None:
    assert is_client_id(text)


@pytest.mark.parametrize("text", ["", "0", "2147483648", "99999999999", "x" * 41, "a b", "ж", "٣", "a\n"])
def test_no_ids_of_clients(text: str) -> None:
    assert not is_client_id(text)


def test_comments() -> None:
    assert join_comment("Hello!", "Comment") == "Hello!\n~~~\nComment"
    assert join_comment("Hello!", "") == "Hello!"
    assert split_comment("Hello!\n~~~\nComment\n~~~\nmore") == ("Hello!", "Comment\n~~~\nmore")
    assert split_comment("Hello!\r\n~~~\r\nComment") == ("Hello!", "Comment")
    assert split_comment("Hello! ~~~ no\n~~~~\nx") == ("Hello! ~~~ no\n~~~~\nx", "")
    for text in ("a\n~~~\nb", "a\n~~~"):
        with pytest.raises(SendingError):
            join_comment(text, "c")


@given(st.text(alphabet="ab~\n\r", max_size=20), st.text(alphabet="ab~\n\r", max_size=20))
def test_a_comment_is_parted_where_it_was_joined(text: str, comment: str) -> None:
    with contextlib.suppress(SendingError):
        whole = join_comment(text, comment)
        assert not comment or split_comment(whole) == (text, comment)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("__CALL__: Privet", ("__CALL__", "Privet")),
        ("__PING__", ("__PING__", "")),
        ("__HLR__", ("__HLR__", "")),
        ("__VIBER__:text", ("__VIBER__", "text")),
        ("__SOC__ text", ("__SOC__", "text")),
        ("__MAIL__: a: b", ("__MAIL__", "a: b")),
        ("\n __BOT__: x", ("__BOT__", "x")),
        ("__PING__x", ("__PING__", "x")),
        ("__ping__", ("", "__ping__")),
        ("a __PING__", ("", "a __PING__")),
        ("__CALL_", ("", "__CALL_")),
    ],
)
def test_prefixes(text: str, found: tuple[str, str]) -> None:
    assert split_prefix(text) == found


def test_every_prefix_stands_for_a_parameter() -> None:
    assert {prefix: name for prefix, (name, _) in PREFIXES.items()} == {
        "__CALL__": "call",
        "__VIBER__": "viber",
        "__SOC__": "soc",
        "__MAIL__": "mail",
        "__BOT__": "bot",
        "__PING__": "ping",
        "__HLR__": "hlr",
    }


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        *(("", 1), ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3)),
        *(("ж" * 70, 1), ("ж" * 71, 2), ("ж" * 134, 2), ("ж" * 135, 3), ("a" * 70 + "ж", 2), ("[" * 80, 1)),
        ("[" * 81, 2),
    ],
)
def test_parts_of_a_text(text: str, parts: int) -> None:
    assert parts_of(text) == parts


EMS = bytes.fromhex("050A0307056048656C6C6F2C20576F726C6421")
PUSH = "0605040B8423F0DC0601AE02056A0045C60C037761702E72752F0001037761702E7275000101"


def test_binary_messages_of_the_documentation() -> None:
    found = parse_binary("050A0307056048656C6C6F2C20576F726C6421")
    assert found == Binary(EMS)
    assert found.has_udh
    assert found.user_data == EMS
    assert found.user_data[6:] == b"Hello, World!"
    assert format_binary(EMS) == "050A0307056048656C6C6F2C20576F726C6421"
    assert format_binary(parse_binary(PUSH).octets) == PUSH


def test_a_binary_message_without_header() -> None:
    found = parse_binary("00AABB")
    assert not found.has_udh
    assert found.user_data == b"\xaa\xbb"


def test_pid_and_dcs_of_a_binary_message() -> None:
    mes = "00AABB\n~~~\npid: 65, dcs: 245"
    assert parse_binary(mes) == Binary(b"\0\xaa\xbb", 65, 245)
    assert format_binary(b"\0\xaa\xbb", 65, 245) == mes
    assert format_binary(b"\0\xaa\xbb", 65) == "00AABB\n~~~\npid: 65, dcs: 4"
    assert format_binary(b"\0\xaa\xbb", dcs=0) == "00AABB\n~~~\npid: 0, dcs: 0"


def test_another_comment_is_not_pid_and_dcs() -> None:
    assert parse_binary("00AABB\n~~~\npid:1,dcs:2") == Binary(b"\0\xaa\xbb")


def test_binary_messages_as_octets() -> None:
    assert parse_binary("\x00\n~~~\n\xff", 1) == Binary(b"\0\n~~~\n\xff")
    assert parse_binary("\x00\xff\n~~~\npid: 1, dcs: 2", 1) == Binary(b"\0\xff", 1, 2)


@pytest.mark.parametrize(
    ("mes", "kind"),
    [
        *(("", 2), ("0", 2), ("00A", 2), ("00 AA", 2), ("zz", 2), ("٣٣", 2), ("05AABB", 2), ("01", 2)),
        *(("", 1), ("\x05ab", 1), ("\x00ж", 1), ("00AA\n~~~\npid: 256, dcs: 0", 2)),
    ],
)
def test_no_binary_messages(mes: str, kind: int) -> None:
    with pytest.raises(SendingError):
        parse_binary(mes, kind)


def test_octets_without_a_header_or_a_zero_are_not_written() -> None:
    for octets, pid in ((b"", None), (b"\x05ab", None), (b"\0a", 256)):
        with pytest.raises(SendingError):
            format_binary(octets, pid)


@given(
    st.binary(min_size=1, max_size=60),
    st.none() | st.integers(0, 255),
    st.none() | st.integers(0, 255),
)
def test_binary_messages_come_back(content: bytes, pid: int | None, dcs: int | None) -> None:
    octets = b"\0" + content
    found = parse_binary(format_binary(octets, pid, dcs))
    assert found.octets == octets
    assert (found.pid, found.dcs) == (
        (None, None) if pid is None and dcs is None else (pid or 0, 4 if dcs is None else dcs)
    )
    with contextlib.suppress(SendingError):
        assert parse_binary(octets.decode("latin-1"), 1).octets


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20,10,3", CallParam(20, 10, 3)),
        ("0,0,0", CallParam(10, 10, 1)),
        ("99,3600,9", CallParam(35, 3600, 9)),
        ("35, 5, 1", CallParam(35, 10, 1)),
        *(
            (text, CALL_DEFAULT)
            for text in ("100,10,3", "20,3601,3", "20,10,10", "", "20,10", "a,b,c", "-1,1,1")
        ),
    ],
)
def test_param_of_a_call(text: str, expected: CallParam) -> None:
    assert call_param(text) == expected


def test_the_defaults_of_a_call() -> None:
    assert CallParam(25, None, 8) == CALL_DEFAULT
