"""Sending a list goes on after any end: whatever was written, sent or answered just then."""

from __future__ import annotations

import contextlib
import csv
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cli import CommandError, bulk_results
from gateway.cli.bulk_list import BulkList, Line, Wanted
from gateway.cli.bulk_results import Known, Result, Results
from gateway.cli.bulk_sending import PAUSE_MAX_S, PAUSE_S, Pace, Sending
from gateway.cli.bulk_session import Told
from protocols.smpp import constants as c

WINDOW = 4


class Crash(BaseException):
    """The process is killed."""


class Fate:
    """Kills at a step: a write that may be torn, or a message of a burst."""

    def __init__(self, random: Random, steps: int | None) -> None:
        self.random = random
        self._left = steps

    def is_now(self) -> bool:
        if self._left is None:
            return False
        self._left -= 1
        return self._left < 0

    def put(self, descriptor: int, octets: bytes) -> None:
        if self.is_now():
            os.write(descriptor, octets[: self.random.randrange(len(octets) + 1)])
            raise Crash
        os.write(descriptor, octets)


class Smsc:
    """Takes messages, and remembers which."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.taken: Counter[int] = Counter()
        self.ids: dict[int, str] = {}
        self.slowed: set[int] = set()

    def take(self, line: Line) -> Told:
        if line.line % 5 == 0 and line.line not in self.slowed:
            self.slowed.add(line.line)
            return Told(line, c.ESME_RTHROTTLED, "")
        self.taken[line.line] += 1
        if line.line % 7 == 0:
            return Told(line, c.ESME_RINVDSTADR, "")
        self.ids[line.line] = f"id-{line.line}"
        return Told(line, c.ESME_ROK, self.ids[line.line])


class FakeLink:
    """A session to it, with answers out of order."""

    def __init__(self, smsc: Smsc, fate: Fate) -> None:
        self.told: list[Told] = []
        self._smsc, self._fate = smsc, fate
        self._answers: list[Told] = []
        self.now = 0.0

    @property
    def outstanding(self) -> int:
        return len(self._answers)

    @property
    def room(self) -> int:
        return WINDOW - len(self._answers)

    def submit(self, lines: list[Line], *, receipt: bool) -> None:
        for line in lines:
            if self._fate.is_now():
                raise Crash
            self._answers.append(self._smsc.take(line))

    def wait(self, wait_s: float) -> None:
        self.now += wait_s
        self._smsc.random.shuffle(self._answers)
        for _ in range(self._smsc.random.randint(0, len(self._answers))):
            self.told.append(self._answers.pop())


def lines(count: int) -> Iterator[Line]:
    return (Line(n, f"7999{n:07}", "Example", "hi") for n in range(1, count + 1))


def send(path: Path, count: int, smsc: Smsc, fate: Fate, *, resend: bool = False) -> Sending:
    resume = path.with_name("list.sent").exists()
    link = FakeLink(smsc, fate)
    opened: list[int] = []
    really_open = os.open

    def opening(*args: Any) -> int:
        opened.append(really_open(*args))
        return opened[-1]

    with patch.object(bulk_results, "_put", fate.put), patch.object(os, "open", opening):
        try:
            results = Results(path, "digest", resume=resume)
            sending = Sending(lines(count), results, link, resend_unknown=resend, clock=lambda: link.now)
            sending.run()
            sending.give_up()
            results.close(complete=True)
        except Crash:
            for descriptor in opened:  # as the end of a process does
                with contextlib.suppress(OSError):
                    os.close(descriptor)
            raise
    return sending


def statuses(path: Path) -> dict[int, str]:
    with path.with_name("list.sent").open(newline="") as file:
        return {int(row["line"]): row["status"] for row in csv.DictReader(file) if row["status"] != "list"}


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(1, 25),
    crashes=st.lists(st.integers(0, 60), max_size=4),
    seed=st.integers(0, 1 << 32),
    resend=st.booleans(),
)
def test_no_line_goes_twice_and_none_is_forgotten(
    count: int, crashes: list[int], seed: int, resend: bool
) -> None:
    random = Random(seed)
    smsc = Smsc(random)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "list")
        died = 0
        for steps in crashes:
            try:
                send(path, count, smsc, Fate(random, steps))
            except Crash:
                died += 1
        send(path, count, smsc, Fate(random, None))
        found = statuses(path)
        assert set(found) == set(range(1, count + 1))
        assert all(times == 1 for times in smsc.taken.values())
        for line, status in found.items():
            if status == "unknown":
                continue
            assert smsc.taken[line] == 1
            assert (status == "accepted") == (line in smsc.ids)
        assert sum(status == "unknown" for status in found.values()) <= died * WINDOW
        assert not path.with_name("list.sending").exists()
        if resend:
            send(path, count, smsc, Fate(random, None), resend=True)
            assert "unknown" not in statuses(path).values()
            assert max(smsc.taken.values()) <= 2


def test_without_a_crash_nothing_is_unknown(tmp_path: Path) -> None:
    smsc = Smsc(Random(1))
    sending = send(tmp_path / "list", 100, smsc, Fate(smsc.random, None))
    assert (sending.accepted, sending.refused, sending.unknown, sending.before) == (86, 14, 0, 0)
    again = send(tmp_path / "list", 100, smsc, Fate(smsc.random, None))
    assert (again.accepted, again.before) == (0, 100)


def test_stopping_waits_for_what_is_on_its_way(tmp_path: Path) -> None:
    smsc = Smsc(Random(2))
    fate = Fate(smsc.random, None)
    link = FakeLink(smsc, fate)
    results = Results(tmp_path / "list", "digest", resume=False)
    sending = Sending(lines(100), results, link, clock=lambda: link.now)

    def changed() -> None:
        sending.stopping = len(smsc.taken) > 20

    sending.run(changed)
    results.close(complete=True)
    assert len(smsc.taken) < 100
    assert sending.accepted + sending.refused == len(smsc.taken)
    assert "unknown" not in statuses(tmp_path / "list").values()


def test_throttling_makes_longer_and_longer_pauses(tmp_path: Path) -> None:
    class Slow(Smsc):
        def take(self, line: Line) -> Told:
            times.append(link.now)
            return Told(line, c.ESME_RTHROTTLED if len(times) <= 7 else c.ESME_ROK, "1")

    times: list[float] = []
    smsc = Slow(Random(3))
    link = FakeLink(smsc, Fate(smsc.random, None))
    results = Results(tmp_path / "list", "digest", resume=False)
    Sending(lines(1), results, link, clock=lambda: link.now).run()
    results.close(complete=True)
    pauses = [b - a for a, b in pairwise(times)]
    assert all(a <= b + 1 for a, b in pairwise(pauses))
    assert PAUSE_S <= pauses[0] < 2
    assert PAUSE_MAX_S <= pauses[-1] < PAUSE_MAX_S + 2


@given(rate=st.floats(0.1, 5000), waits=st.lists(st.floats(0, 3), max_size=50))
def test_no_second_has_more_than_the_rate(rate: float, waits: list[float]) -> None:
    pace, now, total = Pace(rate, 0.0), 0.0, 0
    for wait in waits:
        now += wait
        count = pace.allowed(now)
        pace.used(count)
        total += count
        assert total <= now * rate + max(1.0, rate / 10) + 1


@pytest.mark.parametrize(
    "text",
    [
        "not a result\n",
        "line,number,status,message_id,error\nx,1,accepted,1,\n",
        "line,number,status,message_id,error\n1\n",
    ],
)
def test_another_file_of_that_name_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list"
    path.with_name("list.sent").write_text(text)
    with pytest.raises(CommandError, match="this is no result of a list"):
        Results(path, "digest", resume=True)
    assert path.with_name("list.sent").read_text() == text


def test_stale_notes_of_a_list_whose_results_were_moved_away_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.with_name("list.sending").write_text("1\n2\n")
    results = Results(path, "digest", resume=False)
    assert results.known(1) is Known.UNSENT
    results.over([Result(1, "1", "accepted", "x")])
    results.close(complete=True)
    again = Results(path, "digest", resume=True)
    assert (again.known(1), again.known(2)) == (Known.OVER, Known.UNSENT)
    again.close(complete=True)


CELLS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r"), min_size=1, max_size=30)


@settings(deadline=None)
@given(
    names=st.lists(CELLS.filter(str.strip), min_size=1, max_size=20),
    template=st.sampled_from(["{name}", "x{name}y{{"]),
)
def test_a_list_says_what_its_cells_say(names: list[str], template: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "list.csv")
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["to", "name"], *(["79990000001", name] for name in names)])
        found = list(BulkList(path, Wanted({}, template, "Example")).lines())
    before, after = template.replace("{{", "{").split("{name}")
    assert [line.text for line in found] == [before + name + after for name in names]
