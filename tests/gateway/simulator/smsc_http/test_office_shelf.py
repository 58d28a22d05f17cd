"""Rows with ids that count up."""

from __future__ import annotations

import pytest

from gateway.simulator.smsc_http.shelf import Shelf


def test_ids_count_up_and_are_never_given_twice() -> None:
    shelf: Shelf[str] = Shelf(10, first=5)
    assert [shelf.add(str) for _ in range(3)] == ["5", "6", "7"]
    shelf.remove(7)
    assert shelf.add(str) == "8"
    assert (list(shelf), list(shelf.newest())) == (["5", "6", "8"], ["8", "6", "5"])
    assert (shelf.get(6), shelf.get(7), shelf.get(None)) == ("6", None, None)
    with pytest.raises(KeyError):
        shelf.remove(7)


def test_the_oldest_row_makes_room() -> None:
    shelf: Shelf[str] = Shelf(2)
    for _ in range(3):
        shelf.add(str)
    assert list(shelf) == ["2", "3"]
    assert len(shelf) == 2
