"""SIGKILL while somebody changes things: nothing was done that is not in the audit, nor is it said to be."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sqlite3
from pathlib import Path
from typing import Any

from journey_support import simulated_smsc
from process_support import GatewayProcess

from gateway.ops.control import SOCKET_NAME
from gateway.store.sqlite_open import FILE_NAME

CREDITS = 10_000
AT_ONCE = 32
PRICES = "price_lists:\n  - {name: retail, currency: EUR, prices: [{prefix: '7', price: 1}]}\n"
CHANGES = "SELECT amount FROM balance_change"
BALANCE = "    balance: own\n    prices: retail\n"


async def credit(gateway: GatewayProcess, number: int, answered: list[int]) -> None:
    """Each amount is another one, and so says which change a row is about."""
    reader, writer = await asyncio.open_unix_connection(str(gateway.state_dir / SOCKET_NAME))
    request = {"command": "account_credit", "account": "app", "amount": f"{number}.00", "note": "a test"}
    writer.write(json.dumps(request).encode() + b"\n")
    try:
        if line := await reader.readline():
            assert "error" not in json.loads(line), line
            answered.append(number)
    finally:
        writer.close()


async def credits_of(gateway: GatewayProcess, numbers: range, answered: list[int]) -> None:
    """One after the other, until the gateway is gone."""
    with contextlib.suppress(OSError):
        for number in numbers:
            await credit(gateway, number, answered)


def stored(gateway: GatewayProcess, sql: str) -> list[Any]:
    with contextlib.closing(sqlite3.connect(gateway.state_dir / FILE_NAME)) as connection:
        return connection.execute(sql).fetchall()


def test_nothing_was_done_that_is_not_in_the_audit(tmp_path: Path) -> None:
    async def run() -> None:
        async with asyncio.timeout(120), simulated_smsc() as smsc:
            gateway = GatewayProcess(tmp_path / "gateway", smsc.port)
            text = gateway.config.read_text()
            gateway.config.write_text(text.replace("connectors:\n", f"{BALANCE}connectors:\n", 1) + PRICES)
            await gateway.start()
            path = str(gateway.state_dir / SOCKET_NAME)
            traced, trace = await asyncio.open_unix_connection(path)
            trace.write(b'{"command": "trace", "account": "app", "seconds": 600}\n')
            await traced.readline()  # it is under way
            answered: list[int] = []
            asked = [
                asyncio.ensure_future(credits_of(gateway, range(n, CREDITS, AT_ONCE), answered))
                for n in range(1, AT_ONCE + 1)
            ]
            while len(answered) < 60:
                await asyncio.wait(asked, timeout=0.05)
            gateway.notes.clear()
            assert await gateway.end(signal.SIGKILL) == -signal.SIGKILL
            await asyncio.gather(*asked)
            trace.close()

            await gateway.start()
            rows = await gateway.ask("audit", "--limit", "1000")
            assert await gateway.end() == 0
            credits = {row["subject"]: row["outcome"] for row in rows if row["action"] == "account_credit"}
            made = {f"account=app amount={n // 10**6}.00" for (n,) in stored(gateway, CHANGES)}
            assert made <= set(credits), "a change without its row"
            assert {f"account=app amount={n}.00" for n in answered} <= made
            assert {subject for subject, outcome in credits.items() if outcome == "done"} <= made
            assert set(credits.values()) <= {"done", "unknown"}
            [trace_row] = [row for row in rows if row["action"] == "trace"]
            assert trace_row["outcome"] == "unknown"

    asyncio.run(run())
