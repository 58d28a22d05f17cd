"""Who listens to events: what he gets, what he missed, and when he is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from gateway.core import hub as h
from gateway.core.hub import HEARTBEAT, Event, Hub, Stream, TooManyStreams

START_MS = 1_750_000_000_000


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


async def taken(stream: AsyncIterator[list[Event]], count: int) -> list[Event]:
    found: list[Event] = []
    while len(found) < count:
        found += await anext(stream)
    assert len(found) == count
    return found


async def rest(stream: Stream) -> list[Event]:
    """What a stream still gives out before it ends."""
    return [event async for some in stream for event in some]


@pytest.fixture
def hub() -> Hub:
    return Hub(START_MS)


def test_each_listener_of_an_account_hears_it_and_nobody_else(hub: Hub) -> None:
    async def test() -> None:
        first, second, other = hub.open("app", 0.0), hub.open("app", 0.0), hub.open("other", 0.0)
        hub.publish("app", "accepted", 1, b"{}")
        hub.publish("app", "ended", 1, b"{}")
        assert [event.name for event in await taken(first, 2)] == ["accepted", "ended"]
        assert [event.name for event in await taken(second, 2)] == ["accepted", "ended"]
        hub.close()
        assert await rest(other) == []

    run(test)


def test_who_waits_is_roused_by_what_comes(hub: Hub) -> None:
    async def test() -> None:
        stream = hub.open("app", 0.0)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        assert not waiting.done()
        hub.publish("app", "ended", 7, b"{}")
        assert [event.message_id for event in await waiting] == [7]

    run(test)


def test_what_has_come_meanwhile_is_given_out_together(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(h, "AT_ONCE", 3)

    async def test() -> None:
        stream = hub.open("app", 0.0)
        for message_id in range(1, 6):
            hub.publish("app", "ended", message_id, b"{}")
        assert [[event.message_id for event in await anext(stream)] for _ in range(2)] == [[1, 2, 3], [4, 5]]

    run(test)


def test_a_listener_of_one_message_hears_of_no_other(hub: Hub) -> None:
    async def test() -> None:
        stream = hub.open("app", 0.0, 2)
        for message_id in (1, 2, 3):
            hub.publish("app", "ended", message_id, b"{}")
        stream.close()
        assert [event.message_id for event in await rest(stream)] == [2]

    run(test)


def test_nothing_is_kept_of_accounts_that_nobody_listens_to(hub: Hub) -> None:
    assert not hub
    hub.publish("app", "ended", 1, b"{}")
    assert not hub
    assert not hub.wants("app")
    stream = hub.open("app", 0.0)
    assert hub
    assert hub.wants("app")
    assert not hub.wants("other")
    stream.close()
    hub.tick(h.LINGER_S - 1)
    assert hub.wants("app"), "he may come again"
    hub.tick(h.LINGER_S)
    assert not hub.wants("app")


def test_who_comes_again_gets_what_he_missed(hub: Hub) -> None:
    async def test() -> None:
        stream = hub.open("app", 0.0)
        hub.publish("app", "accepted", 1, b"{}")
        (seen,) = await taken(stream, 1)
        stream.close()
        hub.publish("app", "ended", 1, b"{}")
        hub.publish("app", "accepted", 2, b"{}")
        missed = hub.since("app", seen.number)
        assert missed is not None
        assert [(event.name, event.message_id) for event in missed] == [("ended", 1), ("accepted", 2)]
        assert hub.since("app", hub.newest) == []

    run(test)


def test_what_is_not_there_any_more_is_a_gap(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(h, "RING", 3)
    hub.open("app", 0.0)
    before = hub.newest
    for message_id in range(1, 5):
        hub.publish("app", "ended", message_id, b"{}")
    assert hub.since("app", before) is None, "the first one has left the ring"
    kept = hub.since("app", before + 1)
    assert kept is not None
    assert [event.message_id for event in kept] == [2, 3, 4]


def test_a_number_of_an_earlier_run_or_of_none_is_a_gap(hub: Hub) -> None:
    hub.open("app", 0.0)
    hub.publish("app", "ended", 1, b"{}")
    assert hub.since("app", hub.newest + 1) is None
    assert hub.since("app", 0) is None
    assert hub.since("other", hub.newest) is None
    later = Hub(START_MS + 1)
    later.open("app", 0.0)
    assert later.newest > hub.newest
    assert later.since("app", hub.newest) is None


def test_a_quiet_stream_has_a_heartbeat(hub: Hub) -> None:
    async def test() -> None:
        stream = hub.open("app", 0.0)
        hub.tick(h.HEARTBEAT_S - 1)
        hub.publish("app", "ended", 1, b"{}")
        hub.tick(h.HEARTBEAT_S)
        assert [event.name for event in await taken(stream, 1)] == ["ended"]
        hub.tick(2 * h.HEARTBEAT_S - 1)
        assert await taken(stream, 1) == [HEARTBEAT]
        stream.close()
        assert await rest(stream) == []

    run(test)


def test_who_does_not_read_is_dropped_when_too_much_waits(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(h, "WAITING", 2)

    async def test() -> None:
        slow, quick = hub.open("app", 0.0), hub.open("app", 0.0)
        for message_id in range(1, 4):
            hub.publish("app", "ended", message_id, b"{}")
            assert (await taken(quick, 1))[0].message_id == message_id
        assert slow.is_closed
        assert await rest(slow) == []
        assert not quick.is_closed

    run(test)


def test_who_does_not_read_for_a_while_is_dropped(hub: Hub) -> None:
    stream = hub.open("app", 0.0)
    hub.publish("app", "ended", 1, b"{}")
    hub.tick(h.STUCK_S - 1)
    assert not stream.is_closed
    hub.tick(h.STUCK_S)
    assert stream.is_closed


def test_who_reads_is_not_dropped_however_old_his_stream_is(hub: Hub) -> None:
    async def test() -> None:
        stream = hub.open("app", 0.0)
        for round_ in range(1, 10):
            hub.tick(round_ * h.STUCK_S)
            await taken(stream, 1)
        hub.publish("app", "ended", 1, b"{}")
        hub.tick(9 * h.STUCK_S + 1)
        assert not stream.is_closed

    run(test)


def test_an_account_has_so_many_streams_and_no_more(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(h, "STREAMS", 2)
    first, _ = hub.open("app", 0.0), hub.open("app", 0.0, 1)
    with pytest.raises(TooManyStreams):
        hub.open("app", 0.0)
    hub.open("other", 0.0)
    first.close()
    hub.open("app", 0.0)


def test_an_account_that_may_not_listen_any_more_loses_its_streams(hub: Hub) -> None:
    async def test() -> None:
        stream = hub.open("app", 0.0)
        waiting = asyncio.ensure_future(rest(stream))
        await asyncio.sleep(0)
        hub.drop("app")
        hub.drop("app")
        assert await waiting == []
        assert not hub.wants("app")
        assert hub.accounts() == ()
        stream.close()

    run(test)
