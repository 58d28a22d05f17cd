"""Each script of the office through the whole service: the examples of the reference, in the four formats."""

from __future__ import annotations

import pytest
from http_simulator_support import PHONE, START, Bench

from gateway.simulator.smsc_http.model import ApiProblem
from protocols.smsc_http.answers import Failure, parse
from protocols.smsc_http.operations import OPERATIONS

ALEX = "login=alex&psw=123"
NOON_S = 9 * 3600
OK = ("OK", "OK", "<result>OK</result>", '{\n"result": "OK"\n}')


@pytest.fixture
def bench() -> Bench:
    """At noon in Moscow, 01.01.2025, and without limits: each request is made in four formats."""
    bench = Bench(limits=0.0)
    bench.pass_(NOON_S)
    return bench


def formats(bench: Bench, script: str, **params: str) -> tuple[str, ...]:
    """The answers in the four formats, to a request that may be repeated."""
    return tuple(bench.text(script, fmt=fmt, **params) for fmt in "0123")


def test_the_examples_of_contacts(bench: Bench) -> None:
    for _ in range(321):
        bench.json("phones", add_group="1", name="x")
    add = f"/sys/phones.php?add=1&{ALEX}&phone=79999999999&name=Contact&grp=321"
    assert bench.get(add).body == b"ID = 1"
    black = f"/sys/phones.php?add_black=1&{ALEX}&phone=79999999999&type=1"
    assert bench.get(black).body == b"ID = 1"


def test_contacts(bench: Bench) -> None:
    added = [bench.text("phones", add="1", phone=f"7999999999{fmt}", name="A", fmt=fmt) for fmt in "0123"]
    assert added == ["ID = 1", "2", "<phone>\n<id>3</id>\n</phone>", '{\n"id": 4\n}']
    for fmt, expected in zip("0123", OK, strict=True):
        assert bench.text("phones", chg="1", phone="79999999990", name="B", fmt=fmt) == expected
    text, values, xml, json = formats(bench, "phones", get="1", phone="79999999990")
    assert text == (
        "phone = 79999999990, name = B, group = 0, first_name = , last_name = , middle_name = , birthday = ,"
        " id = , comments = , tags = , phone_other = "
    )
    assert values == "79999999990,B,0,,,,,,,,"
    assert xml.startswith("<list>\n<contact>\n<phone>79999999990</phone>\n<name>B</name>\n<group>0</group>\n")
    assert xml.endswith("<phone_other></phone_other>\n</contact>\n</list>")
    assert json.startswith('[{\n"phone": "79999999990",\n"name": "B",\n"group": 0,\n"first_name": "",\n')
    assert json.endswith('"phone_other": "",\n"int_id": "1"\n}]')
    assert bench.text("phones", **{"del": "1"}, phone="79999999990") == "OK"
    assert bench.text("phones", get="1", phone="79999999990", fmt="1") == "0,-3"


def test_groups_and_moves(bench: Bench) -> None:
    added = [bench.text("phones", add_group="1", name=f"g{fmt}", fmt=fmt) for fmt in "0123"]
    assert added == ["ID = 1", "2", "<group>\n<id>3</id>\n</group>", '{\n"id": 4\n}']
    bench.text("phones", add="1", phone=PHONE, name="A")
    for move in ("1", "2", "3"):
        assert bench.text("phones", move_group=move, grp="2", phone=PHONE) == "OK"
    assert bench.text("phones", chg_group="1", grp="1", name="First") == "OK"
    for grp in ("2", "3", "4"):
        assert bench.text("phones", del_group="1", grp=grp) == "OK"
    assert formats(bench, "phones", get_group="1") == (
        "id = 1, name = First, number = 1, cnt = 0",
        "1,First,1,0",
        "<list>\n<group>\n<id>1</id>\n<name>First</name>\n<number>1</number>\n<cnt>0</cnt>\n</group>\n</list>",
        '[{\n"id": 1,\n"name": "First",\n"number": 1,\n"cnt": "0"\n}]',
    )


def test_blacklists(bench: Bench) -> None:
    bench.text("phones", add_black="1", phone=PHONE, type="1", cmt="why")
    assert formats(bench, "phones", get_black="1") == (
        f"id = 1, phone = {PHONE}, type = 1, comment = why",
        f"1,{PHONE},1,why",
        f"<list>\n<record>\n<id>1</id>\n<phone>{PHONE}</phone>\n<type>1</type>\n"
        "<comment>why</comment>\n</record>\n</list>",
        f'[{{\n"id": 1,\n"phone": "{PHONE}",\n"type": 1,\n"comment": "why"\n}}]',
    )
    assert bench.text("phones", del_black="1", phone=PHONE) == "OK"


def test_mails_mirror_phones(bench: Bench) -> None:
    alex = {"mail": "alex@mysite.com"}
    assert bench.text("mails", add_group="1", name="Letters") == "ID = 1"
    assert bench.text("mails", add="1", name="Alex", **alex, fmt="2") == "<mail>\n<id>1</id>\n</mail>"
    for move in ("1", "2", "3"):
        assert bench.text("mails", move_group=move, grp="1", **alex) == "OK"
    assert bench.text("mails", chg="1", name="Al", **alex) == "OK"
    assert bench.text("mails", get="1", fmt="1") == "alex@mysite.com,Al,0,,,,,,,,"
    assert bench.json("mails", get="1")[0]["mail_other"] == ""
    assert bench.text("mails", chg_group="1", grp="1", name="L") == "OK"
    assert bench.text("mails", get_group="1", fmt="1") == "1,L,1,0"
    assert bench.text("mails", add_black="1", **alex) == "ID = 1"
    assert bench.json("mails", get_black="1") == [
        {"id": 1, "email": "alex@mysite.com", "type": 0, "comment": ""}
    ]
    assert bench.text("mails", del_black="1", **alex) == "OK"
    assert bench.text("mails", del_group="1", grp="1") == "OK"
    assert bench.text("mails", **{"del": "1"}, **alex) == "OK"


def test_a_group_is_sent_to_by_its_sending_number(bench: Bench) -> None:
    for number, phone in (("777", "79161111111"), ("888", "79162222222")):
        grp = str(bench.json("phones", add_group="1", name=number, num=number)["id"])
        bench.json("phones", add="1", phone=phone, name=number, grp=grp)
    reply = bench.get(f"/sys/send.php?{ALEX}&phones=G777%2Cg888&mes=Hello!&fmt=1")
    assert reply.body.endswith(b",2")
    assert {message.phone for message in bench.service.store.messages} == {"79161111111", "79162222222"}


def test_who_is_in_the_blacklist_gets_nothing(bench: Bench) -> None:
    bench.json("phones", add_black="1", phone=PHONE)
    assert "error" in bench.send(phones=PHONE)
    assert bench.text("wait_call", phone=PHONE, fmt="1") == "0,-5"


def test_the_example_of_mailing_lists(bench: Bench) -> None:
    example = (
        f"/sys/jobs.php?add=1&{ALEX}&phones=79999999999,78888888888&name=rassilka1"
        "&mes={Name},%20this%20is%20a%20Viber%20message&mes2=This%20is%20an%20SMS%20for%20{Name}"
        "&sender=MyViber&fl[5]=1&viber=1"
    )
    assert bench.get(example).body == b"OK, ID - 1"
    assert [message.type for message in bench.service.store.messages] == [10, 10]


def test_mailing_lists(bench: Bench) -> None:
    job = {"add": "1", "name": "list", "phones": PHONE, "mes": "a;b", "time": "+60"}
    plain = [bench.text("jobs", **job, fmt=fmt) for fmt in "0123"]
    assert plain == ["OK, ID - 1", "2", "<result>\n<id>3</id>\n</result>", '{\n"id": 4\n}']
    priced = [bench.text("jobs", **job, cost="1", fmt=fmt) for fmt in "0123"]
    assert priced == [
        "OK, ID - 5, COST - 1.45",
        "6,1.45",
        "<result>\n<id>7</id>\n<cost>1.45</cost>\n</result>",
        '{\n"id": 8,\n"cost": "1.45"\n}',
    ]
    noon, one = "01.01.2025 12:00:00", "01.01.2025 13:00:00"
    text, values, xml, json = formats(bench, "jobs", get="1", id="1")
    assert text == f"1|list||0|0|{noon}|{noon}|{one}||{PHONE}|a;b|0|0||0|0|"
    assert values == f"1;list;;0;0;{noon};{noon};{one};;{PHONE};a;b;0;0;;0;0;"
    assert xml.startswith("<job>\n<id>1</id>\n<name>list</name>\n<subject></subject>\n")
    assert json.endswith('"status": 0,\n"cost": "1.45",\n"sms_sent": 0,\n"sms_ok": 0,\n"sender_id": ""\n}]')
    for id in range(2, 9):
        assert bench.text("jobs", **{"del": "1"}, id=str(id)) == "OK"
    assert bench.text("jobs", cancel="1", id="1") == "OK"
    text, values, xml, json = formats(bench, "jobs", get_all="1")
    assert text == f"1|list|{noon}|||{PHONE}|a;b|1|1.45|2||0"
    assert values == f"1;list;{noon};;;{PHONE};a;b;1;1.45;2;;0"
    assert xml.startswith("<sms_jobs>\n<job>\n<id>1</id>\n<name>list</name>\n<changed>")
    assert json.endswith('"format": 0,\n"sms_sent": 0,\n"sms_ok": 0\n}]')


def test_a_mailing_list_lives_with_the_service(bench: Bench) -> None:
    job = {"add": "1", "name": "list", "phones": "79161299002", "mes": "Viber", "viber": "1"}
    bench.json("jobs", **job, **{"fl[5]": "1", "mes2": "SMS instead"}, rpt="1", rptn="1", time="+1")
    bench.pass_(60.0)
    bench.pass_(10.0)
    texts = [message.text for message in bench.service.store.messages]
    assert texts == ["Viber", "SMS instead"]
    bench.pass_(2 * 3600.0)
    row = bench.json("jobs", get="1", id="1")[0]
    assert (row["status"], row["sms_sent"], row["sms_ok"]) == (1, 4, 0)


def test_mailing_lists_of_letters(bench: Bench) -> None:
    letter = {"mail": "1", "phones": "alex@mysite.com", "mes": "Hi", "subj": "s", "sender": "a@mysite.com"}
    assert bench.text("jobs", add="1", name="m", **letter, fmt="1") == "1"
    assert bench.json("jobs", get="1", id="1", mail="1")[0]["emails"] == "alex@mysite.com"
    assert "<emails>alex@mysite.com</emails>" in bench.text("jobs", get_all="1", mail="1", fmt="2")


def test_sub_clients(bench: Bench) -> None:
    password = "My-Password1"
    added = [bench.text("users", add="1", user=f"sub{fmt}", password=password, fmt=fmt) for fmt in "0123"]
    assert added == ["ID = 1", "2", "<user>\n<id>3</id>\n</user>", '{\n"id": 4\n}']
    assert formats(bench, "users", chg="1", user="sub0", fio="x") == OK
    assert bench.text("users", pay="1", user="sub0", sum="100.50") == "OK"
    assert formats(bench, "users", get_stat="1", user="sub0") == (
        "login = sub0, sms = 0, credit = 100.50, debit = 0.00, currency = RUR",
        "sub0,0,100.50,0.00,RUR",
        "<list>\n<stat>\n<login>sub0</login>\n<sms>0</sms>\n<credit>100.50</credit>\n<debit>0.00</debit>\n"
        "<currency>RUR</currency>\n</stat>\n</list>",
        '[{\n"login": "sub0",\n"sms": "0",\n"credit": "100.50",\n"debit": "0.00",\n"currency": "RUR"\n}]',
    )
    text, values, xml, _ = formats(bench, "users", get_stat_all="1", reseller="1")
    assert text.splitlines()[0] == (
        "login = sub0, description = SMS, operator = , mccmnc = , sms = 0, credit = 100.50, debit = 0.00,"
        " currency = RUR"
    )
    assert values.splitlines()[0] == "sub0,SMS,,,0,100.50,0.00,RUR"
    assert xml.startswith('<list>\n<user login="sub0">\n<item>\n<description>SMS</description>\n')
    assert bench.json("users", get_stat_all="1", reseller="1")[0]["items"][0]["credit"] == "100.50"
    assert bench.text("users", pay="1", user="sub0", sum="5000", fmt="1") == "0,-10"
    assert bench.text("users", pay="1", user="none", sum="5", fmt="1") == "0,-6"


def test_the_examples_of_sub_clients(bench: Bench) -> None:
    add = f"/sys/users.php?add=1&{ALEX}&user=mylogin&password=mypassword&phone=79999999999&fl[29]=1"
    assert bench.get(add).body.startswith(b"ERROR = 1 "), "the rule for passwords forbids that of the example"
    assert bench.get(add.replace("mypassword", "My-Password1")).body == b"ID = 1"
    bench.json("users", add="1", user="sub_alex", password="My-Password1")
    stat = bench.get(f"/sys/users.php?get_stat=1&{ALEX}&user=sub_alex").body
    assert stat == b"login = sub_alex, sms = 0, credit = 0.00, debit = 0.00, currency = RUR"


def test_documents(bench: Bench) -> None:
    bench.json("users", add="1", user="sub", password="My-Password1")
    reply = bench.get(f"/sys/documents.php?add_account=1&{ALEX}&user=sub&sum=100&fmt=1")
    assert reply.content_type == 'multipart/mixed; boundary="smsc-document"'
    assert b'\r\n\r\n{\n"id": 101,\n"sum": "100.00"\n}\r\n--smsc-document\r\n' in reply.body
    for command in ("get_account", "get_act"):
        reply = bench.get(f"/sys/documents.php?{command}=1&{ALEX}&user=sub&id=101")
        assert reply.content_type == "application/pdf"
        assert reply.body.startswith(b"%PDF-1.4")
    failed = bench.text("documents", get_act="1", user="sub", id="7", fmt="1")
    assert failed.startswith("{\n") and failed.endswith('"error_code": 7\n}'), "JSON whatever was asked for"


def test_sender_names(bench: Bench) -> None:
    added = [bench.text("senders", add="1", sender=f"shop{fmt}", fmt=fmt) for fmt in "0123"]
    assert added == ["ID = 2", "3", "<sender>\n<id>4</id>\n</sender>", '{\n"sender": 5\n}']
    assert formats(bench, "senders", get="1") == (
        "name = SMSC, id = 1",
        "SMSC,1",
        '<list>\n<sender id="1">SMSC</sender>\n</list>',
        '[{\n"sender": "SMSC",\n"id": 1\n}]',
    )
    assert formats(bench, "senders", get="1", all="1", prev_id="3") == (
        "name = shop0, status = 0, id = 2\nname = SMSC, status = 1, id = 1",
        "shop0,0,2\nSMSC,1,1",
        '<list>\n<sender status="0" id="2">shop0</sender>\n<sender status="1" id="1">SMSC</sender>\n</list>',
        '[{\n"sender": "shop0",\n"status": 0,\n"id": 2\n},\n{\n"sender": "SMSC",\n"status": 1,\n"id": 1\n}]',
    )
    assert bench.text("senders", chg="1", id="1", mts_step="1", bee_step="1") == "OK"
    text, _, xml, json = formats(bench, "senders", get="1", operators="1")
    assert text == "name = SMSC, bee_step = 0, mts_step = 0, id = 1"
    assert xml == '<list>\n<sender bee_step="0" mts_step="0" id="1">SMSC</sender>\n</list>'
    assert json == '[{\n"sender": "SMSC",\n"bee_step": "0",\n"mts_step": "0",\n"id": "1"\n}]'
    assert bench.text("senders", **{"del": "1"}, sender="shop0") == "OK"


def test_the_examples_of_sender_names(bench: Bench) -> None:
    assert bench.get(f"/sys/senders.php?add=1&{ALEX}&sender=my_shop&cmt=test").body == b"ID = 2"
    check = f"/sys/senders.php?check_code=1&{ALEX}&sender=79999999999&code=338824"
    assert bench.get(check).body.startswith(b"ERROR = 3 ")
    assert bench.text("senders", send_code="1", sender="79999999999", fmt="3") == OK[3]
    assert bench.get(check).body.startswith(b"ERROR = 11 ")
    [message] = bench.service.store.messages
    code = message.text.partition(" ")[0]
    assert bench.get(check.replace("338824", code)).body == b"OK"


def test_a_document_of_a_name_comes_in_the_body(bench: Bench) -> None:
    parts = {
        "login": "alex",
        "psw": "123",
        "add": "1",
        "sender": "my_shop",
        "doc_info": "licence",
        "fmt": "3",
    }
    body = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in parts.items()
    )
    body += '--x\r\nContent-Disposition: form-data; name="file0"; filename="a.pdf"\r\n\r\n%PDF\r\n--x--\r\n'
    reply = bench.post("/sys/senders.php", body.encode(), "multipart/form-data; boundary=x")
    assert reply.body == b'{\n"sender": 2\n}'
    document = {"file": "a.pdf", "fid": 1, "fstatus": 0, "fcomment": "licence"}
    assert bench.json("senders", get="1", all="1", files="1")[0]["files"] == [document]
    assert '<file fid="1" fstatus="0" fcomment="licence">a.pdf</file>' in bench.text(
        "senders", get="1", all="1", files="1", fmt="2"
    )


def test_templates(bench: Bench) -> None:
    added = [bench.text("templates", add="1", name="n", msg="a, b", fmt=fmt) for fmt in "0123"]
    assert added == ["ID - 1", "2", "<template>\n<id>3</id>\n</template>", '{\n"id": 4\n}']
    assert bench.text("templates", chg="1", id="1", **{"fl[1]": "1"}) == "OK"
    for id in ("2", "3", "4"):
        assert bench.text("templates", **{"del": "1"}, id=id) == "OK"
    assert formats(bench, "templates", get="1") == (
        "id = 1, name = n, format = , sender = , flag = 1, message = a, b",
        "1,n,,,1,a, b",
        "<list>\n<template>\n<id>1</id>\n<name>n</name>\n<format></format>\n<sender></sender>\n"
        "<flag>1</flag>\n<message>a, b</message>\n</template>\n</list>",
        '[{\n"id": 1,\n"name": "n",\n"format": "",\n"sender": "",\n"flag": 1,\n"message": "a, b"\n}]',
    )


def test_operator_templates(bench: Bench) -> None:
    code = {"sender": "SMSC", "msg": "Code"}
    assert bench.text("op_templates", add="1", **code, mts_srv="1", fmt="0") == "mts_srv = 1, id = 1"
    assert formats(bench, "op_templates", get="1", **code, mts_srv="1") == (
        "mts_srv = 0, id = 1",
        "mts_srv,0,1",
        "<result>\n<template>\n<name>mts_srv</name>\n<status>0</status>\n<id>1</id>\n</template>\n</result>",
        '[{\n"mts_srv": 0,\n"id": 1\n}]',
    )


def test_events(bench: Bench) -> None:
    assert formats(bench, "ping", id="1", name="web", host="h", info="i") == OK
    assert bench.service.store.messages[0].text == "web h does not answer. i"


def test_history(bench: Bench) -> None:
    bench.send(phones="79999999999", mes="Hello!", id="33")
    bench.pass_(1.0)
    text, values, xml, json = formats(bench, "get", get_messages="1", phone="79999999999")
    noon, zone = "01.01.2025 12:00:00", "25011,Russia,Yota,Moscow"
    row = bench.json("get", get_messages="1", phone="79999999999")[0]
    status = f"{row['status']},{row['last_timestamp']},{row['err']}"
    assert values == (
        f"{status},{int(START) + NOON_S},79999999999,{zone},{row['cost']},SMSC,delivered, Hello!,0,33,1,1,0,"
        f"{row['crc']}"
    )
    assert text.startswith(
        f"Status = 1, check_time = {noon}, err = 0, send_date = {noon}, phone = 79999999999,"
    )
    assert text.endswith(f", ID = 33, int_id = 1, sms_cnt = 1, format = 0, crc = {row['crc']}")
    assert xml.startswith("<list>\n<sms>\n<status>1</status>\n<last_date>")
    assert json.startswith('[{\n"status": 1,\n"last_date": "01.01.2025 12:00:00",\n')
    assert '"int_id": "1"' in json and '"id": 33' in json
    example = bench.get(f"/sys/get.php?get_messages=1&{ALEX}&phone=79999999999")
    assert example.body.startswith(b"Status = 1, check_time = ")
    assert bench.text("get", get_messages="1", format="8", fmt="1") == "0,-3"


def test_history_of_letters(bench: Bench) -> None:
    letter = {"phones": "alex@mysite.com", "mail": "1", "subj": "s", "sender": "a@mysite.com"}
    assert bench.send(**letter)["cnt"] == 1
    row = bench.json("get", get_messages="1", format="8", email="alex@mysite.com")[0]
    assert (row["type"], row["format"], row["phone"]) == (8, 8, "alex@mysite.com")


def test_incoming_messages(bench: Bench) -> None:
    bench.service.life.receive("79999999999", "79990000101", "Yes, please", bench.now)
    noon = "01.01.2025 12:00:00"
    assert formats(bench, "get", get_answers="1", after_id="0", cnt="20") == (
        f"id = 1, received = {noon}, phone = 79999999999, message = Yes, please, to_phone = 79990000101,"
        f" sent = {noon}",
        f"1,{noon},79999999999,79990000101,{noon},Yes, please",
        f"<sms_answers>\n<sms>\n<id>1</id>\n<received>{noon}</received>\n<phone>79999999999</phone>\n"
        f"<message>Yes, please</message>\n<to_phone>79990000101</to_phone>\n<sent>{noon}</sent>\n"
        "</sms>\n</sms_answers>",
        f'[{{\n"id": 1,\n"received": "{noon}",\n"phone": "79999999999",\n"message": "Yes, please",\n'
        f'"to_phone": "79990000101",\n"sent": "{noon}"\n}}]',
    )
    example = bench.get(f"/sys/get.php?get_answers=1&{ALEX}&after_id=1234567&cnt=20&fmt=3")
    assert example.body == b"[]"


def test_statistics(bench: Bench) -> None:
    bench.send()
    assert formats(bench, "get", get_stat="1", mycur="1", start="01.01.2025", end="01.02.2025") == (
        "login = alex, sms = 1, credit = 0.00, debit = 1.45, currency = RUR",
        "alex,1,0.00,1.45,RUR",
        "<list>\n<stat>\n<login>alex</login>\n<sms>1</sms>\n<credit>0.00</credit>\n<debit>1.45</debit>\n"
        "<currency>RUR</currency>\n</stat>\n</list>",
        '[{\n"login": "alex",\n"sms": "1",\n"credit": "0.00",\n"debit": "1.45",\n"currency": "RUR"\n}]',
    )


def test_the_tariff(bench: Bench) -> None:
    text, values, xml, json = formats(bench, "get", get_price="1")
    assert text.startswith(
        "zone = 1, name = Russia, api = 1.40, mass = 1.90, mms = 6.00, hlr = 0.20, call = 1.10\n"
    )
    assert text.endswith("\n\nmccmnc = 25001, cost = 1.45\nmccmnc = 25002, cost = 1.50\n\nmail = 0.10")
    assert values.startswith("1,Russia,1.40,1.90,6.00,0.20,1.10\n")
    assert values.endswith("\n25001,1.45\n25002,1.50\n0.10")
    assert xml.startswith(
        '<price>\n<zones>\n<zone name="Russia" api="1.40" mass="1.90" mms="6.00" hlr="0.20" call="1.10">'
        "1</zone>\n"
    )
    assert xml.endswith(
        '<codes>\n<mccmnc cost="1.45">25001</mccmnc>\n<mccmnc cost="1.50">25002</mccmnc>\n</codes>\n'
        "<mail>0.10</mail>\n</price>"
    )
    assert json.endswith('"mail": "0.10"\n}')


def test_operators_of_numbers(bench: Bench) -> None:
    assert formats(bench, "info", get_operator="1", phone=PHONE) == (
        "country = Russia, operator = MTS, region = Moscow, mcc = 250, mnc = 01, tz = 0",
        "Russia,MTS,Moscow,250,01,0",
        "<info>\n<country>Russia</country>\n<operator>MTS</operator>\n<region>Moscow</region>\n"
        "<mcc>250</mcc>\n<mnc>01</mnc>\n<tz>0</tz>\n</info>",
        '{\n"country": "Russia",\n"operator": "MTS",\n"region": "Moscow",\n"mcc": "250",\n"mnc": "01",\n'
        '"tz": "0"\n}',
    )
    two = f"{PHONE},77011234567"
    assert bench.text("info", get_operator="1", phone=two, fmt="1") == (
        f"{PHONE},Russia,MTS,Moscow,250,01,0\n77011234567,Kazakhstan,Kcell,Almaty,401,02,2"
    )
    assert bench.text("info", get_operator="1", phone=two, fmt="2").startswith(
        f"<list>\n<info>\n<phone>{PHONE}</phone>\n<country>Russia</country>\n"
    )
    example = bench.get(f"/sys/info.php?get_operator=1&{ALEX}&phone=79999999999")
    assert example.body == b"country = Russia, operator = Yota, region = Moscow, mcc = 250, mnc = 11, tz = 0"


def test_short_links(bench: Bench) -> None:
    bench.send(mes="Look: https://mysite.com/page", tinyurl="1")
    [message] = bench.service.store.messages
    assert message.text == "Look: https://tiny.example/1"
    bench.service.office.clicked("https://tiny.example/1", bench.now)
    assert formats(bench, "tinyurls", get="1", id="1") == (
        "id = 1, cnt = 1, cnt_mon = 1, cnt_day = 1, cnt_yes = 0, cnt_pmon = 0, link = https://tiny.example/1",
        "1,1,1,1,0,0,https://tiny.example/1",
        "<result>\n<id>1</id>\n<cnt>1</cnt>\n<cnt_mon>1</cnt_mon>\n<cnt_day>1</cnt_day>\n<cnt_yes>0</cnt_yes>\n"
        "<cnt_pmon>0</cnt_pmon>\n<link>https://tiny.example/1</link>\n</result>",
        '{\n"id": "1",\n"cnt": "1",\n"cnt_mon": "1",\n"cnt_day": "1",\n"cnt_yes": "0",\n"cnt_pmon": "0",\n'
        '"link": "https://tiny.example/1"\n}',
    )
    assert bench.json("tinyurls", get="1", link="https://mysite.com/page")["id"] == "1"
    example = bench.get(f"/sys/tinyurls.php?get=1&{ALEX}&id=145142")
    assert example.body.startswith(b"ERROR = 3 ")


def test_numbers_for_rent(bench: Bench) -> None:
    bench.json("receive_phones", buy="1", phone="79990000101")
    assert bench.text("receive_phones", buy="1", phone="79990000102", noprolong="1") == "cost = 150.00"
    assert formats(bench, "receive_phones", get="1") == (
        "phone = 79990000103, type = 4, cost = 2500.00, current_cost = 2500.00, info = virtual number: SMS",
        "79990000103,4,2500.00,2500.00,virtual number: SMS",
        "<list>\n<receive_phone>\n<phone>79990000103</phone>\n<type>4</type>\n<cost>2500.00</cost>\n"
        "<current_cost>2500.00</current_cost>\n<info>virtual number: SMS</info>\n</receive_phone>\n</list>",
        '[{\n"phone": "79990000103",\n"type": 4,\n"cost": "2500.00",\n"current_cost": "2500.00",\n'
        '"info": "virtual number: SMS"\n}]',
    )
    assert formats(bench, "receive_phones", chg="1", phone="79990000101", noprolong="1") == OK
    assert bench.text("receive_phones", buy="1", phone="79990000103", fmt="1") == "0,-3"


@pytest.mark.parametrize(
    ("fmt", "expected"),
    [
        ("1", "300.00"),
        ("2", "<phone>\n<cost>300.00</cost>\n</phone>"),
        ("3", '{\n"cost": "300.00"\n}'),
    ],
)
def test_renting_a_number(bench: Bench, fmt: str, expected: str) -> None:
    assert bench.text("receive_phones", buy="1", phone="79990000101", fmt=fmt) == expected


@pytest.mark.parametrize(
    ("fmt", "expected"),
    [
        ("0", "phone = 79990000201, all_phones = 79990000201,79990000202,79990000203"),
        ("1", "79990000201,79990000202,79990000203"),
        (
            "2",
            "<result>\n<phone>79990000201</phone>\n<all_phones>\n<phone>79990000201</phone>\n"
            "<phone>79990000202</phone>\n<phone>79990000203</phone>\n</all_phones>\n</result>",
        ),
    ],
)
def test_waiting_for_a_call(bench: Bench, fmt: str, expected: str) -> None:
    assert bench.text("wait_call", phone=PHONE, fmt=fmt) == expected


def test_a_call_that_was_waited_for_is_an_incoming_message(bench: Bench) -> None:
    numbers = ["79990000201", "79990000202", "79990000203"]
    assert bench.json("wait_call", phone=PHONE) == {"phone": numbers[0], "all_phones": numbers}
    bench.pass_(5.0)
    [row] = bench.json("get", get_answers="1")
    assert (row["phone"], row["message"], row["to_phone"]) == (PHONE, "[waitcall]", "79990000201")


def test_exports(bench: Bench) -> None:
    bench.send()
    bench.json("downloads", get_list="1")
    bench.pass_(3.0)
    name, noon, done = "messages-2025-01-01", "01.01.2025 12:00:00", "01.01.2025 12:00:03"
    assert formats(bench, "downloads", get_list="1") == (
        f"id = 1, name = {name}, status = 2, created = {noon}, time = {done}, file = {name}.csv",
        f"1,{name},2,{noon},{done},{name}.csv",
        f"<list>\n<task>\n<id>1</id>\n<name>{name}</name>\n<status>2</status>\n<created>{noon}</created>\n"
        f"<time>{done}</time>\n<file>{name}.csv</file>\n</task>\n</list>",
        f'[{{\n"id": 1,\n"name": "{name}",\n"status": "2",\n"created": "{noon}",\n"time": "{done}",\n'
        f'"file": "{name}.csv"\n}}]',
    )
    reply = bench.get("/sys/downloads.php?apikey=key&get_file=1&id=1")
    assert reply.content_type == "text/csv; charset=utf-8"
    assert reply.body.splitlines()[1].startswith(f"1;{PHONE};SMSC;".encode())
    assert bench.text("downloads", get_file="1", id="2", fmt="1") == "0,-5"


def test_a_picture_needs_no_login_and_lets_one_sending_through(bench: Bench) -> None:
    reply = bench.get("/sys/imgcode.php?1.1", ip="192.0.2.7")
    assert (reply.status, reply.content_type, reply.body[:4]) == (200, "image/png", b"\x89PNG")
    code = bench.service.office.imgcodes.last("192.0.2.7")
    assert code is not None
    wrong = {"imgcode": "x", "userip": "192.0.2.8"}
    assert bench.text("send", phones=PHONE, mes="Hi", **wrong, fmt="1") == "0,-10"
    assert bench.send(imgcode=code, userip="192.0.2.7")["cnt"] == 1


def test_what_the_service_says_is_what_the_client_reads(bench: Bench) -> None:
    """The value of a handler comes through rendering and parsing unchanged."""
    bench.send()
    bench.service.life.receive("79999999999", "79990000101", "Да, \n", bench.now)
    for name, params in {
        "phone_add": {"phone": PHONE, "name": "А"},
        "mail_add": {"mail": "a@mysite.com", "name": "А"},
        "phone_group_add": {"name": "x"},
        "phone_black_add": {"phone": "79161234560"},
        "user_add": {"user": "sub", "password": "My-Password1"},
        "tpl_add": {"name": "x", "msg": "a\nb"},
        "optpl_add": {"sender": "SMSC", "msg": "x", "soc": "1"},
        "job_add": {"name": "x", "phones": PHONE, "mes": "Hi"},
    }.items():
        bench.service.office.HANDLERS[name](params, bench.now)
    reading = [
        name
        for name, operation in OPERATIONS.items()
        if operation.is_safe and not operation.is_file and name in bench.service.office.HANDLERS
    ]
    asked = {
        "job_get": {"id": "1"},
        "optpl_get": {"sender": "SMSC", "msg": "x"},
        "operator": {"phone": PHONE},
        "user_stat": {"user": "sub"},
    }
    seen = 0
    for name in reading:
        params = asked.get(name, {})
        try:
            value = bench.service.office.HANDLERS[name](params, bench.now)
        except ApiProblem:
            continue
        operation = OPERATIONS[name]
        command = dict(operation.command)
        said = bench.text(operation.script.removesuffix(".php"), **command, **params, fmt="3")
        answer = parse(name, 3, said, params={**command, **params})
        assert not isinstance(answer, Failure)
        assert answer == value, name
        seen += 1
    assert seen >= 15
