"""What the settings refuse, with the field's name in the sentence."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from gateway.simulator import SimulatorSettings
from gateway.simulator.settings import parse_state_mix
from protocols.smpp import constants as c


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"resp_delay_ms": -1.0}, "resp_delay_ms"),
        ({"drop_every": -1}, "drop_every"),
        ({"throttle_pct": 101.0}, "throttle_pct"),
        ({"receipt_duplicate_pct": -0.1}, "receipt_duplicate_pct"),
        ({"throttle_pct": 60.0, "error_pct": 60.0}, "100 together"),
        ({"window": 0}, "window"),
        ({"keep": 0}, "keep"),
        ({"rate": -1.0}, "rate"),
        ({"rebind_pause_s": -1.0}, "rebind_pause_s"),
        ({"receipt_form": "poem"}, "receipt_form"),
        ({"bind_resp": "short"}, "bind_resp"),
        ({"error_form": "loud"}, "error_form"),
        ({"interface_version": "6.0"}, "interface_version"),
        ({"data_coding_0": "ebcdic"}, "data_coding_0"),
        ({"without": "query_sm,submit_sm"}, "submit_sm"),
        ({"congestion": "101"}, "0 to 100"),
        ({"congestion": "5:0"}, "0 s"),
        ({"congestion": "much"}, "much"),
        ({"congestion": "load"}, "rate"),
        ({"outbind": "nowhere"}, "HOST:PORT"),
        ({"receipts_from": "mail"}, "receipts_from"),
        ({"id_format": "roman"}, "id_format"),
        ({"state_mix": "FINE=1"}, "FINE"),
        ({"state_mix": "DELIVRD"}, "DELIVRD=10"),
        ({"state_mix": "DELIVRD=0"}, "DELIVRD"),
    ],
)
def test_nonsense_is_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        SimulatorSettings(**values)


def test_state_mix() -> None:
    assert parse_state_mix("") == {c.DELIVERED: 1.0}
    assert parse_state_mix("DELIVRD=90, undeliv=10") == {c.DELIVERED: 90.0, c.UNDELIVERABLE: 10.0}


def test_every_setting_is_documented() -> None:
    rows = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text().splitlines()
    for option in fields(SimulatorSettings):
        [row] = [
            row for row in rows if row.startswith(f"| `{option.name}` |") and option.metadata["doc"] in row
        ]
        shown = row.split("|")[2].strip()
        if option.metadata.get("parse") == "status":
            assert shown == c.status_name(option.default)
            continue
        match option.default:
            case None:
                assert shown == "any"
            case bool():
                assert shown == ("on" if option.default else "off")
            case int() | float():
                assert float(shown) == option.default
            case _:
                assert shown == (option.default or "none")
