"""The audit over a whole gateway: what commands leave in it, and what becomes of it."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from journey_support import (
    DESTINATION,
    SYSTEM_ID,
    UPSTREAM,
    Gateway,
    account,
    journey,
    running,
    simulated_smsc,
)
from money_support import money_config, payer

from gateway.__main__ import main
from protocols.smpp.pdu import BindTransmitter

ME = pwd.getpwuid(os.getuid()).pw_name
MASKED = f"{DESTINATION[:4]}***{DESTINATION[-4:]}"
Command = Callable[..., Awaitable[tuple[int, str, str]]]
Row = tuple[str, str, str, str]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command against a gateway: the exit code, and what it printed on both streams."""

    async def run(gateway: Gateway, *words: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(main, [*words, "--state-dir", str(gateway.daemon.state_dir)])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


async def audited(gateway: Gateway, command: Command, *words: str) -> list[Row]:
    """(action, subject, outcome, why), the oldest first, when all has its outcome."""
    rows: list[dict[str, str]] = []
    while not rows or any(row["outcome"] == "under way" for row in rows):
        code, out, err = await command(gateway, "audit", "--json", *words)
        assert code == 0, err
        rows = json.loads(out)
    assert {(row["who"], row["origin"]) for row in rows} == {(ME, "command")}
    subjects = [re.sub(" since=[^ ]*", "", row["subject"]) for row in rows]  # a day ago, in find
    found = [(r["action"], s, r["outcome"], r["why"]) for r, s in zip(rows, subjects, strict=True)]
    return found[::-1]


@journey
async def test_every_action_is_in_it_with_its_outcome(tmp_path: Path, command: Command) -> None:
    async with (
        simulated_smsc() as smsc,
        running(money_config(smsc.port, account(SYSTEM_ID), payer("shop")), tmp_path) as gateway,
    ):
        await gateway.linked()
        client = await gateway.client(BindTransmitter)
        message_id = await client.submit()
        await gateway.until(lambda: gateway.states(message_id) == ["DELIVERED"])
        for words in (
            ["status"],
            ["account", "credit", "shop", "5", "--note", "a canary note"],
            ["account", "credit", "a canary account", "5"],
            ["message", message_id],
            ["message", message_id, "--full"],
            ["message", "cancel", message_id],
            ["message", "find", "--number", DESTINATION, "--full"],
            ["blacklist", "add", DESTINATION, "--why", "a canary reason"],
            ["export", "--number", DESTINATION, "--json"],
            ["reload"],
            ["connector", "pause", UPSTREAM],
            ["connector", "resume", UPSTREAM],
        ):
            await command(gateway, *words)
        rows = await audited(gateway, command)
        assert rows == [
            ("account_credit", "account=shop amount=5.00", "done", ""),
            ("account_credit", "account=? amount=5.00", "refused", "there is no account"),
            ("message", f"message_id={message_id} full=yes", "done", ""),
            ("decide", f"word=cancel message_ids={message_id}", "refused", "0 of 1"),
            ("find", f"number={MASKED} full=yes", "done", ""),
            ("blacklist_add", f"numbers={MASKED}", "done", ""),
            ("export", f"number={MASKED}", "done", ""),
            ("reload", "", "refused", "this gateway was not started from a file"),
            ("connector_pause", f"connector={UPSTREAM}", "done", ""),
            ("connector_resume", f"connector={UPSTREAM}", "done", ""),
        ]
        line = await gateway.said("audited", "action=account_credit", f"who={ME}", "outcome=done")
        assert 'subject="account=shop amount=5.00"' in line
        assert not gateway.lines_with("canary note")

        assert await audited(gateway, command, "--action", "export") == [rows[6]]
        assert await audited(gateway, command, "--outcome", "refused", "--limit", "1") == [rows[7]]
        code, out, _ = await command(gateway, "audit", "--who", "nobody")
        assert (code, out) == (0, "none\n")

        _, out, _ = await command(gateway, "erase", "--number", DESTINATION, "--yes", "--json")
        assert json.loads(out)["erased"]["audit"] == 3
        rows = await audited(gateway, command)
        assert not any(MASKED in subject for _, subject, *_ in rows)
        assert rows[4:7] == [
            ("find", "number=erased full=yes", "done", ""),
            ("blacklist_add", "numbers=erased", "done", ""),
            ("export", "number=erased", "done", ""),
        ]
        assert rows[-1] == ("erase", "", "done", "")
