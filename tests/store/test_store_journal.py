"""The gateway's end of the store: what is sent when, and who hears what of it.

The writing process is played by the test here, and the loop's turns and timers too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gateway_fakes import NOW_MS, message

from gateway.core.batch import Answer, Batch
from gateway.core.frames import encode_frame, take_frames
from gateway.core.model import Progress
from gateway.store.frames import encode
from gateway.store.journal import LARGE, RETRY_S, TRY_WAITING_EVERY, Journal, Opening
from gateway.store.sqlite_open import StoreError, StoreUnready

DELAY_S = 0.002


class FakeLoop:
    """Turns and timers by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.soon: list[Callable[[], object]] = []
        self.timers: list[tuple[float, Callable[[], object]]] = []

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[[], object]) -> None:
        self.soon.append(callback)

    def call_later(self, delay: float, callback: Callable[[], object]) -> None:
        self.timers.append((self.now + delay, callback))

    def turn(self) -> None:
        callbacks, self.soon = self.soon, []
        for callback in callbacks:
            callback()

    def advance(self, seconds: float) -> None:
        self.now += seconds
        due = [timer for timer in self.timers if timer[0] <= self.now]
        self.timers = [timer for timer in self.timers if timer[0] > self.now]
        for _, callback in due:
            callback()


class Wire:
    """The socket to the writing process: batches that were sent."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.batches: list[Batch] = []

    def write(self, data: bytes) -> None:
        self.buffer += data
        self.batches.extend(Batch(*values) for values in take_frames(self.buffer))


class Bench:
    """A journal that is open, with a fake loop and a fake writing process."""

    def __init__(self, delay_s: float = 0.0, *, hello: bool = True) -> None:
        self.answers: list[tuple[Batch, Answer]] = []
        self.deaths: list[str] = []
        self.heard: list[tuple[str, bool]] = []
        self.loop, self.wire = FakeLoop(), Wire()
        self.journal = asyncio.run(self._make(delay_s))
        journal: Any = self.journal
        journal._loop, journal._transport = self.loop, self.wire
        journal._process = type("Process", (), {"pid": 4711})
        if hello:
            self.receive(("", 3, 77, [("app", 2)], [("one", 1, 0)], 1, [("read", 7)]))

    async def _make(self, delay_s: float) -> Journal:
        return Journal(
            Path("unused"),
            lambda batch, answer: self.answers.append((batch, answer)),
            self.deaths.append,
            delay_s=delay_s,
        )

    def receive(self, value: Answer | tuple[Any, ...]) -> None:
        self.journal.data_received(encode(value) if isinstance(value, Answer) else encode_frame(value))

    def answer(self, **fields: Any) -> None:
        self.receive(Answer(**fields))

    def add(self, name: str, rows: int = 1) -> None:
        """A chunk of work that brings messages, and asks to hear of them."""
        self.journal.batch.accepted.extend((*message(n), Progress.QUEUED.value) for n in range(rows))
        self.journal.then(lambda ok: self.heard.append((name, ok)))


def test_a_chunk_goes_at_the_next_turn_and_hears_of_its_commit() -> None:
    bench = Bench()
    bench.add("a")
    bench.add("b")
    assert bench.wire.batches == []
    bench.loop.turn()
    (batch,) = bench.wire.batches
    assert len(batch.accepted) == 2
    assert bench.heard == []
    bench.answer(ended=[("app", 1)])
    assert bench.heard == [("a", True), ("b", True)]
    ((_, answer),) = bench.answers
    assert answer.ended == [("app", 1)]
    assert bench.journal.commits == 1


def test_the_answer_is_told_before_the_callbacks() -> None:
    bench = Bench()
    bench.add("a")
    bench.journal._on_answer = lambda batch, answer: bench.heard.append(("answer", True))
    bench.loop.turn()
    bench.answer()
    assert bench.heard == [("answer", True), ("a", True)]


def test_two_batches_are_under_way_and_the_rest_gathers() -> None:
    bench = Bench()
    for name in "abcd":
        bench.add(name)
        bench.loop.turn()
    assert [len(batch.accepted) for batch in bench.wire.batches] == [1, 1]
    bench.answer()
    bench.loop.turn()
    assert [len(batch.accepted) for batch in bench.wire.batches] == [1, 1, 2]
    bench.answer()
    bench.answer()
    assert [name for name, _ in bench.heard] == ["a", "b", "c", "d"]


def test_rows_that_nobody_waits_for_are_written_too() -> None:
    bench = Bench()
    bench.journal.batch.delivered.append((5,))
    bench.journal.wake()
    bench.journal.wake()
    bench.loop.turn()
    assert [batch.delivered for batch in bench.wire.batches] == [[(5,)]]


def test_nothing_to_write_sends_nothing() -> None:
    bench = Bench()
    bench.journal.flush()
    bench.journal.wake()
    bench.loop.turn()
    assert bench.wire.batches == []


def test_an_answer_may_come_in_pieces_and_several_at_once() -> None:
    bench = Bench()
    for name in "ab":
        bench.add(name)
        bench.loop.turn()
    both = encode(Answer(expired=[(7, 3)])) + encode(Answer(expired=[(8, 3)]))
    for octet in both[:-3]:
        bench.journal.data_received(bytes((octet,)))
    assert bench.heard == [("a", True)]
    bench.journal.data_received(both[-3:])
    assert [answer.expired for _, answer in bench.answers] == [[(7, 3)], [(8, 3)]]


def test_how_long_the_oldest_batch_waits() -> None:
    bench = Bench()
    assert bench.journal.waiting_s() == 0.0
    bench.add("a")
    bench.loop.turn()
    bench.loop.advance(1.5)
    bench.add("b")
    bench.loop.turn()
    bench.loop.advance(1.0)
    assert bench.journal.waiting_s() == 2.5
    bench.answer()
    assert bench.journal.waiting_s() == 1.0


# -- waiting for company ----------------------------------------------------------------------------


def test_a_small_batch_waits_a_moment_and_goes_on_waiting_while_that_brings_more() -> None:
    bench = Bench(DELAY_S)
    for _ in range(3):
        bench.add("a")
        bench.loop.turn()
        bench.add("b")
        before = len(bench.wire.batches)
        bench.loop.advance(DELAY_S)
        assert len(bench.wire.batches) == before + 1
        bench.answer()


def test_a_wait_that_brought_nothing_is_not_repeated_for_many_commits() -> None:
    bench = Bench(DELAY_S)
    bench.add("a")
    bench.loop.advance(DELAY_S)
    bench.answer()
    for n in range(2, TRY_WAITING_EVERY + 1):
        bench.add("a")
        bench.loop.turn()
        assert len(bench.wire.batches) == n, "at once"
        bench.answer()
    bench.add("a")
    bench.loop.turn()
    assert len(bench.wire.batches) == TRY_WAITING_EVERY, "the wait is tried again"
    bench.loop.advance(DELAY_S)
    assert len(bench.wire.batches) == TRY_WAITING_EVERY + 1


def test_a_large_batch_does_not_wait() -> None:
    bench = Bench(DELAY_S)
    bench.add("a")
    bench.add("b", LARGE)
    bench.loop.turn()
    assert [len(batch.accepted) for batch in bench.wire.batches] == [LARGE + 1]


@pytest.mark.parametrize("delay_s", [0, DELAY_S])
def test_what_is_appended_in_one_go_is_in_one_batch_however_large(delay_s: float) -> None:
    bench = Bench(delay_s)
    bench.add("a")
    bench.add("b", LARGE)  # its messages; somebody is waiting for the commit already
    bench.journal.batch.request_keys.append(("app", "key", b"", NOW_MS, b"", ()))
    bench.add("c", 0)
    bench.loop.turn()
    bench.loop.turn()
    bench.loop.advance(DELAY_S)
    (batch,) = bench.wire.batches
    assert (len(batch.accepted), len(batch.request_keys)) == (LARGE + 1, 1)


# -- a store that cannot write ----------------------------------------------------------------------

FULL = "database or disk is full"


def rows_of(journal: Journal) -> None:
    """One row of every kind."""
    batch = journal.batch
    batch.accepted.append((*message(1), 1))
    batch.intents.append((1, 1, "one", NOW_MS))
    for name in KEPT + FORGOTTEN[2:]:
        getattr(batch, name).append((name,))


KEPT = ["submitted", "late", "handed_over", "postponed", "failed", "doubts", "delivered", "refused"]
KEPT += ["letters_sent", "letters_put_off", "letters_refused", "moves", "rerouted"]
KEPT += ["calls_done", "calls_put_off", "calls_refused", "audit_ends"]
FORGOTTEN = ["accepted", "intents", "mails", "mail_recipients", "claims", "fetches", "letter_claims"]
FORGOTTEN += ["receipts", "incoming", "incoming_mail", "decisions", "sweeps"]
FORGOTTEN += ["call_claims", "calls", "call_replays", "api_accounts"]
FORGOTTEN += ["parts", "replaced_by", "queries", "cancels", "replacements", "audits", "pauses"]


def test_what_has_happened_is_kept_and_what_was_only_asked_for_is_forgotten() -> None:
    bench = Bench()
    rows_of(bench.journal)
    bench.journal.then(lambda ok: bench.heard.append(("a", ok)))
    bench.loop.turn()
    bench.answer(error=FULL)
    assert bench.heard == [("a", False)]
    assert bench.journal.error == FULL
    assert {name: getattr(bench.journal.batch, name) for name in KEPT} == {name: [(name,)] for name in KEPT}
    assert all(getattr(bench.journal.batch, name) == [] for name in FORGOTTEN)
    assert bench.answers == []


def test_nothing_is_sent_until_the_next_try() -> None:
    bench = Bench()
    bench.add("a")
    bench.loop.turn()
    bench.answer(error=FULL)
    bench.add("b")
    bench.loop.turn()
    bench.loop.advance(RETRY_S - 0.01)
    assert len(bench.wire.batches) == 1
    bench.loop.advance(0.01)
    assert len(bench.wire.batches) == 2
    assert bench.journal.error == FULL
    bench.answer()
    assert bench.journal.error == ""
    assert bench.heard == [("a", False), ("b", True)]


def test_it_is_tried_again_and_again_even_with_nothing_to_write() -> None:
    bench = Bench()
    bench.add("a")
    bench.loop.turn()
    bench.answer(error=FULL)
    for n in range(3):
        bench.loop.advance(RETRY_S)
        assert len(bench.wire.batches) == n + 2
        bench.answer(error=FULL)
    bench.loop.advance(RETRY_S)
    bench.answer()
    assert bench.journal.error == ""
    assert bench.loop.timers == []


def test_two_batches_that_fail_are_tried_again_once() -> None:
    bench = Bench()
    for n in (1, 2):
        bench.journal.batch.delivered.append((n,))
        bench.add("a")
        bench.loop.turn()
    bench.answer(error=FULL)
    bench.answer(error=FULL)
    bench.loop.advance(RETRY_S)
    assert len(bench.wire.batches) == 3
    assert sorted(bench.wire.batches[2].delivered) == [(1,), (2,)]


def test_a_batch_under_way_that_can_be_written_ends_the_trouble() -> None:
    bench = Bench()
    for name in "ab":
        bench.add(name)
        bench.loop.turn()
    bench.answer(error=FULL)
    bench.answer()
    assert bench.journal.error == ""
    bench.add("c")
    bench.loop.turn()
    assert len(bench.wire.batches) == 3


def test_g7_an_error_that_is_not_about_room_is_the_end() -> None:
    bench = Bench()
    bench.add("a")
    bench.loop.turn()
    bench.add("b")
    bench.loop.turn()
    bench.answer(error="disk I/O error", fatal=True)
    assert bench.deaths == ["the store failed: disk I/O error"]
    assert bench.heard == [], "whether it is stored is unknown, so nobody hears a yes or a no"
    assert bench.loop.timers == []
    assert not bench.journal.damaged
    bench.add("c")
    bench.loop.turn()
    bench.journal.connection_lost(None)
    assert len(bench.wire.batches) == 2, "nothing more is written"
    assert len(bench.deaths) == 1
    assert bench.heard == []


def test_g7_a_damaged_database_is_told_apart() -> None:
    bench = Bench()
    bench.add("a")
    bench.loop.turn()
    bench.answer(error="malformed", fatal=True, damaged=True)
    assert bench.deaths == ["the store is damaged: malformed"]
    assert bench.journal.damaged


# -- opening and the end ----------------------------------------------------------------------------


def test_what_the_store_says_when_it_opens() -> None:
    bench = Bench()
    expected = Opening(3, 77, {"app": 2}, [("one", 1, 0)], 1, {"read": 7})
    assert bench.journal._opened.result() == expected


@pytest.mark.parametrize(("final", "kind"), [(True, StoreError), (False, StoreUnready)])
def test_a_store_that_cannot_be_opened_says_why(final: bool, kind: type[StoreError]) -> None:
    bench = Bench(hello=False)
    bench.receive(("the reason", final))
    error = bench.journal._opened.exception()
    assert type(error) is kind
    assert str(error) == "the reason"
    bench.journal.connection_lost(None)
    assert bench.deaths == []


def test_a_store_that_ends_before_it_is_open() -> None:
    bench = Bench(hello=False)
    bench.journal.connection_lost(None)
    assert isinstance(bench.journal._opened.exception(), StoreUnready)  # killed: another start may go better


def test_a_store_that_ends_is_the_end_unless_it_was_closed() -> None:
    bench = Bench()
    bench.journal._closing = True
    bench.journal.connection_lost(None)
    assert bench.deaths == []
    bench = Bench()
    bench.add("a")
    bench.journal.connection_lost(ConnectionResetError("reset by peer"))
    assert len(bench.deaths) == 1
    assert "4711" in bench.deaths[0]
    assert "reset by peer" in bench.deaths[0]
    bench.loop.turn()
    assert bench.wire.batches == [], "nobody is there to write it"


def test_a_failover_that_could_not_be_written_is_written_later() -> None:
    bench = Bench()
    bench.journal.batch.moves.append(("one", "two"))
    bench.journal.wake()
    bench.loop.turn()
    bench.answer(error="database or disk is full")
    bench.loop.advance(RETRY_S)
    assert bench.wire.batches[-1].moves == [("one", "two")]
