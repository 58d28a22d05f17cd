"""What a message hangs on where several nodes share the store, and what a late refusal gives back."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from gateway_fakes import NOW_MS, account, draft
from test_core_admission import NUMBER, OTHER, TODAY, Hall
from test_core_ledger import paying
from test_core_submission import Desk

from gateway.config.account_model import AccountLimits, SubAccount
from gateway.core.conditions import refused_late
from gateway.core.day_counts import Kind, key_of
from gateway.core.errors import Refusal
from gateway.core.ledger import Ledger
from gateway.core.model import Message, Origin
from gateway.core.prices import PriceTable

TABLES = {"list": PriceTable({"7": 40, "49": 0}, currency="EUR")}


def hall_of(**limits: Any) -> Hall:
    hall = Hall({"system_id": "app", "limits": AccountLimits(**limits)})
    hall.desk.submission.shared = True
    return hall


def paid(desk: Desk, balance: int = 100, credit: float = 0) -> Ledger:
    """A ledger that pays for the account app."""
    ledger = desk.submission.ledger = Ledger(desk.events, [("app", balance)])
    ledger.configure([paying(credit=credit)], TABLES)
    ledger.shared = True
    desk.submission.shared = True
    return ledger


def late(desk: Desk, *messages: Message, why: Refusal = Refusal.BALANCE) -> None:
    """The store refuses these, and takes the rest."""
    desk.submission.flush()
    desk.submission.refused_late = refused_late((one.message_id, why.value) for one in messages)
    desk.journal.commit()
    desk.submission.refused_late = {}


def test_a_store_of_one_node_hears_of_no_conditions() -> None:
    hall = hall_of(per_day=5, flood=2, repeat_s=60)
    hall.desk.submission.shared = False
    hall.sent()
    assert hall.desk.journal.batch.conditions == []


def test_a_flood_is_the_parents_and_a_repeated_text_the_sub_clients() -> None:
    hall = Hall(
        {"system_id": "app"},
        {"system_id": "sub", "limits": AccountLimits(flood=2, flood_gap_s=30, repeat_s=60)},
    )
    hall.desk.submission.shared = True
    config = hall.accounts["sub"].config
    values = {option.name: getattr(config, option.name) for option in fields(config)}
    hall.accounts["sub"].configure(SubAccount(**{**values, "parent": "app"}), 0.0)
    hall.configure()
    hall.sent("sub")
    whose = {row[0]: row[3] for row in hall.desk.journal.batch.conditions}
    assert whose == {"repeat": "sub", "flood": "app"}


def test_what_was_looked_at_is_a_condition_in_the_same_order() -> None:
    hall = hall_of(per_day=5, per_number=3, flood=2, flood_gap_s=30, repeat_s=60)
    message = hall.sent()
    repeat, flood, day, number = hall.desk.journal.batch.conditions
    one = (message.message_id, message.message_id)
    assert repeat[:4] == ("repeat", *one, "app") and repeat[5:] == (60_000, NOW_MS)
    assert flood == ("flood", *one, "app", key_of(Kind.NUMBER, NUMBER.encode()), 2, 30_000, NOW_MS)
    assert day == ("count", *one, "app", TODAY, 1, b"", 5)
    assert number == ("count", *one, "app", TODAY, 2, key_of(Kind.NUMBER, NUMBER.encode()), 3)


def test_a_parents_limits_are_conditions_of_its_parts() -> None:
    hall = Hall(
        {"system_id": "app", "limits": AccountLimits(per_day=7)},
        {"system_id": "part", "parent": "app", "limits": AccountLimits(per_day=2)},
    )
    hall.desk.submission.shared = True
    hall.sent("part")
    found = {(row[3], row[-1]) for row in hall.desk.journal.batch.conditions}
    assert found == {("app", 7), ("part", 2)}


def test_money_is_a_condition_down_to_the_credit() -> None:
    desk, app = Desk(), account()
    paid(desk, 100, credit=0.00005)
    message = desk.taken(app, destination=NUMBER)
    desk.taken(app, destination="49151234567")  # which costs nothing
    one = message.message_id
    assert desk.journal.batch.conditions == [("money", one, one, "app", 40, -50)]


def test_messages_that_are_taken_together_are_a_group() -> None:
    desk, app = Desk(), account()
    paid(desk, 1000)
    drafts = [draft(destination=number) for number in (NUMBER, OTHER)]
    now, now_ms = desk.clock.now(), desk.clock.now_ms()
    together = desk.submission.accept_all(app, drafts, now, now_ms, Origin.MAIL)
    each = desk.submission.accept_each(app, drafts, now, now_ms, Origin.HTTP)
    assert isinstance(together, list) and isinstance(each, list)
    groups = [(row[1], row[2]) for row in desk.journal.batch.conditions]
    first, second = (message.message_id for message in together)
    assert groups[:2] == [(first, first), (second, first)]
    assert all(message_id == group for message_id, group in groups[2:])


def test_what_is_refused_late_is_not_sent_and_gives_its_slots_back() -> None:
    desk, app = Desk(window=2), account()
    first, second, waits = (desk.taken(app) for _ in range(3))
    late(desk, first, waits)
    assert desk.sent == [(second.message_id, 1)]
    assert desk.upstreams["one"].in_flight == 1
    assert desk.upstreams["one"].queue.joining == 0
    assert app.open_messages == desk.submission.open_messages == desk.submission.accepted == 1
    assert desk.submission.refused[Refusal.BALANCE] == 2


def test_what_is_refused_late_was_not_counted_in_the_store_nor_here() -> None:
    hall = hall_of(per_day=1, flood=1, repeat_s=60)
    message = hall.sent()
    assert hall.send(user_data=b"bye") is Refusal.FLOOD
    late(hall.desk, message, why=Refusal.REPEATED)
    assert hall.desk.journal.batch.counted == []
    hall.sent()


def test_counts_of_all_nodes_refuse_here_until_the_day_is_over() -> None:
    hall = hall_of(per_number=3)
    hall.sent()
    key = key_of(Kind.NUMBER, NUMBER.encode())
    hall.admission.counted_elsewhere([("app", TODAY, key, 3), ("gone", TODAY, key, 3)])
    assert hall.send() is Refusal.PER_NUMBER
    hall.sent(destination=OTHER)
    hall.admission.counted_elsewhere([("app", TODAY, key, 1)])  # what this node has counted since stays
    assert hall.send() is Refusal.PER_NUMBER
    hall.admission.counted_elsewhere([("app", TODAY - 1, key_of(Kind.NUMBER, OTHER.encode()), 9)])
    hall.sent(destination=OTHER)


def test_what_is_left_is_what_the_store_says_less_what_is_on_its_way() -> None:
    desk, app = Desk(), account()
    ledger = paid(desk, 1000)
    first = desk.taken(app, destination=NUMBER)
    second = desk.taken(app, destination=NUMBER)
    ledger.store_has([first.message_id], [("app", 500), ("other", 7)])
    assert (ledger.purse("app").balance, ledger.purse("other").balance) == (460, 7)
    ledger.not_stored(second.message_id)
    assert ledger.purse("app").balance == 500


def test_a_refused_message_has_cost_nothing() -> None:
    desk, app = Desk(), account()
    ledger = paid(desk, 80)
    refused = desk.taken(app, destination=NUMBER)
    desk.submission.flush()
    ledger.store_has([refused.message_id], [("app", 20)])  # others have spent the rest
    late(desk, refused)
    assert ledger.purse("app").balance == 20
    assert desk.accept(app, destination=NUMBER) is Refusal.BALANCE


def test_money_that_is_put_in_is_not_counted_twice() -> None:
    desk = Desk()
    ledger = paid(desk, 100)
    ledger.store_has([], [("app", 600)])
    ledger.credited("app", 500)
    assert ledger.purse("app").balance == 600
    ledger.purse("app").balance -= 50  # a person takes it out, and the store cannot write that
    ledger.given_back("app", 50)
    assert ledger.purse("app").balance == 600


def test_after_a_credit_elsewhere_it_may_be_told_again_that_nothing_is_left() -> None:
    desk, app = Desk(), account()
    ledger = paid(desk, 0)
    for _ in range(2):
        assert desk.accept(app, destination=NUMBER) is Refusal.BALANCE
    ledger.credited("app", 0)
    assert desk.accept(app, destination=NUMBER) is Refusal.BALANCE
    assert sum("balance_empty" in line for line in desk.written) == 2
