"""SIGKILL right after users.php has answered: the sub-client is there, and so is the money that it got."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import aiohttp
from free_ports import free_port
from journey_support import HOST, PASSWORD, SYSTEM_ID, Client, journey, simulated_smsc
from process_support import GatewayProcess

from protocols.smpp import constants as c

HTTP = """\
http:
  limits: 0
price_lists:
  - name: retail
    currency: EUR
    prices: [{prefix: '7', price: 0.05}]
"""
ACCOUNT = """\
    http:
      sub_accounts: true
    balance: own
    credit: 100
    prices: retail
"""
WORD = "Pass-w1d"


async def users(port: int, **params: object) -> Any:
    form = {"login": SYSTEM_ID, "psw": PASSWORD, "fmt": 3, "user": "sub", **params}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://{HOST}:{port}/sys/users.php", data=form) as reply,
    ):
        return await reply.json()


@journey
async def test_a_sub_client_and_its_money_outlive_a_kill(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc:
        gateway, port = GatewayProcess(tmp_path, smsc.port), free_port()
        head, accounts, rest = gateway.config.read_text().partition("accounts:\n")
        account, connectors, more = rest.partition("connectors:\n")
        listener = f"  http:\n    - address: {HOST}:{port}\n"
        gateway.config.write_text(HTTP + head + listener + accounts + account + ACCOUNT + connectors + more)
        await gateway.start()
        assert await users(port, add=1, password=WORD) == {"id": 1}
        assert await users(port, pay=1, sum=7) == {"result": "OK"}
        assert await gateway.end(signal.SIGKILL) == -signal.SIGKILL
        gateway.notes.clear()
        await gateway.start()
        try:
            _, client = await asyncio.get_running_loop().create_connection(Client, HOST, gateway.port)
            assert await client.bind(system_id="sub", password=WORD) == c.ESME_ROK
            await client.unbind()
            shown = (await gateway.ask("account", "show", "sub"))["account"]
            assert (shown["parent"], shown["balance"], shown["currency"]) == (SYSTEM_ID, "7.00", "EUR")
            assert (await users(port, add=1, password=WORD))["error_code"] == 8
            assert (await gateway.ask("reload", "--diff"))["changes"] == []
        finally:
            await gateway.end(signal.SIGKILL)
