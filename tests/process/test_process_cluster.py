"""What docs/cluster.md says is done: from one node on SQLite to two on PostgreSQL, and no message is lost.

The page's commands are read from it and executed: psql's against a server of the tests, `systemctl` as a
start or stop of the executable, the others as they stand, with the folders of the test.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from cluster_page import address, commands
from journey_support import Client, journey, read_receipt, simulated_smsc
from ledger_support import Ledger, arrived
from postgres_server import HOST, PostgresServer
from process_support import PATIENCE_S, GatewayProcess, command

from protocols.smpp.pdu import BindReceiver, BindTransmitter

ELSEWHERE = ("apt", "openssl", "chown", "install", "systemctl")
"""What test_cluster_systemd.py does, on a machine that is the database's."""
SUDO = re.compile(r"^sudo( -u [a-z-]+)? ")
ENOUGH = 150
"""Messages, of which a third has gone up when the first node ends."""
WINDOW = 10


def lines_of(heading: str) -> list[str]:
    """The commands of a section of the page, without sudo."""
    return [SUDO.sub("", line) for line in commands(heading)]


def address_of(server: PostgresServer) -> str:
    """The first address of the page, at the tests' server, which has no TLS and no passwords."""
    return address().replace("@db1/", f"@{HOST}:{server.port}/").partition("?")[0]


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """What the page's section makes of a server: its address."""
    done = []
    for line in lines_of("The database"):
        words = shlex.split(line)
        if words[0] == "psql":
            assert words[1] == "-c"
            postgres_server.execute(words[2])
            done.append(words[2].split()[0])
        else:
            assert words[0] in ELSEWHERE
    assert done == ["CREATE", "CREATE", "REVOKE"]
    yield address_of(postgres_server)
    postgres_server.execute("DROP DATABASE smsc WITH (FORCE)")
    postgres_server.execute("DROP ROLE smsc_gateway")


def on_postgresql(gateway: GatewayProcess, url: str, node: str) -> None:
    """The one changed line of the configuration, and a name, because both nodes run on one machine."""
    gateway.config.write_text(f"{gateway.config.read_text()}store: {url}\nnode: {node}\n")
    gateway.config.chmod(0o640)


@contextlib.asynccontextmanager
async def node(folder: Path, smsc_port: int) -> AsyncIterator[GatewayProcess]:
    """A gateway that the test starts and ends; the first one runs, with SQLite, when it is entered."""
    gateway = GatewayProcess(folder, smsc_port)
    text = gateway.config.read_text()
    gateway.config.write_text(text.replace("    reconnect", f"    window: {WINDOW}\n    reconnect"))
    try:
        if folder.name == "sms1":
            await gateway.start()
        yield gateway
    finally:
        if hasattr(gateway, "process") and gateway.process.returncode is None:
            gateway.process.kill()
            await gateway.process.wait()
        if hasattr(gateway, "process"):
            gateway.close()


async def said(line: str, gateway: GatewayProcess) -> str:
    """What a command of the page prints, said to this node."""
    words = shlex.split(line.replace("/var/lib/smsc-gateway", str(gateway.state_dir)))
    assert words[0] == "smsc-gateway"
    places = ["--state-dir", str(gateway.state_dir)]
    if words[1] in ("migrate-store", "doctor"):
        places += ["--config", str(gateway.config)]
    code, text = await command(*words[1:], *places)
    # the tests' server does not sync, and doctor sees that
    assert code == 0 or (words[1] == "doctor" and "fsync" in text), text
    return text


def old(gateway: GatewayProcess) -> Path:
    """The configuration as it was on SQLite."""
    file = gateway.folder / "old.yaml"
    lines = gateway.config.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith(("store:", "node:"))))
    return file


async def dumped(lines: list[str], server: PostgresServer, folder: Path) -> None:
    """pg_dump as the page has it, where the server's package has it."""
    [line] = lines
    words = shlex.split(line.replace("/var/backups", str(folder)))
    assert words[0] == "pg_dump"
    program = server.programs.folder / "pg_dump"
    if not program.exists():
        return
    child = await asyncio.create_subprocess_exec(
        str(program), "-h", HOST, "-p", str(server.port), "-U", "postgres", *words[1:]
    )
    assert await child.wait() == 0
    assert (folder / "smsc.dump").stat().st_size > 1000


def nodes_in(output: str) -> set[str]:
    return {line.split()[0] for line in output.splitlines() if line.startswith("sms")}


class Receiver:
    """A session that reads receipts: which, and how often."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._tasks: list[asyncio.Task[None]] = []
        self._came = asyncio.Event()

    def read(self, client: Client) -> None:
        async def forever() -> None:
            while True:
                self.counts[read_receipt(await client.deliveries.get()).message_id] += 1
                self._came.set()

        self._tasks.append(asyncio.create_task(forever()))

    async def has(self, wanted: set[str]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not wanted <= set(self.counts):
                self._came.clear()
                await self._came.wait()

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()


@journey
async def test_from_one_node_on_sqlite_to_two_on_postgresql_without_losing_a_message(
    tmp_path: Path, database: str, postgres_server: PostgresServer
) -> None:
    ledger = Ledger()
    receiver = Receiver()
    async with (
        simulated_smsc(keep=100_000, resp_delay_ms=20.0, receipt_delay_ms=200.0) as smsc,
        node(tmp_path / "sms1", smsc.port) as first,
        node(tmp_path / "sms2", smsc.port) as second,
    ):
        client = await first.client(BindTransmitter)
        sending = asyncio.create_task(ledger.send(client, ENOUGH))
        await ledger.acked_enough.wait()
        await first.end(signal.SIGKILL)  # the worst before it is stopped: some are under way
        await client.end()
        await sending

        on_postgresql(first, database, "sms1")
        on_postgresql(second, database, "sms2")
        stop, move, start, look = lines_of("Move the store")
        assert (stop, start) == ("systemctl stop smsc-gateway", "systemctl start smsc-gateway")
        moved = await said(move, first)
        assert "both sides hold the same" in moved
        await first.start()
        assert "as this program wants it" in await said(look, first)

        files, enable, nodes, *_ = lines_of("The second node")
        assert "reached; PostgreSQL" in await said(files, second)
        assert enable == "systemctl enable --now smsc-gateway"
        await second.start()
        async with asyncio.timeout(PATIENCE_S):
            while nodes_in(await said(nodes, first)) != {"sms1", "sms2"}:  # each look is a process
                pass
        receiver.read(await second.client(BindReceiver))  # all receipts come here, whoever has them
        client = await first.client(BindTransmitter)
        later = {await client.submit(text=b"moved %d" % number): b"moved %d" % number for number in range(20)}
        await client.unbind()
        acked = ledger.acked | later
        await receiver.has(set(acked))

        doubts = {row["message_id"] for row in await first.ask("queue", "ambiguous", "--limit", "1000")}
        assert await second.ask("queue") == await first.ask("queue")
        drain, after = lines_of("Drain a node, upgrade")
        receiver.read(await first.client(BindReceiver))
        await said(drain, first)
        assert nodes_in(await said(after, first)) == {"sms1", "sms2"}
        assert await second.end(signal.SIGTERM) == 0
        client = await first.client(BindTransmitter)
        last = {await client.submit(text=b"last %d" % number): b"last %d" % number for number in range(5)}
        await client.unbind()
        await receiver.has(set(last))
        receiver.close()

        dump = lines_of("Backups")
        await dumped(dump, postgres_server, tmp_path)
        assert await first.end(signal.SIGTERM) == 0
        refused, text = await command("run", "--state-dir", str(first.state_dir), "--config", str(old(first)))
        assert (refused, "was moved to postgresql://" in text) == (78, True), text

    # those beyond were stored, and the kill came before their answer
    assert set(receiver.counts) >= set(acked | last)
    assert set(receiver.counts.values()) == {1}
    counts = arrived(smsc)
    assert all(counts[text] for text in (acked | last).values())
    assert {id_ for id_, text in (acked | last).items() if counts[text] > 1} <= doubts
    assert max(counts.values()) <= 2
    assert 0 < len(doubts) <= WINDOW
