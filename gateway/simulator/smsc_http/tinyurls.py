"""tinyurls.php: short links and how often they were opened."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta

from gateway.simulator.smsc_http import fields
from gateway.simulator.smsc_http.model import ApiProblem, Handler, Params, SimAccount
from gateway.simulator.smsc_http.moments import local
from gateway.simulator.smsc_http.shelf import Shelf

MAX_LINKS = 10_000
BASE = "https://tiny.example/"
"""What short links of the simulation begin with."""

_NOT_FOUND = 3
_KEPT_DAYS = 62
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(slots=True, eq=False)
class Link:
    """A short link; clicks by day for this month and the one before."""

    id: int
    target: str
    short: str
    clicks: int = 0
    by_day: Counter[date] = field(default_factory=Counter)


class TinyUrls:
    """All short links of the account; one link always has the same short one."""

    def __init__(self, account: SimAccount) -> None:
        self._account = account
        self._links: Shelf[Link] = Shelf(MAX_LINKS)
        self._by_name: dict[str, Link] = {}  # by target and by short link

    def handlers(self) -> dict[str, Handler]:
        """By the name of the operation."""
        return {"tinyurl": self._get}

    def shorten(self, link: str, now: float) -> str:
        """The short link that stands for this one, made if it is new; of a short link itself."""
        known = self._by_name.get(link)
        if known is not None:
            return known.short
        if len(self._links) >= MAX_LINKS:
            oldest = next(iter(self._links))
            del self._by_name[oldest.target], self._by_name[oldest.short]
        made = self._links.add(lambda id: Link(id, link, BASE + _base36(id)))
        self._by_name[made.target] = self._by_name[made.short] = made
        return made.short

    def clicked(self, link: str, now: float) -> None:
        """A subscriber opened the short link; of what is none nothing is counted."""
        known = self._by_name.get(link)
        if known is None:
            return
        today = local(now, self._account.tz).date()
        known.clicks += 1
        known.by_day[today] += 1
        for day in [day for day in known.by_day if (today - day).days > _KEPT_DAYS]:
            del known.by_day[day]

    def _get(self, params: dict[str, str], now: float) -> object:
        link = self._find(params)
        today = local(now, self._account.tz).date()
        month = today.replace(day=1)
        before = (month - timedelta(days=1)).replace(day=1)
        numbers = {
            "id": link.id,
            "cnt": link.clicks,
            "cnt_mon": sum(n for day, n in link.by_day.items() if day >= month),
            "cnt_day": link.by_day[today],
            "cnt_yes": link.by_day[today - timedelta(days=1)],
            "cnt_pmon": sum(n for day, n in link.by_day.items() if before <= day < month),
        }
        return {**{name: str(number) for name, number in numbers.items()}, "link": link.short}

    def _find(self, params: Params) -> Link:
        id = fields.optional_integer(params, "id", 1, 2**31 - 1)
        name = params.get("link", "")
        if id is None and not name:
            raise fields.bad()
        found = self._by_name.get(name) if id is None else self._links.get(id)
        if found is None:
            raise ApiProblem(_NOT_FOUND)
        return found


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits
