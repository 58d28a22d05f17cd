"""Letters on their way to a real SMTP server: what is sent, what waits, what is refused, what is down."""

from __future__ import annotations

import asyncio
import email
import email.policy
from typing import Any

import pytest
from postman_support import DROP, Server, changed, cut, office_at, run, serving

from gateway.core.model import Letter, LetterKind
from gateway.egress import mail as postman_module
from gateway.egress.mail import CLAIM, FIRST_RETRY_S, LONGEST_DOWN_S, LONGEST_RETRY_S
from gateway.translate.mail_letter import OutgoingMail, mail_of


def test_letters_are_sent_from_nobody_over_few_connections() -> None:
    async def test() -> None:
        async with serving() as (office, server):
            ids = await office.send(250)
            assert sorted(office.store.sent) == ids
            assert server.opened <= 2
            mails = server.handler.mails
            assert {mail.sender for mail in mails} == {"<>"}
            assert {mail.recipient for mail in mails} == {"ops@example.org"}
            parsed = [email.message_from_bytes(mail.content, policy=email.policy.default) for mail in mails]
            assert len({message["Message-ID"] for message in parsed}) == 250
            assert parsed[0].get_payload() == "On my way\r\n"
            assert office.postman.state == "idle"
            assert (office.postman.sent, office.postman.in_memory) == (250, 0)
            assert len(office.events_named("letter_sent")) == 250

    run(test)


def test_errors_of_a_service_are_read_as_the_services() -> None:
    async def test() -> None:
        async with serving() as (office, server):
            office.postman.services = frozenset({"web"})
            about = {
                "kind": LetterKind.REPORT.value,
                "state": 5,
                "error": "248",
                "message_id": 1,
                "mail_id": 1,
            }
            await office.send(connector="web", **about)
            await office.send(connector="one", **about)
            codes = [b"5.4.4" in mail.content for mail in server.handler.mails]
            assert codes == [True, False]

    run(test)


def test_memory_holds_a_claim_and_a_half_at_the_most() -> None:
    async def test() -> None:
        async with serving() as (office, server):
            server.handler.gate = asyncio.Event()
            ids = office.write(1000)
            await server.handler.at_gate.wait()
            most = 0

            def look() -> bool:
                nonlocal most
                most = max(most, office.postman.in_memory)
                return not office.store.rows

            look()
            assert office.postman.state == "sending"
            server.handler.gate.set()
            await office.store.until(look)
            assert CLAIM <= most <= CLAIM + CLAIM // 2
            assert len(office.store.sent) == len(ids)

    run(test)


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
def test_a_letter_that_is_refused_for_now_waits_longer_each_time(step: str) -> None:
    async def test() -> None:
        async with serving(connections=1) as (office, server):
            waits = []
            server.handler.replies[step] += ["450 4.2.0 come back later"] * 8
            [letter_id] = office.write()
            for _ in range(8):
                [row] = await office.put_off(letter_id)
                assert row.reason == "450 4.2.0 come back later"
                waits.append((row.due_ms - office.clock.now_ms()) / 1000)
                row.reason = ""
                office.advance(waits[-1] - 0.001)
                assert not office.store.is_due
                office.advance(0.001)
            await office.store.until(lambda: office.store.sent)
            for tries, wait_s in enumerate(waits):
                ceiling = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2**tries)
                assert ceiling / 10 - 0.001 <= wait_s <= ceiling
            assert max(waits) > 5 * FIRST_RETRY_S
            assert office.postman.put_off == 8
            assert not office.events_named("smarthost_down")
            assert server.opened == 1

    run(test)


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
def test_a_letter_that_is_refused_for_good_is_dead_and_others_go_on(step: str) -> None:
    async def test() -> None:
        async with serving(connections=1) as (office, server):
            server.handler.replies[step].append("550 5.1.1 nobody of that name")
            first, *others = await office.send(5)
            assert office.store.dead == {first: "550 5.1.1 nobody of that name"}
            assert office.store.sent == others
            [line] = office.events_named("letter_refused")
            assert line.startswith("warning") and 'reason="550 5.1.1 nobody of that name"' in line
            assert office.postman.refused == 1
            assert server.opened == 1

    run(test)


def test_a_recipient_that_is_no_address_is_refused_and_others_go_on() -> None:
    async def test() -> None:
        async with serving(connections=1) as (office, _):
            bad = await office.send(recipient="no address")
            good = await office.send()
            assert list(office.store.dead) == bad
            assert office.store.sent == good

    run(test)


# -- down and up -----------------------------------------------------------------------------------------


def test_while_nothing_gets_through_one_letter_at_a_time_looks_and_one_line_says_so() -> None:
    async def test() -> None:
        server = Server()
        await server.start()
        await server.stop()
        async with office_at(server.port) as office:
            ids = office.write(30)
            rows = await office.put_off(*ids)
            assert office.postman.state == "down"
            assert office.postman.last_error == "Connection refused"
            assert {row.reason for row in rows} == {"Connection refused"}
            assert all(0 < row.due_ms - office.clock.now_ms() <= 1000 * FIRST_RETRY_S for row in rows)
            waits = []
            for _ in range(12):
                claims = len(office.store.claims)
                office.write(2)  # new letters are no reason to try
                wait_s = 0.0
                while len(office.store.claims) == claims:
                    office.advance(0.5)
                    wait_s += 0.5
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                waits.append(wait_s)
                assert office.store.claims[-1][1] == 1
                await office.store.until(lambda: not office.postman.in_memory and not office.store.is_due)
            assert waits[0] <= FIRST_RETRY_S + 0.5
            assert FIRST_RETRY_S < max(waits) <= LONGEST_DOWN_S + 0.5
            [line] = office.events_named("smarthost_down")
            assert line.startswith("warning") and "Connection refused" in line and "fix=-" in line
            await server.start()
            office.advance(LONGEST_DOWN_S)
            await office.store.until(lambda: not office.store.rows)
            assert office.postman.state == "idle"
            assert len(office.events_named("smarthost_up")) == 1
        await server.stop()

    run(test)


def test_one_failure_of_several_connections_at_once_counts_once() -> None:
    async def test() -> None:
        async with serving(connections=4) as (office, server):
            server.handler.always["MAIL"] = "451 4.3.0 disk full"
            ids = office.write(20)
            await office.put_off(*ids)
            assert len(office.events_named("smarthost_down")) == 1
            server.handler.always.clear()
            office.advance(FIRST_RETRY_S)
            await office.store.until(lambda: not office.store.rows)

    run(test)


@pytest.mark.parametrize(
    ("reply", "level"),
    [
        ("550 5.7.1 not from <>", "error"),
        ("530 5.7.0 authentication required", "error"),
        ("452 4.3.1 disk full", "warning"),
        ("421 4.3.2 shutting down", "warning"),
    ],
)
def test_what_is_no_fault_of_the_letter_is_no_refusal_of_it(reply: str, level: str) -> None:
    async def test() -> None:
        async with serving(connections=1) as (office, server):
            server.handler.always["MAIL"] = reply
            ids = office.write(3)
            rows = await office.put_off(*ids)
            assert {row.reason for row in rows} == {reply}
            assert not office.store.dead
            await server.until_closed()  # the next look begins with a new connection
            [line] = office.events_named("smarthost_down")
            assert line.startswith(level)
            assert ("fix=-" in line) == (level == "warning")

    run(test)


def test_a_login_that_a_relay_asks_for_at_rcpt_is_no_refusal_either() -> None:
    async def test() -> None:
        async with serving(connections=1) as (office, server):
            server.handler.always["RCPT"] = "530 5.7.0 authentication required"
            await office.put_off(*office.write(3))
            assert not office.store.dead
            assert office.events_named("smarthost_down")[0].startswith("error")

    run(test)


@pytest.mark.parametrize("options", [{}, {"timeout_s": 7.0}], ids=["of the same", "of something else"])
def test_a_reload_looks_at_once_whether_the_smarthost_was_mended(options: dict[str, float]) -> None:
    async def test() -> None:
        async with serving(connections=1) as (office, server):
            server.handler.always["MAIL"] = "550 5.7.1 not from here"
            [letter_id] = office.write()
            for _ in range(6):
                [row] = await office.put_off(letter_id)
                row.reason = ""
                office.advance(LONGEST_RETRY_S)
            await office.put_off(letter_id)
            server.handler.always.clear()
            changed(office, **options)
            # the letter itself is due soon, however long the smarthost was down
            office.advance(FIRST_RETRY_S)
            await office.store.until(lambda: office.store.sent == [letter_id])

    run(test)


def test_a_letter_that_breaks_connections_lets_the_others_go_first() -> None:
    async def test() -> None:
        async with serving(connections=1) as (office, server):
            server.handler.replies["DATA"].append(DROP)
            first, *others = office.write(4)
            await office.put_off(first)
            office.advance(FIRST_RETRY_S)
            await office.store.until(lambda: office.store.sent)
            assert office.store.sent[0] == others[0]
            office.advance(2 * FIRST_RETRY_S)
            await office.store.until(lambda: not office.store.rows)
            assert office.store.sent[-1] == first

    run(test)


@pytest.mark.parametrize("step", ["MAIL", "RCPT"])
@pytest.mark.parametrize("reply", [DROP, "421 4.4.2 idle for too long"])
def test_a_kept_connection_that_is_over_is_made_anew_without_a_word(step: str, reply: str) -> None:
    async def test() -> None:
        async with serving(connections=1) as (office, server):
            await office.send()
            server.handler.replies[step].append(reply)
            await office.send()
            assert server.opened == 2
            assert not office.events_named("smarthost_down")
            for protocol in tuple(server.open):
                cut(protocol)
            await office.send()
            assert not office.events_named("smarthost_down")
            assert len(office.store.sent) == 3 and office.postman.put_off == 0

    run(test)


def test_a_connection_that_is_idle_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postman_module, "IDLE_S", 0.01)

    async def test() -> None:
        async with serving(connections=1) as (office, server):
            await office.send()
            await server.until_closed()
            await office.send()
            assert server.opened == 2

    run(test)


# -- the store -------------------------------------------------------------------------------------------


def test_what_comes_while_the_store_looks_is_not_forgotten() -> None:
    async def test() -> None:
        async with serving(connections=1) as (office, _):
            office.store.held = True
            office.postman.wake()
            _, end = office.store.take()  # this claim finds nothing
            office.write()
            office.postman.claimed([], None)
            end(True, None)
            office.store.held = False
            office.advance(0.05)
            await office.store.until(lambda: office.store.sent)
            await office.store.until(lambda: not office.store.is_due)
            claims = len(office.store.claims)
            office.advance(3600)
            assert not office.store.is_due and len(office.store.claims) == claims

    run(test)


def test_a_letter_put_off_while_the_store_looks_is_not_forgotten() -> None:
    async def test() -> None:
        async with serving(connections=1) as (office, server):
            server.handler.replies["RCPT"].append("450 later")
            server.handler.gate = asyncio.Event()
            [letter_id] = office.write()
            row = office.store.rows[letter_id]
            await office.store.until(lambda: row.claimed)
            office.store.held = True
            office.postman.wake()  # a claim is under way when the letter is put off
            batch, end = office.store.take()
            assert batch.letter_claims
            await office.store.until(lambda: office.store.batch.letters_put_off)
            office.postman.claimed([], None)
            end(True, None)
            office.store.held = False
            office.store.wake()
            await office.put_off(letter_id)
            server.handler.gate.set()
            office.advance(FIRST_RETRY_S)
            await office.store.until(lambda: office.store.sent)

    run(test)


def test_a_store_that_cannot_write_is_asked_again() -> None:
    async def test() -> None:
        async with serving() as (office, _):
            office.store.fails = True
            office.write()
            await office.store.until(lambda: not office.store.is_due)
            office.store.fails = False
            office.store.error = "disk full"
            office.advance(1)
            assert not office.store.is_due
            office.store.error = ""
            office.advance(1)
            await office.store.until(lambda: office.store.sent)

    run(test)


def test_a_fault_with_one_letter_stops_neither_the_others_nor_the_gateway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def faulty(letter: Letter, *args: Any, **kwargs: Any) -> OutgoingMail:
        if letter.letter_id == 1:
            raise ZeroDivisionError
        return mail_of(letter, *args, **kwargs)

    monkeypatch.setattr(postman_module, "mail_of", faulty)

    async def test() -> None:
        async with serving(connections=1) as (office, _):
            bad, good = office.write(2)
            [row] = await office.put_off(bad)
            await office.store.until(lambda: office.store.sent == [good])
            assert row.due_ms > office.clock.now_ms()
            assert "ZeroDivisionError in " in row.reason
            assert len(office.events_named("letter_fault")) == 1
            assert not any(task.done() for task in office.tasks)
            assert office.postman.in_memory == 0

    run(test)
