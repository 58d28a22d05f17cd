"""Sessions of one account share its rate and its places: no flood starves another session."""

from __future__ import annotations

import gateway_fakes as fakes
import pytest

from gateway.core.accounts import Account
from gateway.core.errors import Refusal
from gateway.core.fair_shares import FairShares, Share


class Sessions:
    """Sessions of one account that try to send; a manual clock in steps of 5 ms."""

    def __init__(self, count: int = 2, **limits: int) -> None:
        self.now = 1000.0
        self.account = Account(fakes.account_config(**limits), self.now)
        self.shares = FairShares()
        self.all: list[Share] = [self.join() for _ in range(count)]

    def join(self) -> Share:
        return self.shares.join(self.account.open_messages, self.now)

    def send(self, share: Share, segments: int = 1) -> Refusal | None:
        """As the ingress and `Submission.accept` do it."""
        shared = self.shares.crowded and self.account.bucket.rate > 0
        if self.shares.crowded and not shared and share.places > 0:
            share.places -= 1
        elif self.shares.crowded:
            refusal = self.shares.refusal(share, self.account, self.now)
            if refusal is not None:
                return refusal
        if self.account.open_messages >= self.account.config.max_open:
            return Refusal.QUEUE_FULL
        if not self.account.bucket.take(segments, self.now):
            return Refusal.RATE
        self.account.open_messages += 1
        if shared:
            self.shares.took(share, self.account, segments, self.now)
        return None

    def run(self, seconds: float, *per_second: float, segments: int = 1) -> tuple[list[int], list[int]]:
        """Each session tries so often (a flood: 100,000); segments taken, and tries refused."""
        taken, refused = [0] * len(per_second), [0] * len(per_second)
        owed = [0.0] * len(per_second)
        for _ in range(round(seconds / 0.005)):
            self.now += 0.005
            for n, rate in enumerate(per_second):
                owed[n] += rate * 0.005
                while owed[n] >= 1:
                    owed[n] -= 1
                    if self.send(self.all[n], segments) is None:
                        taken[n] += segments
                    else:
                        refused[n] += 1
                        if rate >= FLOOD:
                            owed[n] = 0
        return taken, refused


FLOOD = 100_000


def test_two_floods_get_half_of_the_rate_each() -> None:
    sessions = Sessions(rate=100)
    sessions.run(2, FLOOD, FLOOD)
    (first, second), _ = sessions.run(20, FLOOD, FLOOD)
    assert first + second == pytest.approx(2000, abs=5)
    assert first == pytest.approx(1000, abs=60)


def test_a_session_within_its_part_is_never_refused_however_the_others_flood() -> None:
    sessions = Sessions(3, rate=100)
    sessions.run(2, FLOOD, FLOOD, 0)
    (first, second, modest), (_, _, refused) = sessions.run(20, FLOOD, FLOOD, 30)
    assert (modest, refused) == (600, 0)
    assert first + second == pytest.approx(1400, abs=5), "what the modest one leaves is lent"


def test_what_others_do_not_use_is_lent() -> None:
    sessions = Sessions(5, rate=100)
    sessions.run(2, FLOOD)
    (taken,), _ = sessions.run(10, FLOOD)
    assert taken == pytest.approx(1000, abs=3)


def test_a_session_that_wakes_up_gets_its_part_at_once() -> None:
    sessions = Sessions(rate=100)
    sessions.run(5, FLOOD, 0)
    (_, woken), (_, refused) = sessions.run(1, FLOOD, 50)
    assert (woken, refused) == (50, 0)


def test_long_messages_of_one_do_not_starve_the_short_ones_of_another() -> None:
    sessions = Sessions(rate=100)
    for _ in range(400):
        sessions.now += 0.005
        while sessions.send(sessions.all[0], 10) is None:
            pass
    refused = 0
    for step in range(4000):
        sessions.now += 0.005
        while sessions.send(sessions.all[0], 10) is None:
            pass
        if step % 5 == 0:
            refused += sessions.send(sessions.all[1]) is not None
    assert refused == 0


def test_the_rate_holds_over_all_sessions() -> None:
    sessions = Sessions(4, rate=40)
    taken, _ = sessions.run(10, FLOOD, FLOOD, 3, FLOOD)
    assert sum(taken) <= 440


def test_a_rate_of_less_than_a_token_for_each_goes_to_whoever_comes_first() -> None:
    sessions = Sessions(4, rate=1)
    taken, _ = sessions.run(10, FLOOD, 0, 0, 0)
    assert taken[0] == pytest.approx(11, abs=1)


def test_without_a_rate_nothing_is_shared_but_places() -> None:
    sessions = Sessions()
    taken, refused = sessions.run(0.1, 10_000, 10_000)
    assert (taken, refused) == ([1000, 1000], [0, 0])


def test_a_flood_leaves_places_for_the_others() -> None:
    sessions = Sessions(max_open=1000)
    (flood, _), _ = sessions.run(1, FLOOD, 0)
    assert flood == 875
    assert sessions.send(sessions.all[0]) is Refusal.QUEUE_FULL
    assert [sessions.send(sessions.all[1]) for _ in range(126)] == [None] * 125 + [Refusal.QUEUE_FULL]


def test_places_that_come_back_are_given_again() -> None:
    sessions = Sessions(max_open=1000)
    sessions.run(1, FLOOD, 0)
    sessions.account.open_messages -= 400
    (flood, _), _ = sessions.run(1, FLOOD, 0)
    assert flood == 400
    assert sessions.send(sessions.all[1]) is None


def test_what_was_sent_before_the_second_session_came_is_of_the_first() -> None:
    sessions = Sessions(1, max_open=1000)
    (flood,), _ = sessions.run(1, FLOOD)
    assert flood == 1000, "a single session has all the places"
    sessions.all.append(sessions.join())
    sessions.account.open_messages -= 100
    assert sessions.send(sessions.all[0]) is Refusal.QUEUE_FULL
    assert sessions.send(sessions.all[1]) is None


def test_a_session_that_goes_leaves_its_part_to_the_others() -> None:
    sessions = Sessions(rate=100, max_open=10_000)
    sessions.run(2, FLOOD, FLOOD)
    sessions.shares.leave(sessions.all.pop())
    sessions.shares.leave(Share())  # one that never joined
    assert not sessions.shares.crowded
    (taken,), _ = sessions.run(10, FLOOD)
    assert taken == pytest.approx(1000, abs=5)


def test_few_places_go_to_whoever_comes_first() -> None:
    sessions = Sessions(max_open=3)
    assert [sessions.send(sessions.all[0]) for _ in range(4)] == [None] * 3 + [Refusal.QUEUE_FULL]


def test_places_that_were_given_beforehand_are_no_open_messages() -> None:
    sessions = Sessions(2, max_open=1000)
    first, _ = sessions.all
    for sent in range(1, 200):
        assert sessions.send(first) is None
        assert first.open_messages == sent
