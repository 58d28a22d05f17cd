"""The pages of messages: what they ask, what they show, and what they leave to operators."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from gateway_fakes import NOW_MS
from web_pages import Answers, Page, pages

from gateway.core.moments import FORMS
from gateway.ops.web.spans import TIME_FORMS

ID = "912345678901234567"
ROW = {
    "message_id": ID,
    "accepted_ms": NOW_MS,
    "account": "app",
    "to": "7916***0001",
    "state": "DELIVERED",
    "connector": "smsc",
    "route": "main",
    "client_id": "",
    "segments": 2,
    "error": "000",
    "done_ms": NOW_MS,
}
MESSAGE: dict[str, Any] = {
    **{name: ROW[name] for name in ("message_id", "account", "to", "connector", "route", "segments")},
    "client_id": "order-7",
    "state": "QUEUED",
    "mail_id": "777",
    "from": "Example",
    "accepted_ms": NOW_MS,
    "due_ms": NOW_MS + 60_000,
    "expires_ms": NOW_MS + 120_000,
    "done_ms": None,
    "end_error": "",
    "retries": 1,
    "charge": {"payer": "boss", "amount": 1_500_000, "given_back": True},
    "parts": [
        {
            "segment": 1,
            "connector": "smsc",
            "attempt": "SUBMITTED",
            "intent_ms": NOW_MS,
            "submitted_ms": NOW_MS + 5,
            "upstream_id": "up-42",
            "state": "DELIVERED",
            "error": "000",
        }
    ],
    "doubts": [
        {
            "segment": 2,
            "connector": "smsc",
            "link": "127.0.0.1:2776, port 40000",
            "boot": 3,
            "sent_ms": NOW_MS + 9,
            "since_ms": NOW_MS + 10,
            "evidence": "no response within 30 s",
            "action": "held",
            "settled_ms": None,
            "settled_by": "",
        }
    ],
    "can": ["retry", "hold", "cancel"],
    "now_ms": NOW_MS + 5000,
    "timeline": [
        {"at_ms": NOW_MS, "text": "accepted from app, 2 segment(s)"},
        {"at_ms": NOW_MS + 1500, "text": "segment 2 in doubt"},
        {"at_ms": NOW_MS + 1500, "text": "the doubt is settled: late response"},
        {"at_ms": NOW_MS + 60_000, "text": "due: waits until then, and for room at smsc"},
    ],
}


def found(*rows: dict[str, Any], before: str = "", reached_ms: int = 0) -> dict[str, Any]:
    return {"rows": list(rows), "before": before, "reached_ms": reached_ms}


def seen(path: str, answers: Answers, form: dict[str, str] | None = None, **options: Any) -> tuple[Page, Any]:
    """One page, or the answer to a form; and what the gateway was asked."""

    async def look() -> tuple[Page, Any]:
        async with pages(answers, **options) as client:
            page = await (client.get(path) if form is None else client.post(path, form))
            return page, client.asked

    return asyncio.run(look())


def words(page: Page) -> str:
    """What a reader sees, its spaces made one."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", page.text)))


def test_a_search_asks_for_what_was_filled_in_and_links_each_message() -> None:
    path = (
        "/messages?number=%2B7+(916)+120-00-01&account=app&connector=smsc&state=EXPIRED&client_id=o-7"
        "&upstream_id=A1&since=2h&until=&id="
    )
    page, [asked] = seen(path, {"find_page": found(ROW)})
    assert page.status == 200
    assert f'<a href="/messages/{ID}">{ID}</a>' in page.text
    assert "7916***0001" in words(page)
    since_ms = asked.pop("since_ms")
    assert NOW_MS - since_ms == 2 * 3_600_000
    assert asked == {
        "command": "find_page",
        "message_id": 0,
        "number": "79161200001",
        "account": "app",
        "connector": "smsc",
        "client_id": "o-7",
        "upstream_id": "A1",
        "until_ms": 0,
        "states": ["EXPIRED"],
        "before": "",
        "full": False,
        "limit": 50,
    }
    assert 'value="+7 (916) 120-00-01"' in page.text, "the form keeps what was asked"


def test_what_lies_further_back_is_a_link_with_the_same_search() -> None:
    answer = found(before="123456", reached_ms=NOW_MS)
    page, _ = seen("/messages?account=app&state=QUEUED", {"find_page": answer})
    [older] = re.findall(r'rel="next" href="([^"]*)"', page.text)
    link = urlsplit(unescape(older))
    assert link.path == "/messages"
    assert dict(parse_qsl(link.query)) == {"account": "app", "state": "QUEUED", "before": "123456"}
    assert "Nothing found since" in words(page)
    page, [asked] = seen(unescape(older), {"find_page": found(ROW)})
    assert asked["before"] == "123456"
    assert 'rel="first" href="/messages?account=app&amp;state=QUEUED"' in page.text
    assert "Looked at all" in words(page)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("id=nonsense", "This is no message id"),
        ("id=99999999999999999999", "This is no message id"),
        ("number=call-me", "This is no number"),
        ("number=%D9%A1%D9%A2%D9%A3", "This is no number"),
        ("since=yesterday", "This is no time"),
        ("until=9999999999-01-01", "This is no time"),
    ],
)
def test_what_makes_no_sense_is_told_at_its_field_and_not_asked(query: str, expected: str) -> None:
    page, asked = seen(f"/messages?{query}", {"find_page": found()})
    assert (page.status, asked) == (200, [])
    assert page.text.count('aria-invalid="true"') == 1
    assert expected in words(page)


def test_an_id_alone_leads_to_its_message_in_whichever_form() -> None:
    for text in (ID, f"{int(ID):016x}"):
        page, asked = seen(f"/messages?id={text}", {})
        assert (page.status, page.location, asked) == (303, f"/messages/{ID}", [])


def test_only_operators_get_numbers_in_full() -> None:
    for role, full in (("operator", True), ("viewer", False)):
        page, [asked] = seen("/messages?full=yes", {"find_page": found(ROW)}, role=role)
        assert asked["full"] is full, role
        assert ('name="full"' in page.text) is full
    assert "before=abc" not in page.text


def test_a_place_to_go_on_from_that_is_none_is_not_asked_for() -> None:
    for before in ("abc", "-1", "1" * 30, "%D9%A1"):
        _, [asked] = seen(f"/messages?before={before}", {"find_page": found()})
        assert asked["before"] == ""


def test_one_message_with_its_whole_story() -> None:
    page, [asked] = seen(f"/messages/{int(ID):016x}", {"message": MESSAGE})
    assert asked == {"command": "message", "message_id": int(ID)}
    shown = words(page)
    for text in ("order-7", "1.50", "given back to boss", "up-42", "no response within 30 s", "+1.5 s"):
        assert text in shown, text
    assert shown.index("accepted from app") < shown.index("segment 2 in doubt") < shown.index("due: waits")
    kinds = re.findall(r'<li(?: class="(\w+)")?>\s*<time', page.text)
    assert kinds == ["", "warn", "ok", "warn"]
    assert "still to come" in shown
    assert '<a href="/messages/777">777</a>' in page.text


def test_the_buttons_are_those_that_mean_something_and_only_an_operators() -> None:
    page, _ = seen(f"/messages/{ID}", {"message": MESSAGE})
    assert re.findall(r'name="word" value="(\w+)"', page.text) == ["retry", "hold", "cancel"]
    page, _ = seen(f"/messages/{ID}", {"message": MESSAGE}, role="viewer")
    assert 'name="word"' not in page.text
    assert f"/messages/{ID}/text" not in page.text
    for path in ("decide", "text", "full"):
        page, asked = seen(f"/messages/{ID}/{path}", {}, {"word": "hold"}, role="viewer")
        assert (page.status, asked) == (403, [])


def test_text_and_full_numbers_are_asked_for_by_a_press() -> None:
    said = {**MESSAGE, "text": "line one\n<b>two</b>"}
    page, [asked] = seen(f"/messages/{ID}/text", {"message": said}, {})
    assert asked == {"command": "message", "message_id": int(ID), "text": True}
    assert "line one\n&lt;b&gt;two&lt;/b&gt;</pre>" in page.text
    page, [asked] = seen(f"/messages/{ID}/text", {"message": {**MESSAGE, "text": None}}, {})
    assert "Its text is not kept" in words(page)
    page, [asked] = seen(f"/messages/{ID}/full", {"message": MESSAGE}, {})
    assert asked == {"command": "message", "message_id": int(ID), "full": True}


def decided(done: bool, why: str = "") -> Answers:
    return {"decide": {"results": [{"message_id": ID, "done": done, "why": why}]}, "message": MESSAGE}


@pytest.mark.parametrize("word", ["hold", "release", "retry"])
def test_what_can_be_undone_is_done_at_once(word: str) -> None:
    page, [asked] = seen(f"/messages/{ID}/decide", decided(True), {"word": word})
    assert asked == {"command": "decide", "word": word, "message_ids": [int(ID)]}
    assert (page.status, page.location) == (303, f"/messages/{ID}")


@pytest.mark.parametrize("word", ["cancel", "resend", "drop"])
def test_what_cannot_be_undone_is_asked_about_first(word: str) -> None:
    page, asked = seen(f"/messages/{ID}/decide", decided(True), {"word": word})
    assert (page.status, asked) == (200, [])
    assert "This cannot be undone." in words(page)
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)">', page.text))
    assert (fields["word"], fields["confirmed"]) == (word, "yes")
    page, [asked] = seen(f"/messages/{ID}/decide", decided(True), {"word": word, "confirmed": "yes"})
    assert (asked["word"], page.status) == (word, 303)


def test_what_became_of_a_decision_is_said_on_the_page() -> None:
    async def look(done: bool, why: str) -> str:
        async with pages(decided(done, why)) as client:
            page = await client.post(f"/messages/{ID}/decide", {"word": "hold"})
            return words(await client.get(page.location))

    assert "Hold: It is kept from being sent" in asyncio.run(look(True, ""))
    assert "Hold: not done, it has ended: DELIVERED." in asyncio.run(look(False, "it has ended: DELIVERED"))


def test_no_such_decision_no_such_id() -> None:
    page, asked = seen(f"/messages/{ID}/decide", {}, {"word": "delete"})
    assert (page.status, asked) == (400, [])
    page, asked = seen("/messages/none", {})
    assert (page.status, asked) == (404, [])
    page, _ = seen("/messages/7", {"message": {"error": "no such message"}})
    assert page.status == 400
    assert "no such message" in words(page)


def test_a_mail_shows_its_messages() -> None:
    mail = {
        "mail_id": "777",
        "account": "app",
        "received_ms": NOW_MS,
        "sender": "who@example.org",
        "header_id": "<1@example.org>",
        "envid": "",
        "client_id": "",
        "messages": [
            {"message_id": ID, "recipient": "7916@sms", "to": "7916*", "state": "QUEUED", "notify": "never"}
        ],
        "letters": [
            {
                "letter_id": "5",
                "kind": "report",
                "recipient": "who@example.org",
                "mail_id": "777",
                "message_id": ID,
                "tries": 2,
                "created_ms": NOW_MS,
                "due_ms": 0,
                "reason": "451 later",
                "died_ms": 0,
            }
        ],
    }
    page, _ = seen("/messages/777", {"message": mail})
    assert f'<a href="/messages/{ID}">{ID}</a>' in page.text
    assert "451 later" in words(page)
    assert "&lt;1@example.org&gt;" in page.text


def test_the_forms_of_times_are_those_of_the_command_line() -> None:
    assert TIME_FORMS == FORMS
