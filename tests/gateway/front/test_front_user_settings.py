"""What settings of users.php make of a parent's options."""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import pytest
from gateway_fakes import account_config
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.basics import Address
from gateway.config.mail_model import AccountMail
from gateway.config.model import AccountHttp, AccountLimits, AccountSmpp
from gateway.config.secret import Secret
from gateway.config.smpp_model import AccountOutbind
from gateway.core.admission import Rules
from gateway.core.destinations import Destinations
from gateway.core.hours import zone_of
from gateway.front.desk import ApiProblem
from gateway.front.user_settings import account_of, read_settings
from protocols.smsc_http.operations import OPERATIONS

HANDLER = "https://example.org/sms?sha1=word"


def made(settings: dict[str, str] | None = None, **parent: Any) -> Any:
    return account_of(account_config(**parent), "sub", "its-hash", settings or {})


def test_a_sub_client_is_its_parent_with_another_login() -> None:
    parent = account_config(
        rate=7, tags=("a",), max_segments=3, service_messages=True, allowed_sources=("Example",)
    )
    sub = account_of(parent, "sub", "its-hash", {})
    assert (sub.system_id, sub.parent, sub.password_hash) == ("sub", "app", Secret("its-hash"))
    assert (sub.rate, sub.tags, sub.max_segments, sub.service_messages) == (7, ("a",), 3, True)
    assert sub.allowed_sources == ("Example",)


def test_what_opens_other_doors_is_not_the_sub_client_s() -> None:
    outbind = AccountOutbind(address=Address("192.0.2.1", 2775))
    sub = made(
        api_keys=(Secret("key"),),
        second_password_hash=Secret("other"),
        credit=100.0,
        smpp=AccountSmpp(outbind=outbind),
        http=AccountHttp(
            networks=(ip_network("192.0.2.0/24"),),
            sub_accounts=True,
            handler=HANDLER,
            webhook=HANDLER,
            webhook_secret=Secret("s"),
            relay="centre",
        ),
    )
    assert (sub.api_keys, sub.second_password_hash, sub.credit, sub.smpp.outbind) == ((), None, 0, None)
    assert sub.http == AccountHttp(networks=(ip_network("192.0.2.0/24"),), relay="centre")


@pytest.mark.parametrize(
    ("type", "parent", "balance"),
    [
        ("", "own", "own"),
        ("0", "own", "own"),
        ("1", "own", "own"),
        ("2", "own", "parent"),
        ("3", "own", "parent"),
        ("4", "own", "parent"),
        ("1", "parent", "own"),
        ("1", "none", "none"),
        ("2", "none", "none"),
    ],
)
def test_its_type_says_who_pays(type: str, parent: str, balance: str) -> None:
    prices = "" if parent == "none" else "retail"
    assert made({"type": type}, balance=parent, prices=prices).balance == balance


def test_a_parent_without_prices_any_more_has_sub_clients_without_a_balance() -> None:
    assert made({"type": "0"}, balance="own", prices="").balance == "none"


def test_limits_per_day_are_its_own() -> None:
    sub = made(
        {"dlim": "10", "plim": "2", "tlim": "1", "ilim": "5"}, limits=AccountLimits(per_day=100, flood=3)
    )
    assert sub.limits == AccountLimits(per_day=10, per_number=2, per_text=1, per_address=5, flood=3)


def test_hours_are_its_own_unless_the_parent_has_some() -> None:
    settings = {"tmlim": "9-24", "fl2[15]": "1", "fl2[16]": "1"}
    limits = made(settings).limits
    assert (limits.hours, limits.outside_hours, limits.hours_of) == ("9-0", "refuse", "subscriber")
    assert made({"tmlim": "0-24"}).limits.hours == ""
    assert made(settings, limits=AccountLimits(hours="10-18")).limits == AccountLimits(hours="10-18")


@pytest.mark.parametrize(("tz", "hours"), [("0", -12), ("12", 0), ("15", 3), ("24", 12)])
def test_a_zone_counts_from_twelve_hours_behind(tz: str, hours: int) -> None:
    offset = datetime(2026, 1, 1, tzinfo=zone_of(made({"tz": tz}).time_zone)).utcoffset()
    assert offset is not None
    assert offset.total_seconds() == hours * 3600


def test_a_machine_that_knows_no_zones_starts_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> None:
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr("gateway.front.user_settings.zone_of", unknown)
    assert made({"tz": "15"}, time_zone="UTC").time_zone == "UTC"


def test_hours_of_the_parent_are_in_the_parent_s_zone() -> None:
    night = {"limits": AccountLimits(hours="9-21"), "time_zone": "Europe/Moscow"}
    assert made({"tz": "0"}, **night).time_zone == "Europe/Moscow"


def test_without_a_zone_it_has_its_parent_s() -> None:
    assert made(time_zone="Europe/Moscow").time_zone == "Europe/Moscow"


@pytest.mark.parametrize(
    ("settings", "yes", "no"),
    [
        ({"fmts": "7,-77"}, ["79991234567"], ["77001234567", "380501234567"]),
        ({"ph": "+79990000001, 79990000002"}, ["79990000001", "79990000002"], ["79990000003"]),
        ({"ph": "79990000001,380501234567", "fmts": "7"}, ["79990000001"], ["380501234567"]),
        ({"ph": "G5"}, [], ["79990000001", "1"]),
        ({"fmts": ""}, ["79990000001"], []),
    ],
)
def test_where_it_may_send(settings: dict[str, str], yes: list[str], no: list[str]) -> None:
    sub = made(settings)
    allowed = Destinations(sub.destinations)
    assert all(allowed.allow(digits) for digits in yes)
    assert not any(allowed.allow(digits) for digits in no)


@pytest.mark.parametrize(
    ("vld", "parent", "hours"), [("", 0, 0), ("61", 0, 2), ("60", 5, 1), ("6000", 5, 5), ("0", 5, 5)]
)
def test_the_shorter_validity_holds(vld: str, parent: int, hours: int) -> None:
    assert made({"vld": vld}, max_validity_h=parent).max_validity_h == hours


def test_its_sender_is_one_that_the_parent_may_use() -> None:
    assert made({"sender": "Shop"}).default_source == "Shop"
    parent = {"allowed_sources": ("Example", "Shop"), "default_source": "Example"}
    assert made({"sender": "Shop"}, **parent).default_source == "Shop"
    assert made({"sender": "Bank"}, **parent).default_source == "Example"


def test_flags() -> None:
    assert made({"fl2[10]": "1"}).blocked
    assert not made({"fl2[10]": "0"}).blocked
    assert made({"fl2[27]": "1"}).test_mode
    assert made({"fl2[27]": "0"}, test_mode=True).test_mode
    assert made({"fl[2]": "0"}).max_binds == 0
    assert made({"fl[2]": "1"}, max_binds=4).max_binds == 4
    assert made(max_binds=4).max_binds == 4
    assert made({"fl[23]": "1"}).smpp.receipts == "per_part"


def test_its_handler_is_called_when_a_flag_says_so() -> None:
    parent = {"http": AccountHttp()}
    assert made({"url": HANDLER}, **parent).http.handler == ""
    assert made({"url": HANDLER, "fl[10]": "1"}, **parent).http.handler == HANDLER
    assert made({"url": HANDLER, "fl[11]": "1"}, **parent).http.handler == HANDLER
    assert made({"url": HANDLER, "fl[10]": "1"}).http is None


def test_its_mail_is_its_parent_s_with_settings_of_its_own() -> None:
    mail = AccountMail(senders=("@example.org",), max_segments=3)
    assert made({}).mail is None
    assert made({"mfl[0]": "1"}, mail=mail).mail is None
    settings = {
        "mph": "79990000001,x",
        "mfl[5]": "1",
        "mfl[6]": "0",
        "mfl[1]": "1",
        "mfl[2]": "1",
        "mfl[3]": "1",
    }
    sub = made({**settings, "mfl[4]": "1", "mlen": "100"}, mail=mail).mail
    assert (sub.senders, sub.recipients, sub.networks) == (("@example.org",), ("79990000001",), ())
    assert (sub.numbers_in_body, sub.numbers_in_address, sub.text) == (True, False, False)
    assert (sub.subject, sub.sender, sub.transliterate, sub.max_characters) == ("", "", "all", 100)
    short = AccountMail(max_characters=70)
    assert made({"mlen": "100"}, mail=short).mail.max_characters == 70
    assert made({"mlen": "50"}, mail=short).mail.max_characters == 50
    assert made({"mlen": "2"}, mail=mail).mail.max_segments == 2
    assert made({"mlen": "9"}, mail=mail).mail.max_segments == 3


# -- reading ----------------------------------------------------------------------------------------


def test_settings_are_found_among_the_parameters() -> None:
    params = {"user": "sub", "password": "x", "pswc": "y", "fio": "Example", "dlim": "", "fl2[31]": "1"}
    assert read_settings(params) == {"fio": "Example", "dlim": "", "fl2[31]": "1"}


def test_every_parameter_of_the_service_is_known() -> None:
    others = {"user", "password", "pswc", "new_login"}
    names = OPERATIONS["user_add"].parameters - others
    good = {
        "email": "a@example.org",
        "email2": "a@example.org",
        "url": HANDLER,
        "tmlim": "9-21",
        "tz": "1",
        "curr": "1",
    }
    assert read_settings({name: good.get(name, "1") for name in names}).keys() == names


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("type", "5"),
        ("dlim", "-1"),
        ("dlim", "٣"),
        ("tz", "25"),
        ("tmlim", "21-9"),
        ("tmlim", "9"),
        ("fl[2]", "2"),
        ("mfl[1]", "yes"),
        ("email", "x"),
        ("nb", "much"),
        ("url", "ftp://example.org/"),
        ("url", "https:///x"),
        ("url", "https://example.org/\n"),
        ("url", "https://[/"),
        ("url", "https://user:word@example.org/"),
        ("url", "https://example.org\\@192.0.2.1/"),
        ("fmts", "7,x"),
        ("sender", "Шоп"),
        ("sender", "a" * 12),
        ("fio", "a" * 1001),
    ],
)
def test_what_makes_no_sense_is_error_1(name: str, value: str) -> None:
    with pytest.raises(ApiProblem) as problem:
        read_settings({name: value})
    assert (problem.value.number, name in problem.value.text) == (1, True)


_NAMES = sorted(OPERATIONS["user_add"].parameters)
_VALUES = st.text(max_size=30) | st.from_regex(r"[0-9,+-]{1,20}|[01]|[0-9]{1,2}-[0-9]{1,2}", fullmatch=True)


@given(st.dictionaries(st.sampled_from(_NAMES), _VALUES))
def test_whatever_is_read_makes_an_account(params: dict[str, str]) -> None:
    try:
        settings = read_settings(params)
    except ApiProblem:
        return
    sub = made(settings, mail=AccountMail(), http=AccountHttp(), balance="own", prices="retail")
    Rules(sub, 1000)  # what the core makes of it
    assert sub.max_validity_h >= 0
