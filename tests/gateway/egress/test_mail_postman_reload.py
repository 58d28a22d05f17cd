"""Letters when the configuration changes or the gateway stops, and what a letter needs of the smarthost."""

from __future__ import annotations

import asyncio
import email
import email.policy
from typing import Any

import pytest
from aiosmtplib import SMTPDataError
from postman_support import Server, changed, report, run, serving

from gateway.egress.mail_connection import _reason

# -- reload and stop -------------------------------------------------------------------------------------


def test_each_connection_has_a_task_with_a_name_and_a_reload_changes_how_many() -> None:
    async def test() -> None:
        async with serving(connections=2) as (office, _):
            assert [task.get_name() for task in office.tasks] == ["smarthost 1", "smarthost 2"]
            new = changed(office, connections=3)
            assert [task.get_name() for task in new] == ["smarthost 3"]
            assert changed(office, connections=1) == []
            await asyncio.wait_for(asyncio.gather(*office.tasks[1:]), 60)
            assert not office.tasks[0].done()
            assert len(changed(office, connections=2)) == 1
            await office.send(10)

    run(test)


def test_a_reload_moves_to_the_new_smarthost() -> None:
    async def test() -> None:
        other = Server()
        await other.start()
        async with serving(connections=1) as (office, server):
            await office.send()
            changed(office, address=office.postman.smarthost.address._replace(port=other.port))
            await office.send()
            assert len(server.handler.mails) == len(other.handler.mails) == 1
            assert not server.open
        await other.stop()

    run(test)


def test_a_stop_finishes_what_is_under_way_and_puts_back_the_rest() -> None:
    async def test() -> None:
        async with serving(connections=2) as (office, server):
            server.handler.gate = asyncio.Event()
            ids = office.write(10)
            await server.handler.at_gate.wait()
            stopping = asyncio.create_task(office.postman.stop(5))
            await office.store.until(lambda: sum(not row.claimed for row in office.store.rows.values()) == 8)
            assert office.postman.state == "stopped"
            server.handler.gate.set()
            await stopping
            await office.store.until(lambda: len(office.store.sent) == 2)
            waiting = office.store.rows.values()
            assert len(waiting) == 8 and all(row.due_ms <= office.clock.now_ms() for row in waiting)
            office.write()
            assert not office.store.is_due
            assert len(ids) == 10

    run(test)


def test_a_stop_waits_no_longer_than_it_may() -> None:
    async def test() -> None:
        async with serving(connections=1) as (office, server):
            server.handler.gate = asyncio.Event()
            [letter_id] = office.write()
            await server.handler.at_gate.wait()
            await office.postman.stop(0.01)
            [row] = await office.put_off(letter_id)
            assert "stopped" in row.reason
            server.handler.gate.set()

    run(test)


def test_a_claim_that_comes_back_after_the_stop_is_put_back() -> None:
    async def test() -> None:
        async with serving(connections=1) as (office, server):
            office.store.held = True
            [letter_id] = office.write()
            await office.postman.stop(5)
            office.store.held = False
            office.store.wake()
            await office.put_off(letter_id)
            assert not server.handler.mails

    run(test)


# -- what a letter needs ---------------------------------------------------------------------------------

EIGHT_BIT = b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xd0\x96\r\n"


@pytest.mark.parametrize("offered", [True, False])
def test_an_8bit_mail_comes_back_whole_only_where_8bit_is_offered(offered: bool) -> None:
    async def test() -> None:
        async with serving() as (office, server):
            if not offered:
                server.handler.without.add("8BITMIME")
            await office.send(**report(EIGHT_BIT))
            [mail] = server.handler.mails
            assert ("BODY=8BITMIME" in mail.options) == offered == (b"\xd0\x96" in mail.content)
            size = [option for option in mail.options if option.startswith("SIZE=")]
            assert size == [f"SIZE={len(mail.content)}"]

    run(test)


def test_a_report_that_is_too_large_brings_back_the_header() -> None:
    async def test() -> None:
        async with serving(Server(data_size_limit=5000)) as (office, server):
            await office.send(**report(EIGHT_BIT + b"line\r\n" * 1000))
            await office.send(**report(EIGHT_BIT + b"line\r\n" * 10))
            large, small = server.handler.mails
            assert b"text/rfc822-headers" in large.content and b"message/rfc822" in small.content

    run(test)


def test_a_mail_that_the_smarthost_finds_too_large_is_refused_alone() -> None:
    async def test() -> None:
        async with serving() as (office, server):
            server.handler.replies["MAIL"].append("552 5.3.4 too large")
            await office.send()
            await office.send()
            assert len(office.store.dead) == len(office.store.sent) == 1

    run(test)


@pytest.mark.parametrize("offered", [True, False])
def test_an_address_outside_ascii_goes_by_smtputf8_or_not_at_all(offered: bool) -> None:
    async def test() -> None:
        async with serving(Server(enable_SMTPUTF8=offered), connections=1) as (office, server):
            await office.send(recipient="дежурный@example.org")
            await office.send()
            assert [mail.recipient for mail in server.handler.mails] == (
                ["дежурный@example.org", "ops@example.org"] if offered else ["ops@example.org"]
            )
            if offered:
                assert "SMTPUTF8" in server.handler.mails[0].options
            else:
                assert ["SMTPUTF8" in reason for reason in office.store.dead.values()] == [True]

    run(test)


def test_dots_at_the_beginning_of_lines_survive() -> None:
    async def test() -> None:
        async with serving() as (office, server):
            await office.send(text=".\n..\n.end\nQUIT")
            message: Any = email.message_from_bytes(server.handler.mails[0].content)
            assert message.get_payload(decode=True) == b".\r\n..\r\n.end\r\nQUIT\r\n"

    run(test)


def test_an_answer_of_any_octets_can_be_stored() -> None:
    reason = _reason(SMTPDataError(550, b"no \xff\nreally \x00".decode("utf-8", "surrogateescape")))
    assert reason.encode("utf-8").startswith(b"550 no")
    assert "\n" not in reason
