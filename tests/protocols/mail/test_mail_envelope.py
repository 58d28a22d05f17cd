"""MAIL and RCPT: vectors, limits, xtext, and that the short way says what the long one does."""

from itertools import product

import pytest
from mail_grammar_support import columns, parametrized

from gateway.core.model import Notify
from protocols.mail import envelope
from protocols.mail.envelope import (
    NOTIFY_BITS,
    MailFrom,
    RcptTo,
    decode_xtext,
    parse_mail,
    parse_rcpt,
)
from protocols.mail.errors import MailError


def mail(argument: str) -> MailFrom:
    return parse_mail(argument, esmtp=True, max_size=1000)


def code_of(argument: str, *, esmtp: bool = True) -> str:
    with pytest.raises(MailError) as caught:
        if argument.upper().startswith("FROM"):
            parse_mail(argument, esmtp=esmtp, max_size=1000)
        else:
            parse_rcpt(argument, esmtp=esmtp)
    assert caught.value.text.isascii()
    assert caught.value.text.isprintable()
    return caught.value.code


@parametrized("mail_from")
def test_vectors_of_mail(text: str, expected: str) -> None:
    if "|" not in expected:
        with pytest.raises(MailError) as caught:
            mail(text)
        assert caught.value.code == expected
        return
    address, size, utf8, ret, envid = columns(expected)
    assert mail(text) == MailFrom(address, int(size), utf8 == "yes", ret, envid)


@parametrized("rcpt_to")
def test_vectors_of_rcpt(text: str, expected: str) -> None:
    if "|" not in expected:
        with pytest.raises(MailError) as caught:
            parse_rcpt(text, esmtp=True)
        assert caught.value.code == expected
        return
    address, notify, orcpt = columns(expected)
    assert parse_rcpt(text, esmtp=True) == RcptTo(address, None if notify == "-" else int(notify), orcpt)


@pytest.mark.parametrize(
    "argument",
    ["FROM:<a@example.org> SIZE=5", "FROM:<> SIZE=5", "FROM:<> SMTPUTF8", "TO:<a@example.org> NOTIFY=NEVER"],
)
def test_helo_has_no_parameters(argument: str) -> None:
    assert code_of(argument, esmtp=False) == "555 5.5.4"


def test_helo_has_mail_and_rcpt() -> None:
    assert parse_mail("FROM:<a@example.org>", esmtp=False, max_size=1000).address == "a@example.org"
    assert parse_mail("FROM:<>", esmtp=False, max_size=1000).address == ""
    assert parse_rcpt("TO:<a@example.org>", esmtp=False).address == "a@example.org"


@pytest.mark.parametrize(
    "control", ["\r\n", "\n", "\r", "\0", "\t", "\x1b", "\x7f", "\x85", "\u2028", "\ud800"]
)
@pytest.mark.parametrize(
    "argument",
    [
        "{}FROM:<a@example.org>",
        "FROM:{}<a@example.org>",
        "FROM:<a{}@example.org>",
        'FROM:<"a{}"@example.org>',
        "FROM:<a@example.org>{}",
        "FROM:<a@example.org> SIZE=5{}",
        "FROM:<a@example.org> ENVID=a{}b SMTPUTF8",
        "FROM:<a@example.org> AUTH=a{}b SMTPUTF8",
        "TO:<a@exa{}mple.org>",
        "TO:<a@example.org>{}",
        "TO:<a@example.org> ORCPT=rfc822;a{}b",
        "TO:<a@example.org> ORCPT=utf-8;a{}b",
    ],
)
def test_security_48_no_control_character_is_in_an_envelope(argument: str, control: str) -> None:
    assert code_of(argument.format(control)) == "501 5.5.4"


def test_the_limits_of_a_path() -> None:
    """RFC 5321 §4.5.3.1: 64 octets, and 256 with the brackets."""
    domain = ".".join(["d" * 63] * 3)
    longest = "a" * 62 + "@" + domain
    assert mail(f"FROM:<{longest}>").address == longest
    assert parse_rcpt(f"TO:<{longest}>", esmtp=True).address == longest
    assert mail("FROM:<" + "a" * 64 + "@example.org>").address == "a" * 64 + "@example.org"
    for bad in ("a" + longest, "a" * 65 + "@example.org", "a@" + "d" * 64 + ".org", "a@" + "d" * 64):
        assert code_of(f"FROM:<{bad}>") == "553 5.1.7"
        assert code_of(f"TO:<{bad}>") == "553 5.1.3"


def test_the_limits_of_dsn_parameters() -> None:
    assert mail("FROM:<> ENVID=" + "a" * 100).envid == "a" * 100
    assert code_of("FROM:<> ENVID=" + "a" * 101) == "501 5.5.4"
    orcpt = "rfc822;" + "a" * 493
    assert parse_rcpt(f"TO:<a@example.org> ORCPT={orcpt}", esmtp=True).orcpt == orcpt
    assert code_of(f"TO:<a@example.org> ORCPT={orcpt}a") == "501 5.5.4"


def test_a_refusal_says_what_was_wrong_and_not_more() -> None:
    with pytest.raises(MailError, match="'XFOO'"):
        mail("FROM:<a@example.org> XFOO=1")
    with pytest.raises(MailError) as caught:
        mail("FROM:<a@example.org> " + "д" * 1000 + " SMTPUTF8")
    assert len(caught.value.text) < 200
    with pytest.raises(MailError, match="1000 octets"):
        mail("FROM:<a@example.org> SIZE=1001")


def test_the_bits_of_notify_are_the_stores() -> None:
    assert {name: int(bit) for name, bit in Notify.__members__.items()} == NOTIFY_BITS


def test_the_short_way_says_what_the_long_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = [
        "",
        "a@example.org",
        "A.b+c=d_e-f@EXAMPLE.org",
        "a..b@x.org",
        "a@-x.org",
        "a" * 65 + "@x.org",
    ]
    parameters = ["", " SIZE=1000", " SIZE=1001", " SIZE=01", " BODY=8BITMIME", " SIZE=1 BODY=8BITMIME"]
    arguments = [f"FROM:<{a}>{p}" for a, p in product(addresses, parameters)]
    arguments += [f"TO:<{a}>" for a in addresses]

    def answers() -> list[object]:
        found: list[object] = []
        for argument, esmtp in product(arguments, (True, False)):
            try:
                if argument.startswith("TO"):
                    found.append(parse_rcpt(argument, esmtp=esmtp))
                else:
                    found.append(parse_mail(argument, esmtp=esmtp, max_size=1000))
            except MailError as error:
                found.append(error.code)
        return found

    quick = answers()
    monkeypatch.setattr(envelope, "_usual_mail", lambda text: None)
    monkeypatch.setattr(envelope, "_usual_rcpt", lambda text: None)
    assert quick == answers()


@pytest.mark.parametrize(
    ("text", "xtext"),
    [
        ("", ""),
        ("QQ314159", "QQ314159"),
        ("a+b=c d~", "a+2Bb+3Dc+20d~"),
        ("rfc822;ops@example.org", "rfc822;ops@example.org"),
    ],
)
def test_xtext_is_read(text: str, xtext: str) -> None:
    assert decode_xtext(xtext) == text


def test_xtext_of_what_is_no_printable_ascii() -> None:
    for bad in ("a b", "a=b", "+0A", "+7F", "+80", "+2b", "+2", "+", "д", "a\n", "\x7f", "\0"):
        with pytest.raises(ValueError):
            decode_xtext(bad)
