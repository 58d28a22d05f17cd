"""Who gives way when all connections of a listener are taken."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.places import Guest, Places, sender_of


class One:
    """A connection."""

    def __init__(self, name: str, *, is_idle: bool = False) -> None:
        self.name = name
        self.is_idle = is_idle

    def give_way(self) -> None:
        raise AssertionError("Places only says who")

    def __repr__(self) -> str:
        return self.name


def filled(most: int, *addresses: str) -> tuple[Places, list[One]]:
    """Strangers from these addresses, in this order."""
    places = Places(most)
    guests = [One(f"{address}#{n}") for n, address in enumerate(addresses)]
    for guest, address in zip(guests, addresses, strict=True):
        places.enter(guest, address)
    return places, guests


def freed(places: Places) -> Guest:
    found = places.to_free()
    assert found is not None
    places.leave(found[0])
    return found[0]


def test_the_oldest_stranger_goes_first() -> None:
    places, guests = filled(3, "a", "b", "c")
    assert places.is_full
    assert [freed(places) for _ in guests] == guests
    assert places.to_free() is None
    assert len(places) == 0


def test_security_19_whoever_has_many_pushes_out_himself() -> None:
    places, guests = filled(6, "client", "flood", "other", "flood", "flood", "flood")
    assert [freed(places) for _ in range(3)] == [guests[1], guests[3], guests[4]]
    assert freed(places) is guests[0]  # all have one now


def test_who_is_known_stays_while_there_are_strangers() -> None:
    places, guests = filled(4, "a", "a", "a", "a")
    places.recognise(guests[0])
    places.recognise(guests[0])  # again means nothing
    assert [freed(places) for _ in range(3)] == guests[1:]
    assert places.to_free() is None
    guests[0].is_idle = True
    assert freed(places) is guests[0]


def test_a_few_strangers_are_spared_while_somebody_has_nothing_to_do() -> None:
    places, guests = filled(8, *"aabbbbcd")
    for guest in guests[:6]:
        guest.is_idle = True
        places.recognise(guest)
    guests[2].is_idle = False
    # the first of whoever has the most
    assert [freed(places) for _ in range(3)] == [guests[3], guests[4], guests[0]]
    for guest in guests[:6]:
        guest.is_idle = False
    assert freed(places) is guests[6]


def test_who_left_leaves_no_trace() -> None:
    places, guests = filled(4, "a", "a", "b")
    places.recognise(guests[2])
    for guest in (*guests, *guests, One("never there")):
        places.leave(guest)
        places.recognise(guest)
    assert len(places) == 0
    assert places.to_free() is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::1%eth0", True),
        ("", "", True),
    ],
)
def test_whose_an_address_is(one: str, other: str, same: bool) -> None:
    assert (sender_of(one) == sender_of(other)) is same


@given(st.lists(st.tuples(st.sampled_from("+-!"), st.integers(0, 5)), max_size=80))
def test_it_is_always_one_of_whoever_has_the_most(steps: list[tuple[str, int]]) -> None:
    places = Places(1_000_000)
    strangers: dict[One, str] = {}
    for step, number in steps:
        if step == "+":
            guest = One(f"{number}")
            strangers[guest] = str(number)
            places.enter(guest, str(number))
        elif len(strangers) > number:
            guest = list(strangers)[number]
            del strangers[guest]
            if step == "-":
                places.leave(guest)
            else:
                places.recognise(guest)
    found = places.to_free()
    if not strangers:
        assert found is None
        return
    counts = Counter(strangers.values())
    assert found is not None
    assert counts[found[1]] == max(counts.values())
    assert found[0] == next(guest for guest, sender in strangers.items() if sender == found[1])
