"""What an account's rules have counted: what is given back, what a reload keeps, and whose it is."""

from __future__ import annotations

from gateway_fakes import account_config
from test_core_admission import HOUR_MS, NUMBER, OTHER, Hall, app, limited

from gateway.config.account_model import AccountLimits
from gateway.core.errors import Refusal
from gateway.core.prices import PriceTable


def test_what_cannot_be_paid_for_is_taken_back() -> None:
    paying = {"balance": "own", "prices": "list", "limits": AccountLimits(per_day=1, flood=1, repeat_s=60)}
    hall = app(**paying)
    ledger = hall.desk.submission.ledger
    ledger.configure([hall.accounts["app"].config], {"list": PriceTable({"7": 40, "49": 0}, currency="EUR")})
    for _ in range(2):
        assert hall.send(destination=NUMBER) is Refusal.BALANCE
    assert hall.send(destination="33612345678") is Refusal.NO_PRICE
    hall.sent(destination="4915112345678")
    assert len(hall.counted) == 1


def test_a_batch_that_could_not_be_written_has_nothing_to_take_back_in_the_store() -> None:
    hall = limited(per_day=5)
    hall.sent()
    hall.commit(ok=False)
    assert hall.counted == []


def test_a_segment_that_waits_for_the_others_and_could_not_be_written_is_taken_back() -> None:
    hall = limited(per_day=1)
    hall.desk.upstreams["one"].service = True
    hall.sent(part=(7, 2, 1))
    assert hall.send(part=(7, 2, 2)) is Refusal.PER_DAY
    hall.commit(ok=False)
    hall.sent(part=(7, 2, 1))


def test_texts_that_are_options_alone_are_told_apart() -> None:
    hall = limited(repeat_s=60, per_text=1)
    hall.sent(user_data=b"", tlvs=b"one")
    hall.sent(user_data=b"", tlvs=b"two")
    assert hall.send(user_data=b"", tlvs=b"one") is Refusal.REPEATED


def test_a_reload_takes_over_another_gap_and_another_time() -> None:
    hall = limited(flood=1, flood_gap_s=60)
    hall.sent()
    for limits in (AccountLimits(flood=1, flood_gap_s=10), AccountLimits(repeat_s=60)):
        hall.accounts["app"].configure(account_config(limits=limits), hall.clock.now())
        hall.configure()
        hall.sent()
    assert hall.send() is Refusal.REPEATED
    limits = AccountLimits(repeat_s=5)
    hall.accounts["app"].configure(account_config(limits=limits), hall.clock.now())
    hall.configure()
    hall.sent()
    hall.clock.advance(5)
    hall.sent()


def test_the_default_validity_is_cut_and_not_made_longer() -> None:
    longer, shorter = app(max_validity_h=72), app(max_validity_h=24)
    for hall, hours in ((longer, 48), (shorter, 24)):
        message = hall.sent()
        assert message.expires_ms == hall.clock.now_ms() + hours * HOUR_MS


def test_parts_keep_their_own_floods_and_repeats() -> None:
    hall = Hall(
        {"system_id": "top", "limits": AccountLimits(flood=1, repeat_s=60)},
        {"system_id": "app", "parent": "top"},
        {"system_id": "other", "parent": "top", "limits": AccountLimits(flood=1)},
    )
    hall.sent("top", destination=OTHER)
    for name in ("app", "app", "other"):
        hall.sent(name, destination=OTHER)
    assert hall.send("other", destination=OTHER) is Refusal.FLOOD
