"""The gateway that the peers speak to."""

from collections.abc import Iterator

import pytest
from interop_gateway import running_gateway
from interop_peers import Smsc


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smsc]:
    """The real gateway with a simulated SMSC behind it, one for all peers."""
    with running_gateway(tmp_path_factory.mktemp("gateway")) as smsc:
        yield smsc
