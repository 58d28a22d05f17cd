"""The pages of doubts and dead letters: a page at a time, and what a person says about what is ticked."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import NOW_MS
from web_pages import pages
from web_visits import visited

ID = "912345678901234567"
COUNTS = {
    "held": 4,
    "ambiguous": 2,
    "unmatched": 10_001,
    "undelivered": 0,
    "dead_deliveries": 1,
    "dead_letters": 0,
    "dead_calls": 0,
    "letters": 0,
    "calls": 0,
}
ROWS: dict[str, dict[str, Any]] = {
    "held": {
        "message_id": ID,
        "account": "shop",
        "destination": "7916***0001",
        "connector": "operator",
        "accepted_ms": NOW_MS - 61_000,
        "expires_ms": NOW_MS + 3_600_000,
        "evidence": "no response within <10 s>",
        "link": "",
        "sent_ms": None,
    },
    "ambiguous": {
        "message_id": ID,
        "segment": 1,
        "connector": "operator",
        "link": "127.0.0.1:2775 from port 5",
        "boot": 3,
        "sent_ms": NOW_MS,
        "since_ms": NOW_MS - 61_000,
        "evidence": "no response within <10 s>",
        "action": "resent",
        "settled_ms": None,
        "settled_by": "",
    },
    "unmatched": {
        "received_ms": NOW_MS - 61_000,
        "connector": "operator",
        "upstream_id": "<A1>",
        "from": "7916***0001",
        "state": "DELIVERED",
        "error": "000",
        "final": True,
        "why": "no message has this id",
    },
    "undelivered": {
        "delivery_id": "17",
        "account": "shop",
        "message_id": "",
        "state": "DELIVERED",
        "created_ms": NOW_MS - 61_000,
    },
    "dead_deliveries": {
        "id": "17",
        "whose": "shop",
        "message_id": ID,
        "state": "DELIVERED",
        "reason": "<ESME_RX_P_APPN>",
        "died_ms": NOW_MS - 61_000,
    },
}
PATHS = {
    "held": "/queue/held",
    "ambiguous": "/queue/ambiguous",
    "unmatched": "/queue/unmatched",
    "undelivered": "/queue/undelivered",
    "dead_deliveries": "/deadletters",
}


def listed(kind: str, more: str | None = None) -> dict[str, Any]:
    return {"queue_page": {"rows": [dict(ROWS[kind])], "next": more, "now_ms": NOW_MS}}


@visited
async def test_how_much_there_is_and_where_to_look() -> None:
    answers = {
        "queue_counts": {"counts": COUNTS, "counted_to": 10_000, "now_ms": NOW_MS},
        "connectors": {"connectors": [], "now_ms": NOW_MS},
    }
    async with pages(answers, role="viewer") as client:
        page = await client.get("/queue")
    for text in ("10,000+", *(f'href="{path}' for path in PATHS.values())):
        assert text in page.text


@pytest.mark.parametrize("kind", ROWS)
@visited
async def test_a_list_shows_a_page_and_leads_on(kind: str) -> None:
    async with pages(listed(kind, "123"), role="viewer") as client:
        page = await client.get(f"{PATHS[kind]}?after=55")
        assert client.asked == [
            {"command": "queue_page", "kind": kind, "account": "", "after": "55", "limit": 50}
        ]
    assert page.status == 200
    assert f'href="{PATHS[kind]}?after=123"' in page.text
    assert f'href="{PATHS[kind]}"' in page.text
    assert "1 min 1 s ago" in page.text
    assert "<10 s>" not in page.text
    assert "<A1>" not in page.text
    assert "<ESME" not in page.text
    assert 'type="checkbox"' not in page.text


@pytest.mark.parametrize("after", ["x", "-1", "1" * 40, "1;DROP"])
@visited
async def test_a_cursor_that_is_none_is_the_beginning(after: str) -> None:
    async with pages(listed("held"), role="viewer") as client:
        await client.get(f"/queue/held?after={after}")
        assert client.asked[0]["after"] == 0


@visited
async def test_of_one_account_and_kind_all_pages_are_of_it() -> None:
    async with pages(listed("dead_deliveries", "9"), role="operator") as client:
        page = await client.get("/deadletters?kind=calls&account=shop")
        assert (client.asked[0]["kind"], client.asked[0]["account"]) == ("dead_calls", "shop")
        assert (await client.get("/deadletters?kind=x")).status == 404
    assert "/deadletters?kind=calls&amp;account=shop&amp;after=9" in page.text
    assert 'action="/deadletters/replay-all"' in page.text


@visited
async def test_held_messages_are_decided_about_when_that_was_confirmed() -> None:
    decided = {"results": [{"message_id": ID, "done": True, "why": ""}]}
    async with pages({**listed("held"), "decide": decided}, role="operator") as client:
        page = await client.get("/queue/held")
        assert f'name="ids" value="{ID}"' in page.text
        client.asked.clear()
        page = await client.post("/queue/decide", {"word": "resend", "ids": ID})
        assert client.asked == []
        assert "their receivers may get them twice" in page.text
        assert f'name="ids" value="{ID}"' in page.text
        page = await client.post("/queue/decide", {"word": "resend", "ids": ID, "confirmed": "yes"})
        assert client.asked == [{"command": "decide", "message_ids": [ID], "word": "resend"}]
        assert page.location == "/queue/held"
        assert "1 message decided." in (await client.get("/queue/held")).text


@visited
async def test_why_some_were_not_is_told() -> None:
    other = "912345678901234568"
    rows = [
        {"message_id": ID, "done": True, "why": ""},
        {"message_id": other, "done": False, "why": "it is SENT"},
    ]
    async with pages({**listed("held"), "decide": {"results": rows}}, role="operator") as client:
        await client.post("/queue/decide", {"word": "drop", "ids": f"{ID} {other}", "confirmed": "yes"})
        page = await client.get("/queue/held")
    assert f"1 message decided. 1 was not: {other}: it is SENT" in page.text


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/queue/decide", {"word": "resend"}, 303),
        ("/queue/decide", {"word": "explode", "ids": ID}, 400),
        ("/queue/decide", {"word": "drop", "ids": "1 x", "confirmed": "yes"}, 400),
        ("/queue/decide", {"word": "drop", "ids": " ".join(map(str, range(501))), "confirmed": "yes"}, 400),
        ("/deadletters/replay", {}, 303),
        ("/deadletters/replay", {"ids": "X1"}, 400),
        ("/deadletters/replay-all", {}, 400),
    ],
)
@visited
async def test_what_makes_no_sense_asks_nothing(path: str, form: dict[str, str], status: int) -> None:
    async with pages({}, role="operator") as client:
        page = await client.post(path, form)
        assert client.asked == []
    assert page.status == status


@visited
async def test_ticked_dead_letters_wait_again() -> None:
    answers = {**listed("dead_deliveries"), "replay": {"replayed": 1, "unknown": ["L4"]}}
    async with pages(answers, role="operator") as client:
        page = await client.post("/deadletters/replay", {"ids": "17 L4", "kind": "letters"})
        assert client.asked == [{"command": "replay", "ids": ["17", "L4"]}]
        assert page.location == "/deadletters?kind=letters"
        page = await client.get("/deadletters")
    assert "1 waits again. 1 is not dead any more." in page.text


@visited
async def test_all_of_an_account_wait_again_when_that_was_confirmed() -> None:
    lines: list[dict[str, Any]] = [{"replayed": 1, "of": 2}, {"replayed": 2, "of": 2}]
    form = {"account": "shop", "kind": "calls"}
    async with pages({**listed("dead_deliveries"), "replay_all": lines}, role="operator") as client:
        page = await client.post("/deadletters/replay-all", form)
        assert client.asked == []
        assert "All dead letters of shop?" in page.text
        page = await client.post("/deadletters/replay-all", {**form, "confirmed": "yes"})
        assert client.asked == [{"command": "replay_all", "account": "shop"}]
        assert page.location == "/deadletters?kind=calls&account=shop"
        assert "2 wait again." in (await client.get("/deadletters")).text


@pytest.mark.parametrize("path", ["/queue/decide", "/deadletters/replay", "/deadletters/replay-all"])
@visited
async def test_a_viewer_decides_nothing(path: str) -> None:
    async with pages({}, role="viewer") as client:
        page = await client.post(path, {"word": "drop", "ids": ID, "account": "shop", "confirmed": "yes"})
        assert client.asked == []
    assert page.status == 403
