"""Who may ask for what only an SMSC service can send."""

from __future__ import annotations

import pytest
from gateway_fakes import NOW_MS, account, draft

from gateway.core.errors import Refusal
from gateway.ingress.service_check import checked
from gateway.translate.smsc_options import options_tlv

VIBER = options_tlv([("viber", "1")])
MAY = account(service_messages=True)


def test_a_message_that_needs_no_service_passes_as_it_is() -> None:
    for plain in (draft(), draft(service_type="CMT"), draft(tlvs=b"\x02\x04\0\2\0\1")):
        assert checked(account(), plain, NOW_MS) is plain


def test_the_others_are_for_accounts_that_may() -> None:
    assert checked(account(), draft(tlvs=VIBER), NOW_MS) is Refusal.SERVICE_OPTIONS
    assert checked(account(), draft(service_type="HLR"), NOW_MS) is Refusal.SERVICE_TYPE
    assert checked(account(), draft(service_type="HLR", tlvs=VIBER), NOW_MS) is Refusal.SERVICE_OPTIONS
    for wanted in (draft(tlvs=VIBER), draft(service_type="HLR", user_data=b""), draft(service_type="CALL")):
        assert checked(MAY, wanted, NOW_MS) is wanted


@pytest.mark.parametrize("options", [("login", "x"), ("tz", "99"), ("to", "79991234567")])
def test_options_that_the_service_would_not_take_are_refused(options: tuple[str, str]) -> None:
    assert checked(MAY, draft(tlvs=options_tlv([options])), NOW_MS) is Refusal.OPTION_VALUE


def test_a_text_that_the_service_could_not_get_is_refused() -> None:
    assert checked(MAY, draft(service_type="VIBER", user_data=b""), NOW_MS) is Refusal.MALFORMED_TEXT
    long = draft(service_type="VIBER", user_data=b"a" * 1001)
    assert checked(MAY, long, NOW_MS) is Refusal.MALFORMED_TEXT


def test_commands_to_the_service_are_allowed_in_such_texts() -> None:
    command = draft(tlvs=options_tlv([("tinyurl", "1")]), user_data=b"__CALL__: hi", data_coding=1)
    assert checked(MAY, command, NOW_MS) is command


def test_a_sender_among_the_options_is_one_of_the_accounts() -> None:
    options = [("mail", "1"), ("to", "a@example.org"), ("subj", "x"), ("sender", "b@example.org")]
    wanted = draft(tlvs=options_tlv(options))
    assert checked(MAY, wanted, NOW_MS) is wanted
    narrow = account(service_messages=True, allowed_sources=("Example",))
    assert checked(narrow, wanted, NOW_MS) is Refusal.SOURCE
    wide = account(service_messages=True, allowed_sources=("Example", "b@example.org"))
    assert checked(wide, wanted, NOW_MS) is wanted
