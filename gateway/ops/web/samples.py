"""What the plots show: figures of the last hour in fine steps, and of the last day in coarse ones.

Pure.  Counters become rates: what came between two looks, for each second.  After a restart of the gateway
they begin at nothing, and after a time without answers nobody knows what was when: both are gaps.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, nan

HOUR_S = 3600.0
DAY_S = 86_400.0
FINE_S = 2.0
COARSE_S = 60.0
NAMES_MAX = 300
"""So many figures are kept, over all connectors: what is beyond has no plot."""
POINTS = 240
"""So many points has a line at most: more are not seen, and cost."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the gateway."""

    at_s: float
    """By a clock that never leaps."""
    boot: float
    """Another number: the gateway was started again."""
    counters: Mapping[str, float]
    gauges: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Window:
    """A time before now: how long ago each point was, and its figures by name; nan is a gap."""

    ages_s: Sequence[float]
    figures: Mapping[str, Sequence[float]]

    def of(self, name: str) -> Sequence[float]:
        """A figure, all gaps when nobody knows it."""
        return self.figures.get(name) or [nan] * len(self.ages_s)

    def total(self, prefix: str) -> Sequence[float]:
        """The sum of all figures whose names begin so."""
        return self._folded(prefix, sum)

    def highest(self, prefix: str) -> Sequence[float]:
        """The highest of all figures whose names begin so."""
        return self._folded(prefix, max)

    def _folded(self, prefix: str, fold: Callable[[Iterable[float]], float]) -> list[float]:
        """Folds what is known at each point; a gap where nothing is."""
        rows = [row for name, row in self.figures.items() if name.startswith(prefix)]
        folded = []
        for i in range(len(self.ages_s)):
            known = [row[i] for row in rows if isfinite(row[i])]
            folded.append(fold(known) if known else nan)
        return folded


class Ring:
    """Points of one step; the oldest makes room for the newest."""

    def __init__(self, step_s: float, span_s: float) -> None:
        self.step_s, self.span_s = step_s, span_s
        self._most = int(span_s / step_s)
        self._times = array("d")
        self._columns: dict[str, array[float]] = {}
        self._last: Reading | None = None
        self._highest: dict[str, float] = {}

    def take(self, reading: Reading) -> None:
        """Remembers a look, as a point when a step has gone since the last one."""
        for name, value in reading.gauges.items():
            self._highest[name] = max(value, self._highest.get(name, value))
        last = self._last
        elapsed_s = reading.at_s - last.at_s if last else inf
        if elapsed_s < self.step_s * 0.9:
            return
        known = last is not None and last.boot == reading.boot and elapsed_s <= self.gap_s
        rates = {
            name: (value - last.counters[name]) / elapsed_s
            for name, value in reading.counters.items()
            if known and last is not None and 0 <= last.counters.get(name, inf) <= value
        }
        self._append(reading.at_s, rates | self._highest)
        self._last, self._highest = reading, {}

    @property
    def gap_s(self) -> float:
        """Points that are further apart are not joined by a line."""
        return max(30.0, self.step_s * 3)

    def window(self, now_s: float, span_s: float) -> Window:
        """The points of the last `span_s`, at most POINTS of them with gaps, their figures as means."""
        first = next((i for i, at in enumerate(self._times) if at > now_s - span_s), len(self._times))
        groups: list[list[int]] = []
        width_s, group_end = span_s / POINTS, -inf
        for i in range(first, len(self._times)):
            at = self._times[i]
            if groups and at - self._times[i - 1] > self.gap_s:
                groups.append([])
                group_end = -inf
            if at >= group_end:
                groups.append([])
                group_end = (at // width_s + 1) * width_s
            groups[-1].append(i)
        ages = [now_s - self._times[group[-1]] if group else nan for group in groups]
        figures = {
            name: [_mean([column[i] for i in group]) for group in groups]
            for name, column in self._columns.items()
        }
        return Window(ages, figures)

    def _append(self, at_s: float, figures: Mapping[str, float]) -> None:
        if len(self._times) >= self._most:
            del self._times[0]
            for column in self._columns.values():
                del column[0]
        for name in figures:
            if name not in self._columns and len(self._columns) < NAMES_MAX:
                self._columns[name] = array("d", [nan]) * len(self._times)
        self._times.append(at_s)
        for name, column in list(self._columns.items()):
            column.append(figures.get(name, nan))
            if name not in figures and not any(map(isfinite, column)):
                del self._columns[name]  # a connector that left the configuration long ago


class Samples:
    """Both rings."""

    def __init__(self) -> None:
        self.fine = Ring(FINE_S, HOUR_S)
        self.coarse = Ring(COARSE_S, DAY_S)

    def take(self, reading: Reading) -> None:
        """Remembers a look."""
        self.fine.take(reading)
        self.coarse.take(reading)

    def window(self, now_s: float, span_s: float) -> Window:
        """The last `span_s`, from the ring that reaches so far."""
        ring = self.fine if span_s <= HOUR_S else self.coarse
        return ring.window(now_s, span_s)


def quotient(sums: Sequence[float], counts: Sequence[float]) -> list[float]:
    """Means of what a histogram measured, by the rates of its sum and count; a gap where nothing came."""
    return [total / count if count > 0 else nan for total, count in zip(sums, counts, strict=True)]


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if isfinite(value)]
    return sum(known) / len(known) if known else nan
