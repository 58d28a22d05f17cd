"""The process that reads mails, as a function and as a process."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mail_vectors as vectors
import pytest

from gateway.core.frames import encode_frame, take_frames
from gateway.ingress import mail_worker
from gateway.ingress.mail_worker import html_to_text
from protocols.mail.errors import MailError
from protocols.mail.message import Reading, Style

MAIL = b"Subject: s\r\n\r\nx\r\n"
STYLE = tuple(vectors.STYLE)


@contextlib.contextmanager
def worker() -> Iterator[tuple[socket.socket, subprocess.Popen[bytes]]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(60)
    command = [sys.executable, "-P", "-m", "gateway.ingress.mail_worker", str(theirs.fileno())]
    with theirs:
        process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    try:
        with ours:
            yield ours, process
        written, _ = process.communicate(timeout=60)
        assert (process.returncode, written) == (0, b"")
    finally:
        process.kill()
        process.wait()


def answers(channel: socket.socket, count: int) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    buffer = bytearray()
    while len(found) < count:
        data = channel.recv(1 << 20)
        assert data, "the worker is gone"
        buffer += data
        found.extend(take_frames(buffer))
    assert not buffer
    return found


def test_mails_are_read_in_order() -> None:
    with worker() as (channel, _):
        mails = [vectors.raw(name) for name in vectors.NAMES[:40]]
        channel.sendall(b"".join(encode_frame((n, raw, STYLE)) for n, raw in enumerate(mails)))
        found = answers(channel, len(mails))
        assert [answer[0] for answer in found] == list(range(len(mails)))
        assert found == [mail_worker.answer_to(n, raw, STYLE) for n, raw in enumerate(mails)]
        assert all(isinstance(Reading(*answer[3]).text, str) for answer in found)


def test_a_mail_that_takes_long_holds_no_answers_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else some of them together would look like a worker that hangs."""
    monkeypatch.setattr(mail_worker, "SILENCE_S", -1.0)
    ours, theirs = socket.socketpair()
    sent: list[bytes] = []

    class Channel:
        def recv(self, size: int) -> bytes:
            return theirs.recv(size)

        def sendall(self, data: bytes) -> None:
            sent.append(data)

    with ours, theirs:
        ours.sendall(b"".join(encode_frame((n, MAIL, STYLE)) for n in range(3)))
        ours.shutdown(socket.SHUT_WR)
        mail_worker.serve(Channel())  # type: ignore[arg-type]
    assert len(sent) == 3


def test_frames_may_come_in_pieces() -> None:
    with worker() as (channel, _):
        frames = encode_frame((1, MAIL, STYLE)) + encode_frame((2, MAIL, STYLE))
        for n in range(len(frames)):
            channel.sendall(frames[n : n + 1])
        assert [(number, code) for number, code, _, _ in answers(channel, 2)] == [(1, ""), (2, "")]


def test_a_refused_mail_and_the_next() -> None:
    with worker() as (channel, _):
        long_header = b"A: " + b"x" * 200_000 + b"\n\nx"
        channel.sendall(encode_frame((1, long_header, STYLE)) + encode_frame((2, MAIL, STYLE)))
        first, second = answers(channel, 2)
        assert first == (1, "552 5.3.4", "a header of more than 102400 octets", None)
        assert second[3][0] == "s: x"


def test_its_memory_is_bounded() -> None:
    with worker() as (channel, process):
        channel.sendall(encode_frame((1, MAIL, STYLE)))
        assert answers(channel, 1)[0][1] == ""
        limits = Path(f"/proc/{process.pid}/limits").read_text("ascii")
        assert ["Max", "address", "space", *[str(mail_worker.MEMORY)] * 2, "bytes"] in map(
            str.split, limits.splitlines()
        )


def test_signals_to_the_group_do_not_end_it() -> None:
    with worker() as (channel, process):
        channel.sendall(encode_frame((1, MAIL, STYLE)))
        answers(channel, 1)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        channel.sendall(encode_frame((2, MAIL, STYLE)))
        assert answers(channel, 1)[0][:2] == (2, "")


def test_it_ends_with_the_gateway_in_the_middle_of_a_frame() -> None:
    with worker() as (channel, _):
        channel.sendall(encode_frame((1, MAIL, STYLE))[:-3])


# -- what can go wrong with one mail -----------------------------------------------------------------


def reading_that(behaves: Callable[[], object]) -> Callable[..., Reading]:
    def read(raw: bytes, style: Style, html: object) -> Reading:
        behaves()
        raise AssertionError("it should not come here")

    return read


def recurse() -> None:
    recurse()


def raises(error: BaseException) -> Callable[[], object]:
    def behave() -> None:
        raise error

    return behave


@pytest.mark.parametrize(
    ("behaves", "code", "text"),
    [
        (raises(MailError("554 5.6.0", "no")), "554 5.6.0", "no"),
        (raises(MemoryError()), "552 5.3.4", "the mail takes too much memory to read"),
        (recurse, "554 5.6.0", "the mail takes too long to read"),
        (raises(KeyError("secret text")), "451 4.3.0", "the mail could not be read: KeyError"),
    ],
)
def test_a_failure_is_an_answer(
    behaves: Callable[[], object], code: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_worker, "read_message", reading_that(behaves))
    assert mail_worker.answer_to(7, MAIL, STYLE) == (7, code, text, None)


def test_a_mail_has_only_so_much_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def forever() -> None:
        while True:
            with contextlib.suppress(Exception):
                sum(range(1000))

    monkeypatch.setattr(mail_worker, "read_message", reading_that(forever))
    monkeypatch.setattr(mail_worker, "CPU_S", 0.05)
    before = signal.signal(signal.SIGPROF, mail_worker._stop)
    try:
        answer = mail_worker.answer_to(7, MAIL, STYLE)
        assert signal.getitimer(signal.ITIMER_PROF)[0] == 0
    finally:
        signal.signal(signal.SIGPROF, before)
    assert answer == (7, "554 5.6.0", "the mail takes too long to read", None)


def test_the_timer_is_stopped_after_each_mail() -> None:
    assert mail_worker.answer_to(7, MAIL, STYLE)[1] == ""
    assert signal.getitimer(signal.ITIMER_PROF)[0] == 0


def test_a_request_of_the_wrong_form_is_an_answer_too() -> None:
    assert mail_worker.answer_to(7, MAIL, ())[1] == "451 4.3.0"


# -- HTML -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        (" \n ", ""),
        ("plain", "plain"),
        ("a<br>b", "a\nb"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<title>no</title><p>a", "a"),
        ("<head><title>no</title><meta name=x></head>a", "a"),
        ("<style>no</style>a<script>no</script>", "a"),
        ("<!-- no -->a", "a"),
        ("a <b>b</b>, <i>c</i>.", "a b, c."),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a b\nc"),
        ("<ul><li>a<li>b</ul>", "a\nb"),
        ("&lt;a&gt; &amp;&nbsp;&#8364;&unknown;", "<a> & €&unknown;"),
        ("a<div style='display: none'>no</div>b", "ab"),
        ("a<div style='color:red; DISPLAY:NONE!important'>no</div>b", "ab"),
        ("a<p hidden>no</p> b", "a b"),
        ("a<span style='mso-hide:all'>no</span>", "a"),
        ("a<span style='font-size:0px'>no</span>", "a"),
        ("<span style='font-size:0.9em'>a</span>", "a"),
        ("<div style='display:block'>a</div>", "a"),
        ("<html hidden><body hidden>a</body></html>", ""),
        ("a\0b", "ab"),
        ("<p>a\x01b", "a\x01b"),
        ("<a href='javascript:x'>a</a>", "a"),
        ("<?xml version='1.0' encoding='utf-16'?><p>a</p>", "a"),
        ("<img src=x alt=no>a", "a"),
        ("\ud800a", ""),
    ],
)
def test_html_to_text(html: str, text: str) -> None:
    assert html_to_text(html) == text


def test_only_so_much_html_is_read() -> None:
    assert html_to_text("a" * mail_worker.MAX_HTML + "b") == "a" * mail_worker.MAX_HTML


def test_no_memory_for_html_is_not_taken_for_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(html: str) -> None:
        raise MemoryError

    monkeypatch.setattr(mail_worker.html_text, "parse_html", parse)
    with pytest.raises(MemoryError):
        html_to_text("x")


# -- frames -----------------------------------------------------------------------------------------


def test_frames_are_taken_as_they_become_whole() -> None:
    values = [(1, b"raw", ("a", True)), (2, "", (), None)]
    octets = b"".join(map(encode_frame, values))
    buffer = bytearray()
    found = []
    for octet in octets:
        buffer.append(octet)
        found.extend(take_frames(buffer))
    assert found == values
    assert not buffer
