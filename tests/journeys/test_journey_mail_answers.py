"""Incoming SMS that become mails: answers to mails, what rules send to mailboxes, and the way back again."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from journey_support import DESTINATION, Client, account, journey
from mail_journey_support import (
    DOMAIN,
    OTHER,
    SENDER,
    Post,
    mail,
    mailer,
    post_office,
    queue_id,
    to,
)

from gateway.config.mail_model import IncomingRule
from protocols.smpp.pdu import BindReceiver

ID = "<1@client.example.net>"
HOUR_S = 3600
OURS = "12345"
NUMBERED = [mailer(mail={"source": OURS}), account("desk")]
TO_DESK = {"incoming_account": "desk"}


async def desk(post: Post) -> Client:
    return await post.gateway.client(BindReceiver, "desk")


async def read(client: Client) -> tuple[str, bytes]:
    """Number of ours and text of the next SMS that an SMPP account gets."""
    delivery = await client.delivery()
    return delivery.destination_addr, delivery.short_message


# -- answers -------------------------------------------------------------------------------------------


@journey
async def test_an_answer_goes_to_the_mails_sender_and_his_reply_back_as_sms(tmp_path: Path) -> None:
    async with post_office(tmp_path, accounts=NUMBERED, link=TO_DESK) as post:
        queue_id(await post.send(mail("Who is on call?", "Subject: Alert", header_id=ID)))
        await post.settled()
        post.deliver("Я", OURS)
        (got,) = await post.letters()
        assert (got.sender, got.recipients) == ("<>", [SENDER])
        assert got.mail["In-Reply-To"] == got.mail["References"] == ID
        assert got.mail["Subject"] == "Re: Alert"
        assert got.text.strip() == "Я"
        for field in ("From", "Reply-To"):
            (address,) = got.mail[field].addresses
            assert address.addr_spec == f"{DESTINATION}@{DOMAIN}"

        reply = mail(
            f"Thanks\n\nOn Friday +{DESTINATION} wrote:\n> Me\n",
            "Subject: Re: Alert",
            f"In-Reply-To: {got.mail['Message-ID']}",
            header_id="<2@client.example.net>",
        )
        queue_id(await post.send(reply, *to(str(address.username))))
        assert await post.texts(2) == [(DESTINATION, "Thanks"), (DESTINATION, "Who is on call?")]
        await post.settled()
        post.deliver("You are welcome", OURS)
        await post.letters(2)
        assert post.sink.mails[1].mail["In-Reply-To"] == "<2@client.example.net>"  # the newest mail counts
        assert post.sink.mails[1].mail["Subject"] == "Re: Alert"


@journey
async def test_an_answer_to_another_number_of_ours_is_none(tmp_path: Path) -> None:
    async with post_office(tmp_path, accounts=NUMBERED, link=TO_DESK) as post:
        client = await desk(post)
        queue_id(await post.send(mail("hello")))
        await post.settled()
        post.deliver("to another", "54321")
        assert await read(client) == ("54321", b"to another")
        post.deliver("from another", OURS, number=OTHER)
        assert await read(client) == (OURS, b"from another")
        post.deliver("an answer", "+" + OURS)
        (got,) = await post.letters()
        assert got.text.strip() == "an answer"
        await post.settled()
        assert client.deliveries.empty() and len(post.sink.mails) == 1


@journey
async def test_any_number_answers_to_a_mail_whose_sms_had_none(tmp_path: Path) -> None:
    accounts = [mailer(mail={"source": "Example"}), account("desk")]
    async with post_office(tmp_path, accounts=accounts, link=TO_DESK) as post:
        queue_id(await post.send(mail("hello")))
        await post.settled()
        post.deliver("an answer", "54321")
        (got,) = await post.letters()
        assert got.text.strip() == "an answer"


@journey
async def test_after_the_window_it_is_no_answer(tmp_path: Path) -> None:
    async with post_office(tmp_path, accounts=NUMBERED, link=TO_DESK, mail={"reply_window_h": 30}) as post:
        client = await desk(post)
        queue_id(await post.send(mail("hello")))
        await post.settled()
        post.gateway.clock.advance(30 * HOUR_S - 10)
        await post.gateway.linked()
        post.deliver("in time", OURS)
        assert (await post.letters())[0].text.strip() == "in time"
        post.gateway.clock.advance(20)
        post.deliver("too late", OURS)
        assert await read(client) == (OURS, b"too late")
        await post.settled()
        assert len(post.sink.mails) == 1


@pytest.mark.parametrize("how", ["null sender", "no smarthost", "no window"])
def test_nobody_to_answer_to(tmp_path: Path, how: str) -> None:
    @journey
    async def run() -> None:
        async with post_office(
            tmp_path,
            accounts=NUMBERED,
            link=TO_DESK,
            smarthost=how != "no smarthost",
            mail={"reply_window_h": 0} if how == "no window" else {},
        ) as post:
            client = await desk(post)
            queue_id(await post.send(mail("hello"), sender="" if how == "null sender" else SENDER))
            await post.settled()
            post.deliver("an answer", OURS)
            assert await read(client) == (OURS, b"an answer")
            await post.settled()
            assert not post.sink.mails

    run()


@journey
async def test_an_answer_goes_before_the_rules(tmp_path: Path) -> None:
    rules = [IncomingRule(keyword="yes", account="desk")]
    async with post_office(tmp_path, accounts=NUMBERED, incoming=rules) as post:
        client = await desk(post)
        queue_id(await post.send(mail("hello")))
        await post.settled()
        post.deliver("yes", OURS)
        assert (await post.letters())[0].text.strip() == "yes"
        post.deliver("yes", OURS, number=OTHER)
        assert await read(client) == (OURS, b"yes")
        assert client.deliveries.empty()


def acknowledged(post: Post, count: int) -> bool:
    return post.smsc.counters.receipts_acknowledged >= count


# -- long ones -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_a_long_answer_is_one_mail(tmp_path: Path, order: tuple[int, ...]) -> None:
    @journey
    async def run() -> None:
        parts = {1: "the first, ", 2: "второе, ", 3: "and the third"}
        async with post_office(tmp_path, accounts=NUMBERED) as post:
            queue_id(await post.send(mail("hello")))
            await post.settled()
            counters = post.smsc.counters
            for number in order:
                assert not post.waiting() and not post.sink.mails
                enough = counters.receipts_acknowledged + 1
                post.deliver(parts[number], OURS, part=(number, 3))
                await post.smsc.wait_until(partial(acknowledged, post, enough))
            (got,) = await post.letters()
            assert got.text.strip() == "the first, второе, and the third"
            await post.settled()
            assert len(post.sink.mails) == 1

    run()


@journey
async def test_what_is_left_of_a_long_sms_comes_after_a_day(tmp_path: Path) -> None:
    rules = [IncomingRule(mail=["archive@example.net"])]
    async with post_office(tmp_path, accounts=NUMBERED, incoming=rules) as post:
        post.deliver("the first", OURS, part=(1, 3))
        post.deliver("and the third", OURS, part=(3, 3))
        await post.smsc.wait_until(lambda: post.smsc.counters.receipts_acknowledged == 2)
        assert not post.waiting() and not post.sink.mails
        post.gateway.clock.advance(24 * HOUR_S + 10)
        (got,) = await post.letters()
        assert got.text.strip() == "the first … and the third"


# -- rules ---------------------------------------------------------------------------------------------


@journey
async def test_rules_bring_sms_to_mailboxes_and_accounts(tmp_path: Path) -> None:
    rules = [
        IncomingRule(keyword="HELP", mail=["support@example.net", "second@example.net"]),
        IncomingRule(number="555", account="desk", mail=["archive@example.net"]),
    ]
    async with post_office(tmp_path, accounts=NUMBERED, incoming=rules, link=TO_DESK) as post:
        client = await desk(post)
        post.deliver("help! it burns", OURS)
        await post.letters(2)
        first, second = sorted(post.sink.mails, key=lambda got: got.recipients)
        assert (first.recipients, second.recipients) == (["second@example.net"], ["support@example.net"])
        assert first.text.strip() == "help! it burns"
        assert first.mail["Subject"] == f"SMS from +{DESTINATION} to {OURS}"
        assert first.mail["From"].addresses[0].addr_spec == f"{DESTINATION}@{DOMAIN}"
        assert "In-Reply-To" not in first.mail
        assert first.mail["Auto-Submitted"] == "auto-generated"
        post.deliver("for both", "555")
        assert await read(client) == ("555", b"for both")
        assert (await post.letters(3))[2].recipients == ["archive@example.net"]
        post.deliver("for the desk", OURS)
        assert await read(client) == (OURS, b"for the desk")
        await post.settled()
        assert len(post.sink.mails) == 3


@journey
async def test_a_name_cannot_be_answered_to(tmp_path: Path) -> None:
    rules = [IncomingRule(mail=["archive@example.net"])]
    async with post_office(tmp_path, accounts=NUMBERED, incoming=rules) as post:
        post.deliver("your code is 1", OURS, number="Bank\r\nBcc: x")
        (got,) = await post.letters()
        assert got.mail["From"].addresses[0].addr_spec == f"postmaster@{DOMAIN}"
        assert "Reply-To" not in got.mail and "Bcc" not in got.mail


@journey
async def test_security_57_an_sms_that_answers_an_answer_ends_at_the_pairs_share(tmp_path: Path) -> None:
    accounts = [mailer(mail={"source": OURS})]
    async with post_office(tmp_path, accounts=accounts, mail={"max_per_pair_h": 3}) as post:
        echo = "79161299120"  # the simulated SMSC answers each SMS to it with the same text
        reply = await post.send(mail("ping 0"), *to(echo))
        for turn in range(1, 4):
            queue_id(reply)
            await post.letters(turn)
            # A mailbox that answers everything, without a word of it being automatic.
            reply = await post.send(mail(f"ping {turn}"), *to(echo))
        assert reply.startswith("450 4.7.1 ")
        await post.settled()
        assert len(post.smsc.received) == len(post.sink.mails) == 3
