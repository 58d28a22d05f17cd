"""What is said of a socket that cannot listen."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from gateway.ops.listening import LOCAL_PATH_OCTETS, path_too_long, why_not_listening


def why(host: str, port: int) -> str:
    async def listen() -> None:
        await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port)

    with pytest.raises(OSError) as failed:
        asyncio.run(listen())
    return why_not_listening(failed.value)


def test_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        text = why(*taken.getsockname())
    assert text.startswith("Address already in use – another process has it (ss -ltnp")
    assert "choose another port" in text


def test_address_of_another_machine() -> None:
    assert why("192.0.2.1", 0).startswith(
        "Cannot assign requested address – this machine has no such address"
    )


def test_reserved_port() -> None:
    assert why_not_listening(OSError("install it")) == "install it"
    text = why_not_listening(PermissionError(13, "error while attempting to bind"))
    assert text == "Permission denied – ports below 1024 are reserved: choose a higher one"


def test_name_that_is_not_found() -> None:
    text = why_not_listening(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    assert text == "Name or service not known – check the address"


def test_longest_path_of_a_local_socket(tmp_path: Path) -> None:
    longest = tmp_path / ("x" * (LOCAL_PATH_OCTETS - len(str(tmp_path)) - 1))
    assert path_too_long(longest) == ""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.bind(str(longest))
    text = path_too_long(longest.with_name(longest.name + "é"))
    assert "is 2 octets too long" in text
    assert "shorter --state-dir" in text
