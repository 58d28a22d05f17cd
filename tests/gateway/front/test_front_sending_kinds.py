"""send.php: kinds of messages, binary ones, options of texts, short links."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from front_sending import OTHER, PHONE, SendDesk

from gateway.core.errors import Refusal
from gateway.core.model import Message
from gateway.translate.smsc_options import options_of
from protocols.sms import udh
from protocols.sms.alphabet import decode, for_data_coding
from protocols.sms.wap_push import PUSH_PORT, read

EMS = "050A0307056048656C6C6F2C20576F726C6421"
WAP = "0605040B8423F0DC0601AE02056A0045C60C037761702E72752F0001037761702E7275000101"
LINK = "https://example.org/a?b=c"
SHORT = "https://s.example.org/l/"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SendDesk]:
    made = SendDesk(tmp_path)
    yield made
    made.close()


def text_of(message: Message) -> str:
    return decode(message.user_data, for_data_coding(message.data_coding))


# -- of any connector ----------------------------------------------------------------------------------------


def test_flash_is_class_0(desk: SendDesk) -> None:
    desk.ask(flash="1", id="a")
    desk.ask(flash="1", mes="Привет", id="b")
    assert [message.data_coding for message in desk.messages()] == [0x10, 0x18]
    assert [row[4] for row in desk.notes()] == [1, 1]


def test_hexadecimal_octets_with_their_header(desk: SendDesk) -> None:
    desk.ask(mes=EMS, bin="2")
    message = desk.message()
    assert (message.esm_class, message.data_coding, message.protocol_id) == (0x40, 4, 0)
    assert message.user_data == bytes.fromhex(EMS)
    assert desk.notes()[0][4] == 2


def test_octets_without_a_header(desk: SendDesk) -> None:
    desk.ask(mes="\0\x01\xff", bin="1")
    message = desk.message()
    assert (message.esm_class, message.data_coding, message.user_data) == (0, 4, b"\x01\xff")


def test_pid_and_dcs_stand_behind_the_octets(desk: SendDesk) -> None:
    desk.ask("full", mes="0041\n~~~\npid: 17, dcs: 245", bin="2")
    message = desk.message()
    assert (message.protocol_id, message.data_coding, message.user_data) == (17, 245, b"A")


def test_long_binary_messages_are_counted_in_parts(desk: SendDesk) -> None:
    assert desk.ask(mes="00" + "41" * 141, bin="2")["cnt"] == 2


def test_wap_push_and_what_else_handsets_obey_needs_the_right_to_it(desk: SendDesk) -> None:
    pushes: tuple[dict[str, str], ...] = (
        {"mes": WAP, "bin": "2"},
        {"mes": "http://wap.example.org\nWAP", "push": "1"},
    )
    for place, push in enumerate(pushes):
        assert desk.refused(**push) == (6, 2 * place + 1)
        assert desk.ask("full", **push)["cnt"] == 1
    assert desk.refused("full", mes="0041\n~~~\npid: 64, dcs: 4", bin="2") == (6, 5)
    assert {row[2] for row in desk.registered()} == {Refusal.SPECIAL.value}


def test_a_push_is_made_of_its_link_and_its_title(desk: SendDesk) -> None:
    desk.ask("full", mes="http://wap.example.org/\nWAP", push="1")
    elements, body = udh.parse(desk.message().user_data)
    assert elements[0][1][:2] == PUSH_PORT.to_bytes(2, "big")
    push = read(body)
    assert (push.attributes["href"], push.text) == ("http://wap.example.org/", "WAP")
    assert desk.refused("full", mes="no link here\n", push="1") == (1, None)


# -- options of texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "written"), [("0", "Щи"), ("1", "Shchi"), ("2", "u")])
def test_russian_in_latin_letters(desk: SendDesk, how: str, written: str) -> None:
    desk.ask(mes="Щи", translit=how)
    text = text_of(desk.message())
    assert text == written or (how == "2" and text.isascii() and text.endswith("u"))


def test_parts_of_a_long_text_and_the_cut(desk: SendDesk) -> None:
    assert desk.ask(mes="x" * 161, id="a")["cnt"] == 2
    assert desk.ask(mes="Я" * 71, id="b")["cnt"] == 2
    assert desk.ask(mes="x" * 161, maxsms="1", id="c")["cnt"] == 1
    assert desk.ask(mes="x" * 150 + "Я" * 20, maxsms="1", id="d")["cnt"] == 1
    assert desk.ask(mes="x" * 500 + "\U0001f600", maxsms="2", id="e")["cnt"] == 2
    texts = [text_of(message) for message in desk.messages()[2:]]
    assert texts == ["x" * 160, "x" * 150, "x" * 306]


def test_comments_are_not_sent(desk: SendDesk) -> None:
    desk.ask(mes="hello\n~~~\nfor Example")
    assert text_of(desk.message()) == "hello"
    assert desk.notes()[0][-2] == "for Example"


def test_links_are_short_and_each_number_has_its_own(desk: SendDesk) -> None:
    desk.ask(mes=f"see {LINK}. and {LINK}", tinyurl="1", phones=f"{PHONE},{OTHER},12")
    texts = [text_of(message) for message in desk.messages()]
    assert len({*texts}) == 2 and all(text.startswith(f"see {SHORT}") and ". and " in text for text in texts)
    (batch,) = desk.journal.batches
    ids = [message.message_id for message in desk.messages()]
    assert [row[-1] for row in batch.short_links] == [ids[0], ids[0], ids[1], ids[1]]
    assert {row[2] for row in batch.short_links} == {LINK}


def test_a_request_that_is_refused_leaves_no_links(desk: SendDesk) -> None:
    assert desk.refused(mes=f"see {LINK}", tinyurl="1", flash="1", list=f"{PHONE}:see {LINK}\n{OTHER}:") == (
        1,
        None,
    )
    assert not len(desk.journal.batch)
    assert desk.ask(mes=f"see {LINK}", tinyurl="1", cost="1") == {"cost": "0.00", "cnt": 1}
    assert not len(desk.journal.batch)


def test_a_request_has_so_many_links(desk: SendDesk) -> None:
    phones = ",".join(f"+7999{number:07}" for number in range(250))
    text = "http://a.b " * 90
    assert desk.refused(mes=text, tinyurl="1", phones=phones) == (1, None)
    assert not len(desk.journal.batch) and not desk.journal.batches


def test_without_an_address_for_them_no_links_are_short(tmp_path: Path) -> None:
    desk = SendDesk(tmp_path, links=False)
    assert desk.refused(mes=f"see {LINK}", tinyurl="1") == (1, None)
    assert desk.ask(mes="no link", tinyurl="1")["cnt"] == 1
    assert desk.ask(mes=f"see {LINK}")["cnt"] == 1
    desk.close()


# -- of a service alone --------------------------------------------------------------------------------------


KINDS: list[tuple[dict[str, str], int, dict[str, str]]] = [
    ({"hlr": "1"}, 4, {"hlr": "1"}),
    ({"ping": "1"}, 5, {"ping": "1"}),
    ({"mms": "1", "subj": "Privet"}, 6, {"mms": "1", "subj": "Privet"}),
    ({"mms": "1", "subj": "Privet", "mes": ""}, 6, {"mms": "1", "subj": "Privet"}),
    (
        {"call": "1", "voice": "w,en", "param": "20,10,3"},
        7,
        {"call": "1", "voice": "w,en", "param": "20,10,3"},
    ),
    ({"call": "1", "param": "500,1,1"}, 7, {"call": "1"}),
    (
        {"call": "1", "mes": "", "fileurl": "http://example.org/a.wav"},
        7,
        {"call": "1", "fileurl": "http://example.org/a.wav"},
    ),
    ({"viber": "1", "mes": "Hi {button,https://example.org,go}"}, 10, {"viber": "1"}),
    ({"soc": "1", "translit": "1"}, 12, {"soc": "1"}),
    ({"whatsapp": "1"}, 0, {"whatsapp": "1"}),
    ({"bot": "@my_bot", "smsreq": "25"}, 0, {"bot": "@my_bot", "smsreq": "25"}),
    ({"mes": "__CALL__: hello\n~~~\n20,10,3"}, 7, {"call": "1", "param": "20,10,3"}),
    ({"mes": "__VIBER__: hello\n~~~\nnote"}, 10, {"viber": "1"}),
    ({"mes": "__SOC__: hello"}, 12, {"soc": "1"}),
    ({"mes": "__PING__"}, 5, {"ping": "1"}),
    ({"mes": "__HLR__"}, 4, {"hlr": "1"}),
    ({"call": "1", "mes": "start\n{menu: say\n0: repeat\n1: end\n}\nend"}, 7, {"call": "1"}),
    ({"mes": "__BOT__: hello"}, 0, {}),
]


NAMES = (
    *("hlr", "ping", "mms", "mms without a text", "call", "call with odd times", "call with a file"),
    *("viber button", "soc", "whatsapp", "bot", "__CALL__", "__VIBER__", "__SOC__", "__PING__", "__HLR__"),
    *("call with a menu", "__BOT__"),
)


@pytest.mark.parametrize(("params", "code", "options"), KINDS, ids=NAMES)
def test_kinds_go_to_a_service_as_its_options(
    desk: SendDesk, params: dict[str, str], code: int, options: dict[str, str]
) -> None:
    assert "id" in desk.ask("full", **params)
    message = desk.message()
    assert (message.connector, message.destination) == ("svc", PHONE)
    assert dict(options_of("", message.tlvs).parameters) == options
    assert desk.notes()[0][4] == code
    assert message.segments == 1
    given = params.get("mes", "hello")
    if not given.startswith("__") and "hlr" not in params and "ping" not in params:
        assert text_of(message) == given


@pytest.mark.parametrize(("params", "code", "options"), KINDS[:1] + KINDS[11:12] + KINDS[-1:])
def test_who_may_not_ask_for_them_is_told_error_6(
    desk: SendDesk, params: dict[str, str], code: int, options: dict[str, str]
) -> None:
    assert desk.refused(**params) == (6, 1)
    assert desk.registered()[0][2] == Refusal.SERVICE_OPTIONS.value
    assert desk.notes()[0][4] == code


@pytest.mark.parametrize("given", [{"mail": "1"}, {"mes": "__MAIL__: hello"}], ids=["mail", "__MAIL__"])
def test_mail_goes_to_an_address(desk: SendDesk, given: dict[str, str]) -> None:
    mail = {"phones": "Alex@Example.org,12", "subj": "Hi", "sender": "app@example.org", **given}
    assert desk.ask("full", **mail)["cnt"] == 1
    message = desk.message()
    assert options_of("", message.tlvs).to == "alex@example.org"
    assert (message.destination, message.source) == ("", "app@example.org")
    assert desk.registered() == [("12", 8, Refusal.DESTINATION.value)]
    for missing in ("subj", "sender"):
        wanted = {name: value for name, value in mail.items() if name != missing}
        assert desk.refused("full", **wanted) == (1, None)
    assert desk.refused("full", **{**mail, "sender": "Example"}) == (6, 2)


def test_a_bot_takes_names_numbers_and_phones(desk: SendDesk) -> None:
    assert desk.ask("full", bot="@my_bot", phones=f"alex_nick,#1122334455,+{PHONE}")["cnt"] == 3
    seen = [(options_of("", m.tlvs).to, m.destination) for m in desk.messages()]
    assert seen == [("alex_nick", ""), ("#1122334455", ""), ("", PHONE)]
    assert [row[2] for row in desk.notes()] == ["alex_nick", "#1122334455", PHONE]


def test_a_comment_goes_with_what_a_service_sends(desk: SendDesk) -> None:
    desk.ask("full", viber="1", mes="hello\n~~~\nfor Example")
    message = desk.message()
    assert options_of("", message.tlvs).comment == "for Example"
    assert desk.notes()[0][-2] == "for Example"


def test_seconds_of_a_call_are_counted(desk: SendDesk) -> None:
    assert desk.ask("full", call="1", mes="x" * 31)["cnt"] == 3
    assert desk.notes()[0][5] == 3
    assert desk.ask("full", call="1", mes="x" * 31, cost="1")["cnt"] == 3


@pytest.mark.parametrize(
    "params",
    [
        {"bot": "no bot"},
        {"viber": "1", "mes": ""},
        {"call": "1", "voice": "x9"},
        {"soc": "1", "mes": " "},
        {"mes": "__BOT__: "},
    ],
)
def test_what_a_service_would_not_take_is_error_1(desk: SendDesk, params: dict[str, Any]) -> None:
    assert desk.refused("full", **params) == (1, None)
