"""A whole gateway with pages, a simulated SMSC, and what a day leaves of all kinds."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from journey_support import HOST, Client, submit_sm

from gateway.core.passwords import hash_password
from protocols.smpp import constants as c
from protocols.smpp.pdu import BindTransceiver

PROGRAM = Path(__file__).with_name("whole_gateway.py")
STOP_S = 30
ACCOUNT, SHOP = "app", "shop"
ACCOUNT_PASSWORD = "secret08"
OPERATOR, VIEWER = "olga", "vera"
PAGES_PASSWORD = "correct horse battery"
CLOSED_PORT = 1
"""Nobody listens there."""
DEAD = 3
"""Dead letters that `a_day` leaves."""

CONFIG = """\
listeners:
  smpp:
    - address: {host}:SMPP_PORT
web:
  address: {host}:WEB_PORT
  users:
    - {{name: olga, password_hash: {pages_hash}, role: operator}}
    - {{name: vera, password_hash: {pages_hash}, role: viewer}}
accounts:
  - system_id: app
    password_hash: {account_hash}
  - system_id: shop
    password_hash: {account_hash}
    balance: own
    credit: 10
    prices: retail
    limits: {{per_day: 10000}}
connectors:
  - name: north
    address: {host}:SMSC_PORT
    system_id: gateway
    password: {smsc_password}
    incoming_account: app
    binds: 2
    window: 50
  - name: south
    address: {host}:{south_port}
    system_id: gateway
    password: {smsc_password}
    rate: 40
routes:
  - name: south
    prefix: "7495"
    connectors: [south]
  - name: everything
    connectors: [north, south]
queue: {{text_days: 1}}
price_lists:
  - {{name: retail, currency: EUR, prices: [{{prefix: "7", price: 0.05}}]}}
"""


@dataclass(frozen=True)
class Site:
    """Where it is."""

    folder: Path
    smpp_port: int
    web_port: int
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.web_port}"


@contextmanager
def whole_gateway(folder: Path, *, is_whole: bool = False) -> Iterator[Site]:
    """It is ready in the block, and gone after it; a traceback in its log fails.

    Of its connectors north is bound, and south unreachable unless `is_whole`.
    """
    text = CONFIG.format(
        host=HOST,
        south_port="SMSC_PORT" if is_whole else CLOSED_PORT,
        pages_hash=hash_password(PAGES_PASSWORD),
        account_hash=hash_password(ACCOUNT_PASSWORD),
        smsc_password="smsc0001",
    )
    (folder / "config.yaml").write_text(text, "utf-8")
    log_file = folder / "log"
    with log_file.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "NOTIFY_SOCKET": ""},
        )
    with process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert said, log_file.read_text("utf-8")
            ports = json.loads(said)
            yield Site(folder, ports["SMPP_PORT"], ports["WEB_PORT"], process)
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_S) == 0, log_file.read_text("utf-8")
            assert "Traceback" not in log_file.read_text("utf-8")
        finally:
            if process.poll() is None:
                process.kill()


async def bound(site: Site, account: str = ACCOUNT) -> Client:
    """A client with a session."""
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(Client, HOST, site.smpp_port)
    assert await client.bind(BindTransceiver, account, ACCOUNT_PASSWORD) == c.ESME_ROK
    return client


async def a_day(site: Site) -> list[str]:
    """Messages with all kinds of ends; the ids of those of `app`. It refuses DEAD receipts for good."""
    shop = await bound(site, SHOP)
    app = await bound(site)
    app.answers = [c.ESME_RX_P_APPN] * DEAD
    endings = ["00001"] * 8 + ["99002", "99003", "99004", "99005", "99006", "99120", "99107"]
    texts = [b"Your code is 1234", "Добрый день! Заказ готов".encode("utf-16-be"), b"x" * 150]
    ids = [
        await app.submit(f"79991{ending}", texts[i % 3], data_coding=8 if i % 3 == 1 else 0)
        for i, ending in enumerate(endings)
    ]
    for _ in range(len(endings) + 1):  # each receipt, and one answer
        await app.delivery()
    await app.request(submit_sm("7999199106", b"No receipt comes"))
    refused = await app.request(submit_sm("12", b"No number"))
    assert refused.command_status != c.ESME_ROK
    for _ in range(3):
        await shop.submit("79992000001", b"Order")
        await shop.delivery()
    await shop.unbind()
    await app.unbind()
    return ids
