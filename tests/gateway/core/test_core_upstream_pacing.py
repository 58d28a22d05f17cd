"""What a connector sends when its SMSC says "too fast", what a sender may send, and questions to an SMSC."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from gateway_fakes import NOW_MS, FakeJournal, FakeLink, ManualClock, message, recorded_events

from gateway.core.upstream import Upstream


class Up:
    """A connector with a link, whose queue on disk is empty."""

    def __init__(self, *, window: int = 100, rate: int = 0, adaptive: bool = True) -> None:
        self.clock, self.journal = ManualClock(), FakeJournal()
        self.events, self.written = recorded_events()
        self.upstream = Upstream(
            "one",
            window=window,
            rate=rate,
            whole=False,
            journal=self.journal,
            events=self.events,
            clock=self.clock,
            random=Random(7),
        )
        self.upstream.flow.adaptive = adaptive
        self.link = FakeLink(1_000_000)
        self.upstream.link_up(self.link)
        self.upstream.claimed([], None)
        self.journal.commit()

    def straight(self, count: int) -> int:
        """How many of so many messages go straight up."""
        return sum(self.upstream.reserve(1, self.clock.now()) for _ in range(count))

    def refuse(self, times: int = 3) -> None:
        """The SMSC refuses messages: too fast."""
        for _ in range(times):
            self.upstream.refused_for_now(message(1), 1, "ESME_RTHROTTLED", full=True, now_ms=NOW_MS)
            self.upstream.too_fast(self.clock.now() - 0.01)

    def settle(self, count: int) -> None:
        """So many are taken, and it is committed."""
        for n in range(count):
            self.upstream.taken(message(n + 1), 1, str(n), NOW_MS)
        self.upstream.results_end()
        self.journal.commit()

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds * 4)):
            self.clock.advance(0.25)
            self.upstream.tick(self.clock.now(), self.clock.now_ms())


def test_a_refusal_for_speed_halves_what_is_under_way() -> None:
    up = Up()
    assert up.straight(64) == 64
    up.pass_time(1)
    up.refuse()
    assert up.upstream.window_now == 32
    assert up.straight(1) == 0


def test_the_measured_rate_holds_after_refusals_and_grows_again() -> None:
    up = Up(window=1000)
    up.straight(50)
    up.settle(50)
    up.pass_time(1)
    up.straight(60)
    up.refuse(20)
    up.pass_time(0.75)
    up.settle(30)
    up.refuse(10)
    assert up.upstream.flow.pace.rate == 40
    up.pass_time(1)
    assert 20 <= up.straight(1000) <= 45
    assert up.upstream.backlog is False


def test_after_a_good_while_all_is_as_before() -> None:
    up = Up()
    up.straight(10)
    up.pass_time(1)
    up.refuse()
    up.settle(7)
    assert up.upstream.window_now == 5
    up.pass_time(61)
    assert up.upstream.window_now == 100
    assert up.straight(200) == 100


def test_slow_senders_get_what_the_rate_gives_and_nothing_is_lost_by_its_changes() -> None:
    up = Up(window=1000)
    up.straight(2)
    up.settle(2)
    up.pass_time(1)
    up.straight(6)
    up.refuse()
    up.pass_time(1)
    up.refuse()
    up.settle(0)
    assert up.upstream.flow.pace.rate == 1
    sent = 0
    for _ in range(40):
        up.pass_time(0.25)
        got = up.straight(1)
        up.settle(got)
        sent += got
    assert sent >= 25


def test_a_refusal_that_may_mean_anything_counts_when_hardly_anything_gets_through() -> None:
    up = Up()
    up.straight(64)
    for _ in range(20):
        up.settle(3)
        assert not up.upstream.submit_failed(up.clock.now() - 0.01)
    assert up.upstream.window_now == 100
    up.pass_time(30)
    said = [up.upstream.submit_failed(up.clock.now() - 0.01) for _ in range(20)]
    assert said == [False] * 4 + [True] * 16
    assert up.upstream.window_now < 100
    up.pass_time(30)
    assert not up.upstream.submit_failed(up.clock.now() - 0.01)


def test_a_connector_that_is_not_adaptive_sends_as_configured() -> None:
    up = Up(adaptive=False)
    up.straight(10)
    up.refuse()
    up.upstream.congestion(100, up.clock.now())
    assert up.upstream.window_now == 100
    assert up.straight(200) == 90


def test_congestion_slows_down_too() -> None:
    up = Up()
    up.straight(20)
    up.pass_time(1)
    up.upstream.congestion(95, up.clock.now())
    assert up.upstream.window_now == 10


def test_it_is_said_and_not_each_time() -> None:
    up = Up()
    up.straight(64)
    for _ in range(5):
        up.pass_time(0.5)
        up.refuse()
    up.events.flush()
    lines = [line for text in up.written for line in text.splitlines() if " slowed " in line]
    assert len(lines) == 1
    assert "connector=one window=32" in lines[0]


# -- senders ------------------------------------------------------------------------------------------


def test_a_sender_over_its_rate_waits_and_the_others_do_not() -> None:
    up = Up()
    assert up.upstream.sender_rate == 0
    up.upstream.limit_senders(2)
    assert up.upstream.sender_rate == 2
    due = [up.upstream.paced("Shop", 1, NOW_MS) for _ in range(4)]
    assert due == [0, 0, NOW_MS + 500, NOW_MS + 1000]
    assert up.upstream.paced("Bank", 1, NOW_MS) == 0
    up.upstream.limit_senders(0)
    assert (up.upstream.sender_rate, up.upstream.paced("Shop", 1, NOW_MS)) == (0, 0)


# -- questions ----------------------------------------------------------------------------------------


def test_a_question_goes_to_who_can_ask_it() -> None:
    up = Up()
    answers: list[object] = []
    assert not up.upstream.ask("query", answers.append)

    def asks(request: object, then: Callable[[object | None], None]) -> bool:
        then((request, "answered"))
        return True

    up.upstream.asks = asks
    assert up.upstream.ask("query", answers.append)
    assert answers == [("query", "answered")]
