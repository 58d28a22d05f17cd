"""`smsc-gateway reload` against a running gateway: what it shows, what it does, and a file with mistakes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from free_ports import free_port
from journey_support import HOST, PASSWORD, SMSC_PASSWORD, Gateway, hashed, journey, running, simulated_smsc

from gateway.__main__ import main
from gateway.cli import CommandError
from gateway.cli.daemon_client import ask
from gateway.config.load import load
from gateway.simulator.simulator import Simulator


def written(folder: Path, port: int, smsc_port: int, *, rate: int = 0, extra: str = "") -> Path:
    path = folder / "config.yaml"
    text = f"""\
listeners: {{smpp: [{{address: '{HOST}:{port}'}}]}}
accounts:
  - {{system_id: app, password_hash: '{hashed(PASSWORD).reveal()}'}}
{extra}connectors:
  - {{name: smsc, address: '{HOST}:{smsc_port}', system_id: gateway, password: {SMSC_PASSWORD}, rate: {rate}}}
routes: [{{connectors: [smsc]}}]
queue: {{commit_delay_ms: 0}}
"""
    path.write_text(text)
    path.chmod(0o640)
    return path


class Running:
    """A gateway that was started from a file, and the command line beside it."""

    def __init__(
        self, folder: Path, gateway: Gateway, smsc: Simulator, port: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder, self.gateway, self.smsc, self.port = folder, gateway, smsc, port
        self._capsys = capsys

    def write(self, **changed: Any) -> None:
        written(self.folder, self.port, self.smsc.port, **changed)

    async def reload(self, *words: str) -> tuple[int, str, str]:
        """The exit code, standard output and standard error of the command."""
        command = ["reload", "--state-dir", str(self.gateway.daemon.state_dir), *words]
        code = await asyncio.to_thread(main, command)
        out = self._capsys.readouterr()
        return code, out.out, out.err


@asynccontextmanager
async def started(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Running]:
    port = free_port()
    async with simulated_smsc() as smsc:
        path = written(tmp_path, port, smsc.port)
        async with running(load(path), tmp_path / "state") as gateway:
            gateway.daemon.config_file = path
            await gateway.linked("smsc")
            yield Running(tmp_path, gateway, smsc, port, capsys)


OTHER = f"  - {{system_id: other, password_hash: '{hashed('x').reveal()}'}}\n"


@journey
async def test_a_diff_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with started(tmp_path, capsys) as it:
        assert await it.reload("--diff") == (0, "nothing would change\n", "")
        it.write(rate=7, extra=OTHER)
        expected = (
            "would change\n  accounts[other]: added\n  connectors[smsc].rate: 0 → 7\n"
            "connector smsc changes and keeps its links\n"
        )
        assert await it.reload("--diff") == (0, expected, "")
        assert it.gateway.daemon.config.connectors[0].rate == 0
        assert not it.gateway.lines_with("reloaded")
        code, out, _ = await it.reload("--diff", "--json")
        shown = json.loads(out)
        assert (code, shown["ok"], shown["done"], shown["adjusted"]) == (0, True, False, ["smsc"])
        change = {"key": "connectors[smsc].rate", "what": "changed", "old": "0", "new": "7"}
        assert change in shown["changes"]


@journey
async def test_a_reload_does_what_its_diff_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with started(tmp_path, capsys) as it:
        client = await it.gateway.client()
        it.write(rate=7, extra=OTHER)
        code, out, _ = await it.reload()
        assert (code, out.splitlines()[0]) == (0, "taken over")
        assert it.gateway.daemon.upstreams["smsc"].flow.pace.rate == 7
        await it.gateway.said("reloaded", "changes=2", "connectors=-")
        it.write()
        code, out, _ = await it.reload()
        assert "accounts[other]: removed" in out
        await client.submit()
        await client.receipt()
        assert it.smsc.counters.binds == 1


@journey
async def test_a_file_with_mistakes_changes_nothing_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with started(tmp_path, capsys) as it:
        client = await it.gateway.client()
        it.write(rate=-1, extra="  - {system_id: other}\n")
        for words in ((), ("--diff",)):
            code, out, err = await it.reload(*words)
            assert (code, out) == (78, "")
            assert "accounts[1].password_hash: is missing" in err
            assert "connectors[0].rate: -1 is out of range" in err
        code, out, err = await it.reload("--json")
        assert (code, err, json.loads(out)["ok"]) == (78, "", False)
        assert {problem["line"] for problem in json.loads(out)["problems"]} == {4, 6}
        await it.gateway.said("reload_refused", "problems=2", times=2)  # looking is not told
        assert len(it.gateway.daemon.accounts) == 1
        await client.submit()
        await client.receipt()


@journey
async def test_a_gateway_without_a_file_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with started(tmp_path, capsys) as it:
        it.gateway.daemon.config_file = None
        code, _, err = await it.reload()
        assert code == 1
        assert "was not started from a file" in err


def test_no_gateway_is_running(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reload", "--state-dir", str(tmp_path)]) == 1
    assert "no gateway is running" in capsys.readouterr().err


async def asked(it: Running, command: str, **request: Any) -> Any:
    """What the pages' process gets."""
    return await asyncio.to_thread(ask, it.gateway.daemon.state_dir, command, **request)


@journey
async def test_options_in_force_have_their_lines_and_hide_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with started(tmp_path, capsys) as it:
        found = await asked(it, "config", limit=100)
        rows = {row["key"]: row for row in found["rows"]}
        assert found["file"] == str(tmp_path / "config.yaml")
        assert rows["queue.commit_delay_ms"] == {
            "key": "queue.commit_delay_ms",
            "value": "0.0",
            "is_default": False,
            "file": str(tmp_path / "config.yaml"),
            "line": 7,
            "is_other": False,
        }
        assert rows["connectors[smsc].password"]["value"] == "********"
        assert SMSC_PASSWORD not in json.dumps(found)
        assert "queue.history_days" not in rows
        assert found["next"] is None
        it.write(rate=5)
        found = await asked(it, "config", limit=1, words=".rate", defaults=True, section="connectors")
        [row] = found["rows"]
        assert (row["key"], row["value"], row["is_default"], row["is_other"]) == (
            "connectors[smsc].rate", "0", True, True,
        )  # fmt: skip
        first = await asked(it, "config", limit=3)
        second = await asked(it, "config", limit=3, after=first["next"])
        keys = [row["key"] for row in (*first["rows"], *second["rows"])]
        assert keys == list(rows)[:6]


@journey
async def test_a_reload_does_what_was_shown_or_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with started(tmp_path, capsys) as it:
        assert (await asked(it, "config_on_disk"))["changes"] == []
        it.write(rate=5)
        shown = await asked(it, "config_on_disk")
        assert [(change["key"], change["new"]) for change in shown["changes"]] == [
            ("connectors[smsc].rate", "5")
        ]
        it.write(rate=6)
        with pytest.raises(CommandError, match="have changed since this was shown"):
            await asked(it, "reload", shown=shown["shown"])
        assert it.gateway.daemon.config.connectors[0].rate == 0
        again = await asked(it, "config_on_disk")
        done = await asked(it, "reload", shown=again["shown"])
        assert done["done"] and it.gateway.daemon.config.connectors[0].rate == 6
        # what was shown before somebody else's reload is old too, though the files are as they were
        with pytest.raises(CommandError, match="have changed since this was shown"):
            await asked(it, "reload", shown=again["shown"])


@journey
async def test_files_are_read_once_for_a_page_and_again_for_the_next_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with started(tmp_path, capsys) as it:
        it.write(rate=5)

        async def is_other() -> bool:
            rows = (await asked(it, "config", words="rate", defaults=True, limit=100))["rows"]
            return next(row["is_other"] for row in rows if row["key"] == "connectors[smsc].rate")

        await asked(it, "config_on_disk")
        it.write(rate=0)
        assert await is_other()  # as it was for the first half of the page
        assert not await is_other()
        it.write(rate=5)
        await asked(it, "config_on_disk")
        it.write(rate=0)
        it.gateway.clock.advance(3)
        assert not await is_other()


@journey
async def test_mistakes_and_warnings_on_the_disk_have_their_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with started(tmp_path, capsys) as it:
        it.write(extra="nonsense: 1\n")
        found = await asked(it, "config_on_disk")
        [problem] = found["problems"]
        assert (problem["line"], problem["key"], found["count"]) == (4, "nonsense", 1)
        assert problem["fix"]
        assert [row["line"] for row in (await asked(it, "config", limit=100))["rows"]][:1] == [None]
        password = hashed(PASSWORD).reveal()
        it.write(extra=f"  - {{system_id: new, password_hash: '{password}', blocked: true}}\n")
        found = await asked(it, "config_on_disk")
        assert [change["what"] for change in found["changes"]] == ["added"]
        assert "warnings" in found
