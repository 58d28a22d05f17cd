"""The relay: what a service is asked in a client's place, and what becomes of messages that it was given."""

from __future__ import annotations

import asyncio

import pytest
from front_relay import OTHER, PHONE, PICTURE, MakeDesk, Setting, setting_of
from gateway_fakes import NOW_MS
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.basics import Url
from gateway.config.smsc_model import SmscConnector
from gateway.core.api import CallKind
from gateway.core.errors import Refusal
from gateway.core.incoming import Incoming
from gateway.core.receipts import ReceiptBook
from gateway.core.smsc_ids import upstream_id_of
from gateway.core.smsc_inbox import SmscInbox
from gateway.front import relayed_sending
from gateway.front.blacklist import ALL, MASS
from gateway.front.desk import ApiProblem, Octets, Unavailable
from gateway.front.relay import RELAYED, SENDING, NoService, Relay
from protocols.sms.receipts import response_key
from protocols.smsc_http.answers import Failure
from protocols.smsc_http.callbacks import WaitCall
from protocols.smsc_http.operations import OPERATIONS
from protocols.smsc_http.rendering import render


@pytest.fixture
def at(make_desk: MakeDesk) -> Setting:
    return setting_of(make_desk)


# -- questions ---------------------------------------------------------------------------------------------


def test_a_question_goes_without_the_clients_credentials_and_form(at: Setting) -> None:
    at.service.answer = [
        {"phone": "79990000201", "type": 1, "cost": "250.00", "current_cost": "100.00", "info": "MTS"}
    ]
    found = at.ask("rcv_get", login="alex", psw="123", apikey="k", fmt="1", charset="koi8-r", surplus="x")
    assert at.service.asked == [("rcv_get", {}, ())]
    assert render("rcv_get", found, 1) == "79990000201,1,250.00,100.00,MTS"
    assert "type = 1" in render("rcv_get", found, 0)


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("rcv_buy", {"phone": PHONE}),
        ("rcv_chg", {"phone": PHONE, "noprolong": "1"}),
        ("optpl_add", {"sender": "Shop", "msg": "Hello", "mts_srv": "1"}),
        ("optpl_get", {"sender": "Shop", "msg": "Hello"}),
        ("waitcall", {"phone": PHONE}),
    ],
    ids=["rcv_buy", "rcv_chg", "optpl_add", "optpl_get", "waitcall"],
)
def test_what_an_operation_takes_is_passed_on(at: Setting, operation: str, params: dict[str, str]) -> None:
    at.ask(operation, "app", (), **params)
    assert at.service.asked == [(operation, params, ())]


def test_a_picture_is_handed_on_as_one(at: Setting) -> None:
    at.service.answer = b"\x89PNG\r\n\x1a\nrest"
    assert at.ask("imgcode") == Octets("image/png", b"\x89PNG\r\n\x1a\nrest")


def test_what_is_no_picture_is_not_handed_to_a_browser(at: Setting) -> None:
    at.service.answer = b"<script>alert(1)</script>"
    with pytest.raises(Unavailable):
        at.ask("imgcode")


@pytest.mark.parametrize("number", [1, 3, 5, 9])
def test_errors_are_the_services(at: Setting, number: int) -> None:
    at.service.answer = Failure(number, "because")
    problem = at.problem("rcv_buy", phone=PHONE)
    assert (problem.number, problem.text) == (number, "because")


@pytest.mark.parametrize("number", [2, 4])
def test_what_is_wrong_with_our_login_is_no_answer(at: Setting, number: int) -> None:
    at.service.answer = Failure(number, "authorise error")
    with pytest.raises(Unavailable):
        at.ask("rcv_get")


def test_a_service_that_does_not_answer(at: Setting) -> None:
    at.service.answer = NoService("no answer within 30 s")
    with pytest.raises(Unavailable):
        at.ask("rcv_get")


def test_the_limits_of_the_login_are_error_9_and_nothing_is_asked(at: Setting) -> None:
    at.service.due = 30.0
    assert at.problem("rcv_get").number == 9
    assert at.service.asked == []


def test_parameters_that_the_service_has_not_are_error_1(at: Setting) -> None:
    at.service.answer = ValueError("rcv_chg needs noprolong")
    assert at.problem("rcv_chg", phone=PHONE).number == 1


def test_security_68_what_the_login_there_has_of_all_accounts_is_asked_for_nobody(at: Setting) -> None:
    for operation in sorted(OPERATIONS.keys() - RELAYED - SENDING):
        assert at.problem(operation).number == 1
    assert at.service.asked == []


def test_without_a_relay_the_error_says_what_is_missing(at: Setting) -> None:
    problem = at.problem("waitcall", "plain", phone=PHONE)
    assert problem.number == 1 and "http.relay" in problem.text
    assert at.service.asked == []


def test_a_connector_that_a_reload_took_away_is_none(at: Setting) -> None:
    at.relay = Relay(at.desk, {})
    assert at.problem("rcv_get").number == 1


# -- messages ------------------------------------------------------------------------------------------------


def test_a_file_goes_up_under_an_id_of_ours(at: Setting) -> None:
    at.taken()
    found = at.ask("send", files=[PICTURE], phones=PHONE, mes="cat", mms="1", id="15", subj="Cat", fmt="1")
    assert found == {"id": 15, "cnt": 1}
    [(operation, params, files)] = at.service.asked
    [(message_id,)] = at.desk.journal.all("SELECT message_id FROM message")
    assert (operation, files) == ("send", [PICTURE])
    assert params == {"phones": PHONE, "mes": "cat", "mms": "1", "subj": "Cat", "id": f"r{message_id}"}
    assert at.service.watched == [f"r{message_id}/{PHONE}"]


def test_it_is_one_of_ours_then_and_ends_with_its_receipt(at: Setting) -> None:
    at.taken()
    at.ask("send", files=[PICTURE], phones=PHONE, mes="cat", mms="1", id="15", sender="Shop")
    assert at.status("15")["status"] == 0
    upstream_id = at.service.watched[0]
    key = response_key(upstream_id)
    at.desk.journal.batch.receipts.append(
        ("centre", upstream_id, key, None, None, "", 2, 1, "000", NOW_MS + 1000, "")
    )
    at.desk.journal.flush()
    assert at.status("15") | {"last_date": ""} == {
        "status": 1,
        "last_date": "",
        "last_timestamp": NOW_MS // 1000 + 1,
        "flag": 6,
        "err": 0,
    }


def test_its_end_is_called_for(at: Setting) -> None:
    at.desk.journal.batch.api_accounts.append(("app", 1))
    at.taken()
    at.ask("send", files=[PICTURE], phones=PHONE, mms="1", id="15")
    upstream_id = at.service.watched[0]
    key = response_key(upstream_id)
    at.desk.journal.batch.receipts.append(
        ("centre", upstream_id, key, None, None, "", 2, 1, "000", NOW_MS, "")
    )
    at.desk.journal.flush()
    assert at.desk.journal.all("SELECT account, kind, api_id, phone, state FROM call") == [
        ("app", 1, "15", PHONE, 2)
    ]


def test_a_doubt_never_sends_it_again_without_its_file(at: Setting) -> None:
    at.taken()
    at.ask("send", files=[PICTURE], phones=PHONE, mms="1", id="15")
    assert at.desk.journal.all("SELECT progress, on_ambiguous FROM message") == [(1, 3)]


def test_several_recipients_share_the_file_and_the_id(at: Setting) -> None:
    at.taken(cnt=2)
    found = at.ask("send", files=[PICTURE], phones=f"{PHONE};+{OTHER},{PHONE}", mms="1", cost="3", op="1")
    assert found["cnt"] == 2
    assert (found["cost"], found["balance"]) == ("2.80", "7.20")
    assert [phone["phone"] for phone in found["phones"]] == [PHONE, OTHER]
    assert found["phones"][0]["mccmnc"] == "250"
    api_id = str(found["id"])
    assert at.status(api_id)["status"] == at.status(api_id, OTHER)["status"] == 0
    assert at.status(api_id, account="plain") == {"status": -3}


def test_a_group_is_its_contacts_here_and_none_of_the_services(
    at: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def members(desk: object, account: str, number: str, is_mail: bool) -> list[str] | None:
        return [PHONE, OTHER] if (account, number, is_mail) == ("app", "777", False) else None

    monkeypatch.setattr(relayed_sending, "group_numbers", members)
    at.taken(cnt=2)
    assert at.ask("send", files=[PICTURE], phones=f"G777,{PHONE}", mms="1")["cnt"] == 2
    assert at.service.asked[0][1]["phones"] == f"{PHONE},{OTHER}"
    assert at.problem("send", files=[PICTURE], phones="G778", mms="1").number == 1


def test_groups_are_read_once_and_no_more_of_them_than_a_request_may_have(
    at: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    async def members(desk: object, account: str, number: str, is_mail: bool) -> list[str]:
        read.append(number)
        return [str(79990000000 + int(number) * 600 + n) for n in range(600)]

    monkeypatch.setattr(relayed_sending, "group_numbers", members)
    phones = ",".join(["G1"] * 50 + [f"G{n}" for n in range(2, 50)])
    assert at.problem("send", files=[PICTURE], phones=phones, mms="1").number == 1
    assert read == ["1", "2"]
    assert at.service.asked == []


def test_it_is_charged(at: Setting) -> None:
    at.taken()
    at.ask("send", files=[PICTURE], phones=PHONE, mms="1")
    assert at.desk.ledger().purse("app").balance == 8_600_000
    assert at.desk.journal.all("SELECT payer, amount FROM charge") == [("app", 1_400_000)]


def test_a_price_is_told_without_sending(at: Setting) -> None:
    assert at.ask("cost", files=[PICTURE], phones=f"{PHONE},{OTHER}", mms="1") == {"cost": "2.80", "cnt": 2}
    assert at.service.asked == []
    assert at.desk.ledger().purse("app").balance == 10_000_000


@pytest.mark.parametrize(
    ("failure", "number", "shown"),
    [(Failure(6, ""), 6, (23, 253)), (Failure(7, ""), 7, (22, 249)), (Failure(3, ""), 8, (25, 248))],
)
def test_what_the_service_refuses_is_registered_and_costs_nothing(
    at: Setting, failure: Failure, number: int, shown: tuple[int, int]
) -> None:
    at.service.answer = failure
    problem = at.problem("send", files=[PICTURE], phones=PHONE, mms="1", id="15")
    assert (problem.number, problem.id) == (number, 15)
    found = at.status("15")
    assert (found["status"], found["err"]) == shown
    assert at.desk.ledger().purse("app").balance == 10_000_000
    assert at.desk.accounts["app"].open_messages == 0


def test_no_answer_is_no_message(at: Setting) -> None:
    at.service.answer = NoService("the connection was lost")
    with pytest.raises(Unavailable):
        at.ask("send", files=[PICTURE], phones=PHONE, mms="1", id="15")
    assert at.status("15") == {"status": -3}
    assert at.desk.ledger().purse("app").balance == 10_000_000


def test_what_cannot_be_stored_is_not_counted(at: Setting) -> None:
    at.taken()
    at.desk.journal.fails = True
    with pytest.raises(Unavailable):
        at.ask("send", files=[PICTURE], phones=PHONE, mms="1", id="15")
    assert at.desk.accounts["app"].open_messages == at.desk.submission.open_messages == 0
    assert at.desk.ledger().purse("app").balance == 10_000_000


@pytest.mark.parametrize(
    ("account", "params", "number"),
    [
        ("app", {"phones": ""}, 1),
        ("app", {"phones": PHONE, "list": f"{PHONE}:text"}, 1),
        ("app", {"phones": PHONE, "id": "not an id"}, 1),
        ("app", {"phones": PHONE, "mes": "x" * 1001}, 1),
        ("app", {"phones": ",".join(f"7999{n:07}" for n in range(1001))}, 1),
        ("app", {"phones": "12"}, 7),
        ("app", {"phones": "447400123456"}, 8),  # no price
        ("app", {"phones": ",".join(f"7999{n:07}" for n in range(8))}, 3),
        ("texts", {"phones": PHONE}, 6),
        ("shop", {"phones": PHONE, "sender": "Bank"}, 6),
    ],
)
def test_what_is_refused_here_never_goes_up(
    at: Setting, account: str, params: dict[str, str], number: int
) -> None:
    assert at.problem("send", account, [PICTURE], mms="1", **params).number == number
    assert at.service.asked == []
    assert at.desk.ledger().purse("app").balance == 10_000_000


def test_an_account_that_may_have_no_more_open_waits(at: Setting) -> None:
    at.desk.accounts["app"].open_messages = 8
    with pytest.raises(Unavailable):
        at.ask("send", files=[PICTURE], phones=PHONE, mms="1")
    assert at.service.asked == []


def test_a_captcha_is_checked_for_the_address_that_got_the_picture(at: Setting) -> None:
    at.service.answer = Failure(10, "wrong captcha code")
    problem = at.problem("send", phones=PHONE, mes="Hi", imgcode="12345", userip="192.0.2.9")
    assert problem.number == 10
    assert "userip" not in at.service.asked[0][1]


# -- calls that prove a number -------------------------------------------------------------------------------


def test_a_call_is_for_the_account_that_waits_for_it(at: Setting) -> None:
    at.service.answer = {"phone": "79990000201", "all_phones": ["79990000201"]}
    at.ask("waitcall", phone="+7 999 000-00-01")
    assert at.relay.waiting.whose(PHONE) == ("app", NOW_MS)
    assert at.relay.waiting.whose(OTHER) is None


def test_who_wants_nothing_of_the_account_is_not_made_to_call(at: Setting) -> None:
    class Rules:
        def forbids(self, digits: str) -> Refusal | None:
            return Refusal.BLACKLIST if digits == PHONE else None

    at.desk.accounts["app"].rules = Rules()  # type: ignore[assignment]
    assert at.problem("waitcall", phone=f"+{PHONE}").number == 5
    assert at.service.asked == []
    at.ask("waitcall", phone=OTHER)


def test_a_list_of_phones_php_holds_for_files_and_calls_too(at: Setting) -> None:
    at.desk.black["app"] = {PHONE: ALL, OTHER: MASS}
    assert at.problem("waitcall", phone=PHONE).number == 5
    assert at.problem("send", files=[PICTURE], phones=PHONE, mms="1").number == 8
    assert at.problem("send", files=[PICTURE], phones=f"{OTHER},79990000003", mms="1").number == 8
    assert at.service.asked == []
    at.taken()
    at.ask("send", files=[PICTURE], phones=OTHER, mms="1")


def test_a_call_is_waited_for_no_longer_than_the_service_does(at: Setting) -> None:
    at.ask("waitcall", phone=PHONE)
    at.desk.clock.advance(17 * 60)
    assert at.relay.waiting.whose(PHONE) is None


def test_a_restart_knows_who_waits(at: Setting) -> None:
    for phone in (OTHER, PHONE):
        at.ask("waitcall", phone=phone)
    again = Relay(at.desk, {"centre": at.service})
    asyncio.run(again.waiting.load())
    assert again.waiting.whose(PHONE) == ("app", NOW_MS)
    at.desk.clock.advance(17 * 60)
    at.relay = again
    at.ask("waitcall", phone=PHONE)  # and what is over is forgotten
    assert at.desk.journal.all("SELECT name FROM record WHERE kind = 'wait_call'") == [(PHONE,)]


def test_nobody_waits_after_an_error(at: Setting) -> None:
    at.service.answer = Failure(5, "")
    assert at.problem("waitcall", phone=PHONE).number == 5
    assert at.relay.waiting.whose(PHONE) is None


def test_the_last_who_waits_for_a_subscriber_gets_the_call(at: Setting) -> None:
    at.ask("waitcall", phone=PHONE)
    at.desk.clock.advance(1)
    at.ask("waitcall", "texts", phone=PHONE)
    assert at.relay.waiting.whose(PHONE) == ("texts", NOW_MS + 1000)


def inbox_of(at: Setting) -> SmscInbox:
    """What the service tells, led to who waits for it."""
    desk = at.desk
    inbox = SmscInbox(
        SmscConnector(name="centre", url=Url("https", "smscentre.com", 443)),
        receipts=ReceiptBook("centre", desk.journal, desk.events, forms=("same",)),
        journal=desk.journal,
        incoming=Incoming(),
        events=desk.events,
        clock=desk.clock,
    )
    inbox.whose_call = at.relay.waiting.whose
    return inbox


def test_a_call_reaches_handler_and_inbox_of_who_waits_for_it_once(at: Setting) -> None:
    at.desk.journal.batch.api_accounts.append(("app", 5))  # handler and inbox
    at.ask("waitcall", phone=PHONE)
    at.desk.journal.flush()
    inbox = inbox_of(at)
    inbox.wait_call(WaitCall(phone=PHONE, ts=NOW_MS // 1000 + 5), NOW_MS + 6000)
    inbox.incoming_sms(17, PHONE, "79990000201", "[waitcall]", NOW_MS + 9000, NOW_MS + 9000)  # from the list
    at.desk.journal.flush()
    calls = at.desk.journal.all("SELECT account, kind, phone FROM call")
    assert calls == [("app", CallKind.WAITCALL.value, PHONE)]
    kept = at.desk.journal.all("SELECT account, phone, own_number, user_data FROM inbox")
    assert kept == [("app", PHONE, "", b"\x1b<waitcall\x1b>")]


def test_an_sms_that_says_waitcall_is_no_call(at: Setting) -> None:
    at.desk.journal.batch.api_accounts.append(("app", 5))
    inbox = inbox_of(at)
    inbox.config = SmscConnector(
        name="centre", url=Url("https", "smscentre.com", 443), incoming_account="app"
    )
    inbox.incoming_sms(17, PHONE, "79990000201", "[waitcall]", NOW_MS, NOW_MS)
    at.desk.journal.flush()
    assert at.desk.journal.all("SELECT kind FROM call") == [(CallKind.INCOMING.value,)]


def test_ids_at_the_service_say_nothing_of_a_client(at: Setting) -> None:
    at.taken()
    at.ask("send", files=[PICTURE], phones=PHONE, mms="1", id="secret-name")
    assert all("secret" not in str(value) for value in at.service.asked[0][1].values())
    assert at.service.watched[0] == upstream_id_of(at.service.asked[0][1]["id"], PHONE)


def test_whatever_is_sent_along_has_an_answer(at: Setting) -> None:
    """Everything a client says goes up as a value, or is error 1; nothing of it names the gateway's login."""
    names = sorted(OPERATIONS["send"].parameters | {"login", "psw", "apikey", "fmt", "del", "get"})
    at.taken()

    @given(st.dictionaries(st.sampled_from(names), st.text(max_size=30), max_size=8))
    @settings(max_examples=60)
    def ask(params: dict[str, str]) -> None:
        at.service.asked.clear()
        try:
            at.ask("send", "shop", [PICTURE], **{"phones": PHONE, "sender": "Shop", **params})
        except ApiProblem as problem:
            assert problem.number in range(1, 11)
        except Unavailable:
            assert at.service.asked == []
        for _, said, _ in at.service.asked:
            assert said.keys() <= OPERATIONS["send"].parameters
            assert said["id"].startswith("r")

    ask()
