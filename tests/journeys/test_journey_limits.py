"""What accounts may send, from end to end: over SMPP, over restarts, by mail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from journey_support import (
    DESTINATION,
    Client,
    account,
    config,
    connector,
    gateway_and_smsc,
    journey,
    running,
    simulated_smsc,
)
from mail_journey_support import mail, mailer, post_office, queue_id, to

from gateway.config.account_model import AccountLimits
from gateway.config.model import Account
from gateway.ops.status import status_of
from protocols.smpp.pdu import SubmitSm

OTHER = "79161200002"
FAILED = "ESME_RSUBMITFAIL"
DAY_S = 86_400
# The clock of journeys begins at 08:00 in UTC, 11:00 in Moscow.


def limited(**limits: Any) -> list[Account]:
    return [account(limits=AccountLimits(**limits))]


@journey
async def test_a_limit_of_the_day_outlives_the_gateway_and_ends_at_midnight(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc:
        top = account("top", time_zone="Europe/Moscow", limits=AccountLimits(per_day=3))
        accounts = [top, account(parent="top"), account("other", parent="top")]
        made = config(connector(smsc.port), accounts=accounts)
        async with running(made, tmp_path) as gateway:
            client = await gateway.client()
            await client.submit()
            await client.submit()
        async with running(made, tmp_path) as gateway:
            client, other = await gateway.client(), await gateway.client(system_id="other")
            await other.submit()
            assert await other.status_of_submit() == FAILED
            assert await client.status_of_submit() == FAILED
            assert status_of(gateway.daemon)["refused"] == {"limit_per_day": 2}
            gateway.clock.advance(13 * 3600)
            await client.submit()


@journey
async def test_limits_of_numbers_texts_and_addresses(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, accounts=limited(per_text=1, per_number=2)) as (gateway, _):
        client = await gateway.client()
        await client.submit(text=b"one")
        assert await client.status_of_submit(text=b"one") == FAILED
        await client.submit(text=b"two")
        assert await client.status_of_submit(text=b"three") == FAILED
        await client.submit(OTHER, text=b"one")
        assert status_of(gateway.daemon)["refused"] == {"limit_per_text": 1, "limit_per_number": 1}


@journey
async def test_what_comes_from_one_address_is_counted(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, accounts=limited(per_address=1)) as (gateway, _):
        first, second = await gateway.client(), await gateway.client()
        await first.submit()
        assert await second.status_of_submit() == FAILED  # from the same one


@journey
async def test_hours_senders_and_validity_reach_the_smsc(tmp_path: Path) -> None:
    limits = AccountLimits(hours="14-21")
    whose = account(time_zone="Europe/Moscow", limits=limits, forced_source="Example", validity_h=2)
    async with gateway_and_smsc(tmp_path, accounts=[whose]) as (gateway, smsc):
        client: Client = await gateway.client()
        await client.submit()
        gateway.clock.advance(3 * 3600 - 10)
        await gateway.ticked()
        assert not smsc.received
        gateway.clock.advance(10)
        assert (await client.receipt()).state == 2
        sent = smsc.received[0].pdu
        assert isinstance(sent, SubmitSm)
        assert (sent.source_addr, sent.source_addr_ton, sent.source_addr_npi) == ("Example", 5, 0)
        assert sent.validity_period == "000000020000000R"


# -- by mail ----------------------------------------------------------------------------------------


@journey
async def test_a_mail_over_a_limit_is_put_off_and_counts_nothing(tmp_path: Path) -> None:
    accounts = [mailer(limits=AccountLimits(per_day=3))]
    async with post_office(tmp_path, accounts=accounts) as post:
        queue_id(await post.send(mail("both"), *to(DESTINATION, OTHER)))
        reply = await post.send(mail("two are one too many"), *to(DESTINATION, OTHER))
        assert reply.startswith("451 4.7.1 the account's limit of this day is used up")
        queue_id(await post.send(mail("one is not")))
        assert (await post.send(mail("another is"))).startswith("451 4.7.1")
        post.gateway.clock.advance(DAY_S)
        queue_id(await post.send(mail("a day later")))


@journey
async def test_a_mail_that_comes_again_is_answered_as_before_and_counted_once(tmp_path: Path) -> None:
    accounts = [mailer(limits=AccountLimits(per_day=2))]
    async with post_office(tmp_path, accounts=accounts) as post:
        first = queue_id(await post.send(mail("once", header_id="<1@example.org>")))
        for _ in range(3):
            assert queue_id(await post.send(mail("once", header_id="<1@example.org>"))) == first
        queue_id(await post.send(mail("twice")))
        assert (await post.send(mail("three times"))).startswith("451")


@journey
async def test_a_number_that_gets_nothing_is_refused_at_once(tmp_path: Path) -> None:
    accounts = [mailer(destinations=("7", "-79161200002"))]
    async with post_office(tmp_path, accounts=accounts) as post:
        reply = await post.send(mail("no"), *to(OTHER))
        assert reply == "550 5.7.1 the account may not write to this number"
        queue_id(await post.send(mail("yes")))


@journey
async def test_answers_come_to_the_sender_that_the_account_forces(tmp_path: Path) -> None:
    accounts = [mailer(forced_source="1234")]
    async with post_office(tmp_path, accounts=accounts) as post:
        queue_id(await post.send(mail("what time?")))
        assert await post.texts() == [(DESTINATION, "what time?")]
        post.deliver("noon", "1234")
        (answer,) = await post.letters()
        assert answer.text.strip() == "noon"


@journey
async def test_the_address_of_a_mails_sender_is_counted(tmp_path: Path) -> None:
    accounts = [mailer(limits=AccountLimits(per_address=1))]
    async with post_office(tmp_path, accounts=accounts) as post:
        queue_id(await post.send(mail("one")))
        reply = await post.send(mail("two"))
        assert reply.startswith("451 4.7.1 your address's limit")
