"""LMTP: an answer for each recipient, and each recipient's own fate."""

from __future__ import annotations

import asyncio
from pathlib import Path

from journey_support import DESTINATION, journey
from mail_journey_support import OTHER, THIRD, MailClient, mail, mailer, post_office, queue_id, to

ID = "<1@client.example.net>"


async def delivered(client: MailClient, octets: bytes, *recipients: str) -> list[str]:
    """The replies after DATA to a mail whose recipients are all good."""
    replies = await client.envelope(*to(*recipients))
    assert all(reply.startswith("250") for reply in replies), replies
    return await client.data(octets)


@journey
async def test_each_recipient_has_its_answer_and_its_queue_id(tmp_path: Path) -> None:
    # The account has no networks: over TCP nobody may send for it.
    accounts = [mailer(mail={"networks": ()})]
    async with post_office(tmp_path, accounts=accounts, lmtp=tmp_path / "lmtp") as post:
        client = await post.lmtp()
        replies = await client.envelope(*to(DESTINATION, "nobody", OTHER))
        assert [reply[:9] for reply in replies] == ["250 2.1.0", "250 2.1.5", "550 5.1.1", "250 2.1.5"]
        first, second = await client.data(mail())
        assert queue_id(first) != queue_id(second)
        assert await post.texts(2) == [(DESTINATION, "hello"), (OTHER, "hello")]
        await post.settled()
        assert post.ends(queue_id(second)) == ["DELIVERED"]
        assert len(post.smsc.received) == 2


@journey
async def test_one_that_is_refused_after_data_harms_nobody_else(tmp_path: Path) -> None:
    accounts = [mailer(mail={"over_limit": "reject"})]
    async with post_office(
        tmp_path, accounts=accounts, lmtp=tmp_path / "lmtp", mail={"max_per_pair_h": 1}
    ) as post:
        client = await post.lmtp()
        queue_id((await delivered(client, mail("first"), OTHER))[0])
        long = mail("x" * 200)
        replies = await delivered(client, long, DESTINATION, f"/id={THIRD}/maxpages=1/", OTHER)
        assert [reply[:9] for reply in replies] == ["250 2.0.0", "554 5.2.3", "450 4.7.1"]
        await post.settled()
        assert {it.destination for it in await post.sms(3)} == {DESTINATION, OTHER}


@journey
async def test_a_delivery_that_is_repeated_is_repeated_for_those_only_that_had_it(tmp_path: Path) -> None:
    async with post_office(tmp_path, lmtp=tmp_path / "lmtp") as post:
        client = await post.lmtp()
        assert all(reply.startswith("250") for reply in await client.envelope(*to(DESTINATION, OTHER)))
        with post.held_store() as release:
            await client.content(mail(header_id=ID))
            reply = asyncio.create_task(client.reply())
            await post.taking(2)
            client.hang_up()
            assert await reply == ""
            release()
        await post.sms(2)
        again = await post.lmtp()
        first = await delivered(again, mail(header_id=ID), DESTINATION, OTHER)
        second = await delivered(again, mail(header_id=ID), OTHER, THIRD, DESTINATION)
        assert (first[0], first[1]) == (second[2], second[0])
        assert len(set(map(queue_id, [*first, *second]))) == 3
        assert await post.texts(3) == [(DESTINATION, "hello"), (OTHER, "hello"), (THIRD, "hello")]
        await post.settled()
        assert len(post.smsc.received) == 3


@journey
async def test_what_cannot_be_read_is_refused_for_each(tmp_path: Path) -> None:
    async with post_office(tmp_path, lmtp=tmp_path / "lmtp") as post:
        client = await post.lmtp()
        replies = await delivered(client, mail("", "Subject:"), DESTINATION, OTHER)
        assert [reply[:9] for reply in replies] == ["554 5.6.0"] * 2
        replies = await delivered(client, mail("x" * 70_000), DESTINATION, OTHER)
        assert [reply[:3] for reply in replies] == ["500"] * 2
        queue_id((await delivered(client, mail(), OTHER))[0])
        assert await post.texts() == [(OTHER, "hello")]


@journey
async def test_the_services_form_and_a_number_in_one_mail(tmp_path: Path) -> None:
    # The account's own recipients are not for what is addressed to the service: there are passwords in it.
    accounts = [mailer(mail={"service_form": True, "recipients": [THIRD]})]
    async with post_office(tmp_path, accounts=accounts, lmtp=tmp_path / "lmtp") as post:
        client = await post.lmtp()
        replies = await delivered(client, mail("no form"), DESTINATION, "send", OTHER)
        assert [reply[:3] for reply in replies] == ["250", "550", "250"]
        assert await post.texts(2) == [(DESTINATION, "no form"), (OTHER, "no form")]
        over_smtp = await post.client()
        for recipients in ((DESTINATION, "send"), ("send", DESTINATION)):
            assert (await over_smtp.send(mail("no form"), *to(*recipients))).startswith("554 5.5.0 ")
        await post.settled()
        assert len(post.smsc.received) == 2


@journey
async def test_a_reload_takes_the_account_of_the_socket_away_and_gives_it_back(tmp_path: Path) -> None:
    accounts = [mailer(mail={"networks": ()})]
    async with post_office(tmp_path, accounts=accounts, lmtp=tmp_path / "lmtp") as post:
        client = await post.lmtp()
        queue_id((await delivered(client, mail("before"), DESTINATION))[0])
        await post.reload(accounts=[mailer(mail={"networks": ()}, blocked=True)])
        assert not (await client.send(mail("refused"), *to(DESTINATION))).startswith("250")
        await post.reload(accounts=[mailer()])
        queue_id((await delivered(client, mail("after"), DESTINATION))[0])
        assert await post.texts(2) == [(DESTINATION, "after"), (DESTINATION, "before")]
