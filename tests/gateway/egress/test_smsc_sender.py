"""The way up to an SMSC service: parcels, their ids, their answers, and slots that are always given back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from gateway_fakes import NOW_MS, message
from service_fakes import NAME, Asked, Bench, looped, to, turns

from gateway.core.model import MessageState, Progress
from gateway.core.upstream import Upstream
from gateway.egress.smsc_http.client import NoAnswer, NotSent
from protocols.smsc_http.answers import Failure

REJECTED, EXPIRED = MessageState.REJECTED.value, MessageState.EXPIRED.value


class Other:
    """Another connector of the route, which is up and takes everything."""

    stuck = False
    room = 1000

    def __init__(self, bench: Bench, name: str = "other") -> None:
        self.took: list[int] = []
        self.upstream = Upstream(
            name,
            window=1000,
            rate=0,
            whole=False,
            journal=bench.journal,
            events=bench.events,
            clock=bench.clock,
            random=bench.connector.random,
        )
        self.upstream.links.append(self)
        bench.upstream.all = {**bench.upstream.all, name: self.upstream}

    def submit(self, message: Any, segments: Any) -> None:
        self.took.append(message.message_id)


def queued_at(bench: Bench) -> dict[int, str]:
    """message_id → connector of what waits on disk."""
    rows = bench.rows("message WHERE progress = 0", "message_id, connector")
    return dict(rows)


# -- what goes out ---------------------------------------------------------------------------------------


@looped
async def test_nothing_goes_out_before_its_id_is_committed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.queue(to(1), to(2))
    await turns()
    bench.commit()  # the claim
    await turns()
    assert bench.sends() == []
    batch = bench.commit()
    assert [row[0] for row in batch.assigned] == [1, 2]
    await turns()
    [asked] = bench.sends()
    assert [row[4] for row in batch.assigned] == [f"{asked.id}/7916000000{n}" for n in (1, 2)]
    assert asked.params["list"] == "+79160000001:text 1\n+79160000002:text 2"
    await bench.calm()
    assert bench.taken() == {row[0]: row[4] for row in batch.assigned}
    bench.has_nothing_left()


@looped
async def test_requests_carry_no_more_than_they_may(tmp_path: Path) -> None:
    bench = Bench(tmp_path, list_max=10)
    await bench.up()
    bench.queue(*(to(n) for n in range(1, 26)))
    await bench.calm()
    assert sorted(len(asked.params["list"].split("\n")) for asked in bench.sends()) == [5, 10, 10]
    assert len({asked.id for asked in bench.sends()}) == 3
    assert len(bench.taken()) == 25


@looped
async def test_what_comes_while_all_places_are_taken_gathers(tmp_path: Path) -> None:
    bench = Bench(tmp_path, max_requests=1)
    await bench.up()
    first = bench.client.later("send")
    bench.queue(to(1))
    await bench.calm()
    bench.queue(to(2))
    bench.queue(to(3))
    await bench.calm()
    assert len(bench.sends()) == 1
    first.set_result({"id": "g", "cnt": 1})
    await bench.calm()
    assert [asked.params.get("list", "").count("\n") for asked in bench.sends()] == [0, 1]
    bench.has_nothing_left()


@looped
async def test_places_are_left_to_other_questions(tmp_path: Path) -> None:
    bench = Bench(tmp_path, max_requests=5, list_max=1)
    await bench.up()
    bench.client.usual["send"] = None
    bench.queue(*(to(n) for n in range(1, 6)))
    await bench.calm()
    assert bench.client.inside == 2
    await bench.stop()


@looped
async def test_a_command_goes_only_for_accounts_that_may(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.allowed = False
    await bench.up()
    bench.queue(to(1, user_data=b"__HLR__", data_coding=3), to(2))
    await bench.calm()
    assert bench.ends() == {1: (REJECTED, "service_command_in_text")}
    assert list(bench.taken()) == [2]
    bench.has_nothing_left()


@looped
async def test_look_ups_share_a_request_and_have_no_list(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.queue(
        *(to(n, service_type="HLR", user_data=b"") for n in (1, 2)),
        *(to(n, service_type="PING", user_data=b"", source="", source_ton=0) for n in (3, 4)),
    )
    await bench.calm()
    found = [
        (asked.params["phones"], asked.params.keys() & {"hlr", "ping", "mes"}) for asked in bench.sends()
    ]
    assert found == [("+79160000001,+79160000002", {"hlr"}), ("+79160000003,+79160000004", {"ping"})]
    assert len(bench.taken()) == 4


@looped
async def test_the_51st_to_one_number_waits_a_minute_from_when_the_others_went(tmp_path: Path) -> None:
    bench = Bench(tmp_path, max_requests=4)
    await bench.up()
    first = bench.client.later("send")
    bench.queue(*(to(1, message_id=n) for n in range(1, 52)))
    await bench.calm()
    assert len(bench.sends()) == 1
    await bench.pass_(20)  # the first one takes long, and the others wait for its place
    first.set_result({"id": "g", "cnt": 1})
    await bench.calm()
    assert len(bench.sends()) == 50
    assert bench.progress()[51] is Progress.QUEUED
    await bench.pass_(60)
    assert len(bench.sends()) == 50
    await bench.pass_(2)
    assert len(bench.sends()) == 51
    bench.has_nothing_left()


@looped
async def test_what_expires_while_it_waits_for_a_place_is_not_sent(tmp_path: Path) -> None:
    bench = Bench(tmp_path, max_requests=1)
    await bench.up()
    first = bench.client.later("send")
    bench.queue(to(1))
    await bench.calm()
    bench.queue(to(2, expires_ms=NOW_MS + 10_000), to(3))
    await bench.pass_(10)
    first.set_result({"id": "g", "cnt": 1})
    await bench.calm()
    assert bench.ends() == {2: (EXPIRED, "")}
    assert [asked.params["mes"] for asked in bench.sends()] == ["text 1", "text 3"]
    bench.has_nothing_left()


@looped
async def test_one_of_thousands_that_share_nothing_is_found_soon(tmp_path: Path) -> None:
    bench = Bench(tmp_path, max_requests=1, list_max=1000)
    await bench.up()
    first = bench.client.later("send")
    bench.queue(to(1))
    await bench.calm()
    flash = [to(n, data_coding=0x10) for n in range(2, 500)]
    bench.queue(*flash, *(to(n) for n in range(500, 900)))
    await bench.calm()
    first.set_result({"id": "g", "cnt": 1})
    await bench.calm()
    assert [asked.params.get("flash") for asked in bench.sends()] == [None, "1", None]
    assert len(bench.taken()) == 899


# -- no answer -------------------------------------------------------------------------------------------


@looped
async def test_what_was_not_sent_goes_back_and_is_no_attempt(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.answers["send"].append(NotSent("nobody there"))
    bench.queue(to(1), to(2))
    await bench.calm()
    assert (bench.connector.state, bench.upstream.last_error) == ("connecting", "nobody there")
    assert queued_at(bench) == {1: NAME, 2: NAME}
    assert bench.rows("submission") == []
    assert bench.rows("message", "message_id, retries") == [(1, 0), (2, 0)]
    bench.has_nothing_left()
    await bench.pass_(5)
    assert bench.connector.is_up and len(bench.taken()) == 2
    assert len({asked.id for asked in bench.sends()}) == 2, "another request has another id"


@pytest.mark.parametrize("ending", ["answer", "no answer"])
@looped
async def test_a_receipt_before_the_answer_says_that_it_was_taken(tmp_path: Path, ending: str) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    answer = bench.client.later("send")
    bench.queue(to(1))
    await bench.calm()
    bench.receipt(f"{bench.sends()[0].id}/79160000001")
    await bench.calm()
    assert bench.ends() == {1: (2, "000")}
    if ending == "answer":
        answer.set_result({"id": "g", "cnt": 1})
    else:
        answer.set_exception(NoAnswer("the connection was lost"))
    await bench.calm()
    assert bench.client.of("status") == []
    assert bench.upstream.submitted == 1
    bench.has_nothing_left()


@pytest.mark.parametrize(
    "error", [NoAnswer("x"), NotSent("x"), Failure(9, ""), Failure(1, ""), Failure(7, "")]
)
@looped
async def test_of_a_list_only_what_no_receipt_has_named_is_in_question(tmp_path: Path, error: object) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    answer = bench.client.later("send")
    bench.client.usual["status"] = lambda asked: {"status": 0, "err": 0}
    bench.queue(to(1), to(2))
    await bench.calm()
    bench.receipt(f"{bench.sends()[0].id}/79160000001")
    await bench.calm()
    if isinstance(error, Exception):
        answer.set_exception(error)
    else:
        answer.set_result(error)
    await bench.pass_(70)
    assert bench.ends() == {1: (2, "000")}
    assert sorted(bench.taken()) == [1, 2]
    assert not any("text 1" in str(asked.params) for asked in bench.sends()[1:])
    bench.has_nothing_left()


# -- the service's errors ----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 5, 6, 7, 8, 10])
@looped
async def test_what_will_never_do_ends_a_lone_message(tmp_path: Path, number: int) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.answers["send"].append(Failure(number, "text of the service", "g"))
    bench.queue(to(1))
    await bench.calm()
    assert bench.ends() == {1: (REJECTED, f"smsc_error_{number}")}
    assert bench.connector.is_up
    bench.has_nothing_left()


@pytest.mark.parametrize("number", [2, 3, 4, 8, 11, 999])
@looped
async def test_another_connector_gets_what_it_could_send(tmp_path: Path, number: int) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    other = Other(bench)
    bench.client.answers["send"].append(Failure(number, ""))
    bench.queue(to(1, alternatives=f"{NAME} other"))
    await bench.calm()
    assert other.took == [1]
    assert bench.ends() == {}
    bench.has_nothing_left()


@pytest.mark.parametrize(
    ("number", "state"), [(2, "refused"), (3, "without money"), (4, "blocked"), (11, "bound")]
)
@looped
async def test_without_another_one_it_waits(tmp_path: Path, number: int, state: str) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.answers["send"].append(Failure(number, ""))
    bench.queue(to(1), to(2))
    await bench.calm()
    assert bench.connector.state == state
    assert queued_at(bench) == {1: NAME, 2: NAME}
    bench.has_nothing_left()
    await bench.pass_(1000, step_s=5)
    assert len(bench.taken()) == 2


@looped
async def test_one_that_spoils_a_list_is_found_by_sending_each_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()

    def send(asked: Asked) -> object:
        is_bad = "text 2" in str(asked.params)
        return Failure(5, "") if is_bad else {"id": asked.id, "cnt": 1}

    bench.client.usual["send"] = send
    bench.queue(*(to(n) for n in (1, 2, 3)))
    await bench.calm()
    assert bench.ends() == {2: (REJECTED, "smsc_error_5")}
    assert sorted(bench.taken()) == [1, 3]
    ids = {asked.id for asked in bench.sends()}
    assert len(bench.sends()) == len(ids) == 4
    assert set(bench.taken().values()) < {f"{id}/7916000000{n}" for id in ids for n in (1, 3)}
    bench.has_nothing_left()


@looped
async def test_one_of_two_that_is_at_fault_is_looked_for_though_a_receipt_came_for_the_other(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    answer = bench.client.later("send")
    bench.client.usual["status"] = {"status": 0, "err": 0}
    bench.queue(to(1), to(2))
    await bench.calm()
    bench.receipt(f"{bench.sends()[0].id}/79160000001", status=22, err=249)
    answer.set_result(Failure(7, "invalid number", "g"))
    await bench.pass_(3)
    assert bench.ends() == {1: (REJECTED, "249")}
    assert 2 in bench.taken()


@looped
async def test_a_request_that_cannot_be_written_ends_its_messages_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    monkeypatch.setattr(
        "gateway.egress.smsc_http.sender.request_of", lambda lines, id: int("these lines do not fit")
    )
    bench.queue(to(1))
    await bench.calm()
    assert bench.ends() == {1: (REJECTED, "unsendable")}
    bench.has_nothing_left()


@looped
async def test_what_nobody_expected_ends_the_gateway(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.client.answers["send"].append(ZeroDivisionError("a bug"))
    bench.queue(to(1))
    for _ in range(3):
        await turns()
        bench.commit()
    await turns()
    assert bench.deaths == ["ZeroDivisionError('a bug')"]


# -- down, and the end -----------------------------------------------------------------------------------


@looped
async def test_what_waits_in_a_connector_that_goes_down_is_free_for_others(tmp_path: Path) -> None:
    bench = Bench(tmp_path, max_requests=1)
    await bench.up()
    first = bench.client.later("send")
    bench.queue(to(1))
    await bench.calm()
    bench.queue(to(2))
    await bench.calm()
    assert queued_at(bench) == {}
    first.set_result(Failure(4, ""))
    await bench.calm()
    assert queued_at(bench) == {1: NAME, 2: NAME}
    bench.has_nothing_left()


@pytest.mark.parametrize("ok", [True, False])
@looped
async def test_what_gets_its_id_when_the_connector_is_down_is_not_sent(tmp_path: Path, ok: bool) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.queue(to(1))
    await turns()
    bench.commit()  # the claim
    await turns()
    bench.connector.failed(4)
    if ok:
        await bench.calm()
    else:
        with bench.full_disk():
            bench.commit()
        await bench.calm()
    assert bench.sends() == []
    assert queued_at(bench) == {1: NAME}
    bench.has_nothing_left()


@looped
async def test_a_claim_that_comes_when_the_connector_is_down_goes_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.queue(to(1))
    await turns()
    bench.connector.failed(4)
    await bench.calm()
    assert (bench.sends(), queued_at(bench)) == ([], {1: NAME})
    bench.has_nothing_left()


@looped
async def test_a_full_disk_keeps_everything_back_until_it_is_not(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    bench.queue(to(1), to(2))
    await turns()
    bench.commit()
    await turns()
    with bench.full_disk():
        await bench.pass_(5)
        assert bench.sends() == []
    await bench.pass_(1)
    assert [asked.params["list"].count("\n") for asked in bench.sends()] == [1]
    assert len(bench.taken()) == 2
    bench.has_nothing_left()


@looped
async def test_an_answer_that_cannot_be_written_is_written_later(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    answer = bench.client.later("send")
    bench.queue(to(1))
    await bench.calm()
    with bench.full_disk():
        answer.set_result({"id": "g", "cnt": 1})
        await bench.pass_(5)
    await bench.calm()
    assert list(bench.taken()) == [1]
    bench.has_nothing_left()


@pytest.mark.parametrize("moment", ["claiming", "assigning", "sending"])
@looped
async def test_a_stop_loses_nothing_at_any_moment(tmp_path: Path, moment: str) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    answer = bench.client.later("send")
    bench.queue(to(1))
    await turns()
    for _ in range(("claiming", "assigning", "sending").index(moment)):
        bench.commit()
        await turns()
    await bench.stop()
    answer.cancel()
    await bench.calm()
    assert bench.client.closed
    if moment == "sending":
        assert [doubt.item.message.message_id for doubt in bench.asker.hand_over()] == [1]
        assert len(bench.asker) == 0
    else:
        assert queued_at(bench) == {1: NAME}
        bench.has_nothing_left()


@looped
async def test_answers_are_waited_for_at_the_end(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    answer = bench.client.later("send")
    bench.queue(to(1))
    await bench.calm()
    stopping = asyncio.ensure_future(bench.connector.stop(10))
    await turns()
    assert not stopping.done()
    answer.set_result({"id": "g", "cnt": 1})
    await stopping
    await bench.calm()
    assert list(bench.taken()) == [1]
    bench.has_nothing_left()


@looped
async def test_an_error_of_the_login_at_the_end_changes_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    answer = bench.client.later("send")
    bench.queue(to(1))
    await bench.calm()
    stopping = asyncio.ensure_future(bench.connector.stop(10))
    await turns()
    answer.set_result(Failure(2, ""))
    await stopping
    await bench.calm()
    assert bench.connector.state == "stopped"
    assert queued_at(bench) == {1: NAME}
    bench.has_nothing_left()


@looped
async def test_what_another_connector_left_of_a_message_goes_by_segments(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.up()
    long = to(1, user_data=b"x" * 200, segments=2)
    bench.queue(long)
    # one of its segments went by another connector
    row = "INSERT INTO submission (message_id, segment, connector, intent_ms, boot, attempt, upstream_id)"
    bench.connection.execute(f"{row} VALUES (1, 1, 'other', 1, 1, 1, 'A')")
    await bench.calm()
    [asked] = bench.sends()
    assert asked.params["bin"] == "2" and asked.params["mes"].startswith("050003")
    bench.has_nothing_left()


def test_messages_have_a_destination_of_their_own() -> None:
    assert message().destination not in {to(n).destination for n in range(1000)}
