"""Text from anyone: only MailError and ValueError leave the grammars of protocols.mail, and soon."""

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from targets_mail import (
    NOW,
    RULES,
    check_address,
    check_envelope,
    check_form,
    check_mailboxes,
    check_numbers,
    check_time,
    check_xtext,
)

from protocols.mail.addresses import parse_address, parse_mailboxes
from protocols.mail.envelope import decode_xtext, parse_mail, parse_rcpt
from protocols.mail.errors import MailError
from protocols.mail.recipients import find_numbers, international, parse_local
from protocols.mail.service_form import MAX_FORM, parse_service_form, parse_time

_any = st.characters() | st.sampled_from("\r\n\0\t \x7f\x85\u2028\u202e\ud800K．＠é")


def made_of(*fragments: str) -> st.SearchStrategy[str]:
    """Texts of these fragments and some of anything between them."""
    return st.lists(st.sampled_from(fragments) | _any, max_size=25).map("".join)


address_like = made_of(
    *('"', "\\", "@", ".", "-", "_", "<", ">", "(", ")", ",", ":", ";", "[", "]", "%", "!", "+", "=", "/"),
    *("ops", "example.org", "a@example.org", "<a@example.org>", "[192.0.2.1]", "[IPv6:::1]", '"a b"', "д"),
)
command_like = st.builds(
    lambda verb, address, rest: f"{verb}:<{address}>{rest}",
    st.sampled_from(["FROM", "TO", "from", "To", "FROM:", ""]),
    st.sampled_from(["", "a@example.org", '"a b"@example.org', "a%b@c", "postmaster"]) | address_like,
    made_of(
        *(" ", "=", ";", ",", "+", "SIZE=5", "BODY=8BITMIME", "SMTPUTF8", "RET=HDRS", "ENVID=", "+20", "+0A"),
        *(
            "NOTIFY=NEVER",
            "NOTIFY=",
            "SUCCESS",
            "FAILURE",
            "ORCPT=rfc822;",
            "ORCPT=utf-8;",
            "AUTH=<>",
            "a",
            "9",
        ),
    ),
)
number_like = made_of(*"+ -.(),;/8", "00", "7999", "79991234567", "1234567", "\u00a0", "٧")
local_like = made_of(
    *"/=+", "/id=", "/from=", "/maxpages=", "/maxlen=", "79991234567", "INFO", "2", "٢", "ton="
)
form_like = made_of(
    *("alex:Secr3t-:::,0:", "79991234567", ":", ":", ",", ";", "|", "\n", "\r\n", "\\n", "[text]", "[/text]"),
    *("5", "1003261600", "+5", "\n~~~\n", "__HLR__", "G7", "INFO,2|", "Hello"),
)
time_like = made_of(*"+-0:. ", "1003261600", "10.03.26 16:00", "9-21", "01773150000", "31", "٣")


@settings(max_examples=200, deadline=None)
@given(address_like)
def test_addresses_are_clean_and_stay_what_they_are(text: str) -> None:
    check_address(text)


@settings(max_examples=200, deadline=None)
@given(address_like)
@example('"a@good.example" <x@evil.example>')
def test_mailboxes_hold_whole_addresses(text: str) -> None:
    check_mailboxes(text)


@settings(max_examples=200, deadline=None)
@given(command_like, st.booleans())
def test_envelopes_are_clean(argument: str, esmtp: bool) -> None:
    check_envelope(argument, esmtp=esmtp)


@settings(max_examples=150, deadline=None)
@given(st.text(_any, max_size=40))
def test_what_xtext_says_is_printable(text: str) -> None:
    check_xtext(text)


@settings(max_examples=200, deadline=None)
@given(number_like | local_like | address_like, st.sampled_from(["", "RU", "US", "AT"]))
def test_every_number_found_is_one(text: str, region: str) -> None:
    check_numbers(text, region)


@settings(max_examples=200, deadline=None)
@given(form_like)
def test_forms_are_whole(text: str) -> None:
    check_form(text)


@settings(max_examples=200, deadline=None)
@given(time_like, st.sampled_from(["", "0", "+2", "-15", "11", "12", "x", "٢"]))
def test_times_are_later_or_now(time: str, zone: str) -> None:
    check_time(time, zone)


PARSERS: dict[str, Callable[[str], object]] = {
    "address": parse_address,
    "mailboxes": parse_mailboxes,
    "mail": lambda text: parse_mail(f"FROM:{text}", esmtp=True, max_size=1000),
    "mail parameters": lambda text: parse_mail(f"FROM:<a@b> {text}", esmtp=True, max_size=1000),
    "rcpt": lambda text: parse_rcpt(f"TO:<{text}>", esmtp=True),
    "rcpt parameters": lambda text: parse_rcpt(f"TO:<a@b> ORCPT=rfc822;{text}", esmtp=True),
    "xtext": decode_xtext,
    "number": lambda text: international(text, RULES),
    "local": lambda text: parse_local(text, RULES),
    "numbers": lambda text: find_numbers(text, RULES, 3),
    "form": lambda text: parse_service_form(text[:MAX_FORM]),
    "list": lambda text: parse_service_form(f"a:b:::::{text}"[:MAX_FORM]),
    "time": lambda text: parse_time(text, text, NOW),
}
REPEATED = [
    '"',
    '"\\',
    "\\",
    "a",
    "a.",
    "a-",
    "-",
    "@",
    "a@",
    "(",
    "()",
    "\\(",
    "<",
    "<<>",
    "< ",
    " ",
    "\t",
    ",",
    "é",
]
REPEATED += [
    "+",
    "+20",
    "1",
    "1 ",
    "+1 ",
    "1,",
    "/",
    "/id=",
    "=",
    ":",
    ";",
    "\n",
    "1:",
    "[text]",
    "[/text]",
    "é.",
]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("size", [9_000, 300_000])  # mailboxes refuses the second unread
@pytest.mark.parametrize("parser", PARSERS)
def test_the_time_grows_with_the_length_only(parser: str, size: int) -> None:
    """What took steps by the square of the length would take minutes here."""
    for fragment in REPEATED:
        for head, tail in (
            ("", ""),
            ("a", "@b"),
            ('"', '"@b'),
            ("<", ">"),
            ("a@", "!"),
            ("[text]", "[/text]"),
        ):
            text = f"{head}{fragment * (size // len(fragment))}{tail}"
            try:
                PARSERS[parser](text)
            except (ValueError, MailError):
                continue
