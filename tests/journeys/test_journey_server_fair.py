"""Several sessions of one account: none is starved by another one's flood."""

from __future__ import annotations

from pathlib import Path

from journey_support import Client, account, config, connector, journey, running, submit_sm

from protocols.smpp import constants as c
from protocols.smpp.pdu import BindReceiver, BindTransmitter


async def flood(client: Client, count: int = 50) -> int:
    """Sends so many at once; how many were taken."""
    futures = client.send_together(*(submit_sm() for _ in range(count)))
    return sum([(await one).command_status == c.ESME_ROK for one in futures])


@journey
async def test_a_session_that_floods_leaves_the_others_their_part_of_the_rate(tmp_path: Path) -> None:
    async with running(config(connector(1), accounts=[account(rate=20)]), tmp_path) as gateway:
        flooding, modest = await gateway.client(), await gateway.client(BindTransmitter)
        for _ in range(8):
            gateway.clock.advance(0.25)
            await flood(flooding)
        taken = refused = 0
        for _ in range(20):
            gateway.clock.advance(0.25)
            taken += await flood(flooding)
            refused += await modest.status_of_submit() != "ESME_ROK"
        assert refused == 0
        assert 75 <= taken <= 85, "the rest of the rate is lent: 100 in 5 s less 20"


@journey
async def test_a_single_sending_session_has_all_of_it(tmp_path: Path) -> None:
    async with running(config(connector(1), accounts=[account(rate=20, max_open=50)]), tmp_path) as gateway:
        client = await gateway.client()
        await gateway.client(BindReceiver)
        assert await flood(client) == 20
        gateway.clock.advance(1)
        assert await flood(client) == 20
        gateway.clock.advance(1)
        assert await flood(client) == 10
        assert await client.status_of_submit() == "ESME_RMSGQFUL"


@journey
async def test_a_session_that_fills_the_queue_leaves_places_for_the_others(tmp_path: Path) -> None:
    async with running(config(connector(1), accounts=[account(max_open=80)]), tmp_path) as gateway:
        flooding, modest = await gateway.client(), await gateway.client()
        assert await flood(flooding, 100) == 70
        assert await flood(modest, 20) == 10
        assert await flooding.status_of_submit() == "ESME_RMSGQFUL"
        await modest.unbind()
        await gateway.until(lambda: not gateway.daemon.accounts["app"].shares.crowded)
        assert await flooding.status_of_submit() == "ESME_RMSGQFUL", "the queue is full"


@journey
async def test_accounts_do_not_share(tmp_path: Path) -> None:
    accounts = [account(max_open=10), account("other", max_open=10)]
    async with running(config(connector(1), accounts=accounts), tmp_path) as gateway:
        client, other = await gateway.client(), await gateway.client(system_id="other")
        assert (await flood(client), await flood(other)) == (10, 10)
