"""info.php: the operator of a number."""

from __future__ import annotations

from gateway.simulator.smsc_http import fields
from gateway.simulator.smsc_http.model import ApiProblem, Handler
from gateway.simulator.smsc_http.numbering import UNKNOWN, Network, network_of

_NOT_FOUND = 3


def handlers() -> dict[str, Handler]:
    """By the name of the operation."""
    return {"operator": _operator}


def _operator(params: dict[str, str], now: float) -> object:
    asked = fields.text(params, "phone", 100_000)
    numbers = [fields.phone(number) for number in fields.split(asked)]
    found = [(number, network_of(number)) for number in numbers]
    if all(network is UNKNOWN for _, network in found):
        raise ApiProblem(_NOT_FOUND)
    if "," not in asked:
        return _record(found[0][1])
    return [{"phone": number, **_record(network)} for number, network in found]


def _record(network: Network) -> dict[str, object]:
    """Empty where nothing is known of the number."""
    return {
        "country": network.country,
        "operator": network.operator,
        "region": network.region,
        "mcc": network.mcc,
        "mnc": network.mnc,
        "tz": str(network.tz) if network is not UNKNOWN else "",
    }
