"""info.php: whose a number is (SMSC HTTP API, info.php).

An account with a relay gets what the service says, which knows of ported numbers; others what the numbering
plans say.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime

from gateway.core.networks import UNKNOWN, hours_from, network_of
from gateway.core.numbers import time_zone_of
from gateway.front import fields
from gateway.front.desk import (
    NOT_FOUND,
    TOO_OFTEN,
    ApiProblem,
    Asked,
    Desk,
    Handler,
    Unavailable,
    Value,
)
from protocols.smsc_http.recipients import canonical_number, is_number
from protocols.smsc_http.times import zone_of

NUMBERS_MAX = 1_000
_PHONES_MAX = 20 * NUMBERS_MAX
"""Characters; a longer list is none of so many numbers."""
KEEP_S = 3_600.0
"""Numbers are not ported so often that the service has to be asked again sooner."""
KNOWN_MAX = 10_000
_PHONES_KEPT = 100
"""Characters; a longer list is asked for every time."""


def handlers(desk: Desk) -> dict[str, Handler]:
    """By the name of the operation."""

    known: OrderedDict[tuple[str, str], tuple[float, Value]] = OrderedDict()
    """By the relay and what it was asked: until when that holds, and what it said."""

    async def operator(asked: Asked) -> Value:
        http, phones = asked.account.config.http, asked.params["phone"]
        if len(phones) > _PHONES_MAX:
            raise fields.bad()
        if desk.relay is None or http is None or not http.relay:
            return plans_say(phones, datetime.fromtimestamp(desk.now_s(), UTC))
        key, now = (http.relay, phones), desk.clock.now()
        until, answer = known.get(key, (0.0, None))
        if answer is None or until <= now:
            try:
                answer = await desk.relay(asked)
            except (ApiProblem, Unavailable) as problem:
                if isinstance(problem, ApiProblem) and problem.number != TOO_OFTEN:
                    raise
                # the service's limits are for all of our clients together
                return plans_say(phones, datetime.fromtimestamp(desk.now_s(), UTC))
            if len(phones) <= _PHONES_KEPT:
                known.pop(key, None)
                known[key] = now + KEEP_S, answer
                if len(known) > KNOWN_MAX:
                    known.popitem(last=False)
        return answer

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
        "tz": hours_from(zone_of(0), time_zone_of(number), now),
    }
