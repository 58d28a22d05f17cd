"""National numbers reach the SMSC as international ones, and those that cannot be are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from journey_support import account, gateway_and_smsc, journey
from mail_journey_support import mail, mailer, post_office, queue_id, to

from gateway.config.mail_model import Group
from gateway.core.errors import Refusal
from protocols.smpp import constants as c
from protocols.smpp.pdu import CancelSm, DataSm, QuerySm, ReplaceSm, SmeAddress, SubmitMulti

NATIONAL, INTERNATIONAL = "89161200001", "79161200001"
LATER = "000001000000000R"  # in a day


@journey
async def test_a_national_number_goes_up_as_an_international_one(tmp_path: Path) -> None:
    accounts = [account(default_region="RU")]
    async with gateway_and_smsc(tmp_path, accounts=accounts) as (gateway, smsc):
        client = await gateway.client()
        await client.submit(NATIONAL, dest_addr_ton=2, dest_addr_npi=8)
        assert (await client.delivery()).source_addr == INTERNATIONAL  # the receipt is about this number
        await client.submit(NATIONAL)
        data = await client.request(
            DataSm(dest_addr_ton=2, destination_addr=NATIONAL, tlvs=((0x0424, b"hello"),))
        )
        several = await client.request(
            SubmitMulti(
                dest_addresses=(SmeAddress(2, 8, NATIONAL), SmeAddress(1, 1, "4915123456789")),
                short_message=b"x",
            )
        )
        assert (data.command_status, several.command_status) == (0, 0)
        await gateway.emptied()
        assert [it.destination for it in smsc.received] == [INTERNATIONAL] * 4 + ["4915123456789"]
        assert {(it.pdu.dest_addr_ton, it.pdu.dest_addr_npi) for it in smsc.received} == {(1, 1)}


@journey
async def test_questions_mean_the_number_as_it_was_written(tmp_path: Path) -> None:
    accounts = [account(default_region="RU")]
    async with gateway_and_smsc(tmp_path, accounts=accounts) as (gateway, smsc):
        client = await gateway.client()
        sender: dict[str, Any] = {"source_addr_ton": 2, "source_addr": "88121234567"}
        waits: dict[str, Any] = {"schedule_delivery_time": LATER, **sender}
        first = await client.submit(NATIONAL, dest_addr_ton=2, **waits)
        await client.submit(NATIONAL, dest_addr_ton=2, **waits)
        found = await client.request(QuerySm(message_id=first, **sender))
        other = await client.request(ReplaceSm(message_id=first, short_message=b"other", **sender))
        assert (found.command_status, other.command_status) == (0, 0)
        cancelled = await client.request(CancelSm(dest_addr_ton=2, destination_addr=NATIONAL, **sender))
        assert cancelled.command_status == c.ESME_ROK
        await gateway.emptied()
        assert not smsc.received


@journey
async def test_a_mail_to_a_national_number(tmp_path: Path) -> None:
    groups = [Group(name="Ops", numbers=["8 916 120-00-02"])]
    accounts = [
        mailer(default_region="RU", mail={"recipients": ["89161200003"], "numbers_in_body": True}),
    ]
    async with post_office(tmp_path, accounts=accounts, mail={"groups": groups}) as post:
        queue_id(await post.send(mail("one"), *to(NATIONAL)))
        queue_id(await post.send(mail("two"), *to("ops")))
        queue_id(await post.send(mail("three"), *to("app")))
        queue_id(await post.send(mail("8 (916) 120-00-04\nfour"), *to("app")))
        assert sorted(await post.texts(4)) == [
            (INTERNATIONAL, "one"),
            ("79161200002", "two"),
            ("79161200003", "three"),
            ("79161200004", "four"),
        ]


@journey
async def test_a_number_that_gets_no_sms_is_refused(tmp_path: Path) -> None:
    accounts = [account(default_region="RU", number_check="mobile")]
    async with gateway_and_smsc(tmp_path, accounts=accounts) as (gateway, smsc):
        client = await gateway.client()
        for number in ("84951234567", "7916120000", "8080"):
            assert await client.status_of_submit(number) == "ESME_RINVDSTADR"
        await client.submit(NATIONAL)
        several = await client.request(
            SubmitMulti(
                dest_addresses=(SmeAddress(1, 1, "74951234567"), SmeAddress(1, 1, INTERNATIONAL)),
                short_message=b"x",
            )
        )
        assert several.command_status == c.ESME_ROK
        assert [it.error_status_code for it in several.unsuccess_smes] == [c.ESME_RINVDSTADR]
        await gateway.emptied()
        assert [it.destination for it in smsc.received] == [INTERNATIONAL] * 2
        assert gateway.daemon.submission.refused[Refusal.NUMBER] == 4


@journey
async def test_a_mail_is_refused_at_the_recipient_that_gets_no_sms(tmp_path: Path) -> None:
    accounts = [
        mailer(default_region="RU", number_check="valid", mail={"numbers_in_body": True}),
    ]
    async with post_office(tmp_path, accounts=accounts) as post:
        client = await post.client()
        replies = await client.envelope(*to(NATIONAL, "70001234567"))
        assert [reply[:10] for reply in replies[1:]] == ["250 2.1.5 ", "550 5.1.1 "]
        assert (await client.say("RSET")).startswith("250")
        assert (await client.send(mail("70001234567\nhello"), *to("app"))).startswith("550 5.1.1 ")
        queue_id(await client.send(mail("84951234567\nhello"), *to("app")))
        assert await post.texts() == [("74951234567", "hello")]


@journey
async def test_a_reload_changes_how_bound_sessions_are_read(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        await client.submit(NATIONAL)
        changed = [account(default_region="RU", number_check="mobile")]
        await gateway.daemon.reload(replace(gateway.daemon.config, accounts=changed))
        await client.submit(NATIONAL)
        assert await client.status_of_submit("84951234567") == "ESME_RINVDSTADR"
        await gateway.daemon.reload(replace(gateway.daemon.config, accounts=[account()]))
        await client.submit("84951234567")
        await gateway.emptied()
        assert [it.destination for it in smsc.received] == [NATIONAL, INTERNATIONAL, "84951234567"]
