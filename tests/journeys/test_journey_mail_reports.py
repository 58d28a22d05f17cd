"""What a mail's sender hears of its SMS: reports and notices of delay, as mail servers understand them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from journey_support import DESTINATION, journey, simulated_smsc
from mail_journey_support import (
    DOMAIN,
    OTHER,
    SENDER,
    UNREACHABLE,
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

ID = "<1@client.example.net>"
HOUR_S = 3600


async def outcomes(post: Post) -> list[tuple[str, str]]:
    """Numbers and actions of all reports, once everything has ended."""
    await post.settled()
    reports = [got.report for got in post.sink.mails]
    return sorted((it["final-recipient"].partition("@")[0][-11:], it["action"]) for it in reports)


@journey
async def test_a_failure_is_reported_and_a_success_is_not(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        octets = mail("secret text", "Subject: Alert", header_id=ID)
        mail_id = queue_id(await post.send(octets, *to(DESTINATION, UNREACHABLE)))
        (got,) = await post.letters()
        assert await outcomes(post) == [(UNREACHABLE, "failed")]
        assert (got.sender, got.recipients) == ("<>", [SENDER])
        assert got.mail["To"] == SENDER
        assert got.mail["From"].addresses[0].addr_spec == f"postmaster@{DOMAIN}"
        assert got.mail["Auto-Submitted"] == "auto-replied"
        assert got.mail["In-Reply-To"] == got.mail["References"] == ID
        assert f"+{UNREACHABLE} was not delivered" in got.mail["Subject"]
        assert f"+{UNREACHABLE}" in got.text and mail_id in got.text and "secret" not in got.text
        report = got.report
        assert report["reporting-mta"] == f"dns; {DOMAIN}"
        assert report["final-recipient"] == f"rfc822; {UNREACHABLE}@{DOMAIN}"
        assert report["status"].startswith("5.")
        assert report["diagnostic-code"].endswith("err:001")
        returned = list(got.mail.iter_parts())[2]
        assert returned.get_content_type() == "text/rfc822-headers"
        text = str(returned.get_payload())
        assert "Subject: Alert" in text and "secret" not in text


@journey
async def test_each_recipient_that_failed_has_a_report_of_its_own(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        refused = "79161399011"
        queue_id(await post.send(mail(), *to(UNREACHABLE, refused, OTHER)))
        assert await outcomes(post) == [(UNREACHABLE, "failed"), (refused, "failed")]
        statuses = {it.report["final-recipient"][8:19]: it.report["status"] for it in post.sink.mails}
        assert statuses[refused] == "5.1.1"
        assert len({got.mail["Message-ID"] for got in post.sink.mails}) == 2


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        ("never", []),
        ("failure", [(UNREACHABLE, "failed")]),
        ("always", [(DESTINATION, "delivered"), (UNREACHABLE, "failed")]),
    ],
)
def test_the_account_says_what_is_reported(
    tmp_path: Path, report: str, expected: list[tuple[str, str]]
) -> None:
    @journey
    async def run() -> None:
        async with post_office(tmp_path, accounts=[mailer(mail={"report": report})]) as post:
            queue_id(await post.send(mail(), *to(DESTINATION, UNREACHABLE)))
            await post.sms(2)
            assert await outcomes(post) == sorted(expected)

    run()


@pytest.mark.parametrize(
    ("notify", "actions"),
    [
        ("NEVER", []),
        ("SUCCESS", ["delivered"]),
        ("FAILURE", ["failed"]),
        ("SUCCESS,FAILURE", ["delivered", "failed"]),
        ("DELAY", []),
    ],
)
@pytest.mark.parametrize("report", ["never", "always"])
def test_what_the_mail_asks_for_goes_before_the_account(
    tmp_path: Path, notify: str, actions: list[str], report: str
) -> None:
    @journey
    async def run() -> None:
        async with post_office(tmp_path, accounts=[mailer(mail={"report": report})]) as post:
            recipients = to(f"{DESTINATION}|NOTIFY={notify}", f"{UNREACHABLE}|NOTIFY={notify}")
            queue_id(await post.send(mail(), *recipients))
            await post.sms(2)
            assert [action for _, action in await outcomes(post)] == actions

    run()


@pytest.mark.parametrize(("ret", "whole"), [("FULL", True), ("HDRS", False)])
def test_envid_orcpt_and_ret_come_back(tmp_path: Path, ret: str, whole: bool) -> None:
    @journey
    async def run() -> None:
        async with post_office(tmp_path) as post:
            recipient = to(f"{UNREACHABLE}|ORCPT=rfc822;oncall+2Bnight@example.net")
            queue_id(await post.send(mail("the text"), *recipient, options=f" RET={ret} ENVID=a+2Bb"))
            (got,) = await post.letters()
            assert got.report["original-envelope-id"] == "a+b"
            assert got.report["original-recipient"] == "rfc822; oncall+night@example.net"
            returned = list(got.mail.iter_parts())[2]
            assert returned.get_content_type() == ("message/rfc822" if whole else "text/rfc822-headers")
            assert ("the text" in returned.as_string()) == whole

    run()


@pytest.mark.parametrize(
    ("sender", "field"),
    [
        ("", ""),
        (SENDER, "Auto-Submitted: auto-generated"),
        (SENDER, "Precedence: bulk"),
        (SENDER, "List-Id: <alerts.example.net>"),
    ],
)
def test_security_58_what_must_not_be_answered_is_not(tmp_path: Path, sender: str, field: str) -> None:
    @journey
    async def run() -> None:
        async with post_office(tmp_path, accounts=[mailer(mail={"report": "always"})]) as post:
            octets = mail("hello", *filter(None, [field]))
            recipients = to(f"{UNREACHABLE}|NOTIFY=FAILURE,DELAY", f"{DESTINATION}|NOTIFY=SUCCESS", OTHER)
            queue_id(await post.send(octets, *recipients, sender=sender))
            await post.sms(3)
            assert await outcomes(post) == []

    run()


@journey
async def test_without_a_smarthost_no_letters_pile_up(tmp_path: Path) -> None:
    async with post_office(tmp_path, smarthost=False) as post:
        silent = "79161299106"  # gets no receipt
        recipients = to(f"{UNREACHABLE}|NOTIFY=FAILURE", f"{silent}|NOTIFY=DELAY,FAILURE", "79161399011")
        mail_id = queue_id(await post.send(mail(), *recipients))
        await post.gateway.until(lambda: "QUEUED" not in post.ends(mail_id))
        post.gateway.clock.advance(200 * HOUR_S)
        await post.settled()
        assert not post.gateway.listing("letters")


@journey
async def test_a_delay_is_told_once_and_then_the_end(tmp_path: Path) -> None:
    async with post_office(tmp_path, mail={"delay_notice_h": 4}) as post:
        port = post.smsc.port
        await post.smsc.close()
        await post.gateway.linked(links=0)
        asked = to(f"{DESTINATION}|NOTIFY=SUCCESS,DELAY", f"{OTHER}|NOTIFY=SUCCESS")
        queue_id(await post.send(mail("Alert"), *asked))
        post.gateway.clock.advance(4 * HOUR_S - 10)
        ticks = post.gateway.daemon._housekeeping._ticks
        await post.gateway.until(lambda: post.gateway.daemon._housekeeping._ticks > ticks + 50)
        assert not post.gateway.listing("letters") and not post.sink.mails
        post.gateway.clock.advance(20)
        (notice,) = await post.letters()
        assert (notice.report["action"], notice.report["status"]) == ("delayed", "4.4.7")
        assert notice.report["final-recipient"] == f"rfc822; {DESTINATION}@{DOMAIN}"
        assert "will-retry-until" in notice.report
        post.gateway.clock.advance(5 * HOUR_S)
        ticks = post.gateway.daemon._housekeeping._ticks
        await post.gateway.until(lambda: post.gateway.daemon._housekeeping._ticks > ticks + 50)
        assert not post.waiting() and len(post.sink.mails) == 1
        await post.smsc.start(port=port)
        await post.sms(2)
        assert await outcomes(post) == [
            (DESTINATION, "delayed"),
            (DESTINATION, "delivered"),
            (OTHER, "delivered"),
        ]


# -- the smarthost -------------------------------------------------------------------------------------


@journey
async def test_letters_wait_for_a_smarthost_that_is_down_and_go_once(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        await post.sink.stop()
        queue_id(await post.send(mail(), *to(UNREACHABLE, "79161399002")))
        await post.gateway.said("smarthost_down")
        await post.gateway.until(lambda: [it["tries"] > 0 for it in post.waiting()] == [True, True])
        post.gateway.clock.advance(70)
        await post.gateway.ticked()
        assert len(post.waiting()) == 2
        await post.sink.start()
        await post.letters_in_time(2)
        await post.gateway.said("smarthost_up")
        assert await outcomes(post) == [(UNREACHABLE, "failed"), ("79161399002", "failed")]
        assert not post.dead()


def tried(post: Post, times: int) -> bool:
    return [it["tries"] for it in post.waiting()] == [times]


@pytest.mark.parametrize("answer", ["451 4.3.0 later", "421 4.3.2 closing", ""])
def test_a_letter_that_was_not_taken_goes_again(tmp_path: Path, answer: str) -> None:
    @journey
    async def run() -> None:
        async with post_office(tmp_path) as post:
            post.sink.answers = [answer, answer]
            queue_id(await post.send(mail(), *to(UNREACHABLE)))
            for tries in (1, 2):
                await post.gateway.until(partial(tried, post, tries))
                assert not post.sink.mails
                post.gateway.clock.advance(2 * HOUR_S)
            assert await outcomes(post) == [(UNREACHABLE, "failed")]
            assert post.sink.tries == 3

    run()


@journey
async def test_a_letter_that_is_refused_for_good_is_a_dead_letter(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        post.sink.answers = ["550 5.1.1 no such mailbox"]
        mail_id = queue_id(await post.send(mail(), *to(UNREACHABLE)))
        await post.gateway.until(post.dead)
        (dead,) = post.gateway.listing("letters")
        assert (dead["kind"], dead["recipient"], dead["mail_id"]) == ("report", SENDER, mail_id)
        assert "550 5.1.1 no such mailbox" in dead["reason"]
        await post.gateway.said("letter_refused", mail_id)
        post.gateway.clock.advance(2 * HOUR_S)
        queue_id(await post.send(mail("another"), *to("79161399002")))  # others go on
        assert await outcomes(post) == [("79161399002", "failed")]
        assert post.sink.tries == 2


@journey
async def test_a_letter_outlives_a_restart(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc, a_sink() as sink:
        made = mail_config(smsc, sink)
        await sink.stop()
        async with posting(made, tmp_path, smsc, sink) as post:
            queue_id(await post.send(mail(), *to(UNREACHABLE)))
            await post.gateway.said("smarthost_down")
        await sink.start()
        async with posting(made, tmp_path, smsc, sink, later_s=2 * HOUR_S) as post:
            await post.letters()
            assert await outcomes(post) == [(UNREACHABLE, "failed")]
