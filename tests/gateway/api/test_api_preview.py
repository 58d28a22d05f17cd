"""What a text becomes before it is sent, and what it would cost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from json_api import OTHER, TO, ApiDesk, MakeApi, http_account

from gateway.api import preview as previews
from gateway.api.drafts import TEXT_MAX


def preview(api: ApiDesk, **value: Any) -> dict[str, Any]:
    told = api.ask("POST", "/v1/preview", value)
    assert told.status == 200, told
    found: dict[str, Any] = told.value
    return found


@pytest.mark.parametrize(
    ("text", "alphabet", "parts", "units", "left"),
    [
        ("hello", "GSM 7 bit", 1, 5, 155),
        ("a" * 160, "GSM 7 bit", 1, 160, 0),
        ("a" * 161, "GSM 7 bit", 2, 161, 145),
        ("{}", "GSM 7 bit", 1, 4, 156),
        ("ё" * 70, "UCS-2", 1, 70, 0),
        ("ё" * 71, "UCS-2", 2, 71, 63),
        ("😀", "UCS-2", 1, 2, 68),
        ("a" * 152 + "€" + "b" * 10, "GSM 7 bit", 2, 164, 141),
    ],
)
def test_a_text_and_its_parts(
    api: ApiDesk, text: str, alphabet: str, parts: int, units: int, left: int
) -> None:
    shown = preview(api, text=text)
    assert (shown["alphabet"], shown["parts"]) == (alphabet, parts)
    assert (shown["units"], shown["units_left"]) == (units, left)
    assert "".join(shown["texts"]) == shown["text"] == text
    assert "numbers" not in shown


def test_values_stand_in_their_places(api: ApiDesk) -> None:
    values = {"name": "Alex", "code": "{name}"}
    shown = preview(api, text="{name}: {code}, {9} {na me} {", values=values)
    assert shown["text"] == "Alex: {name}, {9} {na me} {"
    assert preview(api, text="{name}")["text"] == "{name}", "without values there are no places"


def test_a_place_without_a_value_is_told(api: ApiDesk) -> None:
    told = api.ask("POST", "/v1/preview", {"text": "{name} {code} {name}", "values": {"name": "Alex"}})
    assert told.status == 422
    assert [(error["field"], error["code"]) for error in told.value["errors"]] == [("values/code", "missing")]


def test_a_text_in_other_letters(api: ApiDesk) -> None:
    shown = preview(api, text="Привет", transliterate="latin")
    assert (shown["text"], shown["alphabet"]) == ("Privet", "GSM 7 bit")


def test_what_it_costs_to_each_number_and_why_it_would_be_refused(make_api: MakeApi) -> None:
    api = make_api(http_account(balance="own", prices="retail", max_segments=3))
    shown = preview(api, text="a" * 161, to=[f"+{TO}", "15550000001", "x"])
    first, second, third = shown["numbers"]
    assert first == {"to": f"+{TO}", "parts": 2, "cost": "0.10"}
    assert second["errors"][0]["code"] == "no_price"
    assert third["errors"][0]["field"] == "to"
    shown = preview(api, text="a" * 500, to=OTHER)
    assert shown["numbers"][0]["errors"][0]["code"] == "too_long"
    assert api.journal.batches == [], "nothing was sent or taken"


def test_an_account_that_pays_nothing_sees_that(api: ApiDesk) -> None:
    assert preview(api, text="a", to=TO)["numbers"] == [{"to": TO, "parts": 1, "cost": "0.00"}]


def test_a_template_is_previewed_like_a_text(api: ApiDesk) -> None:
    record = ("template", "app", 7, "greeting", '{"msg": "Hello {name}"}')
    api.journal.batch.records.append(record)
    api.journal.flush()
    assert preview(api, template=7, values={"name": "Alex"})["text"] == "Hello Alex"
    told = api.ask("POST", "/v1/preview", {"template": 7}, account="other")
    assert (told.status, told.value["errors"][0]["field"]) == (422, "template")


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({}, "text"),
        ({"text": 7}, "text"),
        ({"text": ""}, "text"),
        ({"text": "a", "values": []}, "values"),
        ({"text": "a", "values": {"b": 7}}, "values/b"),
        ({"text": "a", "values": {"b": "c" * 1001}}, "values/b"),
        ({"text": "a", "to": 7}, "to"),
        ({"text": "a", "to": [TO] * 101}, "to"),
        ({"text": "a", "to": [TO, 7]}, "to"),
        ({"text": "a", "colour": "red"}, "colour"),
        ({"text": "a", "template": 7}, "template"),
        ({"template": "7"}, "template"),
        ({"template": 1 << 31}, "template"),
        ({"template": 8}, "template"),
        ({"text": "a", "transliterate": "x"}, "transliterate"),
        ({"text": "a", "flash": 1}, "flash"),
        ({"text": "a", "from": 1}, "from"),
        ({"text": "{a}{a}", "values": {"a": "b" * 1000}}, None),
        ({"text": "{a}" * 100, "values": {"a": "b" * 1000}}, "text"),
        ({"text": "a" * (TEXT_MAX + 1)}, "text"),
    ],
)
def test_what_is_wrong_is_named(api: ApiDesk, value: dict[str, Any], field: str | None) -> None:
    told = api.ask("POST", "/v1/preview", value)
    assert told.status == (422 if field else 200)
    assert [error["field"] for error in told.value.get("errors", [])] == ([field] if field else [])


def test_security_61_a_long_text_gets_no_values(api: ApiDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million places with a thousand characters each would be a gigabyte."""
    monkeypatch.setattr(previews, "_PLACE", None)
    told = api.ask("POST", "/v1/preview", {"text": "{a}" * TEXT_MAX, "values": {"a": "b" * 1000}})
    assert [error["field"] for error in told.value["errors"]] == ["text"]


def test_others_have_their_turns_between_numbers(api: ApiDesk) -> None:
    async def turns() -> int:
        asking = asyncio.ensure_future(api.asked("POST", "/v1/preview", {"text": "a", "to": [TO] * 100}))
        count = 0
        while not asking.done():
            count += 1
            await asyncio.sleep(0)
        assert len(asking.result().value["numbers"]) == 100
        return count

    assert api.run(turns()) > 90


def test_what_is_no_object_is_told(api: ApiDesk) -> None:
    assert api.ask("POST", "/v1/preview", ["a"]).status == 422


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=300).filter(lambda text: text.isprintable()))
def test_parts_joined_are_the_text(api: ApiDesk, text: str) -> None:
    shown = preview(api, text=text)
    assert "".join(shown["texts"]) == text
    assert len(shown["texts"]) == shown["parts"]
