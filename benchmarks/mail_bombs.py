"""Mails made to keep a reader busy, and the watch that sees whether they held up the SMPP side."""

from __future__ import annotations

import base64
import smtplib
import socket
import struct
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType

PING_S = 0.02
AT_ONCE = 4
BIND_TRANSMITTER, ENQUIRE_LINK, RESPONSE = 0x02, 0x15, 0x80000000
TEXT = b"Content-Type: text/plain; charset=utf-8\r\n"
HTML = b"Content-Type: text/html; charset=utf-8\r\n"


def _lines(piece: bytes, octets: int) -> bytes:
    """So many octets of a piece, in lines that SMTP allows."""
    line = piece * (900 // len(piece)) + b"\r\n"
    return line * (octets // len(line))


def _folded(name: bytes, piece: bytes, octets: int) -> bytes:
    """A header field of so many octets, a piece on each line."""
    return name + b":" + (b" " + piece + b"\r\n") * (octets // (len(piece) + 3)) + b"\r\n"


def nested_parts() -> bytes:
    levels = (b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(10_000))
    return b"".join(levels) + TEXT + b"\r\nx\r\n"


def many_parts() -> bytes:
    part = b"--b\r\nContent-Type: image/png\r\n\r\nx\r\n"
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 200_000 + b"--b--\r\n"


def nested_mails() -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\n" * 10_000 + b"\r\nx\r\n"


def large_base64() -> bytes:
    encoded = base64.encodebytes("плохо ".encode() * 650_000).replace(b"\n", b"\r\n")
    return TEXT + b"Content-Transfer-Encoding: base64\r\n\r\n" + encoded


def large_quoted_printable() -> bytes:
    line = b"=D0=BF" * 12 + b"=\r\n"
    return TEXT + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + line * (10_000_000 // len(line))


def encoded_words() -> bytes:
    return _folded(b"Subject", b"=?utf-8?q?=D0?= =?utf-8?q?=BF?= =?koi8-r?b?8A==?=", 95_000) + b"x\r\n"


def quotes_in_addresses() -> bytes:
    return _folded(b"From", b'"' * 899, 90_000) + b"x\r\n"


def comments_in_addresses() -> bytes:
    return _folded(b"From", b"(" * 899, 90_000) + b"x\r\n"


def nested_tags() -> bytes:
    return HTML + b"\r\n" + _lines(b"<table><tr><td>", 2_000_000)


def unclosed_tags() -> bytes:
    return HTML + b"\r\n" + _lines(b"<a href='", 2_000_000)


def odd_html() -> bytes:
    return HTML + b"\r\n" + _lines(b"<!--<p>&amp;&#9;<b ", 2_000_000)


def quoted_lines() -> bytes:
    return TEXT + b"\r\n" + b"On Monday, somebody wrote\r\n" * 100_000 + _lines(b"> ", 4_000_000)


def empty_lines() -> bytes:
    return TEXT + b"\r\n" + b" \r\n" * 3_000_000


BOMBS: dict[str, Callable[[], bytes]] = {
    "10,000 nested multiparts": nested_parts,
    "200,000 parts": many_parts,
    "10,000 nested message/rfc822": nested_mails,
    "10 MB in base64": large_base64,
    "10 MB in quoted-printable": large_quoted_printable,
    "95 KB of encoded words": encoded_words,
    "90 KB of quotes in From": quotes_in_addresses,
    "90 KB of open comments in From": comments_in_addresses,
    "2 MB of nested tables": nested_tags,
    "2 MB of unclosed tags": unclosed_tags,
    "2 MB of broken HTML": odd_html,
    "7 MB of quotes": quoted_lines,
    "9 MB of blank lines": empty_lines,
}


def send_bombs(name: str, host: str, port: int, sender: str, recipient: str) -> list[str]:
    """Sends a bomb over several connections at once, from processes of their own; code and status of each
    reply."""
    with ProcessPoolExecutor(AT_ONCE) as pool:
        sent = [pool.submit(_send, name, n, host, port, sender, recipient) for n in range(AT_ONCE)]
        return [one.result() for one in sent]


def _send(name: str, number: int, host: str, port: int, sender: str, recipient: str) -> str:
    mail = b"Message-ID: <%d.%d@bench.example.org>\r\n" % (time.time_ns(), number) + BOMBS[name]()
    with smtplib.SMTP(host, port, timeout=60) as client:
        client.ehlo()
        client.mail(sender)
        client.rcpt(f"{number + 1}{recipient}")
        code, text = client.data(mail)
    return f"{code} {text.split()[0].decode()}"


class Pinger:
    """An SMPP session that asks every 20 ms whether the gateway is there."""

    def __init__(self, host: str, port: int, system_id: str, password: str) -> None:
        self._socket = socket.create_connection((host, port), 30)
        self._longest_s = 0.0
        self._ask(BIND_TRANSMITTER, f"{system_id}\0{password}\0\0\x34\0\0\0".encode())

    def __enter__(self) -> Pinger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def longest_ms(self) -> float:
        """The longest wait for an answer since the last `ping_while` began."""
        return self._longest_s * 1000

    def ping_while(self, work: Callable[[], list[str]]) -> list[str]:
        """Asks again and again until `work` is done; what it gave."""
        self._longest_s = 0.0
        done = threading.Event()
        watch = threading.Thread(target=self._ping_until, args=(done,))
        watch.start()
        try:
            return work()
        finally:
            done.set()
            watch.join()

    def _ping_until(self, done: threading.Event) -> None:
        while not done.wait(PING_S):
            began = time.monotonic()
            self._ask(ENQUIRE_LINK)
            self._longest_s = max(self._longest_s, time.monotonic() - began)

    def _ask(self, command_id: int, body: bytes = b"") -> None:
        self._socket.sendall(struct.pack(">4I", 16 + len(body), command_id, 0, 1) + body)
        while True:
            length, answered, status, _ = struct.unpack(">4I", self._read(16))
            self._read(length - 16)
            if answered == command_id | RESPONSE:
                if status:
                    raise SystemExit(f"the gateway answered {command_id:#x} with status {status:#x}")
                return

    def _read(self, octets: int) -> bytes:
        found = b""
        while len(found) < octets:
            piece = self._socket.recv(octets - len(found))
            if not piece:
                raise SystemExit("the gateway closed the SMPP session")
            found += piece
        return found
