"""Two nodes on one database spend, count and remember together: what one has taken the other cannot take."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from store_support import NOW_MS, message

from gateway.core.api import ApiFlag
from gateway.core.batch import Answer, Batch, Row, without_late
from gateway.core.model import Progress
from gateway.store.account_steps import AccountSteps
from gateway.store.admission_steps import AdmissionSteps
from gateway.store.money_steps import MoneySteps
from gateway.store.postgres_database import PostgresDatabase
from gateway.store.postgres_open import open_writer
from gateway.store.shared_steps import SharedSteps

DAY, KEY = 20_000, b"12345678"


class Node:
    """What a node's writing process does with the lists of a batch that are looked at here."""

    def __init__(self, url: str, boot: int) -> None:
        self.db = PostgresDatabase(open_writer(url))
        run, many = self.db.run, self.db.many
        self.money, self.accounts = MoneySteps(run, many), AccountSteps(run, many)
        self.admission, self.shared = AdmissionSteps(run, many), SharedSteps(boot, run, many)
        self.kept: Batch

    def opened(self) -> list[Row]:
        self.db.begin()
        found = self.shared.opened()
        self.db.commit()
        return found

    def apply(self, batch: Batch) -> Answer:
        answer = Answer()
        self.db.begin()
        self.begin(batch, answer)
        self.db.commit()
        self.shared.committed()
        return answer

    def begin(self, batch: Batch, answer: Answer) -> None:
        before = {name: list(getattr(batch, name)) for name in ("accepted", "charges", "counted", "mails")}
        self.kept = self.admission.apply(batch, answer)
        assert before == {name: getattr(batch, name) for name in before}  # it may have to be applied again
        self.money.charge(self.kept.charges, None)
        self.money.credit(self.kept.credits)
        self.accounts.apply(self.kept)
        self.shared.tell(self.kept, answer)


@pytest.fixture
def nodes(postgres_url: str) -> Iterator[tuple[Node, Node]]:
    both = Node(postgres_url, 1), Node(postgres_url, 2)
    for node in both:
        node.opened()
    yield both
    for node in both:
        node.db.close()


def put_in(node: Node, amount: int, payer: str = "shop") -> None:
    node.apply(Batch(credits=[(payer, amount, NOW_MS, "admin", "")]))


def accepted(*ids: int) -> list[Row]:
    return [(*message(id), Progress.QUEUED.value) for id in ids]


def paid(*ids: int, amount: int = 10, floor: int = 0, group: int = 0) -> Batch:
    return Batch(
        accepted=accepted(*ids),
        charges=[(id, "shop", amount, 1) for id in ids],
        conditions=[("money", id, group or id, "shop", amount, floor) for id in ids],
    )


def counted(*ids: int, most: int = 3) -> Batch:
    what = ("shop", DAY, 2, KEY)
    return Batch(
        accepted=accepted(*ids),
        counted=[(*what, 1) for _ in ids],
        conditions=[("count", id, id, *what, most) for id in ids],
    )


def sent(id: int, at_ms: int = NOW_MS, within_ms: int = 60_000) -> Batch:
    return Batch(accepted=accepted(id), conditions=[("repeat", id, id, "shop", KEY, within_ms, at_ms)])


def flood(id: int, at_ms: int = NOW_MS, most: int = 2, gap_ms: int = 1000) -> Batch:
    return Batch(accepted=accepted(id), conditions=[("flood", id, id, "shop", KEY, most, gap_ms, at_ms)])


def refused(answer: Answer) -> dict[int, str]:
    return dict(answer.refused_late)


# -- money -------------------------------------------------------------------------------------------------


def test_what_one_node_has_spent_the_other_cannot_spend(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    put_in(one, 25)
    assert refused(one.apply(paid(1, 2))) == {}
    answer = two.apply(paid(3))
    assert refused(answer) == {3: "balance"}
    assert answer.balances == [("shop", 5)]
    assert two.kept.accepted == two.kept.charges == []
    assert two.money.balances() == [("shop", 5)]


def test_the_credit_is_spent_too_and_nothing_below_it(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    assert refused(one.apply(paid(1, 2, floor=-20))) == {}
    assert refused(two.apply(paid(3, floor=-20))) == {3: "balance"}
    assert refused(two.apply(paid(4, floor=-30))) == {}


def test_of_a_batch_the_first_messages_are_paid(nodes: tuple[Node, Node]) -> None:
    one, _ = nodes
    put_in(one, 25)
    assert refused(one.apply(paid(1, 2, 3, 4))) == {3: "balance", 4: "balance"}
    assert [row[0] for row in one.kept.accepted] == [1, 2]
    assert [row[0] for row in one.kept.charges] == [1, 2]


def test_messages_that_belong_together_are_refused_together(nodes: tuple[Node, Node]) -> None:
    one, _ = nodes
    put_in(one, 25)
    batch = paid(1, 2, 3, group=1)
    alone = paid(4)
    batch.accepted += alone.accepted
    batch.charges += alone.charges
    batch.conditions += alone.conditions
    assert refused(one.apply(batch)) == {1: "balance", 2: "balance", 3: "balance"}
    assert one.money.balances() == [("shop", 15)]


def moved(id: int, amount: int, floor: int = 0) -> Batch:
    return Batch(
        credits=[
            ("other", 1, NOW_MS, "admin", ""),
            ("shop", -amount, NOW_MS, "shop", ""),
            ("sub", amount, NOW_MS, "shop", ""),
        ],
        conditions=[("move", id, id, "shop", amount, floor, 1)],
    )


def test_money_that_one_node_has_moved_the_other_cannot_move_again(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    put_in(one, 100)
    assert refused(one.apply(moved(1, 70))) == {}
    answer = two.apply(moved(2, 70))
    assert refused(answer) == {2: "balance"}
    assert dict(answer.balances)["shop"] == 30
    assert dict(two.money.balances()) == {"shop": 30, "sub": 70, "other": 2}
    assert refused(two.apply(moved(3, 70, floor=-40))) == {}
    assert dict(one.money.balances()) == {"shop": -40, "sub": 140, "other": 3}


def replaced(id: int, amount: int) -> Batch:
    return Batch(
        replacements=[("shop", 50, b"", 1, 0, 0, -1, 0, "", 0, NOW_MS), ("shop", 51, b"", 1)],
        recharges=[(0, 50, "shop", amount)],
        conditions=[("replace", id, id, "shop", amount, 0, 0)],
    )


def test_a_text_that_cannot_be_paid_replaces_nothing(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    put_in(one, 25)
    two.apply(paid(1))
    answer = one.apply(replaced(9, 20))
    assert refused(answer) == {9: "balance"}
    assert answer.balances == [("shop", 15)]
    assert [row[1] for row in one.kept.replacements] == [0, 51]
    assert refused(one.apply(replaced(9, 15))) == {}
    assert [row[1] for row in one.kept.replacements] == [50, 51]


def test_what_comes_back_can_be_spent_at_once_at_both_nodes(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    put_in(one, 10)
    one.apply(paid(1))
    answer = Answer()
    one.db.begin()
    one.money._return({"shop": 10}, answer)  # type: ignore[arg-type]  # as an end does
    one.shared.tell(Batch(), answer)
    one.db.commit()
    assert answer.balances == [("shop", 10)]
    assert two.money.balances() == [("shop", 10)]
    assert refused(two.apply(paid(2))) == {}
    assert refused(one.apply(paid(3))) == {3: "balance"}
    assert one.db.connection.execute("SELECT count(*) FROM refund").fetchone() == (0,)


def test_an_end_that_gives_money_back_waits_for_nobody(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    put_in(one, 100)
    put_in(one, 100, "other")
    answers = Answer(), Answer()
    one.db.begin()
    one.begin(paid(1), answers[0])  # it has shop's balance
    two.db.begin()
    two.begin(Batch(charges=[(2, "other", 1, 1)]), answers[1])  # and this one the other's
    one.money._return({"other": 5}, answers[0])  # type: ignore[arg-type]
    two.money._return({"shop": 5}, answers[1])  # type: ignore[arg-type]
    one.db.commit()
    two.db.commit()
    assert dict(one.money.balances()) == {"shop": 95, "other": 104}


def test_a_beat_tells_what_others_have_changed(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    put_in(one, 25)
    assert two.apply(Batch(beats=[("{}", 0)])).balances == [("shop", 25)]
    two.apply(Batch(beats=[("{}", 0)]))
    assert two.apply(Batch(beats=[("{}", 0)])).balances == []
    one.apply(paid(1))
    assert two.apply(Batch(beats=[("{}", 0)])).balances == [("shop", 15)]


def test_two_nodes_spend_a_balance_exactly_once(nodes: tuple[Node, Node]) -> None:
    put_in(nodes[0], 1000)
    start = threading.Barrier(2)

    def spend(which: int) -> int:
        node, random, taken, id = nodes[which], Random(which), 0, which * 10_000
        start.wait()
        for _ in range(60):
            ids = range(id := id + 20, id + random.randrange(1, 4))
            taken += len(ids) - len(node.apply(paid(*ids)).refused_late)
        return taken

    with ThreadPoolExecutor(2) as pool:
        taken = list(pool.map(spend, range(2)))
    assert sum(taken) == 100
    assert nodes[0].money.balances() == [("shop", 0)]


# -- counts of the day -------------------------------------------------------------------------------------


def test_a_limit_of_the_day_holds_over_both_nodes(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    assert refused(one.apply(counted(1, 2))) == {}
    answer = two.apply(counted(3, 4))
    assert refused(answer) == {4: "limit_per_number"}
    assert answer.counts == [("shop", DAY, KEY, 3)]
    assert two.accounts.day_counts(DAY * 86_400_000) == [("shop", DAY, KEY, 3)]


def test_two_nodes_never_pass_a_limit_of_the_day(nodes: tuple[Node, Node]) -> None:
    start = threading.Barrier(2)

    def send(which: int) -> int:
        start.wait()
        ids = range(which * 1000, which * 1000 + 120, 2)
        return sum(2 - len(nodes[which].apply(counted(id, id + 1, most=75)).refused_late) for id in ids)

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(send, range(2))) == 75


def test_what_is_refused_by_one_condition_leaves_no_trace_of_the_others(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    both = counted(1)
    both.charges = [(1, "shop", 10, 1)]
    both.conditions += [*sent(1).conditions, ("money", 1, 1, "shop", 10, 0)]
    assert refused(one.apply(both)) == {1: "balance"}
    assert one.accounts.day_counts(DAY * 86_400_000) == []
    assert refused(two.apply(sent(2))) == {}


def test_what_is_taken_back_is_counted_no_more(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    one.apply(counted(1, 2, 3))
    one.apply(Batch(counted=[("shop", DAY, 2, KEY, -1)]))
    assert refused(two.apply(counted(4, 5))) == {5: "limit_per_number"}


# -- what was sent a moment ago ----------------------------------------------------------------------------


def test_a_text_that_the_other_node_has_sent_is_a_repeated_one(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    assert refused(one.apply(sent(1))) == {}
    assert refused(two.apply(sent(2, NOW_MS + 59_999))) == {2: "repeated"}
    assert refused(two.apply(sent(3, NOW_MS + 60_000))) == {}
    assert refused(one.apply(sent(4, NOW_MS + 60_001))) == {4: "repeated"}


def test_a_flood_is_one_over_both_nodes_and_ends_with_a_gap(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    assert refused(one.apply(flood(1))) == {}
    assert refused(two.apply(flood(2, NOW_MS + 999))) == {}
    assert refused(one.apply(flood(3, NOW_MS + 1500))) == {3: "flood"}
    assert refused(two.apply(flood(4, NOW_MS + 1999))) == {}


def test_what_may_be_sent_again_is_forgotten(nodes: tuple[Node, Node]) -> None:
    one, _ = nodes
    one.apply(sent(1, within_ms=1000))
    one.apply(Batch())
    for now_ms, left in ((NOW_MS + 1000, 1), (NOW_MS + 1001, 0)):
        one.db.begin()
        one.shared.sweep(now_ms)
        one.db.commit()
        assert one.db.connection.execute("SELECT count(*) FROM recent").fetchone() == (left,)


# -- what is refused late ----------------------------------------------------------------------------------


def test_a_refused_message_is_in_no_list(nodes: tuple[Node, Node]) -> None:
    batch = paid(1, 2)
    batch.conditions[1] = ("money", 2, 2, "shop", 10, -100)
    batch.intents = [(1, 1, "one", NOW_MS), (2, 1, "one", NOW_MS)]
    batch.parts = [(1, "shop", "a", "b", 1, 2, 1, NOW_MS)]
    batch.replaced_by = [(1, "shop", "a", "b", "", NOW_MS)]
    batch.short_links = [(7, "shop", "https://example.com", NOW_MS, 1)]
    batch.mails = [(8, None), (9, None)]
    batch.mail_recipients = [(1, 8), (2, 9)]
    answer = nodes[0].apply(batch)
    kept = nodes[0].kept
    assert refused(answer) == {1: "balance"}
    assert [row[0] for row in kept.accepted] == [row[0] for row in kept.intents] == [2]
    assert kept.parts == kept.replaced_by == kept.short_links == []
    assert (kept.mails, kept.mail_recipients) == ([(9, None)], [(2, 9)])


def test_a_refused_message_that_came_over_http_is_registered(nodes: tuple[Node, Node]) -> None:
    batch = paid(1, 2)
    batch.api_messages = [
        (1, "shop", "77", "491", "us", 0, 2, 10, "why", 1),
        (2, "shop", "78", "492", "us", 0, 2, 10, "why", ApiFlag.JSON.value),
    ]
    nodes[0].apply(batch)
    kept = nodes[0].kept
    assert kept.api_messages == [(1, "shop", "77", "491", "us", 0, 2, 0, "why", 1)]
    assert [(row[0], *row[6:8]) for row in kept.registered] == [(1, 8, "balance")]


def test_the_answer_that_is_kept_for_a_request_says_what_was_refused(nodes: tuple[Node, Node]) -> None:
    one, _ = nodes
    put_in(one, 10)
    batch = paid(1, 2, 3)
    row = ("shop", "key", b"digest", NOW_MS, b"{}", (1, 2))
    batch.request_keys = [row, ("shop", "other", b"digest", NOW_MS, b"{}", (3,))]
    one.apply(batch)
    first, other = one.kept.request_keys
    assert without_late(first[4]) == (b"{}", [(2, "balance")])
    assert (first[:4], first[5]) == (row[:4], (1,))
    assert other[5] == ()


def test_a_request_that_came_before_is_not_refused(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    run = one.db.run
    run("insert_request_key", ("shop", "key", b"digest", NOW_MS, b"{}", NOW_MS - 1))
    batch = paid(1)
    batch.request_keys = [("shop", "key", b"digest", NOW_MS + 5, b"{}", (1,))]
    assert refused(two.apply(batch)) == {}


# -- numbers, messages that have not ended, changes --------------------------------------------------------


def test_no_number_is_given_twice(nodes: tuple[Node, Node]) -> None:
    def numbers(node: Node) -> list[int]:
        found: list[int] = []
        for _ in range(20):
            for name, first, many in node.apply(Batch(id_blocks=[("contact", 10)])).id_blocks:
                assert name == "contact"
                found += range(first, first + many)
        return found

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(numbers, nodes)
    assert sorted(one + two) == list(range(1, 401))


def test_numbers_go_on_behind_those_of_a_store_that_was_moved(nodes: tuple[Node, Node]) -> None:
    nodes[0].db.run("set_mark", ("api_id", 500))
    assert nodes[0].apply(Batch(id_blocks=[("api_id", 10)])).id_blocks == [("api_id", 501, 10)]
    assert nodes[1].apply(Batch(id_blocks=[("api_id", 10)])).id_blocks == [("api_id", 511, 10)]


def test_each_node_hears_how_many_messages_wait_on_all(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    one.apply(Batch(accepted=accepted(1, 2, 3)))
    two.apply(Batch(accepted=accepted(4)))
    two.db.begin()
    two.shared.tell(Batch(), Answer(ended=[("app", 2)]))
    two.db.commit()
    assert one.apply(Batch(beats=[("{}", 1)])).open_counts == [("app", 2)]
    assert one.apply(Batch(beats=[("{}", 0)])).open_counts == []
    one.db.begin()
    one.shared.run_is_over(2)
    one.shared.run_is_over(1)
    one.db.commit()
    assert two.apply(Batch(beats=[("{}", 1)])).open_counts == [("app", 2)]


def test_a_start_counts_what_was_never_counted(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    one.apply(Batch(accepted=accepted(1, 2)))  # nobody has stored these
    assert two.opened() == [("app", 0)]
    assert one.opened() == [("app", 0)]


def test_a_node_hears_what_another_has_changed_and_not_what_it_has_itself(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    batch = Batch(
        blacklisted=[("shop", "491", NOW_MS, "asked")],
        pauses=[("up", NOW_MS, "admin")],
        credits=[("shop", 5, NOW_MS, "admin", ""), ("shop", 6, NOW_MS, "admin", "")],
        records=[("user", "shop", 1, "sub", "{}"), ("template", "shop", 1, "hi", "{}")],
        records_changed=[("x", "{}", "job", "shop", 2)],
        records_gone=[("black", "shop", 3)],
    )
    answer = Answer(stopped=[("app", "492")])
    one.db.begin()
    one.begin(batch, answer)
    one.db.commit()
    changes = {name: sorted(rows) for name, rows in two.apply(Batch(beats=[("{}", 0)])).changes}
    assert changes == {
        "blacklisted": [("app", "492"), ("shop", "491")],
        "pauses": [("up", NOW_MS, "admin")],
        "credits": [("shop",)],
        "records": [("black", "shop"), ("job", "shop"), ("user", "shop")],
    }
    assert one.apply(Batch(beats=[("{}", 0)])).changes == []
    assert two.apply(Batch(beats=[("{}", 0)])).changes == []


def test_a_change_is_heard_whichever_transaction_ends_first(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    early = Answer()
    one.db.begin()
    one.shared.tell(Batch(pauses=[("slow", 1, "")]), early)
    third = Node.__new__(Node)
    third.db = PostgresDatabase(open_writer(nodes[0].db.connection.info.dsn))
    third.shared = SharedSteps(3, third.db.run, third.db.many)
    third.db.begin()
    third.shared.tell(Batch(pauses=[("fast", 2, "")]), Answer())
    third.db.commit()
    assert two.apply(Batch(beats=[("{}", 0)])).changes == [("pauses", [("fast", 2, "")])]
    one.db.commit()
    assert two.apply(Batch(beats=[("{}", 0)])).changes == [("pauses", [("slow", 1, "")])]
    third.db.close()


def test_a_batch_that_was_undone_has_told_nothing(nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    one.apply(Batch(pauses=[("up", 1, "")]))
    two.db.begin()
    two.begin(Batch(beats=[("{}", 0)]), Answer())
    two.db.rollback()
    assert two.apply(Batch(beats=[("{}", 0)])).changes == [("pauses", [("up", 1, "")])]
