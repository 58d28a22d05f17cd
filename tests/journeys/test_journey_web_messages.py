"""Messages, routes and incoming SMS on the pages of a gateway that runs: what they ask is what it answers."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from journey_support import (
    DESTINATION,
    UPSTREAM,
    Receipt,
    account,
    config,
    connector,
    gateway_and_smsc,
    journey,
    running,
    simulated_smsc,
)
from web_pages import Page, PagesClient, pages

from gateway.config.connector_model import TextPolicy
from gateway.config.mail_model import IncomingRule
from gateway.config.model import Route
from gateway.config.route_model import Rewrite
from gateway.ops.web.pages import messages as search_page
from protocols.smpp import constants as c
from protocols.smpp.pdu import BindTransmitter, DeliverSm
from protocols.sms.udh import build, concatenation_element

IN_AN_HOUR = "000000010000000R"
MASKED = f"{DESTINATION[:4]}***{DESTINATION[-4:]}"
SUBSCRIBER = "79001234567"


def words(page: Page) -> str:
    """What a reader sees, its spaces made one."""
    assert page.status == 200, page.text
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", page.text)))


def found_ids(page: Page) -> list[str]:
    assert page.status == 200, page.text
    return re.findall(r'<a href="/messages/(\d+)">', page.text)


async def said(client: PagesClient, message_id: str, **form: str) -> str:
    """What the page says after a decision."""
    page = await client.post(f"/messages/{message_id}/decide", form)
    assert page.status == 303, page.text
    return words(await client.get(page.location))


@journey
async def test_messages_are_found_told_and_decided_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_page, "PAGE_ROWS", 2)
    async with (
        gateway_and_smsc(tmp_path, routes=[Route(name="main", connectors=[UPSTREAM])]) as (gateway, _),
        pages(of=tmp_path) as browser,
    ):
        client = await gateway.client()
        first = await client.submit()
        assert await client.receipt() == Receipt(first, c.DELIVERED, "000")
        later = {"text": b"<b>later</b>", "schedule_delivery_time": IN_AN_HOUR}
        second, third = [await client.submit(**later) for _ in range(2)]
        page = await browser.get("/messages")
        assert found_ids(page) == [third, second]
        [older] = re.findall(r'rel="next" href="([^"]*)"', page.text)
        page = await browser.get(unescape(older))
        assert found_ids(page) == [first]
        assert MASKED in words(page)
        assert DESTINATION not in page.text
        assert "Looked at all" in words(page)
        for query, expected in (
            (f"number=%2B{DESTINATION}&state=DELIVERED", [first]),
            (f"state=QUEUED&connector={UPSTREAM}&since=2h", [third, second]),
            ("account=nobody", []),
            ("client_id=none", []),
            ("upstream_id=none", []),
            ("until=2020-01-01", []),
        ):
            assert found_ids(await browser.get(f"/messages?{query}")) == expected, query
        assert DESTINATION in words(await browser.get("/messages?full=yes&state=DELIVERED"))

        page = await browser.get(f"/messages/{first}")
        shown = words(page)
        for text in (
            "accepted from app",
            f"message going to {UPSTREAM}",
            "ended DELIVERED",
            "had its receipt",
        ):
            assert text in shown, text
        assert (MASKED in shown, DESTINATION in page.text) == (True, False)
        assert 'name="word"' not in page.text, "what has ended is not decided about"
        assert "Its text is not kept" in words(await browser.post(f"/messages/{first}/text"))
        assert "later" not in words(await browser.get(f"/messages/{second}"))
        assert text_of(await browser.post(f"/messages/{second}/text")) == "<b>later</b>"
        assert DESTINATION in words(await browser.post(f"/messages/{first}/full"))

        shown = await said(browser, second, word="hold")
        assert "Hold: It is kept from being sent" in shown
        assert "a person holds it back" in shown
        assert "PAUSED" in shown
        assert "Release" in shown
        assert "a person lets it go on" in await said(browser, second, word="release")
        assert "Try now" in words(await browser.get(f"/messages/{second}"))
        page = await browser.post(f"/messages/{third}/decide", {"word": "cancel"})
        assert "This cannot be undone." in words(page)
        assert gateway.states(third) == ["QUEUED"]
        assert "ended DELETED" in await said(browser, third, word="cancel", confirmed="yes")
        assert await client.receipt() == Receipt(third, c.DELETED, "000")
        assert "not done, it has ended: DELETED" in await said(browser, third, word="hold")
        await said(browser, second, word="retry")
        assert await client.receipt() == Receipt(second, c.DELIVERED, "000")
        page = await browser.get("/messages/7")
        assert page.status == 400
        assert "history is kept for queue.history_days" in page.text


def text_of(page: Page) -> str:
    """The text of the message."""
    [text] = re.findall(r'<pre class="wrap" dir="auto">(.*?)</pre>', page.text, re.S)
    return unescape(text)


@journey
async def test_a_doubt_is_told_with_its_evidence_and_a_person_decides(tmp_path: Path) -> None:
    routes = [Route(connectors=[UPSTREAM], on_ambiguous="hold")]
    async with (
        gateway_and_smsc(tmp_path, routes=routes, link={"response_timeout_s": 5}) as (gateway, smsc),
        pages(of=tmp_path) as browser,
    ):
        client = await gateway.client()
        message_id = await client.submit("79000099101")  # no response
        await smsc.wait_until(lambda: smsc.counters.submitted == 1)
        gateway.clock.advance(5)
        await gateway.until(lambda: gateway.listing("held"))
        page = await browser.get(f"/messages/{message_id}")
        assert "no response within 5 s" in words(page)
        assert re.findall(r'name="word" value="(\w+)"', page.text) == ["resend", "drop"]
        assert "ended DELETED" in await said(browser, message_id, word="drop", confirmed="yes")


@journey
async def test_a_route_is_explained_and_its_text_shown_as_it_would_go(tmp_path: Path) -> None:
    route = Route(
        name="main",
        connectors=[UPSTREAM],
        text=TextPolicy(transliterate="latin"),
        rewrites=[Rewrite(what="source", match="Example", replace="Shop")],
    )
    refusing = Route(name="never", prefix="7900", refuse=True)
    async with (
        gateway_and_smsc(tmp_path, routes=[route, refusing]) as (gateway, _),
        pages(of=tmp_path, role="viewer") as browser,
    ):
        form = {"account": "app", "source": "Example", "destination": f"+{DESTINATION}", "text": "Привет"}
        page = await browser.post("/explain", form)
        shown = words(page)
        assert f"It would go by route main to {UPSTREAM}." in shown
        assert "Sender Example Shop" in shown
        assert re.findall(r'class="bubble" dir="auto">(.*?)</div>', page.text) == ["Privet"]
        assert gateway.daemon.submission.open_messages == 0
        page = await browser.post("/explain", {**form, "destination": "79001111111"})
        assert "It would be refused: Its route refuses it." in words(page)
        page = await browser.post("/explain", {**form, "account": "nobody"})
        assert "there is no account" in words(page)
        page = await browser.post("/explain", {**form, "destination": "1" * 30})
        assert "is no number" in words(page)


def sms(text: bytes, own_number: str = "1234", part: tuple[int, int] | None = None) -> DeliverSm:
    """What a subscriber sends us; `part`: which of how many."""
    header = build([concatenation_element(7, part[1], part[0])]) if part else b""
    numbers: dict[str, Any] = {
        "source_addr_ton": 1,
        "source_addr": SUBSCRIBER,
        "destination_addr": own_number,
    }
    return DeliverSm(**numbers, esm_class=0x40 if part else 0, short_message=header + text)


@journey
async def test_what_came_in_is_seen_with_its_way_and_what_still_waits(tmp_path: Path) -> None:
    rules = [IncomingRule(keyword="help", account="desk"), IncomingRule(number="555", account="app")]
    async with simulated_smsc() as smsc:
        made = config(connector(smsc.port), accounts=[account(), account("desk")])
        async with (
            running(replace(made, incoming=rules), tmp_path) as gateway,
            pages(of=tmp_path) as browser,
        ):
            await gateway.linked()
            assert "None came since the gateway started." in words(await browser.get("/incoming"))
            await gateway.client(BindTransmitter)  # which gets nothing
            smsc.deliver(sms(b"hello", "555"), "gateway")
            smsc.deliver(sms(b"HELP others", part=(1, 2)), "gateway")
            await smsc.wait_until(lambda: smsc.counters.receipts_acknowledged == 2)
            smsc.deliver(sms(b"hello", "556"), "gateway")
            await smsc.wait_until(lambda: smsc.counters.receipts_refused == 1)
            page = await browser.get("/incoming")
            shown = words(page)
            last = shown.partition("Parts that wait for others")[0]
            parts, _, waiting = shown.rpartition("Parts that wait for others")[2].rpartition("For accounts")
            masked = f"{SUBSCRIBER[:4]}***{SUBSCRIBER[-4:]}"
            assert f"{UPSTREAM} {masked} 55* – account app rule 2" in last
            assert f"{UPSTREAM} {masked} 12** 1 of 2 account desk rule 1" in last
            assert "refused: no rule fits" in last
            assert f"{UPSTREAM} {masked} 12** 1 2 desk" in parts
            assert f"app {masked} 55*" in waiting
            assert SUBSCRIBER not in page.text
            assert SUBSCRIBER in words(await browser.get("/incoming?full=yes"))
            await gateway.daemon.reload(made)  # without rules
            smsc.deliver(sms(b"help", "557"), "gateway")
            await smsc.wait_until(lambda: smsc.counters.receipts_refused == 2)
            first = words(await browser.get("/incoming")).partition("55*")[0]
            assert "rule" not in first.rpartition("By")[2], "the newest one comes first"
            assert words(await browser.get("/incoming")).count("refused: no rule fits") == 2
