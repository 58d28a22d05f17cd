"""SIGKILL while mail servers relay: what got 250 becomes one SMS, and every report that is due arrives.

The mail servers keep a mail until it is answered, and bring it again after a lost answer, with the same
Message-ID.  The SMSC and the smarthost are outside of the gateway and write down all that comes to them.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sized
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple

from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as SmtpSession
from free_ports import free_port
from journey_support import HOST, SYSTEM_ID, simulated_smsc
from mail_journey_support import DOMAIN, MailClient, Sink, mail, queue_id
from process_support import GatewayProcess, config_text
from test_process_kill import process_gone

from gateway.simulator import Simulator
from gateway.store.reader import Reader
from gateway.store.reading import reads_of
from protocols.smpp import constants as c

KILLS = 8
WINDOW = 10
PATIENCE_S = 240.0
"""For all of it: eight kills and starts, and a report of each recipient."""
FIRST_NUMBER = 79_160_000_000
UNREACHABLE = "99002"
"""What the simulated SMSC cannot deliver to ends so."""

MAIL = """\
listeners:
  lmtp:
    - path: {lmtp}
      account: {account}
  smtp:
    - address: {host}:{smtp}
"""
REST = """\
mail:
  domains: [{domain}]
  smarthost: {{address: '{host}:{smarthost}', tls: none}}
"""


READ = {
    "header_id": re.compile(rb"^Message-ID: (<.*>)", re.M),
    "number": re.compile(rb"^Final-Recipient: rfc822; (\d+)@", re.M),
    "action": re.compile(rb"^Action: (\w+)", re.M),
    "message_id": re.compile(rb"^Message id: +(\d+)", re.M),
}


class Ledger:
    """Who was promised what; it wakes whoever waits for more of it."""

    def __init__(self) -> None:
        self.queue_ids: dict[int, set[str]] = {}
        """Mail → the queue ids that it got; over LMTP one for each recipient."""
        self.promised: set[str] = set()
        self.lost_answers = 0
        self.later = 0
        self._changed = asyncio.Event()

    def promise(self, number: int, reply: str, recipients: list[str]) -> None:
        self.queue_ids.setdefault(number, set()).add(queue_id(reply))
        self.promised.update(recipients)
        self.changed()

    def changed(self) -> None:
        self._changed.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            self._changed.clear()
            await self._changed.wait()


class Report(NamedTuple):
    """What a letter says, read by the shortest way: there are a thousand, and others test their form."""

    header_id: str
    number: str
    action: str
    message_id: str


class Smarthost(Sink):
    """A mail server that takes all, and says so to the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.reports: dict[str, list[Report]] = {}
        """Number → what was reported of it."""
        self._ledger = ledger

    async def handle_DATA(self, server: SMTP, session: SmtpSession, envelope: Envelope) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        fields = [READ[name].search(self.mails[-1].content) for name in Report._fields]
        report = Report(*(found[1].decode() for found in fields if found))
        self.reports.setdefault(report.number, []).append(report)
        self._ledger.changed()
        return answer


class MailGateway(GatewayProcess):
    """A gateway that takes and writes mail, and may be killed."""

    def __init__(self, folder: Path, smsc_port: int, smarthost_port: int) -> None:
        super().__init__(folder, smsc_port)
        self.smtp_port = free_port()
        self.lmtp = folder / "lmtp"
        listeners = MAIL.format(host=HOST, smtp=self.smtp_port, lmtp=self.lmtp, account=SYSTEM_ID)
        text = config_text(self.port, smsc_port).replace("listeners:\n", listeners)
        text = text.replace("connectors:\n", "    mail: {networks: [127.0.0.0/8]}\nconnectors:\n")
        # Sent again however often it is in doubt, so that everything ends while the test looks.
        text = text.replace("[smsc]\n", "[smsc]\n    on_ambiguous: resend\n")
        text = text.replace("    reconnect_max_s", f"    window: {WINDOW}\n    reconnect_max_s")
        rest = REST.format(domain=DOMAIN, host=HOST, smarthost=smarthost_port)
        self.config.write_text(text + rest)
        self.up = asyncio.Event()

    async def start(self, *, ready: bool = True, **environment: str) -> None:
        self.notes.clear()
        await super().start(ready=ready, **environment)
        self.up.set()

    async def kill(self, *, with_writer: bool) -> None:
        """Ends it at once; `with_writer`: and the process that writes the store in the middle of it."""
        writer = self.writer_pid()
        self.up.clear()
        if with_writer:
            os.kill(writer, signal.SIGKILL)
        assert await self.end(signal.SIGKILL) == -signal.SIGKILL
        await process_gone(writer)

    async def connect(self, *, each: bool) -> MailClient:
        """A mail server's connection, as soon as somebody listens there."""
        while True:
            await self.up.wait()
            with suppress(OSError):
                streams = await (
                    asyncio.open_unix_connection(str(self.lmtp))
                    if each
                    else asyncio.open_connection(HOST, self.smtp_port)
                )
                client = MailClient(*streams, each=each)
                if (await client.reply()).startswith("220") and (await client.hello()).startswith("250"):
                    return client
                client.hang_up()
            await asyncio.sleep(0)


class MailServer:
    """Brings one mail after the other over a connection that it keeps, each until it is answered."""

    def __init__(self, gateway: MailGateway, ledger: Ledger, first: int, *, each: bool) -> None:
        self._gateway = gateway
        self._ledger = ledger
        self._number = first
        self._each = each
        self._client: MailClient | None = None
        self.stopping = False

    async def run(self) -> None:
        while not self.stopping:
            self._number += 1
            await self._relay(self._number, _recipients(self._number))
        if self._client is not None:
            self._client.hang_up()

    async def _relay(self, number: int, recipients: list[str]) -> None:
        octets = mail(f"alert {number}", header_id=f"<{number}@client.example.net>")
        while recipients:
            if self._client is None:
                self._client = await self._gateway.connect(each=self._each)
            try:
                replies = await self._bring(self._client, octets, recipients)
            except OSError:
                replies = [""]
            good = [reply.startswith("250") for reply in replies]
            if self._each and len(replies) == len(recipients):
                for reply, recipient in zip(replies, recipients, strict=True):
                    if reply.startswith("250"):
                        self._ledger.promise(number, reply, [recipient])
                recipients = [it for it, is_good in zip(recipients, good, strict=True) if not is_good]
            elif good[0]:
                self._ledger.promise(number, replies[0], recipients)
                return
            if "" in replies:
                self._ledger.lost_answers += 1
                self._client.hang_up()
                self._client = None
            elif not all(good):
                assert all(reply[0] in "24" for reply in replies), replies
                self._ledger.later += 1

    async def _bring(self, client: MailClient, octets: bytes, recipients: list[str]) -> list[str]:
        """The replies to the mail; "" for one that never came."""
        paths = [f"<{it}@{DOMAIN}> NOTIFY=SUCCESS,FAILURE" for it in recipients]
        for reply in await client.envelope(*paths):
            if not reply.startswith("250"):
                return [reply]
        if not (await client.say("DATA")).startswith("354"):
            return [""]
        client.writer.write(octets + b".\r\n")
        return [await client.reply() for _ in (recipients if self._each else "1")]


def _recipients(number: int) -> list[str]:
    """One to three numbers of this mail alone; some of them cannot be reached."""
    numbers = [str(FIRST_NUMBER + 10 * number + n) for n in range(1 + number % 3)]
    if number % 5 == 0:
        numbers[-1] = f"7{number:05}{UNREACHABLE}"
    return numbers


@asynccontextmanager
async def relaying(gateway: MailGateway, ledger: Ledger) -> AsyncIterator[None]:
    """Four mail servers that relay as fast as they are answered; at the end their last mails are answered."""
    servers = [MailServer(gateway, ledger, 10_000 * n, each=n == 4) for n in range(1, 5)]
    tasks = [asyncio.create_task(server.run()) for server in servers]
    try:
        yield
        for server in servers:
            server.stopping = True
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def kills(gateway: MailGateway, ledger: Ledger, smsc: Simulator, smarthost: Smarthost) -> None:
    """Kills and restarts; each time a while after some more has come to somebody."""
    chance = Random(0)
    books: tuple[tuple[Sized, Callable[[Callable[[], bool]], Awaitable[None]]], ...] = (
        (ledger.promised, ledger.until),
        (smsc.received, smsc.wait_until),
        (smarthost.mails, ledger.until),
    )
    for n in range(KILLS):
        book, until = books[n % len(books)]
        await until(partial(_has, book, len(book) + chance.randint(30, 200)))
        await gateway.kill(with_writer=n % 2 == 1)
        await gateway.start()


def _has(book: Sized, entries: int) -> bool:
    return len(book) >= entries


def test_mails_with_250_become_one_sms_each_and_every_report_arrives(tmp_path: Path) -> None:
    async def run() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await _run(tmp_path)

    asyncio.run(run())


async def _run(folder: Path) -> None:
    ledger = Ledger()
    smarthost = Smarthost(ledger)
    await smarthost.start()
    async with simulated_smsc(keep=100_000, resp_delay_ms=5.0) as smsc:
        gateway = MailGateway(folder, smsc.port, smarthost.port)
        await gateway.start()
        try:
            async with relaying(gateway, ledger):
                await kills(gateway, ledger, smsc, smarthost)
            await ledger.until(lambda: ledger.promised <= smarthost.reports.keys())
            rows = await gateway.ask("queue", "ambiguous", "--limit", "100000")
            assert await gateway.end() == 0, gateway.log[-4000:]
        finally:
            if gateway.process.returncode is None:
                gateway.process.kill()
                await gateway.process.wait()
            gateway.close()
            await smarthost.stop()
    assert "Traceback" not in gateway.log
    assert ledger.lost_answers, "no kill came before an answer: the test shows nothing"
    judge(ledger, smsc, smarthost, {row["message_id"] for row in rows})
    assert Reader(reads_of(gateway.state_dir)).listing("letters", 10) == []


def judge(ledger: Ledger, smsc: Simulator, smarthost: Smarthost, doubts: set[str]) -> None:
    """Compares what was promised with what came to the outside."""
    sms = Counter(it.destination for it in smsc.received if it.status == c.ESME_ROK)
    assert set(sms) == ledger.promised
    assert set(smarthost.reports) == ledger.promised
    for number, reports in smarthost.reports.items():
        assert len(set(reports)) == 1, "a mail became two messages, or a report came again as another one"
        assert reports[0].action == ("failed" if number.endswith(UNREACHABLE) else "delivered")
    twice = {number for number, count in sms.items() if count > 1}
    assert {smarthost.reports[number][0].message_id for number in twice} <= doubts
    assert len(doubts) <= WINDOW * KILLS
