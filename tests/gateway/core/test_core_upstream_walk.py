"""A random walk over everything that happens to a connector: the window is never exceeded, and where nothing
fails nothing overtakes.

The SMSC's side is the set of segments that a link was given and that have no answer; the walk answers,
commits, fails commits, drops links and queues in any order, and looks after each step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random

import pytest
from gateway_fakes import FakeJournal, FakeLink, ManualClock, message, quiet_events

from gateway.core.batch import Answer, Batch, Row
from gateway.core.model import Message
from gateway.core.upstream import Upstream

WINDOW = 5
LONGEST = 8  # more than the window


class Walk:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.clock, self.journal = ManualClock(), FakeJournal(self.on_answer)
        self.upstream = Upstream(
            "one",
            window=WINDOW,
            rate=self.random.choice((0, 0, 20)),
            whole=False,
            journal=self.journal,
            events=quiet_events(),
            clock=self.clock,
            random=self.random,
        )
        self.upstream.silence.limit_s = self.random.choice((0, 0.3))
        self.lengths = (1, 1, 1, 2, LONGEST)
        self.fails = True
        """Commits and links do, and the SMSC refuses; else nothing but waiting happens."""
        self.straight = 0
        self.messages: dict[int, Message] = {}
        self.disk: deque[tuple[int, list[int]]] = deque()  # message, segments to send
        self.under_way: deque[tuple[Batch, Callable[[bool, Answer | None], None]]] = deque()
        self.unanswered: dict[FakeLink, int] = {}  # how much of link.sent was answered
        self.done: set[tuple[int, int]] = set()
        self.links_ever = 0
        self.was_silent = False

    # -- what the store would do ------------------------------------------------------------------------

    def on_answer(self, batch: Batch, answer: Answer) -> None:
        self.disk.extend(batch.accepted)
        for row in batch.postponed:
            self.disk.append((row[0], [row[1]]))
            self.upstream.queued(0)
        for _, room, *_ in batch.claims:
            rows: list[Row] = []
            while self.disk and room > 0:
                message_id, segments = self.disk[0]
                if rows and len(segments) > room:
                    break
                self.disk.popleft()
                room -= len(segments)
                rows.append((tuple(self.messages[message_id]), segments))
            self.upstream.claimed(rows, 0 if self.disk else None)

    # -- steps ------------------------------------------------------------------------------------------

    def accept(self) -> None:
        segments = self.random.choice(self.lengths)
        new = message(len(self.messages) + 1, segments=segments)
        self.messages[new.message_id] = new
        numbers = list(range(1, segments + 1))
        if self.upstream.reserve(segments, self.clock.now()):
            self.straight += 1
            self.journal.then(lambda ok: self.accepted(new, numbers, ok))
        else:
            self.upstream.join(segments)
            self.journal.batch.accepted.append((new.message_id, numbers))
            self.journal.then(lambda ok: self.queued(new, numbers, ok))

    def accepted(self, new: Message, numbers: list[int], ok: bool) -> None:
        if ok:
            self.upstream.send(new, numbers)
        else:
            self.done.update((new.message_id, n) for n in numbers)
            self.upstream.release(len(numbers))

    def queued(self, new: Message, numbers: list[int], ok: bool) -> None:
        self.upstream.joined(ok=ok)
        if not ok:
            self.done.update((new.message_id, n) for n in numbers)

    def link_up(self) -> None:
        if len(self.upstream.links) < 3:
            self.links_ever += 1
            link = FakeLink(WINDOW)
            self.unanswered[link] = 0
            self.upstream.link_up(link)

    def link_down(self) -> None:
        if self.upstream.links:
            link = self.random.choice(self.upstream.links)
            assert isinstance(link, FakeLink)
            self.upstream.link_down(link)
            while self.unanswered[link] < len(link.sent):
                self.answer(link)
            self.upstream.results_end()

    def answers(self) -> None:
        for link in self.upstream.links:
            assert isinstance(link, FakeLink)
            for _ in range(self.random.randint(0, 4)):
                if self.unanswered[link] < len(link.sent):
                    self.answer(link)
                    link.room += 1
        self.upstream.results_end()

    def answer(self, link: FakeLink) -> None:
        message_id, segment = link.sent[self.unanswered[link]]
        self.unanswered[link] += 1
        of, now_ms = self.messages[message_id], self.clock.now_ms()
        kind = self.random.randrange(10) if self.fails else 9
        self.upstream.heard |= kind != 1
        if kind == 0:
            self.upstream.refused_for_now(of, segment, "x", full=True, now_ms=now_ms)
            return
        assert (message_id, segment) not in self.done, "sent again after its end"
        self.done.add((message_id, segment))
        if kind == 1:
            self.upstream.in_doubt(of, segment, "x", now_ms)
        else:
            self.upstream.taken(of, segment, f"{message_id}", now_ms)

    def take_batch(self) -> None:
        if len(self.under_way) < 2:
            self.under_way.append(self.journal.take())

    def end_batch(self) -> None:
        if self.under_way:
            batch, end = self.under_way.popleft()
            failed = self.fails and self.random.random() < 0.1
            end(not failed, None)
            if failed:  # as the journal does
                self.journal.batch.postponed[:0] = batch.postponed

    def time(self) -> None:
        self.clock.advance(self.random.random())
        self.upstream.tick(self.clock.now(), self.clock.now_ms())

    # -- invariants -------------------------------------------------------------------------------------

    def check(self) -> None:
        # What a link has is bounded by FakeLink.submit; here it is the upstream's own promise.
        outstanding = sum(len(link.sent) - done for link, done in self.unanswered.items())
        assert self.upstream.in_flight >= outstanding
        assert self.upstream.in_flight <= WINDOW * 3 + 2 * LONGEST
        self.was_silent |= self.upstream.silence.is_silent

    def drain(self) -> None:
        """With a link and commits that succeed everything ends, and every slot is free."""
        self.link_up()
        for _ in range(3000):
            self.take_batch()
            while self.under_way:
                _, end = self.under_way.popleft()
                end(True, None)
            self.answers()
            self.time()
            if not self.journal.is_due and not self.disk and not self.upstream.in_flight:
                break
        expected = {(m.message_id, n) for m in self.messages.values() for n in range(1, m.segments + 1)}
        assert self.done == expected
        assert self.upstream.in_flight == 0
        assert not self.disk


@pytest.mark.parametrize("seed", range(40))
def test_the_window_holds_and_every_segment_ends(seed: int) -> None:
    walk = Walk(seed)
    steps = (
        [walk.accept] * 6
        + [walk.answers] * 3
        + [walk.take_batch, walk.end_batch] * 3
        + [walk.link_up, walk.link_down, walk.time]
    )
    for _ in range(400):
        walk.random.choice(steps)()
        walk.check()
    walk.drain()


def test_where_nothing_fails_all_goes_up_in_its_order_and_not_only_from_disk() -> None:
    straight = 0
    for seed in range(40):
        walk = Walk(seed)
        walk.fails, walk.lengths = False, (1,)  # of more than there is room for, some would go back
        walk.upstream.silence.limit_s = 0
        walk.link_up()
        steps = [walk.accept] * 2 + [walk.answers] * 3 + [walk.take_batch, walk.end_batch] * 3 + [walk.time]
        for _ in range(400):
            walk.random.choice(steps)()
            walk.check()
        walk.drain()
        assert all(link.sent == sorted(link.sent) for link in walk.unanswered)
        straight += walk.straight
    assert straight > 500, "of some four thousand"
