"""The pages of connectors: how each is, its options, and what a person says."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import NOW_MS
from web_pages import pages
from web_visits import visited

ROW: dict[str, Any] = {
    "connector": "operator",
    "kind": "smpp",
    "state": "bound",
    "link": "bound",
    "paused_ms": 0,
    "paused_by": "",
    "links": 2,
    "in_flight": 3,
    "window": 20,
    "window_now": 20,
    "rate": 100,
    "rate_now": 40,
    "queued": 10_000,
    "queued_more": True,
    "oldest_s": 62.5,
    "submitted": 1234,
    "refused": 1,
    "throttled": 5,
    "ambiguous": 0,
    "receipts": 1200,
    "receipts_unmatched": 2,
    "last_error": "<b>ESME_RTHROTTLED</b>",
    "last_error_ms": NOW_MS - 90_000,
    "balance": None,
    "currency": None,
    "asking": None,
}
PAUSED = {**ROW, "state": "paused", "paused_ms": NOW_MS - 60_000, "paused_by": "olga"}
SERVICE = {**ROW, "connector": "centre", "kind": "smsc", "balance": "12.50", "currency": "EUR", "asking": 4}
SAID = {"connector": "operator", "state": "paused", "links": 2, "in_flight": 3, "last_error": ""}


def all_of(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"connectors": {"connectors": list(rows), "now_ms": NOW_MS}}


def one_of(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "connector": {
            "connector": row,
            "options": [{"option": "password", "value": "********"}, {"option": "window", "value": "10"}],
            "routes": [{"name": "to Spain", "number": 1}],
            "routes_count": 101,
            "now_ms": NOW_MS,
        }
    }


@visited
async def test_all_of_them_with_what_waits_and_the_last_error() -> None:
    async with pages(all_of(ROW, SERVICE), role="viewer") as client:
        page = await client.get("/connectors")
    assert page.status == 200
    for text in (
        "operator",
        "10,000+",
        "oldest 1 min 2 s",
        "3 / 20",
        "&lt;b&gt;ESME_RTHROTTLED",
        "1 min 30 s ago",
    ):
        assert text in page.text
    assert "12.50 EUR" in page.text
    assert "/connectors/pause" not in page.text


@visited
async def test_an_operator_has_the_buttons_that_fit() -> None:
    async with pages(all_of(ROW, PAUSED, SERVICE), role="operator") as client:
        page = await client.get("/connectors")
    assert page.text.count('action="/connectors/pause"') == 2
    assert page.text.count('action="/connectors/resume"') == 1
    assert page.text.count('action="/connectors/rebind"') == 3
    assert 'aria-label="Resume operator"' in page.text


@visited
async def test_one_with_its_options_and_routes() -> None:
    async with pages(one_of(PAUSED), role="operator") as client:
        page = await client.get("/connectors/operator")
        assert client.asked == [{"command": "connector", "connector": "operator"}]
    for text in ("by olga (1 min 0 s)", "********", "to Spain", "and 100 more"):
        assert text in page.text


@pytest.mark.parametrize(
    ("word", "answer", "told"),
    [
        ("pause", SAID, "operator is paused: nothing new goes up by it. Segments under way: 3"),
        ("resume", SAID, "operator goes on."),
        ("rebind", {**SAID, "done": True}, "operator is bound anew, links: 2"),
        ("rebind", {**SAID, "done": False}, "operator unbinds when 3 segments under way are answered"),
        (
            "rebind",
            {**SAID, "done": False, "in_flight": 0, "last_error": "Connection refused"},
            "operator is not bound (yet): Connection refused",
        ),
        ("pause", {"error": "there is no connector"}, "there is no connector"),
    ],
)
@visited
async def test_what_a_person_says_and_what_is_told(word: str, answer: dict[str, Any], told: str) -> None:
    async with pages({**all_of(ROW), f"connector_{word}": answer}, role="operator") as client:
        page = await client.post(f"/connectors/{word}", {"connector": "operator"})
        assert (page.status, page.location) == (303, "/connectors")
        assert client.asked[-1] == {"command": f"connector_{word}", "connector": "operator"}
        page = await client.get("/connectors")
    assert told in page.text


@visited
async def test_from_its_own_page_one_comes_back_to_it() -> None:
    async with pages({"connector_pause": SAID}, role="operator") as client:
        page = await client.post("/connectors/pause", {"connector": "operator", "back": "one"})
    assert page.location == "/connectors/operator"


@pytest.mark.parametrize("word", ["pause", "resume", "rebind"])
@visited
async def test_a_viewer_may_not(word: str) -> None:
    async with pages({}, role="viewer") as client:
        page = await client.post(f"/connectors/{word}", {"connector": "operator"})
        assert client.asked == []
    assert page.status == 403


@visited
async def test_without_any_it_says_what_to_do() -> None:
    async with pages(all_of(), role="viewer", language="ru") as client:
        page = await client.get("/connectors")
    assert "smsc_connectors" in page.text
    assert "No connector" not in page.text
