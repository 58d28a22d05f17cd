"""tinyurls.php: how often short links were opened (SMSC HTTP API, tinyurls.php)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from gateway.core.hours import day_at, zone_of
from gateway.front.desk import BAD_PARAMETERS, NOT_FOUND, ApiProblem, Asked, Desk, Handler, Value
from gateway.front.links import code_of, link_base, link_id_in, stored_form

_is_id = re.compile("[0-9]{1,15}", re.ASCII).fullmatch
_FIRST_DAY = date(1970, 1, 1)


def handlers(desk: Desk) -> dict[str, Handler]:
    """By the name of the operation."""

    async def tinyurl(asked: Asked) -> Value:
        """Of an id, or of a short link, that link; of a long one all that stand for it, as the newest."""
        days = _days(day_at(desk.clock.now_ms(), zone_of(asked.account.config.time_zone))[0])
        link_id, clicks, rows = await _found(desk, asked.account.name, asked.params, days.first_before)
        numbers = {"id": link_id, "cnt": clicks, **_counts(rows, days)}
        link = link_base(desk) + code_of(link_id)
        return {**{name: str(number) for name, number in numbers.items()}, "link": link}

    return {"tinyurl": tinyurl}


class _Days(NamedTuple):
    """Days since 1970."""

    today: int
    first: int
    """Of this month."""
    first_before: int
    """Of the month before it."""


def _days(today: int) -> _Days:
    month = (_FIRST_DAY + timedelta(today)).replace(day=1)
    before = (month - timedelta(1)).replace(day=1)
    return _Days(today, (month - _FIRST_DAY).days, (before - _FIRST_DAY).days)


async def _found(
    desk: Desk, account: str, params: Mapping[str, str], since: int
) -> tuple[int, int, list[dict[str, Any]]]:
    """The link that is meant, how often it was opened, and its days from one on."""
    number, link = params.get("id", ""), params.get("link", "")
    if (number and not _is_id(number)) or not (number or link):
        raise ApiProblem(BAD_PARAMETERS)
    link_id = int(number) if number else link_id_in(desk, link)
    if number or link_id:
        rows = await desk.rows("link_by_id", (link_id,))
        if not rows or rows[0]["account"] != account:
            raise ApiProblem(NOT_FOUND)
        return link_id, rows[0]["clicks"], await desk.rows("link_days", (link_id, since))
    url = stored_form(link)
    [row] = await desk.rows("links_of_url", (account, url))
    if row["link_id"] is None:
        raise ApiProblem(NOT_FOUND)
    return row["link_id"], row["clicks"], await desk.rows("url_days", (account, url, since))


def _counts(rows: Sequence[Mapping[str, Any]], days: _Days) -> dict[str, int]:
    """Clicks of the months and days that the service tells of, in its order."""
    by_day = {row["day"]: row["clicks"] for row in rows}
    return {
        "cnt_mon": sum(clicks for day, clicks in by_day.items() if day >= days.first),
        "cnt_day": by_day.get(days.today, 0),
        "cnt_yes": by_day.get(days.today - 1, 0),
        "cnt_pmon": sum(clicks for day, clicks in by_day.items() if days.first_before <= day < days.first),
    }
