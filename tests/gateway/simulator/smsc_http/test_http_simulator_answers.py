"""The literal examples of the reference, byte for byte, through the whole service."""

from __future__ import annotations

import pytest
from http_simulator_support import PHONE, Bench

from protocols.smsc_http.operations import FILES, OPERATIONS

ALEX = "login=alex&psw=123"
SCRIPTS = sorted({row.script for row in OPERATIONS.values() if row.name not in FILES})


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_takes_get_and_post(script: str) -> None:
    query = f"{ALEX}&fmt=3&add=1&get=1&phone=79161234567&id=5&phones=79161234567&mes=Hello"
    bench, other = Bench(), Bench()
    got = bench.get(f"/sys/{script}?{query}")
    posted = other.post(f"/sys/{script}", query.encode())
    assert got == posted
    assert got.status == 200 and b"authorise error" not in got.body


@pytest.mark.parametrize(
    ("fmt", "body"),
    [
        ("0", "ERROR = 2 (authorise error)"),
        ("1", "0,-2"),
        ("2", "<result>\n<error>authorise error</error>\n<error_code>2</error_code>\n</result>"),
        ("3", '{\n"error": "authorise error",\n"error_code": 2\n}'),
    ],
)
def test_an_error_has_the_four_shapes(fmt: str, body: str) -> None:
    reply = Bench().get(f"/sys/balance.php?login=alex&psw=wrong&fmt={fmt}")
    assert (reply.status, reply.body.decode()) == (200, body)


def test_a_success_in_json_is_the_22_octets_that_were_seen() -> None:
    bench = Bench()
    reply = bench.get(f"/sys/send.php?{ALEX}&phones=79999999999&mes=Hello!&id=33&fmt=3")
    assert reply.body == b'{\n"id": 33,\n"cnt": 1\n}'
    assert len(reply.body) == 22
    assert reply.content_type == "application/json; charset=windows-1251"


@pytest.mark.parametrize(
    ("cost", "fmt", "body"),
    [
        ("0", "0", "OK - 1 SMS, ID - 7"),
        ("0", "1", "7,1"),
        ("0", "2", "<result>\n<id>7</id>\n<cnt>1</cnt>\n</result>"),
        ("1", "0", "1.45 (1 SMS)"),
        ("1", "1", "1.45,1"),
        ("1", "2", "<result>\n<cost>1.45</cost>\n<cnt>1</cnt>\n</result>"),
        ("1", "3", '{\n"cost": "1.45",\n"cnt": 1\n}'),
        ("2", "0", "OK - 1 SMS, ID - 7, COST - 1.45"),
        ("2", "1", "7,1,1.45"),
        ("2", "3", '{\n"id": 7,\n"cnt": 1,\n"cost": "1.45"\n}'),
        ("3", "0", "OK - 1 SMS, ID - 7, COST - 1.45, BALANCE - 98.55"),
        ("3", "1", "7,1,1.45,98.55"),
        (
            "3",
            "2",
            "<result>\n<id>7</id>\n<cnt>1</cnt>\n<cost>1.45</cost>\n<balance>98.55</balance>\n</result>",
        ),
        ("3", "3", '{\n"id": 7,\n"cnt": 1,\n"cost": "1.45",\n"balance": "98.55"\n}'),
    ],
)
def test_each_kind_of_answer_to_a_sending(cost: str, fmt: str, body: str) -> None:
    bench = Bench(balance="100.00")
    said = bench.text("send", phones=PHONE, mes="Hello!", id="7", cost=cost, fmt=fmt)
    assert said == body


@pytest.mark.parametrize(
    ("fmt", "body"),
    [
        ("0", "ERROR = 7 (invalid number), ID - 7"),
        ("1", "7,-7"),
        (
            "2",
            "<result>\n<error>invalid number</error>\n<error_code>7</error_code>\n<id>7</id>\n</result>",
        ),
        ("3", '{\n"error": "invalid number",\n"error_code": 7,\n"id": 7\n}'),
    ],
)
def test_an_error_of_a_registered_message_has_its_id(fmt: str, body: str) -> None:
    assert Bench().text("send", phones="123", mes="Hello!", id="7", fmt=fmt) == body


@pytest.mark.parametrize(
    ("fmt", "body"),
    [
        ("0", "Status = 1, check_time = 01.01.2025 03:00:00, err = 0"),
        ("1", "1,1735689600,0"),
        (
            "2",
            "<sms>\n<status>1</status>\n<last_date>01.01.2025 03:00:00</last_date>\n"
            "<last_timestamp>1735689600</last_timestamp>\n<flag>0</flag>\n<err>0</err>\n</sms>",
        ),
        (
            "3",
            '{\n"status": 1,\n"last_date": "01.01.2025 03:00:00",\n"last_timestamp": 1735689600,\n'
            '"flag": 0,\n"err": 0\n}',
        ),
    ],
)
def test_a_status_has_the_four_shapes(fmt: str, body: str) -> None:
    bench = Bench()
    bench.send(id="5")
    bench.pass_(0.6)
    assert bench.text("status", id="5", phone=PHONE, fmt=fmt) == body


def test_all_data_of_a_message_in_lines() -> None:
    bench = Bench()
    bench.send(id="5", mes="Hello!\n~~~\nComment", sender="ivan")
    bench.pass_(0.6)
    assert bench.text("status", id="5", phone=PHONE, all="1") == (
        "Status = 1, check_time = 01.01.2025 03:00:00, err = 0, send_date = 01.01.2025 03:00:00, "
        f"phone = {PHONE}, cost = 1.45, sender_id = ivan, status_name = delivered, message = Hello!, "
        "comment = Comment, type = 0"
    )
    assert bench.text("status", id="5", phone=PHONE, all="2", fmt="1") == (
        f"1,1735689600,0,1735689600,{PHONE},Russia,MTS,Moscow,1.45,ivan,delivered,Hello!, Comment, 0"
    )


def test_a_mass_request_in_json_ends_with_id_and_phone() -> None:
    bench = Bench()
    bench.send(id="32")
    bench.pass_(0.6)
    assert bench.text("status", id="32,138", phone=f"{PHONE},77059648729", fmt="3") == (
        '[{\n"status": 1,\n"last_date": "01.01.2025 03:00:00",\n"last_timestamp": 1735689600,\n"flag": 0,\n'
        f'"err": 0,\n"id": 32,\n"phone": "{PHONE}"\n}},\n'
        '{\n"status": -3,\n"id": 138,\n"phone": "77059648729"\n}]'
    )


@pytest.mark.parametrize(
    ("fmt", "cur", "credit", "body"),
    [
        ("0", "0", "0", "250.80"),
        ("1", "0", "0", "250.80"),
        ("2", "0", "0", "<balance>250.80</balance>"),
        ("3", "0", "0", '{\n"balance": "250.80"\n}'),
        ("0", "1", "5", "250.80 RUR"),
        ("1", "1", "5", "250.80,RUR"),
        (
            "2",
            "1",
            "5",
            "<result>\n<balance>250.80</balance>\n<credit>5.00</credit>\n<currency>RUR</currency>\n</result>",
        ),
        ("3", "1", "5", '{\n"balance": "250.80",\n"credit": "5.00",\n"currency": "RUR"\n}'),
        ("3", "1", "0", '{\n"balance": "250.80",\n"currency": "RUR"\n}'),
    ],
)
def test_the_balance_has_each_shape(fmt: str, cur: str, credit: str, body: str) -> None:
    assert Bench(balance="250.80", credit=credit).text("balance", fmt=fmt, cur=cur) == body


@pytest.mark.parametrize("charset", ["windows-1251", "utf-8", "koi8-r"])
def test_texts_are_read_and_answers_written_in_the_charset_of_the_request(charset: str) -> None:
    bench = Bench()
    bench.send(mes="Привет".encode(charset), charset=charset, id="5")
    assert bench.service.store.messages[0].text == "Привет"
    assert '"message": "Привет"' in bench.text(
        "status", id="5", phone=PHONE, all="1", fmt="3", charset=charset
    )


def test_without_a_charset_it_is_windows_1251() -> None:
    bench = Bench()
    bench.get(f"/sys/send.php?{ALEX}&phones=79999999999&mes=%CF%F0%E8%E2%E5%F2")
    assert bench.service.store.messages[0].text == "Привет"
