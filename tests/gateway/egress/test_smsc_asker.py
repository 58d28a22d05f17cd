"""Requests without an answer: what the service has is known before anything is sent again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from gateway_fakes import NOW_MS
from service_fakes import NAME, Asked, Bench, looped, to, turns

from gateway.core.model import MessageState, OnAmbiguous, Progress
from gateway.egress.smsc_http.asker import MOST
from gateway.egress.smsc_http.client import NoAnswer, NotSent
from protocols.smsc_http.answers import Failure

EXPIRED, UNKNOWN = MessageState.EXPIRED.value, MessageState.UNKNOWN.value
MISSING = {"status": -3}
FOUND = {"status": 0, "err": 0}


async def in_doubt(bench: Bench, *numbers: int, error: Exception | None = None) -> str:
    """Messages whose request had no answer: its id."""
    before = len(bench.sends())
    bench.client.answers["send"].append(error or NoAnswer("the connection was lost"))
    bench.queue(*(to(n) for n in numbers))
    await bench.calm()
    assert len(bench.sends()) == before + 1
    assert len(bench.asker) == len(numbers)
    return bench.sends()[-1].id


def statuses(bench: Bench, **by_number: object) -> None:
    """What the service says of each number from now on: `_1=FOUND`; of others nothing."""

    def answer(asked: Asked) -> object:
        phones, ids = (asked.params[name].split(",") for name in ("phone", "id"))
        rows = []
        for phone, id in zip(phones, ids, strict=True):
            if not phone:
                continue  # after the comma at the end of a list
            found = by_number.get(f"_{int(phone[4:])}")
            if isinstance(found, Exception | Failure):
                return found
            if isinstance(found, dict):
                rows.append({**found, "id": id, "phone": phone})
        return rows if "," in asked.params["phone"] else rows[0] if rows else NoAnswer("silence")

    bench.client.usual["status"] = answer


# -- what the service has --------------------------------------------------------------------------------


@looped
async def test_what_the_service_has_was_taken(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    id = await in_doubt(bench, 1, 2)
    statuses(bench, _1=FOUND, _2={"status": 1, "err": 0})
    await bench.pass_(0.5)
    assert bench.client.of("status") == [], "not at once"
    await bench.pass_(1)
    assert bench.taken() == {n: f"{id}/7916000000{n}" for n in (1, 2)}
    assert bench.ends() == {2: (2, "000")}
    assert len(bench.sends()) == 1
    bench.has_nothing_left()
    assert bench.timeline(1) == [
        f"{NAME}: the connection was lost to request {id}, so its status is asked",
        f"{NAME}: the service has it, as its status says",
    ]


@looped
async def test_a_receipt_settles_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    id = await in_doubt(bench, 1)
    bench.receipt(f"{id}/79160000001", status=0)
    await bench.calm()
    assert (bench.taken(), bench.ends()) == ({1: f"{id}/79160000001"}, {})
    bench.has_nothing_left()


@looped
async def test_what_it_does_not_have_is_the_same_request_once_more(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    await in_doubt(bench, 2, 1, 3)
    statuses(bench, _1=MISSING, _2=MISSING, _3=MISSING)
    await bench.pass_(5.5)
    assert len(bench.sends()) == 1, "asked twice before that"
    await bench.pass_(2)
    first, second = bench.sends()
    assert second.params == first.params and second.at_once
    assert len(bench.client.of("status")) == 6
    assert len(bench.taken()) == 3 and bench.asker.sent_again == 3
    assert len([line for line in bench.lines if " sent_again " in line]) == 1
    bench.has_nothing_left()


@looped
async def test_the_repeated_one_was_the_first_one_if_the_service_says_error_9(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    await in_doubt(bench, 1)
    statuses(bench, _1=MISSING)
    bench.client.answers["send"].append(Failure(9, "duplicate request"))
    await bench.pass_(8)
    assert len(bench.sends()) == 2
    statuses(bench, _1=FOUND)
    await bench.pass_(50)
    assert bench.taken() == {}, "for a minute the service wants to hear nothing of it"
    await bench.pass_(15)
    assert (list(bench.taken()), len(bench.sends())) == ([1], 2)
    bench.has_nothing_left()


@looped
async def test_a_part_of_a_list_that_seemed_missing_is_asked_for_again_when_another_part_is_there(
    tmp_path: Path,
) -> None:
    """The request came late: what was not there a moment ago may be there now."""
    bench = Bench(tmp_path)
    await bench.up()
    id = await in_doubt(bench, 1, 2, 3)
    statuses(bench, _1=MISSING, _2=MISSING)  # and of 3 nothing is heard
    await bench.pass_(12)
    assert len(bench.sends()) == 1 and len(bench.asker) == 3
    statuses(bench, _1=FOUND, _2=FOUND, _3=FOUND)
    await bench.pass_(30)
    assert len(bench.sends()) == 1
    assert bench.taken() == {n: f"{id}/7916000000{n}" for n in (1, 2, 3)}
    bench.has_nothing_left()


@looped
async def test_a_receipt_for_what_seemed_missing_keeps_it_from_being_sent_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    id = await in_doubt(bench, 1, 2)
    statuses(bench, _1=MISSING)
    await bench.pass_(12)
    bench.receipt(f"{id}/79160000001")
    await bench.calm()
    statuses(bench, _1=MISSING, _2=MISSING)
    await bench.pass_(60)
    assert [asked.params.get("mes") for asked in bench.sends()] == [None, "text 2"]
    assert bench.ends() == {1: (2, "000")}
    bench.has_nothing_left()


@looped
async def test_a_receipt_comes_between_the_last_question_and_the_second_request(tmp_path: Path) -> None:
    bench = Bench(tmp_path, max_requests=1)
    await bench.up()
    id = await in_doubt(bench, 1)
    statuses(bench, _1=MISSING)
    busy = bench.client.later("send")
    bench.queue(to(2))
    await bench.pass_(12)
    assert bench.asker.has_missing and len(bench.sends()) == 2, "it waits for a place"
    bench.receipt(f"{id}/79160000001")
    await bench.calm()
    busy.set_result({"id": "g", "cnt": 1})
    await bench.pass_(60)
    assert len(bench.sends()) == 2
    assert bench.taken()[1] == f"{id}/79160000001"
    bench.has_nothing_left()


@looped
async def test_a_receipt_for_one_of_two_that_wait_to_be_sent_again_has_the_other_asked_for(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, max_requests=1)
    await bench.up()
    id = await in_doubt(bench, 1, 2)
    statuses(bench, _1=MISSING, _2=MISSING)
    busy = bench.client.later("send")
    bench.queue(to(3))
    await bench.pass_(12)
    assert bench.asker.has_missing
    statuses(bench, _2=FOUND)
    bench.receipt(f"{id}/79160000001")
    busy.set_result({"id": "g", "cnt": 1})
    await bench.pass_(60)
    assert len(bench.sends()) == 2
    assert bench.taken()[2] == f"{id}/79160000002"
    bench.has_nothing_left()


@looped
async def test_a_receipt_during_the_second_request_settles_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    id = await in_doubt(bench, 1)
    statuses(bench, _1=MISSING)
    second = bench.client.later("send")
    await bench.pass_(8)
    assert len(bench.sends()) == 2
    bench.receipt(f"{id}/79160000001")
    second.set_exception(NotSent("gone"))
    await bench.calm()
    assert bench.ends() == {1: (2, "000")}
    assert bench.progress() == {}
    bench.has_nothing_left()


@looped
async def test_what_was_missing_before_an_outage_is_asked_for_again_after_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, max_requests=1)
    await bench.up()
    id = await in_doubt(bench, 1, 2)
    statuses(bench, _1=MISSING, _2=MISSING)
    busy = bench.client.later("send")
    bench.queue(to(3))
    await bench.pass_(12)
    assert bench.asker.has_missing
    busy.set_result(Failure(4, ""))
    await bench.calm()
    assert bench.connector.state == "blocked" and len(bench.asker) == 2
    statuses(bench, _1=FOUND, _2=MISSING)
    await bench.pass_(320)
    assert bench.taken() == {1: f"{id}/79160000001", 2: f"{id}/79160000002", 3: bench.taken()[3]}
    assert [asked.params.get("mes") for asked in bench.sends()] == [None, "text 3", "text 3", "text 2"]
    bench.has_nothing_left()


# -- how long -------------------------------------------------------------------------------------------


@looped
async def test_silence_is_no_answer(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    await in_doubt(bench, 1)
    bench.client.usual["status"] = NoAnswer("no answer within 30 s")
    await bench.pass_(3600, step_s=1)
    assert 60 < len(bench.client.of("status")) < 400, "with growing pauses"
    assert len(bench.sends()) == 1
    assert bench.upstream.last_error == "status: no answer within 30 s"
    statuses(bench, _1=FOUND)
    await bench.pass_(70)
    assert list(bench.taken()) == [1]


@looped
async def test_a_lost_answer_now_and_then_makes_no_pause(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    await in_doubt(bench, *range(1, 19))
    lost = NoAnswer("HTTP 500")
    statuses(bench, **{f"_{n}": FOUND if n % 3 else lost for n in range(1, 19)})
    await bench.pass_(4)
    assert sorted(bench.taken()) == [n for n in range(1, 19) if n % 3]


@looped
async def test_what_expires_meanwhile_is_not_sent_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.answers["send"].append(NoAnswer("lost"))
    bench.queue(to(1, expires_ms=NOW_MS + 5_000), to(2))
    await bench.calm()
    statuses(bench, _1=MISSING, _2=MISSING)
    await bench.pass_(10)
    assert bench.ends() == {1: (EXPIRED, "")}
    assert [asked.params.get("mes") for asked in bench.sends()] == [None, "text 2"]
    bench.has_nothing_left()


@looped
async def test_a_service_that_keeps_losing_requests_is_asked_less_and_less(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    await in_doubt(bench, 1)
    bench.client.usual["send"] = NoAnswer("HTTP 500")
    statuses(bench, _1=MISSING)
    await bench.pass_(600, step_s=1)
    assert 5 < len(bench.sends()) < 20
    assert len({asked.id for asked in bench.sends()}) == 1
    assert bench.rows("ambiguous") == []
    bench.client.usual["send"] = {"id": "g", "cnt": 1}
    await bench.pass_(70, step_s=1)
    assert list(bench.taken()) == [1]


@pytest.mark.parametrize(
    ("policy", "progress", "sends"),
    [
        (OnAmbiguous.RESEND_ONCE, Progress.SENT, 2),
        (OnAmbiguous.RESEND, Progress.SENT, 2),
        (OnAmbiguous.HOLD, Progress.HELD, 1),
        (OnAmbiguous.FAIL, None, 1),
    ],
)
@looped
async def test_what_the_service_no_longer_keeps_is_the_route_s_matter(
    tmp_path: Path, policy: OnAmbiguous, progress: Progress | None, sends: int
) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.answers["send"].append(NoAnswer("lost"))
    bench.queue(to(1, on_ambiguous=policy.value))
    await bench.calm()
    await bench.kill()
    bench.clock.advance(20 * 3600)
    statuses(bench, _1=MISSING)
    await bench.pass_(1)
    assert bench.progress().get(1) is progress
    assert len(bench.sends()) == sends
    assert len({asked.id for asked in bench.sends()}) == sends, "under an id of its own"
    [(evidence,)] = bench.rows("ambiguous", "evidence")
    assert "no longer kept" in evidence
    assert bench.ends() == ({1: (UNKNOWN, "ambiguous")} if progress is None else {})
    bench.has_nothing_left()


@looped
async def test_a_wall_clock_that_goes_back_changes_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    await in_doubt(bench, 1)
    bench.clock._now_ms -= 30 * 24 * 3_600_000
    statuses(bench, _1=MISSING)
    await bench.pass_(8)
    assert list(bench.taken()) == [1]
    assert bench.rows("ambiguous") == []
    bench.has_nothing_left()


@pytest.mark.parametrize("answer", [Failure(1, ""), Failure(77, ""), [], {"err": 0}])
@looped
async def test_what_the_service_will_not_tell_is_the_route_s_matter(tmp_path: Path, answer: object) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.answers["send"].append(NoAnswer("lost"))
    bench.queue(to(1, on_ambiguous=OnAmbiguous.HOLD.value))
    await bench.calm()
    bench.client.usual["status"] = answer
    await bench.pass_(235)
    assert len(bench.client.of("status")) == 4 and bench.rows("ambiguous") == []
    await bench.pass_(70)
    assert bench.progress() == {1: Progress.HELD}
    bench.has_nothing_left()


@looped
async def test_what_cannot_be_told_does_not_keep_the_others_waiting(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    await in_doubt(bench, *range(1, 11))
    silent = {f"_{n}": NoAnswer("the answer is unreadable") for n in range(1, 9)}
    statuses(bench, **silent, _9=FOUND, _10=FOUND)
    await bench.pass_(120)
    assert sorted(bench.taken()) == [9, 10]


@pytest.mark.parametrize("number", [2, 4])
@looped
async def test_nothing_is_asked_while_the_login_rests(tmp_path: Path, number: int) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    await in_doubt(bench, 1)
    bench.client.answers["status"].append(Failure(number, ""))
    statuses(bench, _1=FOUND)
    await bench.pass_(290, step_s=1)
    asked = [it.operation for it in bench.client.asked if it.operation in ("status", "answers")]
    assert asked.count("status") == 1
    await bench.pass_(700, step_s=1)
    assert list(bench.taken()) == [1]
    bench.has_nothing_left()


@looped
async def test_error_9_to_a_question_is_asked_again_later(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    await in_doubt(bench, 1)
    bench.client.answers["status"].append(Failure(9, ""))
    statuses(bench, _1=FOUND)
    await bench.pass_(10)
    assert (bench.connector.state, list(bench.taken())) == ("bound", [1])
    assert bench.upstream.throttled == 1


@looped
async def test_a_host_that_is_gone_takes_the_connector_down(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    await in_doubt(bench, 1)
    bench.client.usual["status"] = NotSent("refused")
    bench.client.usual["balance"] = NotSent("refused")
    await bench.pass_(5)
    assert bench.connector.state == "connecting" and len(bench.asker) == 1
    statuses(bench, _1=FOUND)
    bench.client.usual["balance"] = {"balance": "1"}
    await bench.pass_(70)
    assert list(bench.taken()) == [1]
    bench.has_nothing_left()


# -- many ---------------------------------------------------------------------------------------------------


@looped
async def test_many_are_asked_for_by_one_list_in_any_order(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    await in_doubt(bench, *range(1, 61))

    def answer(asked: Asked) -> object:
        pairs = zip(*(asked.params[name].split(",") for name in ("phone", "id")), strict=True)
        rows = [{**FOUND, "id": id, "phone": phone} for phone, id in pairs]
        return [*reversed(rows[1:])]  # and one is missing

    bench.client.usual["status"] = answer
    await bench.pass_(1)
    assert len(bench.client.of("status")) == 1
    assert sorted(bench.taken()) == list(range(2, 61))


@looped
async def test_rows_without_ids_count_in_the_order_of_the_question(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    await in_doubt(bench, *range(1, 31))
    bench.client.usual["status"] = [FOUND if n != 5 else MISSING for n in range(1, 31)]
    await bench.pass_(1)
    assert sorted(bench.taken()) == [n for n in range(1, 31) if n != 5]


@looped
async def test_without_a_turn_for_a_list_some_are_asked_for_singly(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    await in_doubt(bench, *range(1, 31))
    statuses(bench, **{f"_{n}": FOUND for n in range(1, 31)})
    bench.client.due = {"status": 30.0}
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, bench.client.inside)
            await turns(1)

    watching = asyncio.ensure_future(watch())
    await bench.pass_(1)
    watching.cancel()
    assert len(bench.client.of("status")) == 30 and most == 3
    bench.has_nothing_left()


@looped
async def test_a_list_asks_for_a_thousand_at_the_most(tmp_path: Path) -> None:
    bench = Bench(tmp_path, list_max=1000)
    await bench.up()
    bench.client.answers["send"] += [NoAnswer("x"), NoAnswer("x")]
    bench.queue(*(to(n) for n in range(1, 1501)))
    await bench.calm()
    statuses(bench, **{f"_{n}": FOUND for n in range(1, 1501)})
    await bench.pass_(1)
    sizes = [asked.params["phone"].count(",") + 1 for asked in bench.client.of("status")]
    assert sizes == [MOST, 500]
    assert len(bench.taken()) == 1500
    bench.has_nothing_left()


# -- apart ---------------------------------------------------------------------------------------------------


@looped
async def test_of_a_list_that_was_registered_in_part_the_rest_goes_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.answers["send"].append(Failure(7, "invalid number", "g"))
    bench.queue(to(1), to(2), to(3))
    await bench.calm()
    first = bench.sends()[0]
    statuses(bench, _1=FOUND, _2={"status": 22, "err": 249}, _3=MISSING)
    await bench.pass_(10)
    assert [asked.params.get("mes") for asked in bench.sends()] == [None, "text 3"]
    assert bench.ends() == {2: (MessageState.REJECTED.value, "249")}
    assert bench.taken()[1] == f"{first.id}/79160000001"
    assert bench.taken()[3] == f"{bench.sends()[1].id}/79160000003" != f"{first.id}/79160000003"
    bench.has_nothing_left()


# -- restarts and reloads ---------------------------------------------------------------------------------


@looped
async def test_a_killed_run_s_requests_are_asked_for_and_go_out_with_the_same_words(tmp_path: Path) -> None:
    bench = Bench(tmp_path, max_requests=1)
    await bench.up()
    bench.client.usual["send"] = None
    bench.queue(*(to(n, validity_period="000000001000000R", expires_ms=NOW_MS + 605_000) for n in (1, 2)))
    await bench.pass_(20)
    bench.client.usual["send"] = lambda asked: {"id": asked.id, "cnt": 1}
    bench.clock.advance(200)
    await bench.kill()
    statuses(bench, _1=MISSING, _2=MISSING)
    await bench.pass_(2)
    assert len(bench.client.of("status")) == 2, "asked for once: it went out minutes ago"
    first, second = bench.sends()
    assert first.params["valid"] == "00:11"
    assert second.params == first.params and second.at_once
    assert len(bench.taken()) == 2
    bench.has_nothing_left()


@looped
async def test_a_request_of_a_moment_ago_is_asked_for_twice_after_a_kill_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.usual["send"] = None
    bench.queue(to(1))
    await bench.pass_(20)
    await bench.kill()
    statuses(bench, _1=MISSING)
    await bench.pass_(4)
    assert (len(bench.client.of("status")), len(bench.sends())) == (1, 1)
    await bench.pass_(4)
    assert (len(bench.client.of("status")), len(bench.sends())) == (2, 2)


@looped
async def test_without_the_minute_s_list_a_killed_run_s_messages_are_asked_for_singly(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.usual["send"] = None
    bench.queue(*(to(n) for n in range(1, 31)))
    await bench.calm()
    await bench.kill()

    def asked_too_often(asked: Asked) -> object:
        bench.client.due = {"status": 60.0}
        return Failure(9, "")

    statuses(bench, **{f"_{n}": FOUND for n in range(1, 31)})
    bench.client.answers["status"].append(asked_too_often)
    await bench.pass_(2.5)
    assert len(bench.taken()) == 30
    assert len(bench.client.of("status")) == 31


@looped
async def test_lines_that_were_made_at_other_times_are_made_again_as_they_were(tmp_path: Path) -> None:
    """In the same request, though their lifetimes would differ if they were counted from one moment."""
    bench = Bench(tmp_path, max_requests=1)
    await bench.up()
    bench.client.usual["send"] = None
    bench.queue(to(9))
    await bench.calm()
    bench.queue(to(1, validity_period="x", expires_ms=NOW_MS + 550_000))
    await bench.calm()
    await bench.pass_(20)
    bench.queue(to(2, validity_period="x", expires_ms=NOW_MS + 570_000))
    await bench.calm()
    bench.asker._connector.sender._free += 1  # a place
    await bench.pass_(15)
    both = bench.sends()[1].params
    assert both["list"].count("\n") == 1
    await bench.kill()
    bench.client.usual["send"] = lambda asked: {"id": asked.id, "cnt": 1}
    statuses(bench, _1=MISSING, _2=MISSING, _9=FOUND)
    await bench.pass_(10)
    assert bench.sends()[2].params == both
    bench.has_nothing_left()


@looped
async def test_a_full_disk_at_the_start_delays_the_questions(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.usual["send"] = None
    bench.queue(to(1))
    await bench.calm()
    await bench.kill()
    bench.client.usual["status"] = NoAnswer("silence")
    with bench.full_disk():
        await bench.pass_(3)
        assert len(bench.asker) == 0
    await bench.calm()
    assert len(bench.asker) == 1 and bench.upstream.in_flight == 1
    statuses(bench, _1=FOUND)
    await bench.pass_(10)
    bench.has_nothing_left()


@looped
async def test_a_reload_takes_doubts_over_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.usual["send"] = None
    bench.queue(to(1), to(2))
    await bench.calm()
    await bench.kill()
    bench.client.usual["status"] = NoAnswer("silence")
    await bench.pass_(3)
    for _ in range(3):
        await bench.reload()
        await bench.pass_(1)
        assert (len(bench.asker), bench.upstream.in_flight) == (2, 2)
    statuses(bench, _1=FOUND, _2=FOUND)
    await bench.pass_(10)
    assert len(bench.taken()) == 2
    bench.has_nothing_left()


@looped
async def test_a_reload_asks_anew_for_what_seemed_missing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    await in_doubt(bench, 1, 2)
    statuses(bench, _1=MISSING)
    await bench.pass_(12)
    await bench.reload()
    statuses(bench, _1=FOUND, _2=MISSING)
    await bench.pass_(60)
    assert [asked.params.get("mes") for asked in bench.sends()] == [None, "text 2"]
    assert len(bench.taken()) == 2
    bench.has_nothing_left()


@looped
async def test_texts_that_may_be_asked_for_no_longer_are_still_asked_for(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.usual["send"] = None
    bench.queue(to(1, user_data=b"__HLR__", data_coding=3))
    await bench.calm()
    bench.allowed = False
    await bench.kill()
    statuses(bench, _1=FOUND)
    await bench.pass_(2)
    assert list(bench.taken()) == [1]
    bench.has_nothing_left()
