"""Address books, blacklists, mailing lists and events of an account that asks over HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from http_support import LOGIN, PASSWORD, AskedGateway, asked_over_http
from journey_support import DESTINATION, Gateway, journey

from gateway.__main__ import main

OTHER, THIRD = "79161200002", "79161200003"
OK = {"result": "OK"}


async def command(gateway: Gateway, *words: str) -> int:
    line = [*words, "--state-dir", str(gateway.daemon.state_dir)]
    return await asyncio.to_thread(main, line)


def told(it: AskedGateway) -> list[tuple[str, bytes]]:
    """What the SMSC has got."""
    return sorted((message.destination, message.user_data) for message in it.smsc.received)


async def number(it: AskedGateway, script: str, **params: object) -> int:
    found: int = (await it.ask(script, **params))["error_code"]
    return found


@journey
async def test_a_group_is_sent_to_and_a_blacklist_is_kept_to_over_starts(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path) as it:
        group = (await it.ask("phones", add_group=1, name="friends", num=777))["id"]
        for phone, name in ((DESTINATION, "Anna"), (OTHER, "Boris"), (THIRD, "Vera")):
            await it.ask("phones", add=1, phone=phone, name=name, grp=group)
        await it.ask("phones", add_black=1, phone=OTHER, type=1)
        await it.ask("phones", add_black=1, phone=THIRD)
    async with asked_over_http(tmp_path) as it:
        assert await it.ask("send", phones="G777", mes="Hello") == {"id": 1, "cnt": 1}
        await it.gateway.until(lambda: it.smsc.received)
        assert told(it) == [(DESTINATION, b"Hello")]
        assert await number(it, "send", phones=THIRD, mes="alone") == 8
        assert (await it.ask("send", phones=OTHER, mes="alone"))["cnt"] == 1
        # what gets no message at all gets none over SMPP either, until it is taken off
        client = await it.gateway.connect()
        await client.bind(system_id=LOGIN, password=PASSWORD)
        assert await client.status_of_submit(THIRD) == "ESME_RINVDSTADR"
        assert await client.status_of_submit(OTHER) == "ESME_ROK"
        assert await it.ask("phones", del_black=1, phone=THIRD) == OK
        assert await client.status_of_submit(THIRD) == "ESME_ROK"
        # ids go on behind those of the last run
        assert (await it.ask("phones", add=1, phone="79161200004", name="Dora"))["id"] == 4
        assert (await it.ask("phones", add_group=1, name="more"))["id"] == 2


@journey
async def test_a_mailing_list_is_sent_once_over_starts(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path) as it:
        await it.ask("phones", add=1, phone=DESTINATION, name="Anna")
        made = {
            "name": "daily",
            "phones": DESTINATION,
            "mes": "Hello {Name}",
            "time": "+60",
            "rpt": 2,
            "rptn": 1,
        }
        id = (await it.ask("jobs", add=1, **made))["id"]
    async with asked_over_http(tmp_path) as it:
        assert not it.smsc.received
        it.gateway.clock.advance(3601)
        await it.gateway.until(lambda: it.smsc.received)
    async with asked_over_http(tmp_path) as it:
        it.gateway.clock.advance(3700)
        await it.gateway.until(lambda: it.gateway.daemon.http.desk is not None)
        [job] = await it.ask("jobs", get=1, id=id)
        assert (job["status"], job["sms_sent"]) == (0, 1)
        it.gateway.clock.advance(86_400)
        await it.gateway.until(lambda: it.smsc.received)
        assert told(it) == [(DESTINATION, b"Hello Anna")]


@journey
async def test_an_event_is_told_as_an_admin_has_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asked_over_http(tmp_path) as it:
        add = ("ping-task", "add", "web", "--account", LOGIN, "--to", DESTINATION)
        assert await command(it.gateway, *add, "--failure", "{HOST} is down") == 0
        assert capsys.readouterr().out == f"web of {LOGIN} has the id 1\n"
        assert await command(it.gateway, "ping-task", "list") == 0
        assert "{HOST} is down" in capsys.readouterr().out
        assert await it.ask("ping", id=1, host="192.0.2.1") == OK
        await it.gateway.until(lambda: it.smsc.received)
        assert told(it) == [(DESTINATION, b"192.0.2.1 is down")]
        assert await command(it.gateway, "ping-task", "remove", "1", "--account", LOGIN) == 0
        assert await number(it, "ping", id=1) == 3
        assert await command(it.gateway, "ping-task", "remove", "1", "--account", LOGIN) != 0
        assert await command(it.gateway, *add[:-1], "nobody") != 0
        assert "'nobody' is neither" in capsys.readouterr().err
        assert await command(it.gateway, *add, "--sender", "far too long a name") != 0
        assert "is no sender" in capsys.readouterr().err
