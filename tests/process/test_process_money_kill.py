"""SIGKILL while messages that cost money are sent: no balance is off, and nothing is overdrawn."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
from pathlib import Path

from journey_support import Client, simulated_smsc, submit_sm
from process_support import GatewayProcess, command

from gateway.core.prices import amount_text, parse_amount
from gateway.store.sqlite_open import FILE_NAME
from protocols.smpp import constants as c

KILLS = 3
ROUND = 60
PRICES = """\
price_lists:
  - name: retail
    currency: EUR
    file: retail.csv
"""
BALANCE = "    balance: own\n    prices: retail\n"
REFUSED = "79000099011"
"""The simulated SMSC refuses what goes there for good, so it comes back; not what a kill left in doubt."""


def with_money(gateway: GatewayProcess) -> None:
    text = gateway.config.read_text()
    gateway.config.write_text(text.replace("connectors:\n", f"{BALANCE}connectors:\n", 1) + PRICES)
    (gateway.folder / "retail.csv").write_text("prefix,price\n7,0.045\n7916,0.05\n")


def books(gateway: GatewayProcess) -> tuple[int, int, int, int]:
    """Balance, put in, charged, given back, of what is in the store."""
    with contextlib.closing(sqlite3.connect(gateway.state_dir / FILE_NAME)) as connection:
        return (
            connection.execute("SELECT amount FROM balance").fetchone()[0],
            connection.execute("SELECT sum(amount) FROM balance_change").fetchone()[0],
            connection.execute("SELECT coalesce(sum(amount), 0) FROM charge").fetchone()[0],
            connection.execute("SELECT coalesce(sum(amount), 0) FROM charge WHERE given_back").fetchone()[0],
        )


async def send(client: Client, first: int, acked: list[str]) -> None:
    """A round of messages; nobody waits for the answers to its second half."""
    futures = []
    for number in range(first, first + ROUND):
        to = REFUSED if number % 3 == 0 else f"79161{number:06d}"
        future = client.send(submit_sm(to))

        def answered(done: asyncio.Future[object]) -> None:
            if not done.cancelled() and done.result().command_status == c.ESME_ROK:  # type: ignore[attr-defined]
                acked.append(done.result().message_id)  # type: ignore[attr-defined]

        future.add_done_callback(answered)
        futures.append(future)
    await asyncio.gather(*futures[: ROUND // 2])


async def kills(gateway: GatewayProcess, acked: list[str]) -> None:
    for kill in range(KILLS):
        gateway.notes.clear()
        await gateway.start()
        if not kill:
            credit = ("account", "credit", "app", "10", "--note", "a test")
            changed = await gateway.ask(*credit)
            assert (changed["balance"], changed["currency"]) == ("10.00", "EUR")
        client = await gateway.client()
        await send(client, kill * ROUND, acked)
        assert await gateway.end(signal.SIGKILL) == -signal.SIGKILL
        await client.end()


def test_balances_are_exact_after_kills(tmp_path: Path) -> None:
    async def run() -> None:
        async with asyncio.timeout(100), simulated_smsc() as smsc:
            gateway = GatewayProcess(tmp_path, smsc.port)
            with_money(gateway)
            acked: list[str] = []
            try:
                await kills(gateway, acked)
                gateway.notes.clear()
                await gateway.start()
                balance, put_in, charged, back = books(gateway)
                assert balance == put_in - charged + back
                client = await gateway.client()
                assert await client.status_of_submit(REFUSED) == "ESME_ROK"
                while (await gateway.ask("status"))["open_messages"]:  # noqa: ASYNC110 - in another process
                    await asyncio.sleep(0.05)
                shown = await gateway.ask("account", "show", "app")
                balance, put_in, charged, back = books(gateway)
                assert (put_in, balance) == (10_000_000, 10_000_000 - charged + back)
                assert parse_amount(shown["account"]["balance"]) == balance
                assert [change["note"] for change in shown["changes"]] == ["a test"]
                assert back > 0
                with contextlib.closing(sqlite3.connect(gateway.state_dir / FILE_NAME)) as connection:
                    found = {str(row[0]) for row in connection.execute("SELECT message_id FROM charge")}
                assert set(acked) <= found
                # all that is left, and not one message more
                left = amount_text(balance - 50_000)
                await gateway.ask("account", "debit", "app", left)
                assert await client.status_of_submit("79161999999") == "ESME_ROK"
                assert await client.status_of_submit("79161999998") == "ESME_RSUBMITFAIL"
                code, output = await command("account", "list", "--state-dir", str(gateway.state_dir))
                assert code == 0 and "app" in output
                assert await gateway.end() == 0
                assert "Traceback" not in gateway.log
            finally:
                if gateway.process.returncode is None:
                    gateway.process.kill()
                    await gateway.process.wait()
                gateway.close()

    asyncio.run(run())
