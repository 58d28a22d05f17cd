"""Reloads the configuration of a gateway under load again and again, and counts what that costs.

    python benchmarks/reload.py [--reloads N] [--rate N] [--json FILE] [--write docs/reload.md]

Two simulated SMSCs, six sessions of three accounts, and the gateway, which share nothing but sockets. Every
reload changes something else: an account's limits, a connector's rate, a connector's login (so that it is
bound anew), the routes, an account that comes or goes; every tenth file has a mistake. Half of the reloads
are asked for over the control socket, as `smsc-gateway reload` does, and the others are SIGHUP.

    dropped = sessions that ended before the end
    lost    = acked - at the SMSCs - reported as failed - still queued

Exit code 0: nothing is dropped or lost, no receipt is missing, and no file with a mistake changed anything.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import kill
import kill_sender
from kill import HOST, KillError, Promises, free_port

from gateway.cli.daemon_client import ask
from gateway.core.passwords import hash_password

ACCOUNTS = ("shop", "bank", "post")
SESSIONS_EACH = 2
BAD_EVERY = 10
TICK_S = 0.01
DRAIN_S = 60.0
MARKERS_EACH = 10_000_000
BEGIN, END = "<!-- reload figures -->\n", "<!-- end of reload figures -->\n"

CONFIG = """\
listeners:
  smpp:
    - address: {host}:{port}
accounts:
{accounts}
connectors:
  - {{name: first, address: '{host}:{first}', system_id: gateway, password: {smsc}, rate: {rate}}}
  - {{name: second, address: '{host}:{second}', system_id: gateway, password: {smsc}, system_type: {kind}}}
routes:
  - connectors: [first, second]
  - {{prefix: '{prefix}', connectors: [second, first]}}
log:
  level: warning
"""


@dataclass(frozen=True)
class Outcome:
    """What the ledgers say."""

    reloads: int
    bad_files: int
    bad_files_taken: int
    connectors_bound_anew: int
    sessions: int
    dropped: int
    acked: int
    refused: int
    smsc_messages: int
    lost: int
    receipts_missing: int
    duplicates: int
    reload_ms_median: float
    reload_ms_max: float

    @property
    def passed(self) -> bool:
        bad = (self.dropped, self.lost, self.receipts_missing, self.bad_files_taken, self.duplicates)
        return not any(bad) and self.acked > 0


class Client(kill_sender.Client):
    """A session of any account; its ledger is in memory, and it says when it has ended."""

    def __init__(self, account: str, password: str, said: Promises) -> None:
        super().__init__(sys.stderr)
        self._account, self._password, self._said = account, password, said

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        bind = kill_sender.BindTransceiver(system_id=self._account, password=self._password)
        self.session.send_request(bind, self._loop.time())
        self.write()

    def note(self, **fields: Any) -> None:
        self._said.read(fields)


async def connect(account: str, password: str, port: int, said: Promises) -> Client:
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: Client(account, password, said), HOST, port)
    async with asyncio.timeout(kill.START_S):
        while not client.room:  # noqa: ASYNC110 - the bind's answer makes it
            await asyncio.sleep(TICK_S)
    return client


class Configurations:
    """The files that are taken over, one after the other."""

    def __init__(self, path: Path, smscs: list[int], smsc_password: str) -> None:
        self._path, self._smscs, self._smsc_password = path, smscs, smsc_password
        self.port = free_port()
        self.password = secrets.token_hex(4)
        self._hashed = hash_password(self.password)
        self.bad = 0
        self.write(0)

    def write(self, number: int, *, is_bad: bool = False) -> None:
        """The configuration of this number."""
        names = [*ACCOUNTS, *(["guest"] if number % 3 == 1 else [])]
        accounts = "\n".join(
            f"  - {{system_id: {name}, password_hash: '{self._hashed}', rate: {10_000 + number % 7},"
            f" window: 200}}"
            for name in names
        )
        text = CONFIG.format(
            host=HOST,
            port=self.port,
            first=self._smscs[0],
            second=self._smscs[1],
            smsc=self._smsc_password,
            accounts=accounts,
            rate="much" if is_bad else 5000 + number,
            kind=f"V{number // 4 % 2}",
            prefix="79" if number % 2 else "790",
        )
        beside = self._path.with_suffix(".new")
        beside.write_text(text)
        beside.chmod(0o640)
        beside.replace(self._path)
        self.bad += is_bad


async def send(clients: list[Client], rate: float) -> None:
    """Keeps a rate over all sessions, each with numbers of its own."""
    loop = asyncio.get_running_loop()
    markers = [kill_sender.FIRST_MARKER + MARKERS_EACH * n for n in range(len(clients))]
    due, at, turn = 0.0, loop.time(), 0
    while True:
        await asyncio.sleep(TICK_S)
        elapsed, at = loop.time() - at, loop.time()
        due = min(due + rate * elapsed, 100.0)
        while due >= 1:
            due -= 1
            turn = (turn + 1) % len(clients)
            if clients[turn].room:
                markers[turn] += 1
                clients[turn].submit(markers[turn])
        for client in clients:
            client.write()


async def reload(gateway: kill.Gateway, files: Configurations, number: int) -> tuple[bool, float]:
    """One reload: whether a bad file was taken, and how long it took."""
    is_bad = number % BAD_EVERY == 0
    files.write(number, is_bad=is_bad)
    began = time.monotonic()
    if number % 2:
        gateway.forget()
        gateway.signal(signal.SIGHUP)
        await asyncio.to_thread(gateway.told)
        return False, time.monotonic() - began
    answer = await asyncio.to_thread(ask, gateway.state_dir, "reload")
    return is_bad and "problems" not in answer, time.monotonic() - began


async def bombard(
    gateway: kill.Gateway, files: Configurations, ledgers: list[Path], args: argparse.Namespace
) -> Outcome:
    """Sends and reloads, lets the gateway come to rest, and reads the ledgers."""
    said = Promises()
    clients = [
        await connect(name, files.password, files.port, said)
        for name in ACCOUNTS
        for _ in range(SESSIONS_EACH)
    ]
    sending = asyncio.create_task(send(clients, args.rate))
    taken = 0
    times = []
    for number in range(1, args.reloads * BAD_EVERY // (BAD_EVERY - 1) + 1):
        await asyncio.sleep(args.pause)
        was_taken, seconds = await reload(gateway, files, number)
        taken += was_taken
        times.append(seconds)
    sending.cancel()
    async with asyncio.timeout(DRAIN_S):
        while not await asyncio.to_thread(is_drained, gateway.state_dir):  # noqa: ASYNC110 - it is asked
            await asyncio.sleep(0.1)
    await asyncio.sleep(0.2)
    dropped = sum(client.closed.done() for client in clients)
    _, queued = await asyncio.to_thread(kill.lists, gateway.state_dir)
    for client in clients:
        client.close()
    arrived: Counter[int] = Counter()
    for ledger in ledgers:
        arrived.update(
            int(entry["destination"])
            for entry in kill.read_lines(ledger)
            if entry["event"] == "received" and entry["status"] == "ESME_ROK"
        )
    return Outcome(
        reloads=len(times) - files.bad,
        bad_files=files.bad,
        bad_files_taken=taken,
        connectors_bound_anew=0,
        sessions=len(clients),
        dropped=dropped,
        acked=len(said.acked),
        refused=said.refused,
        smsc_messages=len(arrived),
        lost=said.lost(arrived, queued),
        receipts_missing=said.receipts_missing(queued),
        duplicates=sum(count > 1 for count in arrived.values()),
        reload_ms_median=round(1000 * statistics.median(times), 1),
        reload_ms_max=round(1000 * max(times), 1),
    )


def is_drained(state_dir: Path) -> bool:
    summary = ask(state_dir, "queue")["summary"]
    return not (summary["upstream"] or summary["downstream"] or summary["awaiting_receipt"])


def run(folder: Path, args: argparse.Namespace, ledgers: Path | None = None) -> Outcome:
    """The whole test in a folder of its own; what the SMSCs write down may be in another one."""
    password = secrets.token_hex(4)
    (folder / "smsc-password").write_text(password)
    options = ("--listen", f"{HOST}:0", "--password-file", str(folder / "smsc-password"), "--no-magic")
    slow = ("--resp-delay-ms", "5", "--receipt-delay-ms", "20")
    with ExitStack() as stack:
        places = [(ledgers or folder) / name for name in ("first", "second")]
        ports = []
        for place in places:
            place.mkdir()
            ready = stack.enter_context(kill.simulator(place, *options, *slow))
            ports.append(int(ready["listen"].rpartition(":")[2]))
        files = Configurations(folder / "gateway.yaml", ports, password)
        gateway = kill.Gateway(folder)
        stack.callback(gateway.close)
        gateway.start()
        outcome = asyncio.run(bombard(gateway, files, [place / "upstream.jsonl" for place in places], args))
        if code := gateway.stop():
            raise KillError(f"the stop ended with {code}: see {gateway.log}")
    said = (entry for place in places for entry in kill.read_lines(place / "upstream.jsonl"))
    binds = sum(entry["binds"] for entry in said if entry["event"] == "summary")
    return replace(outcome, connectors_bound_anew=binds - len(places))


FIGURES = """\
Measured by `make reload` on {date}: `{command}`,
with {rate:g} messages/s from {o.sessions} sessions of three accounts to two simulated SMSCs.

| | |
|---|---|
| reloads that changed something | {o.reloads} |
| files with a mistake in between | {o.bad_files} |
| **of these taken over** | **{o.bad_files_taken}** |
| connectors that were bound anew | {o.connectors_bound_anew} |
| **sessions of clients that were dropped** | **{o.dropped}** |
| messages acknowledged to the clients | {o.acked} |
| submits that were refused | {o.refused} |
| messages at the SMSCs | {o.smsc_messages} |
| **lost** (acknowledged, and neither there nor reported as failed nor queued) | **{o.lost}** |
| **receipts missing** | **{o.receipts_missing}** |
| **messages that reached an SMSC twice** | **{o.duplicates}** |
| a reload, median | {o.reload_ms_median:.0f} ms |
| a reload, longest | {o.reload_ms_max:.0f} ms |
"""


def write(page: Path, args: argparse.Namespace, outcome: Outcome) -> None:
    """Puts the figures between their marks on the page."""
    text = page.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    figures = FIGURES.format(
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        command=f"python benchmarks/reload.py --reloads {args.reloads} --rate {args.rate:g}",
        rate=args.rate,
        o=outcome,
    )
    page.write_text(f"{before}{BEGIN}{figures}{END}{after}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reloads", type=int, default=100, help="default %(default)s")
    parser.add_argument("--rate", type=float, default=300, help="messages/s, default %(default)s")
    parser.add_argument("--pause", type=float, default=0.2, help="seconds between two, default %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write them between their marks, too")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="reload-"))
    try:
        outcome = run(folder, args)
    except KillError as error:
        print(f"reload.py: {error}", file=sys.stderr)
        return 2
    figures = json.dumps(asdict(outcome) | {"passed": outcome.passed}, indent=2)
    print(figures)
    if args.json:
        args.json.write_text(figures + "\n")
    if args.write:
        write(args.write, args, outcome)
    if outcome.passed:
        shutil.rmtree(folder)
    else:
        print(f"ledgers and logs: {folder}", file=sys.stderr)
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    sys.exit(main())
