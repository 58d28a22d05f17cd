"""Callbacks: the hashes of the reference, all forms of a call both ways, what is none."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.smsc_http import callbacks
from protocols.smsc_http.callbacks import (
    HASHES,
    HLR_FIELDS,
    MAX_BODY,
    Call,
    CallbackError,
    IncomingCall,
    StatusCall,
    WaitCall,
    check_hash,
    format_callback,
    hash_of,
    parse_callback,
)
from protocols.smsc_http.forms import FORM, format_form, format_multipart

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors/smsc_http/callback_hashes.json").read_text("utf-8")
)
SECRET = "my-secret_1"
STATUS = StatusCall(
    id="1234",
    phone="79999999999",
    status=20,
    time="01.01.25 03:00:00",
    ts=1735689600,
    err=6,
    syserr="27",
    cnt=2,
    type=4,
    cost="1.40",
    flag=260,
    sender="ivan",
    dtmf="1#",
    cmt="Комментарий\novertime: 00:05",
    calltime="12",
    callmenu="11",
    ringtime="7",
    hlr=dict.fromkeys(HLR_FIELDS, "250") | {"cn": "Россия & Co", "rcn": ""},
)
INCOMING = IncomingCall(
    id="77",
    sms_id="33",
    phone="79999999999",
    mes="Привет, <мир> & 100%",
    to="79991112233",
    smsc="7999",
    sent=1,
    time=2,
)
WAIT = WaitCall(phone="79999999999", ts=1735689600)
CALLS = [STATUS, INCOMING, WAIT, StatusCall(id="a.b", phone="a@example.org", status=1)]


def vectors() -> list[Any]:
    return [pytest.param(v, id=f"{v['kind']}-{v['charset']}-{n}") for n, v in enumerate(VECTORS)]


def call_of(vector: dict[str, Any]) -> Call:
    first, *rest = vector["string"].removesuffix(f":{SECRET}").split(":")
    if vector["kind"] == "status":
        return StatusCall(id=first, phone=rest[0], status=int(rest[1]))
    if vector["kind"] == "incoming":
        return IncomingCall(id="1", phone=first, mes=rest[0], to=rest[1])
    return WaitCall(phone=first, ts=int(rest[0]))


def received(call: Call, url: str) -> Call:
    request = format_callback(call, url)
    return parse_callback(request.content_type, request.body, request.url.partition("?")[2])


@pytest.mark.parametrize("vector", vectors())
def test_hashes_of_the_reference(vector: dict[str, Any]) -> None:
    signed = vector["string"].encode(vector["charset"]).removesuffix(SECRET.encode())
    assert {kind: hash_of(kind, signed, SECRET) for kind in HASHES} == {kind: vector[kind] for kind in HASHES}


@pytest.mark.parametrize("fmt", ["", "&fmt=2", "&fmt=3"])
@pytest.mark.parametrize("kind", HASHES)
@pytest.mark.parametrize("vector", vectors())
def test_calls_carry_the_hashes_of_the_reference(vector: dict[str, Any], kind: str, fmt: str) -> None:
    call = received(call_of(vector), f"https://example.org/?{kind}={SECRET}&charset={vector['charset']}{fmt}")
    assert call.hashes == {kind: vector[kind]}
    assert check_hash(call, SECRET, kind)
    assert not check_hash(call, "my-secret_2", kind)
    assert not any(check_hash(call, SECRET, other) for other in HASHES if other != kind)


@pytest.mark.parametrize("vector", vectors())
def test_hashes_in_other_notations(vector: dict[str, Any]) -> None:
    call = received(call_of(vector), f"https://example.org/?charset={vector['charset']}")
    for kind, given_hash in (
        ("md5", vector["md5"].upper()),
        ("sha1", vector["sha1"].upper()),
        ("crc32", vector["crc32_hex"]),
        ("crc32", vector["crc32_hex"].upper()),
    ):
        assert check_hash(with_hash(call, kind, given_hash), SECRET, kind)


def with_hash(call: Call, kind: str, text: str) -> Call:
    fields = {name: getattr(call, name) for name in call.__dataclass_fields__}
    return type(call)(**fields | {"hashes": {kind: text}})


@pytest.mark.parametrize("text", ["", "0", "ж", "daef0bda1697d127a330d09fc6f35f3", "\ud800"])
def test_wrong_hashes(text: str) -> None:
    call = received(call_of(VECTORS[0]), "https://example.org/")
    for kind in HASHES:
        assert not check_hash(with_hash(call, kind, text), SECRET, kind)


def test_an_empty_secret_is_never_right() -> None:
    call = received(STATUS, "https://example.org/?md5=")
    assert call.hashes["md5"] == hash_of("md5", call.signed, "")
    assert not check_hash(call, "", "md5")


def test_an_unknown_kind_of_hash_is_an_error() -> None:
    with pytest.raises(ValueError, match="md5, sha1, crc32"):
        hash_of("sha256", b"", SECRET)


def test_hashes_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    monkeypatch.setattr(callbacks.hmac, "compare_digest", lambda *pair: bool(compared.append(pair)))
    call = received(STATUS, f"https://example.org/?crc32={SECRET}")
    assert not check_hash(call, SECRET, "crc32")
    assert len(compared) == 2


def test_the_hash_is_over_what_was_transmitted() -> None:
    # 0x98 is no character of windows-1251; the digest must not depend on how it is read.
    signed = b"79999999999:\x98:1:"
    fields = [
        *(("id", b"1"), ("phone", b"79999999999"), ("mes", b"\x98"), ("to", b"1")),
        ("sha1", hash_of("sha1", signed, SECRET).encode()),
    ]
    call = parse_callback(FORM, format_form(fields))
    assert call.signed == signed
    assert check_hash(call, SECRET, "sha1")


@pytest.mark.parametrize(
    "options",
    [
        "",
        "?fmt=2",
        "?fmt=3",
        "?fmt=3&charset=utf-8",
        "?fmt=2&charset=koi8-r",
        "?charset=utf-8",
        "!charset=koi8-r",
    ],
)
@pytest.mark.parametrize("call", CALLS, ids=["status", "incoming", "wait", "status-of-mail"])
def test_calls_come_back_in_every_form(call: Call, options: str) -> None:
    assert received(call, f"https://example.org/{options}") == call


def test_a_status_as_a_form() -> None:
    request = format_callback(
        StatusCall(
            id="1",
            phone="79999999999",
            status=1,
            time="01.01.25 03:00:00",
            ts=1735689600,
            cnt=1,
            type=0,
            cost="1.4",
        ),
        f"https://example.org/sms?md5={SECRET}&order=5",
    )
    assert request.url == "https://example.org/sms"
    assert request.content_type == FORM
    assert request.body.decode() == (
        "id=1&phone=79999999999&status=1&time=01.01.25%2003%3A00%3A00&ts=1735689600&cnt=1&type=0&cost=1.4&flag=0"
        f"&sender=&md5={hash_of('md5', b'1:79999999999:1:', SECRET)}&order=5"
    )


def test_a_status_as_json_and_xml() -> None:
    call = WaitCall(phone="79999999999", ts=5)
    request = format_callback(call, "https://example.org/?fmt=3&a=1")
    assert request.content_type == "application/json; charset=windows-1251"
    assert json.loads(request.body) == {"waitcall": 1, "phone": "79999999999", "ts": 5, "fmt": "3", "a": "1"}
    request = format_callback(call, "https://example.org/?fmt=2&charset=utf-8")
    assert request.content_type == "text/xml; charset=utf-8"
    assert b"<result>\n<waitcall>1</waitcall>\n<phone>79999999999</phone>\n<ts>5</ts>\n" in request.body


def test_parameters_of_the_url_come_back_by_query_or_by_post() -> None:
    request = format_callback(WAIT, f"https://example.org/!a=1&sha1={SECRET}?b=%D0%B6&charset=utf-8")
    assert request.url.startswith("https://example.org/?a=1&sha1=")
    assert SECRET not in request.url + request.body.decode()
    assert b"b=%D0%B6" in request.body
    call = parse_callback(request.content_type, request.body, request.url.partition("?")[2])
    assert call.own == {"a": "1", "b": "ж"}
    assert check_hash(call, SECRET, "sha1")


def test_the_documented_example_of_the_exclamation_mark() -> None:
    request = format_callback(WAIT, "https://mysite.ru/!param1&param2?param3&param4")
    assert request.url == "https://mysite.ru/?param1=&param2="
    assert request.body.endswith(b"&param3=&param4=")


def test_a_parameter_of_the_url_cannot_replace_one_of_the_call() -> None:
    call = received(STATUS, "https://example.org/?status=1&phone=1&x=2")
    assert call == with_own(STATUS, {"x": "2"})


def with_own(call: StatusCall, own: dict[str, str]) -> StatusCall:
    fields = {name: getattr(call, name) for name in call.__dataclass_fields__}
    return StatusCall(**fields | {"own": own})


def test_a_url_out_of_bounds_is_refused() -> None:
    with pytest.raises(CallbackError):
        format_callback(WAIT, "https://example.org/?" + "a=1&" * 300)


def test_kinds_of_calls() -> None:
    fields = [("id", b"1"), ("phone", b"7"), ("status", b"1"), ("ts", b"5")]
    assert isinstance(parse_callback(FORM, format_form(fields)), StatusCall)
    assert isinstance(parse_callback(FORM, format_form([*fields, ("waitcall", b"1")])), WaitCall)
    both = [*fields, ("waitcall", b"1"), ("mes", b"")]
    assert isinstance(parse_callback(FORM, format_form(both)), IncomingCall)


def test_a_call_may_come_as_a_multipart_form_or_by_query_alone() -> None:
    fields = [("id", b"1"), ("phone", b"7"), ("status", b"-1")]
    expected = StatusCall(id="1", phone="7", status=-1)
    assert parse_callback(*format_multipart(fields, [])) == expected
    assert parse_callback("", b"", "id=1&phone=7&status=-1") == expected


@pytest.mark.parametrize(
    ("content_type", "body", "charset"),
    [
        ("", "phone=7&id=1&mes=%CF%F0%E8%E2%E5%F2", ""),
        (FORM, "phone=7&id=1&mes=%D0%9F%D1%80%D0%B8%D0%B2%D0%B5%D1%82&charset=utf-8", ""),
        (FORM, "phone=7&id=1&mes=%D0%9F%D1%80%D0%B8%D0%B2%D0%B5%D1%82", "utf-8"),
        (FORM, "phone=7&id=1&mes=%F0%D2%C9%D7%C5%D4&charset=koi8-r", "utf-8"),
        ("application/json", '{"phone": 7, "id": 1, "mes": "Привет"}', ""),
        (
            "",
            '{"phone": "7", "id": "1", "mes": "\\u041f\\u0440\\u0438\\u0432\\u0435\\u0442"}',
            "windows-1251",
        ),
        ("text/xml", "<x><phone>7</phone><id>1</id><mes>Привет</mes></x>", "utf-8"),
    ],
)
def test_charsets_and_notations_of_calls(content_type: str, body: str, charset: str) -> None:
    assert parse_callback(content_type, body.encode(), "", charset) == IncomingCall(
        id="1", phone="7", mes="Привет"
    )


def test_json_in_windows_1251_is_seen_as_such() -> None:
    body = '{"phone": 7, "id": 1, "mes": "Привет"}'.encode("cp1251")
    call = parse_callback("application/json", body)
    assert isinstance(call, IncomingCall)
    assert call.mes == "Привет"
    assert call.signed == "7:Привет::".encode("cp1251")


def test_numbers_in_json_keep_the_form_that_was_signed() -> None:
    call = parse_callback("application/json", b'{"id": 1234, "phone": 79999999999, "status": 1}')
    assert call.signed == b"1234:79999999999:1:"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        *(("", b""), ("", b"{"), ("", b"<a>"), ("", b"[1]"), ("", b"phone=7"), ("", b"id=1&phone=7")),
        *(("", b"id=1&phone=7&status=x"), ("", b"id=&phone=7&status=1"), ("", b"id=1&phone=7&status=1.5")),
        *(("", b"id=1&phone=7&status=1&err=x"), ("", b"id=1&phone=7&status=1&ts=9999999999999999999")),
        *(
            ("", b"waitcall=1&phone=7"),
            ("", b"mes=a"),
            ("", b"mes=a&id=1"),
            ("", b"mes=a&id=1&phone=7&sent=x"),
        ),
        *(("multipart/form-data; boundary=b", b"id=1"), ("", b'{"id": 1, "phone": 7, "status": [1]}')),
        *(("", b"x" * (MAX_BODY + 1)), ("", b"a=1&" * 300)),
    ],
)
def test_no_calls(content_type: str, body: bytes) -> None:
    with pytest.raises(CallbackError):
        parse_callback(content_type, body)


def test_a_query_out_of_bounds_is_refused() -> None:
    for query in ("a" * (MAX_BODY + 1), "a" * 65):
        with pytest.raises(CallbackError):
            parse_callback("", b"id=1&phone=7&status=1", query)


def test_optional_numbers_may_be_empty() -> None:
    call = parse_callback("", b"id=1&phone=7&status=1&err=&ts=&cnt=&type=&flag=")
    assert call == StatusCall(id="1", phone="7", status=1)


@given(
    st.sampled_from([FORM, "application/json", "text/xml", "multipart/form-data; boundary=b", ""]),
    st.binary(max_size=40) | st.text('{}<>/"&=:,ab1%', max_size=40).map(str.encode),
    st.text("a=&%ж\ud800", max_size=10),
    st.sampled_from(["", "utf-8", "x"]),
)
def test_only_the_documented_error_escapes(content_type: str, body: bytes, query: str, charset: str) -> None:
    for whole in (
        body,
        b"id=1&phone=7&status=1&" + body,
        b'{"mes":"' + body,
        b"<a><id>" + body + b"</id></a>",
    ):
        with contextlib.suppress(CallbackError):
            check_hash(parse_callback(content_type, whole, query, charset), SECRET, "crc32")


@given(
    st.text("aж&<\r\u20ac\U0001f600\n+ \0\x0c\x1b\ufffe\ud800", max_size=20),
    st.sampled_from(["", "&fmt=2", "&fmt=3"]),
    st.sampled_from(["koi8-r", "utf-8"]),
)
def test_every_text_has_a_hash_that_fits(text: str, fmt: str, charset: str) -> None:
    call = received(
        IncomingCall(id="1", phone="7", mes=text, to=text),
        f"https://example.org/?charset={charset}&md5={SECRET}{fmt}",
    )
    assert check_hash(call, SECRET, "md5")
