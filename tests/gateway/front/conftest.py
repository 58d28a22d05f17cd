"""A desk with a store behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from front_desk import FrontDesk, desk_of

from gateway.config.model import Config

MakeDesk = Callable[[Config], FrontDesk]


@pytest.fixture
def make_desk(tmp_path: Path) -> Iterator[MakeDesk]:
    made: list[FrontDesk] = []

    def make(config: Config) -> FrontDesk:
        desk = desk_of(tmp_path, config)
        made.append(desk)
        return desk

    yield make
    for desk in made:
        desk.journal.close()
