"""An SMSC with several addresses, and one that does not want us just now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from journey_support import HOST, UPSTREAM, Gateway, config, connector, journey, running
from scripted_smsc import ScriptedSmsc, scripted_smsc

from gateway.config.model import Address
from gateway.egress import smpp_connection
from protocols.smpp import constants as c
from protocols.smpp.pdu import Pdu, SubmitSm, SubmitSmResp


@asynccontextmanager
async def first_and_backup(
    tmp_path: Path, *, first_up: bool = False, **fields: Any
) -> AsyncIterator[tuple[Gateway, ScriptedSmsc, ScriptedSmsc]]:
    """A gateway that is bound to the first address if it is there, else to the backup."""
    async with scripted_smsc() as first, scripted_smsc() as backup:
        if not first_up:
            await first.close()
        backups = [Address(HOST, backup.port)]
        # A clock that leaps is no reason to ask whether the SMSC is there: it would have no time to answer.
        fields = {"enquire_link_s": 3600, **fields}
        made = config(connector(first.port, backup_addresses=backups, **fields))
        async with running(made, tmp_path) as gateway:
            await gateway.linked()
            yield gateway, first, backup


@journey
async def test_an_smsc_that_is_not_there_is_looked_for_at_its_next_address(tmp_path: Path) -> None:
    async with first_and_backup(tmp_path) as (gateway, first, backup):
        client = await gateway.client()
        await client.submit()
        await gateway.until(lambda: len(backup.taken) == 1)
        assert not first.taken
        await gateway.said("bound", "connector=smsc", f"address=127.0.0.1:{backup.port}")
        await gateway.said("link_lost", "again_in=0.0s")


@journey
async def test_a_link_that_is_lost_goes_to_the_next_address_and_from_the_last_to_the_first(
    tmp_path: Path,
) -> None:
    async with first_and_backup(tmp_path, first_up=True) as (gateway, first, backup):
        assert len(first.connections) == 1
        first.connections[0].transport.abort()
        await gateway.until(lambda: len(backup.connections) == 1)
        await gateway.linked()
        backup.connections[0].transport.abort()
        await gateway.until(lambda: len(first.connections) == 1)
        await gateway.linked()


@journey
async def test_the_first_address_is_taken_again_when_it_is_there(tmp_path: Path) -> None:
    async with first_and_backup(tmp_path) as (gateway, first, backup):
        (old,) = backup.connections
        gateway.clock.advance(61)  # it is not there yet: nothing changes
        await gateway.ticked()
        await gateway.until(lambda: len(gateway.daemon.connectors[UPSTREAM]._waits))  # for the next look
        await first.start(first.port)
        gateway.clock.advance(59)
        await gateway.ticked()
        assert not first.connections
        gateway.clock.advance(61)
        await gateway.said("failed_back", f"address=127.0.0.1:{first.port}")
        assert await old.end() == "unbind by peer"
        await gateway.linked()
        client = await gateway.client()
        await client.submit()
        await gateway.until(lambda: len(first.taken) == 1)
        assert not backup.taken
        assert gateway.daemon.connectors[UPSTREAM].state == "bound"


@journey
async def test_after_the_first_address_that_was_taken_again_comes_the_second(tmp_path: Path) -> None:
    async with scripted_smsc() as first, scripted_smsc() as second, scripted_smsc() as third:
        await first.close()
        backups = [Address(HOST, second.port), Address(HOST, third.port)]
        async with running(config(connector(first.port, backup_addresses=backups)), tmp_path) as gateway:
            await gateway.linked()
            await first.start(first.port)
            gateway.clock.advance(61)
            await gateway.said("failed_back")
            await gateway.until(lambda: not second.connections)
            first.connections[0].transport.abort()
            await gateway.until(lambda: second.connections or third.connections)
            assert not third.connections


@journey
async def test_nothing_is_lost_or_doubled_when_a_link_is_replaced(tmp_path: Path) -> None:
    patient = {"response_timeout_s": 600, "enquire_link_s": 600, "silence_s": 0}
    async with first_and_backup(tmp_path, window=2, **patient) as (gateway, first, backup):
        backup.answer = lambda pdu: None
        client = await gateway.client()
        slow = await client.submit(text=b"slow")
        old, request = await backup.request()
        await first.start(first.port)
        gateway.clock.advance(61)
        await gateway.said("failed_back")
        await client.submit(text=b"fast")
        await gateway.until(lambda: len(first.taken) == 1)
        assert not old.closed.done()
        old.respond(request, SubmitSmResp(message_id="LATE"))
        assert await old.end() == "unbind by peer"
        await gateway.until(lambda: gateway.daemon.upstreams[UPSTREAM].submitted == 2)
        assert [pdu.short_message for pdu in first.taken] == [b"fast"]
        assert gateway.daemon.upstreams[UPSTREAM].doubtful == 0
        assert gateway.states(slow) == ["SENT"]


@journey
async def test_without_fail_back_a_link_stays_where_it_is(tmp_path: Path) -> None:
    async with first_and_backup(tmp_path, fail_back_s=0) as (gateway, first, backup):
        await first.start(first.port)
        gateway.clock.advance(10_000)
        await gateway.ticked()
        assert not first.connections
        assert len(backup.connections) == 1


@journey
async def test_a_first_address_that_refuses_the_login_is_asked_once(tmp_path: Path) -> None:
    async with first_and_backup(tmp_path) as (gateway, first, backup):
        await first.start(first.port)
        first.binds = [c.ESME_RINVPASWD] * 10
        for _ in range(3):
            gateway.clock.advance(61)
            await gateway.said("login_refused")
            await gateway.ticked()
        assert len(first.binds) == 9
        assert len(gateway.lines_with("login_refused")) == 1
        assert len(backup.connections) == 1
        assert gateway.daemon.connectors[UPSTREAM].state == "bound"


@journey
async def test_a_bad_password_is_said_once_for_all_binds(tmp_path: Path) -> None:
    async with scripted_smsc() as smsc:
        smsc.binds = [c.ESME_RINVPASWD] * 100
        async with running(config(connector(smsc.port, binds=5)), tmp_path) as gateway:
            await gateway.said("login_refused", "fix=")
            await gateway.until(lambda: not smsc.connections)
            gateway.clock.advance(1000)
            await gateway.ticked()
            assert len(gateway.lines_with("login_refused")) == 1
            assert len(smsc.binds) >= 95
            assert gateway.daemon.connectors[UPSTREAM].state == "refused"


@journey
async def test_quirk_35_an_smsc_that_needs_a_pause_before_the_next_bind_has_it(tmp_path: Path) -> None:
    async with scripted_smsc() as smsc:
        made = config(connector(smsc.port, rebind_pause_s=40))
        async with running(made, tmp_path) as gateway:
            await gateway.linked()
            smsc.connections[0].transport.abort()
            await gateway.said("link_lost", "again_in=40.0s")
            gateway.clock.advance(39)
            await gateway.ticked()
            assert not smsc.connections
            gateway.clock.advance(2)
            await gateway.linked()


@pytest.mark.parametrize(("pause_s", "waits_s"), [(0, 30), (7, 7)])
def test_quirk_35_an_smsc_that_still_sees_the_old_link_is_left_alone(
    tmp_path: Path, pause_s: float, waits_s: float
) -> None:
    @journey
    async def run() -> None:
        async with scripted_smsc() as smsc:
            smsc.binds = [c.ESME_RALYBND]
            async with running(config(connector(smsc.port, rebind_pause_s=pause_s)), tmp_path) as gateway:
                await gateway.said("still_bound", f"again_in={waits_s:.1f}s", "fix=")
                await gateway.said("link_lost")
                await gateway.until(lambda: not smsc.connections)
                gateway.clock.advance(waits_s - 1)
                await gateway.ticked()
                assert not smsc.connections
                gateway.clock.advance(2)
                await gateway.linked()

    run()


@journey
async def test_a_link_that_retires_gives_up_what_is_never_answered(tmp_path: Path) -> None:
    async with first_and_backup(tmp_path, fail_back_s=2, response_timeout_s=5) as (gateway, first, backup):

        def silent(pdu: Pdu) -> Pdu | None:
            return None if isinstance(pdu, SubmitSm) else backup.take(pdu)

        backup.answer = silent
        client = await gateway.client()
        await client.submit()
        old, _ = await backup.request()
        await first.start(first.port)
        gateway.clock.advance(3)
        await gateway.said("failed_back")
        await gateway.ticked()
        assert not old.closed.done()
        gateway.clock.advance(3)
        await gateway.said("ambiguous", "no response in time")
        gateway.clock.advance(6)  # nor does it answer the unbind
        await old.end()
        assert gateway.daemon.upstreams[UPSTREAM].doubtful == 1
        await gateway.until(lambda: len(first.taken) == 1)


@journey
async def test_an_smsc_that_sends_for_ever_and_reads_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smpp_connection, "UNREAD_MAX", 0)
    async with scripted_smsc() as smsc, running(config(connector(smsc.port)), tmp_path) as gateway:
        await gateway.linked()
        (connection,) = gateway.daemon.connectors[UPSTREAM].connections
        connection._transport.set_write_buffer_limits(high=1 << 16)
        smsc.connections[0].transport.pause_reading()
        connection._transport.write(b"\0" * (1 << 24))
        assert connection.stuck
        await gateway.said("link_lost", "does not read")
        await gateway.until(lambda: gateway.daemon.upstreams[UPSTREAM].up)
