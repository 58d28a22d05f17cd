"""send.php of the simulated service: each kind of message and each parameter."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from http_simulator_support import OTHER, PHONE, START, Bench

from gateway.simulator.smsc_http.model import SentMessage
from protocols.smsc_http.answers import parse
from protocols.smsc_http.forms import File, format_multipart
from protocols.smsc_http.requests import Credentials, encode_rest

ALEX = "/sys/send.php?login=alex&psw=123"
HOUR = 3600


def only(bench: Bench) -> SentMessage:
    [message] = bench.service.store.messages
    return message


def error(answer: Any) -> int:
    number = answer["error_code"]
    assert isinstance(number, int)
    return number


KINDS: dict[str, tuple[dict[str, str], int, str | None]] = {
    "text": ({"mes": "Hello!"}, 0, "Hello!"),
    "flash": ({"mes": "Hello!", "flash": "1"}, 1, "Hello!"),
    "bin": ({"mes": "050A0307056048656C6C6F2C20576F726C6421", "bin": "2"}, 2, None),
    "push": ({"mes": "http://wap.ru\nWAP.RU", "push": "1"}, 3, "http://wap.ru\nWAP.RU"),
    "hlr": ({"mes": "", "hlr": "1"}, 4, ""),
    "ping": ({"mes": "", "ping": "1"}, 5, ""),
    "mms": ({"mes": "Hello", "subj": "Privet", "mms": "1"}, 6, "Hello"),
    "call": ({"mes": "Hello world!", "call": "1", "voice": "m", "param": "20,10,3"}, 7, "Hello world!"),
    "viber": ({"mes": "Hello", "viber": "1"}, 10, "Hello"),
    "viber button": ({"mes": "Hello {button,https://smscentre.com,site}", "viber": "1"}, 10, None),
    "soc": ({"mes": "Hello", "soc": "1"}, 12, "Hello"),
    "whatsapp": ({"mes": "Hello", "whatsapp": "1"}, 0, "Hello"),
    "__CALL__": ({"mes": "__CALL__: Privet"}, 7, "Privet"),
    "__VIBER__": ({"mes": "__VIBER__: Privet"}, 10, "Privet"),
    "__SOC__": ({"mes": "__SOC__: Privet"}, 12, "Privet"),
    "__BOT__": ({"mes": "__BOT__: Privet"}, 0, "Privet"),
    "__PING__": ({"mes": "__PING__"}, 5, ""),
    "__HLR__": ({"mes": "__HLR__"}, 4, ""),
}


@pytest.mark.parametrize(("params", "type", "text"), KINDS.values(), ids=list(KINDS))
def test_flags_and_prefixes_choose_the_kind(params: dict[str, str], type: int, text: str | None) -> None:
    bench = Bench()
    bench.send(**params)
    message = only(bench)
    assert (message.type, message.flag, message.phone) == (type, type, PHONE)
    assert message.text == (params["mes"] if text is None else text)


@pytest.mark.parametrize(
    ("params", "kind"),
    [({"whatsapp": "1"}, "whatsapp"), ({"mes": "__BOT__: Privet"}, "bot")],
    ids=["whatsapp", "__BOT__"],
)
def test_what_has_no_code_of_its_own_is_no_sms_all_the_same(params: dict[str, str], kind: str) -> None:
    bench = Bench()
    bench.send(**params)
    assert only(bench).extra == {"kind": kind}
    assert only(bench).cost != Decimal(str(bench.send(cost="1")["cost"]))


@pytest.mark.parametrize("mes", ["Hello", "__MAIL__: Hello"], ids=["mail", "__MAIL__"])
def test_a_mail_goes_to_an_address(mes: str) -> None:
    bench = Bench()
    mail = {} if mes.startswith("__") else {"mail": "1"}
    bench.send(phones="Alex@mysite.com", mes=mes, subj="Privet", sender="alex2@mysite2.com", **mail)
    message = only(bench)
    assert (message.type, message.phone, message.text) == (8, "alex@mysite.com", "Hello")
    assert bench.status(1, "Alex@mysite.com")["status"] == -1


@pytest.mark.parametrize(
    "recipient", ["alex_nick", "#1122334455", "79161234567"], ids=["name", "id", "phone"]
)
def test_a_bot_takes_names_numbers_and_phones(recipient: str) -> None:
    bench = Bench()
    bench.send(phones=recipient, mes="Hi", bot="@mybot_bot", smsreq="25")
    message = only(bench)
    assert (message.phone, message.status) == (recipient, -1)
    assert message.extra == {"kind": "bot", "bot": "@mybot_bot", "smsreq": "25"}


@pytest.mark.parametrize(
    "params",
    [
        {"mes": ""},
        {"phones": ""},
        {"mes": "x" * 1001},
        {"flash": "2"},
        {"flash": "1", "viber": "1"},
        {"bin": "2", "mes": "hello"},
        {"bin": "2", "mes": "09AA"},
        {"mail": "1", "phones": "a@example.org", "subj": "s", "sender": ""},
        {"mail": "1", "phones": "a@example.org", "sender": "b@example.org"},
        {"mms": "1", "mes": ""},
        {"call": "1", "mes": ""},
        {"id": "not good"},
        {"id": "2147483648"},
        {"id": "x" * 41},
        {"cost": "4"},
        {"translit": "3"},
        {"smsreq": "9"},
        {"pp": "me"},
        {"maxsms": "many"},
        {"period": "1000"},
        {"period": "1", "freq": "9999"},
        {"fileurl": "ftp://example.org/a"},
        {"phones": "G777"},
        {"list": "no colon here"},
    ],
)
def test_what_makes_no_sense_is_error_1(params: dict[str, str]) -> None:
    bench = Bench()
    assert error(bench.send(**params)) == 1
    assert bench.service.store.accepted == 0


def test_several_recipients_share_the_id_and_each_has_a_message() -> None:
    bench = Bench()
    answer = bench.send(phones=f"{PHONE}; +{OTHER},{PHONE}", mes="x" * 161)
    assert answer == {"id": 1, "cnt": 4}
    assert [message.phone for message in bench.service.store.messages] == [PHONE, OTHER]
    assert {message.id for message in bench.service.store.messages} == {1}


@pytest.mark.parametrize(
    ("given", "phone"),
    [
        ("89161234567", "79161234567"),
        ("9161234567", "79161234567"),
        ("8 (916) 123-45-67", "79161234567"),
        ("+491701234567", "491701234567"),
        ("00491701234567", "491701234567"),
    ],
)
def test_numbers_are_corrected(given: str, phone: str) -> None:
    bench = Bench()
    bench.send(phones=given)
    assert only(bench).phone == phone


def test_a_plus_says_that_nothing_is_to_be_corrected() -> None:
    bench = Bench()
    bench.send(phones="+9161234567")
    assert only(bench).phone == "9161234567"


def test_a_group_is_sent_to_by_its_number() -> None:
    bench = Bench()
    group = bench.json("phones", add_group="1", name="Friends", num="777")["id"]
    for phone in (PHONE, OTHER):
        bench.json("phones", add="1", phone=phone, name=f"C{phone}", grp=str(group))
    assert bench.send(phones="g777,79031234567")["cnt"] == 3
    assert {message.phone for message in bench.service.store.messages} == {PHONE, OTHER, "79031234567"}


def test_the_blacklist_holds() -> None:
    bench = Bench()
    bench.json("phones", add_black="1", phone=PHONE)
    assert error(bench.send(id="4")) == 8
    assert bench.status(4)["err"] == 250


def test_a_list_has_a_text_for_each_line_and_one_id() -> None:
    bench = Bench()
    reply = bench.get(f"{ALEX}&list=79999999999:Hello!%0A79999999998:Hello\\nworld!&fmt=1")
    assert reply.body == b"1,2"
    assert [(message.phone, message.text) for message in bench.service.store.messages] == [
        ("79999999999", "Hello!"),
        ("79999999998", "Hello\nworld!"),
    ]


def test_comments_in_a_list_are_not_sent() -> None:
    bench = Bench()
    list_ = "list=79999999999:Hello1!\\n~~~\\nComment1%0A78888888888:Hello2!\\n~~~\\nComment2"
    bench.get(f"{ALEX}&{list_}&fmt=1")
    assert [(message.text, message.comment) for message in bench.service.store.messages] == [
        ("Hello1!", "Comment1"),
        ("Hello2!", "Comment2"),
    ]
    assert bench.status(1, "78888888888", all="1")["comment"] == "Comment2"


def test_heads_of_lines_give_sender_and_zone() -> None:
    bench = Bench()
    bench.json("send", list=f"ivan,2|{PHONE}:one\npetr|{OTHER}:two", time="0101251200")
    first, second = bench.service.store.messages
    assert (first.sender, second.sender) == ("ivan", "petr")
    assert second.sent_at - first.sent_at == 2 * HOUR


def test_with_nl_line_feeds_of_texts_are_real() -> None:
    bench = Bench()
    bench.json("send", list=f"{PHONE}:one\nmore of it\n{OTHER}:two", nl="1")
    assert [message.text for message in bench.service.store.messages] == ["one\nmore of it", "two"]


TIMES = {
    "digits": ("0101250400", "", HOUR),
    "dots": ("01.01.25 04:00", "", HOUR),
    "past in its zone": ("0101250400", "1", 0),
    "of its zone": ("0101250500", "1", HOUR),
    "timestamp": (f"0{int(START) + 90}", "", 90),
    "minutes": ("+15", "", 900),
    "window to come": ("9-18", "", 6 * HOUR),
    "window open": ("2-4", "", 0),
    "window closed": ("1-3", "", 22 * HOUR),
    "zero": ("0", "", 0),
    "past": ("0101240400", "", 0),
}


@pytest.mark.parametrize(("time", "tz", "after_s"), TIMES.values(), ids=list(TIMES))
def test_a_message_waits_for_its_time(time: str, tz: str, after_s: float) -> None:
    bench = Bench(operator_ms=0, final_ms=0)
    bench.send(time=time, tz=tz)
    assert only(bench).sent_at == START + after_s
    bench.pass_(after_s - 1 if after_s else 0)
    assert bench.status(1)["status"] == (-1 if after_s else 1)
    bench.pass_(1)
    assert bench.status(1)["status"] == 1


@pytest.mark.parametrize(
    "params", [{"time": "tomorrow"}, {"time": "22-6"}, {"tz": "x", "time": "0101250400"}, {"valid": "25"}]
)
def test_a_bad_time_is_error_5(params: dict[str, str]) -> None:
    assert error(Bench().send(**params)) == 5


def test_period_and_freq_spread_the_recipients() -> None:
    bench = Bench()
    phones = ",".join(f"7916123456{digit}" for digit in range(4))
    bench.send(phones=phones, period="1", freq="30")
    assert [message.sent_at - START for message in bench.service.store.messages] == [0, 0, 1800, 1800]
    bench.send(phones=phones, period="1", mes="without steps")
    assert [message.sent_at - START for message in bench.service.store.messages][4:] == [0, 900, 1800, 2700]


@pytest.mark.parametrize(("valid", "after_s"), [("1", HOUR), ("00:02", 120)])
def test_what_never_arrives_expires_after_its_lifetime(valid: str, after_s: float) -> None:
    bench = Bench()
    bench.send(phones="79161299106", valid=valid)
    bench.pass_(after_s - 1)
    assert bench.status(1, "79161299106")["status"] == 0
    bench.pass_(1)
    answer = bench.status(1, "79161299106")
    assert (answer["status"], answer["err"]) == (3, 6)


def test_a_long_text_is_cut_at_maxsms_and_counted_in_parts() -> None:
    bench = Bench()
    assert bench.send(mes="я" * 135, cost="1")["cnt"] == 3
    assert bench.send(mes="x" * 161)["cnt"] == 2
    assert bench.send(mes="x" * 500, maxsms="2")["cnt"] == 2
    assert len(bench.service.store.messages[-1].text) == 306


def test_transliteration_in_two_styles() -> None:
    bench = Bench()
    bench.send(mes="Привет", translit="1")
    bench.send(mes="транслит", translit="2")
    assert [message.text for message in bench.service.store.messages] == ["Privet", "mpaHc/Ium"]


def test_links_are_shortened_and_their_clicks_counted() -> None:
    bench = Bench()
    bench.send(phones="79161299110", mes="See https://example.org/a/long/one, now", tinyurl="1")
    text = only(bench).text
    assert "example.org/a/long" not in text and text.endswith(", now")
    bench.pass_(2)
    assert bench.status(1, "79161299110")["status"] == 4
    link = text.removeprefix("See ").removesuffix(", now")
    assert bench.json("tinyurls", get="1", link=link)["cnt"] == "1"


def test_binary_octets_pid_and_dcs_are_kept() -> None:
    bench = Bench()
    bench.send(bin="2", mes="050A0307056048656C6C6F2C20576F726C6421\n~~~\npid: 1, dcs: 245")
    bench.send(bin="1", mes=b"\x00\xff\x01\n~~~\npid: 0, dcs: 4")
    first, second = bench.service.store.messages
    assert first.extra == {"octets": "050A0307056048656C6C6F2C20576F726C6421", "pid": 1, "dcs": 245}
    assert second.extra == {"octets": "00FF01", "pid": 0, "dcs": 4}


def test_the_timing_of_a_call_is_kept_and_its_seconds_are_counted() -> None:
    bench = Bench()
    answer = bench.send(mes="Hello world!\n~~~\n99,3,0", call="1", voice="w,en")
    assert answer["cnt"] == 1
    extra = only(bench).extra
    assert extra == {"kind": "call", "voice": "w,en", "wait_s": 35, "interval_s": 10, "attempts": 1}


def test_files_of_the_body_and_of_an_address_are_noted() -> None:
    bench = Bench()
    fields = [
        *(("login", b"alex"), ("psw", b"123"), ("phones", PHONE.encode()), ("mes", b"Hello <file 1>")),
        *(("call", b"1"), ("fmt", b"1"), ("fileurl", b"http://mysite.com/voice.wav")),
    ]
    content_type, body = format_multipart(fields, [File("a.wav", b"RIFF"), File("b.wav", b"RIFF")])
    reply = bench.post("/sys/send.php", body, content_type)
    assert reply.body == b"1,91"  # a second of text, half a minute for each file
    extra = only(bench).extra
    assert extra is not None
    assert extra["files"] == ["a.wav", "b.wav", "http://mysite.com/voice.wav"]


def test_a_call_and_a_viber_message_may_be_a_file_alone() -> None:
    bench = Bench()
    for kind in ("call", "viber"):
        answer = bench.json("send", phones=PHONE, fileurl="http://mysite.com/voice.wav", **{kind: "1"})
        assert "id" in answer


def test_too_large_a_file_of_a_mail_is_error_1() -> None:
    bench = Bench()
    fields = [
        *(
            ("login", b"alex"),
            ("psw", b"123"),
            ("phones", b"a@example.org"),
            ("mes", b"Hello"),
            ("mail", b"1"),
        ),
        *(("subj", b"s"), ("sender", b"b@example.org"), ("fmt", b"1")),
    ]
    content_type, body = format_multipart(fields, [File("big", bytes(10 * 2**20 + 1))])
    assert bench.post("/sys/send.php", body, content_type).body == b"0,-1"


def test_cost_alone_sends_and_charges_nothing() -> None:
    bench = Bench(balance="10.00")
    assert bench.send(cost="1") == {"cost": "1.45", "cnt": 1}
    assert bench.service.store.accepted == 0
    assert bench.service.account.balance == Decimal("10.00")


def test_without_money_nothing_is_sent() -> None:
    bench = Bench(balance="2.00", credit="0.80")
    answer = bench.send(mes="one", phones=f"{PHONE},{OTHER}", id="1")
    assert error(answer) == 3 and answer["id"] == 1
    assert bench.status(1)["status"] == 24
    assert bench.service.account.balance == Decimal("2.00")
    bench.send(mes="two", id="2")
    assert bench.service.account.balance == Decimal("0.55")


def test_virtual_sending_costs_nothing_and_ends_with_err_200() -> None:
    bench = Bench(virtual=True, balance="0")
    bench.send(hlr="1")
    for seconds, status in ((0.0, -1), (0.1, 0), (0.4, 1)):
        bench.pass_(seconds)
        assert bench.status(1)["status"] == status
    assert bench.status(1)["err"] == 200
    assert bench.service.account.balance == 0


def test_op_lists_all_numbers_and_err_the_bad_ones() -> None:
    bench = Bench()
    assert bench.send(phones=f"{PHONE},123", op="1")["phones"] == [
        {"phone": PHONE, "mccmnc": "25001", "cost": "1.45", "status": "-1", "error": "0"},
        {"phone": "123", "mccmnc": "310410", "cost": "2.80", "status": "22", "error": "249"},
    ]
    assert [row["phone"] for row in bench.send(phones=f"{PHONE},123", err="1")["phones"]] == ["123"]
    lines = bench.text("send", phones=PHONE, mes="x", op="1", id="9").splitlines()
    assert lines == ["OK - 1 SMS, ID - 9", f"{PHONE},25001,1.45,-1,0"]


def test_a_bad_number_among_good_ones_has_status_22() -> None:
    bench = Bench()
    assert bench.send(phones=f"{PHONE},123") == {"id": 1, "cnt": 1}
    assert (bench.status(1)["status"], bench.status(1, "123")["status"]) == (-1, 22)


def test_a_sender_that_cannot_be_one_is_error_6() -> None:
    bench = Bench()
    answer = bench.send(sender="far too long a name", id="5")
    assert error(answer) == 6
    assert bench.status(5)["err"] == 254
    assert "id" in bench.send(sender="123456789012345")


def test_a_partner_is_noted() -> None:
    bench = Bench()
    bench.send(pp="501")
    assert only(bench).extra == {"pp": "501"}


def test_an_empty_sender_or_a_point_switches_the_default_off() -> None:
    bench = Bench()
    for sender in ("", "."):
        bench.send(sender=sender)
    bench.send()
    assert [message.sender for message in bench.service.store.messages] == ["", "", "SMSC"]


def test_captcha() -> None:
    bench = Bench()
    bench.get("/sys/imgcode.php?1.1", ip="192.0.2.7")
    assert error(bench.send(imgcode="wrong", userip="192.0.2.7")) == 10
    bench.get("/sys/imgcode.php?1.2", ip="192.0.2.7")
    code = bench.service.office.imgcodes.last("192.0.2.7")
    assert code is not None
    assert error(bench.send(imgcode=code, userip="192.0.2.8")) == 10
    assert "id" in bench.send(imgcode=code, userip="192.0.2.7")


def test_json_in_the_body_is_answered_in_json() -> None:
    bench = Bench(balance="87.70")
    body = '{"login": "alex", "psw": "123", "phones": "79999999999", "mes": "Привет", "cost": 3}'.encode()
    reply = bench.post("/rest/send/", body, "application/json")
    assert reply.body == b'{\n"id": 1,\n"cnt": 1,\n"cost": "1.40",\n"balance": "86.30"\n}'
    assert only(bench).text == "Привет"
    body = b'{"apikey": "key", "phones": ["79999999999", "79999999998"], "mes": "Hello"}'
    assert bench.post("/rest/send/", body, "application/json").body == b'{\n"id": 2,\n"cnt": 2\n}'


def test_the_json_that_a_client_writes_is_read_and_answered() -> None:
    bench = Bench()
    params = {"phones": f"{PHONE},{OTHER}", "mes": "Привет", "id": "a-1", "flash": "1"}
    request = encode_rest(params, Credentials("alex", "123"))
    reply = bench.post(request.path, request.body, request.content_type)
    assert parse("send", 3, reply.body.decode()) == {"id": "a-1", "cnt": 2}
    assert [(it.phone, it.text, it.type) for it in bench.service.store.messages] == [
        (PHONE, "Привет", 1),
        (OTHER, "Привет", 1),
    ]


def test_an_identical_sending_within_a_minute_is_error_9() -> None:
    bench = Bench()
    bench.send(id="1")
    assert error(bench.send(id="1")) == 9
    assert "error_code" not in bench.send(id="2")
    bench.pass_(60)
    assert bench.send(id="1") == {"id": 1, "cnt": 1}
    assert bench.service.store.by_id["1", PHONE] == 2


def test_a_flood_to_one_number_is_blocked() -> None:
    bench = Bench(limits=0)
    for number in range(51):
        bench.send(id=f"m{number}", mes="x")
        bench.pass_(59)
    assert [bench.status(f"m{number}")["status"] for number in (0, 49, 50)] == [1, 1, 23]
    assert bench.status("m50")["err"] == 251
    bench.pass_(1)
    bench.send(id="later", mes="x")
    assert bench.status("later")["status"] == -1
