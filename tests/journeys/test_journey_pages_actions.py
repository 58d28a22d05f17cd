"""Pages over a running gateway: what is pressed there is what the commands do, under the same names."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from journey_support import Gateway, account, connector, journey, running, simulated_smsc
from money_support import balance, money_config, payer
from scripted_smsc import ScriptedSmsc, scripted_smsc
from web_pages import PagesClient, pages

from gateway.config.model import Route
from protocols.smpp import constants as c
from protocols.smpp.pdu import DeliverSm, SubmitSm


@asynccontextmanager
async def everything(folder: Path) -> AsyncIterator[tuple[Gateway, ScriptedSmsc, PagesClient]]:
    """A gateway with money, an SMSC that a test leads, one that works, and an operator at the pages."""
    async with scripted_smsc() as smsc, simulated_smsc() as other:
        made = money_config(smsc.port, payer(), account("plain"))
        link = connector(smsc.port, on_ambiguous="hold", response_timeout_s=5)
        made = type(made)(
            **{
                **{name: getattr(made, name) for name in made.__dataclass_fields__},
                "connectors": [link, connector(other.port, "other")],
                "routes": [Route(connectors=["smsc"]), Route(prefix="44", connectors=["other"])],
            }
        )
        async with (
            running(made, folder) as gateway,
            pages(of=gateway.daemon.state_dir, role="operator") as client,
        ):
            await gateway.linked()
            await gateway.linked("other")
            yield gateway, smsc, client


@journey
async def test_every_page_and_action_over_a_running_gateway(tmp_path: Path) -> None:
    async with everything(tmp_path) as (gateway, smsc, client):
        await _connectors(gateway, client)
        await _money(gateway, client)
        await _doubts(gateway, smsc, client)


async def _connectors(gateway: Gateway, client: PagesClient) -> None:
    page = await client.get("/connectors")
    assert page.status == 200
    assert page.text.count('action="/connectors/pause"') == 2
    await client.post("/connectors/pause", {"connector": "smsc", "back": "one"})
    paused = gateway.daemon.pauses["smsc"]
    assert paused.who == "olga"
    page = await client.get("/connectors/smsc")
    assert "smsc is paused: nothing new goes up by it" in page.text
    assert "by olga" in page.text
    assert "smsc-pw" not in page.text
    assert "********" in page.text
    await client.post("/connectors/resume", {"connector": "smsc"})
    assert gateway.daemon.pauses == {}
    await client.post("/connectors/rebind", {"connector": "smsc"})
    page = await client.get("/connectors")
    assert "smsc goes on." in page.text
    assert "smsc is bound anew, links: 1" in page.text
    assert (await client.get("/connectors/none")).status == 400


async def _money(gateway: Gateway, client: PagesClient) -> None:
    page = await client.get("/accounts")
    assert "/accounts/app" in page.text
    page = await client.get("/accounts/app")
    once = re.search(r'name="once" value="([^"]+)"', page.text)
    assert once is not None
    form = {"word": "credit", "amount": "10", "note": "invoice", "once": once[1], "confirmed": "yes"}
    await client.post("/accounts/app/credit", form)
    await client.post("/accounts/app/credit", form)  # pressed twice
    assert balance(gateway) == "10.00"
    page = await client.get("/accounts/app")
    assert "Changed by 10.00: the balance is 10.00 EUR" in page.text
    assert "this form was sent before" in page.text
    for text in ("olga", "invoice"):
        assert text in page.text
    stale = {**form, "once": "99.abc"}
    await client.post("/accounts/app/credit", stale)
    assert "the gateway was started anew since this form was made" in (await client.get("/accounts/app")).text
    assert balance(gateway) == "10.00"
    assert (await client.get("/accounts/plain")).status == 200


async def _doubts(gateway: Gateway, smsc: ScriptedSmsc, client: PagesClient) -> None:
    smsc.answer = lambda pdu: None if isinstance(pdu, SubmitSm) else smsc.take(pdu)
    sender = await gateway.client(answers=[c.ESME_RX_P_APPN])
    lost = [await sender.submit(), await sender.submit()]
    await smsc.request()
    connection, _ = await smsc.request()
    gateway.clock.advance(5.1)
    await gateway.until(lambda: gateway.states(*lost) == ["HELD", "HELD"])
    assert "no response within 5 s" in (await client.get("/queue/ambiguous")).text
    page = await client.get("/queue/held")
    assert all(f'name="ids" value="{message_id}"' in page.text for message_id in lost)
    await client.post("/queue/decide", {"word": "drop", "ids": lost[0], "confirmed": "yes"})
    await gateway.said("dead_letter")  # the receipt of it, which the account refuses
    await sender.abort()
    await client.post("/queue/decide", {"word": "drop", "ids": " ".join(lost), "confirmed": "yes"})
    page = await client.get("/queue/held")
    assert f"1 message decided. 1 was not: {lost[0]}: it has ended" in page.text
    assert lost[1] in (await client.get("/queue/undelivered?account=app")).text
    page = await client.get("/deadletters?account=app")
    [dead] = re.findall(r'name="ids" value="([0-9]+)"', page.text)
    await client.post("/deadletters/replay", {"ids": dead, "kind": "deliveries"})
    assert "1 waits again." in (await client.get("/deadletters")).text
    await gateway.until(lambda: len(gateway.listing("undelivered")) == 2)
    await client.post("/deadletters/replay-all", {"account": "app", "confirmed": "yes"})
    assert "0 wait again." in (await client.get("/deadletters")).text
    text = b"id:none sub:001 dlvrd:001 submit date:2501010000 done date:2501010000 stat:DELIVRD err:000 text:"
    receipt = DeliverSm(source_addr="7916", destination_addr="1", esm_class=4, short_message=text)
    await connection.request(receipt)
    assert "another program with this login" in (await client.get("/queue/unmatched")).text
    page = await client.get("/queue")
    assert page.status == 200
