"""/: figures, alarms with what to do, plots; and the part of it that is refreshed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from gateway_fakes import ManualClock
from web_pages import PagesClient, pages

from gateway.ops.web.security import cookie_name

STATUS: dict[str, Any] = {
    "healthy": True,
    "problems": [],
    "boot": 3,
    "up_s": 93_784,
    "open_messages": 1204,
    "accepted": 5000,
    "blacklist": 2,
    "refused": {"rate": 7},
    "node": "sms1",
    "nodes": [
        {"node": "sms1", "boot": 3, "heartbeat_s": 2.0, "state": "in service", "leases": "housekeeping"},
        {"node": "sms2", "boot": 4, "heartbeat_s": 4.1, "state": "drained", "leases": None},
    ],
    "store": {"address": "postgresql://gateway@db1/smsc", "commits": 99, "waiting_s": 0.0},
    "accounts": [
        {
            "account": name,
            "sessions": sessions,
            "accepted": 10,
            "open_messages": open_messages,
            "returned": 4,
            "receivers": 1,
            "blacklist": 0,
            "balance": None,
        }
        for name, sessions, open_messages in (("quiet", 0, 0), ("bound", 2, 0), ("busy", 1, 1204))
    ],
    "connectors": [
        {
            "connector": "north",
            "state": "bound",
            "links": 2,
            "in_flight": 7,
            "window_now": 50,
            "submitted": 4000,
            "refused": 1,
            "receipts": 3900,
            "last_error": "",
        }
    ],
    "listeners": [{"protocol": "smpp", "address": "127.0.0.1:2775", "connections": 3, "bad_inputs": 0}],
}


class Gateway:
    """Whose counters a test turns."""

    def __init__(self) -> None:
        self.accepted, self.boot, self.waiting = 0, 3, 12

    def metrics(self, request: dict[str, Any]) -> dict[str, Any]:
        rows: dict[str, list[list[Any]]] = {
            "starts_total": [[[], self.boot]],
            "messages_accepted_total": [[["busy"], self.accepted], [["other"], 0]],
            "messages_open": [[["busy"], 1204]],
            "connector_submitted_total": [[["north"], self.accepted]],
            "deliveries_total": [[["busy"], self.accepted]],
            "queue_messages": [[["north"], self.waiting]],
            "queue_oldest_age_seconds": [[["north"], 61.0]],
            "connector_window_used": [[["north"], 7]],
            "connector_response_seconds": [
                [["north"], {"counts": [self.accepted, 0], "sum": self.accepted / 50}]
            ],
        }
        return {"now_ms": 0, "metrics": {f"smsc_gateway_{name}": row for name, row in rows.items()}}


async def looked(client: PagesClient, clock: ManualClock, gateway: Gateway, *accepted: int) -> None:
    """The sampler's looks, two seconds after each other."""
    for count in accepted:
        gateway.accepted = count
        await client.shell.sampler.look()
        clock.advance(2)


def check(answers: dict[str, Any], test: Any, **options: Any) -> None:
    async def run() -> None:
        async with pages(answers, **options) as client:
            await test(client)

    asyncio.run(run())


def test_it_shows_rates_queues_sessions_and_who_is_busy() -> None:
    gateway, clock = Gateway(), ManualClock()

    async def test(client: PagesClient) -> None:
        await looked(client, clock, gateway, 0, 100, 300)
        page = await client.get("/")
        assert page.status == 200
        for said in (
            "<title>Overview",
            "All is well",
            '<span class="value">100</span> <span class="unit">msg/s</span>',
            "1,204",
            "1 d 2 h",
            "7 / 50",
            "61 s",
            "127.0.0.1:2775",
            "accepted: now 100, at most 100",
            "north: now 20, at most 20",
            "rate 7",
        ):
            assert said in page.text, said
        assert "bound" in page.text
        assert "quiet" not in page.text
        assert page.text.index(">busy<") < page.text.index(
            ">bound<", page.text.index("Accounts that are busy")
        )

    check({"status": STATUS, "metrics": gateway.metrics}, test, clock=clock)


def test_an_alarm_says_what_to_do_and_where() -> None:
    problems = ["connector north is connecting: [Errno 111] Connection refused", "<script>alert(1)</script>"]

    async def test(client: PagesClient) -> None:
        page = await client.get("/")
        assert "2 alarms" in page.text
        assert "Connection refused" in page.text
        assert "check address, firewall and VPN" in page.text
        assert "docs/operations.md#what-status-calls-a-problem" in page.text
        assert "<script>alert" not in page.text
        assert "All is well" not in page.text

    check({"status": {**STATUS, "problems": problems}, "metrics": Gateway().metrics}, test)


def test_nodes_are_told_where_there_are_some() -> None:
    async def test(client: PagesClient) -> None:
        page = await client.get("/")
        told = ("Nodes that share the store", "postgresql://gateway@db1/smsc", "drained", "housekeeping")
        assert [words for words in told if words not in page.text] == []

    check({"status": STATUS, "metrics": Gateway().metrics}, test)


def test_a_gateway_that_is_alone_has_no_nodes() -> None:
    alone = {**STATUS, "node": None, "nodes": [], "store": {**STATUS["store"], "address": "SQLite"}}

    async def test(client: PagesClient) -> None:
        page = await client.get("/")
        assert "Nodes that share the store" not in page.text
        assert "<dt>Store</dt><dd>SQLite</dd>" in page.text

    check({"status": alone, "metrics": Gateway().metrics}, test)


def test_the_part_that_is_refreshed_is_the_pages_own() -> None:
    async def test(client: PagesClient) -> None:
        part = await client.get("/overview/live?span=1h")
        assert "<html" not in part.text
        assert part.text.count("data-live") >= 8
        assert '<a href="/?span=1h" aria-current="true">' in part.text
        assert (await client.get("/?span=nonsense")).status == 200

    check({"status": STATUS, "metrics": Gateway().metrics}, test)


def test_a_refresh_takes_no_notice_away_that_a_page_is_to_show() -> None:
    async def test(client: PagesClient) -> None:
        (token,) = (value for name, value in client.cookies.items() if name == cookie_name(False))
        found = client.shell.sessions.find(token, client.shell.settings)
        assert found is not None
        found[0].note("ok", "3 messages were put back")
        await client.get("/overview/live")
        assert "put back" in (await client.get("/")).text

    check({"status": STATUS, "metrics": Gateway().metrics}, test)


def test_a_gateway_that_does_not_answer_is_a_gap_and_is_said() -> None:
    gateway, clock = Gateway(), ManualClock()
    answers: dict[str, Any] = {"status": STATUS, "metrics": lambda request: {"error": "busy"}}

    async def test(client: PagesClient) -> None:
        await client.shell.sampler.look()
        page = await client.get("/")
        assert "The plots are not up to date: busy" in page.text
        answers["metrics"] = gateway.metrics

    check(answers, test, clock=clock)


def test_it_is_for_who_is_logged_in() -> None:
    async def test(client: PagesClient) -> None:
        assert (await client.get("/")).location == "/login"
        assert (await client.get("/overview/live", Sec_Fetch_Mode="cors")).status == 401

    check({"status": STATUS, "metrics": Gateway().metrics}, test, role=None)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_nothing_configured_yet_is_a_page_too(language: str) -> None:
    bare = {**STATUS, "accounts": [], "connectors": [], "listeners": [], "refused": {}}

    async def test(client: PagesClient) -> None:
        assert (await client.get("/")).status == 200

    check({"status": bare, "metrics": lambda request: {"metrics": {}}}, test, language=language)
