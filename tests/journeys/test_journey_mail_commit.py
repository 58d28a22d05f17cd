"""When a mail is answered: after its commit, and with the same queue id however often it comes."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from journey_support import DESTINATION, journey, simulated_smsc
from mail_journey_support import (
    OTHER,
    SENDER,
    MailClient,
    Post,
    a_sink,
    mail,
    mail_config,
    mailer,
    post_office,
    posting,
    queue_id,
    to,
)

from gateway.store import journal as journal_module

WRITER = Path(__file__).parents[1] / "support" / "writer_with_little_room.py"
ID = "<1@client.example.net>"
DAY_S = 86_400


async def sent_and_not_answered(post: Post, client: MailClient, octets: bytes) -> asyncio.Task[str]:
    """A mail that waits for its commit; the task waits for the reply."""
    assert all(reply.startswith("250") for reply in await client.envelope(*to(DESTINATION)))
    await client.content(octets)
    return asyncio.create_task(client.reply())


# -- commit, then answer -------------------------------------------------------------------------------


@journey
async def test_there_is_no_250_before_the_commit(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        client = await post.client()
        with post.held_store() as release:
            reply = await sent_and_not_answered(post, client, mail())
            await post.taking()
            await post.gateway.ticked()
            assert not reply.done()
            assert not post.smsc.received
            release()
            queue_id(await reply)
        assert await post.texts() == [(DESTINATION, "hello")]


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], object]:
    """Says how many pages the database may have from now on."""

    def start(command: list[str], descriptor: int) -> subprocess.Popen[bytes]:
        at = command.index("-m")
        replaced = [*command[:at], str(WRITER), *command[at + 2 :]]
        return subprocess.Popen(replaced, pass_fds=[descriptor], stdin=subprocess.DEVNULL)

    monkeypatch.setattr(journal_module, "_start", start)
    monkeypatch.setattr(journal_module, "RETRY_S", 0.01)
    pages = tmp_path / "max_pages"

    def set_pages(number: str) -> None:
        # the writing process may read it at any moment, and must not find it empty
        new = pages.with_suffix(".new")
        new.write_text(number)
        new.replace(pages)

    set_pages("1000000")
    return set_pages


def test_a_store_that_cannot_write_makes_the_mail_come_later(
    tmp_path: Path, disk: Callable[[str], object]
) -> None:
    @journey
    async def run() -> None:
        # All of it is kept for the report, so the mail needs pages of its own.
        async with post_office(tmp_path) as post:
            octets = mail("hello\n-- \n" + "signature\n" * 50_000, header_id=ID)
            disk("1")
            client = await post.client()
            reply = await client.send(octets, options=" RET=FULL")
            assert reply.startswith("451 4.3.0 "), reply
            disk("1000000")
            await post.gateway.until(lambda: not post.gateway.daemon.journal.error)
            assert not post.gateway.daemon.submission.open_messages
            assert not post.smsc.received
            queue_id(await client.send(octets, options=" RET=FULL"))
            assert await post.texts() == [(DESTINATION, "hello")]
            await post.settled()
            assert len(post.smsc.received) == 1

    run()


@pytest.mark.parametrize("hours", ["", "14-21"], ids=["goes at once", "goes later"])
def test_a_mail_that_waits_for_its_commit_is_answered_when_the_gateway_stops(
    tmp_path: Path, hours: str
) -> None:
    @journey
    async def run() -> None:
        accounts = [mailer(mail={"hours": hours}), mailer("other", mail={"networks": ()})]
        async with post_office(tmp_path, accounts=accounts) as post:
            client, idle, writing = await post.client(), await post.client(), await post.client()
            assert (await idle.login("other")).startswith("235")
            queue_id(
                await idle.send(mail("before"))
            )  # so nothing waits on disk, and the next can go straight
            await post.settled()
            await writing.envelope(*to(OTHER))
            assert (await writing.say("DATA")).startswith("354")
            with post.held_store() as release:
                reply = await sent_and_not_answered(post, client, mail())
                await post.taking()
                stopping = asyncio.create_task(post.gateway.stop(clock_runs=False))
                assert (await idle.reply()).startswith("421 4.3.2 ")
                assert not reply.done()
                release()
                queue_id(await reply)
                assert (await client.reply()).startswith("421 4.3.2 ")
            post.gateway.clock.let_run()
            await stopping
            sent = [(DESTINATION, "before"), *([] if hours else [(DESTINATION, "hello")])]
            assert await post.texts(len(sent)) == sent

    run()


# -- the same mail again -------------------------------------------------------------------------------


@journey
async def test_the_same_mail_gets_the_same_queue_id_also_after_a_restart(tmp_path: Path) -> None:
    octets = mail(header_id=ID)
    async with simulated_smsc() as smsc, a_sink() as sink:
        made = mail_config(smsc, sink)
        async with posting(made, tmp_path, smsc, sink) as post:
            first = queue_id(await post.send(octets))
            assert queue_id(await post.send(octets)) == first
            await post.settled()
        async with posting(made, tmp_path, smsc, sink, later_s=3600) as post:
            assert queue_id(await post.send(octets)) == first
            assert queue_id(await post.send(mail(header_id="<2@client.example.net>"))) != first
            await post.settled()
            assert len(smsc.received) == 2
            assert post.gateway.daemon.accounts["app"].open_messages == 0


@journey
async def test_a_mail_whose_answer_was_lost_is_not_sent_again(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        client = await post.client()
        with post.held_store() as release:
            reply = await sent_and_not_answered(post, client, mail(header_id=ID))
            await post.taking()
            client.hang_up()
            assert await reply == ""
            release()
        line = await post.gateway.said("mail_taken")
        (first,) = re.findall(r"mail_id=(\d+)", line)
        assert queue_id(await post.send(mail(header_id=ID))) == first
        await post.settled()
        assert len(post.smsc.received) == 1


@journey
async def test_the_same_mail_twice_at_the_same_time(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        clients = [await post.client() for _ in range(3)]
        with post.held_store() as release:
            replies = [await sent_and_not_answered(post, it, mail(header_id=ID)) for it in clients]
            await post.taking(3)
            release()
            assert len({queue_id(await reply) for reply in replies}) == 1
        await post.settled()
        assert len(post.smsc.received) == 1


@pytest.mark.parametrize(
    "other",
    [
        mail("another text", header_id=ID),
        mail(header_id="<2@client.example.net>"),
        mail(),
    ],
    ids=["text", "Message-ID", "none"],
)
def test_another_mail_is_not_the_same(tmp_path: Path, other: bytes) -> None:
    @journey
    async def run() -> None:
        async with post_office(tmp_path) as post:
            octets = other if b"Message-ID" not in other else mail(header_id=ID)
            first = queue_id(await post.send(octets))
            assert queue_id(await post.send(other)) != first
            await post.sms(2)
            await post.settled()

    run()


@journey
async def test_another_sender_or_recipient_makes_another_mail(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        ids = [
            queue_id(await post.send(mail(header_id=ID), *to(number), sender=sender))
            for number, sender in ((DESTINATION, SENDER), (OTHER, SENDER), (DESTINATION, "b@example.net"))
        ]
        assert len(set(ids)) == 3
        await post.sms(3)


@pytest.mark.parametrize("reply_window_h", [72, 0], ids=["kept", "swept"])
def test_a_day_later_it_is_a_new_mail(tmp_path: Path, reply_window_h: int) -> None:
    @journey
    async def run() -> None:
        async with post_office(tmp_path, mail={"reply_window_h": reply_window_h}) as post:
            first = queue_id(await post.send(mail(header_id=ID)))
            await post.settled()
            post.gateway.clock.advance(DAY_S - 10)
            assert queue_id(await post.send(mail(header_id=ID))) == first
            post.gateway.clock.advance(20)
            if not reply_window_h:
                await post.gateway.until(lambda: post.gateway.reader.mail(int(first)) is None)
            assert queue_id(await post.send(mail(header_id=ID))) != first
            # whatever a day without a word has cost comes back only while time goes on
            for _ in range(600):
                if len(post.smsc.received) == 2:
                    break
                post.gateway.clock.advance(0.1)
                await post.gateway.ticked()
            await post.sms(2)
            await post.settled()
            assert len(post.smsc.received) == 2

    run()


# -- what is over a limit ------------------------------------------------------------------------------


@journey
async def test_a_mail_over_the_accounts_rate_comes_later_as_a_whole(tmp_path: Path) -> None:
    async with post_office(tmp_path, accounts=[mailer(rate=2)]) as post:
        queue_id(await post.send(mail("first"), *to(DESTINATION, OTHER)))
        assert (await post.send(mail("second"), *to(DESTINATION, OTHER))).startswith("451 4.7.1 ")
        post.gateway.clock.advance(1)
        queue_id(await post.send(mail("second"), *to(DESTINATION, OTHER)))
        sent = [(number, text) for number in (DESTINATION, OTHER) for text in ("first", "second")]
        assert await post.texts(4) == sent
        await post.settled()
        assert len(post.smsc.received) == 4


@journey
async def test_a_full_queue_takes_nothing_of_a_mail(tmp_path: Path) -> None:
    accounts = [mailer(max_open=2)]
    async with post_office(tmp_path, accounts=accounts, max_messages=3) as post:
        reply = await post.send(mail(), *to(DESTINATION, OTHER, "79161200003"))
        assert reply.startswith("452 4.3.1 ")
        queue_id(await post.send(mail("held"), *to("79161299106", "79161399106")))  # they get no receipt
        assert (await post.send(mail(), *to(DESTINATION))).startswith("452 4.3.1 ")
        await post.reload(accounts=[mailer()])
        assert (await post.send(mail(), *to(DESTINATION, OTHER))).startswith("452 4.3.1 ")
        queue_id(await post.send(mail(), *to("79161499106")))
        client = await post.client()
        assert (await client.say("MAIL FROM:<a@example.net>")).startswith("452 4.3.1 ")
        assert {number for number, _ in await post.texts(3)} == {
            "79161299106",
            "79161399106",
            "79161499106",
        }
