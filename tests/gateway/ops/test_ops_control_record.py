"""What is asked is written down before it is done; a full socket makes room; nothing waits for ever."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.ops import control
from gateway.ops.control import ControlSocket, Peer, Reply, Request, Unrecorded

PATIENCE_S = 60.0


class Noted:
    """Writes down what happens in which order."""

    def __init__(self) -> None:
        self.lines: list[Any] = []
        self.peers: list[Peer] = []
        self.is_full = False

    async def begin(self, request: Request, peer: Peer) -> Noted | None:
        self.peers.append(peer)
        if request["command"] == "read":
            return None
        if self.is_full:
            raise Unrecorded("no room")
        self.lines.append("begin")
        await asyncio.sleep(0)
        self.lines.append("stored")
        return self

    def end(self, last: Reply | None, error: BaseException | None) -> None:
        self.lines.append((last, type(error)))

    async def act(self, request: Request) -> Reply:
        self.lines.append("done")
        if request.get("wrong"):
            raise KeyError("what")
        return {"is": "done"}

    async def read(self, request: Request) -> Reply:
        return {"is": "read"}

    async def many(self, request: Request) -> AsyncIterator[Reply]:
        for n in range(request["count"]):
            self.lines.append(n)
            yield {"n": n}

    async def failing(self, request: Request) -> AsyncIterator[Reply]:
        yield {"n": 1}
        raise ValueError("now")

    @property
    def handlers(self) -> dict[str, Any]:
        return {"act": self.act, "read": self.read, "many": self.many, "failing": self.failing}


async def lines_of(path: Path, **request: Any) -> list[Any]:
    reader, writer = await asyncio.open_unix_connection(str(path / control.SOCKET_NAME))
    writer.write(json.dumps(request).encode() + b"\n")
    async with asyncio.timeout(PATIENCE_S):
        answers = [json.loads(line) for line in (await reader.read()).splitlines()]
    writer.close()
    return answers


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - other ends of sockets wake nobody here
            await asyncio.sleep(0.005)


def served(
    folder: Path, handlers: dict[str, Any], test: Callable[[ControlSocket], Awaitable[None]], **more: Any
) -> None:
    async def run() -> None:
        server = ControlSocket(folder, handlers, **more)
        await server.start()
        try:
            await test(server)
        finally:
            await server.stop()

    asyncio.run(run())


def test_an_action_is_written_down_first_and_ended_with_its_answer(tmp_path: Path) -> None:
    noted = Noted()

    async def test(_: ControlSocket) -> None:
        assert await lines_of(tmp_path, command="act") == [{"is": "done"}]
        assert noted.lines == ["begin", "stored", "done", ({"is": "done"}, type(None))]
        assert await lines_of(tmp_path, command="read") == [{"is": "read"}]
        assert len(noted.lines) == 4
        assert set(noted.peers) == {Peer(os.getpid(), os.getuid())}

    served(tmp_path, noted.handlers, test, record=noted.begin)


def test_what_cannot_be_written_down_is_not_done(tmp_path: Path) -> None:
    noted = Noted()
    noted.is_full = True

    async def test(_: ControlSocket) -> None:
        for command in ("act", "many"):
            assert await lines_of(tmp_path, command=command, count=1) == [{"error": "no room"}]
        assert noted.lines == []
        assert await lines_of(tmp_path, command="read") == [{"is": "read"}]

    served(tmp_path, noted.handlers, test, record=noted.begin)


@pytest.mark.parametrize(
    ("request_", "last"),
    [
        ({"command": "act", "wrong": True}, (None, KeyError)),
        ({"command": "many", "count": 2}, ({"n": 1}, type(None))),
        ({"command": "many", "count": 0}, (None, type(None))),
        ({"command": "failing"}, ({"n": 1}, ValueError)),
    ],
)
def test_how_it_ended(tmp_path: Path, request_: dict[str, Any], last: Any) -> None:
    noted = Noted()

    async def test(_: ControlSocket) -> None:
        await lines_of(tmp_path, **request_)
        await until(lambda: noted.lines[-1] == last)

    served(tmp_path, noted.handlers, test, record=noted.begin)


def test_a_reader_that_leaves_ends_a_long_answer(tmp_path: Path) -> None:
    noted = Noted()

    async def test(_: ControlSocket) -> None:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / control.SOCKET_NAME))
        writer.write(b'{"command": "many", "count": 1000000000}\n')
        await reader.readline()
        writer.transport.abort()
        await until(lambda: isinstance(noted.lines[-1], tuple))
        assert noted.lines[-1][1] in (GeneratorExit, asyncio.CancelledError)

    served(tmp_path, noted.handlers, test, record=noted.begin)


def test_an_action_goes_on_without_who_asked_and_has_its_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "CONNECTIONS_MAX", 1)
    noted = Noted()
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> Reply:
        begun.set()
        await may_end.wait()
        return {"is": "late"}

    async def test(_: ControlSocket) -> None:
        asked = asyncio.ensure_future(lines_of(tmp_path, command="slow"))
        await begun.wait()
        assert await lines_of(tmp_path, command="read") == [{"is": "read"}]
        assert await asked == [control.ENDED]
        assert noted.lines == ["begin", "stored"]
        may_end.set()
        await until(lambda: noted.lines[-1] == ({"is": "late"}, type(None)))

    served(tmp_path, {**noted.handlers, "slow": slow}, test, record=noted.begin)


def test_only_the_gateways_user_may_connect(tmp_path: Path) -> None:
    async def test(_: ControlSocket) -> None:
        assert stat.S_IMODE((tmp_path / control.SOCKET_NAME).stat().st_mode) == 0o600

    served(tmp_path, {}, test)


def test_who_connects_and_asks_nothing_is_sent_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "QUESTION_S", 0.05)

    async def test(_: ControlSocket) -> None:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / control.SOCKET_NAME))
        writer.write(b'{"command": ')
        async with asyncio.timeout(PATIENCE_S):
            assert await reader.read() == b""
        writer.close()

    served(tmp_path, {}, test)


def test_who_reads_no_answer_does_not_keep_the_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "TIMEOUT_S", 0.05)
    monkeypatch.setattr(control, "UNREAD_S", 0.05)
    own: list[asyncio.StreamWriter] = []
    peer_of = control._peer_of

    def noted(writer: asyncio.StreamWriter) -> Peer:
        own.append(writer)
        return peer_of(writer)

    monkeypatch.setattr(control, "_peer_of", noted)

    async def large(request: Request) -> Reply:
        return {"text": "x" * (1 << 22)}

    async def test(_: ControlSocket) -> None:
        _reader, writer = await asyncio.open_unix_connection(str(tmp_path / control.SOCKET_NAME), limit=1)
        writer.write(b'{"command": "large"}\n')
        # the file of a connection that is closed is none
        await until(lambda: own and own[0].get_extra_info("socket").fileno() == -1)
        writer.close()

    served(tmp_path, {"large": large}, test)


STUCK = """
import socket, sys
channels = []
for _ in range(int(sys.argv[2])):
    channels.append(socket.socket(socket.AF_UNIX))
    channels[-1].connect(sys.argv[1])
    channels[-1].sendall(b'{"command": "wait"}\\n')
print("stuck", flush=True)
sys.stdin.read()
"""


def test_a_stuck_script_locks_nobody_out(tmp_path: Path) -> None:
    """It holds all places there are; whoever comes gets one of its, and other processes keep theirs."""
    waiting: list[str] = []
    over = asyncio.Event()

    async def wait(request: Request) -> Reply:
        waiting.append("")
        await over.wait()
        return {}

    async def read(request: Request) -> Reply:
        return {"is": "read"}

    async def test(server: ControlSocket) -> None:
        mine = asyncio.ensure_future(lines_of(tmp_path, command="wait"))  # the oldest of all
        await until(lambda: waiting)
        places = [str(tmp_path / control.SOCKET_NAME), str(control.CONNECTIONS_MAX - 1)]
        script = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", STUCK, *places), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        try:
            await until(lambda: len(waiting) == control.CONNECTIONS_MAX)
            for _ in range(3):
                assert await lines_of(tmp_path, command="read") == [{"is": "read"}]
            assert len(server._connections) <= control.CONNECTIONS_MAX
            assert not mine.done()
        finally:
            script.kill()
            await script.communicate()
        over.set()
        assert await mine == [{}]

    served(tmp_path, {"wait": wait, "read": read}, test)


def test_whoever_is_ended_for_another_reads_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "CONNECTIONS_MAX", 1)

    async def wait(request: Request) -> Reply:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async def read(request: Request) -> Reply:
        return {}

    async def test(server: ControlSocket) -> None:
        ended = asyncio.ensure_future(lines_of(tmp_path, command="wait"))
        await until(lambda: server._connections)
        assert await lines_of(tmp_path, command="read") == [{}]
        assert await ended == [control.ENDED]

    served(tmp_path, {"wait": wait, "read": read}, test)


def test_a_stop_while_somebody_waits_for_an_answer_is_no_fault(tmp_path: Path) -> None:
    faults: list[dict[str, Any]] = []
    asked = asyncio.Event()

    async def never(_: Request) -> Reply:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def check() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        server = ControlSocket(tmp_path, {"never": never})
        await server.start()
        before = asyncio.all_tasks()
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / control.SOCKET_NAME))
        writer.write(b'{"command": "never"}\n')
        async with asyncio.timeout(PATIENCE_S):
            await asked.wait()
            for task in asyncio.all_tasks() - before:  # as the end of the loop does
                task.cancel()
            assert await reader.read() == b""
        writer.close()
        await server.stop()

    asyncio.run(check())
    assert faults == []
