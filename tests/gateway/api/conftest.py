"""The API above a store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from json_api import ApiDesk, MakeApi

from gateway.config.model import Account as AccountConfig


@pytest.fixture
def make_api(tmp_path: Path) -> Iterator[MakeApi]:
    """`make_api(*accounts)`: without any there are app and other."""
    made: list[ApiDesk] = []

    def make(*accounts: AccountConfig) -> ApiDesk:
        made.append(ApiDesk(tmp_path, *accounts))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def api(make_api: MakeApi) -> ApiDesk:
    return make_api()
