"""JSON of strangers: what is taken, and what is told of the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api import json_reading
from gateway.api.json_reading import MAX_DEPTH, MAX_NAMES, BadJson, load

SCALARS = st.none() | st.booleans() | st.integers(-(1 << 60), 1 << 60) | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(VALUES, st.sampled_from([None, 1]))
def test_what_is_well_formed_and_not_deep_is_read_as_it_is(value: Any, indent: int | None) -> None:
    body = json.dumps(value, indent=indent).encode()
    if depth_of(value) <= MAX_DEPTH:
        assert load(body) == value
    else:
        with pytest.raises(BadJson, match="deep"):
            load(body)


@given(st.binary(max_size=200) | st.text('[]{}":,\\a1 \n', max_size=60).map(str.encode))
def test_whatever_comes_is_read_or_told(body: bytes) -> None:
    try:
        load(body)
    except BadJson as error:
        assert str(error)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"a" : ', b'{"a":\n\t[', b'[{"a":'])
def test_security_61_depth_is_bounded_before_anything_is_decoded(opening: bytes) -> None:
    with pytest.raises(BadJson, match="deep"):
        load(opening * 200_000)


def test_security_61_many_objects_are_not_deep_ones() -> None:
    body = json.dumps({"messages": [{"to": "[", "text": '{"a":{"b":[[[[[[[[['}] * 1000}).encode()
    assert len(load(body)["messages"]) == 1000


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"{}," * 300_000 + b"{}]",
        b"[" + b"[]," * 300_000 + b"[]]",
        b"[[[[" + b'"",' * 300_000 + b'""]]]]',
        b'{"a":{"b":[' + b"{}," * 300_000 + b"{}]}}",
    ],
    ids=["objects", "arrays", "texts", "deeper"],
)
def test_security_61_what_would_hold_the_loop_for_seconds_is_not_decoded(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_reading, "_DECODER", None)
    with pytest.raises(BadJson, match="too much"):
        load(body)


def test_a_thousand_messages_with_all_that_they_may_have_are_not_too_much() -> None:
    message = {f"member_{number}": "{[" for number in range(12)}
    body = json.dumps({"messages": [message] * 1000}).encode()
    assert len(load(body)["messages"]) == 1000


def test_security_61_an_object_has_so_many_names_and_no_more() -> None:
    assert len(load(json.dumps({str(name): 0 for name in range(MAX_NAMES)}).encode())) == MAX_NAMES
    with pytest.raises(BadJson, match="names"):
        load(json.dumps({str(name): 0 for name in range(MAX_NAMES + 1)}).encode())


@pytest.mark.parametrize("body", [b'{"to": 1, "to": 2}', b'[{"a": {"b": 1, "c": 2, "b": 3}}]'])
def test_security_61_a_name_that_stands_twice_is_told(body: bytes) -> None:
    with pytest.raises(BadJson, match="stands twice"):
        load(body)


def test_a_text_that_looks_for_slow_readers_finds_none() -> None:
    """A reader that begins anew at each quote would take hours here."""
    with pytest.raises(BadJson):
        load(b"[" * MAX_DEPTH + b'"' + b'\\"' * 500_000)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "Expecting value: line 1, column 1"),
        (b'{"to": }', "line 1, column 8"),
        (b'{"to": "\xff"}', "not UTF-8: octet 9"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8: octet 1"),
        (b"[NaN]", "NaN is no number"),
        (b"[-Infinity]", "-Infinity is no number"),
        (b"1" * 5000, "too many digits"),
        (b'"a" "b"', "Extra data"),
    ],
)
def test_what_is_wrong_is_told(body: bytes, told: str) -> None:
    with pytest.raises(BadJson) as found:
        load(body)
    assert told in str(found.value)
