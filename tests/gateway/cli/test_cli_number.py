"""`smsc-gateway number`: what it shows, and how it ends."""

from __future__ import annotations

import json

import pytest

from gateway.__main__ import main

Capture = pytest.CaptureFixture[str]


def test_a_national_number_is_shown_with_what_is_known_of_it(capsys: Capture) -> None:
    assert main(["number", "8 (999) 123-45-67", "--region", "ru"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "+79991234567",
        "  valid           yes, mobile",
        "  in its country  8 (999) 123-45-67",
        "  country         RU (Russia)",
        "  operator        MegaFon by its range; if it was ported, another one",
        "  time zone       Europe/Moscow most likely, of 16 that are possible",
    ]


def test_each_number_has_its_part_and_one_that_is_not_valid_is_exit_code_1(capsys: Capture) -> None:
    assert main(["number", "+442079460018", "+7999123456", "8080"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "+442079460018",
        "  valid           yes, fixed line",
        "  in its country  020 7946 0018",
        "  country         GB (London)",
        "  operator        not known by its range",
        "  time zone       Europe/London",
        "",
        "+7999123456",
        "  valid           no: too short",
        "  in its country  999123456",
        "  country         RU",
        "  operator        not known by its range",
        "  time zone       unknown",
        "",
        "8080",
        "  valid           no: no number",
    ]


def test_json_has_all_of_it(capsys: Capture) -> None:
    assert main(["number", "--json", "79991234567"]) == 0
    [facts] = json.loads(capsys.readouterr().out)
    assert (facts["e164"], facts["country"], facts["type"]) == ("+79991234567", "RU", "mobile")
    assert len(facts["time_zones"]) == 16
    assert facts["time_zone"] == "Europe/Moscow"


def test_zones_that_may_be_are_told_where_none_is_likely(capsys: Capture) -> None:
    assert main(["number", "+351912345678", "+447400123456"]) == 0
    zones = [line for line in capsys.readouterr().out.splitlines() if "time zone" in line]
    assert zones == [
        "  time zone       one of 2: Atlantic/Azores, Europe/Lisbon",
        "  time zone       Europe/Guernsey",
    ]


def test_a_region_has_to_be_a_country(capsys: Capture) -> None:
    assert main(["number", "8999", "--region", "Russia"]) == 2
    assert "--region Russia: no such country" in capsys.readouterr().err


def test_nothing_of_a_number_reaches_the_terminal_raw(capsys: Capture) -> None:
    assert main(["number", "\x1b[2J"]) == 1
    assert "\x1b" not in capsys.readouterr().out
