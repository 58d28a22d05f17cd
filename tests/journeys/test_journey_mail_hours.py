"""Sending hours: an SMS waits for them, and its validity with it."""

from __future__ import annotations

from pathlib import Path

from journey_support import DESTINATION, journey
from mail_journey_support import mail, mailer, post_office, queue_id

# The clock of journeys begins at 08:00 in UTC, 11:00 in Moscow.
HOURS = {"hours": "14-21", "time_zone": "Europe/Moscow"}


@journey
async def test_an_sms_waits_for_the_hours(tmp_path: Path) -> None:
    accounts = [mailer(mail=HOURS)]
    async with post_office(tmp_path, accounts=accounts, default_validity_h=1) as post:
        mail_id = queue_id(await post.send(mail("in the morning")))
        post.gateway.clock.advance(3 * 3600 - 10)
        await post.gateway.ticked()
        assert post.ends(mail_id) == ["QUEUED"]
        assert not post.smsc.received
        post.gateway.clock.advance(10)
        assert await post.texts() == [(DESTINATION, "in the morning")]
        await post.settled()
        assert post.ends(mail_id) == ["DELIVERED"]


@journey
async def test_within_the_hours_an_sms_goes_at_once(tmp_path: Path) -> None:
    accounts = [mailer(mail={"hours": "22-12", "time_zone": "Europe/Moscow"})]
    async with post_office(tmp_path, accounts=accounts) as post:
        queue_id(await post.send(mail("at once")))
        assert await post.texts() == [(DESTINATION, "at once")]


@journey
async def test_validity_counts_from_the_beginning_of_the_hours(tmp_path: Path) -> None:
    accounts = [mailer(mail=HOURS)]
    async with post_office(tmp_path, accounts=accounts, default_validity_h=2) as post:
        mail_id = queue_id(await post.send(mail("nobody takes it")))
        await post.smsc.close()
        await post.gateway.linked(links=0)
        post.gateway.clock.advance(5 * 3600 - 10)
        await post.gateway.until(lambda: post.gateway.daemon._housekeeping._ticks > 200)  # sweeps, too
        assert post.ends(mail_id) == ["QUEUED"]
        post.gateway.clock.advance(10)
        await post.gateway.until(lambda: post.ends(mail_id) == ["EXPIRED"])
        (report,) = await post.letters()
        assert report.report["status"] == "5.4.7"
