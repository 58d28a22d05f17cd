"""The pages' part of the daemon, with its real process: start, death, reload, end."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from free_ports import free_port
from gateway_fakes import ManualClock, account_config, recorded_events

from gateway import web_side
from gateway.config.basics import Address, TlsServer
from gateway.config.model import Config, Listeners
from gateway.config.secret import Secret
from gateway.config.web_model import Web, WebUser
from gateway.core.door import take_none
from gateway.core.passwords import hash_password
from gateway.daemon import Daemon
from gateway.ops.web.settings import from_json
from gateway.web_side import SILENCE_S, WebSide

PATIENCE_S = 60.0
PASSWORD = "correct horse"
HASH = Secret(hash_password(PASSWORD, bytes(16)))

_LISTS = """
import importlib, pkgutil, sys
import gateway.admin, gateway.cli.run, gateway.daemon, gateway.mail_side, gateway.http_side
for found in pkgutil.iter_modules(gateway.admin.__path__):
    importlib.import_module(f"gateway.admin.{found.name}")
foreign = ("jinja2", "markupsafe", "prometheus_client", "gateway.ops.web")
print(*sorted(name for name in sys.modules if name.startswith(foreign)))
"""


def test_the_daemon_imports_nothing_of_the_pages() -> None:
    done = subprocess.run([sys.executable, "-c", _LISTS], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


class Rig:
    """A daemon that is nothing but its pages."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        events, self.lines = recorded_events()
        self.inherited = SimpleNamespace(take=take_none)
        self.failed: list[object] = []
        self.daemon = SimpleNamespace(
            events=events,
            clock=self.clock,
            state_dir=folder,
            inherited=self.inherited,
            start_listener=self._start_listener,
            task_ended=self._task_ended,
        )
        self.side = WebSide(cast(Daemon, self.daemon))

    async def _start_listener(self, listener: Any, protocol: str, address: str) -> None:
        await listener.start(take_none)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self.failed.append(task.exception())

    async def ready(self, but: int = 0) -> int:
        """Waits for a process that serves, another one than `but`."""
        await until(lambda: self.side.is_ready and self.side.pid not in (0, but))
        return self.side.pid

    def said(self, name: str) -> list[str]:
        self.daemon.events.flush()
        return [line for line in "".join(self.lines).splitlines() if f" {name} " in line]


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - it waits for another process
            await asyncio.sleep(0.01)


def config(port: int, *names: str, tls: TlsServer | None = None, **options: Any) -> Config:
    users = tuple(WebUser(name=name, password_hash=HASH, role="operator") for name in names or ("olga",))
    web = Web(address=Address("127.0.0.1", port), users=users, tls=tls, **options)
    return Config(listeners=Listeners(), accounts=(account_config(),), routes=(), web=web)


async def asked(port: int, name: str = "", tls: ssl.SSLContext | None = None) -> bytes:
    """The first line of the answer: to a login if there is a name, else of its page; b"" without one."""
    body = urlencode({"name": name, "password": PASSWORD}) if name else ""
    lines = [
        f"{'POST' if name else 'GET'} /login HTTP/1.1",
        *("Host: localhost", "Connection: close", "Sec-Fetch-Site: same-origin"),
        *(
            ("Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}")
            if name
            else ()
        ),
    ]
    try:
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
            writer.write("\r\n".join([*lines, "", body]).encode())
            answer = await reader.read()
            writer.close()
    except OSError:
        return b""
    return answer.partition(b"\r\n")[0]


def run(check: Callable[[Rig], Any], folder: Path) -> None:
    async def wrapped() -> None:
        rig = Rig(folder)
        try:
            await check(rig)
            assert rig.failed == []
        finally:
            await rig.side.stop()
        assert rig.side.pid == 0

    asyncio.run(wrapped())


def test_pages_that_die_or_hang_are_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_side, "PAUSES_S", (0.01, 0.01, 3600.0))
    monkeypatch.setattr(web_side, "PING_S", 0.05)

    async def check(rig: Rig) -> None:
        port = free_port()
        await rig.side.begin(config(port))
        first = await rig.ready()
        assert list(rig.side.problems()) == []
        assert await asked(port) == b"HTTP/1.1 200 OK"
        os.kill(first, signal.SIGTERM)  # systemd's, to all processes of the unit: the daemon ends it
        assert await asked(port) == b"HTTP/1.1 200 OK"

        os.kill(first, signal.SIGKILL)
        second = await rig.ready(but=first)
        assert await asked(port) == b"HTTP/1.1 200 OK"
        [line] = rig.said("web_died")
        assert 'reason="it ended with code -9" deaths=1' in line

        os.kill(second, signal.SIGSTOP)
        await until(lambda: " T " in Path(f"/proc/{second}/stat").read_text())
        for _ in range(20):
            await asyncio.sleep(0)  # what it said before is heard
        rig.clock.advance(SILENCE_S)
        await rig.ready(but=second)
        assert len(rig.said("web_died")) == 2

        os.kill(rig.side.pid, signal.SIGKILL)
        await until(lambda: len(rig.said("web_died")) == 3)
        [problem] = rig.side.problems()
        assert problem.startswith(f"the pages at 127.0.0.1:{port} do not run: their process has died 3 times")

    run(check, tmp_path)


def test_a_reload_changes_users_at_once_and_moves_the_pages(tmp_path: Path) -> None:
    async def check(rig: Rig) -> None:
        port, other = free_port(), free_port()
        await rig.side.reload(config(port))  # there were none before
        pid = await rig.ready()
        assert (await asked(port, "olga"), await asked(port, "petra")) == (
            b"HTTP/1.1 303 See Other",
            b"HTTP/1.1 403 Forbidden",
        )
        await rig.side.reload(config(port, "petra"))
        async with asyncio.timeout(PATIENCE_S):
            while await asked(port, "petra") != b"HTTP/1.1 303 See Other":
                pass
        assert rig.side.pid == pid
        await until(lambda: len(rig.said("web_login")) == 2)  # the pages' process tells it beside its answer
        assert [line.partition("web_login ")[2] for line in rig.said("web_login")] == [
            "user=olga role=operator address=127.0.0.1",
            "user=petra role=operator address=127.0.0.1",
        ]
        await rig.side.reload(config(other))
        await rig.ready(but=pid)
        assert (await asked(port), await asked(other)) == (b"", b"HTTP/1.1 200 OK")

        with socket.create_server(("127.0.0.1", port)):
            await rig.side.reload(config(port))
            assert f"web_not_listening address=127.0.0.1:{port}" in "".join(rig.lines)
            [problem] = rig.side.problems()
            assert "the address cannot be had" in problem
        await rig.side.reload(config(port))  # the same again, when the other program is gone
        await rig.ready()
        assert await asked(port) == b"HTTP/1.1 200 OK"
        await rig.side.reload(Config(listeners=Listeners(), accounts=(account_config(),), routes=()))
        assert (rig.side.pid, await asked(port), list(rig.side.problems())) == (0, b"", [])

    run(check, tmp_path)


def test_a_reload_takes_over_tls_and_a_new_certificate(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")

    def certificate(name: str, days: int) -> None:
        command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days {days}"
        files = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "pem")]
        more = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"]
        subprocess.run([*command.split(), *files, *more], check=True, capture_output=True)

    def trusting() -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(tmp_path / "pem"))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    async def check(rig: Rig) -> None:
        port = free_port()
        await rig.side.begin(config(port))
        pid = await rig.ready()
        assert rig.side.certificate_ends is None
        certificate("first.example", days=1)
        first = trusting()
        tls = TlsServer(certificate=tmp_path / "pem", key=tmp_path / "key")
        await rig.side.reload(config(port, tls=tls))
        pid = await rig.ready(but=pid)
        assert await asked(port, tls=first) == b"HTTP/1.1 200 OK"
        first_ends = rig.side.certificate_ends
        certificate("second.example", days=9)
        assert rig.side.certificate_ends == first_ends  # that is what browsers are shown
        await rig.side.reload(config(port, tls=tls))
        assert first_ends is not None and rig.side.certificate_ends is not None
        assert 7 * 86_400 < rig.side.certificate_ends - first_ends < 9 * 86_400
        async with asyncio.timeout(PATIENCE_S):
            while await asked(port, tls=trusting()) == b"":
                pass
        assert await asked(port, tls=first) == b""
        assert (rig.side.pid, rig.said("web_died")) == (pid, [])

    run(check, tmp_path)


def heard(folder: Path, *lines: bytes) -> tuple[str, list[str]]:
    """What is made of what the process says: why it is ended, and the log."""
    found: list[tuple[str, list[str]]] = []

    async def check(rig: Rig) -> None:
        reader = asyncio.StreamReader(limit=web_side.LINE_MAX)
        for line in lines:
            reader.feed_data(line + b"\n")
        reader.feed_eof()
        found.append((await rig.side._listen(reader), rig.said("web_login")))

    run(check, folder)
    return found[0]


def test_the_process_may_say_a_few_things_only(tmp_path: Path) -> None:
    fields = {"user": "a\nb" + "x" * 1000, "role": "viewer", "address": "::1", "more": "x"}
    reason, [line] = heard(
        tmp_path,
        *(
            json.dumps(said).encode()
            for said in (
                {"say": ["info", "web_login", fields]},
                {"say": ["info", "accepted", {"message_id": 1, "x": " web_login "}]},
                {"say": ["fatal", "web_login", {}]},
                {"pong": True},
            )
        ),
    )
    assert reason == ""
    assert line.endswith(f"web_login user=a\\x0ab{'x' * 197} role=viewer address=::1")


@pytest.mark.parametrize(
    "line",
    [
        *(
            b"not json",
            b"5",
            b'{"say": 1}',
            b'{"say": []}',
            b'{"say": ["info", [], {}]}',
            b"[" * 60_000,
        ),
        *(b'{"say": ["info", "web_login", 1]}', b"x" * 100_000, b"\xff"),
    ],
)
def test_a_process_that_talks_nonsense_is_ended_and_the_daemon_is_not(tmp_path: Path, line: bytes) -> None:
    reason, _ = heard(tmp_path, line)
    assert reason.startswith("what it said makes no sense")


def test_the_section_is_what_the_pages_read() -> None:
    web = config(8090, hosts=("pages.example.org",), idle_minutes=1, session_hours=2).web
    assert web is not None
    found = from_json(WebSide._settings(web))
    assert (found.session_s, found.idle_s) == (7200, 60)
    assert found.hosts == ("pages.example.org", "127.0.0.1")
    assert found.users[0].password_hash == HASH.reveal()
    assert not found.only_secure
