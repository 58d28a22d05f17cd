"""tinyurls.php of the simulated service."""

from __future__ import annotations

import pytest
from office_support import DAY, NOON, Desk

from gateway.simulator.smsc_http import tinyurls
from gateway.simulator.smsc_http.model import SimAccount

LONG = "https://mysite.com/a/long/way?to=it"


def test_a_link_always_has_the_same_short_one(desk: Desk) -> None:
    short = desk.office.shorten(LONG, NOON)
    assert short == "https://tiny.example/1"
    assert desk.office.shorten(LONG, NOON) == desk.office.shorten(short, NOON) == short
    assert desk.office.shorten(LONG + "2", NOON) != short


def test_clicks_are_counted_by_day_and_month(desk: Desk) -> None:
    short = desk.office.shorten(LONG, NOON)
    for days in (0, 1, 1, 30, 31):  # back from 31.01.2025
        desk.office.clicked(short, NOON + (30 - days) * DAY)
    answer = desk.ask("tinyurl", {"link": LONG}, NOON + 30 * DAY)
    assert answer == {
        "id": "1",
        "cnt": "5",
        "cnt_mon": "4",
        "cnt_day": "1",
        "cnt_yes": "2",
        "cnt_pmon": "1",
        "link": "https://tiny.example/1",
    }
    assert desk.ask("tinyurl", {"id": "1"}, NOON + 30 * DAY) == answer


def test_old_days_are_forgotten_but_not_the_sum(desk: Desk) -> None:
    short = desk.office.shorten(LONG, NOON)
    desk.office.clicked(short, NOON)
    desk.office.clicked(short, NOON + 100 * DAY)
    answer = desk.ask("tinyurl", {"id": "1"}, NOON + 1)
    assert isinstance(answer, dict) and (answer["cnt"], answer["cnt_day"]) == ("2", "0")


def test_an_unknown_link_is_error_3_and_none_error_1(desk: Desk) -> None:
    assert desk.problem("tinyurl", {"id": "145142"}) == 3
    assert desk.problem("tinyurl", {"link": LONG}) == 3
    assert desk.problem("tinyurl") == 1
    desk.office.clicked("https://tiny.example/1", NOON)


def test_the_oldest_link_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tinyurls, "MAX_LINKS", 1)
    links = tinyurls.TinyUrls(SimAccount())
    links.shorten(LONG, NOON)
    assert links.shorten(LONG + "2", NOON) == "https://tiny.example/2"
    assert links.shorten(LONG, NOON) == "https://tiny.example/3"
