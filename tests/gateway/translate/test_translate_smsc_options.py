"""Options of the SMSC service that a message carries."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.service import OPTIONS_TAG, SERVICE_TYPES, has_options, needs_service
from gateway.translate.smsc_options import MAX_OPTIONS, OptionError, Options, options_of, options_tlv
from protocols.smpp import tlv

CONTROLS = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0xD800, 0xE000))}


def octets(form: str | bytes) -> bytes:
    return tlv.write_stream([(OPTIONS_TAG, form.encode() if isinstance(form, str) else form)])


def refused(form: str | bytes, service_type: str = "") -> str:
    with pytest.raises(OptionError) as caught:
        options_of(service_type, octets(form))
    return str(caught.value)


def test_options_are_a_form_with_percent_encoded_utf_8() -> None:
    options = options_of("", octets("mms=1&subj=%D0%94%D0%B0+%2B1"))
    assert options == Options(kind="mms", parameters=(("mms", "1"), ("subj", "Да +1")))
    assert options.get("subj") == "Да +1"
    assert options.get("translit") == ""


def test_the_order_of_options_and_what_is_off_make_no_difference() -> None:
    assert options_of("", octets("tinyurl=1&flash=1&soc=0")) == options_of("", octets("flash=1&tinyurl=1"))


@pytest.mark.parametrize("service_type", sorted(SERVICE_TYPES - {"MAIL"}))
def test_a_service_type_names_the_kind(service_type: str) -> None:
    kind = {"WHATS": "whatsapp"}.get(service_type, service_type.lower())
    assert options_of(service_type, b"") == Options(kind=kind, parameters=((kind, "1"),))


def test_other_service_types_and_tlvs_mean_nothing_to_the_service() -> None:
    assert options_of("CMT", tlv.write_stream([(tlv.USER_MESSAGE_REFERENCE, b"\0\1")])) == Options()


def test_mail_needs_an_address_and_a_subject() -> None:
    form = "mail=1&to=a%40example.org&sender=b%40example.org&subj=Hello"
    options = options_of("", octets(form))
    assert (options.kind, options.to, options.sender) == ("mail", "a@example.org", "b@example.org")
    assert options.parameters == (("mail", "1"), ("subj", "Hello"))
    assert options_of("MAIL", octets("to=a@example.org&subj=Hello")).kind == "mail"
    assert refused("mail=1&subj=Hello") == "option_to"
    assert refused("mail=1&to=a@example.org") == "option_subj"
    assert refused("mail=1&to=a@b.org,c@d.org&subj=x") == "option_to"
    assert refused("mail=1&to=a@b.org&subj=x&sender=Example") == "option_sender"


@pytest.mark.parametrize("to", ["alex_nick", "#1122334455"])
def test_a_bot_writes_to_names_and_ids(to: str) -> None:
    options = options_of("", octets(f"bot=@mybot_bot&smsreq=25&to={to}"))
    assert (options.kind, options.to) == ("bot", to)
    assert options.parameters == (("bot", "@mybot_bot"), ("smsreq", "25"))


@pytest.mark.parametrize("to", ["G777", "g1", "nick,other", "79991234567", "a b", "@nick"])
def test_a_bots_recipient_is_no_list_no_group_and_no_other_number(to: str) -> None:
    """The number is the message's destination, which has been checked and has a route."""
    assert refused(f"bot=@mybot_bot&to={to}") == "option_to"


def test_only_mail_and_bots_have_a_recipient_of_their_own() -> None:
    assert refused("viber=1&to=79991234567") == "option_to"
    assert refused("viber=1&sender=Other") == "option_sender"
    assert options_of("CALL", octets("sender=79990000000")).sender == "79990000000"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "login",
            "psw",
            "apikey",
            "phones",
            "mes",
            "list",
            "id",
            "fmt",
            "charset",
            "cost",
            "err",
            "op",
            "nl",
        ),
        *("bin", "del", "user", ""),
    ],
)
def test_nothing_but_the_listed_names_passes(name: str) -> None:
    assert refused(f"{name}=1") == "unknown_option"


@pytest.mark.parametrize(
    "option",
    [
        *("translit=2", "tinyurl=1", "flash=1", "tz=-15", "tz=11", "tz=%2B3", "tz=0"),
        *("time=0101271200", "time=01.01.27 12:00", "time=9-21", "time=01735689600", "time=%2B30", "time=0"),
        *("period=0.1", "period=720", "freq=1", "freq=1440", "valid=1", "valid=24", "valid=00:01"),
        *("valid=24:00", "maxsms=1", "maxsms=255", "subj=x", "fileurl=http://example.org/a.wav", "pp=7"),
        *("smsreq=10", "smsreq=999", "voice=m", "voice=w4", "voice=m,en", "param=20,10,3", "param=99,3600,9"),
        *("userip=192.0.2.1", "userip=2001:db8::1", "imgcode=aB3&userip=192.0.2.1", "comment=order 17"),
    ],
)
def test_values_that_the_service_understands(option: str) -> None:
    assert options_of("", octets(option))


@pytest.mark.parametrize(
    "option",
    [
        *("translit=3", "tinyurl=2", "tinyurl=", "flash=yes", "tz=12", "tz=-16", "tz=x", "tz=--1", "tz="),
        *("time=tomorrow", "time=3213271200", "time=0113272400", "time=21-9", "time=9-25", "time=+30"),
        *(
            "period=0",
            "period=0.09",
            "period=721",
            "period=1e2",
            "freq=0",
            "freq=1441",
            "valid=0",
            "valid=25",
        ),
        *("valid=00:00", "valid=24:01", "valid=1:60", "maxsms=0", "maxsms=256", "subj=", "subj=a%0Ab"),
        *(
            "fileurl=file:///etc/passwd",
            "fileurl=http://a b",
            "smsreq=9",
            "smsreq=1000",
            "voice=x",
            "voice=m5",
        ),
        *(
            "voice=m,english",
            "param=20,10",
            "param=100,10,3",
            "param=20,3601,3",
            "param=20,10,10",
            "param=a,b,c",
        ),
        *("userip=300.1.1.1", "imgcode=a-b", "pp=0", "pp=x", "comment=", "comment=a%0A~~~%0Ab", "bot=mybot"),
        "translit=²",
    ],
)
def test_values_that_the_service_would_refuse_or_take_for_others(option: str) -> None:
    assert refused(option) == "option_" + option.partition("=")[0]


def test_a_captcha_goes_with_the_address_of_its_user() -> None:
    assert refused("imgcode=abc") == "option_userip"


def test_one_message_is_of_one_kind() -> None:
    assert refused("viber=1&call=1") == "two_kinds"
    assert refused("viber=1", "HLR") == "two_kinds"
    assert refused("bot=@b&soc=1") == "two_kinds"


@pytest.mark.parametrize("form", ["viber", "viber=1&&flash=0", "flash=1&flash=1", "subj=%", "subj=%4x", "&"])
def test_what_is_no_form_is_refused(form: str) -> None:
    assert refused(form) == "malformed_options"


def test_other_refusals() -> None:
    assert refused(b"subj=\xff") == "options_not_utf_8"
    assert refused("subj=%FF") == "options_not_utf_8"
    assert refused("comment=" + "a" * MAX_OPTIONS) == "options_too_long"
    with pytest.raises(OptionError, match="options_twice"):
        options_of("", octets("flash=1") + octets("tinyurl=1"))


def test_a_nul_at_the_end_is_what_some_libraries_write() -> None:
    assert options_of("", octets(b"flash=1\0")).kind == "flash"
    assert options_of("", octets(b"\0")) == Options()


@given(st.dictionaries(st.sampled_from(["subj", "comment"]), st.text(min_size=1, max_size=60)))
def test_what_is_written_is_read_again(values: dict[str, str]) -> None:
    values = {name: text for name, text in values.items() if not set(text) & CONTROLS}
    options = options_of("", options_tlv(values.items()))
    assert options.comment == values.get("comment", "")
    assert options.get("subj") == values.get("subj", "")


@given(st.binary(max_size=80))
def test_only_option_errors_escape(form: bytes) -> None:
    with contextlib.suppress(OptionError):
        options_of("", octets(form))


def test_a_message_that_needs_the_service_is_known_by_its_type_or_a_whole_tag() -> None:
    other = tlv.write_stream([(tlv.SOURCE_PORT, b"\x21\x00"), (0x1400, b"")])
    assert not needs_service("", b"")
    assert not needs_service("CMT", other)
    assert needs_service("HLR", b"")
    assert needs_service("", other + octets("flash=1"))
    assert has_options(octets(""))
