"""GET and DELETE: messages, incoming SMS, the account; and that nobody sees what is another's."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import NOW_MS
from json_api import OTHER, TO, ApiDesk, MakeApi, Told, http_account

from gateway.config.account_model import AccountLimits
from gateway.core.model import MessageState


def sent(api: ApiDesk, **fields: Any) -> str:
    told = api.post({"to": TO, "text": "hello", **fields})
    assert told.status == 202, told
    return str(told.value["id"])


def end(api: ApiDesk, message_id: str, state: MessageState = MessageState.DELIVERED, error: str = "") -> None:
    api.journal.batch.failed.append((int(message_id), state.value, error, api.clock.now_ms()))
    api.journal.flush()


def ids_of(told: Told) -> list[str]:
    assert told.status == 200, told
    return [one["id"] for one in told.value["messages"]]


def test_a_message_is_shown_with_all_that_is_known(api: ApiDesk) -> None:
    message_id = sent(api, **{"from": "Example", "reference": "r-1"})
    told = api.ask("GET", f"/v1/messages/{message_id}")
    assert told.status == 200
    assert told.value == {
        "id": message_id,
        "to": TO,
        "from": "Example",
        "kind": "sms",
        "reference": "r-1",
        "state": "accepted",
        "error": "",
        "parts": 1,
        "cost": "0.00",
        "accepted_at": "2025-06-15T15:06:40.000Z",
        "send_at": None,
        "expires_at": "2025-06-15T15:06:41.000Z",
        "done_at": None,
        "link_opened": False,
        "text": "hello",
    }
    assert told.headers["Cache-Control"] == "no-store"


def test_a_message_that_has_ended_says_how_and_when(api: ApiDesk) -> None:
    message_id = sent(api)
    api.clock.advance(5)
    end(api, message_id, MessageState.UNDELIVERABLE, "042")
    value = api.ask("GET", f"/v1/messages/{message_id}").value
    assert (value["state"], value["error"]) == ("undeliverable", "042")
    assert value["done_at"] == "2025-06-15T15:06:45.000Z"
    assert value["expires_at"] is None
    assert value["text"] is None, "texts of ended messages are not kept here"


def test_a_message_for_later_says_when(api: ApiDesk) -> None:
    message_id = sent(api, send_at="2025-06-15T20:00:00Z")
    value = api.ask("GET", f"/v1/messages/{message_id}").value
    assert (value["state"], value["send_at"]) == ("scheduled", "2025-06-15T20:00:00.000Z")


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("GET", "/events")])
def test_security_68_a_message_of_another_account_is_not_there(api: ApiDesk, method: str, path: str) -> None:
    message_id = sent(api, send_at="2025-06-15T20:00:00Z")
    told = api.ask(method, f"/v1/messages/{message_id}{path}", account="other")
    nobodys = api.ask(method, f"/v1/messages/1{path}", account="other")
    assert (told.status, told.value) == (404, nobodys.value)
    assert api.ask("GET", f"/v1/messages/{message_id}").value["state"] == "scheduled"


def test_security_68_lists_have_only_what_is_the_accounts(api: ApiDesk) -> None:
    mine = sent(api, reference="r-1")
    for query in ("", "?reference=r-1", f"?to={TO}"):
        assert ids_of(api.ask("GET", f"/v1/messages{query}")) == [mine]
        assert ids_of(api.ask("GET", f"/v1/messages{query}", account="other")) == []


def test_a_list_goes_on_where_it_was(api: ApiDesk) -> None:
    ids = [sent(api) for _ in range(5)][::-1]
    found: list[str] = []
    cursor = ""
    pages = 0
    while True:
        told = api.ask("GET", f"/v1/messages?limit=2{cursor}")
        found += ids_of(told)
        pages += 1
        if told.value["next"] is None:
            break
        cursor = f"&cursor={told.value['next']}"
        sent(api)  # what comes meanwhile moves nothing
    assert found == ids
    assert pages == 3


def test_a_list_of_what_fits(api: ApiDesk) -> None:
    first = sent(api, reference="r-1")
    api.clock.advance(60)
    second = sent(api, to=OTHER, reference="r-1")
    third = sent(api, send_at="2025-06-15T20:00:00Z")
    end(api, first)
    assert ids_of(api.ask("GET", "/v1/messages")) == [third, second, first]
    assert ids_of(api.ask("GET", "/v1/messages?state=delivered")) == [first]
    assert ids_of(api.ask("GET", "/v1/messages?state=scheduled")) == [third]
    assert ids_of(api.ask("GET", f"/v1/messages?to=%2B{OTHER}")) == [second]
    assert ids_of(api.ask("GET", "/v1/messages?reference=r-1")) == [second, first]
    assert ids_of(api.ask("GET", f"/v1/messages?reference=r-1&to={TO}")) == [first]
    assert ids_of(api.ask("GET", "/v1/messages?since=2025-06-15T15:07:00Z")) == [third, second]
    assert ids_of(api.ask("GET", "/v1/messages?until=2025-06-15T15:07:00Z")) == [first]


def test_a_page_of_some_state_looks_at_so_many_and_says_where_to_go_on(
    api: ApiDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.api.messages.LOOKED_AT", 3)
    ids = [sent(api) for _ in range(7)]
    end(api, ids[0])
    end(api, ids[5])
    told = api.ask("GET", "/v1/messages?state=delivered")
    assert (ids_of(told), told.value["next"]) == ([ids[5]], ids[4])
    told = api.ask("GET", f"/v1/messages?state=delivered&cursor={ids[4]}")
    assert (ids_of(told), told.value["next"]) == ([], ids[1])
    told = api.ask("GET", f"/v1/messages?state=delivered&cursor={ids[1]}")
    assert (ids_of(told), told.value["next"]) == ([ids[0]], None)


def test_a_page_of_a_number_looks_at_so_many_and_says_where_to_go_on(
    api: ApiDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.api.messages.STEP", 3)
    ids = [sent(api, to=OTHER if n in (0, 4, 5) else TO) for n in range(7)]

    def page(query: str) -> tuple[list[str], str | None]:
        told = api.ask("GET", f"/v1/messages?to={OTHER}{query}")
        return ids_of(told), told.value["next"]

    assert page("") == ([ids[5], ids[4]], ids[4])
    assert page("&limit=1") == ([ids[5]], ids[5])
    assert page(f"&cursor={ids[4]}") == ([], ids[1])
    assert page(f"&cursor={ids[1]}") == ([ids[0]], None)
    assert page(f"&cursor={ids[3]}&limit=1") == ([ids[0]], None)
    assert page("&state=delivered") == ([], ids[4])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("cursor=-1", "cursor"),
        ("cursor=99999999999999999999", "cursor"),
        ("state=gone", "state"),
        ("since=yesterday", "since"),
        ("colour=red", "colour"),
        (f"reference={'a' * 65}", "reference"),
    ],
)
def test_a_parameter_that_is_wrong_is_named(api: ApiDesk, query: str, field: str) -> None:
    told = api.ask("GET", f"/v1/messages?{query}")
    assert (told.status, [error["field"] for error in told.value["errors"]]) == (422, [field])


@pytest.mark.parametrize("name", ["since", "until"])
def test_the_end_of_time_is_a_time(api: ApiDesk, name: str) -> None:
    message = sent(api)
    told = api.ask("GET", f"/v1/messages?{name}=9999-12-31T23:59:59.999Z")
    assert (told.status, ids_of(told)) == (200, [message] if name == "until" else [])


@pytest.mark.parametrize(
    "query", ["limit=1&limit=2", "limit", "state=%ff", "&".join(f"a{n}=1" for n in range(20))]
)
def test_a_query_that_is_none_is_told(api: ApiDesk, query: str) -> None:
    assert api.ask("GET", f"/v1/messages?{query}").status == 400


# -- cancelling -----------------------------------------------------------------------------------------


def test_what_waits_is_cancelled(api: ApiDesk) -> None:
    message_id = sent(api, send_at="2025-06-15T20:00:00Z")
    told = api.ask("DELETE", f"/v1/messages/{message_id}")
    assert (told.status, told.value) == (200, {"id": message_id, "state": "cancelled"})
    assert api.ask("GET", f"/v1/messages/{message_id}").value["state"] == "cancelled"
    again = api.ask("DELETE", f"/v1/messages/{message_id}")
    assert (again.status, again.value) == (200, told.value), "the first answer may have been lost"


def test_what_was_given_back_has_cost_nothing(make_api: MakeApi) -> None:
    api = make_api(http_account(balance="own", prices="retail"))
    api.desk.submission.ledger.purse("app").balance = 100_000
    message_id = sent(api, send_at="2025-06-15T20:00:00Z")
    assert api.ask("GET", f"/v1/messages/{message_id}").value["cost"] == "0.05"
    api.ask("DELETE", f"/v1/messages/{message_id}")
    assert api.ask("GET", f"/v1/messages/{message_id}").value["cost"] == "0.00"


def test_what_went_up_is_not(make_api: MakeApi) -> None:
    api = make_api()
    api.run(api.link_up())
    message_id = sent(api)
    assert api.ask("GET", f"/v1/messages/{message_id}").value["state"] == "sent"
    told = api.ask("DELETE", f"/v1/messages/{message_id}")
    assert (told.status, told.value["code"]) == (409, "conflict")
    assert told.value["detail"].startswith("it went up already")
    end(api, message_id)
    told = api.ask("DELETE", f"/v1/messages/{message_id}")
    assert told.status == 409
    assert told.value["detail"] == "it has ended: delivered"


def test_a_cancel_that_could_not_be_stored_is_not_answered_as_done(api: ApiDesk) -> None:
    message_id = sent(api, send_at="2025-06-15T20:00:00Z")
    api.journal.fails = True
    assert api.ask("DELETE", f"/v1/messages/{message_id}").status == 503


# -- the account and what came to it --------------------------------------------------------------------


def test_incoming_sms_are_told_in_their_order(api: ApiDesk) -> None:
    columns = "account, phone, own_number, received_ms, esm_class, data_coding, user_data, answers, connector"
    for account, text in (("app", b"one"), ("other", b"theirs"), ("app", "ё".encode("utf-16-be"))):
        coding = 8 if text[0] == 4 else 0
        values = (account, TO, "79990000009", NOW_MS, 0, coding, text, "r-1" if coding else "", "one")
        api.journal.connection.execute(f"INSERT INTO inbox ({columns}) VALUES (?,?,?,?,?,?,?,?,?)", values)
    told = api.ask("GET", "/v1/incoming?limit=1")
    assert told.value == {
        "incoming": [
            {
                "id": "1",
                "from": TO,
                "to": "79990000009",
                "text": "one",
                "received_at": "2025-06-15T15:06:40.000Z",
                "answers": None,
            }
        ],
        "next": "1",
    }
    told = api.ask("GET", "/v1/incoming?after=1")
    assert [(one["id"], one["text"], one["answers"]) for one in told.value["incoming"]] == [("3", "ё", "r-1")]
    assert api.ask("GET", "/v1/incoming?after=3").value == {"incoming": [], "next": "3"}
    assert api.ask("GET", "/v1/incoming?after=x").status == 422


def test_an_account_sees_its_money_its_limits_and_its_usage(make_api: MakeApi) -> None:
    limits = AccountLimits(per_day=100)
    money: dict[str, Any] = {"balance": "own", "prices": "retail", "credit": 5, "refund": "never"}
    api = make_api(http_account(**money, rate=10, limits=limits))
    api.desk.submission.ledger.purse("app").balance = 1_400_000
    first = sent(api)
    sent(api, text="a" * 161)
    end(api, first)
    value = api.ask("GET", "/v1/account").value
    assert (value["balance"], value["credit"], value["currency"]) == ("1.25", "5.00", "EUR")
    assert value["open_messages"] == 2
    assert value["limits"]["messages_per_day"] == 100
    assert value["limits"]["messages_per_number_per_day"] is None
    usage = {"messages": 1, "parts": 1, "cost": "0.05", "states": {"delivered": 1}}
    assert value["usage"] == {"today": usage, "month": usage}


def test_yesterday_is_of_this_month_and_not_of_today(api: ApiDesk) -> None:
    first = sent(api, validity_s=86_400)
    end(api, first)
    api.clock.advance(86_400)
    usage = api.ask("GET", "/v1/account").value["usage"]
    assert (usage["today"]["messages"], usage["month"]["messages"]) == (0, 1)
    api.clock.advance(30 * 86_400)
    assert api.ask("GET", "/v1/account").value["usage"]["month"]["messages"] == 0


def test_an_account_without_prices_has_no_balance(api: ApiDesk) -> None:
    value = api.ask("GET", "/v1/account").value
    assert (value["balance"], value["currency"], value["account"]) == (None, None, "app")
