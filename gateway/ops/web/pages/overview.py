"""/: how it goes, in figures, plots and alarms; refreshed by static/live.js where there are scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from aiohttp import web

from gateway.ops.web.advice import advice_for
from gateway.ops.web.page import HTML, Route, Visit
from gateway.ops.web.plots import (
    LINES_MAX,
    Line,
    Plot,
    age_text,
    newest,
    number_text,
    svg,
    table_rows,
)
from gateway.ops.web.sampler import (
    ACCEPTED,
    ANSWER_COUNT,
    ANSWER_SUM,
    DELIVERED,
    OLDEST,
    SENT,
    WAITING,
)
from gateway.ops.web.samples import DAY_S, HOUR_S, Window, quotient
from gateway.ops.web.words import N_

SPANS = {"5m": (300.0, N_("5 minutes")), "1h": (HOUR_S, N_("1 hour")), "1d": (DAY_S, N_("1 day"))}
ACCOUNTS_SHOWN = 20


async def show(visit: Visit) -> web.StreamResponse:
    """The whole page."""
    return visit.page("overview.html", **await _values(visit))


async def live(visit: Visit) -> web.StreamResponse:
    """What of it changes."""
    return visit.answer(visit.render("overview_live.html", **await _values(visit)).encode(), HTML)


async def _values(visit: Visit) -> dict[str, Any]:
    sampler = visit.shell.sampler
    sampler.watch()
    span = visit.query.get("span", "")
    span = span if span in SPANS else "5m"
    status = await visit.ask("status")
    window = sampler.samples.window(visit.shell.clock.now(), SPANS[span][0])
    gauges = sampler.last.gauges if sampler.last is not None else {}
    return {
        "gateway": status,
        "alarms": [_alarm(visit, problem) for problem in status["problems"]],
        "tiles": _tiles(visit, status, window, gauges),
        "plots": [_drawn(visit, name, plot) for name, plot in _plots(visit, window, SPANS[span][0])],
        "span": span,
        "spans": [(name, visit._(text)) for name, (_, text) in SPANS.items()],
        "blind": sampler.problem,
        "connectors": [_connector(visit, row, gauges) for row in status["connectors"]],
        "accounts": _busiest(status["accounts"]),
        "up": up_text(visit, status["up_s"]),
    }


def _alarm(visit: Visit, problem: str) -> dict[str, str]:
    from gateway.ops.web.pages import NAVIGATION  # it imports this module

    advice = advice_for(problem)
    titles = {**dict(NAVIGATION), "/deadletters": N_("Dead letters")}
    title = titles.get(advice.page, "")
    return {
        "problem": problem,
        "what": visit._(advice.what),
        "page": advice.page if title else "",
        "title": visit._(title) if title else "",
        "manual": advice.manual,
    }


def _tiles(
    visit: Visit, status: Mapping[str, Any], window: Window, gauges: Mapping[str, float]
) -> list[tuple[str, str, str]]:
    _ = visit._
    per_s = _("msg/s")
    waiting = sum(value for name, value in gauges.items() if name.startswith(WAITING))
    oldest = max((value for name, value in gauges.items() if name.startswith(OLDEST)), default=0.0)
    return [
        (_("Accepted"), _latest(window.of(ACCEPTED)), per_s),
        (_("Sent up"), _latest(window.of(SENT)), per_s),
        (_("Delivered to clients"), _latest(window.of(DELIVERED)), per_s),
        (_("Open messages"), visit.words.number(status["open_messages"]), ""),
        (_("Waiting on disk"), visit.words.number(int(waiting)), ""),
        (_("Oldest waits"), age_text(oldest, _) if oldest >= 1 else "–", ""),
    ]


def _latest(values: Sequence[float]) -> str:
    """The newest known value."""
    known = next((value for value in reversed(values) if isfinite(value)), None)
    return number_text(known) if known is not None else "–"


def _plots(visit: Visit, window: Window, span_s: float) -> list[tuple[str, Plot]]:
    """Name and plot, in the order of the page."""
    _ = visit._
    connectors = [name.removeprefix(WAITING) for name in window.figures if name.startswith(WAITING)]
    throughput = [
        Line(_("accepted"), window.of(ACCEPTED)),
        Line(_("sent up"), window.of(SENT)),
        Line(_("delivered to clients"), window.of(DELIVERED)),
    ]
    waiting = [Line(name, window.of(f"{WAITING}{name}")) for name in connectors]
    oldest = [Line(name, window.of(f"{OLDEST}{name}")) for name in connectors]
    answers = [
        Line(name, [1000 * mean_s for mean_s in quotient(*_histogram(window, name))]) for name in connectors
    ]
    return [
        (name, Plot(title, unit, span_s, window.ages_s, lines))
        for name, title, unit, lines in (
            ("throughput", _("Throughput"), _("messages/s"), throughput),
            ("waiting", _("Waiting on disk, by connector"), _("messages"), _highest(waiting)),
            ("oldest", _("Oldest waiting, by connector"), _("seconds"), _highest(oldest)),
            ("answers", _("Mean answer time of the SMSC"), _("milliseconds"), _highest(answers)),
        )
    ]


def _histogram(window: Window, connector: str) -> tuple[Sequence[float], Sequence[float]]:
    return window.of(f"{ANSWER_SUM}{connector}"), window.of(f"{ANSWER_COUNT}{connector}")


def _highest(lines: Sequence[Line]) -> list[Line]:
    """Those with the highest values, in the order that they had: a plot tells so many apart."""

    def peak(line: Line) -> float:
        return max((value for value in line.values if isfinite(value)), default=-1.0)

    chosen = sorted(lines, key=peak, reverse=True)[:LINES_MAX]
    return [line for line in lines if line in chosen]


def _drawn(visit: Visit, name: str, plot: Plot) -> dict[str, Any]:
    return {
        "name": name,
        "title": plot.title,
        "unit": plot.unit,
        "svg": svg(plot, name, visit._),
        "legend": [(line.name, newest(line)) for line in plot.lines],
        "rows": table_rows(plot, visit._),
        "columns": [visit._("Ago"), *((line.name, "number") for line in plot.lines)],
    }


def _connector(visit: Visit, row: Mapping[str, Any], gauges: Mapping[str, float]) -> dict[str, Any]:
    """A row of `status`, and what the store says of its queue."""
    name = row["connector"]
    oldest_s = gauges.get(f"{OLDEST}{name}", 0.0)
    return {
        **row,
        "waiting": int(gauges.get(f"{WAITING}{name}", 0)),
        "oldest": age_text(oldest_s, visit._) if oldest_s >= 1 else "",
    }


def _busiest(accounts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Accounts that do something, those with the most open messages first."""
    active = [row for row in accounts if row["open_messages"] or row["sessions"]]
    return sorted(active, key=lambda row: (-row["open_messages"], row["account"]))[:ACCOUNTS_SHOWN]


def up_text(visit: Visit, up_s: int) -> str:
    """For how long it runs: the two greatest units."""
    days, hours, minutes = up_s // 86_400, up_s % 86_400 // 3600, up_s % 3600 // 60
    if days:
        return visit._("{days} d {hours} h", days=days, hours=hours)
    if hours:
        return visit._("{hours} h {minutes} min", hours=hours, minutes=minutes)
    return visit._("{minutes} min {seconds} s", minutes=minutes, seconds=up_s % 60)


ROUTES = (Route("GET", "/", show), Route("GET", "/overview/live", live, quiet=True))
