"""Plots: whatever the figures, an SVG that is well-formed, inside its frame, and says what it shows."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from math import inf, isfinite, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ops.web.plots import (
    BOTTOM,
    LEFT,
    LINES_MAX,
    RIGHT,
    TABLE_ROWS,
    TOP,
    Line,
    Plot,
    age_text,
    nice_step,
    number_text,
    svg,
    table_rows,
)

SVG = "{http://www.w3.org/2000/svg}"


def plain(text: str) -> str:
    return text


def drawn(plot: Plot) -> ElementTree.Element:
    text = str(svg(plot, "p", plain)).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return ElementTree.fromstring(text)


def plot_of(*rows: list[float], span_s: float = 100.0) -> Plot:
    count = len(rows[0]) if rows else 0
    ages = [span_s * (count - 1 - i) / max(count - 1, 1) for i in range(count)]
    return Plot(
        "Throughput", "messages/s", span_s, ages, [Line(f"line {i}", row) for i, row in enumerate(rows)]
    )


def points(root: ElementTree.Element) -> list[tuple[float, float]]:
    found = []
    for shape in root.iter(f"{SVG}polyline"):
        for point in shape.attrib["points"].split():
            x, y = point.split(",")
            found.append((float(x), float(y)))
    return found + [(float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in root.iter(f"{SVG}circle")]


any_float = st.floats(allow_nan=True, allow_infinity=True)


@given(
    st.text(),
    st.text(),
    st.floats(min_value=1, max_value=1e7),
    st.lists(st.tuples(any_float, any_float, any_float), max_size=50),
    st.lists(st.text(), min_size=2, max_size=2),
)
def test_any_figures_and_names_give_well_formed_xml_within_the_frame(
    title: str, unit: str, span_s: float, rows: list[tuple[float, float, float]], names: list[str]
) -> None:
    lines = [Line(name, [row[i] for row in rows]) for i, name in enumerate(names)]
    root = drawn(Plot(title, unit, span_s, [row[2] for row in rows], lines))
    for x, y in points(root):
        assert LEFT <= x <= RIGHT
        assert TOP <= y <= BOTTOM


def test_what_is_highest_stands_in_the_frame_and_nothing_at_its_bottom() -> None:
    assert points(drawn(plot_of([0.0, 37.0, 0.0]))) == [
        (LEFT, BOTTOM),
        ((LEFT + RIGHT) / 2, 26.3),
        (RIGHT, BOTTOM),
    ]


def test_a_gap_ends_one_line_and_begins_the_next_and_a_lonely_value_is_a_dot() -> None:
    root = drawn(plot_of([1.0, 2.0, nan, 3.0, inf, 4.0, 5.0]))
    assert [len(line.attrib["points"].split()) for line in root.iter(f"{SVG}polyline")] == [2, 2]
    assert len(list(root.iter(f"{SVG}circle"))) == 1


def test_names_cannot_end_the_picture_or_begin_another() -> None:
    plot = Plot("</title><script>", "<b>", 60.0, [0.0], [Line('"><script>', [1.0])])
    text = svg(plot, "p", plain)
    assert "<script" not in text
    assert "<b>" not in text


def test_nothing_in_a_plot_has_a_style_of_its_own() -> None:
    text = svg(plot_of([1.0, 2.0], [3.0, nan]), "p", plain)
    for forbidden in ("style=", "fill=", "stroke=", "<style", " on"):
        assert forbidden not in text


def test_it_says_its_title_its_unit_and_each_lines_newest_and_highest_value() -> None:
    root = drawn(plot_of([1.0, 250.0, 20.0], [nan, nan, nan]))
    assert root.attrib["role"] == "img"
    ids = root.attrib["aria-labelledby"].split()
    said = {child.attrib["id"]: child.text for child in root if "id" in child.attrib}
    assert [said[one] for one in ids] == ["Throughput, messages/s", "line 0: now 20, at most 250"]


def test_no_figures_at_all_are_a_frame_that_says_so() -> None:
    root = drawn(plot_of())
    description = root.find(f"{SVG}desc")
    assert description is not None
    assert description.text == "no figures yet"
    assert not points(root)


def test_no_more_lines_are_drawn_than_the_style_sheet_tells_apart() -> None:
    root = drawn(plot_of(*([1.0, 2.0] for _ in range(LINES_MAX + 3))))
    assert len(list(root.iter(f"{SVG}polyline"))) == LINES_MAX


def test_the_table_has_the_newest_and_the_oldest_and_some_between() -> None:
    rows = table_rows(plot_of([float(i) for i in range(1000)], span_s=999.0), plain)
    assert len(rows) == TABLE_ROWS
    assert rows[0] == ["now", "999"]
    assert rows[-1] == ["16.6 min", "0"]
    assert table_rows(plot_of(), plain) == []


@given(st.lists(st.tuples(any_float, any_float), max_size=40))
def test_the_table_has_no_row_for_a_gap_and_no_more_rows_than_fit(pairs: list[tuple[float, float]]) -> None:
    plot = Plot("t", "u", 60.0, [age for age, _ in pairs], [Line("a", [value for _, value in pairs])])
    assert len(table_rows(plot, plain)) == min(TABLE_ROWS, sum(isfinite(age) for age, _ in pairs))


@pytest.mark.parametrize(
    ("least", "step"),
    [(0.0, 0.25), (0.3, 0.5), (1.0, 1.0), (1.01, 2.0), (2.4, 2.5), (30.0, 50.0), (70.0, 100.0), (1e99, 1e15)],
)
def test_steps_of_the_axis_are_numbers_that_people_like(least: float, step: float) -> None:
    assert nice_step(least) == pytest.approx(step)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.25, "0.25"),
        (7.0, "7"),
        (12.34, "12"),
        (9999.0, "9999"),
        (12_500.0, "12.5k"),
        (3.2e6, "3.2M"),
        (4e9, "4G"),
        (1e20, "∞"),
        (nan, "–"),
    ],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number_text(value) == text


@pytest.mark.parametrize(
    ("age_s", "text"),
    [
        (0.2, "now"),
        (60.0, "1 min"),
        (75.0, "75 s"),
        (3600.0, "1 h"),
        (900.0, "15 min"),
        (21_600.0, "6 h"),
        (259_200.0, "3 d"),
    ],
)
def test_ages_have_the_unit_that_suits_them(age_s: float, text: str) -> None:
    assert age_text(age_s, plain) == text
