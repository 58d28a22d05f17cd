"""What the tests of the simulated service's office share."""

from __future__ import annotations

import pytest
from office_support import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()
