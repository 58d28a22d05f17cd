"""One account's way down: order, sessions that come and go, peers that cannot take it, bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from gateway_fakes import NOW_MS, FakeJournal, FakeReceiver, ManualClock, delivery, recorded_events

from gateway.core.batch import Answer, Batch
from gateway.core.downstream import FETCH, IN_MEMORY, Outlet
from gateway.core.model import Delivery


class Down:
    """An account's outlet, and a table of deliveries as the store has it."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.journal = FakeJournal(self.on_answer)
        self.events, self.written = recorded_events()
        self.outlet = Outlet(
            "app", journal=self.journal, events=self.events, clock=self.clock, random=Random(3)
        )
        self.table: dict[int, Delivery] = {}
        self.last_id = 0
        self.dead: list[int] = []

    def on_answer(self, batch: Batch, answer: Answer) -> None:
        for (delivery_id,) in batch.delivered:
            self.table.pop(delivery_id, None)
        for delivery_id, _, _ in batch.refused:
            self.dead.append(delivery_id)
            self.table.pop(delivery_id, None)
        for _, after, limit in batch.fetches:
            found = [row for row_id, row in sorted(self.table.items()) if row_id > after][:limit]
            self.outlet.fetched([tuple(row) for row in found], len(found) == limit)

    def insert(self, count: int = 1) -> list[Delivery]:
        """New rows in the store that nobody has been told of yet."""
        new = [delivery(self.last_id + n) for n in range(1, count + 1)]
        self.table.update((row.delivery_id, row) for row in new)
        self.last_id += count
        return new

    def add(self, count: int = 1) -> list[int]:
        """New rows, offered as the daemon does after their commit."""
        new = self.insert(count)
        for row in new:
            self.outlet.offer(row)
        self.outlet.pump()
        return [row.delivery_id for row in new]

    def settle(self) -> None:
        """Commits until nothing is asked for any more."""
        while self.journal.is_due:
            self.journal.commit()

    def bind(self, room: int = 100_000) -> FakeReceiver:
        receiver = FakeReceiver(room)
        self.outlet.attach(receiver)
        self.settle()
        return receiver

    def take_all(self, receiver: FakeReceiver) -> list[int]:
        """The peer says OK to all it got."""
        ids = receiver.ids
        for row in receiver.got:
            self.outlet.took(row, NOW_MS)
        receiver.room += len(receiver.got)
        receiver.got.clear()
        self.outlet.pump()
        self.settle()
        return ids


def test_what_came_while_nobody_was_bound_comes_with_the_bind_in_order() -> None:
    down = Down()
    ids = down.add(5)
    assert not down.journal.is_due
    assert down.bind().ids == ids


def test_new_deliveries_go_straight_to_a_bound_session() -> None:
    down = Down()
    session = down.bind()
    ids = down.add(3)
    assert session.ids == ids
    assert not down.journal.is_due, "nothing has to be fetched"


def test_a_delivery_ends_with_the_peers_ok_and_its_commit() -> None:
    down = Down()
    session = down.bind()
    down.add(2)
    down.take_all(session)
    assert down.table == {}
    assert down.outlet.delivered == 2
    down.events.flush()
    assert "".join(down.written).count(" returned message_id=") == 2


def test_rows_that_are_fetched_and_offered_with_one_answer_come_once() -> None:
    """The fetch ran after the rows were inserted by the same batch, so it found them too."""
    down = Down()
    down.add(2)
    session = FakeReceiver()
    down.outlet.attach(session)
    new = down.insert(3)  # committed with the batch that carries the fetch
    down.journal.commit()
    for row in new:
        down.outlet.offer(row)
    down.outlet.pump()
    down.settle()
    assert session.ids == [1, 2, 3, 4, 5]


def test_rows_offered_while_a_fetch_is_under_way_are_not_forgotten() -> None:
    down = Down()
    down.add(2)
    session = FakeReceiver()
    down.outlet.attach(session)
    down.add(2)  # the answer of an earlier batch comes first
    down.settle()
    assert session.ids == [1, 2, 3, 4]


def test_a_failed_fetch_is_made_again() -> None:
    down = Down()
    ids = down.add(2)
    session = FakeReceiver()
    down.outlet.attach(session)
    down.journal.commit(ok=False)
    down.outlet.tick(down.clock.now())
    down.settle()
    assert session.ids == ids


def test_a_large_backlog_comes_in_pieces_and_in_order() -> None:
    down = Down()
    ids = down.add(3 * FETCH + 7)
    session = down.bind(room=10)
    got = []
    while down.table:
        got += down.take_all(session)
    assert got == ids


def test_deliveries_are_shared_among_sessions_by_their_room() -> None:
    down = Down()
    one, two, full = down.bind(30), down.bind(30), down.bind(0)
    ids = down.add(50)
    assert sorted(one.ids + two.ids) == ids
    assert one.got
    assert two.got
    assert not full.got


def test_what_a_session_left_unanswered_goes_to_the_others_first() -> None:
    down = Down()
    one = down.bind(2)
    down.add(4)
    two = down.bind(0)
    down.outlet.detach(one, reversed(one.got))
    two.room = 10
    down.outlet.pump()
    assert two.ids == [1, 2, 3, 4]


def test_what_the_last_session_left_unanswered_is_fetched_again() -> None:
    down = Down()
    one = down.bind(3)
    down.add(5)
    down.outlet.took(one.got[0], NOW_MS)
    down.settle()
    down.outlet.detach(one, one.got[1:])
    assert down.bind().ids == [2, 3, 4, 5]


def test_a_session_that_was_never_attached_changes_nothing() -> None:
    down = Down()
    session = down.bind()
    down.outlet.detach(FakeReceiver(), [delivery(9)])
    assert down.add(1) == session.ids == [1]


def test_a_fetch_of_an_earlier_session_does_not_hide_what_it_left() -> None:
    """A client that is gone and back within one commit: the old fetch began behind what was unanswered."""
    down = Down()
    one = down.bind(room=FETCH)
    down.add(FETCH + 5)
    assert len(one.got) == FETCH
    down.insert(1)
    down.outlet.offer(down.table[down.last_id])
    one.room = 3
    down.outlet._on_disk = True  # memory had been full
    down.outlet.pump()
    batch, end = down.journal.take()
    assert batch.fetches[0][1] > FETCH
    down.outlet.detach(one, one.got)
    two = FakeReceiver(100_000)
    down.outlet.attach(two)
    end(True, None)  # the answer to the old question
    down.settle()
    assert two.ids == sorted(down.table)


def test_a_failed_fetch_of_an_earlier_session_is_forgotten_too() -> None:
    down = Down()
    ids = down.add(3)
    one, two = FakeReceiver(), FakeReceiver()
    down.outlet.attach(one)
    _, end = down.journal.take()
    down.outlet.detach(one, [])
    down.outlet.attach(two)
    end(False, None)
    down.settle()
    assert two.ids == ids
    assert down.add(1) == two.ids[3:]


def test_put_off_comes_again_after_a_growing_delay() -> None:
    down = Down()
    session = down.bind()
    down.add(1)
    for tries in range(4):
        row = session.got.pop()
        down.outlet.put_off(row)
        down.outlet.tick(down.clock.now() + 0.1 * 2**tries - 0.01)
        assert not session.got
        down.clock.advance(2.0**tries)
        down.outlet.tick(down.clock.now())
        assert session.ids == [1]
    down.take_all(session)
    assert down.table == {}


def test_others_go_on_while_one_is_put_off() -> None:
    down = Down()
    session = down.bind()
    down.add(1)
    down.outlet.put_off(session.got.pop())
    down.add(2)
    assert session.ids == [2, 3]


def test_put_off_is_dropped_with_the_last_session_and_fetched_by_the_next() -> None:
    down = Down()
    session = down.bind()
    down.add(1)
    down.outlet.put_off(session.got.pop())
    down.outlet.detach(session, [])
    again = down.bind()
    down.clock.advance(100)
    down.outlet.tick(down.clock.now())
    assert again.ids == [1]


def test_refused_goes_to_the_dead_letters() -> None:
    down = Down()
    session = down.bind()
    down.add(1)
    down.outlet.refuse(session.got.pop(), "ESME_RX_R_APPN", NOW_MS)
    assert down.journal.batch.refused == [(1, "ESME_RX_R_APPN", NOW_MS)]
    down.settle()
    assert (down.dead, down.outlet.refused) == ([1], 1)
    assert "dead_letter account=app message_id=1001 reason=ESME_RX_R_APPN" in "".join(down.written)


def test_put_back_goes_to_the_next_session() -> None:
    down = Down()
    one = down.bind(1)
    down.add(2)
    two = down.bind(5)
    two.got.clear()
    down.outlet.put_back(one.got.pop())
    down.outlet.detach(one, [])
    assert two.ids == [1]


def in_memory(outlet: Outlet) -> int:
    return len(outlet._pending) + len(outlet._delayed)


def test_memory_is_bounded_when_the_session_takes_nothing() -> None:
    down = Down()
    session = down.bind(room=0)
    down.add(IN_MEMORY + 500)
    assert in_memory(down.outlet) == IN_MEMORY
    session.room = 100_000
    down.outlet.pump()
    down.settle()
    assert session.ids == list(range(1, IN_MEMORY + 501))


def test_memory_is_bounded_when_the_session_puts_everything_off() -> None:
    down = Down()
    down.add(5 * IN_MEMORY)
    session = down.bind(room=100)
    for _ in range(100):
        for row in session.got:
            down.outlet.put_off(row)
        session.got.clear()
        session.room = 100
        down.outlet.pump()
        down.settle()
    assert in_memory(down.outlet) <= IN_MEMORY + FETCH
    got: set[int] = set()
    while down.table:
        down.clock.advance(60)
        down.outlet.tick(down.clock.now())
        down.settle()
        got.update(down.take_all(session))
    assert got == set(range(1, 5 * IN_MEMORY + 1))


def test_an_account_that_never_binds_costs_no_memory() -> None:
    down = Down()
    down.add(10_000)
    assert in_memory(down.outlet) == 0
    assert not down.journal.is_due


def test_random_walk_each_delivery_reaches_the_peer_and_none_is_forgotten() -> None:
    for seed in range(30):
        random, down = Random(seed), Down()
        sessions: list[FakeReceiver] = []
        under_way: list[tuple[Batch, Callable[[bool, Answer | None], None]]] = []
        for _ in range(300):
            step = random.randrange(9)
            if step == 0 and len(sessions) < 3:
                sessions.append(FakeReceiver(random.choice((1, 5, 50))))
                down.outlet.attach(sessions[-1])
            elif step == 1 and sessions:
                gone = sessions.pop(random.randrange(len(sessions)))
                down.outlet.detach(gone, gone.got)
            elif step in (2, 3):
                down.add(random.randint(1, 30))
            elif step == 4 and len(under_way) < 2:
                under_way.append(down.journal.take())
            elif step == 5 and under_way:
                batch, end = under_way.pop(0)
                failed = random.random() < 0.1
                end(not failed, None)
                if failed:
                    down.journal.batch.delivered[:0] = batch.delivered
                    down.journal.batch.refused[:0] = batch.refused
            elif sessions:
                session = random.choice(sessions)
                for row in session.got:
                    if random.random() < 0.1:
                        down.outlet.put_off(row)
                    else:
                        down.outlet.took(row, NOW_MS)
                session.room += len(session.got)
                session.got.clear()
                down.clock.advance(random.random())
                down.outlet.tick(down.clock.now())
        last = FakeReceiver(100_000)
        for _, end in under_way:
            end(True, None)
        down.outlet.attach(last)
        for session in sessions:
            down.outlet.detach(session, session.got)
        for _ in range(100):
            down.clock.advance(60)
            down.outlet.tick(down.clock.now())
            down.settle()
            down.take_all(last)
        assert down.table == {}, f"seed {seed}"


def test_an_outlet_knows_whether_something_waits_for_a_session() -> None:
    down = Down()
    assert not down.outlet.waiting
    down.add(1)
    assert down.outlet.waiting
    session = down.bind()
    assert not down.outlet.waiting
    down.outlet.detach(session, session.got)
    assert down.outlet.waiting, "it was not answered"
    again = down.bind()
    down.take_all(again)
    down.outlet.detach(again, [])
    assert not down.outlet.waiting


def test_a_look_finds_what_an_earlier_run_left_and_nothing_else() -> None:
    down = Down()
    down.outlet.look()
    down.outlet.look()  # one question is enough
    assert len(down.journal.batch.fetches) == 1
    down.settle()
    assert not down.outlet.waiting
    rows = down.insert(3)
    down.outlet.look()
    down.settle()
    assert down.outlet.waiting
    assert down.bind().ids == [row.delivery_id for row in rows], "it took nothing away"


def test_a_session_that_binds_during_a_look_gets_everything_once() -> None:
    down = Down()
    rows = down.insert(3)
    down.outlet.look()
    session = FakeReceiver()
    down.outlet.attach(session)
    down.settle()
    assert session.ids == [row.delivery_id for row in rows]
    assert not down.outlet.waiting


def test_a_session_that_came_and_went_during_a_look_leaves_no_wrong_answer() -> None:
    down = Down()
    down.insert(1)
    down.outlet.look()
    session = FakeReceiver()
    down.outlet.attach(session)
    down.outlet.detach(session, [])
    down.settle()
    assert session.ids == []
    assert down.outlet.waiting, "nobody knows better: a call too many does no harm"
    assert down.bind().ids == [1]


def test_an_alert_goes_to_every_session_that_is_there_and_is_not_kept() -> None:
    down = Down()
    down.outlet.alert("before")
    sessions = [down.bind(), down.bind()]
    down.outlet.alert("now")
    assert [session.alerts for session in sessions] == [["now"], ["now"]]
