"""The service's own mail form, where an SMSC service can be asked for all that it names."""

from __future__ import annotations

import pytest
from gateway_fakes import NOW_MS
from test_translate_mail_submit import ABOUT, resolve

from gateway.core.model import Draft, Notify
from gateway.core.service import needs_service
from gateway.translate import mail_service
from gateway.translate.mail_submit import recipient_of
from gateway.translate.smsc_send import Line, line_of
from protocols.mail.errors import MailError

PHONE = "79991234567"
MAY = ABOUT._replace(may_service=True)


def drafts(text: str, source: str = "Usual") -> list[Draft]:
    return mail_service.drafts_of(
        mail_service.parse(text),
        resolve=resolve,
        source=source,
        max_segments=1,
        max_numbers=10,
        notify=Notify.FAILURE,
        now_ms=NOW_MS,
        about=MAY,
    )


def line(text: str, source: str = "Usual") -> Line:
    """What the service is asked for by a form with one recipient."""
    [draft] = drafts(text, source)
    assert needs_service(draft.service_type, draft.tlvs)
    assert draft.segments == 1
    return line_of(draft, NOW_MS, may_command=True)


def refused(text: str, source: str = "Usual") -> str:
    with pytest.raises(MailError) as caught:
        drafts(text, source)
    return str(caught.value)


@pytest.mark.parametrize(
    ("number", "parameter"), [(2, "push"), (7, "mms"), (9, "call"), (10, "viber"), (11, "soc")]
)
def test_formats_are_parameters(number: int, parameter: str) -> None:
    one = line(f"app:pw:::0,{number}:{PHONE}:Hello: there")
    assert (one.to, one.text, one.group) == (f"+{PHONE}", "Hello: there", ((parameter, "1"),))


@pytest.mark.parametrize(("number", "parameter"), [(3, "hlr"), (6, "ping")])
def test_what_has_no_text_drops_it(number: int, parameter: str) -> None:
    for text in ("", "ignored", "ignored\n~~~\ncomment"):
        one = line(f"app:pw:::0,{number}:{PHONE}:{text}")
        assert one.text == ""
        assert (parameter, "1") in one.group


@pytest.mark.parametrize(
    ("text", "said", "parameter"),
    [
        ("__VIBER__: Hello", "Hello", "viber"),
        ("__SOC__:Hello", "Hello", "soc"),
        ("__HLR__", "", "hlr"),
        ("__PING__", "", "ping"),
    ],
)
def test_prefixes_are_the_same_parameters(text: str, said: str, parameter: str) -> None:
    one = line(f"app:pw::::{PHONE}:{text}")
    assert one.text == said
    assert (parameter, "1") in one.group


def test_a_long_text_is_no_matter_of_segments() -> None:
    assert len(line(f"app:pw:::0,10:{PHONE}:" + "ы" * 1000).text) == 1000


def test_a_list_may_mix_kinds() -> None:
    sms, call, group = "plain", "__CALL__: spoken", "flash"
    found = drafts(f"app:pw:::::{PHONE}:{sms}\n{PHONE}:{call}\nG1:{group}")
    assert [(draft.destination, bool(draft.tlvs)) for draft in found] == [
        (PHONE, False),
        (PHONE, True),
        ("79990000001", False),
        ("79990000002", False),
    ]


def test_a_call_has_its_param_behind_the_text_and_only_a_number_for_a_sender() -> None:
    one = line(f"app:pw:::0,9:{PHONE}:Hello\n~~~\n20, 10, 3")
    assert (one.text, one.sender) == ("Hello", "")
    assert one.group == (("call", "1"), ("param", "20,10,3"))
    assert line(f"app:pw:::0,9,79990000000:{PHONE}:Hello").sender == "79990000000"
    assert refused(f"app:pw:::0,9:{PHONE}:Hello\n~~~\n20,10") == (
        "550 5.5.4 the service does not take this: option_param"
    )


def test_other_comments_go_to_the_service() -> None:
    assert line(f"app:pw:::0,10:{PHONE}:Hello\n~~~\nfor the\nbooks").text == "Hello\n~~~\nfor the books"


def test_transliteration_is_the_services() -> None:
    one = line(f"app:pw:::2,10:{PHONE}:Привет")
    assert (one.text, one.group) == ("Привет", (("translit", "2"), ("viber", "1")))


def test_e_mail_goes_to_addresses_with_the_mails_subject() -> None:
    first, second = drafts("app:pw:::0,8,shop@example.org:a@example.net,b@example.net:Hello")
    assert (first.destination, first.source) == ("", "shop@example.org")
    assert recipient_of(first) == "a@example.net"
    one = line_of(second, NOW_MS, may_command=True)
    assert (one.to, one.sender, one.text) == ("b@example.net", "shop@example.org", "Hello")
    assert one.group == (("mail", "1"), ("subj", "Hello there"))


def test_e_mail_has_its_author_for_a_sender_if_the_form_names_none() -> None:
    assert line("app:pw:::0,8:a@example.net:Hello").sender == "alex@example.org"
    nobody = MAY._replace(author="", subject="")
    form = mail_service.parse("app:pw:::0,8:a@example.net:One\ntwo")
    with pytest.raises(MailError, match=r"^550 5\.5\.4 e-mail needs a sender"):
        mail_service.drafts_of(
            form,
            resolve=resolve,
            source="Usual",
            max_segments=1,
            max_numbers=1,
            notify=Notify(0),
            now_ms=NOW_MS,
            about=nobody,
        )


@pytest.mark.parametrize("phone", [PHONE, "G1", "a@b@c", "a b@example.org"])
def test_e_mail_to_what_is_no_address_is_refused(phone: str) -> None:
    assert refused(f"app:pw:::0,8:{phone}:Hello").startswith("550 5.1.3 ")


@pytest.mark.parametrize("user", ["#1122334455", "alex_nick"])
def test_a_bots_message_goes_as_it_is_to_users_of_telegram(user: str) -> None:
    [draft] = drafts(f"app:pw::::{user}:__BOT__: Hello\n~~~\ncomment")
    assert recipient_of(draft) == user
    one = line_of(draft, NOW_MS, may_command=True)
    assert (one.to, one.text, one.group) == (user, "__BOT__: Hello\n~~~\ncomment", ())
    assert one.alone


def test_a_bots_message_goes_to_numbers_and_groups_as_well() -> None:
    found = drafts(f"app:pw::::{PHONE},G1:__BOT__: Hello")
    assert [draft.destination for draft in found] == [PHONE, "79990000001", "79990000002"]
    assert all(needs_service(draft.service_type, draft.tlvs) for draft in found)
    assert refused("app:pw::::g777:__BOT__: Hello").startswith("550 5.1.3 ")


def test_what_the_service_would_refuse_is_refused_at_once() -> None:
    assert (
        refused(f"app:pw::::{PHONE}:__CALL__:") == "554 5.6.0 the service does not take this: text_is_missing"
    )
    assert refused("app:pw:::0,10:a@example.net:Hello") == "550 5.1.3 no number"


def test_a_time_and_reports_are_as_with_sms() -> None:
    [draft] = drafts(f"app:pw::+10:0,10:{PHONE}:Hello")
    assert (draft.due_ms, draft.registered_delivery) == (NOW_MS + 600_000, 2)
