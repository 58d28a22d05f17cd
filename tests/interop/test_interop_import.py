"""The examples that Debian's Kannel brings: what they become can be checked, and a gateway runs with it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from interop_peers import jasmin_manual
from peer_programs import missing

from gateway.__main__ import main
from gateway.config.load import load

sys.path.append(str(Path(__file__).parents[1] / "journeys"))

from import_support import bound, imported
from journey_support import journey, running, simulated_smsc

pytestmark = pytest.mark.interop

EXAMPLES = Path("/usr/share/doc/kannel/examples")


def example(path: Path) -> Path:
    if not path.exists():
        missing(f"{path} is not there (Debian package kannel)")
    return path


@pytest.mark.parametrize(
    "path",
    [
        Path("/etc/kannel/kannel.conf"),
        *(EXAMPLES / f"{name}.conf" for name in ("kannel", "modems", "dlr-mysql", "dlr-redis")),
    ],
    ids=str,
)
def test_every_example_of_kannel_is_converted(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "config.yaml"
    assert main(["import-config", str(example(path)), "--output", str(output)]) == 0
    assert main(["check-config", "--config", str(output)]) == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith(f"{path}:")]
    assert notes


def test_the_examples_of_jasmins_manual_are_converted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "config.yaml"
    arguments = ["import-config", str(jasmin_manual(tmp_path)), "--format", "jasmin", "--output", str(output)]
    assert main(arguments) == 0
    notes = capsys.readouterr().err
    assert main(["check-config", "--config", str(output)]) == 0
    config = load(output)
    assert [account.system_id for account in config.accounts] == ["foo"]
    (connector,) = config.connectors
    assert (connector.name, connector.bind_mode, connector.rate) == ("Demo", "transmitter", 1)
    for subject in ("morouter", "mtrouter", "mointerceptor", "mtinterceptor", "httpccm"):
        assert f": {subject}: " in notes  # what has no counterpart here, or nothing to go by


@journey
async def test_a_gateway_runs_from_the_example(tmp_path: Path) -> None:
    async with simulated_smsc(password="secret") as smsc:
        config = imported(example(EXAMPLES / "kannel.conf"), tmp_path, [smsc.port])
        async with running(config, tmp_path / "state") as gateway:
            await gateway.linked("simulator")
            client = await bound(gateway, "tester", "foobar")
            message_id = await client.submit()
            assert (await client.receipt()).message_id == message_id
