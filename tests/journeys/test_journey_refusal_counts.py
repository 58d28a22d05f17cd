"""What `status` counts as refused: each reason under its own word, whoever found it."""

from __future__ import annotations

from pathlib import Path

from journey_support import config, connector, journey, running

from gateway.ops.status import status_of
from protocols.smpp import tlv


@journey
async def test_refusals_of_form_and_of_limits_are_counted_alike(tmp_path: Path) -> None:
    async with running(config(connector(1)), tmp_path) as gateway:
        client = await gateway.client()
        assert await client.status_of_submit("12") == "ESME_RINVDSTADR"
        assert await client.status_of_submit(esm_class=0x04) == "ESME_RINVESMCLASS"
        assert await client.status_of_submit("9999999999999999", b"") == "ESME_RINVDSTADR"
        long_text = ((tlv.MESSAGE_PAYLOAD, b"x" * 2000),)
        assert await client.status_of_submit(text=b"", tlvs=long_text) == "ESME_RINVMSGLEN"
        assert status_of(gateway.daemon)["refused"] == {"destination": 2, "receipt_class": 1, "too_long": 1}
