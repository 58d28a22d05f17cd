"""Nothing that the gateway does by itself dies unseen: it is told, it goes on, or the gateway ends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from journey_support import Gateway, config, connector, gateway_and_smsc, journey, running
from mail_journey_support import mail, post_office, to

from gateway import housekeeping
from gateway.egress.smpp_connector import SmppConnector
from gateway.ops.faults import SHOWN_MS
from gateway.ops.status import status_of


def problems(gateway: Gateway) -> list[str]:
    return [line for line in status_of(gateway.daemon)["problems"] if "fault" in line or "died" in line]


class Odd(Exception):
    """An error that nobody has foreseen."""


def raises(*_: Any) -> None:
    raise Odd("the password is sesame")


@pytest.mark.parametrize("duty", ["_upstreams", "_sessions", "_watch_disk", "_sweep"])
def test_a_duty_that_fails_once_is_told_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, duty: str
) -> None:
    monkeypatch.setattr(housekeeping, "DISK_EVERY", 3)
    monkeypatch.setattr(housekeeping, "SWEEP_EVERY", 3)
    done = getattr(housekeeping.Housekeeping, duty)
    turns: list[int] = []

    def fails_once(self: housekeeping.Housekeeping) -> None:
        turns.append(1)
        if len(turns) == 2:
            raises()
        done(self)

    fails_once.__name__ = duty
    monkeypatch.setattr(housekeeping.Housekeeping, duty, fails_once)

    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path) as (gateway, _):
            line = await gateway.said("fault", f"housekeeping: {duty.strip('_')}", "error=Odd")
            assert "sesame" not in line and "test_journey_supervision.py:" in line
            await gateway.until(lambda: len(turns) >= 2 + housekeeping.FAILURES_MAX)
            assert len(gateway.lines_with(" fault ")) == 1
            [problem] = problems(gateway)
            assert problem.startswith("faults in the gateway itself: 1, ")
            gateway.clock.advance(SHOWN_MS / 1000)
            assert problems(gateway) == []
            assert not gateway.daemon._over.done()

    run()


@journey
async def test_a_duty_that_fails_again_and_again_ends_the_gateway(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        async with running(config(), tmp_path) as gateway:
            patch.setattr(gateway.daemon.dead_alarm, "tick", raises)
            reason = await gateway.daemon.wait()
            assert reason == "housekeeping cannot do its work (sessions: Odd)"
            patch.undo()


@journey
async def test_a_task_for_life_that_dies_ends_the_gateway(tmp_path: Path) -> None:
    async with running(config(), tmp_path) as gateway:
        task = asyncio.create_task(asyncio.to_thread(raises), name="operator link 1")
        task.add_done_callback(gateway.daemon.task_ended)
        assert await gateway.daemon.wait() == "operator link 1 died: Odd, see the fault before"
        line = await gateway.said("fault", "operator link 1", "error=Odd")
        assert "sesame" not in line


@journey
async def test_a_link_to_an_smsc_is_such_a_task(tmp_path: Path) -> None:
    async def dies(_: SmppConnector) -> None:
        raise Odd

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SmppConnector, "_keep", dies)
        async with running(config(connector(1)), tmp_path) as gateway:
            await gateway.said("failed", "smsc link 1 died: Odd")


@journey
async def test_what_nobody_has_caught_is_told_without_its_text(tmp_path: Path) -> None:
    async with running(config(), tmp_path) as gateway:
        loop = asyncio.get_running_loop()
        before = loop.get_exception_handler()
        loop.set_exception_handler(gateway.daemon.faults.handle)
        loop.call_soon(raises, "swordfish")
        line = await gateway.said(" fault ", "error=Odd")
        assert "sesame" not in line and "swordfish" not in line
        forgotten = asyncio.create_task(asyncio.to_thread(raises), name="forgotten")
        await asyncio.wait((forgotten,))
        del forgotten
        await gateway.until(lambda: gateway.daemon.faults.count == 2)
        loop.set_exception_handler(before)
        assert gateway.daemon.faults.last == "Odd in forgotten"
        assert status_of(gateway.daemon)["faults"] == 2


@journey
async def test_a_reader_of_mails_that_cannot_be_started_is_tried_again(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        reader = post.gateway.daemon.mail.reader  # type: ignore[union-attr]
        start, tries = reader.start, []

        async def odd() -> None:
            tries.append(1)
            if len(tries) == 1:
                raise Odd
            await start()

        reader.start = odd  # type: ignore[method-assign]
        assert (await post.send(mail(), *to("79161399002"))).startswith("250 ")
        assert len(tries) == 2
        await post.gateway.said("mail_reader_died")
