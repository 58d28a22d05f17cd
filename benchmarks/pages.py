"""How long each page takes with a million messages in the store.

    python benchmarks/pages.py [--postgres VERSION] [--messages N] [--times N] [--json FILE] [--write PAGE]

A store is filled (pages_store.py), a gateway with pages is started on it, and somebody logs in and asks
for each page over HTTP on loopback, one after the other and over one connection, as a browser does. The first
answer of each page, which makes its template, is told apart. Exit code 1: of the others (20 of each page) one
took more than 100 ms.

With --postgres the store is moved to a server of its own on this machine before, as migrate-store does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from figures import ROOT, machine, write
from kill import HOST, Gateway, free_port
from pages_store import ACCOUNTS, CONNECTORS, Known, fill

from gateway.core.passwords import hash_password
from gateway.ops.web.pages import routes
from gateway.store.moving import Move
from gateway.store.sqlite_open import FILE_NAME

sys.path.insert(0, str(ROOT / "tests" / "support"))

from postgres_programs import programs
from postgres_server import PostgresServer

USER, PASSWORD = "olga", "pages-on"
DATABASE = "pages"
SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "2GB"}
MOST_MS = 100.0
PATIENCE_S = 60.0
NOT_MEASURED = {"/login", "/static/{name}"}
"""Looked at before anybody is logged in, or no page."""

CONFIG = """\
listeners:
  smpp:
    - address: {host}:{port}
accounts: [{accounts}]
connectors: [{connectors}]
routes:
  - name: main
    connectors: [smsc0, smsc1]
queue:
  outbox_max: 10000000
web:
  address: {host}:{web}
  users: [{{name: {user}, password_hash: {hash}, role: operator}}]
log:
  level: warning
"""


class Ask(NamedTuple):
    """A page, and the form that is sent to it (None: it is only looked at)."""

    name: str
    path: str
    form: dict[str, str] | None = None


class Found(NamedTuple):
    """Milliseconds of one page."""

    name: str
    first: float
    times: list[float]
    cpu: float
    """Of all processes of the gateway and of its server for one answer: what it takes where nobody else wants
    the processor."""
    octets: int

    @property
    def p95(self) -> float:
        return sorted(self.times)[max(0, -(-95 * len(self.times) // 100) - 1)]


class Browser:
    """One connection that is kept, with its cookies."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection(HOST, port, timeout=PATIENCE_S)
        self._cookies: dict[str, str] = {}
        self._origin = f"http://{HOST}:{port}"

    def ask(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str, float]:
        """The status, the page, and how many milliseconds it took until the last octet of it was there."""
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {"Cookie": cookies, "Origin": self._origin}
        body = None
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(form)
        began = time.perf_counter()
        self._connection.request("POST" if form is not None else "GET", path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        took_ms = 1000 * (time.perf_counter() - began)
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, text, took_ms

    def log_in(self) -> str:
        """The token that forms are sent with."""
        status, text, _ = self.ask("/login", {"name": USER, "password": PASSWORD})
        if status != 303:
            raise SystemExit(f"the login was answered with {status}: {text[:500]}")
        _, text, _ = self.ask("/messages")
        found = re.search(r'name="csrf" value="([^"]+)"', text)
        if found is None:
            raise SystemExit("there is no token on the page")
        return found[1]


def asks(known: Known, csrf: str) -> list[Ask]:
    """Each page that can be looked at, and the searches that look at most."""
    fixed = sorted(
        route.path
        for route in routes()
        if route.method == "GET" and "{" not in route.path and route.path not in NOT_MEASURED
    )
    form = {"csrf": csrf, "account": "account1", "destination": "79161234567", "source": "Example", "at": ""}
    return [
        *(Ask(path, path) for path in fixed),
        Ask("/messages, an ended one", f"/messages/{known.ended}"),
        Ask("/messages, one that waits", f"/messages/{known.queued}"),
        Ask("/messages, one at its SMSC", f"/messages/{known.sent}"),
        Ask("/messages, one in doubt", f"/messages/{known.held}"),
        Ask("/messages by number, the oldest", f"/messages?number={known.number}"),
        Ask("/messages by account and state", "/messages?account=account7&state=EXPIRED"),
        Ask("/messages by its sender's name", f"/messages?client_id={known.client_id}"),
        Ask("/messages by the SMSC's id", f"/messages?upstream_id={known.upstream_id}"),
        Ask("/messages, what is not there", "/messages?connector=none"),
        Ask("/messages, further back", f"/messages?before={known.queued}"),
        Ask("/messages, its text", f"/messages/{known.queued}/text", {"csrf": csrf}),
        Ask("/explain, a route and a text", "/explain", {**form, "text": "Ваш код 1234. " * 12}),
    ]


def cpu_ms(pids: Sequence[int]) -> float:
    """What these processes, and theirs, have used of processors until now."""
    found, total = [*pids], 0
    for process in found:  # grows meanwhile
        for task in Path(f"/proc/{process}/task").iterdir():
            with contextlib.suppress(OSError):  # it has ended
                total += int((task / "schedstat").read_text().split()[0])
                found += map(int, (task / "children").read_text().split())
    return total / 1e6


def measured(browser: Browser, ask: Ask, times: int, pids: Sequence[int]) -> Found:
    taken = []
    text, began_ms = "", 0.0
    for number in range(times + 1):
        if number == 1:
            began_ms = cpu_ms(pids)
        status, text, took_ms = browser.ask(ask.path, ask.form)
        if status not in (200, 503):
            raise SystemExit(f"{ask.path} was answered with {status}: {text[:2000]}")
        taken.append(took_ms)
    used_ms = (cpu_ms(pids) - began_ms) / times
    return Found(ask.name, taken[0], taken[1:], used_ms, len(text.encode()))


@contextlib.contextmanager
def started(folder: Path, store: str) -> Iterator[tuple[Gateway, int]]:
    """A gateway on this store (a line of its configuration, or ""), and the port of its pages."""
    web, hashed = free_port(), hash_password(PASSWORD)
    accounts = ", ".join(
        f"{{system_id: account{n}, password_hash: '{hashed}', max_open: 10000000}}" for n in range(ACCOUNTS)
    )
    away = free_port()
    connectors = ", ".join(
        f"{{name: smsc{n}, address: '{HOST}:{away}', system_id: gateway, password: gateway}}"
        for n in range(CONNECTORS)
    )
    text = CONFIG.format(
        host=HOST, port=free_port(), accounts=accounts, connectors=connectors, web=web, user=USER, hash=hashed
    )
    (folder / "gateway.yaml").write_text(text + store)
    gateway = Gateway(folder)
    try:
        gateway.start()
        deadline = time.monotonic() + PATIENCE_S
        while True:  # the pages are a process of their own
            with contextlib.suppress(OSError):
                if Browser(web).ask("/login")[0] == 200:
                    break
            if time.monotonic() > deadline:
                raise SystemExit("the pages do not answer")
            time.sleep(0.1)
        yield gateway, web
    except BaseException:
        lines = gateway.log.read_text().splitlines()  # the folder is gone in a moment
        print("\n".join(line for line in lines if "link_lost" not in line)[-4000:], file=sys.stderr)
        raise
    finally:
        gateway.kill(whole_group=True)


def table(found: list[Found], messages: int, load: float) -> str:
    lines = [
        f"{messages:,} messages; load of the machine (1 min) meanwhile: {load:.1f}",
        "",
        "| page | first | median | p95 | max | CPU | KiB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for it in found:
        numbers = (it.first, statistics.median(it.times), it.p95, max(it.times), it.cpu)
        cells = " | ".join(f"{value:.1f} ms" for value in numbers)
        lines.append(f"| `{it.name}` | {cells} | {it.octets / 1024:.0f} |")
    return "\n".join(lines)


@contextlib.contextmanager
def moved(path: Path, version: int) -> Iterator[PostgresServer | None]:
    """The store is on a server of this version meanwhile, and its statistics are made; 0: it stays here."""
    if not version:
        yield None
        return
    with PostgresServer(programs(version)) as server:
        server.settings |= SETTINGS
        server.create()
        server.create_database(DATABASE)
        Move(path, server.socket_url(DATABASE), DATABASE, lambda what, share: None).run(now_ms())
        server.execute("VACUUM ANALYZE", DATABASE)  # as autovacuum has done on a server that runs
        yield server


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def asked(
    args: argparse.Namespace, port: int, known: Known, pids: Sequence[int]
) -> tuple[list[Found], float]:
    """What each page took, and the load of the machine meanwhile."""
    browser = Browser(port)
    csrf = browser.log_in()
    found, loads = [], []
    for ask in asks(known, csrf):
        if args.only in ask.name:
            it = measured(browser, ask, args.times, pids)
            found.append(it)
            loads.append(os.getloadavg()[0])
            numbers = (it.first, statistics.median(it.times), max(it.times), it.cpu)
            print(f"{it.name:<40}" + "".join(f"{ms:9.1f}" for ms in numbers), flush=True)
    return found, statistics.median(loads)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=20, help="answers of each page that count")
    parser.add_argument("--postgres", type=int, default=0, metavar="VERSION", help="on PostgreSQL, as 15")
    parser.add_argument("--only", default="", help="pages whose name has this")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", type=Path, help="the page whose table is written anew")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pages") as name:
        folder = Path(name)
        (folder / "state").mkdir(mode=0o700)
        path = folder / "state" / FILE_NAME
        began = time.monotonic()
        known = fill(path, args.messages, now_ms())
        with moved(path, args.postgres) as server:
            print(f"{args.messages:,} messages after {time.monotonic() - began:.0f} s", flush=True)
            store = f"store: {server.socket_url(DATABASE)}\n" if server else ""
            with started(folder, store) as (gateway, port):
                found, load = asked(args, port, known, [gateway.pid, *([server.pid] if server else [])])
    told = table(found, args.messages, load)
    print(f"\n{machine()}\n{told}")
    if args.json:
        rows: list[dict[str, Any]] = [it._asdict() for it in found]
        args.json.write_text(json.dumps(rows, indent=2))
    if args.write:
        write(args.write, told, "postgres pages figures" if args.postgres else "pages figures")
    return int(any(max(it.times) > MOST_MS for it in found))


if __name__ == "__main__":
    sys.exit(main())
