"""Sockets from systemd: whose they are, whom they are for, and that nobody else gets to see them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.ops.activation import Inherited, Passed, inherited

HOST = "127.0.0.1"


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server((HOST, 0)) as one:
        yield one


def environment(count: object, names: str = "", pid: int | None = None) -> dict[str, str]:
    given = {"LISTEN_PID": str(pid or os.getpid()), "LISTEN_FDS": str(count), "PATH": "/bin"}
    return {**given, "LISTEN_FDNAMES": names} if names else given


def passed(one: socket.socket) -> int:
    """A descriptor of the socket as systemd would have left it: open to children."""
    descriptor = os.dup(one.fileno())
    os.set_inheritable(descriptor, True)
    return descriptor


def test_what_was_passed_is_found_by_its_address_and_closed_to_children(listening: socket.socket) -> None:
    descriptor = passed(listening)
    given = environment(1, "smpp")
    found = inherited(given, first=descriptor)
    assert given == {"PATH": "/bin"}
    assert not os.get_inheritable(descriptor)
    assert found.take(socket.AF_INET, (HOST, 1)) is None
    assert found.take(socket.AF_INET6, listening.getsockname()) is None
    taken = found.take(socket.AF_INET, listening.getsockname())
    assert taken is not None
    assert taken.fileno() == descriptor
    assert found.take(socket.AF_INET, listening.getsockname()) is None
    assert found.close_unused() == []
    taken.close()


def test_sockets_that_are_meant_for_another_process_are_left_alone(listening: socket.socket) -> None:
    descriptor = passed(listening)
    given = environment(1, "smpp", pid=os.getppid())
    found = inherited(given, first=descriptor)
    assert found.take(socket.AF_INET, listening.getsockname()) is None
    assert os.get_inheritable(descriptor)
    assert given == {"PATH": "/bin"}  # nor would a child of ours take them for its own
    os.close(descriptor)


@pytest.mark.parametrize("count", ["", "-1", "1.5", "many"])
def test_nonsense_is_nothing(count: str) -> None:
    assert inherited(environment(count)).close_unused() == []


def test_what_nobody_takes_is_told_with_name_and_address(tmp_path: Path, listening: socket.socket) -> None:
    path = str(tmp_path / "lmtp")
    with socket.socket(socket.AF_UNIX) as local, socket.socket(socket.AF_INET6) as six:
        local.bind(path)
        six.bind(("::1", 0))
        port = six.getsockname()[1]
        sockets = [("smpp", listening), ("lmtp", local), ("web", six)]
        found = Inherited(Passed(name, one.dup()) for name, one in sockets)
        assert found.close_unused() == [
            ("smpp", f"{HOST}:{listening.getsockname()[1]}"),
            ("lmtp", path),
            ("web", f"[::1]:{port}"),
        ]
        assert found.close_unused() == []


def test_only_a_socket_that_listens_is_taken() -> None:
    with socket.socket() as idle, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        found = Inherited([Passed("idle", idle), Passed("datagrams", datagrams)])
        for one in (idle, datagrams):
            one.bind((HOST, 0))
            assert found.take(socket.AF_INET, one.getsockname()) is None
        assert [name for name, _ in found.close_unused()] == ["idle", "datagrams"]


def test_a_descriptor_that_is_no_socket_is_told_too() -> None:
    reading, writing = os.pipe()
    found = inherited(environment(1), first=reading)
    assert found.close_unused() == [("unknown", "-")]
    os.close(reading)
    os.close(writing)
