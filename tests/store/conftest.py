"""The store under test, once for each engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from store_support import ENGINES, Store


@pytest.fixture(params=sorted(ENGINES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    engine = ENGINES[request.param](tmp_path)
    yield Store(engine)
    engine.close()
