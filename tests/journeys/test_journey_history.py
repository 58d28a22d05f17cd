"""What is left of messages that have ended: exported, counted, and forgotten when somebody asks for that."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from journey_support import (
    DESTINATION,
    SYSTEM_ID,
    UPSTREAM,
    Gateway,
    config,
    connector,
    gateway_and_smsc,
    journey,
    read_receipt,
    running,
    simulated_smsc,
)

from gateway.__main__ import main
from protocols.smpp.pdu import BindReceiver, BindTransmitter

OTHER = "79161200002"
Command = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command against a gateway: the exit code, and what it printed on both streams."""

    async def run(gateway: Gateway, *words: str) -> tuple[int, str, str]:
        line = [*words, "--state-dir", str(gateway.daemon.state_dir)]
        code = await asyncio.to_thread(main, line)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def today(gateway: Gateway) -> str:
    return datetime.fromtimestamp(gateway.clock.now_ms() / 1000, UTC).date().isoformat()


@journey
async def test_history_is_exported_counted_and_erased(tmp_path: Path, command: Command) -> None:
    async with simulated_smsc() as smsc:
        configured = config(connector(smsc.port), text_days=2)
        async with running(configured, tmp_path / "state") as gateway:
            await gateway.linked()
            await gateway.ticked()
            client = await gateway.client()
            first = await client.submit(text=b"=SUM(1)")
            second = await client.submit(OTHER, text=b'two\nlines, "quoted"')
            for _ in range(2):
                await client.receipt()
            waits = await client.submit(OTHER, schedule_delivery_time="000000010000000R")
            until = (
                datetime.fromtimestamp(gateway.clock.now_ms() / 1000, UTC) + timedelta(days=1)
            ).isoformat()

            code, out, _ = await command(gateway, "export", "--to", until, "--text")
            assert code == 0
            found = rows(out)
            assert [row["message_id"] for row in found] == [first, second, waits]
            assert [row["state"] for row in found] == ["DELIVERED", "DELIVERED", "ENROUTE"]
            assert [row["text"] for row in found] == ["'=SUM(1)", 'two\nlines, "quoted"', "hello"]
            assert {row["account"] for row in found} == {SYSTEM_ID}

            file = tmp_path / "out.csv"
            options = [
                "--to",
                until,
                "--state",
                "delivered",
                "--number",
                f"+{OTHER}",
                "--columns",
                "to,state",
            ]
            code, out, err = await command(gateway, "export", *options, "--output", str(file))
            assert (code, out, err) == (0, "", f"1 messages in {file}\n")
            assert rows(file.read_text()) == [{"to": OTHER, "state": "DELIVERED"}]
            assert file.stat().st_mode & 0o777 == 0o600
            code, out, err = await command(gateway, "export", *options, "--output", str(file))
            assert code == 2
            assert "is there already" in err

            day = today(gateway)
            code, out, _ = await command(gateway, "statistics", "--to", day, "--json")
            expected = {"day": day, "account": SYSTEM_ID, "connector": UPSTREAM}
            assert json.loads(out) == [
                {**expected, "state": "ENROUTE", "messages": 1, "segments": 1, "amount": "0.00"},
                {**expected, "state": "DELIVERED", "messages": 2, "segments": 2, "amount": "0.00"},
            ]
            code, out, _ = await command(gateway, "statistics", "--to", day, "--by", "account", "--csv")
            assert out.splitlines() == ["account,messages,segments,amount", f"{SYSTEM_ID},3,3,0.00"]

            code, out, _ = await command(gateway, "erase", "--number", f"+{OTHER}", "--yes", "--json")
            told = json.loads(out)
            kept = {"live": 1, "blacklist": 0, "contact": 0, "record": 0}
            assert (code, told["erased"]["history"], told["kept"]) == (0, 1, kept)
            await gateway.said("erased", "number=7916***0002", "live=1")
            code, out, _ = await command(gateway, "export", "--to", until, "--text", "--json")
            found = [json.loads(line) for line in out.splitlines()]
            assert [(row["to"], row["text"]) for row in found] == [
                (DESTINATION, "=SUM(1)"),
                ("erased", None),
                (OTHER, "hello"),
            ]


@journey
async def test_texts_go_after_their_days(tmp_path: Path, command: Command) -> None:
    async with simulated_smsc() as smsc:
        configured = config(connector(smsc.port), text_days=2)
        async with running(configured, tmp_path / "state") as gateway:
            await gateway.linked()
            await gateway.ticked()
            client = await gateway.client()
            await client.submit()
            await client.receipt()
            gateway.clock.advance(2 * 86_400 + 1)
            files = [gateway.daemon.state_dir / f"queue.sqlite3{end}" for end in ("", "-wal")]
            await gateway.until(lambda: not any(b"hello" in file.read_bytes() for file in files))
            until = (
                datetime.fromtimestamp(gateway.clock.now_ms() / 1000, UTC) + timedelta(days=1)
            ).isoformat()
            _, out, _ = await command(gateway, "export", "--to", until, "--text", "--json")
            assert [json.loads(line)["text"] for line in out.splitlines()] == [None]


@journey
async def test_a_receipt_that_waits_goes_down_without_the_number(tmp_path: Path, command: Command) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        sender = await gateway.client(BindTransmitter)
        message_id = await sender.submit()
        await gateway.until(lambda: len(gateway.listing("undelivered")) == 1)
        code, out, _ = await command(gateway, "erase", "--number", DESTINATION, "--yes")
        assert (code, out.splitlines()[-1]) == (0, "erased: 2 rows")
        receiver = await gateway.client(BindReceiver)
        delivery = await receiver.deliveries.get()
        assert (delivery.source_addr, delivery.source_addr_ton) == ("erased", 5)
        assert read_receipt(delivery).message_id == message_id


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["erase", "--number", "abc", "--yes"], "is no number: give international digits"),
        (["erase", "--number", DESTINATION], "add --yes where nobody can be asked"),
        (["statistics", "--by", "day,colour"], "--by colour: choose from day, account, connector, state"),
        (["statistics", "--from", "2026-02-30"], "is no day; write 2026-11-28"),
        (["statistics", "--from", "2026-02-03", "--to", "2026-02-01"], "is after"),
        (["statistics", "--json", "--csv"], "not both"),
        (["export", "--columns", "colour"], "there is no such column"),
        (["export", "--columns", "text"], "needs --text"),
        (["export", "--state", "HAPPY"], "choose from ENROUTE, DELIVERED"),
        (["export", "--from", "1h", "--to", "2h"], "--from is not before --to"),
    ],
)
def test_wrong_usage_is_told(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert told in capsys.readouterr().err
