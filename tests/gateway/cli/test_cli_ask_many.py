"""Answers of many lines: all of them, or why not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import CommandError
from gateway.cli.daemon_client import ask, ask_many
from gateway.ops.control import STILL_HERE, ControlSocket, Reply, Request

left: list[str] = []


async def count(request: Request) -> AsyncIterator[Reply]:
    try:
        for number in range(int(request["to"])):
            yield {"number": number}
            yield STILL_HERE
    finally:
        left.append("count")


async def fail(request: Request) -> AsyncIterator[Reply]:
    yield {"number": 0}
    yield {"error": "the disk is gone"}


async def die(request: Request) -> AsyncIterator[Reply]:
    yield {"number": 0}
    raise OSError("as if the daemon were killed")


async def one(request: Request) -> Reply:
    return {"number": 1}


async def asked(tmp_path: Path, command: str, take: int = 1_000_000, **arguments: Any) -> list[Any]:
    """What comes, at the most so many; the last one may be an error's text."""
    server = ControlSocket(tmp_path, {"count": count, "fail": fail, "die": die, "one": one})

    def client() -> list[Any]:
        found: list[Any] = []
        answers = ask_many(tmp_path, command, **arguments)
        try:
            for answer in answers:
                found.append(answer["number"])
                if len(found) == take:
                    break
        except CommandError as error:
            found.append(str(error))
        return found

    await server.start()
    try:
        return await asyncio.to_thread(client)
    finally:
        await server.stop()


@pytest.mark.parametrize("to", [0, 1, 5000])
def test_every_line_comes_in_order(tmp_path: Path, to: int) -> None:
    assert asyncio.run(asked(tmp_path, "count", to=to)) == list(range(to))


def test_an_error_in_the_middle_is_told(tmp_path: Path) -> None:
    assert asyncio.run(asked(tmp_path, "fail")) == [0, "the disk is gone"]
    told = asyncio.run(asked(tmp_path, "count", to="many"))
    assert told == ["the request makes no sense: invalid literal for int() with base 10: 'many'"]


def test_an_end_in_the_middle_is_told(tmp_path: Path) -> None:
    assert asyncio.run(asked(tmp_path, "die")) == [
        0,
        "the gateway ended before it had answered all; this is not the whole",
    ]


def test_whoever_leaves_in_the_middle_leaves_no_work_behind(tmp_path: Path) -> None:
    async def run() -> None:
        left.clear()
        assert await asked(tmp_path, "count", take=2, to=10_000_000) == [0, 1]
        while not left:  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(run(), 30))


def test_one_answer_is_asked_for_as_one(tmp_path: Path) -> None:
    async def run() -> Any:
        server = ControlSocket(tmp_path, {"one": one})
        await server.start()
        try:
            return await asyncio.to_thread(ask, tmp_path, "one")
        finally:
            await server.stop()

    assert asyncio.run(run()) == {"number": 1}
    with pytest.raises(CommandError, match="no gateway is running"):
        list(ask_many(tmp_path, "count", to=1))
