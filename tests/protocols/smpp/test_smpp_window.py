"""Our requests while they wait."""

import pytest

from protocols.smpp import window as window_module
from protocols.smpp.constants import GENERIC_NACK, SUBMIT_SM_RESP, UNBIND_RESP
from protocols.smpp.window import Window


def window_of(*contexts: str) -> Window:
    window = Window(30.0)
    for at, context in enumerate(contexts):
        window.add(window.number(), SUBMIT_SM_RESP, context, float(at))
    return window


def test_settles_by_number_and_type() -> None:
    window = window_of("a", "b")
    entry = window.settle(2, SUBMIT_SM_RESP)
    assert entry is not None and (entry.context, entry.sent_at, entry.late) == ("b", 1.0, False)
    assert window.settle(2, SUBMIT_SM_RESP) is None
    assert list(window.outstanding) == [1]


def test_the_wrong_type_settles_nothing_and_generic_nack_anything() -> None:
    window = window_of("a")
    assert window.settle(1, UNBIND_RESP) is None
    assert window.settle(1, GENERIC_NACK) is not None


def test_expires_in_order_and_remembers() -> None:
    window = window_of("a", "b", "c")
    assert window.next_deadline() == 30.0
    assert window.expire(29.9) == []
    assert [timed_out for timed_out, _ in window.expire(31.0)] == [("a", 1, 0.0), ("b", 2, 1.0)]
    assert window.next_deadline() == 32.0
    entry = window.settle(1, SUBMIT_SM_RESP)
    assert entry is not None and entry.late and entry.context == "a"
    assert window.settle(1, SUBMIT_SM_RESP) is None
    assert window.settle(2, UNBIND_RESP) is None


def test_the_memory_of_the_late_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module, "LATE_REQUESTS_KEPT", 2)
    window = window_of("a", "b", "c")
    window.expire(100.0)
    assert window.settle(1, SUBMIT_SM_RESP) is None
    assert window.settle(2, SUBMIT_SM_RESP) is not None


def test_abandon_empties_it() -> None:
    window = window_of("a", "b")
    window.expire(30.0)
    assert window.abandon() == [(2, "b", 1.0)]
    assert window.next_deadline() is None and window.settle(1, SUBMIT_SM_RESP) is None
