"""What goes wrong between the end of a mail and its answer leaves nothing behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from journey_support import DESTINATION, journey
from mail_journey_support import DOMAIN, OTHER, MailClient, Post, mail, mailer, post_office, queue_id, to

from gateway.config.mail_model import Group
from gateway.ingress import mail_intake
from protocols.mail.message import Reading, Style

ID = "<1@client.example.net>"


class HeldReader:
    """Reads mails, and gives them back when it is told to."""

    def __init__(self, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads = asyncio.Event()
        self.release = asyncio.Event()
        self._read = post.side.reader.read
        monkeypatch.setattr(post.side.intake, "_reader", self)

    async def read(self, raw: bytes, style: Style) -> Reading:
        reading: Reading = await self._read(raw, style)
        self.reads.set()
        await self.release.wait()
        return reading


async def sent(client: MailClient, octets: bytes) -> asyncio.Task[str]:
    """A mail up to its end; the task waits for the reply."""
    assert all(reply.startswith("250") for reply in await client.envelope(*to(DESTINATION)))
    await client.content(octets)
    return asyncio.create_task(client.reply())


@pytest.mark.parametrize("comes_back", [False, True])
def test_an_account_that_goes_while_its_mail_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, comes_back: bool
) -> None:
    @journey
    async def run() -> None:
        accounts = [mailer(), mailer("other", mail={"networks": ()})]
        async with post_office(tmp_path, accounts=accounts) as post:
            held = HeldReader(post, monkeypatch)
            reply = await sent(await post.client(), mail(header_id=ID))
            await held.reads.wait()
            await post.reload(accounts=accounts[1:])
            if comes_back:
                await post.reload(accounts=accounts)
            held.release.set()
            assert (await reply).startswith("451 4.7.0 ")
            await post.reload(accounts=accounts)
            assert post.gateway.daemon.submission.open_messages == 0
            queue_id(await post.send(mail(header_id=ID)))
            assert post.gateway.daemon.accounts["app"].open_messages == 1
            await post.settled()
            assert post.gateway.daemon.accounts["app"].open_messages == 0
            assert len(post.smsc.received) == 1

    run()


@pytest.mark.parametrize("name", ["_key", "_returned"])
def test_a_fault_in_a_mail_sends_no_sms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    @journey
    async def run() -> None:
        async with post_office(tmp_path) as post:
            with monkeypatch.context() as broken:
                broken.delattr(mail_intake, name)
                assert (await post.send(mail(header_id=ID))).startswith("451 4.3.0 ")
            assert post.gateway.daemon.submission.open_messages == 0
            queue_id(await post.send(mail(header_id=ID)))
            await post.settled()
            assert len(post.smsc.received) == 1

    run()


@journey
async def test_a_number_gets_one_sms_where_all_senders_are_the_accounts(tmp_path: Path) -> None:
    async with post_office(tmp_path, accounts=[mailer(forced_source="Example")]) as post:
        queue_id(await post.send(mail(), *to(DESTINATION, f"/id={DESTINATION}/from=INFO/")))
        await post.gateway.emptied()
        assert [it.pdu.source_addr for it in post.smsc.received] == ["Example"]


@journey
async def test_a_number_that_is_there_twice_gets_one_sms(tmp_path: Path) -> None:
    groups = [Group(name="ops", numbers=[DESTINATION, OTHER, DESTINATION])]
    async with post_office(tmp_path, mail={"groups": groups}) as post:
        twice = (f"{DESTINATION}|NOTIFY=NEVER", f"+{DESTINATION}|NOTIFY=SUCCESS", "ops|NOTIFY=NEVER", "ops")
        queue_id(await post.send(mail(), *to(*twice, f"/id={DESTINATION}/from=INFO/")))
        assert await post.texts(3) == [(DESTINATION, "hello"), (DESTINATION, "hello"), (OTHER, "hello")]
        assert sorted(it.source for it in post.smsc.received) == ["", "", "INFO"], "another sender is another"
        await post.settled()
        (letter,) = await post.letters()
        assert letter.report["final-recipient"] == f"rfc822; {DESTINATION}@{DOMAIN}"


@journey
async def test_the_same_mail_again_does_not_use_up_the_pairs_hour(tmp_path: Path) -> None:
    async with post_office(tmp_path, mail={"max_per_pair_h": 2}) as post:
        first = queue_id(await post.send(mail(header_id=ID)))
        assert [queue_id(await post.send(mail(header_id=ID))) for _ in range(3)] == [first] * 3
        queue_id(await post.send(mail("second")))
        assert (await post.send(mail("third"))).startswith("450 4.7.1 ")
