"""What doctor prints of a finding."""

from __future__ import annotations

from gateway.cli.doctor.output import _lines
from gateway.cli.doctor.results import Result, failed


def test_a_long_subject_leaves_the_room_of_what_was_found() -> None:
    found = "cannot reach PostgreSQL: " + "x" * 130 + " password authentication failed"
    lines = list(_lines(Result("store", failed("postgresql://" + "y" * 150, found, "mend it"))))
    assert lines[0].endswith(found)
    assert lines[1].strip() == "next: mend it"


def test_what_a_peer_says_cannot_move_the_cursor_and_has_a_bound() -> None:
    [line, _] = _lines(Result("store", failed("a\x1b[2J", "b\r" + "c" * 1000, "d")))
    assert "\x1b" not in line
    assert "\r" not in line
    assert line.count("c") <= 200
