"""Plots as SVG: lines over the time before now.  Pure: numbers and texts in, text out.

Nothing in them has a style of its own: the style sheet knows the classes, so they are right in the dark and
on paper.  What somebody sees they also say: a title, a description, and a table of the same figures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, isfinite, log10

from markupsafe import Markup

WIDTH, HEIGHT = 480, 210
LEFT, RIGHT, TOP, BOTTOM = 58, 470, 14, 178
"""Where the lines are; around them is what explains them."""
LINES_MAX = 6
"""So many kinds of lines the style sheet tells apart."""
TABLE_ROWS = 12
_TICKS = 4
_HUGE = 1e15
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Translate = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Line:
    """One line; a value that is not finite is a gap in it."""

    name: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Plot:
    """What a plot shows."""

    title: str
    unit: str
    span_s: float
    ages_s: Sequence[float]
    """How long ago each value was, from `span_s` (left) to 0 (right)."""
    lines: Sequence[Line]


def svg(plot: Plot, name: str, _: Translate) -> Markup:
    """The picture; `name` makes its ids those of this plot."""
    lines = plot.lines[:LINES_MAX]
    step = nice_step(max((y for line in lines for y in _finite(line.values)), default=0.0) / _TICKS)
    top = step * _TICKS
    title, description = f"{_safe(name)}-title", f"{_safe(name)}-description"
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{title} {description}">',
        f'<title id="{title}">{_safe(plot.title)}, {_safe(plot.unit)}</title>',
        f'<desc id="{description}">{_safe(describe(plot, _))}</desc>',
        *_grid(plot.span_s, step, _),
    ]
    for number, line in enumerate(lines, 1):
        parts.extend(_drawn(plot, line, number, top, is_filled=len(lines) == 1))
    parts.append("</svg>")
    return Markup("".join(parts))  # noqa: S704 - every text in it went through _safe()


def describe(plot: Plot, _: Translate) -> str:
    """What the picture shows, in a sentence: each line's newest value and its highest."""
    said = []
    for line in plot.lines:
        known = list(_finite(line.values))
        if known:
            said.append(
                f"{line.name}: {_('now')} {number_text(known[-1])}, {_('at most')} {number_text(max(known))}"
            )
    return "; ".join(said) or _("no figures yet")


def table_rows(plot: Plot, _: Translate) -> list[list[str]]:
    """The same figures for who reads: age, and a value for each line; newest first, some of them."""
    there = [i for i, age_s in enumerate(plot.ages_s) if isfinite(age_s)]
    share = (len(there) - 1) / (TABLE_ROWS - 1)
    steps = {round(row * share) for row in range(TABLE_ROWS)} if there else set()
    return [
        [age_text(plot.ages_s[i], _), *(number_text(line.values[i]) for line in plot.lines)]
        for i in (there[step] for step in sorted(steps, reverse=True))
    ]


def newest(line: Line) -> str:
    """The newest value, for the legend."""
    return number_text(line.values[-1]) if line.values else "–"


def nice_step(least: float) -> float:
    """The next of 1, 2, 2.5, 5, 10, … that is not less; 0.25 for nothing, which makes an axis up to 1."""
    if not 1e-9 < least < _HUGE:
        return 0.25 if least < 1 else _HUGE
    power = 10.0 ** floor(log10(least))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10, 20) if factor * power >= least * (1 - 1e-9))


def number_text(value: float) -> str:
    """Three digits that count, with k, M or G."""
    if not isfinite(value):
        return "–"
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            return f"{value / (1000 if unit == 'k' else limit):.3g}{unit}" if abs(value) < _HUGE else "∞"
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2g}"


def age_text(age_s: float, _: Translate) -> str:
    """How long ago: "now", "40 s", "12 min", "3 h", "2 d"."""
    if age_s < 1:
        return _("now")
    for seconds, unit in ((86_400, _("d")), (3600, _("h")), (60, _("min"))):
        if age_s >= 2 * seconds or age_s == seconds:
            return f"{age_s / seconds:.3g} {unit}"
    return f"{age_s:.0f} {_('s')}"


def _finite(values: Sequence[float]) -> Iterator[float]:
    return (value for value in values if isfinite(value))


def _grid(span_s: float, step: float, _: Translate) -> Iterator[str]:
    for tick in range(_TICKS + 1):
        y = BOTTOM - (BOTTOM - TOP) * tick / _TICKS
        kind = "grid-line" if tick else "axis-line"
        yield f'<line class="{kind}" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="end" x="{LEFT - 8}" y="{y + 4:.1f}">{_safe(number_text(step * tick))}</text>'
    parts = 5 if span_s / 5 == 60 else 4
    for part in range(parts + 1):
        x = LEFT + (RIGHT - LEFT) * part / parts
        side = "end" if part == parts else "middle"
        label = age_text(span_s * (parts - part) / parts, _)
        yield f'<text class="{side}" x="{x:.1f}" y="{BOTTOM + 22}">{_safe(label)}</text>'


def _drawn(plot: Plot, line: Line, number: int, top: float, *, is_filled: bool) -> Iterator[str]:
    """A line as pieces without gaps; a piece of one value is a dot."""
    for piece in _pieces(plot, line, top):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in piece)
        if len(piece) == 1:
            (x, y) = piece[0]
            yield f'<circle class="dot series-{number}" cx="{x:.1f}" cy="{y:.1f}" r="2"/>'
            continue
        if is_filled:
            start, end = piece[0][0], piece[-1][0]
            corners = f"{start:.1f},{BOTTOM} {points} {end:.1f},{BOTTOM}"
            yield f'<polygon class="area series-{number}" points="{corners}"/>'
        yield f'<polyline class="line series-{number}" points="{points}"/>'


def _pieces(plot: Plot, line: Line, top: float) -> Iterator[list[tuple[float, float]]]:
    piece: list[tuple[float, float]] = []
    for age_s, value in zip(plot.ages_s, line.values, strict=False):
        if isfinite(value) and 0 <= age_s <= plot.span_s:
            share = min(max(value / top, 0.0), 1.0)
            x = RIGHT - (RIGHT - LEFT) * age_s / plot.span_s
            piece.append((x, BOTTOM - (BOTTOM - TOP) * share))
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _safe(text: str) -> str:
    """A text as it may stand in XML."""
    return escape(_NOT_IN_XML.sub("\ufffd", text))
