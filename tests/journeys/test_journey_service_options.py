"""Messages with options of the SMSC service, over SMPP and by mail, up to the simulated service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from journey_support import DESTINATION, HOST, PASSWORD, Client, account, journey, running
from mail_journey_support import DOMAIN, Post, a_sink, mail, mailer, queue_id, to
from service_support import (
    PATH,
    SECRET,
    SERVICE,
    callback,
    gateway_and_service,
    service,
    service_config,
    simulated_service,
)

from gateway.config.mail_model import Mail, SmtpListener
from gateway.config.model import AccountSmpp, Address
from gateway.simulator import Simulator
from gateway.simulator.smsc_http.model import SentMessage
from gateway.simulator.smsc_http.server import HttpSimulator
from gateway.translate.smsc_options import options_tlv
from protocols.smpp import constants as c
from protocols.smpp import tlv

MAY = [account(service_messages=True)]


def options(**values: str) -> tuple[tuple[int, bytes], ...]:
    return tlv.read_stream(options_tlv(values.items()), 0, 8)


async def sent(client: Client, simulator: HttpSimulator, **fields: Any) -> SentMessage:
    """What the service has got of a message that was delivered."""
    message_id = await client.submit(**fields)
    receipt = await client.receipt()
    assert (receipt.message_id, receipt.state) == (message_id, c.DELIVERED)
    return list(simulator.service.store.messages)[-1]


@journey
async def test_kinds_and_options_of_submit_sm(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path, with_calls=True, accounts=MAY) as (gateway, simulator):
        client = await gateway.client()
        viber = await sent(client, simulator, tlvs=options(viber="1", comment="order 17"))
        assert (viber.type, viber.text, viber.comment) == (10, "hello", "order 17")
        call = await sent(client, simulator, service_type="CALL", tlvs=options(voice="w,en", param="20,10,3"))
        assert (call.type, call.text) == (7, "hello")
        flash = await sent(client, simulator, data_coding=0x10)
        assert (flash.type, flash.text) == (1, "hello")
        latin = await sent(
            client, simulator, text="Привет".encode("utf-16-be"), data_coding=8, tlvs=options(translit="1")
        )
        assert (latin.type, latin.text) == (0, "Privet")
        to_name = await sent(client, simulator, tlvs=options(bot="@my_bot", to="alex_nick"))
        assert (to_name.phone, to_name.text) == ("alex_nick", "hello")
        command = await sent(client, simulator, text=b"__SOC__: hi", data_coding=1)
        assert (command.type, command.text) == (12, "hi")
        await gateway.emptied()


@journey
async def test_what_only_octets_can_say(tmp_path: Path) -> None:
    accounts = [account(smpp=AccountSmpp(allow=("wap_push", "silent")))]
    async with gateway_and_service(tmp_path, with_calls=True, accounts=accounts) as (gateway, simulator):
        client = await gateway.client()
        header = b"\x06\x05\x04\x0b\x84\x23\xf0"
        data = await sent(client, simulator, text=header + b"\x01\xff", esm_class=0x40, data_coding=0xF5)
        assert data.type == 2
        assert data.extra == {"octets": "0605040B8423F001FF", "pid": 0, "dcs": 0xF5}
        silent = await sent(client, simulator, text=b"a", protocol_id=0x40)
        assert silent.extra == {"octets": "000061", "pid": 0x40, "dcs": 8}


@journey
async def test_commands_are_not_for_everybody(tmp_path: Path) -> None:
    async with gateway_and_service(tmp_path, with_calls=True) as (gateway, simulator):
        client = await gateway.client()
        await client.submit(text=b"__HLR__", data_coding=1)
        receipt = await client.receipt()
        assert (receipt.state, receipt.error) == (c.REJECTED, "000")  # no error of the network
        assert await client.status_of_submit(service_type="HLR") == "ESME_RINVSERTYP"
        assert not simulator.service.store.messages


# -- by mail -------------------------------------------------------------------------------------------


@asynccontextmanager
async def service_post(state_dir: Path, **account_fields: Any) -> AsyncIterator[tuple[Post, HttpSimulator]]:
    """A gateway with mail whose only connector is the service."""
    customer = mailer(mail={"networks": (), "service_form": True, "report": "always"}, **account_fields)
    async with a_sink() as sink, simulated_service() as simulator:
        made = service_config(service(simulator.port, callback=callback()), accounts=[customer], listens=True)
        listeners = replace(made.listeners, smtp=[SmtpListener(address=Address(HOST, 0))])
        section = Mail(domains=[DOMAIN], smarthost=sink.section())
        async with running(replace(made, listeners=listeners, mail=section), state_dir) as gateway:
            port = gateway.daemon.services.listeners[0].port
            simulator.service.account.handler_url = f"http://{HOST}:{port}{PATH}?sha1={SECRET}"
            await gateway.linked(SERVICE)
            post = Post(gateway, cast(Simulator, None), sink)
            try:
                yield post, simulator
            finally:
                for client in post.clients:
                    client.hang_up()


def form(text: str, number: int, phones: str = DESTINATION, *fields: str) -> bytes:
    return mail(f"app:{PASSWORD}:::,{number},,:{phones}:{text}", *fields)


@journey
async def test_the_services_form_asks_for_what_the_service_sends(tmp_path: Path) -> None:
    async with service_post(tmp_path, service_messages=True) as (post, simulator):
        octets = form("Hello", 8, "a@example.com", "Subject: News")
        queue_id(await post.send(octets, *to("send")))
        (got,) = await post.letters()
        assert got.mail["Subject"] == "Mail to a@example.com was delivered"
        [letter] = simulator.service.store.messages
        assert (letter.type, letter.phone, letter.text) == (8, "a@example.com", "Hello")
        assert letter.sender == "sender@example.net"
        queue_id(await post.send(form("", 3), *to("send")))
        looked_up = (await post.letters(2))[1]
        assert looked_up.mail["Subject"] == f"What is known of +{DESTINATION}"
        assert "IMSI:" in looked_up.text
        await post.settled()


@journey
async def test_the_status_of_what_went_to_a_long_address_is_found(tmp_path: Path) -> None:
    address = f"{'a' * 60}@example.com"  # longer than an id of SMPP may be
    async with service_post(tmp_path, service_messages=True) as (post, _):
        queue_id(await post.send(form("Hello", 8, address, "Subject: News"), *to("send")))
        (got,) = await post.letters()
        assert got.mail["Subject"] == f"Mail to {address} was delivered"
        await post.settled()


@pytest.mark.parametrize("number", [3, 9])
def test_an_account_that_may_not_is_told_which_option_it_lacks(tmp_path: Path, number: int) -> None:
    @journey
    async def run() -> None:
        async with service_post(tmp_path) as (post, simulator):
            reply = await post.send(form("Hello", number), *to("send"))
            assert reply.startswith("550 5.5.4 ") and "service_messages" in reply
            assert not simulator.service.store.messages

    run()


@journey
async def test_a_report_has_the_services_code(tmp_path: Path) -> None:
    async with service_post(tmp_path) as (post, _):
        queue_id(await post.send(form("Hello", 0, "79161299003"), *to("send")))
        (got,) = await post.letters()
        assert got.report["status"] == "5.4.7"
        assert "EXPIRED err:006" in got.text
