"""Which rule an incoming SMS meets, and where it goes then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.config.http_model import AccountHttp
from gateway.config.mail_model import IncomingRule, Mail, Smarthost
from gateway.config.model import Account, Address, Connector
from gateway.config.secret import Secret
from gateway.config.smpp_model import AccountSmpp
from gateway.core.batch import Batch
from gateway.core.incoming import RECENT, Came, Incoming, IncomingRules, Way

NOW_MS = 1_750_000_000_000
HOUR_MS = 3_600_000
SMARTHOST = Smarthost(address=Address("127.0.0.1", 25))


def connector(incoming_account: str = "", name: str = "up") -> Connector:
    return Connector(
        name=name,
        address=Address("127.0.0.1", 1),
        system_id="gw",
        password=Secret("-"),
        incoming_account=incoming_account,
    )


# -- rules ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own_number", "text", "expected"),
    [
        ("1234", "help me", "both"),
        ("+1234", "HELP", "both"),
        ("1234", " \n Help! me", "both"),
        ("1234", "«help», me", "both"),
        ("1234", "helpme", "number"),
        ("1234", "me help", "number"),
        ("1234", "", "number"),
        ("1234", "  ", "number"),
        ("5678", "help", "word"),
        ("5678", "СТОП", "russian"),
        ("5678", "стоп.", "russian"),
        ("5678", "straße", "fold"),
        ("5678", "hello", ""),
        ("", "hello", ""),
    ],
)
def test_number_and_first_word_choose_the_rule(own_number: str, text: str, expected: str) -> None:
    rules = IncomingRules(
        [
            IncomingRule(number="1234", keyword="HELP", account="both"),
            IncomingRule(keyword="Help", account="word"),
            IncomingRule(number="+1234", account="number"),
            IncomingRule(keyword="Стоп", account="russian"),
            IncomingRule(keyword="STRASSE", account="fold"),
        ]
    )
    rule = rules.find("up", own_number, text)[1]
    assert (rule.account if rule is not None else "") == expected


def test_the_first_rule_that_fits_counts_and_not_the_closest() -> None:
    wide, close = IncomingRule(number="1234", account="wide"), IncomingRule(keyword="help", account="close")
    assert IncomingRules([wide, close]).find("up", "1234", "help")[1] is wide
    assert IncomingRules([close, wide]).find("up", "1234", "help")[1] is close
    twice = IncomingRule(number="1234", account="twice")
    assert IncomingRules([wide, twice]).find("up", "1234", "help")[1] is wide


def test_a_rule_may_be_for_one_connector() -> None:
    rules = IncomingRules([IncomingRule(connector="up", account="up"), IncomingRule(account="rest")])
    found = [rules.find(name, "1234", "help")[1] for name in ("up", "other", "")]
    assert [rule.account for rule in found if rule is not None] == ["up", "rest", "rest"]


def test_punctuation_may_be_the_keyword() -> None:
    rules = IncomingRules([IncomingRule(keyword="?", account="question")])
    assert rules.find("up", "1234", "? what")[1] is not None
    assert rules.find("up", "1234", "what ?")[1] is None


def test_no_keyword_fits_a_text_whose_beginning_is_unknown() -> None:
    rules = IncomingRules([IncomingRule(keyword="help", account="a"), IncomingRule(number="1", account="b")])
    found = rules.find("up", "1", None)[1]
    assert found is not None
    assert found.account == "b"
    assert rules.find("up", "2", None)[1] is None


def test_the_place_of_a_rule_is_that_in_the_configuration() -> None:
    incoming = made(IncomingRule(number="1", account="a"), IncomingRule(keyword="help", account="b"))
    places = [
        incoming.way(connector("rest"), number, "help", NOW_MS, total=1, part=1).rule for number in ("1", "2")
    ]
    assert places == [1, 2]
    assert incoming.way(connector("rest"), "2", "hello", NOW_MS, total=1, part=1).rule == 0


def test_only_the_last_ones_are_remembered_and_none_of_a_number_that_is_to_be_forgotten() -> None:
    incoming = made()
    nobody = Way(None, (), 0, gathered=False)
    for number in range(RECENT + 7):
        incoming.recent.append(Came(number, "up", f"+{number}", "5" if number % 2 else "1234", 1, 1, nobody))
    assert [it.at_ms for it in incoming.recent] == list(range(7, RECENT + 7))
    incoming.forget("8")
    assert "+8" not in {it.number for it in incoming.recent}
    assert len(incoming.recent) == RECENT - 1
    incoming.forget("1234")
    assert {it.own_number for it in incoming.recent} == {"5"}


# -- ways ----------------------------------------------------------------------------------------------


def way(
    incoming: Incoming, text: str = "hello", account: str = "", own_number: str = "1234", part: str = "1/1"
) -> Way:
    number, total = map(int, part.split("/"))
    found = incoming.way(connector(account), own_number, text, NOW_MS, total=total, part=number)
    return found._replace(rule=0)


def made(*rules: IncomingRule, mail: Mail | None = None) -> Incoming:
    incoming = Incoming()
    incoming.configure(rules, mail)
    return incoming


def test_without_rules_and_mail_there_is_only_the_connectors_account() -> None:
    incoming = made()
    assert incoming.is_plain
    assert way(incoming, account="app") == Way("app", (), 0, gathered=False)
    assert way(incoming) == Way(None, (), 0, gathered=False)


def test_a_rules_account_comes_before_the_connectors() -> None:
    incoming = made(IncomingRule(keyword="help", account="desk"))
    assert not incoming.is_plain
    assert way(incoming, "help", "app") == Way("desk", (), 0, gathered=False)
    assert way(incoming, "hello", "app") == Way("app", (), 0, gathered=False)
    assert way(incoming, "hello") == Way(None, (), 0, gathered=False)


def test_a_rule_with_mail_alone_leaves_the_connectors_account_out() -> None:
    incoming = made(IncomingRule(number="1234", mail=["a@example.org", "b@example.org"]), mail=_mail())
    assert way(incoming, account="app") == Way(None, ("a@example.org", "b@example.org"), 0, gathered=True)


def test_a_rule_may_have_both() -> None:
    incoming = made(IncomingRule(account="desk", mail=["a@example.org"]))
    assert way(incoming, account="app") == Way("desk", ("a@example.org",), 0, gathered=True)


def _mail(window_h: int = 0, smarthost: Smarthost | None = SMARTHOST) -> Mail:
    return Mail(domains=["sms.example.org"], smarthost=smarthost, reply_window_h=window_h)


def test_within_the_window_everything_may_be_an_answer() -> None:
    incoming = made(mail=_mail(72))
    since_ms = NOW_MS - 72 * HOUR_MS
    assert not incoming.is_plain
    assert way(incoming, account="app") == Way("app", (), since_ms, gathered=True)
    # it cannot be refused, so it is kept where somebody sees it
    assert way(incoming) == Way("", (), since_ms, gathered=True)


def test_nothing_is_an_answer_without_a_window_or_without_a_smarthost() -> None:
    for mail in (_mail(0), _mail(72, None)):
        incoming = made(mail=mail)
        assert incoming.is_plain
        assert not way(incoming, account="app").gathered


def test_the_first_part_of_a_long_sms_decides_when_there_are_keywords() -> None:
    incoming = made(IncomingRule(keyword="help", account="desk"), IncomingRule(number="99", account="other"))
    assert way(incoming, "help", part="1/3") == Way("desk", (), 0, gathered=True)
    assert way(incoming, "hello", "app", part="1/3") == Way("app", (), 0, gathered=True)
    # the later ones wait for it, whatever they say, and have something to be delivered
    assert way(incoming, "help", "app", part="2/3") == Way("app", (), 0, gathered=True)
    assert way(incoming, "help", part="2/3") == Way("", (), 0, gathered=True)
    assert way(incoming, "help", own_number="99", part="2/3") == Way("other", (), 0, gathered=True)
    # and a first one that nobody wants is refused
    assert way(incoming, "hello", part="1/3") == Way(None, (), 0, gathered=False)


def test_a_later_part_that_would_go_to_mail_alone_can_still_go_to_the_firsts_account() -> None:
    incoming = made(IncomingRule(keyword="help", account="desk"), IncomingRule(mail=["a@example.org"]))
    assert way(incoming, "help", part="2/2") == Way("", ("a@example.org",), 0, gathered=True)
    assert way(incoming, "hello", part="1/2") == Way(None, ("a@example.org",), 0, gathered=True)


def test_parts_need_not_wait_where_no_keyword_decides() -> None:
    incoming = made(IncomingRule(number="1234", account="desk"))
    for part in ("1/2", "2/2"):
        assert way(incoming, part=part) == Way("desk", (), 0, gathered=False)
        assert way(incoming, own_number="99", part=part) == Way(None, (), 0, gathered=False)


def whole_for(*accounts: str) -> list[Account]:
    every = ("desk", "app")
    return [
        Account(system_id=name, password_hash=Secret("-"), smpp=AccountSmpp(whole_incoming=name in accounts))
        for name in every
    ]


def test_parts_wait_for_each_other_where_the_account_gets_a_long_sms_whole() -> None:
    incoming = Incoming()
    incoming.configure((), None, whole_for("app"))
    assert not incoming.is_plain
    for part in ("1/2", "2/2"):
        assert way(incoming, account="app", part=part) == Way("app", (), 0, gathered=True, whole=True)
        assert way(incoming, account="desk", part=part) == Way("desk", (), 0, gathered=False)
    assert way(incoming, account="app") == Way("app", (), 0, gathered=False)
    incoming.configure((), None, whole_for())
    assert incoming.is_plain


def test_parts_wait_for_each_other_where_the_account_asks_for_them_over_http() -> None:
    every = [replace(one, http=AccountHttp()) for one in whole_for("app")]
    incoming = Incoming()
    incoming.configure((), None, every)
    assert way(incoming, account="desk", part="1/2") == Way("desk", (), 0, gathered=True, whole=2)
    assert way(incoming, account="app", part="1/2") == Way("app", (), 0, gathered=True, whole=1)
    assert way(incoming, account="desk") == Way("desk", (), 0, gathered=False)


def test_the_account_of_the_first_part_decides_whether_it_is_whole() -> None:
    incoming = Incoming()
    rules = [IncomingRule(keyword="help", account="desk")]
    incoming.configure(rules, None, whole_for("desk"))
    assert way(incoming, "help", "app", part="1/2") == Way("desk", (), 0, gathered=True, whole=True)
    assert way(incoming, "more", "app", part="2/2") == Way("app", (), 0, gathered=True, whole=False)


def test_a_reload_replaces_rules_and_window() -> None:
    incoming = made(IncomingRule(account="desk"), mail=_mail(72))
    incoming.configure([IncomingRule(account="other")], None)
    assert way(incoming) == Way("other", (), 0, gathered=False)
    incoming.configure([], None)
    assert incoming.is_plain


@pytest.mark.parametrize(("total", "store_decides"), [(1, True), (2, False)])
def test_a_stop_word_of_a_long_sms_is_obeyed_at_once(total: int, store_decides: bool) -> None:
    """Only a whole one can be the answer to a mail, which the store finds; parts are of the SMS's account."""
    stopping = Account(system_id="app", password_hash=Secret("x"), stop_words=["Stop"])
    incoming = Incoming()
    incoming.configure([], Mail(domains=["sms.example.org"], smarthost=SMARTHOST), [stopping])
    found = incoming.way(connector("app"), "1234", "stop", NOW_MS, total=total, part=1)
    batch = Batch()
    said = incoming.heed_stop(batch, found, "79161234567", "stop", NOW_MS, total=total)
    assert said == ((("app", "SMS: stop"),) if store_decides else ())
    assert [row[:2] for row in batch.blacklisted] == ([] if store_decides else [("app", "79161234567")])
