"""Rules about numbers: countries whose numbers are known.

A value that could not be read was reported already, so every rule skips it.
"""

from __future__ import annotations

from gateway.config.model import Config
from gateway.config.rules import good
from gateway.config.sections import Reading
from gateway.config.values import quoted
from gateway.core.numbers import is_region

_MEANT = {"UK": "GB", "EN": "GB", "SU": "RU"}


def check_numbers(config: Config, reading: Reading) -> None:
    """Note regions that are no countries."""
    for path, account in good(config.accounts, "accounts", reading):
        key, region = f"{path}.default_region", account.default_region
        if region and reading.is_good(key) and not is_region(region):
            meant = _MEANT.get(region.upper(), region.upper())
            fix = f"did you mean {meant}?" if is_region(meant) else "write its letters of ISO 3166, as RU"
            reading.note(key, f"{quoted(region)} is no country with numbers", fix)
