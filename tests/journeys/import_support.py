"""A gateway that runs from what `import-config` makes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from journey_support import HOST, Client, Gateway

from gateway.__main__ import main
from gateway.config.load import load
from gateway.config.model import Address, Config, Listeners, SmppListener
from protocols.smpp import constants as c
from protocols.smpp.pdu import BindTransceiver

VECTORS = Path(__file__).parents[1] / "vectors" / "import"


def imported(source: Path, folder: Path, ports: list[int]) -> Config:
    """The configuration that comes of a file, with its connectors at these ports."""
    output = folder / "config.yaml"
    assert main(["import-config", str(source), "--output", str(output)]) == 0
    config = load(output)
    connectors = [
        replace(connector, address=Address(HOST, port))
        for connector, port in zip(config.connectors, ports, strict=True)
    ]
    listeners = Listeners(smpp=[SmppListener(address=Address(HOST, 0))])
    return replace(config, connectors=connectors, listeners=listeners)


async def bound(gateway: Gateway, system_id: str, password: str) -> Client:
    client = await gateway.connect()
    assert c.status_name(await client.bind(BindTransceiver, system_id, password)) == "ESME_ROK"
    return client
