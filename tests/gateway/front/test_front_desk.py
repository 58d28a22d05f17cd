"""The desk: ids that are never given again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from front_desk import FrontDesk, config_of

from gateway.config.model import Config
from gateway.core.api import NEWEST_API_ID
from gateway.front.desk import committed

MakeDesk = Callable[[Config], FrontDesk]


def test_each_request_has_an_id_behind_the_last_one(make_desk: MakeDesk) -> None:
    desk = make_desk(config_of())
    assert [desk.next_api_id() for _ in range(3)] == [1, 2, 3]
    desk.newest_api_id = 2_147_483_646
    assert [desk.next_api_id() for _ in range(3)] == [2_147_483_647, 1, 2]


def test_the_store_keeps_the_last_id_with_what_has_it(make_desk: MakeDesk) -> None:
    async def run() -> None:
        desk = make_desk(config_of())
        for _ in range(3):
            desk.next_api_id()
        await committed(desk.journal)
        marks = desk.journal.all("SELECT name, value FROM mark")
        assert marks == [(NEWEST_API_ID, 3)]

    asyncio.run(run())
