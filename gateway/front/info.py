"""info.php: whose a number is (SMSC HTTP API, info.php).

An account with a relay gets what the service says, which knows of ported numbers; others what the numbering
plans say.
"""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.core.networks import UNKNOWN, hours_from, network_of
from gateway.front import fields
from gateway.front.desk import NOT_FOUND, ApiProblem, Asked, Desk, Handler, Value
from protocols.smsc_http.recipients import canonical_number, is_number
from protocols.smsc_http.times import zone_of

NUMBERS_MAX = 1_000


def handlers(desk: Desk) -> dict[str, Handler]:
    """By the name of the operation."""

    async def operator(asked: Asked) -> Value:
        http = asked.account.config.http
        if desk.relay is not None and http is not None and http.relay:
            return await desk.relay(asked)
        return plans_say(asked.params["phone"], datetime.fromtimestamp(desk.now_s(), UTC))

    return {"operator": operator}


def plans_say(phones: str, now: datetime) -> Value:
    """What the numbering plans say of a number, or of a list of them; ApiProblem 3 when that is nothing."""
    numbers = [canonical_number(item) for item in fields.items(phones)]
    if not numbers or len(numbers) > NUMBERS_MAX or not all(is_number(number) for number in numbers):
        raise fields.bad()
    found = [_record(number, now) for number in numbers]
    if not any(record["country"] for record in found):
        raise ApiProblem(NOT_FOUND)
    if "," not in phones:
        return found[0]
    return [{"phone": number, **record} for number, record in zip(numbers, found, strict=True)]


def _record(number: str, now: datetime) -> dict[str, str]:
    network = network_of(number)
    if network is UNKNOWN:
        return dict.fromkeys(("country", "operator", "region", "mcc", "mnc", "tz"), "")
    return {
        "country": network.country,
        "operator": network.operator,
        "region": "",
        "mcc": network.mcc,
        "mnc": "",
        "tz": hours_from(zone_of(0), network.time_zone, now),
    }
