"""How often may be asked: the rows of the reference, what counts together, and the count itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.smsc_http.limits import LIMITS, Limit, SlidingWindow, claims, identity
from protocols.smsc_http.operations import OPERATIONS


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("send", [(1, 60, "identical")]),
        ("cost", [(5, 60, "identical")]),
        ("job_get", [(1, 60, "identical")]),
        ("status", [(5, 60, "message"), (1, 60, "mass")]),
        ("status_delete", []),
        ("balance", [(10, 60, "all")]),
        ("mail_black_get", [(3, 60, "identical")]),
        ("user_add", [(3, 60, "all")]),
        ("user_chg", [(3, 60, "target")]),
        ("user_pay", []),
        ("doc_get_act", [(1, 60, "all")]),
        ("sender_get", [(3, 60, "identical")]),
        ("sender_add", [(5, 60, "all")]),
        ("sender_del", []),
        ("tpl_get", [(3, 60, "identical")]),
        ("optpl_add", [(10, 60, "identical")]),
        ("ping", [(5, 60, "identical")]),
        ("messages", [(3, 60, "identical"), (30, 3600, "all")]),
        ("answers", [(3, 60, "identical")]),
        ("stat", [(3, 60, "all")]),
        ("price", [(3, 60, "identical")]),
        ("operator", [(3, 60, "identical"), (100, 60, "all")]),
        ("tinyurl", [(3, 60, "identical")]),
        ("rcv_buy", [(2, 60, "identical")]),
        ("waitcall", [(50, 60, "identical")]),
        ("dl_file", [(3, 60, "identical")]),
        ("imgcode", []),
    ],
)
def test_the_rows_are_those_of_the_reference(name: str, rows: list[tuple[int, int, str]]) -> None:
    assert [(limit.count, limit.window_s, limit.per) for limit in LIMITS[name]] == rows


def keys(name: str, **params: str) -> list[object]:
    return [claim.key for claim in claims(OPERATIONS[name], params)]


def test_every_operation_has_its_rows() -> None:
    assert LIMITS.keys() == OPERATIONS.keys()


def test_identical_is_the_same_question_whoever_asks_in_whatever_format() -> None:
    asked = keys("send", phones="7", mes="a")
    assert keys("send", mes="a", phones="7", login="x", psw="y", fmt="1", charset="utf-8") == asked
    assert keys("send", phones="7", mes="b") != asked
    assert keys("send", phones="7a", mes="") != asked
    assert keys("phone_move", grp="1", phone="7") != keys("phone_join", grp="1", phone="7")


def test_names_and_values_do_not_run_into_each_other() -> None:
    assert identity({"a": "b", "c": "d"}) != identity({"a": "bc", "": "d"})
    assert identity({"a": "1:b"}) != identity({"a1": ":b"})
    assert len(identity({"mes": "\ud800"})) == 16


def test_a_status_counts_for_its_message_and_a_mass_request_for_all() -> None:
    assert len(keys("status", id="1", phone="7")) == 1
    assert keys("status", id="1", phone="7") == keys("status", id="1", phone="7", all="2")
    assert keys("status", id="1", phone="7") != keys("status", id="1", phone="8")
    assert keys("status", id="1,2", phone="7,8") == keys("status", id="3,", phone="7,")
    assert [claim.limit.per for claim in claims(OPERATIONS["status"], {"id": "1,2"})] == ["mass"]


def test_changes_count_for_the_sub_client_that_is_changed() -> None:
    assert keys("user_chg", user="a", fio="x") == keys("user_chg", user="a", fio="y")
    assert keys("user_chg", user="a") != keys("user_chg", user="b")
    assert keys("user_add", user="a") == keys("user_add", user="b")


def test_documents_count_together_whatever_is_asked_for() -> None:
    assert keys("doc_get_act", user="a", num="1") == keys("doc_add_account", user="b", sum="5")


def test_the_two_rows_of_history_count_apart() -> None:
    assert len(set(keys("messages", phone="7"))) == 2


def test_the_window_slides() -> None:
    window = SlidingWindow(2, 60)
    for now in (0.0, 10.0):
        assert window.due("a", now) == 0
        window.take("a", now)
    assert window.due("a", 10.0) == 50
    assert window.due("a", 59.5) == 0.5
    assert window.due("b", 10.0) == 0
    assert window.due("a", 60.0) == 0
    window.take("a", 60.0)
    assert window.due("a", 61.0) == 9


def test_what_no_longer_counts_is_forgotten() -> None:
    window = SlidingWindow(1, 60)
    for at in range(1000):
        window.take(at, float(at))
    assert len(window) <= 61
    window.take("new", 5000.0)
    for at in range(100):
        window.take("new", 5001.0 + at)
    assert len(window) == 1


def test_no_more_keys_are_held_than_allowed() -> None:
    window = SlidingWindow(1, 60, most_keys=3)
    for key in ("a", "b", "c", "a", "d"):
        window.take(key, 1.0)
    assert len(window) == 3
    assert [window.due(key, 1.0) for key in ("a", "b", "d")] == [60, 0, 60]


@given(st.integers(1, 4), st.lists(st.floats(0, 30), max_size=40))
def test_who_waits_until_it_is_due_never_exceeds(count: int, pauses: list[float]) -> None:
    window = SlidingWindow(count, 60)
    now = 0.0
    taken: list[float] = []
    for pause in pauses:
        now += pause
        now += window.due("a", now)
        window.take("a", now)
        taken.append(now)
    assert all(later - earlier > 59.999 for earlier, later in zip(taken, taken[count:], strict=False))


def test_a_limit_is_what_it_says() -> None:
    assert Limit(1, 60, "all") == Limit(1, 60, "all", "")
