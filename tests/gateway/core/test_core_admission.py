"""What an account may send beyond its rate: each rule, what it counts, and whose rules hold for whom."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from gateway_fakes import DAY_MS, NOW_MS, ManualClock, account, account_config, draft
from test_core_submission import Desk

from gateway.config.account_model import AccountLimits
from gateway.core.admission import Admission
from gateway.core.blacklist import EVERYBODY, Blacklists
from gateway.core.errors import Refusal
from gateway.core.model import UNTIL_EXPIRY, Draft, Message, Origin
from gateway.core.routing import Route

HOUR_MS = 3_600_000
TODAY = NOW_MS // DAY_MS
NUMBER, OTHER = "79161234567", "79990000002"
NOON_MS = TODAY * DAY_MS + 12 * HOUR_MS


def at(hour: int, minute: int = 0, *, day: int = 0) -> int:
    return (TODAY + day) * DAY_MS + (hour * 60 + minute) * 60_000


class Hall:
    """Accounts with their rules, and a submission that they send to."""

    def __init__(self, *configs: dict[str, Any], day_counts: Any = (), now_ms: int = NOW_MS) -> None:
        self.desk = Desk(Route("", ("one",)))
        self.clock = ManualClock()
        self.clock.advance((now_ms - NOW_MS) / 1000)
        self.desk.clock = self.clock
        self.accounts = {one["system_id"]: account(**one) for one in configs}
        self.blacklists = Blacklists()
        self.admission = Admission(self.clock, self.blacklists, day_counts)
        self.configure()

    def configure(self) -> None:
        self.admission.configure(self.accounts, 48 * HOUR_MS)

    def send(self, name: str = "app", **fields: Any) -> Message | Refusal:
        return self.desk.accept(self.accounts[name], draft(**fields))

    def sent(self, name: str = "app", **fields: Any) -> Message:
        taken = self.send(name, **fields)
        assert isinstance(taken, Message), taken
        return taken

    def all(self, *drafts: Draft, name: str = "app") -> list[Message] | Refusal:
        now, now_ms = self.clock.now(), self.clock.now_ms()
        return self.desk.submission.accept_all(self.accounts[name], drafts, now, now_ms, Origin.MAIL)

    def commit(self, ok: bool = True) -> Any:
        self.desk.submission.flush()
        return self.desk.journal.commit(ok)

    @property
    def counted(self) -> list[tuple[Any, ...]]:
        return [row[:3] for row in self.desk.journal.batch.counted]


def app(**fields: Any) -> Hall:
    now_ms = fields.pop("now_ms", NOW_MS)
    return Hall({"system_id": "app", **fields}, now_ms=now_ms)


def limited(now_ms: int = NOW_MS, **limits: Any) -> Hall:
    return app(limits=AccountLimits(**limits), now_ms=now_ms)


def test_an_account_without_such_options_has_no_rules() -> None:
    hall = Hall(
        {"system_id": "app"},
        {"system_id": "part", "parent": "app", "allowed_sources": ("Example",), "rate": 5, "tags": ("a",)},
    )
    assert [one.rules for one in hall.accounts.values()] == [None, None]


# -- senders ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "ton", "npi"), [("Example", 5, 0), ("79990000001", 1, 1), ("1234", 3, 0), ("123456", 3, 0)]
)
def test_the_forced_sender_has_its_type_and_plan(source: str, ton: int, npi: int) -> None:
    message = app(forced_source=source).sent(source="Another", source_ton=5, source_npi=0)
    assert (message.source, message.source_ton, message.source_npi) == (source, ton, npi)


def test_the_default_sender_is_for_messages_without_one() -> None:
    hall = app(default_source="Example", allowed_sources=("Example", "Mine"))
    message = hall.sent(source="", source_ton=0, source_npi=0)
    assert (message.source, message.source_ton, message.source_npi) == ("Example", 5, 0)
    assert hall.sent(source="Mine").source == "Mine"
    assert hall.send(source="Another") is Refusal.SOURCE


# -- destinations and blacklists --------------------------------------------------------------------


def test_destinations_of_an_account_and_of_its_parents_hold() -> None:
    hall = Hall(
        {"system_id": "top", "destinations": ("-7900",)},
        {"system_id": "middle", "parent": "top", "destinations": ("7", "49")},
        {"system_id": "app", "parent": "middle", "destinations": ("79",)},
    )
    hall.sent(destination="79161234567")
    assert hall.send(destination="79001234567") is Refusal.DENIED
    assert hall.send(destination="4915112345678") is Refusal.DENIED
    hall.sent("middle", destination="4915112345678")
    assert hall.send("middle", destination="3312345678") is Refusal.DENIED
    hall.sent("top", destination="3312345678")


def test_the_number_that_a_route_makes_counts() -> None:
    hall = app(destinations=("7",))
    rules = hall.accounts["app"].rules
    assert rules is not None
    given = draft(destination="89161234567", sent_as=f"5 0 1 1 Example {NUMBER}")
    assert not isinstance(rules.admit(given, 0.0, NOW_MS), Refusal)
    hall.blacklists.add("app", [NUMBER])
    rules = hall.accounts["app"].rules
    assert rules is not None
    assert rules.admit(given, 0.0, NOW_MS) is Refusal.BLACKLIST


def test_blacklists_of_an_account_its_parents_and_everybody_hold() -> None:
    hall = Hall({"system_id": "top"}, {"system_id": "app", "parent": "top"}, {"system_id": "other"})
    lists = {"app": "79990000001", "top": "79990000002", EVERYBODY: "79990000003"}
    for name, number in lists.items():
        assert hall.blacklists.add(name, [number]) == 1
    refused = {
        name: [
            number[-1]
            for number in lists.values()
            if hall.send(name, destination=number) is Refusal.BLACKLIST
        ]
        for name in hall.accounts
    }
    assert refused == {"app": ["1", "2", "3"], "top": ["2", "3"], "other": ["3"]}
    assert hall.blacklists.sizes() == {"app": 1, "top": 1, "": 1}


def test_a_list_that_becomes_empty_costs_nothing_again() -> None:
    hall = app()
    assert hall.blacklists.add("app", [NUMBER, NUMBER, OTHER]) == 2
    assert hall.accounts["app"].rules is not None
    assert hall.blacklists.remove("app", [NUMBER, "79990000009"]) == 1
    hall.sent(destination=NUMBER)
    assert hall.send(destination=OTHER) is Refusal.BLACKLIST
    assert hall.blacklists.remove("app", [OTHER]) == 1
    assert hall.accounts["app"].rules is None


def test_zeros_at_the_beginning_make_another_number() -> None:
    hall = app()
    hall.blacklists.add("app", ["0123"])
    hall.sent(destination="123", destination_ton=0)
    assert hall.send(destination="0123", destination_ton=0) is Refusal.BLACKLIST


# -- hours and validity -----------------------------------------------------------------------------


def test_a_message_out_of_hours_waits_for_them() -> None:
    hall = limited(at(22), hours="9-21")
    message = hall.sent()
    assert message.due_ms == at(9, day=1)
    assert message.expires_ms == at(9, day=3)
    hall.clock.advance(11 * 3600)
    assert hall.sent().due_ms == 0


def test_a_scheduled_message_waits_when_its_time_is_out_of_hours() -> None:
    hall = limited(at(12), hours="9-21")
    assert hall.sent(due_ms=at(23)).due_ms == at(9, day=1)
    assert hall.sent(due_ms=at(15)).due_ms == at(15)


def test_a_message_out_of_hours_is_refused_if_the_account_wants_that() -> None:
    hall = limited(at(22), hours="9-21", outside_hours="refuse")
    assert hall.send() is Refusal.HOURS
    hall.sent(due_ms=at(10, day=1))


def test_a_message_whose_validity_ends_before_the_hours_is_refused() -> None:
    hall = limited(at(22), hours="9-21")
    assert hall.send(expires_ms=at(9, day=1)) is Refusal.HOURS
    assert hall.sent(expires_ms=at(9, 1, day=1)).expires_ms == at(9, 1, day=1)


def test_hours_are_those_of_the_account() -> None:
    hall = app(time_zone="Europe/Moscow", limits=AccountLimits(hours="9-21"), now_ms=at(7))
    assert hall.sent().due_ms == 0  # 10 o'clock in Moscow
    hall.clock.advance(12 * 3600)
    assert hall.sent().due_ms == at(6, day=1)


def test_hours_are_those_of_the_subscriber_if_his_number_says_where_he_is() -> None:
    limits = AccountLimits(hours="9-21", hours_of="subscriber")
    hall = app(time_zone="Europe/Moscow", limits=limits, now_ms=at(18, 30))
    assert hall.sent(destination="4915112345678").due_ms == 0  # half past eight in Berlin
    assert hall.sent(destination="61412345678").due_ms > 0  # at night in Australia
    assert hall.sent(destination="1234", destination_ton=3).due_ms == at(6, day=1)  # none: the account's


def test_the_accounts_validity_is_for_messages_without_one() -> None:
    hall = app(validity_h=2)
    message = hall.sent()
    assert (message.expires_ms, message.validity_period) == (NOW_MS + 2 * HOUR_MS, UNTIL_EXPIRY)
    given = hall.sent(expires_ms=NOW_MS + 5 * HOUR_MS, validity_period="000000050000000R")
    assert (given.expires_ms, given.validity_period) == (NOW_MS + 5 * HOUR_MS, "000000050000000R")


@pytest.mark.parametrize(
    ("validity_h", "given_h", "wanted_h"), [(0, 0, 3), (2, 0, 2), (9, 0, 3), (0, 5, 3), (2, 3, 3), (0, 1, 1)]
)
def test_the_longest_validity_cuts_what_is_longer(validity_h: int, given_h: int, wanted_h: int) -> None:
    hall = app(validity_h=validity_h, max_validity_h=3)
    message = hall.sent(
        expires_ms=given_h and NOW_MS + given_h * HOUR_MS, validity_period="given" * bool(given_h)
    )
    assert message.expires_ms == NOW_MS + wanted_h * HOUR_MS
    kept = given_h == wanted_h
    assert message.validity_period == ("given" if kept else UNTIL_EXPIRY)


def test_validity_begins_when_the_message_is_due() -> None:
    hall = limited(at(22), hours="9-21")
    hall.accounts["app"].configure(
        account_config(validity_h=2, limits=AccountLimits(hours="9-21")), hall.clock.now()
    )
    hall.configure()
    assert hall.sent().expires_ms == at(11, day=1)
    assert hall.sent(due_ms=at(12, day=1)).expires_ms == at(14, day=1)


def test_what_replaces_a_message_keeps_to_hours_and_validity() -> None:
    hall = app(limits=AccountLimits(hours="9-21", per_day=1), max_validity_h=3, now_ms=at(12))
    rules = hall.accounts["app"].rules
    assert rules is not None
    assert rules.replaced(draft(), at(22)) == draft()
    later = rules.replaced(draft(due_ms=at(23)), at(12))
    assert isinstance(later, Draft)
    assert (later.due_ms, later.expires_ms) == (at(9, day=1), 0)
    longer = rules.replaced(draft(expires_ms=at(23)), at(12))
    assert isinstance(longer, Draft)
    assert (longer.due_ms, longer.expires_ms, longer.validity_period) == (0, at(15), UNTIL_EXPIRY)
    hall.sent()


# -- repeats and floods -----------------------------------------------------------------------------


def test_the_same_text_from_the_same_sender_to_the_same_number_is_refused_for_a_while() -> None:
    hall = limited(repeat_s=60)
    hall.sent()
    for other in ({"source": "Mine"}, {"destination": OTHER}, {"user_data": b"bye"}, {"data_coding": 4}):
        hall.sent(**other)
    hall.clock.advance(59.9)
    assert hall.send() is Refusal.REPEATED
    hall.clock.advance(0.1)
    hall.sent()


def test_parts_of_long_texts_that_begin_alike_are_no_repetition() -> None:
    hall = limited(repeat_s=60, per_text=1)
    hall.sent(part=(7, 2, 1))
    hall.sent(part=(8, 2, 1))
    assert hall.send(part=(8, 2, 1)) is Refusal.REPEATED


def test_a_flood_to_one_number_is_refused_until_there_is_a_gap() -> None:
    hall = limited(flood=50)
    for n in range(50):
        hall.sent(user_data=b"%d" % n)
        hall.clock.advance(1)
    assert hall.send() is Refusal.FLOOD
    hall.sent(destination=OTHER)
    hall.clock.advance(58)
    assert hall.send() is Refusal.FLOOD
    hall.clock.advance(1)
    hall.sent()


# -- limits per day ---------------------------------------------------------------------------------


def test_messages_of_a_day_are_counted_and_not_segments() -> None:
    hall = limited(per_day=2)
    hall.sent(segments=3)
    hall.sent()
    assert hall.send() is Refusal.PER_DAY
    hall.clock.advance(DAY_MS / 1000)
    hall.sent()


@pytest.mark.parametrize(
    ("limit", "refusal", "others"),
    [
        ("per_number", Refusal.PER_NUMBER, {"destination": OTHER}),
        ("per_text", Refusal.PER_TEXT, {"user_data": b"bye"}),
        ("per_text", Refusal.PER_TEXT, {"destination": OTHER}),
        ("per_address", Refusal.PER_ADDRESS, {"address": "192.0.2.2"}),
        ("per_address", Refusal.PER_ADDRESS, {"address": ""}),
    ],
)
def test_numbers_texts_and_addresses_are_counted(
    limit: str, refusal: Refusal, others: dict[str, Any]
) -> None:
    hall = limited(**{limit: 2})
    fields = {"address": "192.0.2.1"}
    hall.sent(**fields)
    hall.sent(**fields)
    assert hall.send(**fields) is refusal
    hall.sent(**{**fields, **others})


def test_what_goes_to_no_number_is_told_apart_by_its_options() -> None:
    hall = limited(per_number=1, per_text=1, repeat_s=60, flood=1)
    hall.sent(destination="", tlvs=b"to ops@example.org")
    hall.sent(destination="", tlvs=b"to noc@example.org")
    assert hall.send(destination="", tlvs=b"to ops@example.org") is Refusal.REPEATED


def test_an_address_is_the_same_in_both_forms() -> None:
    hall = limited(per_address=1)
    hall.sent(address="192.0.2.1")
    assert hall.send(address="::ffff:192.0.2.1") is Refusal.PER_ADDRESS
    hall.sent(address="2001:db8::1")


def test_messages_without_an_address_are_not_counted_by_it() -> None:
    hall = limited(per_address=1)
    for _ in range(3):
        hall.sent(address="")
    assert hall.counted == []


def test_each_counted_message_has_its_rows_in_the_same_batch() -> None:
    hall = limited(per_day=5, per_number=5, per_text=5, per_address=5)
    hall.sent(address="192.0.2.1")
    assert hall.counted == [("app", TODAY, kind) for kind in (1, 2, 3, 4)]
    batch = hall.commit()
    assert (len(batch.accepted), len(batch.counted)) == (1, 4)
    assert all(type(value) in (str, int, bytes) for row in batch.counted for value in row)


def test_the_limits_of_parents_hold_over_the_sum_of_their_parts() -> None:
    hall = Hall(
        {"system_id": "top", "limits": AccountLimits(per_day=3, repeat_s=60, hours="0-1")},
        {"system_id": "app", "parent": "top"},
        {"system_id": "other", "parent": "top", "limits": AccountLimits(per_day=2)},
    )
    hall.sent()
    hall.sent("other")
    hall.sent()
    assert hall.send() is Refusal.PER_DAY
    assert hall.send("other") is Refusal.PER_DAY
    assert hall.counted == [("top", TODAY, 1), ("other", TODAY, 1), ("top", TODAY, 1), ("top", TODAY, 1)]


def test_what_is_refused_counts_nothing() -> None:
    hall = limited(per_day=2, per_number=1, flood=2)
    hall.sent()
    assert hall.send() is Refusal.PER_NUMBER
    assert hall.send() is Refusal.PER_NUMBER
    hall.sent(destination=OTHER)
    assert hall.send(destination="79990000003") is Refusal.PER_DAY
    assert len(hall.counted) == 4


def test_what_the_rate_refuses_is_taken_back() -> None:
    hall = app(rate=1, limits=AccountLimits(per_day=2, flood=2, repeat_s=60))
    hall.sent()
    assert hall.send(user_data=b"bye") is Refusal.RATE
    hall.clock.advance(1)
    hall.sent(user_data=b"bye")
    assert len(hall.counted) == 2


def test_drafts_that_are_taken_together_are_counted_together_or_not_at_all() -> None:
    hall = limited(per_day=3, per_number=2, flood=2, repeat_s=60)
    one, two, three = (draft(user_data=text) for text in (b"1", b"2", b"3"))
    assert hall.all(one, two, three) is Refusal.FLOOD
    assert hall.counted == []
    taken = hall.all(one, two)
    assert isinstance(taken, list)
    assert len(hall.counted) == 4
    assert hall.all(draft(destination=OTHER), draft(destination=OTHER)) is Refusal.REPEATED
    assert isinstance(hall.all(draft(destination=OTHER)), list)
    assert hall.all(draft(destination="79990000003")) is Refusal.PER_DAY


def test_drafts_that_find_no_room_are_taken_back() -> None:
    hall = app(max_open=1, limits=AccountLimits(per_day=2))
    assert hall.all(draft(), draft(destination=OTHER)) is Refusal.QUEUE_FULL
    assert isinstance(hall.all(draft()), list)


def test_a_batch_that_could_not_be_written_counts_nothing() -> None:
    hall = limited(per_day=1, flood=1, repeat_s=60)
    hall.sent()
    assert hall.send() is Refusal.REPEATED
    hall.commit(ok=False)
    hall.sent()
    hall.commit()
    assert hall.send(user_data=b"bye") is Refusal.FLOOD


def test_a_mail_that_had_come_before_is_taken_back_in_the_store_too() -> None:
    hall = limited(per_day=1)
    [message] = hall.all(draft())  # type: ignore[misc]
    assert isinstance(message, Message)
    hall.desk.submission.not_kept = frozenset({message.message_id})
    rows = hall.commit().counted
    assert hall.desk.journal.batch.counted == [(*row[:-1], -1) for row in rows]
    assert hall.desk.journal.woken == 1
    hall.desk.submission.not_kept = frozenset()
    hall.sent()


# -- restarts and reloads ---------------------------------------------------------------------------


def test_a_restart_goes_on_with_what_the_store_has_counted() -> None:
    first = limited(per_day=2, per_number=2)
    first.sent()
    stored = [(name, day, key, times) for name, day, _, key, times in first.commit().counted]
    again = Hall(
        {"system_id": "app", "limits": AccountLimits(per_day=2, per_number=2)},
        day_counts=[*stored, ("app", TODAY - 1, b"", 100), ("gone", TODAY, b"", 100)],
    )
    again.sent()
    assert again.send(destination=OTHER) is Refusal.PER_DAY


def test_a_reload_keeps_counts_and_takes_over_limits() -> None:
    hall = limited(per_day=2, flood=3, repeat_s=60)
    hall.sent(user_data=b"1")
    hall.sent(user_data=b"2")
    limits = AccountLimits(per_day=3, flood=2, repeat_s=60)
    hall.accounts["app"].configure(account_config(limits=limits), hall.clock.now())
    hall.configure()
    assert hall.send(user_data=b"3") is Refusal.FLOOD
    assert hall.send(user_data=b"1") is Refusal.REPEATED
    hall.sent(user_data=b"3", destination=OTHER)
    assert hall.send(user_data=b"4", destination=OTHER) is Refusal.PER_DAY


def test_an_account_that_loses_its_options_has_no_rules_any_more() -> None:
    hall = limited(per_day=1)
    hall.sent()
    hall.accounts["app"].configure(account_config(), hall.clock.now())
    hall.configure()
    assert hall.accounts["app"].rules is None
    hall.sent()


# -- parents ----------------------------------------------------------------------------------------


def test_a_block_holds_for_all_parts() -> None:
    hall = Hall(
        {"system_id": "top", "blocked": True},
        {"system_id": "middle", "parent": "top"},
        {"system_id": "app", "parent": "middle"},
        {"system_id": "other"},
    )
    assert {name: one.blocked for name, one in hall.accounts.items()} == {
        "top": True,
        "middle": True,
        "app": True,
        "other": False,
    }
    hall.accounts["top"].configure(account_config(system_id="top"), 0.0)
    hall.configure()
    assert not any(one.blocked for one in hall.accounts.values())


def test_parents_in_a_circle_end_somewhere() -> None:
    """The configuration forbids them; nothing must hang all the same."""
    hall = Hall(
        {"system_id": "app", "parent": "b", "destinations": ("7",)}, {"system_id": "b", "parent": "app"}
    )
    assert hall.send("b", destination="4915112345678") is Refusal.DENIED


def test_the_day_of_a_message_is_that_of_its_accounts_zone() -> None:
    hall = app(time_zone="Europe/Moscow", limits=AccountLimits(per_day=1), now_ms=at(20, 59))
    hall.sent()
    assert hall.send() is Refusal.PER_DAY
    hall.clock.advance(60)
    hall.sent()
    assert hall.counted == [("app", TODAY, 1), ("app", TODAY + 1, 1)]
    assert datetime.fromtimestamp(hall.clock.now_ms() / 1000, UTC).hour == 21
