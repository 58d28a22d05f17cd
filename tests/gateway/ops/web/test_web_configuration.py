"""The page of the configuration: what is in force, what is on the disk, and a reload of what was shown."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from web_pages import Page, PagesClient, pages

PLAN: dict[str, Any] = {
    "changes": [],
    "more_changes": 0,
    "rebuilt": {},
    "adjusted": [],
    "added": [],
    "removed": [],
    "ended_sessions": {},
    "restart_needed": [],
}
IN_FORCE = {
    "file": "/etc/x/config.yaml",
    "sections": ["accounts", "queue"],
    "rows": [
        {"key": "queue.text_days", "value": "2", "is_default": False, "file": "/etc/x/config.yaml", "line": 7,
         "is_other": True},
        {"key": "accounts[<b>].note", "value": "<script>", "is_default": True, "file": None, "line": None,
         "is_other": False},
    ],
    "next": None,
}  # fmt: skip
PROBLEM = {
    "file": "/etc/x/config.yaml",
    "line": 3,
    "column": 1,
    "key": "queue.days",
    "text": "is odd",
    "fix": "fix it",
}
SAME = {"file": "/etc/x/config.yaml", "warnings": [], "shown": "token", **PLAN}
OTHER = {
    **SAME,
    "changes": [
        {"key": "queue.text_days", "what": "changed", "old": "2", "new": "3"},
        {"key": "accounts[new]", "what": "added", "old": None, "new": None},
    ],
    "rebuilt": {"operator": "window"},
    "restart_needed": ["listeners"],
    "warnings": [PROBLEM],
}


def visited(
    disk: dict[str, Any], path: str = "/configuration", reload: dict[str, Any] | None = None, **more: Any
) -> tuple[Page, PagesClient]:
    form = more.pop("form", None)

    async def get() -> tuple[Page, PagesClient]:
        answers = {"config": IN_FORCE, "config_on_disk": disk, "reload": reload or {}}
        async with pages(answers, **more) as client:
            if form is None:
                return await client.get(path), client
            answer = await client.post(path, form)
            assert (answer.status, answer.location) == (303, "/configuration"), answer.text
            return await client.get("/configuration"), client

    return asyncio.run(get())


def test_options_with_their_places() -> None:
    page, client = visited(SAME)
    assert page.status == 200
    for words in ("queue.text_days", "config.yaml:7", "other on the disk", "default", "&lt;script&gt;"):
        assert words in page.text
    assert "<script>" not in page.text.replace("<script ", "")
    assert "says what is in force" in page.text
    assert 'name="shown"' not in page.text
    assert client.asked[1] == {
        "command": "config", "section": "", "words": "", "defaults": False, "after": 0, "limit": 100,
    }  # fmt: skip


def test_what_is_looked_for() -> None:
    _, client = visited(SAME, "/configuration?section=queue&words=days&defaults=yes&after=200")
    assert client.asked[1] == {
        "command": "config", "section": "queue", "words": "days", "defaults": True, "after": 200,
        "limit": 100,
    }  # fmt: skip
    _, client = visited(SAME, "/configuration?after=-5")
    assert client.asked[1]["after"] == 0


def test_what_a_reload_would_change_and_the_button_for_operators_alone() -> None:
    page, _ = visited(OTHER)
    for words in ("queue.text_days", "operator would be bound anew: window", "listeners needs a restart"):
        assert words in page.text
    assert '<input type="hidden" name="shown" value="token">' in page.text
    assert "is odd" in page.text and "fix it" in page.text
    page, _ = visited(OTHER, role="viewer")
    assert "would be bound anew" in page.text
    assert 'name="shown"' not in page.text


def test_mistakes_are_told_with_place_and_fix_and_cannot_be_taken_over() -> None:
    page, _ = visited({"file": "/etc/x/config.yaml", "problems": [PROBLEM], "count": 1})
    for words in ("1 mistake in the files", "config.yaml:3", "queue.days", "is odd", "fix it"):
        assert words in page.text
    assert 'name="shown"' not in page.text


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            {**OTHER, "done": True},
            "Taken over: 2 changes. Bound anew: operator. A restart is needed for: listeners.",
        ),
        ({"error": "nothing changed: it has changed since"}, "nothing changed: it has changed since"),
        ({"problems": [PROBLEM]}, "Nothing was taken over"),
    ],
)
def test_a_reload_is_of_what_was_shown_and_its_result_is_told(answer: dict[str, Any], told: str) -> None:
    page, client = visited(OTHER, "/configuration/reload", answer, form={"shown": "token"})
    assert told in page.text
    assert {"command": "reload", "shown": "token"} in client.asked


def test_a_reload_of_what_nobody_has_looked_at_is_none() -> None:
    page, client = visited(OTHER, "/configuration/reload", form={})
    assert "Look at what would change first." in page.text
    assert "reload" not in [request["command"] for request in client.asked]


def test_a_viewer_reloads_nothing() -> None:
    async def check() -> None:
        async with pages({"reload": {**OTHER, "done": True}}, role="viewer") as client:
            page = await client.post("/configuration/reload", {"shown": "token"})
            assert page.status == 403
            assert client.asked == []

    asyncio.run(check())


def test_in_russian_without_a_file() -> None:
    async def check() -> None:
        async with pages(
            {"config": {**IN_FORCE, "file": None}, "config_on_disk": {"file": None}}, language="ru"
        ) as client:
            page = await client.get("/configuration")
            assert "запущен не из файла" in page.text

    asyncio.run(check())
