"""What the service is asked regularly: statuses of what was taken, and incoming SMS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from service_fakes import NAME, Asked, Bench, looped, to, turns

from gateway.config.secret import Secret
from gateway.config.smsc_model import SmscCallback
from gateway.core.model import MessageState, Wish
from gateway.egress.smsc_http import watcher as watcher_module
from gateway.egress.smsc_http.client import NoAnswer, NotSent
from gateway.egress.smsc_http.watcher import FRESH_MAX, LIST_EVERY_S, LIST_MAX
from gateway.translate.smsc_options import options_tlv
from protocols.smsc_http.answers import Failure

CALLBACK = SmscCallback(path="/smsc/centre", secret=Secret("hush"))
UNKNOWN = MessageState.UNKNOWN.value
WAITS, DELIVERED, MISSING = {"status": -1, "err": 0}, {"status": 1, "err": 0}, {"status": -3}
DAY_S = 24 * 3600


def statuses(bench: Bench, usual: dict[str, Any], **by_number: dict[str, Any]) -> None:
    """What the service says of each number from now on: `_1=DELIVERED`; of others `usual`."""

    def answer(asked: Asked) -> object:
        pairs = zip(*(asked.params[name].split(",") for name in ("phone", "id")), strict=True)
        rows = [
            {**by_number.get(f"_{int(phone[4:])}", usual), "id": id, "phone": phone}
            for phone, id in pairs
            if phone
        ]
        return rows if "," in asked.params["phone"] else rows[0]

    bench.client.usual["status"] = answer


def singles(bench: Bench) -> list[Asked]:
    return [asked for asked in bench.client.of("status") if "," not in asked.params["phone"]]


def lists(bench: Bench) -> list[list[str]]:
    """The numbers of each list of statuses."""
    found = [asked.params["phone"] for asked in bench.client.of("status") if "," in asked.params["phone"]]
    assert all(phones.endswith(",") for phones in found)
    return [phones.split(",")[:-1] for phones in found]


async def taken(bench: Bench, *numbers: int) -> None:
    """Messages that the service has."""
    bench.queue(*(to(n) for n in numbers))
    await bench.calm()
    assert set(numbers) <= set(bench.taken())


# -- new messages ----------------------------------------------------------------------------------------


@looped
async def test_a_new_message_is_asked_for_after_seconds_and_again_later(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    statuses(bench, WAITS)
    await taken(bench, 1)
    await bench.pass_(3.5)
    assert singles(bench) == []
    await bench.pass_(1.5)
    assert len(singles(bench)) == 1
    await bench.pass_(14)
    assert len(singles(bench)) == 1
    statuses(bench, DELIVERED)
    await bench.pass_(3)
    assert bench.ends() == {1: (2, "000")}
    await bench.pass_(120)
    assert len(singles(bench)) == 2, "and then by lists, if at all"


@looped
async def test_a_second_question_for_an_old_one_does_not_keep_new_ones_waiting(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    statuses(bench, WAITS, _2=DELIVERED)
    await taken(bench, 1)
    await bench.pass_(6)
    await taken(bench, 2)
    await bench.pass_(6)
    assert bench.ends() == {2: (2, "000")}


@looped
async def test_only_some_are_asked_for_singly(tmp_path: Path) -> None:
    bench = Bench(tmp_path, list_max=1000)
    await bench.up()
    statuses(bench, DELIVERED)
    await taken(bench, *range(1, FRESH_MAX + 51))
    await bench.pass_(30)
    assert len(singles(bench)) == FRESH_MAX
    await bench.pass_(LIST_EVERY_S)
    assert len(bench.ends()) == FRESH_MAX + 50


@looped
async def test_what_nobody_waits_for_is_not_asked_for(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.queue(to(1, registered_delivery=0))
    await bench.calm()
    assert bench.ends() == {1: (MessageState.ACCEPTED.value, "")}
    await bench.pass_(150)
    assert bench.client.of("status") == []


@looped
async def test_whose_account_is_called_waits_for_the_end(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.queue(to(1, registered_delivery=0, flags=Wish.CALLED.value))
    await bench.calm()
    assert bench.ends() == {}
    await bench.pass_(150)
    assert bench.client.of("status") != []


@pytest.mark.parametrize("answer", [NoAnswer("x"), Failure(9, ""), Failure(1, ""), [], {"err": 1}])
@looped
async def test_without_an_answer_it_is_asked_for_once_more_and_then_by_lists(
    tmp_path: Path, answer: object
) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.usual["status"] = answer
    await taken(bench, 1)
    await bench.pass_(60)
    assert len(singles(bench)) == 2
    statuses(bench, DELIVERED)
    await bench.pass_(LIST_EVERY_S + 1)
    assert bench.ends() == {1: (2, "000")}


# -- lists -------------------------------------------------------------------------------------------------


@looped
async def test_lists_go_round_all_that_has_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher_module, "LIST_MAX", 3)
    bench = Bench(tmp_path, callback=CALLBACK)
    await bench.up()
    statuses(bench, WAITS, _2=DELIVERED)
    await taken(bench, *range(1, 6))
    await bench.pass_(3600 + 4 * LIST_EVERY_S, step_s=1)
    first, *others = [[int(phone[4:]) for phone in phones] for phones in lists(bench)]
    assert first == [1, 2, 3]
    assert others[:3] == [[4, 5], [1, 3, 4], [5]]
    assert bench.ends() == {2: (2, "000")}


@looped
async def test_a_list_that_the_service_finds_too_long_is_halved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"LIST_MAX": 8, "LIST_MIN": 2, "LIST_GROWS": 1}.items():
        monkeypatch.setattr(watcher_module, name, value)
    bench = Bench(tmp_path)
    await bench.up()
    statuses(bench, WAITS)
    usual = bench.client.usual["status"]

    def no_more_than_four(asked: Asked) -> object:
        if asked.params["phone"].count(",") > 4:
            return Failure(1, "parameters error")
        assert callable(usual)
        return usual(asked)

    bench.client.usual["status"] = no_more_than_four
    await taken(bench, *range(1, 10))
    await bench.pass_(5 * LIST_EVERY_S, step_s=1)
    asked_for = [[int(phone[4:]) for phone in phones] for phones in lists(bench)]
    assert asked_for[:4] == [[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8, 9], [5, 6]]


@looped
async def test_with_calls_what_is_younger_than_an_hour_is_left_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path, callback=CALLBACK)
    await bench.up()
    statuses(bench, DELIVERED)
    await taken(bench, 1)
    await bench.pass_(3590, step_s=1)
    assert bench.client.of("status") == []
    await bench.pass_(2 * LIST_EVERY_S, step_s=1)
    assert len(lists(bench)) == 1 and bench.ends() == {1: (2, "000")}


@looped
async def test_rows_may_be_missing_or_in_another_order_or_strange(tmp_path: Path) -> None:
    bench = Bench(tmp_path, callback=CALLBACK)
    await bench.up()
    await taken(bench, *range(1, 6))

    def answer(asked: Asked) -> object:
        id = asked.params["id"].split(",")[0]
        return [
            {**DELIVERED, "id": id, "phone": "79160000004"},
            {"status": "1", "id": id, "phone": "79160000003"},
            {"status": 1, "err": "many", "id": id, "phone": "79160000005"},
            {**DELIVERED, "id": id, "phone": "79169999999"},
            {**DELIVERED, "id": "other", "phone": "79160000003"},
            {**DELIVERED},
            {"status": 25, "err": 248, "id": id, "phone": "79160000001"},
        ]

    bench.client.usual["status"] = answer
    await bench.pass_(3700, step_s=1)
    assert bench.ends() == {1: (MessageState.UNDELIVERABLE.value, "248"), 4: (2, "000")}


@looped
async def test_statuses_that_are_no_end_cost_the_store_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    statuses(bench, WAITS)
    await taken(bench, 1, 2)
    await bench.pass_(300, step_s=1)
    assert len(lists(bench)) > 2
    assert (bench.receipts.matched, bench.receipts.unmatched) == (0, 0)
    assert not [line for line in bench.lines if " receipt " in line]


@looped
async def test_what_the_service_does_not_know_has_a_day(tmp_path: Path) -> None:
    bench = Bench(tmp_path, callback=CALLBACK)
    await bench.up()
    statuses(bench, MISSING)
    await taken(bench, 1)
    await bench.pass_(2 * 3600, step_s=20)
    assert lists(bench) and bench.ends() == {}
    bench.clock.advance(DAY_S - 2 * 3600)
    await bench.pass_(100)
    assert bench.ends() == {1: (UNKNOWN, "000")}


@looped
async def test_a_walk_that_the_store_cannot_answer_begins_anew(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    statuses(bench, WAITS)
    await taken(bench, 1)
    await bench.pass_(30)
    with bench.full_disk():
        await bench.pass_(2 * LIST_EVERY_S)
        assert lists(bench) == []
    statuses(bench, DELIVERED)
    await bench.pass_(2 * LIST_EVERY_S)
    assert bench.ends() == {1: (2, "000")}


@looped
async def test_a_receipt_that_could_not_be_written_comes_again_by_a_list(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    statuses(bench, WAITS)
    await taken(bench, 1)
    await bench.pass_(LIST_EVERY_S - 1)
    statuses(bench, DELIVERED)
    bench.receipt(f"{bench.sends()[0].id}/79160000001")
    with bench.full_disk():
        bench.commit()
    await bench.pass_(2 * LIST_EVERY_S)
    assert bench.ends() == {1: (2, "000")}


@looped
async def test_look_ups_tell_what_they_found(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    statuses(bench, {**DELIVERED, "imsi": "250011234567890", "mcc": "250", "cn": "Russian Federation"})
    bench.queue(to(1, service_type="HLR", user_data=b""))
    await bench.calm()
    await bench.pass_(6)
    [(said,)] = bench.rows("delivery", "tlvs")
    assert said == b" imsi:250011234567890 mcc:250 cn:Russian+Federation"


@looped
async def test_an_address_of_any_length_is_asked_for_as_it_is(tmp_path: Path) -> None:
    address = "a" * 60 + "@" + "b" * 60 + ".example"
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.usual["status"] = DELIVERED
    bench.queue(to(1, tlvs=options_tlv([("mail", "1"), ("to", address), ("subj", "x")])))
    await bench.calm()
    await bench.pass_(6)
    [asked] = singles(bench)
    assert asked.params["phone"] == address
    assert bench.ends() == {1: (2, "000")}


# -- incoming SMS --------------------------------------------------------------------------------------------


def sms(id: object, text: str = "yes", **fields: Any) -> dict[str, Any]:
    values = {"received": "28.11.2026 00:00:00", "phone": "79161234567", "message": text, "to_phone": "1234"}
    return {"id": id, **values, **fields}


def came(bench: Bench) -> list[bytes]:
    """The texts that an account got."""
    return [text for _, text in bench.rows("delivery WHERE state = -1", "delivery_id, user_data")]


def asks(bench: Bench) -> list[dict[str, str]]:
    """The questions for incoming SMS, without how many are wanted."""
    return [
        {name: value for name, value in asked.params.items() if name != "cnt"}
        for asked in bench.client.of("answers")
    ]


@looped
async def test_what_came_last_is_where_the_next_question_begins(tmp_path: Path) -> None:
    bench = Bench(tmp_path, incoming_account="app")
    bench.client.answers["answers"] += [[sms(9, "c"), sms(7, "a"), sms(8, "b")], [sms(10, "d")]]
    await bench.reading()
    assert came(bench) == [b"a", b"b", b"c"]
    await bench.pass_(26)
    await bench.pass_(26)
    assert came(bench) == [b"a", b"b", b"c", b"d"]
    assert asks(bench) == [{"hour": "24"}, {"after_id": "9"}, {"after_id": "10"}]
    assert bench.rows("mark") == [(f"answers {NAME}", 10)]
    bench.marks = dict(bench.rows("mark"))
    await bench.kill()
    await bench.pass_(1)
    assert asks(bench)[-1] == {"after_id": "10"}


@looped
async def test_each_comes_once_however_often_it_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, incoming_account="app", callback=CALLBACK)
    bench.client.usual["answers"] = [sms(7), sms(7), sms(8, "no")]
    await bench.reading()
    await bench.pass_(1300, step_s=5)
    assert len(asks(bench)) == 3
    assert came(bench) == [b"yes", b"no"]


@looped
async def test_a_mark_never_goes_back_for_what_is_told_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, incoming_account="app")
    bench.client.answers["answers"] += [[sms(100)], [sms(5, "older")]]
    await bench.reading()
    await bench.pass_(26)
    assert came(bench) == [b"yes", b"older"]
    assert bench.rows("mark") == [(f"answers {NAME}", 100)]


@looped
async def test_ids_that_begin_anew_are_found_within_an_hour(tmp_path: Path) -> None:
    bench = Bench(tmp_path, incoming_account="app")
    bench.client.answers["answers"].append([sms(1_000_000)])
    await bench.reading()

    def answer(asked: Asked) -> object:
        rows = [sms(1, "new one"), sms(2, "new two")]
        return [row for row in rows if row["id"] > int(asked.params.get("after_id", 0))]

    bench.client.usual["answers"] = answer
    await bench.pass_(3500, step_s=5)
    assert came(bench) == [b"yes"]
    await bench.pass_(150, step_s=5)
    assert came(bench) == [b"yes", b"new one", b"new two"]
    assert asks(bench)[-1] == {"after_id": "2"}
    assert [asked for asked in asks(bench) if "hour" in asked] == [{"hour": "24"}, {"hour": "2"}]


@looped
async def test_a_look_back_keeps_the_mark_when_nothing_came_lately(tmp_path: Path) -> None:
    bench = Bench(tmp_path, incoming_account="app")
    bench.client.answers["answers"].append([sms(50)])
    await bench.reading()
    await bench.pass_(4000, step_s=5)
    assert bench.watcher.mark == 50
    assert asks(bench)[-1] == {"after_id": "50"}


@looped
async def test_more_than_one_answer_holds_is_asked_for_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher_module, "ANSWERS_MAX", 2)
    bench = Bench(tmp_path, incoming_account="app")
    bench.client.answers["answers"] += [[sms(1, "a"), sms(2, "b")], [sms(3, "c"), sms(4, "d")], [sms(5, "e")]]
    await bench.reading()
    assert came(bench) == [b"a", b"b", b"c", b"d", b"e"]


@looped
async def test_a_service_that_always_says_the_same_is_not_asked_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher_module, "ANSWERS_MAX", 2)
    bench = Bench(tmp_path, incoming_account="app")
    bench.client.usual["answers"] = [sms(1), sms(2)]
    await bench.reading()
    assert len(asks(bench)) == 2


@looped
async def test_what_has_no_id_of_use_is_left_out(tmp_path: Path) -> None:
    bench = Bench(tmp_path, incoming_account="app")
    bench.client.answers["answers"].append(
        [sms("x"), sms(None), sms(0), sms(-4), sms(10**19), {"message": "?"}, sms(3, "good")]
    )
    await bench.reading()
    assert came(bench) == [b"good"]
    assert bench.rows("mark") == [(f"answers {NAME}", 3)]


@looped
async def test_what_cannot_be_written_is_asked_for_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, incoming_account="app")
    await bench.reading()
    bench.client.usual["answers"] = [sms(7)]
    with bench.full_disk():
        await bench.pass_(26)
        assert bench.watcher.mark == 0
    await bench.pass_(26)
    assert came(bench) == [b"yes"] and bench.watcher.mark == 7


@looped
async def test_a_stop_while_a_commit_is_under_way_harms_nobody(tmp_path: Path) -> None:
    bench = Bench(tmp_path, incoming_account="app")
    bench.client.answers["answers"].append([sms(7)])
    await bench.up()
    bench.clock.advance(1)
    bench.connector.tick(bench.clock.now())
    await turns()
    assert bench.journal.batch.marks
    await bench.stop()
    bench.commit()  # and its callbacks
    assert came(bench) == [b"yes"]


@pytest.mark.parametrize("answer", [NoAnswer("x"), NotSent("x"), Failure(9, ""), Failure(1, ""), {"a": 1}])
@looped
async def test_no_answer_is_asked_for_again(tmp_path: Path, answer: object) -> None:
    bench = Bench(tmp_path, incoming_account="app")
    bench.client.answers["answers"].append(answer)
    await bench.reading()
    bench.client.usual["answers"] = [sms(7)]
    await bench.pass_(60)
    assert came(bench) == [b"yes"]


@looped
async def test_nothing_of_what_people_write_is_in_the_log(tmp_path: Path) -> None:
    bench = Bench(tmp_path, incoming_account="app")
    bench.client.answers["answers"].append([sms(7, "a private word")])
    statuses(bench, DELIVERED)
    await bench.reading()
    await taken(bench, 1)
    await bench.pass_(100)
    said = bench.log()
    assert "upstream_id=" in said
    for secret in ("private", "p-secret", "79161234567", "text 1"):
        assert secret not in said


def test_the_list_is_what_the_service_takes_in_one_request() -> None:
    assert LIST_MAX * len("79161234567,g2s54lbug-zz-zzzz,") < 1 << 20
