"""A long answer lets others run while it is written."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.daemon_client import ask
from gateway.ops import control
from gateway.ops.control import ControlSocket, Reply, Request


@pytest.mark.parametrize("count", [0, 1, 1000, 1001, 20_000])
def test_rows_are_made_json_some_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    rows = [{"message_id": str(n), "account": "app"} for n in range(count)]
    at_once: list[int] = []
    dumps = control.json.dumps

    def noted(value: Any) -> str:
        at_once.append(len(value["rows"]) if isinstance(value, dict) and "rows" in value else len(value))
        return dumps(value)

    async def listing(request: Request) -> Reply:
        return {"rows": rows, "now_ms": 7}

    async def asked() -> Any:
        server = ControlSocket(tmp_path, {"list": listing})
        await server.start()
        try:
            return await asyncio.to_thread(ask, tmp_path, "list")
        finally:
            await server.stop()

    class Noted:
        loads = staticmethod(control.json.loads)
        dumps = staticmethod(noted)

    monkeypatch.setattr(control, "json", Noted)
    assert asyncio.run(asked()) == {"rows": rows, "now_ms": 7}
    assert max(at_once) <= control.ROWS_AT_ONCE
