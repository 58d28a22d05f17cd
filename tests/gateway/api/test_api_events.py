"""The stream of events: what is told, in which form, to whom, and for how long."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from gateway_fakes import NOW_MS
from json_api import OTHER, TO, ApiDesk, MakeApi, http_account, stream_of

from gateway.api import events
from gateway.core import hub as hubs
from gateway.core.batch import Batch
from gateway.core.model import MessageState

ENDED = ("app", 7, "r-1", TO, MessageState.DELIVERED.value, "", NOW_MS)


def parsed(chunk: bytes) -> Iterator[dict[str, Any]]:
    """The events of a chunk as a reader of such streams understands them; a comment is {}."""
    assert chunk.endswith(b"\n\n")
    for text in chunk.decode().removesuffix("\n\n").split("\n\n"):
        lines = [line for line in text.splitlines() if not line.startswith(":")]
        found: dict[str, Any] = dict(line.split(": ", 1) for line in lines)
        if "data" in found:
            found["data"] = json.loads(found["data"])
        yield found


async def told(chunks: AsyncIterator[bytes], count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < count:
        found += parsed(await anext(chunks))
    assert len(found) == count, found
    return found


async def rest(chunks: AsyncIterator[bytes]) -> list[dict[str, Any]]:
    return [event async for chunk in chunks for event in parsed(chunk)]


def listening(
    api: ApiDesk, path: str, work: Callable[[AsyncIterator[bytes]], Awaitable[None]], **headers: str
) -> None:
    """Opens a stream and does the work with it."""

    async def run() -> None:
        stream = stream_of(await api.answer("GET", path, **headers))
        assert stream.content_type == "text/event-stream"
        assert ("Cache-Control", "no-store") in stream.headers
        await work(stream.chunks)
        await stream.chunks.aclose()  # type: ignore[attr-defined]

    asyncio.run(run())


def test_a_message_that_is_taken_and_its_end_are_told(api: ApiDesk) -> None:
    async def work(chunks: AsyncIterator[bytes]) -> None:
        assert await told(chunks, 1) == [{"retry": "3000", "id": str(api.hub.newest)}]
        sent = await api.asked("POST", "/v1/messages", {"to": TO, "text": "hello", "reference": "r-1"})
        message_id = sent.value["id"]
        events.accepted(api.hub, api.journal.batches[-1])
        events.ended(api.hub, [("app", int(message_id), "r-1", TO, 5, "042", NOW_MS)])
        first, second = await told(chunks, 2)
        assert first["event"] == "message.accepted"
        assert first["data"] == {
            "id": message_id,
            "to": TO,
            "from": "",
            "reference": "r-1",
            "parts": 1,
            "cost": "0.00",
            "at": "2025-06-15T15:06:40.000Z",
        }
        assert second["event"] == "message.ended"
        assert second["data"]["state"] == "undeliverable"
        assert second["data"]["error"] == "042"
        assert int(second["id"]) == int(first["id"]) + 1

    listening(api, "/v1/events", work)


def test_an_account_hears_nothing_of_another(api: ApiDesk) -> None:
    async def work(chunks: AsyncIterator[bytes]) -> None:
        await told(chunks, 1)
        events.ended(api.hub, [ENDED])
        events.accepted(api.hub, Batch(api_messages=[(8, "app", "", TO, "", 0, 1, 0, "", 8)]))
        events.incoming(api.hub, [("app", 1, TO, OTHER, NOW_MS), ("other", 2, TO, OTHER, NOW_MS)])
        (only,) = await told(chunks, 1)
        assert only["event"] == "incoming"
        assert only["data"] == {"id": "2", "from": TO, "to": OTHER, "at": "2025-06-15T15:06:40.000Z"}
        api.hub.drop("other")
        assert await rest(chunks) == []

    listening(api, "/v1/events", work, account="other")


def test_messages_that_were_not_kept_or_only_registered_are_not_told(api: ApiDesk) -> None:
    async def work(chunks: AsyncIterator[bytes]) -> None:
        rows = [(message_id, "app", "", TO, "", 0, 1, 0, "", 8) for message_id in (7, 8, 9)]
        batch = Batch(
            api_messages=rows, registered=[(9, "app", NOW_MS, "", TO, 1, 8, "", "", "", 0, 0, b"a")]
        )
        events.accepted(api.hub, batch, frozenset((7,)))
        _, only = await told(chunks, 2)
        assert only["data"]["id"] == "8"
        api.hub.drop("app")
        assert await rest(chunks) == []

    listening(api, "/v1/events", work)


def test_who_leaves_before_the_first_event_knows_from_where_to_go_on(api: ApiDesk) -> None:
    async def first(chunks: AsyncIterator[bytes]) -> None:
        seen.append((await told(chunks, 1))[0]["id"])

    async def second(chunks: AsyncIterator[bytes]) -> None:
        start, missed = await told(chunks, 2)
        assert "id" not in start, "what was missed comes behind it"
        assert missed["data"]["id"] == "7"

    seen: list[str] = []
    listening(api, "/v1/events", first)
    events.ended(api.hub, [ENDED])
    listening(api, "/v1/events", second, Last_Event_ID=seen[0])


def test_a_client_that_goes_before_its_stream_begins_is_no_listener(api: ApiDesk) -> None:
    async def nothing(chunks: AsyncIterator[bytes]) -> None:
        pass

    for _ in range(2 * hubs.STREAMS):
        listening(api, "/v1/events", nothing)


def test_who_comes_again_goes_on_where_he_was(api: ApiDesk) -> None:
    async def first(chunks: AsyncIterator[bytes]) -> None:
        events.ended(api.hub, [ENDED])
        seen.append((await told(chunks, 2))[1]["id"])

    async def second(chunks: AsyncIterator[bytes]) -> None:
        _, missed = await told(chunks, 2)
        assert missed["data"]["id"] == "8"
        events.ended(api.hub, [("app", 9, *ENDED[2:])])
        assert (await told(chunks, 1))[0]["data"]["id"] == "9"

    seen: list[str] = []
    listening(api, "/v1/events", first)
    events.ended(api.hub, [("app", 8, *ENDED[2:])])
    listening(api, "/v1/events", second, Last_Event_ID=seen[0])


@pytest.mark.parametrize("last", ["0", "nonsense", "9" * 30, "٧"])
def test_what_is_not_known_any_more_is_a_gap(api: ApiDesk, last: str) -> None:
    async def work(chunks: AsyncIterator[bytes]) -> None:
        _, gap = await told(chunks, 2)
        assert (gap["event"], gap["data"]) == ("gap", {"see": "/v1/messages"})
        assert gap["id"] == str(api.hub.newest), "from there it goes on"

    listening(api, "/v1/events", work, Last_Event_ID=last)


def test_a_quiet_stream_has_a_comment_every_15_seconds(api: ApiDesk) -> None:
    async def work(chunks: AsyncIterator[bytes]) -> None:
        await told(chunks, 1)
        for _ in range(2):
            api.clock.advance(15)
            events.tick(api.hub, api.desk.accounts, api.clock.now())
            assert await anext(chunks) == b": \n\n"

    listening(api, "/v1/events", work)


def test_an_account_that_is_blocked_or_gone_or_without_http_loses_its_streams(api: ApiDesk) -> None:
    async def blocked(chunks: AsyncIterator[bytes]) -> None:
        await told(chunks, 1)
        events.tick(api.hub, api.desk.accounts, api.clock.now())
        assert api.hub.wants("app")
        api.desk.accounts["app"].blocked = True
        events.tick(api.hub, api.desk.accounts, api.clock.now())
        assert await rest(chunks) == []

    async def gone(chunks: AsyncIterator[bytes]) -> None:
        await told(chunks, 1)
        events.tick(api.hub, {}, api.clock.now())
        assert await rest(chunks) == []

    listening(api, "/v1/events", blocked)
    api.desk.accounts["app"].blocked = False
    listening(api, "/v1/events", gone)
    assert not api.hub


def test_a_client_that_goes_leaves_nothing_behind(api: ApiDesk) -> None:
    async def work(chunks: AsyncIterator[bytes]) -> None:
        await told(chunks, 1)

    listening(api, "/v1/events", work)
    api.hub.tick(api.clock.now() + hubs.LINGER_S)
    assert not api.hub


def test_an_account_has_so_many_streams_and_no_more(api: ApiDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "STREAMS", 1)

    async def work(chunks: AsyncIterator[bytes]) -> None:
        refused = await api.asked("GET", "/v1/events")
        assert (refused.status, refused.value["code"]) == (429, "too_many_streams")
        assert (await api.asked("GET", "/v1/messages/7/events")).status == 429

    listening(api, "/v1/events", work)


# -- of one message -------------------------------------------------------------------------------------


def test_a_message_is_followed_up_to_its_end(api: ApiDesk) -> None:
    message_id = api.post().value["id"]

    async def work(chunks: AsyncIterator[bytes]) -> None:
        _, now = await told(chunks, 2)
        assert (now["event"], now["data"]["state"]) == ("message.state", "accepted")
        events.incoming(api.hub, [("app", 1, TO, OTHER, NOW_MS)])
        api.clock.advance(15)
        events.tick(api.hub, api.desk.accounts, api.clock.now())
        assert await anext(chunks) == b": \n\n"
        events.ended(api.hub, [("app", 1, *ENDED[2:]), ("app", int(message_id), *ENDED[2:])])
        events.ended(api.hub, [("app", 2, *ENDED[2:])])
        (only,) = await rest(chunks)
        assert (only["event"], only["data"]["id"]) == ("message.ended", message_id)

    listening(api, f"/v1/messages/{message_id}/events", work)


def test_of_a_message_that_has_ended_there_is_one_event(api: ApiDesk) -> None:
    message_id = api.post().value["id"]
    api.journal.batch.failed.append((int(message_id), 5, "042", NOW_MS))
    api.journal.flush()

    async def work(chunks: AsyncIterator[bytes]) -> None:
        _, only = await rest(chunks)
        assert (only["event"], only["data"]["state"]) == ("message.ended", "undeliverable")

    listening(api, f"/v1/messages/{message_id}/events", work)


def test_a_stream_of_no_message_is_none(api: ApiDesk) -> None:
    assert api.ask("GET", "/v1/messages/7/events").status == 404
    api.hub.tick(api.clock.now() + hubs.LINGER_S)
    assert not api.hub, "it was closed"


def test_what_ends_while_the_store_is_asked_is_not_missed(make_api: MakeApi) -> None:
    api = make_api(http_account())
    message_id = api.post().value["id"]
    rows = api.desk.rows

    async def slow(*what: Any) -> Any:
        found = await rows(*what)
        events.ended(api.hub, [("app", int(message_id), *ENDED[2:])])
        return found

    api.desk.rows = slow

    async def work(chunks: AsyncIterator[bytes]) -> None:
        assert [one.get("event") for one in await rest(chunks)] == [None, "message.state", "message.ended"]

    listening(api, f"/v1/messages/{message_id}/events", work)
