"""security.md 75 on whole processes: who may read what the gateway writes, and what stops its start."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from journey_support import journey
from process_support import GatewayProcess, process

NOBODY = 1


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    return {path.name: f"{stat.S_IMODE(path.lstat().st_mode):04o}" for path in folder.iterdir()}


@journey
async def test_security_75_what_it_writes_is_for_its_user_alone_whatever_the_umask(tmp_path: Path) -> None:
    with umask(0):
        async with process(tmp_path, NOBODY) as gateway:
            client = await gateway.client()
            await client.submit()
            await client.unbind()
            found = modes(gateway.state_dir)
            assert stat.S_IMODE(gateway.state_dir.stat().st_mode) == 0o700
    assert found.keys() >= {"queue.sqlite3", "queue.sqlite3-wal", "queue.sqlite3-shm", "lock", "control.sock"}
    assert {mode for name, mode in found.items()} == {"0600"}


@journey
async def test_security_75_what_was_put_back_open_is_closed_and_an_open_directory_told(
    tmp_path: Path,
) -> None:
    async with process(tmp_path, NOBODY) as gateway:
        client = await gateway.client()
        await client.submit()
        await client.unbind()
    for path in gateway.state_dir.iterdir():
        path.chmod(0o644)
    (gateway.state_dir / "queue.sqlite3-wal").touch(0o666)
    gateway.state_dir.chmod(0o775)
    async with process(tmp_path, NOBODY, gateway.port) as again:
        client = await again.client()
        await client.submit()
        await client.unbind()
        assert set(modes(again.state_dir).values()) == {"0600"}
        assert f'state_dir_open mode=0775 fix="chmod 0700 {again.state_dir}"' in again.log


@pytest.mark.parametrize("mode", [0o703, 0o1777])
def test_security_75_a_directory_that_everybody_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    @journey
    async def run() -> None:
        gateway = GatewayProcess(tmp_path, NOBODY)
        gateway.state_dir.mkdir()
        gateway.state_dir.chmod(mode)
        await gateway.start(ready=False)
        assert await gateway.ended() == 1
        assert f"(mode {mode:04o}): run chmod 0700 {gateway.state_dir}" in gateway.log
        assert list(gateway.state_dir.iterdir()) == []

    run()


@journey
async def test_security_75_secrets_that_everybody_can_read_stop_the_start(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, NOBODY)
    secret = tmp_path / "password"
    secret.write_text("smsc-pw")
    secret.chmod(0o644)
    text = gateway.config.read_text()
    gateway.config.write_text(text.replace("password: smsc-pw", f"password: {{file: {secret}}}"))
    await gateway.start(ready=False)
    assert await gateway.ended() == 78
    assert f"{secret} can be read by everybody – run chmod 0640 {secret}" in gateway.log
    # written out, it may open something on this machine only
    gateway.config.write_text(text.replace("address: 127.0.0.1:1\n", "address: 192.0.2.1:1\n"))
    gateway.config.chmod(0o644)
    await gateway.start(ready=False)
    assert await gateway.ended() == 78
    assert (
        f"is a password in a file that can be read by everybody – run chmod 0640 {gateway.config}"
        in gateway.log
    )
