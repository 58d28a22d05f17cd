"""F2: damaged commands, requests and mails at the listeners of a gateway, beside clients that behave.

Each connection says some of them and then nothing more, and the gateway has to end it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from fuzz_mutator import VECTORS, Octets
from harness import (
    HOST,
    Gateway,
    free_port,
    prepare,
    processes,
    rss_bytes,
    running,
    smsc,
    smsc_password,
    tail,
)
from part import Part, PartError, Row, Run, at_least, count

from protocols.smsc_http.callbacks import StatusCall, format_callback

FULL, SHORT = (200_000, 20_000), (2_000, 100)
"""Commands and requests; mails."""
ATTACKERS = 8
EACH = {"smtp": 20, "lmtp": 20, "http": 4, "calls": 4}
"""Of a connection; after most requests that are none there is nothing more to be said."""
PATIENCE_S = 60.0
"""For the end of a connection, and for an answer to a client that behaves."""
GROWTH_MIB = 64
CONFIG = """\
listeners:
  smpp:
    - address: {host}:{port}
  smtp:
    - address: {host}:{smtp}
  lmtp:
    - {{path: {lmtp}, account: fuzz}}
  http:
    - address: {host}:{http}
  callbacks:
    - address: {host}:{calls}
mail:
  domains: [sms.example.org]
accounts:
  - {{system_id: good, password_hash: {password_hash}, mail: {{networks: [127.0.0.1/32]}},
     http: {{}}, max_open: 10000000}}
  - {{system_id: fuzz, password_hash: {password_hash}, mail: {{networks: [127.1.0.0/16]}},
     http: {{}}, max_open: 10000000}}
connectors:
  - name: smsc
    address: {host}:{smsc_port}
    system_id: gateway
    password: {smsc_password}
    window: 1000
smsc_connectors:
  - name: centre
    url: http://{host}:9
    login: gateway
    password: {smsc_password}
    callback: {{path: /calls, secret: {smsc_password}, hash: md5}}
routes:
  - connectors: [smsc]
log:
  level: warning
"""
TO = "79990000001@sms.example.org"
SMTP_LINES = [
    *(b"EHLO x", b"HELO x", b"LHLO x", b"NOOP", b"RSET", b"VRFY x", b"EXPN x", b"HELP", b"STARTTLS"),
    *(b"AUTH PLAIN AGFwcABwdw==", b"AUTH LOGIN", b"*", b"YXBw", b"BDAT 5 LAST", b"DATA", b".", b"..", b""),
    *(b"MAIL FROM:<a@example.org> SIZE=5 RET=FULL ENVID=a+20", b"MAIL FROM:<>", b"x" * 1500, b"\0\xff\r"),
    *(b"RCPT TO:<%s> NOTIFY=SUCCESS,FAILURE" % TO.encode(), b"RCPT TO:<@a:b@c>", b"GET / HTTP/1.1"),
]


_is_answer = re.compile(rb"(?m)^(?:[2-5]\d\d |HTTP/1\.1 )").findall


class Place(NamedTuple):
    """Where the gateway listens."""

    smtp: int
    lmtp: Path
    http: int
    calls: int
    password: str
    secret: str
    """Of the service that calls."""


@dataclass
class Seen:
    """What came of it."""

    commands: int = 0
    mails: int = 0
    answers: int = 0
    taken: int = 0
    """Mails that were answered with 250 behind their end."""
    hangs: int = 0
    good_asked: int = 0
    good_answered: int = 0
    memory: list[float] = field(default_factory=list)
    """MiB of all processes of the gateway, again and again."""


def requests(password: str) -> list[bytes]:
    """Requests as they should be, to the service's API and to /v1, and those of the vectors."""
    head = b"Host: h\r\nAuthorization: Basic " + base64.b64encode(f"fuzz:{password}".encode()) + b"\r\n"
    form = f"login=fuzz&psw={password}&phones=79990000001&mes=%D0%B6&charset=utf-8&fmt=3".encode()
    body = b'{"to":"79990000001","text":"Hello","validity_s":60}'
    many = b'[{"to":"79990000001","data_hex":"00ff","udh_hex":"0605040b8423f0"},{"to":1}]'
    parts = b'--b\r\nContent-Disposition: form-data; name="mes"\r\n\r\nx\r\n--b--\r\n'
    made = [
        b"GET /sys/%s?%s HTTP/1.1\r\n%s\r\n" % (script, form, head)
        for script in (b"send.php", b"balance.php")
    ]
    made += [
        b"GET /sys/status.php?%s&id=1&phone=79990000001&all=2 HTTP/1.1\r\n%s\r\n" % (form, head),
        _post(b"/sys/send.php", head, b"application/x-www-form-urlencoded", form),
        _post(b"/sys/send.php?" + form, head, b"multipart/form-data; boundary=b", parts),
        _post(
            b"/rest/send/", head, b"application/json", b'{"login":"fuzz","psw":"x","phones":"7","mes":"x"}'
        ),
        _post(b"/v1/messages", head, b"application/json", body),
        _post(b"/v1/messages", head, b"application/json", many),
        b"POST /v1/messages HTTP/1.1\r\n%sContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
        b'5;a=b\r\n{"to"\r\n3\r\n:1}\r\n0\r\nA: b\r\n\r\n' % head,
        b"GET /v1/messages?limit=5 HTTP/1.1\r\n%s\r\n" % head,
        b"DELETE /v1/messages/1 HTTP/1.1\r\n%s\r\n" % head,
    ]
    framing = json.loads((VECTORS / "http" / "framing.json").read_text("utf-8"))
    return made + [vector["octets"].encode("latin-1") for vector in framing]


def _post(target: bytes, head: bytes, kind: bytes, body: bytes) -> bytes:
    length = b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, len(body))
    return b"POST %s HTTP/1.1\r\n" % target + head + length + body


def call_of(secret: str, number: int) -> bytes:
    """A status that the service tells of, signed."""
    call = StatusCall(id=str(number), phone="79990000001", status=1, ts=1735689600)
    made = format_callback(call, f"http://{HOST}/calls?md5={secret}")
    return _post(b"/calls", b"Host: h\r\nConnection: close\r\n", made.content_type.encode(), made.body)


def calls(secret: str) -> list[bytes]:
    """Calls as the service makes them, to a handler's URL."""
    rows = json.loads((VECTORS / "smsc_http" / "handler_bodies.json").read_text("utf-8"))
    bodies = [(row["type"].encode(), row["body"].encode()) for row in rows if "body" in row]
    head = b"Host: h\r\n"
    made = [_post(b"/calls?" + tail, head, kind, body) for kind, body in bodies for tail in (b"", b"md5=x")]
    return [*made, *(call_of(secret, number).replace(b"Connection: close\r\n", b"") for number in range(5))]


def mails() -> list[bytes]:
    """Those of the vectors, as SMTP carries them."""
    raw = [path.read_bytes() for path in sorted((VECTORS / "mail").glob("*.eml"))]
    return [re.sub(rb"\r?\n", b"\r\n", octets) for octets in raw if len(octets) < 100_000]


def envelope(number: int) -> bytes:
    """What stands before a mail; each goes to another number, which has a limit of its own."""
    to = f"7999{number:07}@sms.example.org"
    return f"EHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<{to}>\r\nDATA\r\n".encode()


class Attack:
    """What is still to be said, shared by all attackers."""

    def __init__(self, run: Run, place: Place, seen: Seen) -> None:
        commands, mail_count = FULL if run.full else SHORT
        self.place, self.seen, self.seed = place, seen, run.seed
        self._lines = Octets(SMTP_LINES, run.seed, 100_000, (b"\r\n", b"\0", b" ", b"\xff"))
        self._requests = Octets(
            requests(place.password), run.seed, 200_000, (b"\r\n", b"\0", b"&", b"{", b"[")
        )
        self._calls = Octets(calls(place.secret), run.seed, 100_000, (b"\r\n", b"\0", b"&", b"%", b"<"))
        self._mails = Octets(mails(), run.seed, 200_000, (b"\r\n", b"--", b"=?utf-8?B?", b"\0", b"\xff"))
        self._commands_left = iter(range(commands))
        self._mails_left = iter(range(mail_count))
        self._ways: Sequence[Callable[[], tuple[str, bytes] | None]] = (
            self._http,
            self._call,
            self._smtp,
            self._lmtp,
            self._mail,
        )

    async def one(self, number: int) -> None:
        """Goes on until nothing is left."""
        rng = random.Random(self.seed * 1000 + number)
        while True:
            said = rng.choice(self._ways)()
            said = said or next((found for way in self._ways if (found := way()) is not None), None)
            if said is None:
                return
            over, octets = said
            address = f"127.1.{number}.{rng.randrange(1, 250)}"
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._say(over, octets, address)
            except TimeoutError:
                self.seen.hangs += 1

    async def _say(self, over: str, octets: bytes, address: str) -> None:
        if over == "lmtp":
            reader, writer = await asyncio.open_unix_connection(str(self.place.lmtp))
        else:
            ports = {"http": self.place.http, "calls": self.place.calls}
            port = ports.get(over, self.place.smtp)
            reader, writer = await asyncio.open_connection(HOST, port, local_addr=(address, 0))
        try:
            with contextlib.suppress(OSError):
                writer.write(octets)
                writer.write_eof()
                answer = await reader.read(-1)
                self.seen.answers += len(_is_answer(answer))
                self.seen.taken += over == "mail" and re.search(rb"\n354 [^\n]*\n250 ", answer) is not None
        finally:
            writer.transport.abort()

    def _some(self, octets: Octets, over: str) -> list[bytes]:
        numbers = list(itertools.islice(self._commands_left, EACH[over]))
        self.seen.commands += len(numbers)
        return [octets.made(number) for number in numbers]

    def _http(self) -> tuple[str, bytes] | None:
        some = self._some(self._requests, "http")
        return ("http", b"".join(some)) if some else None

    def _call(self) -> tuple[str, bytes] | None:
        some = self._some(self._calls, "calls")
        return ("calls", b"".join(some)) if some else None

    def _smtp(self, over: str = "smtp") -> tuple[str, bytes] | None:
        some = self._some(self._lines, over)
        return (
            (over, b"\r\n".join([b"LHLO x" if over == "lmtp" else b"EHLO x", *some, b""])) if some else None
        )

    def _lmtp(self) -> tuple[str, bytes] | None:
        return self._smtp("lmtp")

    def _mail(self) -> tuple[str, bytes] | None:
        number = next(self._mails_left, None)
        if number is None:
            return None
        self.seen.mails += 1
        return "mail", envelope(number) + self._mails.made(number) + b"\r\n.\r\nQUIT\r\n"


async def behave(place: Place, seen: Seen, stop: asyncio.Event) -> None:
    """A message over HTTP and a mail, again and again; each has to be taken."""
    login = b"Authorization: Basic " + base64.b64encode(f"good:{place.password}".encode()) + b"\r\n"
    head = b"Host: h\r\nConnection: close\r\n" + login
    message = _post(b"/v1/messages", head, b"application/json", b'{"to":"79990000002","text":"good"}')
    for number in itertools.count():
        mail = envelope(number) + b"Subject: good\r\n\r\n%d\r\n.\r\nQUIT\r\n" % number
        for port, octets, wanted in (
            (place.http, message, rb"HTTP/1.1 20\d "),
            (place.calls, call_of(place.secret, number), rb"HTTP/1.1 200 "),
            (place.smtp, mail, rb"(?s)\n354 .*\n250 .*\n221 "),
        ):
            seen.good_asked += 1
            with contextlib.suppress(TimeoutError, OSError):
                async with asyncio.timeout(PATIENCE_S):
                    reader, writer = await asyncio.open_connection(HOST, port)
                    writer.write(octets)
                    answer = await reader.read(-1)
                    writer.close()
                seen.good_answered += re.search(wanted, answer) is not None
        if stop.is_set():
            return
        await asyncio.sleep(0.02)


async def attack(run: Run, place: Place, pid: int, seen: Seen) -> None:
    """All attackers until nothing is left, and the clients that behave."""
    work = Attack(run, place, seen)
    stop = asyncio.Event()
    good = asyncio.create_task(behave(place, seen, stop))
    tasks = [asyncio.create_task(work.one(number)) for number in range(ATTACKERS)]
    while not all(task.done() for task in tasks):
        seen.memory.append(sum(map(rss_bytes, processes(pid))) / 2**20)
        run.say(f"{seen.commands:,} commands, {seen.mails:,} mails")
        await asyncio.wait(tasks, timeout=2 if run.full else 0.5)
    stop.set()
    await good
    for task in tasks:
        task.result()


def run(run: Run) -> list[Row]:
    with smsc(run) as upstream_port:
        smtp, http, calls_port, lmtp = free_port(), free_port(), free_port(), run.folder / "lmtp"
        at = prepare(run, upstream_port, CONFIG, smtp=smtp, http=http, calls=calls_port, lmtp=lmtp)
        place = Place(smtp, lmtp, http, calls_port, at.password, smsc_password(run).read_text())
        gateway, seen = Gateway(run.folder), Seen()
        with running(gateway):
            pid = gateway._process.pid
            asyncio.run(attack(run, place, pid, seen))
            died = gateway._process.poll() is not None
            code = 1 if died else gateway.stop()
        log = gateway.log.read_text("utf-8", "replace")
    faults = len(re.findall(r"_fault\b|Traceback", log))
    if died:
        raise PartError(f"the gateway ended: {tail(gateway.log)}")
    return rows_of(run, seen, code, faults, log.count("mail_reader_died"))


def rows_of(run: Run, seen: Seen, code: int, faults: int, readers_died: int) -> list[Row]:
    """The figures with their bounds."""
    commands, mail_count = FULL if run.full else SHORT
    third = max(1, len(seen.memory) // 3)
    # the least of each: a password takes 32 MiB while it is looked at
    grown = min(seen.memory[-third:]) - min(seen.memory[third : 2 * third] or seen.memory)
    return [
        at_least("damaged commands and requests", seen.commands, commands),
        at_least("damaged mails", seen.mails, mail_count),
        at_least("of these mails taken", seen.taken, 1),
        at_least("answers that the attackers got", seen.answers, commands // 100),
        count("crashes: faults and tracebacks in its log", faults),
        count("exit code of the gateway", code),
        count("deaths of the process that reads mails", readers_died),
        count(f"hangs: a connection that did not end within {PATIENCE_S:.0f} s", seen.hangs),
        at_least("messages, mails and calls of those who behave", seen.good_asked, 4),
        count("of these not taken", seen.good_asked - seen.good_answered),
        Row("memory grew by", f"{grown:.0f} MiB", f"≤ {GROWTH_MIB} MiB", grown <= GROWTH_MIB),
        Row("memory at the most", f"{max(seen.memory):.0f} MiB"),
    ]


PARTS = (
    Part(
        "F2",
        "Damaged commands, requests and mails",
        "Commands of SMTP and LMTP, requests to the service's API and to /v1, calls of an SMSC"
        " service, and the mails of the vectors, changed by a seeded generator. Clients that behave send over"
        " HTTP and SMTP meanwhile, and the service calls.",
        run,
    ),
)
