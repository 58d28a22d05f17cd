"""The parameters of a sending that are good or bad by themselves (SMSC HTTP API §2.1.1)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Final

from gateway.front.desk import BAD_PARAMETERS, ApiProblem
from protocols.smsc_http.sending import is_client_id


def check(params: Mapping[str, str]) -> None:
    """Raises ApiProblem 1 for the first that is bad."""
    for name, value in params.items():
        is_good = _CHECKS.get(name)
        if is_good is not None and value and not is_good(value):
            raise ApiProblem(BAD_PARAMETERS, f"{name} is not as it has to be")


def _is_integer(low: int, high: int) -> Callable[[str], bool]:
    return lambda value: (
        value.isascii() and value.isdecimal() and len(value) <= 10 and low <= int(value) <= high
    )


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


_CHECKS: Final[Mapping[str, Callable[[str], bool]]] = {
    "id": lambda value: value == "0" or is_client_id(value),
    "cost": _is_integer(0, 3),
    "translit": _is_integer(0, 2),
    **dict.fromkeys(("nl", "tinyurl", "err", "op"), _is_integer(0, 1)),
    "smsreq": _is_integer(10, 999),
    # whose referral the client is, is the service's matter: it is taken and means nothing here
    "pp": _is_integer(0, 10**9),
    "fileurl": lambda value: value.startswith(("http://", "https://")),
    "userip": _is_address,
}
