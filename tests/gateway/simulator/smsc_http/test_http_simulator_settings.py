"""Settings of the simulated service over HTTP, and the small parts that have no test of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.simulator.smsc_http.due import Due
from gateway.simulator.smsc_http.outcomes import magic_help, rows
from gateway.simulator.smsc_http.settings import HttpSettings, parse_status_mix
from gateway.simulator.smsc_http.translit import transliterate

DOCS = Path(__file__).parents[4] / "docs" / "simulator.md"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"operator_ms": -1}, "operator_ms"),
        ({"attempts": 0}, "attempts"),
        ({"keep": 0}, "keep"),
        ({"balance": "much"}, "balance"),
        ({"credit": "Infinity"}, "credit"),
        ({"handler": "ftp://h.example/"}, "handler"),
        ({"handler_statuses": "some"}, "handler_statuses"),
        ({"allowed_ips": "192.0.2.300"}, "allowed_ips"),
        ({"status_mix": "5=1"}, "status_mix"),
        ({"status_mix": "20/255"}, "status_mix"),
        ({"status_mix": "20=0"}, "status_mix"),
        ({"faults": "explode=1%"}, "faults"),
        ({"tz": 12}, "tz"),
    ],
)
def test_a_value_that_makes_no_sense_is_told_by_its_name(values: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        HttpSettings(**values)  # type: ignore[arg-type]


def test_weights_of_statuses() -> None:
    assert parse_status_mix("") == {(1, 0): 1.0}
    assert parse_status_mix("1=90, 20/255=7.5") == {(1, 0): 90.0, (20, 255): 7.5}


def test_the_documentation_has_every_row_of_the_table_of_destinations() -> None:
    text = DOCS.read_text("utf-8")
    for code, meaning in rows():
        assert f"| …{code} | {meaning} |" in text
        assert f"…{code}  {meaning}" in magic_help()


def test_cases_are_kept_when_letters_are_replaced() -> None:
    assert transliterate("Щука и Юг: OK", "1") == "Shchuka i Yug: OK"
    assert transliterate("Дом", "2") == "goM"
    assert transliterate("Привет", "0") == "Привет"


def test_what_is_due_happens_in_order_and_sees_its_own_moment() -> None:
    due = Due()
    seen: list[tuple[str, float]] = []
    due.push(2.0, lambda now: seen.append(("b", now)))
    due.push(1.0, lambda now: due.push(now + 0.5, lambda later: seen.append(("c", later))))
    due.push(2.0, lambda now: seen.append(("d", now)))
    due.push(9.0, lambda now: seen.append(("e", now)))
    due.run(3.0)
    assert seen == [("c", 1.5), ("b", 2.0), ("d", 2.0)]
    assert (due.next, len(due)) == (9.0, 1)
