"""POST /v1/messages: what is taken, what is answered, and that nothing is taken twice."""

from __future__ import annotations

import asyncio

import pytest
from json_api import OTHER, TO, ApiDesk, MakeApi, http_account

from gateway.api.sending import KEYS_ARE_KEPT_MS
from gateway.config.http_model import AccountHttp
from gateway.core.api import ApiFlag
from gateway.core.model import Origin, Wish
from gateway.front.blacklist import MASS, SINGLE


def test_a_message_is_answered_when_it_is_durable(api: ApiDesk) -> None:
    told = api.post({"to": f"+{TO}", "text": "hello", "from": "Example", "reference": 'order "7"'})
    assert told.status == 202
    message_id = told.value["id"]
    assert told.value == {
        "id": message_id,
        "to": TO,
        "parts": 1,
        "cost": "0.00",
        "state": "accepted",
        "reference": 'order "7"',
    }
    rows = api.journal.all("SELECT message_id, account, source, destination, origin, client_id FROM message")
    assert rows == [(int(message_id), "app", "Example", TO, Origin.HTTP.value, 'order "7"')]
    kept = api.journal.all("SELECT message_id, account, api_id, phone, sender, parts, flags FROM api_message")
    assert kept == [(int(message_id), "app", 'order "7"', TO, "Example", 1, ApiFlag.JSON.value)]
    assert api.gate.under_way == []


def test_a_message_that_cannot_be_stored_is_not_answered_as_taken(api: ApiDesk) -> None:
    api.journal.fails = True
    told = api.post()
    assert told.status == 503
    assert told.headers["Retry-After"] == "5"
    assert told.value["code"] == "unavailable"
    assert api.desk.accounts["app"].open_messages == 0
    api.journal.fails = False
    assert api.post().status == 202
    assert len(api.journal.all("SELECT * FROM message")) == 1


def test_a_request_costs_one_commit_and_no_read(api: ApiDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def read(*_: object) -> list[dict[str, object]]:
        raise AssertionError("the store was asked")

    monkeypatch.setattr(api.desk, "rows", read)
    assert api.post({"messages": [{"to": TO, "text": "a"}, {"to": OTHER, "text": "b"}]}).status == 202
    assert len(api.journal.batches) == 1
    assert api.post(Idempotency_Key="k-1").status == 202
    assert len(api.journal.batches) == 2


def test_each_of_several_is_taken_or_has_its_errors(api: ApiDesk) -> None:
    told = api.post(
        {
            "messages": [
                {"to": TO, "text": "one"},
                {"to": "12", "text": "two", "reference": "r-2"},
                {"to": OTHER, "text": "three"},
                {"to": OTHER},
                7,
            ]
        }
    )
    assert told.status == 202
    assert (told.value["accepted"], told.value["refused"]) == (2, 3)
    first, second, third, fourth, fifth = told.value["messages"]
    assert (first["to"], third["to"]) == (TO, OTHER)
    assert (second["state"], second["reference"], second["to"]) == ("refused", "r-2", "12")
    assert [error["field"] for error in second["errors"]] == ["to"]
    assert [error["field"] for error in fourth["errors"]] == ["text"]
    assert fifth["errors"][0]["code"] == "type"
    flags = api.journal.all("SELECT flags FROM api_message")
    assert flags == [((ApiFlag.JSON | ApiFlag.MASS).value,)] * 2


def test_when_none_is_taken_the_request_is_refused(api: ApiDesk) -> None:
    told = api.post({"messages": [{"to": "x", "text": "one"}, {"to": TO, "text": ""}]})
    assert told.status == 422
    assert [error["field"] for error in told.value["errors"]] == ["/messages/0/to", "/messages/1/text"]
    assert api.journal.batches == []


@pytest.mark.parametrize(
    ("value", "field"),
    [([], None), ("x", None), ({"messages": []}, "messages"), ({"messages": {}}, "messages")],
)
def test_what_is_no_message_is_told(api: ApiDesk, value: object, field: str | None) -> None:
    told = api.ask("POST", "/v1/messages", value)
    assert told.status == 422
    assert [error["field"] for error in told.value.get("errors", [])] == ([field] if field else [])


def test_a_thousand_are_taken_and_one_more_is_not(api: ApiDesk) -> None:
    message = {"to": TO, "text": "x"}
    assert api.post({"messages": [message] * 1001}).status == 422
    told = api.post({"messages": [message] * 1000})
    assert told.status == 202
    assert len({one["id"] for one in told.value["messages"]}) == 1000


def test_others_have_their_turns_between_long_texts(api: ApiDesk) -> None:
    """In other letters each of them takes ten milliseconds and more."""

    async def turns(text: str) -> int:
        messages = [{"to": TO, "text": text, "transliterate": "any"}] * 20
        asking = asyncio.ensure_future(api.asked("POST", "/v1/messages", {"messages": messages}))
        count = 0
        while not asking.done():
            count += 1
            await asyncio.sleep(0)
        assert asking.result().status in (202, 422)
        return count

    assert api.run(turns("ж" * 10_000)) >= api.run(turns("ж")) + 8


def test_refusals_have_their_status_and_a_word(make_api: MakeApi) -> None:
    api = make_api(http_account(allowed_sources=["Example"], rate=1, max_segments=1))
    told = api.post({"to": TO, "text": "a", "from": "Else"})
    assert (told.status, told.value["code"]) == (422, "source")
    assert told.value["type"] == "urn:smsc-gateway:problem:source"
    assert told.value["errors"][0]["field"] == "from"
    told = api.post({"to": TO, "text": "a" * 161, "from": "Example"})
    assert (told.status, told.value["code"]) == (422, "too_long")
    good = {"to": TO, "text": "a", "from": "Example"}
    for _ in range(100):
        told = api.post(good)
        if told.status != 202:
            break
    assert (told.status, told.value["code"], told.headers["Retry-After"]) == (429, "rate", "1")


def test_a_message_costs_what_the_price_list_says(make_api: MakeApi) -> None:
    api = make_api(http_account(balance="own", prices="retail"))
    told = api.post()
    assert (told.status, told.value["code"]) == (402, "balance")
    api.desk.submission.ledger.purse("app").balance = 170_000
    told = api.post({"to": TO, "text": "a" * 161})
    assert (told.value["parts"], told.value["cost"]) == (2, "0.10")
    assert api.journal.all("SELECT cost, parts FROM api_message") == [(100_000, 2)]


def test_a_message_for_later_is_scheduled(api: ApiDesk) -> None:
    told = api.post({"to": TO, "text": "later", "send_at": "2025-06-15T20:00:00+00:00", "validity_s": 3600})
    assert told.value["state"] == "scheduled"
    due = 1_750_017_600_000
    assert api.journal.all("SELECT due_ms, expires_ms FROM message") == [(due, due + 3_600_000)]


@pytest.mark.parametrize(
    ("http", "called"),
    [
        (AccountHttp(), False),
        (AccountHttp(handler="https://example.org/sms"), True),
        (AccountHttp(webhook="https://example.org/hooks"), True),
    ],
)
def test_accounts_that_are_called_hear_of_the_end(make_api: MakeApi, http: AccountHttp, called: bool) -> None:
    api = make_api(http_account(http=http))
    api.post()
    ((flags,),) = api.journal.all("SELECT flags FROM message")
    assert bool(flags & Wish.CALLED) is called


def test_a_blacklist_of_one_kind_of_sending_holds_here_too(api: ApiDesk) -> None:
    api.desk.black["app"] = {TO: MASS, OTHER: SINGLE}
    assert api.post({"to": TO, "text": "one"}).status == 202
    told = api.post({"to": OTHER, "text": "one"})
    assert (told.status, told.value["code"]) == (422, "blacklist")
    told = api.post({"messages": [{"to": TO, "text": "one"}, {"to": OTHER, "text": "one"}]})
    assert [one["state"] for one in told.value["messages"]] == ["refused", "accepted"]
    assert api.post({"to": OTHER, "text": "one"}, account="other").status == 202


@pytest.mark.parametrize(
    ("fields", "kind"),
    [({}, 0), ({"text": "ё"}, 0), ({"flash": True}, 1), ({"text": None, "data_hex": "00"}, 2)],
)
def test_the_kind_of_a_message_is_kept(api: ApiDesk, fields: dict[str, object], kind: int) -> None:
    value = {"to": TO, "text": "hello", **fields}
    assert api.post({name: one for name, one in value.items() if one is not None}).status == 202
    assert api.journal.all("SELECT kind FROM api_message") == [(kind,)]


# -- once, however often --------------------------------------------------------------------------------


def test_a_request_that_comes_again_has_its_first_answer_byte_for_byte(api: ApiDesk) -> None:
    first = api.post(Idempotency_Key="k-1")
    again = api.post(Idempotency_Key="k-1")
    assert (again.status, again.body) == (202, first.body)
    assert again.headers == {"Idempotent-Replayed": "true"}
    assert len(api.journal.all("SELECT * FROM message")) == 1
    assert len(api.journal.all("SELECT * FROM api_message")) == 1
    assert api.post(Idempotency_Key="k-2").body != first.body


def test_a_key_is_of_one_account(api: ApiDesk) -> None:
    first = api.post(Idempotency_Key="k-1")
    other = api.post(Idempotency_Key="k-1", account="other")
    assert other.status == 202
    assert other.value["id"] != first.value["id"]


def test_a_key_that_comes_with_another_request_is_a_conflict(api: ApiDesk) -> None:
    api.post(Idempotency_Key="k-1")
    told = api.post({"to": OTHER, "text": "hello"}, Idempotency_Key="k-1")
    assert (told.status, told.value["code"]) == (409, "key_reused")
    assert len(api.journal.all("SELECT * FROM message")) == 1


def test_requests_with_one_key_at_the_same_time_have_one_answer(api: ApiDesk) -> None:
    async def both() -> list[bytes]:
        message = {"to": TO, "text": "hello"}
        asked = (api.asked("POST", "/v1/messages", message, Idempotency_Key="k-1") for _ in range(3))
        return [told.body for told in await asyncio.gather(*asked)]

    first, *others = api.run(both())
    assert others == [first, first]
    assert len(api.journal.all("SELECT * FROM message")) == 1


def test_a_request_of_which_nothing_was_taken_may_be_mended(api: ApiDesk) -> None:
    assert api.post({"to": "x", "text": "hello"}, Idempotency_Key="k-1").status == 422
    assert api.post(Idempotency_Key="k-1").status == 202


def test_what_was_not_stored_may_come_again(api: ApiDesk) -> None:
    api.journal.fails = True
    assert api.post(Idempotency_Key="k-1").status == 503
    api.journal.fails = False
    assert api.post(Idempotency_Key="k-1").status == 202
    assert len(api.journal.all("SELECT * FROM message")) == 1


def test_a_limit_that_the_first_one_has_used_up_does_not_hide_its_answer(make_api: MakeApi) -> None:
    from gateway.config.account_model import AccountLimits

    api = make_api(http_account(limits=AccountLimits(per_day=1)))
    first = api.post(Idempotency_Key="k-1")
    assert api.post(Idempotency_Key="k-2").status == 429
    again = api.post(Idempotency_Key="k-1")
    assert (again.status, again.body) == (202, first.body)
    told = api.post({"to": OTHER, "text": "hello"}, Idempotency_Key="k-1")
    assert told.status == 409
    api.clock.advance(KEYS_ARE_KEPT_MS / 1000 - 2)
    assert api.post(Idempotency_Key="k-1").body == first.body
    api.clock.advance(4)
    assert api.post(Idempotency_Key="k-1").body != first.body


def test_what_a_handset_obeys_is_sent_by_accounts_that_may(make_api: MakeApi) -> None:
    from gateway.config.smpp_model import AccountSmpp

    push = {"to": TO, "udh_hex": "0605040B8423F0", "data_hex": "25060403AE81EA"}
    api = make_api(http_account(), http_account("may", smpp=AccountSmpp(allow=["wap_push"])))
    told = api.post(push)
    assert (told.status, told.value["code"]) == (422, "special_message")
    assert told.value["errors"][0]["field"] == "udh_hex"
    assert api.post(push, account="may").status == 202


@pytest.mark.parametrize("key", ["", "with space", "é", "x" * 256, "a\x7f"])
def test_a_key_that_is_none_is_told(api: ApiDesk, key: str) -> None:
    told = api.post(Idempotency_Key=key)
    assert (told.status, told.value["code"]) == (400, "malformed_request")


def test_a_client_that_leaves_does_not_keep_its_key(api: ApiDesk) -> None:
    async def leave() -> bytes:
        message = {"to": TO, "text": "hello"}
        first = asyncio.ensure_future(api.asked("POST", "/v1/messages", message, Idempotency_Key="k-1"))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(api.asked("POST", "/v1/messages", message, Idempotency_Key="k-1"))
        await asyncio.sleep(0)
        first.cancel()
        return (await second).body

    api.run(leave())
    assert len(api.journal.all("SELECT * FROM message")) == 1
