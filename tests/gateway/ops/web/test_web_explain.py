"""The page of routes and texts: which way and why, and the text as the phone will show it."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from typing import Any

import pytest
from gateway_fakes import NOW_MS
from web_pages import Answers, Page, pages

from gateway.ops.web.bubbles import BEYOND, HIDDEN, LINE, PLAIN, Piece, pieces

TOLD: dict[str, Any] = {
    "routes": [
        {
            "name": "night",
            "number": 1,
            "priority": 5,
            "prefix": "79",
            "holds": False,
            "conditions": [
                {"option": "hours", "asks": "from 22:00 to 6:00", "holds": False, "but": "it is 12:00"},
                {"option": "account", "asks": "of app", "holds": True},
            ],
        },
        {"name": "main", "number": 2, "priority": 0, "prefix": "", "holds": True, "conditions": []},
    ],
    "left_out": 3,
    "route": "main",
    "refused": None,
    "message": {
        "from": "Example",
        "to": "79161200001",
        "account": "app",
        "alphabet": "ucs2",
        "segments": 1,
        "class": "none",
        "ingress": "smpp",
        "at_ms": NOW_MS,
    },
    "changes": [{"what": "source", "from": "Example", "to": "Shop"}],
    "sent": {"alphabet": "gsm7", "segments": 1, "class": "none"},
    "written": {"user_data": b"Privet".hex(), "data_coding": 0, "esm_class": 0},
    "connectors": [
        {
            "name": "first",
            "state": "linked",
            "weight": 70,
            "price": 1_200_000,
            "why": "by weight, 70 of 100: drawn for each message",
        },
        {"name": "second", "state": "down", "weight": 30, "price": None},
    ],
    "connector": "first",
    "prices": {"account": 2_500_000, "currency": "EUR", "connector": 1_200_000},
    "test_mode": False,
}


def seen(answers: Answers, **form: str) -> tuple[Page, list[dict[str, Any]]]:
    async def look() -> tuple[Page, list[dict[str, Any]]]:
        async with pages(answers, role="viewer") as client:
            page = await client.post("/explain", form)
            return page, client.asked

    return asyncio.run(look())


def words(page: Page) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", page.text)))


def bubbles(page: Page) -> list[str]:
    """What is in each, marks included."""
    found = re.findall(r'<div class="bubble" dir="auto">(.*?)</div>', page.text, re.S)
    return [unescape(re.sub(r"<[^>]*>", "", text)) for text in found]


def test_the_way_its_reasons_and_its_price() -> None:
    page, [asked] = seen(
        {"route_explain": TOLD},
        account="app",
        source="Example",
        destination="+7 (916) 120-00-01",
        text="Привет\r\nвсем",
        ingress="http",
        at="2h",
    )
    assert asked == {
        "command": "route_explain",
        "source": "Example",
        "destination": "+79161200001",
        "text": "Привет\nвсем",
        "account": "app",
        "ingress": "http",
        "at_ms": NOW_MS - 2 * 3_600_000,
        "octets": True,
    }
    shown = words(page)
    for text in (
        "It would go by route main to first.",
        "does not hold night no. 1, priority 5, prefix 79",
        "no hours from 22:00 to 6:00: it is 12:00",
        "yes account of app",
        "holds main no. 2, priority 0, every number",
        "Left out, for they do not hold: 3",
        "Sender Example Shop",
        "70 of 100",
        "2.50 EUR",
        "This is what the route makes of it.",
    ):
        assert text in shown, text
    assert bubbles(page) == ["Privet"], "as the route writes it"


@pytest.mark.parametrize(
    ("refused", "expected"),
    [
        ("no_route", "No route holds for it."),
        ("denied", "The number is on the list of denied destinations."),
        ("something_new", "something_new"),
    ],
)
def test_a_refusal_says_why(refused: str, expected: str) -> None:
    told = {name: TOLD[name] for name in ("routes", "left_out", "message", "prices")}
    page, _ = seen({"route_explain": {**told, "route": None, "refused": refused}}, destination="79161200001")
    assert f"It would be refused: {expected}" in words(page)


def test_a_text_alone_needs_no_gateway() -> None:
    page, asked = seen({}, text="a" * 160 + "я")
    assert asked == []
    assert bubbles(page) == ["a" * 67, "a" * 67, "a" * 26 + "я"]
    assert '<mark title="CYRILLIC SMALL LETTER YA">я</mark>' in page.text
    shown = words(page)
    assert "3 segments, UCS-2. Some characters are not in GSM 7 bit" in shown
    assert "U+044F CYRILLIC SMALL LETTER YA 1 161" in shown
    assert "67 characters" in shown


def test_a_text_without_a_foreign_character_shows_no_tables_of_them() -> None:
    page, _ = seen({}, text="plain")
    assert "All of it is in GSM 7 bit." in words(page)
    assert "Policy" not in words(page)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({}, "Give a number, or a text, or both."),
        ({"destination": "1", "at": "soon"}, "This is no time"),
        ({"destination": "x"}, "no number at all"),
    ],
)
def test_what_cannot_be_explained_says_why(form: dict[str, str], expected: str) -> None:
    page, _ = seen({"route_explain": {"error": "no number at all"}}, **form)
    assert page.status == 200
    assert expected in words(page)
    if "destination" in form:
        assert f'value="{form["destination"]}"' in page.text


def test_a_long_text_is_shown_in_part() -> None:
    page, _ = seen({}, text="я" * 5000)
    assert len(bubbles(page)) == 40
    assert "<mark" not in page.text, "where all is foreign a mark says nothing"
    assert "Segments not shown: 35" in words(page)
    page, _ = seen({}, text="\U0001f600" * 5000)  # 10,000 units
    assert "Segments not shown: 112" in words(page)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain €", [Piece(PLAIN, "plain €")]),
        ("a\nb", [Piece(PLAIN, "a"), Piece(LINE, "\n"), Piece(PLAIN, "b")]),
        (
            "zero\u200bwidth",
            [Piece(PLAIN, "zero"), Piece(HIDDEN, "U+200B", "ZERO WIDTH SPACE"), Piece(PLAIN, "width")],
        ),
        ("\u202eevil", [Piece(HIDDEN, "U+202E", "RIGHT-TO-LEFT OVERRIDE"), Piece(PLAIN, "evil")]),
        ("a\u00a0b", [Piece(PLAIN, "a"), Piece(HIDDEN, "U+00A0", "NO-BREAK SPACE"), Piece(PLAIN, "b")]),
        ("\x1b", [Piece(HIDDEN, "U+001B", "U+001B")]),
        ("я", [Piece(BEYOND, "я", "CYRILLIC SMALL LETTER YA")]),
        (
            "\U0001f469\u200d\U0001f680!",
            [
                Piece(BEYOND, "\U0001f469\u200d\U0001f680", "WOMAN, ZERO WIDTH JOINER, ROCKET"),
                Piece(PLAIN, "!"),
            ],
        ),
        ("\u200d", [Piece(HIDDEN, "U+200D", "ZERO WIDTH JOINER")]),
        ("", []),
    ],
)
def test_what_nobody_sees_is_made_visible(text: str, expected: list[Piece]) -> None:
    assert pieces(text) == expected
