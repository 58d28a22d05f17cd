"""POST /v1/messages when the store refuses messages after all, and the same request again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from json_api import OTHER, TO, ApiDesk
from late_store import refuse_late

from gateway.core.errors import Refusal

TWO = {"messages": [{"to": TO, "text": "hello"}, {"to": OTHER, "text": "hello", "reference": "mine"}]}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiDesk]:
    made = ApiDesk(tmp_path)
    yield made
    made.close()


def late(api: ApiDesk, why: Refusal, *places: int) -> None:
    refuse_late(api.journal, api.desk.submission, why, places)


def messages(api: ApiDesk) -> list[tuple[int]]:
    return api.journal.all("SELECT message_id FROM message")


def test_one_message_is_refused_as_it_would_have_been_at_once(api: ApiDesk) -> None:
    late(api, Refusal.BALANCE, 0)
    told = api.post(Idempotency_Key="k1")
    assert (told.status, told.value["code"]) == (402, "balance")
    assert messages(api) == api.journal.all("SELECT message_id FROM api_message") == []
    assert api.journal.all("SELECT key FROM request_key") == []


def test_the_same_request_may_come_again(api: ApiDesk) -> None:
    late(api, Refusal.BALANCE, 0)
    api.post(Idempotency_Key="k1")
    late(api, Refusal.BALANCE)  # there is money now
    assert api.post(Idempotency_Key="k1").status == 202
    assert len(messages(api)) == 1


def test_the_others_are_taken_and_the_answer_says_which_were_not(api: ApiDesk) -> None:
    late(api, Refusal.PER_NUMBER, 1)
    told = api.post(TWO, Idempotency_Key="k1")
    first, second = told.value["messages"]
    assert (told.status, told.value["accepted"], told.value["refused"]) == (202, 1, 1)
    assert (first["to"], first["state"]) == (TO, "accepted")
    assert (second["to"], second["state"], second["reference"]) == (OTHER, "refused", "mine")
    assert [error["code"] for error in second["errors"]] == ["limit_per_number"]
    assert messages(api) == [(int(first["id"]),)]
    again = api.post(TWO, Idempotency_Key="k1")
    assert again.body == told.body
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(messages(api)) == 1


def test_what_was_refused_at_once_stays_where_it_was(api: ApiDesk) -> None:
    late(api, Refusal.PER_NUMBER, 0)
    three = {"messages": [{"to": "nobody", "text": "x"}, *TWO["messages"]]}
    told = api.post(three)
    assert [one["state"] for one in told.value["messages"]] == ["refused", "refused", "accepted"]
    assert (told.value["accepted"], told.value["refused"]) == (1, 2)


def test_none_taken_is_a_problem_that_names_each(api: ApiDesk) -> None:
    late(api, Refusal.PER_NUMBER, 0, 1)
    told = api.post(TWO)
    assert told.status == 422
    assert [error["field"] for error in told.value["errors"]] == ["/messages/0/to", "/messages/1/to"]
