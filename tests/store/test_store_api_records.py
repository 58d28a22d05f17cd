"""Small things of accounts, address books, and short links."""

from __future__ import annotations

import pytest
from gateway_fakes import DAY_MS, NOW_MS
from store_http import HANDLER, claim, fail, known, live, send, use
from store_support import Store

from gateway.core.api import Contact
from gateway.core.batch import Answer, Row

# -- records ------------------------------------------------------------------------------------------


def names(store: Store) -> list[tuple[str, str, int, str]]:
    return [(row["kind"], row["account"], row["record_id"], row["name"]) for row in store.rows("record")]


def test_records_are_put_changed_and_dropped(store: Store) -> None:
    store.apply(records=[("group", "app", 1, "a", "{}"), ("group", "app", 2, "b", "{}")])
    store.apply(records=[("group", "app", 1, "c", '{"x": 1}')])
    assert names(store) == [("group", "app", 1, "c"), ("group", "app", 2, "b")]
    assert store.rows("record")[0]["data"] == '{"x": 1}'
    store.apply(
        records_gone=[("group", "other", 1), ("group", "a", 1), ("template", "app", 1), ("group", "app", 2)]
    )
    assert names(store) == [("group", "app", 1, "c")]


def test_what_is_gone_does_not_come_back_by_a_change(store: Store) -> None:
    store.apply(records=[("group", "app", 1, "a", "{}"), ("group", "app", 2, "b", "{}")])
    changed: list[Row] = [("c", "[1]", "group", "app", 1), ("d", "[2]", "group", "app", 2)]
    store.apply(records_gone=[("group", "app", 1)], records_changed=changed)
    store.apply(records_changed=changed)
    assert names(store) == [("group", "app", 2, "d")]
    assert store.rows("record")[0]["data"] == "[2]"


def test_the_highest_ids_are_known_when_what_had_them_is_gone(store: Store) -> None:
    engine = store.engine
    assert engine.applier.records.newest() == ({}, 0)
    store.apply(
        records=[("group", "b", 9, "", "{}"), ("group", "app", 7, "", "{}"), ("contact", "b", 2, "", "{}")]
    )
    store.apply(records=[("group", "app", 8, "", "{}")], contacts=[contact(5), contact(4)])
    store.apply(records_gone=[("group", "b", 9)], contacts_gone=[("app", 5)])
    store.restart()
    assert engine.applier.records.newest() == ({"group": 9, "contact": 2}, 5)


# -- contacts -----------------------------------------------------------------------------------------


def contact(contact_id: int, **fields: object) -> Row:
    values = {
        **dict.fromkeys(Contact._fields, ""),
        "contact_id": contact_id,
        "account": "app",
        "is_mail": 0,
        "numbers": "79990000001 79990000002",
        "groups": "3 4",
        "name": "Example",
    }
    assert not fields.keys() - values.keys()
    return tuple({**values, **fields}.values())


def of_contacts(store: Store) -> tuple[set[Row], set[Row]]:
    """Numbers and groups, as contacts are found by."""
    numbers = {tuple(row.values()) for row in store.rows("contact_number")}
    return numbers, {tuple(row.values()) for row in store.rows("contact_group_member")}


def test_a_contact_is_found_by_each_of_its_numbers_and_groups(store: Store) -> None:
    store.apply(contacts=[contact(1), contact(2, is_mail=1, numbers="a@example.org", groups="")])
    assert tuple(store.rows("contact")[0].values()) == contact(1)
    numbers, groups = of_contacts(store)
    assert numbers == {
        ("app", 0, "79990000001", 1),
        ("app", 0, "79990000002", 1),
        ("app", 1, "a@example.org", 2),
    }
    assert groups == {(3, 1), (4, 1)}


def test_a_changed_contact_is_written_anew(store: Store) -> None:
    store.apply(contacts=[contact(1)])
    store.apply(contacts=[contact(1, numbers="79990000003 79990000003", groups="4", name="Other")])
    assert [row["name"] for row in store.rows("contact")] == ["Other"]
    assert of_contacts(store) == ({("app", 0, "79990000003", 1)}, {(4, 1)})


def test_twice_in_a_batch_the_last_one_counts(store: Store) -> None:
    store.apply(contacts=[contact(1), contact(1, numbers="79990000009", groups="")])
    assert of_contacts(store) == ({("app", 0, "79990000009", 1)}, set())


def test_a_contact_goes_with_its_numbers_and_groups(store: Store) -> None:
    store.apply(contacts=[contact(1)])
    store.apply(contacts_gone=[("app", 1)])
    assert (store.rows("contact"), of_contacts(store)) == ([], (set(), set()))


def test_another_account_s_contact_stays_as_it_is(store: Store) -> None:
    store.apply(contacts=[contact(1)])
    before = (store.rows("contact"), of_contacts(store)[0])
    groups = of_contacts(store)[1]
    store.apply(contacts_gone=[("other", 1)])
    assert of_contacts(store)[1] == groups
    store.apply(contacts_gone=[("other", 2)], contacts=[contact(3, account="other", numbers="", groups="")])
    store.apply(contacts_gone=[("app", 3)])
    assert (store.rows("contact", account="app"), of_contacts(store)[0]) == before
    assert len(store.rows("contact", account="other")) == 1


# -- short links ----------------------------------------------------------------------------------------

URL = "https://example.org/"


def link(store: Store, link_id: int = 1, message_id: int = 0, at_ms: int = NOW_MS) -> None:
    store.apply(short_links=[(link_id, "app", URL, at_ms, message_id)])


def click(store: Store, *link_ids: int, day: int = 100, at_ms: int = NOW_MS) -> Answer:
    return store.apply(clicks=[(link_id, at_ms, day) for link_id in link_ids])


def days(store: Store) -> list[Row]:
    return [tuple(row.values()) for row in store.rows("link_day")]


def test_clicks_are_counted_by_day_and_in_all(store: Store) -> None:
    link(store)
    link(store, 2)
    click(store, 1, 1, 2)
    click(store, 1, day=101)
    assert days(store) == [(1, 100, 2), (1, 101, 1), (2, 100, 1)]
    assert [row["clicks"] for row in store.rows("short_link")] == [3, 1]


def test_a_link_that_is_not_there_has_no_clicks(store: Store) -> None:
    assert not click(store, 5).calls_waiting
    assert days(store) == []


def test_a_link_stays_as_it_was_made(store: Store) -> None:
    link(store)
    store.apply(short_links=[(1, "other", "https://example.org/else", NOW_MS, 0)])
    assert [row["account"] for row in store.rows("short_link")] == ["app"]


def test_the_first_click_marks_the_message_and_is_told(store: Store) -> None:
    use(store, HANDLER)
    send(store, live(1), flags=1)
    link(store, 1, message_id=1)
    link(store, 2, message_id=1)
    answer = store.apply(clicks=[(1, NOW_MS + 1, 100), (1, NOW_MS + 2, 100)])
    assert answer.calls_waiting
    assert store.rows("api_message")[0]["flags"] == 5
    (one,) = claim(store, NOW_MS + 9)[0]
    assert (one.kind, one.message_id, one.api_id, one.state) == (3, 1, "77", 1)
    assert (one.created_ms, one.done_ms, one.own_number) == (NOW_MS + 1, NOW_MS + 1, "Example")
    assert not click(store, 1, 2).calls_waiting


def test_a_click_says_how_its_message_ended(store: Store) -> None:
    use(store, HANDLER)
    send(store, live(1, flags=0))
    fail(store, 1, state=2)
    link(store, message_id=1)
    click(store, 1)
    assert [one.state for one in claim(store)[0]] == [2]


@pytest.mark.parametrize("message_id", [0, 9])
def test_a_click_on_a_link_of_no_message_is_only_counted(store: Store, message_id: int) -> None:
    use(store, HANDLER)
    store.apply(api_messages=[known(1)])
    link(store, message_id=message_id)
    assert not click(store, 1).calls_waiting
    assert days(store) == [(1, 100, 1)]


def test_links_lead_somewhere_for_a_year(store: Store) -> None:
    link(store, 1, at_ms=NOW_MS - 366 * DAY_MS)
    link(store, 2, at_ms=NOW_MS - 364 * DAY_MS)
    click(store, 1, 2)
    store.sweep()
    assert [row["link_id"] for row in store.rows("short_link")] == [2]
    assert days(store) == [(2, 100, 1)]
