"""L1: thousands of connections that say nothing, or next to nothing, and the clients that want to come in."""

from __future__ import annotations

import json
import resource
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from harness import open_files, prepare, rest, rss_bytes, running, sending, smsc, stop, until_flowing, verdict
from kill import HOST, Gateway, free_port
from part import Part, PartError, Row, Run, at_least, count

from protocols.smpp import constants as c
from protocols.smpp.codec import encode
from protocols.smpp.pdu import BindTransceiver

HERE = Path(__file__).resolve().parent
RATE = 100.0
COUNT, COUNT_SHORT = 10_000, 500
SECONDS, SECONDS_SHORT = 20.0, 2.5
SETTLE_S = 8.0
"""Every time limit for strangers is over by then."""
LOGIN_MOST_S = 1.0
GROWTH_MOST = 100 << 20
FILES_MORE = 10
LINES_MOST = 200
MIB = 1 << 20
MANY = [f"127.0.0.{n}" for n in range(2, 12)]
ONE = ["127.0.0.2"]
CONFIG = """\
listeners:
  smpp:
    - {{address: "{host}:{port}"{most}}}
    - {{address: "{host}:{smpps}", tls: {{certificate: {pem}, key: {pem}}}{most}}}
  smtp:
    - {{address: "{host}:{smtp}"{most}}}
  http:
    - {{address: "{host}:{http}"{most}}}
  callbacks:
    - {{address: "{host}:{calls}"{most}}}
mail:
  domains: [sms.example.org]
accounts:
  - {{system_id: kill, password_hash: {password_hash}, window: 200, http: {{}}, max_binds: 20,
     mail: {{networks: [127.0.0.1/32]}}}}
connectors:
  - {{name: smsc, address: "{host}:{smsc_port}", system_id: gateway, password: {smsc_password}}}
smsc_connectors:
  - name: centre
    url: http://{host}:9
    login: gateway
    password: {smsc_password}
    callback: {{path: /calls, secret: {smsc_password}, hash: md5}}
routes:
  - connectors: [smsc]
log:
  level: info
"""


class Doors(NamedTuple):
    """The gateway's ports."""

    smpp: int
    smpps: int
    smtp: int
    http: int
    calls: int

    def targets(self) -> list[str]:
        """As standing.py takes them."""
        kinds = ("smpp", "tls", "smtp", "http", "http")
        return [f"{port}:{kind}" for port, kind in zip(self, kinds, strict=True)]


class Watch:
    """Looks at the gateway's memory again and again."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self.logins = False
        """Whether clients come in: a password takes 32 MiB for as long as it is looked at."""
        self.most = 0
        """While none did."""
        self.most_at_logins = 0
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._over.wait(0.1):
            logins, found = self.logins, rss_bytes(self._pid)
            if logins or self.logins:
                self.most_at_logins = max(self.most_at_logins, found)
            else:
                self.most = max(self.most, found)

    def end(self) -> None:
        """Looks no more."""
        self._over.set()
        self._thread.join()


# -- those who want to come in --------------------------------------------------------------------------


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with closing(socket.create_connection((HOST, port), timeout=30)) as channel:
        yield channel


def binds(channel: socket.socket, password: str) -> None:
    channel.sendall(encode(BindTransceiver(sequence_number=1, system_id="kill", password=password)))
    answer = channel.recv(1024)
    if answer[4:12] != (c.BIND_TRANSCEIVER | c.GENERIC_NACK).to_bytes(4, "big") + bytes(4):
        raise PartError(f"a bind was answered by {answer[:16].hex()}")


def smpp(port: int, password: str) -> None:
    with connected(port) as channel:
        binds(channel, password)


def smpps(port: int, password: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with connected(port) as channel, context.wrap_socket(channel) as wrapped:
        binds(wrapped, password)


def smtp(port: int, password: str) -> None:
    with connected(port) as channel:
        for said in (b"", b"EHLO client.example.org\r\n"):
            channel.sendall(said)
            if not channel.recv(1024).startswith((b"220", b"250")):
                raise PartError("a mail client was turned away")


def asks(port: int, password: str) -> None:
    with connected(port) as channel:
        head = f"GET /sys/balance.php?login=kill&psw={password} HTTP/1.1\r\nHost: x\r\n\r\n"
        channel.sendall(head.encode())
        if not channel.recv(1024).startswith(b"HTTP/1.1 "):
            raise PartError("an HTTP client was turned away")


CLIENTS: dict[str, Callable[[int, str], None]] = {
    "smpp": smpp,
    "smpps": smpps,
    "smtp": smtp,
    "http": asks,
    "calls": asks,
}


def come_in(doors: Doors, password: str, longest: dict[str, float]) -> None:
    """One client at each door; `longest` gets the seconds (s) that it took until it was in."""
    for name, client in CLIENTS.items():
        began = time.monotonic()
        client(getattr(doors, name), password)
        longest[name] = max(longest.get(name, 0.0), time.monotonic() - began)


# -- the part -------------------------------------------------------------------------------------------


class Flooded(NamedTuple):
    """What one flood has shown."""

    opened: int
    at_once: int
    rounds: int
    longest: dict[str, float]


def flooded(run: Run, doors: Doors, password: str, sources: Sequence[str], watch: Watch) -> Flooded:
    """Lets the flood stand, and clients come in meanwhile."""
    size, seconds = (COUNT, SECONDS) if run.full else (COUNT_SHORT, SECONDS_SHORT)
    command = [sys.executable, str(HERE / "standing.py"), *doors.targets(), "--from", ",".join(sources)]
    flood = subprocess.Popen(
        [*command, "--count", str(size), "--seconds", str(seconds)], stdout=subprocess.PIPE, text=True
    )
    longest: dict[str, float] = {}
    rounds = 0
    try:
        time.sleep(seconds / 4)  # until it stands
        while flood.poll() is None:
            watch.logins = True
            come_in(doors, password, longest)
            watch.logins = False
            rounds += 1
            time.sleep(seconds / 20)
        assert flood.stdout is not None
        told = json.loads(flood.stdout.read())
    finally:
        flood.kill()
        flood.wait()
    return Flooded(told["opened"], told["most"], rounds, longest)


def stand(run: Run) -> list[Row]:
    """Floods from many addresses and from one, with the limits as they are and with room for all."""
    rows: list[Row] = []
    for room in (False, True) if run.full else (False,):
        one = run._replace(folder=run.folder / f"room-{room}", ledgers=run.ledgers / f"room-{room}")
        one.folder.mkdir()
        one.ledgers.mkdir()
        rows += _against(one, room=room)
    return rows


def _against(run: Run, *, room: bool) -> list[Row]:
    pem = _certificate(run.folder)
    doors = Doors(*(free_port() for _ in Doors._fields))
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    named = f"room for all {COUNT:,} at each listener" if room else "limits as they are"
    limit = f", max_connections: {2 * COUNT}" if room else ""
    with smsc(run) as upstream_port:
        more = {name: port for name, port in doors._asdict().items() if name != "smpp"}
        at = prepare(run, upstream_port, CONFIG, pem=pem, most=limit, **more)
        doors = doors._replace(smpp=at.port)
        gateway = Gateway(run.folder)
        with running(gateway), sending(run, at, RATE) as client:
            until_flowing(run)
            come_in(doors, at.password, {})  # what is loaded once is
            pid = gateway.pid
            before, files = rss_bytes(pid), open_files(pid)
            lines = len(gateway.log.read_text().splitlines())
            watch = Watch(pid)
            found = {}
            for kind, sources in (("from ten addresses", MANY), ("from one address", ONE)):
                run.say(f"{named}, {kind}")
                found[kind] = flooded(run, doors, at.password, sources, watch)
            watch.end()
            seconds = SETTLE_S if run.full else 0.0
            time.sleep(seconds)
            left = open_files(pid)
            said = [it for it in gateway.log.read_text().splitlines()[lines:] if not _is_of_clients(it)]
            end = rest(gateway, client)
            stop(gateway)
    rows = [
        row
        for kind, one in found.items()
        for row in _of_flood(f"{named}, {kind}", one, least=COUNT if run.full else COUNT_SHORT, full=run.full)
    ]
    grown, at_logins = watch.most - before, watch.most_at_logins - before
    rows += [
        Row(f"{named}: memory before", f"{before / MIB:.1f} MiB"),
        Row(
            f"{named}: it grew by",
            f"{grown / MIB:.1f} MiB",
            "< 100 MiB",
            grown < GROWTH_MOST,
        ),
        Row(f"{named}: and with passwords being looked at (32 MiB each)", f"{at_logins / MIB:.1f} MiB"),
        count(f"{named}: lines in the log", len(said), LINES_MOST),
    ]
    if run.full:
        rows.append(count(f"{named}: files left open", max(0, left - files), FILES_MORE))
    return rows + [
        row._replace(what=f"{named}: {row.what}") for row in verdict(run, end).rows(50, doubts=False)
    ]


def _of_flood(named: str, one: Flooded, *, least: int, full: bool) -> list[Row]:
    rows = [
        at_least(f"{named}: connections that were opened", one.opened, least),
        Row(f"{named}: open at once", f"{one.at_once:,}"),
        at_least(f"{named}: clients at each listener", one.rounds, 1),
    ]
    for name, seconds in one.longest.items():
        bound = f"< {LOGIN_MOST_S:g} s" if full else ""
        is_held = not full or seconds < LOGIN_MOST_S
        rows.append(
            Row(f"{named}: {name}, longest until a client was in", f"{seconds:.2f} s", bound, is_held)
        )
    return rows


def _is_of_clients(line: str) -> bool:
    """Whether it tells of the sender's messages, or of the clients that came in."""
    return any(f" info {word} " in line for word in ("accepted", "submitted", "receipt", "returned", "bound"))


def _certificate(folder: Path) -> Path:
    pem = folder / "tls.pem"
    if not pem.exists():
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        names = ["-subj", "/CN=localhost", "-keyout", str(pem), "-out", str(folder / "crt")]
        subprocess.run(["openssl", "req", "-x509", *key, *names], check=True, capture_output=True)
        pem.write_text(pem.read_text() + (folder / "crt").read_text())
        pem.chmod(0o600)
    return pem


PARTS = (
    Part(
        name="L1",
        title="clients that only stand there",
        how=f"{COUNT:,} connections, half of them silent, half with an octet every two seconds, at SMPP,"
        " SMPP over TLS (handshakes that never end), SMTP, HTTP and the listener for calls; what is closed is"
        " opened again, 500 a second. Meanwhile clients come in at each listener, and a sender that was bound"
        " before sends on. From ten addresses, then from one; with the limits as they are, then with room for"
        " all of them.",
        run=stand,
    ),
)
