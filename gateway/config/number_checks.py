"""Rules about numbers: countries whose numbers are known, short codes that nothing is.

A value that could not be read was reported already, so every rule skips it.
"""

from __future__ import annotations

from gateway.config.connector_model import Connector
from gateway.config.model import Config
from gateway.config.rules import good
from gateway.config.sections import Reading
from gateway.config.smpp_model import AccountSmpp
from gateway.config.values import quoted
from gateway.core.numbers import is_region

_MEANT = {"UK": "GB", "EN": "GB", "SU": "RU"}


def check_numbers(config: Config, reading: Reading) -> None:
    """Note regions that are no countries, and types of short codes where there are no short codes."""
    for path, connector in good(config.connectors, "connectors", reading):
        _check_short_codes(connector, path, reading)
    for path, account in good(config.accounts, "accounts", reading):
        _check_short_codes(account.smpp, f"{path}.smpp", reading)
        key, region = f"{path}.default_region", account.default_region
        if region and reading.is_good(key) and not is_region(region):
            meant = _MEANT.get(region.upper(), region.upper())
            fix = f"did you mean {meant}?" if is_region(meant) else "write its letters of ISO 3166, as RU"
            reading.note(key, f"{quoted(region)} is no country with numbers", fix)


def _check_short_codes(has: Connector | AccountSmpp, path: str, reading: Reading) -> None:
    for name in ("source", "destination"):
        rule = getattr(has, name)
        if rule.short_digits or not reading.is_good(f"{path}.{name}.short_digits"):
            continue
        for option in ("short_ton", "short_npi"):
            key = f"{path}.{name}.{option}"
            if getattr(rule, option) is not None and reading.is_good(key):
                fix = "add short_digits, the digits up to which a number is a short code"
                reading.note(key, "is of short codes, and nothing is one", fix)
