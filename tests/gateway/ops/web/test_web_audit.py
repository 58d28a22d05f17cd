"""The page of the audit: filters, pages by cursor, and nothing that could be markup."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from web_pages import Page, pages

ROW = {
    "audit_id": 7,
    "at_ms": 1_700_000_000_000,
    "who": "<b>ann</b>",
    "origin": "page",
    "address": "192.0.2.1",
    "action": "connector_pause",
    "subject": "connector=<i>x</i>",
    "outcome": "refused",
    "why": "no room",
}


def shown(
    path: str, rows: list[dict[str, Any]], next_: int | None = None, **more: Any
) -> tuple[Page, list[Any]]:
    async def get() -> tuple[Page, list[Any]]:
        async with pages({"audit": {"rows": rows, "next": next_}}, **{"role": "viewer", **more}) as client:
            return await client.get(path), client.asked

    return asyncio.run(get())


def test_rows_are_shown_and_are_no_markup() -> None:
    page, asked = shown("/audit", [ROW])
    assert page.status == 200
    assert asked[-1] == {
        "command": "audit", "since_ms": 0, "who": "", "action": "", "outcome": "", "before": 0, "limit": 100,
    }  # fmt: skip
    for words in (
        "connector_pause",
        "192.0.2.1",
        "refused",
        "no room",
        "&lt;b&gt;ann&lt;/b&gt;",
        "x&lt;/i&gt;",
    ):
        assert words in page.text
    assert "<b>ann" not in page.text
    assert 'rel="next"' not in page.text


def test_filters_and_the_next_page() -> None:
    path = "/audit?who=ann+b&action=reload&outcome=under+way&since=2026-11-20&before=99"
    page, asked = shown(path, [ROW], 7)
    request = asked[-1]
    assert request.pop("since_ms") > 0
    assert request == {
        "command": "audit", "who": "ann b", "action": "reload", "outcome": "under way", "before": 99,
        "limit": 100,
    }  # fmt: skip
    query = "who=ann+b&amp;action=reload&amp;outcome=under+way&amp;since=2026-11-20"
    assert f'rel="next" href="/audit?{query}&amp;before=7"' in page.text
    assert f'rel="prev" href="/audit?{query}"' in page.text
    assert 'value="ann b"' in page.text


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "²"])
def test_a_cursor_that_makes_no_sense_is_the_beginning(before: str) -> None:
    _, asked = shown(f"/audit?before={before}", [])
    assert asked[-1]["before"] == 0


def test_a_time_that_is_none_is_told_and_not_asked() -> None:
    page, asked = shown("/audit?since=soon", [ROW])
    assert "This is no time" in page.text
    assert 'aria-invalid="true"' in page.text
    assert not [request for request in asked if request["command"] == "audit"]


def test_in_russian_without_rows() -> None:
    page, _ = shown("/audit", [], language="ru")
    assert "Подходящих записей нет." in page.text


def test_nobody_sees_it_without_a_login() -> None:
    page, _ = shown("/audit", [ROW], role=None)
    assert (page.status, page.location.partition("?")[0]) == (303, "/login")
