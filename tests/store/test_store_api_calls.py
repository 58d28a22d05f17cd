"""Calls: claimed, taken, put off, dead, and told again; none is lost."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from gateway_fakes import DAY_MS, NOW_MS
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from store_http import HANDLER, INBOX, WEBHOOK, call, claim, use
from store_support import SqliteEngine, Store

from gateway.core.api import Call, CallTarget
from gateway.store import call_steps


def ids(calls: list[Call]) -> list[int]:
    return [one.call_id for one in calls]


def write(store: Store, count: int = 1, account: str = "app", at_ms: int = NOW_MS) -> list[int]:
    """Calls of an account with a handler; their ids."""
    use(store, HANDLER, account)
    before = len(store.rows("call"))
    store.apply(calls=[call(account, created_ms=at_ms)] * count)
    return [row["call_id"] for row in store.rows("call")][before:]


def test_a_call_goes_to_each_target_of_its_account(store: Store) -> None:
    use(store, HANDLER | WEBHOOK | INBOX)
    answer = store.apply(calls=[call(message_id=3, api_id="x", info="y", user_data=b"z")])
    assert answer.calls_waiting
    calls, due_ms = claim(store)
    assert [(one.target, one.message_id, one.api_id, one.info) for one in calls] == [
        (0, 3, "x", "y"),
        (1, 3, "x", "y"),
    ]
    assert calls[0].user_data == b"z"
    assert due_ms is None


@pytest.mark.parametrize("uses", [0, INBOX])
def test_nobody_is_called_who_does_not_want_it(store: Store, uses: int) -> None:
    use(store, HANDLER | WEBHOOK, "another")
    use(store, HANDLER)
    use(store, uses)
    assert not store.apply(calls=[call(), call("other")]).calls_waiting
    assert store.rows("call") == []


def test_each_is_claimed_once_in_a_run(store: Store) -> None:
    first, second, third = write(store, 3)
    assert ids(claim(store, limit=2)[0]) == [first, second]
    assert ids(claim(store)[0]) == [third]
    assert claim(store) == ([], None)


def test_the_next_run_claims_what_this_one_has_not_told_of(store: Store) -> None:
    first, second = write(store, 2)
    claim(store)
    store.apply(calls_done=[(first,)])
    store.restart()
    assert ids(claim(store)[0]) == [second]


def test_the_longest_due_goes_first_whosever_it_is(store: Store) -> None:
    (late,) = write(store, account="a", at_ms=NOW_MS - 1)
    (early,) = write(store, account="b", at_ms=NOW_MS - 2)
    (last,) = write(store, account="a")
    assert ids(claim(store, limit=2)[0]) == [early, late]
    assert ids(claim(store)[0]) == [last]


def test_accounts_that_are_left_out_take_no_room(store: Store) -> None:
    write(store, 3, account="slow", at_ms=NOW_MS - 5)
    (mine,) = write(store)
    calls, due_ms = claim(store, limit=2, left_out=("slow", "unknown"))
    assert (ids(calls), due_ms) == ([mine], None)


def test_a_handler_that_is_left_out_leaves_the_webhook(store: Store) -> None:
    use(store, HANDLER | WEBHOOK)
    store.apply(calls=[call(), call()])
    handler, webhook = (("app", target.value) for target in CallTarget)
    ((rows, due_ms),) = store.apply(call_claims=[(NOW_MS, 9, (handler,))]).calls
    assert ([row[1] for row in rows], due_ms) == ([CallTarget.WEBHOOK] * 2, None)
    ((rows, due_ms),) = store.apply(call_claims=[(NOW_MS, 9, (webhook,))]).calls
    assert ([row[1] for row in rows], due_ms) == ([CallTarget.HANDLER] * 2, None)


def test_more_accounts_than_are_claimed_at_once(store: Store) -> None:
    written = [write(store, account=f"a{n}", at_ms=NOW_MS - n)[0] for n in range(5)][::-1]
    later = write(store, account="b", at_ms=NOW_MS + 7)
    found, dues = [], []
    for _ in range(4):
        calls, due_ms = claim(store, limit=2)
        found.append(ids(calls))
        dues.append(due_ms)
    assert found == [written[:2], written[2:4], written[4:], []]
    assert dues == [NOW_MS - 2, NOW_MS, NOW_MS + 7, NOW_MS + 7]
    assert ids(claim(store, NOW_MS + 7)[0]) == later


def test_a_claim_asks_about_no_more_accounts_than_it_can_bring_calls_of(sqlite_store: Store) -> None:
    """However many have calls that wait: the writer does nothing else meanwhile."""
    store = sqlite_store
    engine = store.engine
    assert isinstance(engine, SqliteEngine)
    for n in range(20):
        write(store, account=f"a{n}", at_ms=NOW_MS + n // 10)
    asked: list[str] = []
    engine.connection.set_trace_callback(asked.append)
    claim(store, limit=3)
    engine.connection.set_trace_callback(None)
    assert len(asked) <= 1 + 3 * 3 + 2, "a few for each that is claimed"


def test_when_the_next_one_is_due(store: Store) -> None:
    (first,) = write(store, account="a", at_ms=NOW_MS + 10)
    write(store, account="b", at_ms=NOW_MS + 20)
    assert claim(store) == ([], NOW_MS + 10)
    assert claim(store, left_out=("a",)) == ([], NOW_MS + 20)
    calls, due_ms = claim(store, NOW_MS + 10)
    assert (ids(calls), due_ms) == ([first], NOW_MS + 20)


def test_what_is_put_off_comes_again_with_its_tries(store: Store) -> None:
    (one,) = write(store)
    for tries in range(3):
        (claimed,), due_ms = claim(store, NOW_MS + tries)
        assert (claimed.call_id, claimed.tries, due_ms) == (one, tries, None)
        store.apply(calls_put_off=[(one, NOW_MS + tries + 1, "HTTP 500")])
        assert claim(store, NOW_MS + tries) == ([], NOW_MS + tries + 1)
    assert store.rows("call")[0]["reason"] == "HTTP 500"


def test_what_nobody_takes_is_dead_and_can_be_told_again(store: Store) -> None:
    first, second = write(store, 2)
    claim(store)
    store.apply(calls_refused=[(first, "HTTP 410", NOW_MS), (second, "too old", NOW_MS + 1)])
    assert store.rows("call") == []
    assert [(row["reason"], row["died_ms"]) for row in store.rows("dead_call")] == [
        ("HTTP 410", NOW_MS),
        ("too old", NOW_MS + 1),
    ]
    asked = [(second, "", NOW_MS + 9), (second, "", NOW_MS), (first, "other", NOW_MS)]
    answer = store.apply(call_replays=asked)
    assert (answer.calls_replayed, answer.calls_waiting) == ([1, 0, 0], True)
    assert [row["call_id"] for row in store.rows("dead_call")] == [first]
    (again,), _ = claim(store, NOW_MS + 9)
    assert again.call_id > second
    assert (again.tries, again.created_ms, again.done_ms) == (0, NOW_MS + 9, NOW_MS)


def test_what_is_refused_twice_is_dead_once_for_the_first_reason(store: Store) -> None:
    one, other = write(store, 2)
    refused = [(one, "HTTP 410", NOW_MS), (other, "no", NOW_MS), (one, "too old", NOW_MS + 1)]
    store.apply(calls_refused=refused)
    assert [(row["call_id"], row["reason"]) for row in store.rows("dead_call")] == [
        (one, "HTTP 410"),
        (other, "no"),
    ]


def test_all_of_an_account_are_told_again_in_pieces(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_steps, "REPLAY_MAX", 2)
    mine, others = write(store, 3), write(store, 1, account="other")
    store.apply(calls_refused=[(one, "no", NOW_MS) for one in (*mine, *others)])
    assert store.apply(call_replays=[(0, "app", NOW_MS)] * 3).calls_replayed == [2, 1, 0]
    assert [row["account"] for row in store.rows("dead_call")] == ["other"]


def test_a_claim_brings_not_more_than_a_batch_should_carry(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_steps, "PIECE_OCTETS", 100)
    use(store, HANDLER)
    store.apply(calls=[call(user_data=b"x" * 60)] * 5)
    assert [len(claim(store)[0]) for _ in range(4)] == [2, 2, 1, 0]


def test_old_calls_die_and_old_dead_ones_go(store: Store) -> None:
    (old,) = write(store, at_ms=NOW_MS - 31 * DAY_MS - 1)
    (claimed,) = write(store, at_ms=NOW_MS - 31 * DAY_MS - 1, account="b")
    (young,) = write(store, at_ms=NOW_MS - 31 * DAY_MS)
    claim(store, limit=1, left_out=("app",))
    store.sweep(history_before_ms=NOW_MS)
    assert [row["call_id"] for row in store.rows("call")] == [claimed, young]
    assert [(row["call_id"], row["reason"]) for row in store.rows("dead_call")] == [
        (old, "not taken in time")
    ]
    store.sweep(history_before_ms=NOW_MS)
    assert store.rows("dead_call", call_id=old) != []
    store.sweep(NOW_MS, history_before_ms=NOW_MS + 1)
    assert store.rows("dead_call", call_id=old) == []


def test_a_sweep_of_calls_goes_on_while_there_is_more(store: Store) -> None:
    use(store, HANDLER)
    store.apply(calls=[call(created_ms=1)] * 501)
    assert store.sweep().sweep_again
    assert len(store.rows("call")) == 1
    assert not store.sweep().sweep_again
    store.apply(calls=[call()] * 2001)
    store.apply(calls_refused=[(row["call_id"], "no", NOW_MS) for row in store.rows("call")])
    assert store.sweep(history_before_ms=NOW_MS + 1).sweep_again
    assert not store.sweep(history_before_ms=NOW_MS + 1).sweep_again
    assert store.rows("dead_call") == []


def test_ids_are_never_given_again(store: Store) -> None:
    (first,) = write(store)
    store.apply(calls_done=[(first,)])
    store.restart()
    (second,) = write(store)
    assert second > first


class Calls(RuleBasedStateMachine):
    """Whatever happens, a call is waiting, claimed in this run, dead, or was taken."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.store = Store(SqliteEngine(Path(self.folder.name)))
        for account in ("a", "b"):
            use(self.store, HANDLER, account)
        self.open: dict[int, str] = {}
        self.claimed: set[int] = set()
        self.dead: set[int] = set()
        self.now_ms = NOW_MS

    @rule(account=st.sampled_from("ab"), count=st.integers(1, 3))
    def write(self, account: str, count: int) -> None:
        for call_id in write(self.store, count, account, self.now_ms):
            self.open[call_id] = account

    @rule(limit=st.integers(1, 4), left_out=st.sampled_from([(), ("a",), ("b",), ("a", "b")]))
    def claim(self, limit: int, left_out: tuple[str, ...]) -> None:
        waiting = {
            n
            for n, account in self.open.items()
            if n not in self.claimed | self.dead and account not in left_out
        }
        found = ids(claim(self.store, self.now_ms, limit, left_out)[0])
        assert set(found) <= waiting
        assert len(found) == len(set(found)) == min(limit, len(waiting))
        self.claimed |= set(found)

    @rule(data=st.data(), how=st.sampled_from(["calls_done", "calls_put_off", "calls_refused"]))
    def tell(self, data: st.DataObject, how: str) -> None:
        if not self.claimed:
            return
        call_id = data.draw(st.sampled_from(sorted(self.claimed)))
        rest = {"calls_done": (), "calls_put_off": (self.now_ms, "x"), "calls_refused": ("x", self.now_ms)}[
            how
        ]
        self.store.apply(**{how: [(call_id, *rest)]})
        self.claimed.remove(call_id)
        if how == "calls_done":
            del self.open[call_id]
        elif how == "calls_refused":
            self.dead.add(call_id)

    @rule(account=st.sampled_from("ab"))
    def replay(self, account: str) -> None:
        again = [n for n in self.dead if self.open[n] == account]
        before = {row["call_id"] for row in self.store.rows("call")}
        assert self.store.apply(call_replays=[(0, account, self.now_ms)]).calls_replayed == [len(again)]
        for call_id in again:
            self.dead.remove(call_id)
            del self.open[call_id]
        new = {row["call_id"] for row in self.store.rows("call")} - before
        self.open.update(dict.fromkeys(new, account))

    @rule()
    def restart(self) -> None:
        self.store.restart(self.now_ms)
        self.claimed.clear()

    @invariant()
    def nothing_is_lost(self) -> None:
        assert {row["call_id"] for row in self.store.rows("call")} == self.open.keys() - self.dead
        assert {row["call_id"] for row in self.store.rows("dead_call")} == self.dead

    def teardown(self) -> None:
        self.store.engine.close()
        self.folder.cleanup()


Calls.TestCase.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
test_whatever_happens_no_call_is_lost = Calls.TestCase
