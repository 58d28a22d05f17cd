"""What status says of a gateway that is not well."""

from __future__ import annotations

import socket
from pathlib import Path

from journey_support import HOST, UPSTREAM, config, connector, journey, running

from gateway.ops.status import status_of


@journey
async def test_smsc_that_cannot_be_reached_is_named_with_its_address(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as nobody:
        port = nobody.getsockname()[1]
    async with running(config(connector(port)), tmp_path) as gateway:
        await gateway.said("link_lost", f'reason="{HOST}:{port}: Connection refused"')
        status = status_of(gateway.daemon)
        assert status["healthy"] is False
        assert status["problems"] == [
            f"connector {UPSTREAM} is connecting: {HOST}:{port}: Connection refused"
        ]
