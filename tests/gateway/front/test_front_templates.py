"""templates.php over a real store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from front_desk import FrontDesk, asked, config_of, desk_of
from gateway_fakes import account_config

from gateway.front import templates
from gateway.front.desk import ApiProblem
from gateway.front.keeping import turn_of
from gateway.front.templates import handlers, text_of

Test = Callable[[FrontDesk, Callable[..., Awaitable[Any]]], Awaitable[None]]


def run(folder: Path, test: Test) -> None:
    async def whole() -> None:
        desk = desk_of(folder, config_of(account_config(), account_config(system_id="other")))
        scripts = handlers(desk)

        async def ask(operation: str, account: str = "app", **params: str) -> Any:
            named = {name.replace("fl1", "fl[1]"): value for name, value in params.items()}
            return await scripts[operation](asked(desk, account, operation, named))

        try:
            await test(desk, ask)
        finally:
            desk.journal.close()

    asyncio.run(whole())


async def number_of(answer: Awaitable[Any]) -> int:
    with pytest.raises(ApiProblem) as caught:
        await answer
    return caught.value.number


def test_templates_are_made_changed_listed_and_deleted(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Callable[..., Awaitable[Any]]) -> None:
        assert await number_of(ask("tpl_get")) == 3
        assert await ask("tpl_add", name="hello", msg="Привет") == {"id": 1}
        assert await ask("tpl_add", name="alarm", msg="Fire", format="flash", sender="shop", fl1="1") == {
            "id": 2
        }
        first = {"id": 1, "name": "hello", "format": "", "sender": "", "flag": 0, "message": "Привет"}
        second = {"id": 2, "name": "alarm", "format": "flash", "sender": "shop", "flag": 1, "message": "Fire"}
        assert await ask("tpl_get") == [first, second]
        assert await ask("tpl_chg", id="2", msg="Water", fl1="0") == {"result": "OK"}
        assert await ask("tpl_get") == [first, {**second, "message": "Water", "flag": 0}]
        assert await ask("tpl_del", id="1") == {"result": "OK"}
        assert [row["id"] for row in await ask("tpl_get")] == [2]
        assert await text_of(desk, "app", 2) == "Water"
        assert await text_of(desk, "app", 1) is None
        # an id is never given again
        assert await ask("tpl_del", id="2") == {"result": "OK"}
        assert await ask("tpl_add", name="a", msg="b") == {"id": 3}

    run(tmp_path, test)


def test_nobody_sees_or_changes_the_templates_of_another_account(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Callable[..., Awaitable[Any]]) -> None:
        await ask("tpl_add", name="mine", msg="secret")
        assert await number_of(ask("tpl_get", "other")) == 3
        assert await number_of(ask("tpl_chg", "other", id="1", msg="x")) == 3
        assert await number_of(ask("tpl_del", "other", id="1")) == 3
        assert await text_of(desk, "other", 1) is None
        assert (await ask("tpl_get"))[0]["message"] == "secret"

    run(tmp_path, test)


@pytest.mark.parametrize(
    "params",
    [
        {"name": "x"},
        {"msg": "x"},
        {"name": "x" * 101, "msg": "x"},
        {"name": "x", "msg": "x" * 1001},
        {"name": "x", "msg": "x", "format": "fax"},
        {"name": "x", "msg": "x", "fl1": "2"},
        {"name": "x", "msg": "x", "sender": "s" * 101},
    ],
)
def test_what_makes_no_sense_is_error_1(tmp_path: Path, params: dict[str, str]) -> None:
    async def test(desk: FrontDesk, ask: Callable[..., Awaitable[Any]]) -> None:
        assert await number_of(ask("tpl_add", **params)) == 1
        await ask("tpl_add", name="good", msg="good")
        if len(params) > 1:
            assert await number_of(ask("tpl_chg", id="1", **params)) == 1
        assert await number_of(ask("tpl_chg", id="1", msg="")) == 1
        assert await number_of(ask("tpl_chg", id="one", msg="x")) == 1
        assert await number_of(ask("tpl_del", id="7")) == 3
        assert (await ask("tpl_get"))[0]["name"] == "good"

    run(tmp_path, test)


def test_there_is_an_end_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(desk: FrontDesk, ask: Callable[..., Awaitable[Any]]) -> None:
        monkeypatch.setattr(templates, "TEMPLATES_MAX", 2)
        for _ in range(2):
            await ask("tpl_add", name="x", msg="x")
        assert await number_of(ask("tpl_add", name="x", msg="x")) == 5

    run(tmp_path, test)


def test_nobody_waits_for_a_change_of_another_account(tmp_path: Path) -> None:
    async def test(desk: FrontDesk, ask: Callable[..., Awaitable[Any]]) -> None:
        async with turn_of(desk, "other"):  # one that waits for the disk, for instance
            assert await asyncio.wait_for(ask("tpl_add", name="a", msg="b"), 60) == {"id": 1}
            later = asyncio.ensure_future(ask("tpl_add", "other", name="a", msg="b"))
            assert await ask("tpl_add", name="a", msg="b") == {"id": 2}
            assert not later.done()
        assert await later == {"id": 3}

    run(tmp_path, test)
