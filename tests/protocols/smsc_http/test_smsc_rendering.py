"""Answers are written as the service writes them, octet for octet."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smsc_vectors import Vector, failures, successes

from protocols.smsc_http.answers import Failure, parse
from protocols.smsc_http.rendering import render, render_failure

SUCCESSES = successes()
FAILURES = failures()


@pytest.mark.parametrize("vector", SUCCESSES, ids=[vector.name for vector in SUCCESSES])
def test_a_success_is_written_as_the_reference_shows_it(vector: Vector) -> None:
    for fmt, text in vector.texts.items():
        assert render(vector.operation, vector.value, fmt, params=vector.params) == text


@pytest.mark.parametrize("vector", FAILURES, ids=[vector.name for vector in FAILURES])
def test_an_error_is_written_as_the_reference_shows_it(vector: Vector) -> None:
    number, words, message_id = vector.value
    for fmt, text in vector.texts.items():
        assert render_failure(number, words, fmt, message_id) == text


def test_the_length_is_the_one_that_was_recorded() -> None:
    assert render("send", {"id": 33, "cnt": 1}, 3) == '{\n"id": 33,\n"cnt": 1\n}'
    assert len(render("send", {"id": 33, "cnt": 1}, 3)) == 22


def test_only_what_the_shape_has_is_written() -> None:
    whole: dict[str, object] = {"status": 1, "last_date": "a", "last_timestamp": 2, "flag": 0, "err": 0}
    whole |= {"phone": "7", "id": 5, "message": "Hello", "type": 0, "secret": "x"}
    assert list(json.loads(render("status", whole, 3))) == [
        "status",
        "last_date",
        "last_timestamp",
        "flag",
        "err",
    ]
    assert "Hello" not in render("status", whole, 2)
    assert render("status", whole, 1) == "1,2,0"
    assert render("send", {"id": 1, "cnt": 1, "cost": "2"}, 3) == '{\n"id": 1,\n"cnt": 1\n}'


def test_members_are_written_in_the_order_of_the_format() -> None:
    value = {"currency": "RUR", "credit": "5.00", "balance": "1.00"}
    assert list(json.loads(render("balance", value, 3, params={"cur": "1"}))) == [
        "balance",
        "credit",
        "currency",
    ]


def test_characters_that_would_break_a_format_are_escaped() -> None:
    message = 'a<b & "c"\r\n\x01\\'
    value = [{"id": 1, "name": "", "format": "", "sender": "", "flag": 0, "message": message}]
    assert json.loads(render("tpl_get", value, 3))[0]["message"] == message
    assert r'"a<b & \"c\"\r\n\u0001\\"' in render("tpl_get", value, 3)
    assert '<message>a&lt;b &amp; "c"&#13;\n?\\</message>' in render("tpl_get", value, 2)
    priced = render("price", {"zones": [{"zone": "1", "name": 'a"\n\t<'}], "mail": "0"}, 2)
    assert '<zone name="a&quot;&#10;&#9;&lt;">1</zone>' in priced


def test_letters_stand_as_they_are() -> None:
    assert render("rcv_buy", {"cost": "Ж"}, 3) == '{\n"cost": "Ж"\n}'
    assert render_failure(1, "Ж", 3) == '{\n"error": "Ж",\n"error_code": 1\n}'


def test_the_number_to_call_stands_first() -> None:
    value = {"phone": "72", "all_phones": ["71", "72"]}
    assert render("waitcall", value, 1) == "72,71"


@pytest.mark.parametrize(
    ("operation", "value"),
    [("phone_get", {"phone": "7"}), ("send", [{"id": 1}]), ("send", "OK"), ("ping", 1)],
)
def test_a_list_is_no_record_and_a_record_no_list(operation: str, value: object) -> None:
    with pytest.raises(ValueError, match="the answer is"):
        render(operation, value, 3)


def test_what_is_not_this_answer_is_not_written() -> None:
    with pytest.raises(ValueError, match="no such shape"):
        render("ping", {"result": "no"}, 3)


def test_there_are_four_formats() -> None:
    with pytest.raises(ValueError, match="fmt"):
        render("send", {"id": 1, "cnt": 1}, 4)
    with pytest.raises(ValueError, match="fmt"):
        render_failure(1, "", 4)


PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20)


@settings(max_examples=50, deadline=None)
@given(PLAIN, PLAIN, st.integers(0, 2**31 - 1), st.sampled_from([2, 3]))
def test_what_is_written_with_escapes_is_read_again(message: str, name: str, number: int, fmt: int) -> None:
    value: Any = [
        {"id": number, "name": name, "format": "sms", "sender": name, "flag": 1, "message": message}
    ]
    assert parse("tpl_get", fmt, render("tpl_get", value, fmt)) == value
    assert parse("send", fmt, render_failure(7, message, fmt, number)) == Failure(7, message, number)


@settings(max_examples=50, deadline=None)
@given(st.from_regex(r"[A-Za-z0-9._-]{1,40}", fullmatch=True), st.integers(0, 3))
def test_whatever_id_a_client_chose_comes_back(text: str, fmt: int) -> None:
    found = parse("send", fmt, render("send", {"id": text, "cnt": 1}, fmt))
    assert isinstance(found, dict)
    assert str(found["id"]) == text
