"""users.php: sub-clients are made, changed, paid, counted, and there again after a start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from front_desk import FrontDesk, asked, config_of
from front_sub_accounts import with_sub_accounts
from gateway_fakes import DAY_MS, NOW, NOW_MS, account_config, draft

from gateway.config.account_model import SubAccount
from gateway.config.model import AccountHttp, AccountLimits, Config, Price, PriceList
from gateway.core import passwords
from gateway.core.errors import Refusal
from gateway.front import users
from gateway.front.desk import ApiProblem, Unavailable
from gateway.front.users import handlers

MakeDesk = Callable[[Config], FrontDesk]
Ask = Callable[..., Any]
PRICES = PriceList(name="retail", currency="EUR", prices=(Price(prefix="", price=0.05),))
ALLOWED = AccountHttp(sub_accounts=True)
WORD = "My-password1"
TODAY = NOW_MS // DAY_MS  # 15 June 2025


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What scrypt does is tested elsewhere, and takes a tenth of a second."""
    monkeypatch.setattr(passwords, "hash_password", lambda password: f"hash of {password}")
    monkeypatch.setattr(passwords, "verify", lambda password, hash: hash == f"hash of {password}")


def reseller(**fields: Any) -> Any:
    return account_config(
        **{"system_id": "app", "http": ALLOWED, "balance": "own", "prices": "retail", **fields}
    )


@pytest.fixture
def desk(make_desk: MakeDesk, tmp_path: Path) -> FrontDesk:
    other = account_config(system_id="other", http=ALLOWED)
    plain = account_config(system_id="plain", http=AccountHttp())
    desk = make_desk(config_of(reseller(), other, plain, price_lists=(PRICES,)))
    with_sub_accounts(desk, tmp_path)
    desk.ledger().credited("app", 100_000_000)
    return desk


@pytest.fixture
def ask(desk: FrontDesk) -> Ask:
    return asking(desk)


def asking(desk: FrontDesk) -> Ask:
    def ask(operation: str, account: str = "app", **params: str) -> Any:
        named = {
            name.replace("__", "[", 1) + "]" if "__" in name else name: value
            for name, value in params.items()
        }

        async def run() -> Any:
            return await handlers(desk)[operation](asked(desk, account, operation, named))

        return asyncio.run(run())

    return ask


def refused(ask: Ask, operation: str, account: str = "app", **params: str) -> ApiProblem:
    with pytest.raises(ApiProblem) as problem:
        ask(operation, account, **params)
    return problem.value


# -- add --------------------------------------------------------------------------------------------


def test_a_sub_client_is_an_account_at_once(desk: FrontDesk, ask: Ask) -> None:
    assert ask("user_add", user="sub", password=WORD, type="1", fio="Example", dlim="5") == {"id": 1}
    account = desk.accounts["sub"]
    assert account.password_hashes() == (f"hash of {WORD}",)
    assert (account.config.parent, account.config.balance, account.config.prices) == ("app", "own", "retail")
    assert account.config.limits == AccountLimits(per_day=5)
    assert desk.ledger().plans["sub"].purse is desk.ledger().purses["sub"]
    assert any(one.system_id == "sub" for one in desk.config.accounts)
    assert ask("user_add", user="sub2", password=WORD) == {"id": 2}


def test_it_is_stored_before_it_is_answered_and_its_password_is_not(desk: FrontDesk, ask: Ask) -> None:
    ask("user_add", user="sub", password=WORD, fio="Example")
    [(kind, account, record_id, name, data)] = desk.journal.all(
        "SELECT kind, account, record_id, name, data FROM record"
    )
    assert (kind, account, record_id, name) == ("user", "app", 1, "sub")
    assert '"fio": "Example"' in data
    assert f'"{WORD}"' not in data
    desk.events.flush()
    assert WORD not in "".join(desk.said)


def test_it_is_there_after_a_start(desk: FrontDesk, ask: Ask, tmp_path: Path) -> None:
    ask("user_add", user="sub", password=WORD, type="2")
    file = config_of(reseller(rate=9), price_lists=(PRICES,))
    del desk.accounts["sub"]  # type: ignore[attr-defined]
    desk.config = file
    with_sub_accounts(desk, tmp_path)
    account = desk.accounts["sub"]
    assert (account.config.rate, account.config.balance) == (9, "parent")
    assert desk.ledger().plans["sub"].purse is desk.ledger().purses["app"]


def test_its_parent_s_limits_and_block_hold_for_it(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk(
        config_of(reseller(destinations=("7",), limits=AccountLimits(per_day=1)), price_lists=(PRICES,))
    )
    with_sub_accounts(desk, tmp_path)
    asking(desk)("user_add", user="sub", password=WORD)
    rules = desk.accounts["sub"].rules
    assert rules is not None
    assert [days.counts.account for days in rules.days] == ["app"]
    assert len(rules.destinations) == 1
    assert not desk.accounts["sub"].blocked
    desk.accounts["app"].configure(reseller(blocked=True), 0)
    desk.admission.configure(desk.accounts, 1000)
    assert desk.accounts["sub"].blocked


def test_it_shares_its_parent_s_rate(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk(config_of(reseller(rate=10), price_lists=(PRICES,)))
    with_sub_accounts(desk, tmp_path)
    asking(desk)("user_add", user="sub", password=WORD)
    assert desk.accounts["sub"].bucket is desk.accounts["app"].bucket


def test_together_they_have_no_more_open_messages_than_the_parent_may(
    make_desk: MakeDesk, tmp_path: Path
) -> None:
    desk = make_desk(
        config_of(reseller(max_open=10), account_config(system_id="other"), price_lists=(PRICES,))
    )
    with_sub_accounts(desk, tmp_path)
    assert desk.accounts["app"].rules is None
    asking(desk)("user_add", user="sub", password=WORD)
    asking(desk)("user_add", user="sub2", password=WORD)
    assert desk.accounts["other"].rules is None

    def sends(name: str) -> bool:
        account = desk.accounts[name]
        assert account.rules is not None
        taken = account.rules.admit(draft(), NOW, NOW_MS)
        account.open_messages += taken is not Refusal.QUEUE_FULL
        return taken is not Refusal.QUEUE_FULL

    assert [sends(("app", "sub", "sub2")[n % 3]) for n in range(12)] == [True] * 10 + [False] * 2
    desk.accounts["sub"].open_messages -= 2  # two have ended
    assert [sends("sub2") for _ in range(3)] == [True, True, False]


def test_a_flood_is_one_whoever_of_the_family_sends_it(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk(config_of(reseller(limits=AccountLimits(flood=5)), price_lists=(PRICES,)))
    with_sub_accounts(desk, tmp_path)
    asking(desk)("user_add", user="sub", password=WORD)
    mine, its = desk.accounts["app"].rules, desk.accounts["sub"].rules
    assert mine is not None and its is not None
    assert its.floods is mine.floods is not None


@pytest.mark.parametrize("name", ["app", "APP", "plain", "sub", "Sub"])
def test_a_login_that_somebody_has_is_taken(ask: Ask, name: str) -> None:
    ask("user_add", user="sub", password=WORD)
    assert refused(ask, "user_add", user=name, password=WORD).number == 8
    assert refused(ask, "user_add", "other", user=name, password=WORD).number == 8


def test_a_login_that_has_left_something_is_taken(desk: FrontDesk, ask: Ask) -> None:
    desk.journal.batch.credits.append(("gone", 1_000_000, NOW_MS, "somebody", ""))
    desk.journal.flush()
    assert refused(ask, "user_add", user="gone", password=WORD).number == 8


def test_a_login_that_sent_over_smpp_alone_has_left_something_too(desk: FrontDesk, ask: Ask) -> None:
    with desk.journal.connection as connection:
        connection.execute("INSERT INTO statistics VALUES (1, 'gone', 'one', 2, 1, 1, 0)")
    assert refused(ask, "user_add", user="gone", password=WORD).number == 8


def test_a_login_that_another_node_gives_just_now_is_taken(desk: FrontDesk, ask: Ask) -> None:
    desk.shared_id = lambda name: 1  # other nodes give ids, and names
    key = ("", "user sub", b"user", NOW_MS, b"", ())  # of a sub-client that this one has not heard of
    desk.journal.batch.request_keys.append(key)
    desk.journal.flush()
    assert refused(ask, "user_add", user="Sub", password=WORD).number == 8
    assert "Sub" not in desk.accounts
    assert "id" in ask("user_add", user="sub2", password=WORD)


def test_two_that_want_one_login_do_not_both_get_it(desk: FrontDesk) -> None:
    async def run() -> list[Any]:
        operations = handlers(desk)
        requests = [
            operations["user_add"](asked(desk, name, "user_add", {"user": "sub", "password": WORD}))
            for name in ("app", "other", "app")
        ]
        return await asyncio.gather(*requests, return_exceptions=True)

    results = asyncio.run(run())
    assert results[0] == {"id": 1}
    assert [result.number for result in results[1:]] == [8, 8]


@pytest.mark.parametrize(
    "params",
    [
        {"user": "", "password": WORD},
        {"user": "a" * 16, "password": WORD},
        {"user": "имя", "password": WORD},
        {"user": "a b", "password": WORD},
        {"user": "a\x00", "password": WORD},
        {"user": "mail:", "password": WORD},
        {"user": "new", "password": ""},
        {"user": "new", "password": "Short-1"},
        {"user": "new", "password": "alllowercase"},
        {"user": "new", "password": "lower-case"},
        {"user": "new", "password": "A-1" * 40},
        {"user": "new", "password": WORD, "type": "9"},
    ],
)
def test_bad_logins_passwords_and_settings_are_error_1(
    desk: FrontDesk, ask: Ask, params: dict[str, str]
) -> None:
    assert refused(ask, "user_add", **params).number == 1
    assert not desk.journal.batches


def test_who_may_have_none_is_told_why(ask: Ask) -> None:
    for operation in ("user_add", "user_chg", "user_pay", "user_stat", "user_stat_all"):
        problem = refused(ask, operation, "plain", user="sub", password=WORD, sum="1")
        assert (problem.number, "http.sub_accounts" in problem.text) == (1, True)


def test_a_sub_client_has_no_sub_clients(ask: Ask) -> None:
    ask("user_add", user="sub", password=WORD)
    assert refused(ask, "user_add", "sub", user="other2", password=WORD).number == 1


def test_there_is_a_greatest_number(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "USERS_MAX", 2)
    ask("user_add", user="one", password=WORD)
    ask("user_add", user="two", password=WORD)
    assert refused(ask, "user_add", user="three", password=WORD).number == 8


def test_what_cannot_be_stored_is_no_account(desk: FrontDesk, ask: Ask) -> None:
    desk.journal.fails = True
    with pytest.raises(Unavailable):
        ask("user_add", user="sub", password=WORD)
    assert "sub" not in desk.accounts
    desk.journal.fails = False
    assert ask("user_add", user="sub", password=WORD)["id"] > 0


def test_a_client_that_leaves_changes_nothing(desk: FrontDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    then = desk.journal.then

    async def run() -> None:
        request = asked(desk, "app", "user_add", {"user": "sub", "password": WORD})
        task = asyncio.ensure_future(handlers(desk)["user_add"](request))

        def leave(callback: Callable[[bool], object]) -> None:
            then(callback)
            task.cancel()

        monkeypatch.setattr(desk.journal, "then", leave)
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(10):
            await asyncio.sleep(0)

    asyncio.run(run())
    assert "sub" in desk.accounts


# -- the file ---------------------------------------------------------------------------------------


def test_a_name_that_the_file_uses_is_the_file_s(desk: FrontDesk, ask: Ask) -> None:
    ask("user_add", user="sub", password=WORD)
    subs = desk.sub_accounts
    assert subs is not None
    file = config_of(reseller(), account_config(system_id="sub", rate=3), price_lists=(PRICES,))
    joined = subs.joined(file)
    assert [one.system_id for one in joined.accounts] == ["app", "sub"]
    assert not isinstance(joined.accounts[1], SubAccount)
    desk.accounts["sub"].configure(joined.accounts[1], 0)
    subs.say_what_rests()
    assert "sub_account_rests" in desk.said[-1]
    assert refused(ask, "user_chg", user="sub", fio="Example").number == 6


def test_without_its_parent_it_rests(desk: FrontDesk, ask: Ask) -> None:
    ask("user_add", user="sub", password=WORD)
    subs = desk.sub_accounts
    assert subs is not None
    assert [one.system_id for one in subs.joined(config_of(account_config(system_id="other"))).accounts] == [
        "other"
    ]
    again = subs.joined(subs.joined(config_of(reseller(), price_lists=(PRICES,))))
    assert [one.system_id for one in again.accounts] == ["app", "sub"]


def test_a_change_of_one_makes_no_other_anew(desk: FrontDesk, ask: Ask) -> None:
    ask("user_add", user="sub", password=WORD)
    ask("user_add", user="sub2", password=WORD)
    other, mine = desk.accounts["sub2"].config, desk.accounts["sub"].config
    ask("user_chg", user="sub", dlim="7")
    assert desk.accounts["sub2"].config is other
    assert next(one for one in desk.config.accounts if one.system_id == "sub2") is other
    assert desk.accounts["sub"].config is not mine
    subs = desk.sub_accounts
    assert subs is not None
    changed = subs.joined(config_of(reseller(rate=3), price_lists=(PRICES,)))
    assert [one.rate for one in changed.accounts] == [3, 3, 3]


# -- chg --------------------------------------------------------------------------------------------


def test_settings_and_password_are_changed(desk: FrontDesk, ask: Ask) -> None:
    ask("user_add", user="sub", password=WORD, dlim="5", fio="Example")
    assert ask("user_chg", user="sub", dlim="7", fl2__10="1") == {"result": "OK"}
    account = desk.accounts["sub"]
    assert (account.config.limits.per_day, account.blocked) == (7, True)
    assert ask("user_chg", user="sub", password="Other-password2", pswc=WORD, new_login="sub") == {
        "result": "OK"
    }
    assert account.password_hashes() == ("hash of Other-password2",)
    [(data,)] = desk.journal.all("SELECT data FROM record")
    assert '"fio": "Example"' in data


@pytest.mark.parametrize(
    ("params", "number"),
    [
        ({}, 1),
        ({"dlim": "x"}, 1),
        ({"password": "weak"}, 1),
        ({"dlim": "1", "pswc": "Wrong-password1"}, 5),
        ({"dlim": "1", "new_login": "sub2"}, 8),
    ],
)
def test_what_cannot_be_changed(desk: FrontDesk, ask: Ask, params: dict[str, str], number: int) -> None:
    ask("user_add", user="sub", password=WORD, dlim="5")
    assert refused(ask, "user_chg", user="sub", **params).number == number
    assert desk.accounts["sub"].config.limits.per_day == 5


def test_the_sub_clients_of_others_are_unknown(ask: Ask) -> None:
    ask("user_add", user="sub", password=WORD)
    for operation, params in (("user_chg", {"fio": "x"}), ("user_pay", {"sum": "1"}), ("user_stat", {})):
        assert refused(ask, operation, "other", user="sub", **params).number == 6
        assert refused(ask, operation, "other", user_id="1", **params).number == 6
    assert refused(ask, "user_chg", user="plain", fio="x").number == 6


def test_a_balance_with_money_in_it_is_not_left_behind(ask: Ask) -> None:
    ask("user_add", user="sub", password=WORD)
    ask("user_pay", user="sub", sum="5")
    assert refused(ask, "user_chg", user="sub", type="2").number == 8
    ask("user_pay", user="sub", sum="-5")
    assert ask("user_chg", user="sub", type="2") == {"result": "OK"}


def test_a_debt_is_not_left_behind_either(desk: FrontDesk, ask: Ask) -> None:
    ask("user_add", user="sub", password=WORD)
    desk.ledger().given_back("sub", -1)  # an admin has taken out more than there was
    assert "-0.000001" in refused(ask, "user_chg", user="sub", type="2").text


def test_two_changes_at_once_are_both_made(desk: FrontDesk, ask: Ask) -> None:
    ask("user_add", user="sub", password=WORD)

    async def run() -> None:
        change = handlers(desk)["user_chg"]
        both = ({"password": "Other-password2", "dlim": "7"}, {"fio": "Example"})
        await asyncio.gather(*(change(asked(desk, "app", "user_chg", {"user": "sub", **p})) for p in both))

    asyncio.run(run())
    [(data,)] = desk.journal.all("SELECT data FROM record")
    assert '"fio": "Example"' in data and '"dlim": "7"' in data
    assert desk.accounts["sub"].password_hashes() == ("hash of Other-password2",)


def test_a_gateway_that_stops_makes_nobody_an_account(desk: FrontDesk, ask: Ask) -> None:
    subs: Any = desk.sub_accounts
    subs._daemon.stopping.now = True
    with pytest.raises(Unavailable):
        ask("user_add", user="sub", password=WORD)
    assert "sub" not in desk.accounts


# -- pay --------------------------------------------------------------------------------------------


def test_money_goes_to_a_sub_client_and_back_in_one_commit_each(desk: FrontDesk, ask: Ask) -> None:
    ask("user_add", user="sub", password=WORD)
    ask("user_pay", user="sub", sum="30.50")
    assert [len(batch.credits) for batch in desk.journal.batches[-1:]] == [2]
    mine, its = desk.ledger().purse("app"), desk.ledger().purse("sub")
    assert (mine.balance, its.balance) == (69_500_000, 30_500_000)
    ask("user_pay", user="sub", sum="-10")
    assert (mine.balance, its.balance) == (79_500_000, 20_500_000)
    stored = dict(desk.journal.all("SELECT account, amount FROM balance"))
    assert stored == {"app": -20_500_000, "sub": 20_500_000}  # the first 100 were never stored
    desk.events.flush()
    assert "".join(desk.said).count("balance_changed") == 4


@pytest.mark.parametrize(
    ("type", "params", "number"),
    [
        ("0", {"sum": "100.01"}, 10),
        ("0", {"sum": "-0.01"}, 5),
        ("0", {"sum": "0"}, 1),
        ("0", {"sum": "x"}, 1),
        ("0", {"sum": "1e3"}, 1),
        ("0", {"sum": "٣"}, 1),
        ("0", {"sum": "1", "balance2": "1"}, 5),
        ("2", {"sum": "1"}, 7),
        ("3", {"sum": "1"}, 7),
        ("4", {"sum": "1"}, 7),
    ],
)
def test_money_that_does_not_move(
    desk: FrontDesk, ask: Ask, type: str, params: dict[str, str], number: int
) -> None:
    ask("user_add", user="sub", password=WORD, type=type)
    assert refused(ask, "user_pay", user="sub", **params).number == number
    assert (desk.ledger().purse("app").balance, desk.ledger().purse("sub").balance) == (100_000_000, 0)


def test_money_that_could_not_be_stored_has_not_moved(desk: FrontDesk, ask: Ask) -> None:
    ask("user_add", user="sub", password=WORD)
    desk.journal.fails = True
    with pytest.raises(Unavailable):
        ask("user_pay", user="sub", sum="30")
    assert (desk.ledger().purse("app").balance, desk.ledger().purse("sub").balance) == (100_000_000, 0)


def test_money_does_not_come_into_a_balance_that_is_being_given_up(desk: FrontDesk, ask: Ask) -> None:
    ask("user_add", user="sub", password=WORD)

    async def run() -> list[Any]:
        operations = handlers(desk)
        both = (("user_chg", {"user": "sub", "type": "2"}), ("user_pay", {"user": "sub", "sum": "5"}))
        return await asyncio.gather(
            *(operations[name](asked(desk, "app", name, params)) for name, params in both),
            return_exceptions=True,
        )

    changed, paid = asyncio.run(run())
    assert paid == {"result": "OK"}
    assert isinstance(changed, ApiProblem) and changed.number == 8
    assert desk.accounts["sub"].config.balance == "own"


@pytest.mark.parametrize(("credit", "sum"), [(0, "100"), (5, "105")])
def test_all_that_a_parent_has_with_its_credit_can_be_given(
    make_desk: MakeDesk, tmp_path: Path, credit: int, sum: str
) -> None:
    desk = make_desk(config_of(reseller(credit=credit), price_lists=(PRICES,)))
    with_sub_accounts(desk, tmp_path)
    desk.ledger().credited("app", 100_000_000)
    ask = asking(desk)
    ask("user_add", user="sub", password=WORD)
    assert refused(ask, "user_pay", user="sub", sum=f"{sum}.000001").number == 10
    assert ask("user_pay", user="sub", sum=sum) == {"result": "OK"}
    assert desk.ledger().purse("app").left == 0
    assert ask("user_pay", user="sub", sum=f"-{sum}") == {"result": "OK"}


def test_one_amount_is_not_given_twice_at_the_same_time(desk: FrontDesk, ask: Ask) -> None:
    ask("user_add", user="sub", password=WORD)

    async def run() -> list[Any]:
        operations = handlers(desk)
        pay = [
            operations["user_pay"](asked(desk, "app", "user_pay", {"user": "sub", "sum": "60"}))
            for _ in range(3)
        ]
        return await asyncio.gather(*pay, return_exceptions=True)

    results = asyncio.run(run())
    assert sum(result == {"result": "OK"} for result in results) == 1
    assert (desk.ledger().purse("app").balance, desk.ledger().purse("sub").balance) == (
        40_000_000,
        60_000_000,
    )


def test_without_a_balance_nothing_is_paid(ask: Ask) -> None:
    ask("user_add", "other", user="sub", password=WORD)
    assert refused(ask, "user_pay", "other", user="sub", sum="1").number == 7


# -- statistics -------------------------------------------------------------------------------------


@pytest.fixture
def counted(desk: FrontDesk, ask: Ask) -> Ask:
    """Three sub-clients, of which two have sent and paid."""
    ask("user_add", user="own", password=WORD, type="0")
    ask("user_add", user="own2", password=WORD, type="1")
    ask("user_add", user="shared", password=WORD, type="2")
    rows = ((TODAY, "own", 2, 3, 150_000), (TODAY, "own", 5, 1, 50_000), (TODAY - 1, "own", 2, 10, 500_000))
    with desk.journal.connection as connection:
        for day, account, state, segments, amount in (*rows, (TODAY, "shared", 2, 7, 350_000)):
            connection.execute(
                "INSERT INTO statistics VALUES (?, ?, 'one', ?, ?, ?, ?)",
                (day, account, state, segments, segments, amount),
            )
    ask("user_pay", user="own", sum="20")
    ask("user_pay", user="own", sum="-5")
    desk.journal.batch.credits.append(("own", 1_000_000, NOW_MS - DAY_MS, "", ""))
    desk.journal.flush()
    return ask


def test_statistics_are_of_one_or_of_a_kind(counted: Ask) -> None:
    own = {"login": "own", "sms": "4", "credit": "20.00", "debit": "5.20", "currency": "EUR"}
    assert counted("user_stat", user="own") == [own]
    assert counted("user_stat", user_id="1") == [own]
    assert [row["login"] for row in counted("user_stat", reseller="1")] == ["own", "own2"]
    assert counted("user_stat") == [
        {"login": "shared", "sms": "7", "credit": "0.00", "debit": "0.35", "currency": "EUR"}
    ]


def test_statistics_are_of_days(counted: Ask) -> None:
    before = {"login": "own", "sms": "10", "credit": "1.00", "debit": "0.50", "currency": "EUR"}
    assert counted("user_stat", user="own", start="14.06.2025") == [before]
    both = counted("user_stat", user="own", start="14.06.2025", end="15.06.2025")
    assert (both[0]["sms"], both[0]["credit"], both[0]["debit"]) == ("14", "21.00", "5.70")
    [nothing] = counted("user_stat", user="own", start="01.01.2020", end="02.01.2020")
    assert (nothing["sms"], nothing["credit"], nothing["debit"]) == ("0", "0.00", "0.00")


def test_there_is_nothing_on_a_second_balance(counted: Ask) -> None:
    [row] = counted("user_stat", user="own", balance2="1")
    assert (row["sms"], row["credit"], row["debit"]) == ("0", "0.00", "0.00")


def test_details_have_items(counted: Ask) -> None:
    item = {
        "description": "SMS",
        "operator": "",
        "mccmnc": "",
        "sms": "4",
        "credit": "20.00",
        "debit": "5.20",
    }
    found = counted("user_stat_all", reseller="1")
    assert found[0] == {"login": "own", "items": [{**item, "currency": "EUR"}]}
    assert [row["login"] for row in found] == ["own", "own2"]


def test_without_any_there_are_no_records(ask: Ask) -> None:
    assert refused(ask, "user_stat").number == 3
    assert refused(ask, "user_stat_all", reseller="1").number == 3


@pytest.mark.parametrize(
    "params",
    [
        {"start": "x"},
        {"start": "31.02.2025"},
        {"start": "02.01.2025", "end": "01.01.2025"},
        {"end": "31.12.9999"},
    ],
)
def test_what_is_no_period_is_error_1(counted: Ask, params: dict[str, str]) -> None:
    assert refused(counted, "user_stat", **params).number == 1
