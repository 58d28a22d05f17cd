"""A changed configuration while mails come in and go out."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path

from journey_support import DESTINATION, journey
from mail_journey_support import (
    DOMAIN,
    OTHER,
    UNREACHABLE,
    Post,
    a_sink,
    mail,
    mailer,
    post_office,
    queue_id,
    to,
)

from gateway.config.mail_model import Group, Mail

NEW_DOMAIN = "text.example.org"


def section(post: Post) -> Mail:
    configured = post.gateway.daemon.config.mail
    assert configured is not None
    return configured


@journey
async def test_nothing_changed(tmp_path: Path) -> None:
    async with post_office(tmp_path, mail={"max_per_pair_h": 2}) as post:
        client = await post.client()
        assert all(reply.startswith("250") for reply in await client.envelope(*to(DESTINATION)))
        await post.reload()
        queue_id((await client.data(mail()))[0])
        queue_id(await client.send(mail()))
        await post.sms(2)
        assert (await client.send(mail())).startswith("450 4.7.1 ")
        await post.reload()
        assert (await client.send(mail())).startswith("450 4.7.1 ")


@journey
async def test_groups_senders_and_style(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        client = await post.client()
        assert (await client.send(mail(), *to("ops"))).startswith("550 5.1.1 ")
        groups = [Group(name="ops", numbers=[OTHER])]
        accounts = [mailer(mail={"senders": ["@example.net"], "subject": "({subject}) "})]
        await post.reload(mail=replace(section(post), groups=groups), accounts=accounts)
        queue_id(await client.send(mail("down", "Subject: db1"), *to("ops")))
        assert await post.texts() == [(OTHER, "(db1) down")]
        assert (await client.send(mail(), sender="a@b.example")).startswith("553 5.7.1 ")
        await post.reload(mail=replace(section(post), groups=[]), accounts=[mailer()])
        assert (await client.send(mail(), *to("ops"))).startswith("550 5.1.1 ")
        queue_id(await client.send(mail("up", "Subject: db1"), sender="a@b.example"))
        assert await post.texts(2) == [(DESTINATION, "up"), (OTHER, "(db1) down")]


@journey
async def test_limits_of_a_mail(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        client = await post.client()
        await post.reload(mail=replace(section(post), max_size=1000, max_recipients=1))
        assert "250-SIZE 1000" in (await client.hello()).split("\n")
        assert (await client.say("MAIL FROM:<a@example.net> SIZE=1001")).startswith("552 5.3.4 ")
        replies = await client.envelope(*to(DESTINATION, OTHER))
        assert replies[2].startswith("452 4.5.3 ")
        assert (await client.data(mail("x\n" * 1000)))[0].startswith("552 5.3.4 ")


@journey
async def test_an_account_that_loses_mail_while_it_is_connected(tmp_path: Path) -> None:
    both = [mailer(), mailer("login", mail={"networks": ()})]
    neither = [replace(it, mail=None) for it in both]
    async with post_office(tmp_path, accounts=both) as post:
        idle, begun, ready, taken = [await post.client() for _ in range(4)]
        by_login = await post.client()
        assert (await by_login.login("login")).startswith("235")
        assert (await begun.say("MAIL FROM:<a@example.net>")).startswith("250")
        assert all(reply.startswith("250") for reply in await ready.envelope(*to(OTHER)))
        with post.held_store() as release:
            await taken.envelope(*to(DESTINATION))
            await taken.content(mail("taken before"))
            await post.taking()
            await post.reload(accounts=neither)
            release()
            queue_id(await taken.reply())
        assert (await idle.send(mail())).startswith("530 5.7.0 ")
        assert (await begun.say(f"RCPT TO:{to(OTHER)[0]}")).startswith("530 5.7.0 ")
        (reply,) = await ready.data(mail())
        assert reply.startswith("451 4.7.0 ")
        assert (await by_login.reply()).startswith("421 4.7.0 ")
        assert await by_login.reply() == ""
        assert await post.texts() == [(DESTINATION, "taken before")]
        await post.settled()
        assert len(post.smsc.received) == 1
        assert not post.gateway.lines_with("mail_fault")

        await post.reload(accounts=both)
        queue_id(await idle.send(mail("again")))
        assert (DESTINATION, "again") in await post.texts(2)


@journey
async def test_a_blocked_account_may_not_send(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        client = await post.client()
        await post.reload(accounts=[mailer(blocked=True)])
        assert (await client.send(mail())).startswith("550 5.7.1 ")
        await post.reload(accounts=[mailer()])
        queue_id(await client.send(mail()))


@journey
async def test_a_new_account_may_send_and_takes_networks_over(tmp_path: Path) -> None:
    old, new = mailer("old", mail={"source": "old"}), mailer("new", mail={"source": "new"})
    async with post_office(tmp_path, accounts=[old]) as post:
        client = await post.client()
        queue_id(await client.send(mail()))
        assert [it.source for it in await post.sms()] == ["old"]
        await post.reload(accounts=[mailer("old", mail={"networks": ()}), new])
        queue_id(await client.send(mail()))
        assert [it.source for it in await post.sms(2)] == ["old", "new"]


@journey
async def test_domains(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        client = await post.client()
        queue_id(await client.send(mail("old"), *to(UNREACHABLE)))
        (old,) = await post.letters()
        assert old.mail["From"].addresses[0].domain == DOMAIN
        await post.reload(mail=replace(section(post), domains=[NEW_DOMAIN, DOMAIN]))
        queue_id(await client.send(mail("new"), f"<79161399002@{NEW_DOMAIN}>", f"<{OTHER}@{DOMAIN}>"))
        new = (await post.letters(2))[1]
        assert new.mail["From"].addresses[0].domain == NEW_DOMAIN
        # What we wrote under either name is ours.
        for got in (old, new):
            trace = f"X-SMSC-Gateway: {got.mail['X-SMSC-Gateway']}"
            assert (await client.send(mail("hello", trace))).startswith("554 5.4.6 ")
        await post.reload(mail=replace(section(post), domains=[NEW_DOMAIN]))
        assert (await client.send(mail())).startswith("554 5.7.1 ")


def tried(post: Post, times: int) -> bool:
    return [it["tries"] for it in post.waiting()] == [times]


@journey
async def test_letters_go_to_the_new_smarthost_soon(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post, a_sink() as other:
        await post.sink.stop()
        queue_id(await post.send(mail(), *to(UNREACHABLE)))
        postman, clock = post.side.postman, post.gateway.clock
        for tries in range(1, 20):
            await post.gateway.until(partial(tried, post, tries))
            if postman._down_until_ms > clock.now_ms() + 120_000:
                break
            clock.advance(700)
        await post.reload(mail=replace(section(post), smarthost=other.section()))
        clock.advance(61)  # the old one would be waited for longer
        await post.gateway.until(lambda: other.mails)
        await post.settled()
        assert len(other.mails) == 1 and not post.sink.mails
        await post.reload(mail=replace(section(post), smarthost=other.section(connections=1)))
        queue_id(await post.send(mail("another"), *to("79161399002")))
        await post.gateway.until(lambda: len(other.mails) == 2)


@journey
async def test_a_smarthost_that_is_new_gets_reports(tmp_path: Path) -> None:
    async with post_office(tmp_path, smarthost=False) as post:
        queue_id(await post.send(mail(), *to(UNREACHABLE)))
        await post.settled()
        await post.reload(mail=replace(section(post), smarthost=post.sink.section()))
        queue_id(await post.send(mail("another"), *to("79161399002")))
        (got,) = await post.letters()
        assert got.report["final-recipient"].startswith("rfc822; 79161399002@")
        await post.reload(mail=replace(section(post), smarthost=None))
        queue_id(await post.send(mail("and another"), *to("79161499002")))
        await post.settled()
        assert len(post.sink.mails) == 1


@journey
async def test_reloads_while_mails_come_in(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:

        async def many(first: int) -> None:
            client = await post.client()
            for number in range(first, first + 10):
                queue_id(await client.send(mail(str(number))))

        senders = [asyncio.create_task(many(first)) for first in (100, 200, 300)]
        for subject in ("{subject}: ", "", "({subject}) ", ""):
            await post.reload(accounts=[mailer(mail={"subject": subject})])
            await post.gateway.ticked()
        await asyncio.gather(*senders)
        sent = [text for _, text in await post.texts(30)]
        assert sent == [str(first + n) for first in (100, 200, 300) for n in range(10)]
        await post.settled()
        assert len(post.smsc.received) == 30
