"""The relay and its bounds: what a client may take of a service, and what a service may do to us."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from front_desk import asked
from front_relay import OTHER, PHONE, PICTURE, MakeDesk, Setting, setting_of
from gateway_fakes import NOW_MS, account_config

from gateway.config.model import AccountHttp
from gateway.core.accounts import Account
from gateway.core.admission import Rules
from gateway.front import relay, waiting_calls
from gateway.front.desk import ApiProblem, Unavailable
from gateway.front.relay import NoAnswer, Places
from protocols.smsc_http.answers import Failure


@pytest.fixture
def at(make_desk: MakeDesk) -> Setting:
    return setting_of(make_desk)


def ruled(at: Setting, **fields: Any) -> Account:
    """The account app with more of a configuration, and the rules of that."""
    http = AccountHttp(relay="centre")
    config = account_config(http=http, service_messages=True, **fields)
    account = at.desk.accounts["app"] = Account(config, at.desk.clock.now())  # type: ignore[index]
    account.rules = Rules(config, 86_400_000)
    return account


# -- places -------------------------------------------------------------------------------------------------


def test_questions_leave_the_service_room_for_messages_and_one_client_leaves_it_to_others(
    at: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "WAIT_MAX_S", 0.05)
    under_way: list[str] = []

    async def story() -> None:
        answered = asyncio.Event()

        async def hangs(operation: str, params: Any, files: Any) -> object:
            under_way.append(params["phone"])
            await answered.wait()
            return {"result": "OK"}

        at.service.ask = hangs  # type: ignore[method-assign]
        greedy = [asyncio.create_task(ask(at, "app", f"7999000000{n}")) for n in range(4)]
        await asyncio.sleep(0)
        other = asyncio.create_task(ask(at, "texts", OTHER))
        late = await asyncio.gather(*greedy[2:], return_exceptions=True)
        assert [type(error) for error in late] == [Unavailable, Unavailable]
        assert under_way == ["79990000000", "79990000001", OTHER]
        with pytest.raises(Unavailable):
            await ask(at, "shop", PHONE)
        answered.set()
        await asyncio.gather(*greedy[:2], other)
        await ask(at, "app", PHONE)

    asyncio.run(story())
    assert under_way[-1] == PHONE


async def ask(at: Setting, account: str, phone: str) -> object:
    return await at.relay(asked(at.desk, account, "rcv_chg", {"phone": phone, "noprolong": "1"}, ()))


def test_pictures_that_anybody_may_ask_for_take_no_place_of_an_account(
    at: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "WAIT_MAX_S", 0.05)

    async def story() -> None:
        answered = asyncio.Event()

        async def hangs(operation: str, params: Any, files: Any) -> object:
            if operation == "imgcode":
                await answered.wait()
                return b"\x89PNG"
            return {"result": "OK"}

        at.service.ask = hangs  # type: ignore[method-assign]
        request = asked(at.desk, "app", "imgcode", {}, ())
        pictures = [asyncio.create_task(at.relay(request)) for _ in range(5)]
        await asyncio.sleep(0)
        assert await ask(at, "app", PHONE) == {"result": "OK"}
        answered.set()
        await asyncio.gather(*pictures, return_exceptions=True)

    asyncio.run(story())


def test_who_leaves_while_he_waits_takes_no_place() -> None:
    async def story() -> None:
        places = Places(1)
        async with places.taken("app"):
            waits = asyncio.create_task(places.taken("app").__aenter__())
            await asyncio.sleep(0)
            waits.cancel()
            await asyncio.gather(waits, return_exceptions=True)
        async with asyncio.timeout(60), places.taken("other"):
            await asyncio.sleep(0)
        assert not places._own

    asyncio.run(story())


# -- doubts -------------------------------------------------------------------------------------------------


class Forgetful:
    """Takes messages, and its answers to that are lost."""

    def __init__(self, at: Setting, status: object) -> None:
        self.service = at.service
        self.status = status
        at.service.ask = self.ask  # type: ignore[method-assign]

    async def ask(self, operation: str, params: Any, files: Any) -> object:
        self.service.asked.append((operation, dict(params), files))
        if operation == "send":
            raise NoAnswer("no answer within 30 s")
        if isinstance(self.status, Exception):
            raise self.status
        return self.status


def test_a_lost_answer_is_looked_up_so_that_nothing_is_sent_twice(at: Setting) -> None:
    Forgetful(at, {"status": 0})
    assert at.ask("send", files=[PICTURE], phones=f"{PHONE},{OTHER}", mms="1", id="15")["id"] == 15
    (_, sent, _), (operation, looked_up, _) = at.service.asked
    assert (operation, looked_up) == ("status", {"id": sent["id"], "phone": PHONE})
    assert at.status("15")["status"] == at.status("15", OTHER)["status"] == 0
    assert at.desk.ledger().purse("app").balance == 7_200_000


@pytest.mark.parametrize("status", [{"status": -3}, NoAnswer("again"), Failure(9, "")])
def test_what_the_service_does_not_have_may_come_again(at: Setting, status: object) -> None:
    Forgetful(at, status)
    with pytest.raises(Unavailable):
        at.ask("send", files=[PICTURE], phones=PHONE, mms="1", id="15")
    assert at.status("15") == {"status": -3}
    assert at.desk.ledger().purse("app").balance == 10_000_000


# -- what is sent -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [10**19, 2**63, 0, -5, "x", None])
def test_a_count_that_no_store_can_keep_harms_nobody(at: Setting, count: object) -> None:
    at.service.answer = {"id": "r1", "cnt": count}
    found = at.ask("send", files=[PICTURE], phones=PHONE, mms="1", id="15")
    assert 1 <= found["cnt"] <= 1_000_000
    assert at.status("15")["status"] == 0


def test_a_sender_that_the_account_must_have_is_what_the_service_is_told(at: Setting) -> None:
    ruled(at, forced_source="Shop", allowed_sources=("Shop",))
    at.taken()
    at.ask("send", files=[PICTURE], phones=PHONE, mms="1", id="15", sender="Bank")
    assert at.service.asked[0][1]["sender"] == "Shop"
    assert at.desk.journal.all("SELECT sender FROM api_message") == [("Shop",)]


def test_a_sender_that_only_begins_like_one_that_is_allowed(at: Setting) -> None:
    ruled(at, allowed_sources=("billing@example.org.",))
    sender = "billing@example.org.evil"
    assert at.problem("send", files=[PICTURE], phones="a@example.org", mail="1", sender=sender).number == 6
    assert at.problem("send", files=[PICTURE], phones=PHONE, mms="1", sender="x" * 101).number == 1
    assert at.service.asked == []


def test_an_account_in_test_mode_sends_nothing(at: Setting) -> None:
    ruled(at, test_mode=True)
    problem = at.problem("send", files=[PICTURE], phones=PHONE, mms="1")
    assert problem.number == 6 and "test mode" in problem.text
    assert at.service.asked == []


def test_files_count_for_the_accounts_rate(at: Setting) -> None:
    ruled(at, rate=2)
    at.taken()
    at.ask("send", files=[PICTURE], phones=f"{PHONE},{OTHER}", mms="1")
    assert at.problem("send", files=[PICTURE], phones=f"{PHONE},{OTHER}", mms="1").number == 9
    assert len(at.service.asked) == 1


def test_a_captcha_makes_no_text_of_many_segments_one(at: Setting) -> None:
    at.taken()
    at.ask("send", phones=PHONE, mes="я" * 140, imgcode="12345")
    assert at.desk.ledger().purse("app").balance == 10_000_000 - 3 * 1_400_000
    at.ask("send", files=[PICTURE], phones=PHONE, mes="я" * 140, mms="1")
    assert at.desk.ledger().purse("app").balance == 10_000_000 - 4 * 1_400_000


def test_recipients_are_counted_before_any_of_them_is_sent_to(at: Setting) -> None:
    at.taken()
    at.desk.accounts["app"].open_messages = 6
    with pytest.raises(Unavailable):
        at.ask("send", files=[PICTURE], phones=f"{PHONE},{OTHER},79990000003", mms="1")
    assert at.service.asked == []
    at.ask("send", files=[PICTURE], phones=f"{PHONE},{OTHER}", mms="1")


def test_a_long_letter_to_many_is_not_kept_for_each_of_them(at: Setting) -> None:
    at.taken()
    letter, to = "я" * 100_000, "a@example.org,b@example.org"
    at.ask("send", "shop", [PICTURE], phones=to, mes=letter, mail="1", subj="x", sender="Shop")
    assert at.service.asked[0][1]["mes"] == letter
    sizes = at.desk.journal.all("SELECT length(user_data) FROM message")
    assert sizes == [(2_000,), (2_000,)]


def test_an_error_that_has_no_text_and_no_known_number_is_one_all_the_same(at: Setting) -> None:
    at.service.answer = Failure(77, "")
    with pytest.raises(ApiProblem) as caught:
        at.ask("rcv_buy", phone=PHONE)
    assert caught.value.number == 77


# -- calls that prove a number ------------------------------------------------------------------------------


@pytest.mark.parametrize("phone", ["abc", "a@example.org", "7999" * 1_000, "7"])
def test_who_is_no_number_is_not_waited_for(at: Setting, phone: str) -> None:
    assert at.problem("waitcall", phone=phone).number == 1
    assert at.service.asked == []


def test_an_account_that_waits_for_many_makes_no_call_of_others_nobodys(
    at: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_calls, "OF_ACCOUNT_MAX", 3)
    at.ask("waitcall", "texts", phone=OTHER)
    for number in range(5):
        at.ask("waitcall", phone=f"7999000010{number}")
    whose = at.relay.waiting.whose
    assert whose(OTHER) == ("texts", NOW_MS)
    assert [whose(f"7999000010{n}") is not None for n in range(5)] == [False, False, True, True, True]
    at.ask("waitcall", "texts", phone="79990000104")  # it is theirs now, so there is room
    at.ask("waitcall", phone="79990000105")
    assert whose("79990000102") is not None


def test_who_is_waited_for_no_longer_is_not_kept(at: Setting) -> None:
    async def story() -> None:
        await at.relay(asked(at.desk, "app", "waitcall", {"phone": PHONE}, ()))
        timer = at.relay.waiting._timer
        assert timer is not None and timer.when() - asyncio.get_running_loop().time() > 15 * 60
        at.desk.clock.advance(17 * 60)
        at.relay.waiting._look()
        at.desk.journal.flush()
        assert at.desk.journal.all("SELECT name FROM record") == []
        assert at.relay.waiting._timer is None

    asyncio.run(story())


def test_a_restart_forgets_who_is_waited_for_no_longer(at: Setting) -> None:
    at.ask("waitcall", phone=PHONE)
    at.desk.clock.advance(17 * 60)
    again = relay.Relay(at.desk, {"centre": at.service})
    asyncio.run(again.waiting.load())
    at.desk.journal.flush()
    assert at.desk.journal.all("SELECT name FROM record") == []
