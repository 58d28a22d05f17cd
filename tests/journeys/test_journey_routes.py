"""Routes between real sockets: what goes up instead of what came, and that nobody below ever sees it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import pytest
from journey_support import (
    DESTINATION,
    UPSTREAM,
    Gateway,
    Receipt,
    account,
    config,
    connector,
    gateway_and_smsc,
    journey,
    running,
    simulated_smsc,
)
from mail_journey_support import mail, mailer, post_office, to

from gateway.config.model import Rewrite, Route
from gateway.core.errors import Refusal
from protocols.smpp import constants as c
from protocols.smpp.pdu import CancelSm, QuerySm, ReplaceSm, SubmitSm

REWRITES = [
    Rewrite(what="source", match="12345", replace="Example"),
    Rewrite(what="destination", match="79161200001", replace="4915112345678"),
    Rewrite(what="text", match="hello", replace="привет"),
]
REWRITTEN = [Route(name="way", connectors=[UPSTREAM], rewrites=REWRITES)]


def went_up(pdu: Any) -> tuple[str, int, str, int, bytes]:
    return (
        pdu.source_addr,
        pdu.source_addr_ton,
        pdu.destination_addr,
        pdu.dest_addr_ton,
        bytes(pdu.short_message),
    )


WRITTEN = ("Example", 5, "4915112345678", 1, "привет".encode("utf-16-be"))


@journey
async def test_the_smsc_gets_the_new_form_and_the_sender_sees_his_own(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, routes=REWRITTEN) as (gateway, simulator):
        client = await gateway.client()
        message_id = await client.submit()
        delivery = await client.delivery()
        assert (delivery.source_addr, delivery.destination_addr) == (DESTINATION, "12345")
        (message,) = simulator.received
        assert went_up(message.pdu) == WRITTEN
        timeline = gateway.reader.timeline(int(message_id))
        assert timeline is not None
        assert timeline["state"] == "DELIVERED"
        assert "4915" not in str(timeline)
        await gateway.emptied()


@journey
async def test_receipts_with_ids_in_another_form_are_matched_by_the_number_that_went_up(
    tmp_path: Path,
) -> None:
    smsc = {"id_format": "decimal_resp_hex_receipt"}
    async with gateway_and_smsc(tmp_path, routes=REWRITTEN, smsc=smsc) as (gateway, _):
        client = await gateway.client()
        message_id = await client.submit()
        assert await client.receipt() == Receipt(message_id, c.DELIVERED, "000")


@journey
async def test_the_smsc_is_asked_for_the_addresses_that_it_knows(tmp_path: Path) -> None:
    link = {"operations": ["query_sm", "cancel_sm"]}
    async with gateway_and_smsc(
        tmp_path, routes=REWRITTEN, link=link, smsc={"receipt_delay_ms": 3_600_000.0}
    ) as (
        gateway,
        simulator,
    ):
        client = await gateway.client()
        message_id = await client.submit()
        await gateway.said("submitted")
        answer = await client.request(QuerySm(message_id=message_id, source_addr="12345"))
        assert (answer.command_status, answer.message_state) == (c.ESME_ROK, c.ENROUTE)
        other = await client.submit(DESTINATION, source_addr="777")
        await gateway.said("submitted", times=2)
        for asked, source in ((message_id, "12345"), (other, "777")):
            request = CancelSm(message_id=asked, source_addr=source, destination_addr=DESTINATION)
            assert (await client.request(request)).command_status == c.ESME_ROK
        ended = {(await client.receipt()).message_id for _ in range(2)}
        assert ended == {message_id, other}
        assert [went_up(message.pdu)[0] for message in simulator.received] == ["Example", "777"]


@journey
async def test_what_waits_keeps_its_form_over_a_restart_with_other_routes(tmp_path: Path) -> None:
    async with simulated_smsc() as simulator:
        down, up = connector(1), connector(simulator.port)
        async with running(config(down, routes=REWRITTEN), tmp_path) as gateway:
            client = await gateway.client()
            message_id = await client.submit()
        other = [Route(name="other", connectors=[UPSTREAM])]
        async with running(config(up, routes=other), tmp_path) as gateway:
            client = await gateway.client()
            assert (await client.receipt()).message_id == message_id
            await client.submit()
            assert (await client.receipt()).state == c.DELIVERED
        assert [went_up(message.pdu)[0] for message in simulator.received] == ["Example", "12345"]
        assert went_up(simulator.received[0].pdu) == WRITTEN


@journey
async def test_who_takes_over_gets_the_same_form(tmp_path: Path) -> None:
    async with simulated_smsc() as simulator:
        connectors = [connector(1, "first"), connector(simulator.port, "second")]
        routes = [Route(connectors=["first", "second"], rewrites=REWRITES)]
        async with running(config(*connectors, routes=routes), tmp_path) as gateway:
            await gateway.linked("second")
            client = await gateway.client()
            await client.submit()
            assert (await client.receipt()).state == c.DELIVERED
        assert went_up(simulator.received[0].pdu) == WRITTEN


@journey
async def test_a_new_form_that_is_no_number_is_refused(tmp_path: Path) -> None:
    routes = [
        Route(
            connectors=[UPSTREAM],
            rewrites=[
                Rewrite(what="destination", match="7916.*", replace="x"),
                Rewrite(what="source", match="777", replace="a name that is too long"),
            ],
        )
    ]
    async with gateway_and_smsc(tmp_path, routes=routes) as (gateway, _):
        client = await gateway.client()
        assert await client.status_of_submit() == "ESME_RINVDSTADR"
        assert await client.status_of_submit("4915112345678", source_addr="777") == "ESME_RINVSRCADR"
        await client.submit("4915112345678")


@journey
async def test_the_smsc_is_told_the_validity_of_the_route(tmp_path: Path) -> None:
    routes = [Route(connectors=[UPSTREAM], max_validity_h=2)]
    async with gateway_and_smsc(tmp_path, routes=routes) as (gateway, simulator):
        client = await gateway.client()
        for validity in ("", "000001000000000R", "000000010000000R"):
            await client.submit(validity_period=validity)
            await client.receipt()
        told = [cast("SubmitSm", message.pdu).validity_period for message in simulator.received]
        assert told == ["000000020000000R", "000000020000000R", "000000010000000R"]


@journey
async def test_a_route_refuses_over_smpp(tmp_path: Path) -> None:
    routes = [
        Route(name="no", countries=["DE"], refuse=True, priority=1),
        Route(connectors=[UPSTREAM]),
    ]
    async with gateway_and_smsc(tmp_path, routes=routes) as (gateway, _):
        client = await gateway.client()
        assert await client.status_of_submit("4915112345678") == "ESME_RINVDSTADR"
        await client.submit()
        assert gateway.daemon.submission.refused[Refusal.ROUTE] == 1


@journey
@pytest.mark.parametrize("waits", [True, False])
async def test_a_text_that_a_route_refuses_does_not_come_in_by_replace_sm(
    tmp_path: Path, waits: bool
) -> None:
    routes = [
        Route(name="no", text_pattern="casino", refuse=True, priority=1),
        Route(connectors=[UPSTREAM]),
    ]
    link = {"operations": ["replace_sm"]}
    smsc = {"receipt_delay_ms": 3_600_000.0}
    async with gateway_and_smsc(tmp_path, routes=routes, link=link, smsc=smsc) as (gateway, _):
        client = await gateway.client()
        when = "000000010000000R" if waits else ""
        first = await client.submit(source_addr="777", schedule_delivery_time=when)
        if not waits:
            await gateway.said("submitted")
        bad = ReplaceSm(message_id=first, source_addr="777", short_message=b"casino")
        assert (await client.request(bad)).command_status == c.ESME_RINVDSTADR
        good = ReplaceSm(message_id=first, source_addr="777", short_message=b"other")
        assert (await client.request(good)).command_status == c.ESME_ROK


@journey
async def test_accounts_and_texts_go_their_ways(tmp_path: Path) -> None:
    async with simulated_smsc() as one, simulated_smsc() as two:
        routes = [
            Route(name="codes", text_pattern="(?i)code", priority=1, connectors=["first"]),
            Route(name="part", accounts=["app"], connectors=["second"]),
            Route(name="rest", connectors=["first"]),
        ]
        accounts = [account(), account("part", parent="app"), account("other")]
        made = config(
            connector(one.port, "first"), connector(two.port, "second"), routes=routes, accounts=accounts
        )
        async with running(made, tmp_path) as gateway:
            await gateway.linked("first")
            await gateway.linked("second")
            for name, text in (("app", b"1"), ("part", b"2"), ("other", b"3"), ("part", b"4 Code")):
                client = await gateway.client(system_id=name)
                await client.submit(text=text)
                await client.receipt()
        assert [went_up(it.pdu)[-1] for it in one.received] == [b"3", b"4 Code"]
        assert [went_up(it.pdu)[-1] for it in two.received] == [b"1", b"2"]


@journey
async def test_shares_are_given_and_a_number_stays_where_it_is(tmp_path: Path) -> None:
    async with simulated_smsc() as one, simulated_smsc() as two:
        routes = [
            Route(prefix="1", connectors=["first", "second"], weights=[1, 1]),
            Route(prefix="2", connectors=["first", "second"], weights=[1, 1], sticky=True),
        ]
        made = config(connector(one.port, "first"), connector(two.port, "second"), routes=routes)
        async with running(made, tmp_path) as gateway:
            await gateway.linked("first")
            await gateway.linked("second")
            client = await gateway.client()
            for number in ("1001", "2001"):
                for _ in range(30):
                    await client.submit(number)
                    await client.receipt()
        counts = [[it.pdu.destination_addr for it in smsc.received] for smsc in (one, two)]
        assert all(5 < found.count("1001") < 25 for found in counts)
        assert sorted(found.count("2001") for found in counts) == [0, 30]


@journey
async def test_explain_is_right_about_a_running_gateway(tmp_path: Path) -> None:
    routes = [
        Route(name="night", hours="0-1", connectors=["down"]),
        Route(name="way", connectors=["down", UPSTREAM], rewrites=REWRITES),
    ]
    async with simulated_smsc() as simulator:
        made = config(connector(1, "down"), connector(simulator.port), routes=routes)
        async with running(made, tmp_path) as gateway:
            await gateway.linked()
            told = await explained(
                gateway, source="12345", destination=DESTINATION, text="hello", account="app"
            )
            assert (told["route"], told["connector"], told["refused"]) == ("way", UPSTREAM, None)
            assert [row["state"] for row in told["connectors"]] == ["linked", "down"]
            assert told["routes"][0]["conditions"][0]["but"] == "it is 08:00 there"
            assert told["sent"] == {"alphabet": "ucs2", "segments": 1, "class": "none"}
            client = await gateway.client()
            await client.submit()
            await client.receipt()
            assert went_up(simulator.received[0].pdu) == WRITTEN
            assert (await explained(gateway, destination="x"))["error"]
            assert "there is no account" in (await explained(gateway, destination="1", account="x"))["error"]


@journey
async def test_explain_looks_at_the_number_that_goes_up(tmp_path: Path) -> None:
    routes = [
        Route(connectors=[UPSTREAM], rewrites=[Rewrite(what="destination", match="8(.*)", replace=r"7\1")])
    ]
    async with simulated_smsc() as smsc:
        made = config(connector(smsc.port), accounts=[account(destinations=["7"])], routes=routes)
        async with running(made, tmp_path) as gateway:
            wanted = {"destination": "89161200001", "account": "app"}
            assert (await explained(gateway, **wanted))["refused"] is None
            client = await gateway.client()
            await client.submit("89161200001")
            for listed in ("79161200001", "89161200001"):
                gateway.daemon.admission.blacklists.add("app", [listed])
                assert (await explained(gateway, **wanted))["refused"] == "blacklist"
                assert await client.status_of_submit("89161200001") == "ESME_RINVDSTADR"
                gateway.daemon.admission.blacklists.remove("app", [listed])


async def explained(gateway: Gateway, **request: Any) -> Any:
    """What the control socket answers."""
    reader, writer = await asyncio.open_unix_connection(str(gateway.daemon.state_dir / "control.sock"))
    writer.write(json.dumps({"command": "route_explain", **request}).encode() + b"\n")
    answer = json.loads(await reader.readline())
    writer.close()
    return answer


# -- mail ----------------------------------------------------------------------------------------------


@journey
async def test_a_mail_takes_the_route_for_mails(tmp_path: Path) -> None:
    routes = [
        Route(name="by-mail", ingress=["mail"], prefix="7916", connectors=["smsc"], rewrites=REWRITES),
        Route(name="not-by-mail", ingress=["mail"], prefix="44", refuse=True),
        Route(name="smpp", ingress=["smpp"], connectors=["smsc"]),
        Route(name="nobody", prefix="49", refuse=True),
    ]
    async with post_office(tmp_path, accounts=[mailer()], routes=routes) as post:
        assert (await post.send(mail())).startswith("250")
        await post.texts(1)
        assert went_up(post.smsc.received[0].pdu)[2:] == WRITTEN[2:]
        replies = await (await post.client()).envelope(*to("4915112345678", "447911123456"))
        assert [reply[:9] for reply in replies[1:]] == ["550 5.4.4", "250 2.1.5"], (
            "only DATA tells of the other"
        )
        refused = await post.send(mail(), *to("447911123456"))
        assert refused.startswith("550 5.7.1")
        await post.settled()


@pytest.mark.parametrize("part", [1, 2])
def test_segments_of_a_sender_keep_their_text_and_get_their_address(tmp_path: Path, part: int) -> None:
    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path, routes=REWRITTEN) as (gateway, simulator):
            client = await gateway.client()
            header = bytes((5, 0, 3, 7, 2, part))
            await client.submit(text=header + b"hello", esm_class=0x40)
            await client.receipt()
            assert went_up(simulator.received[0].pdu) == (*WRITTEN[:4], header + b"hello")

    run()
