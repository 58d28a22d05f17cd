"""Client libraries of the SMSC service that know nothing of our code, against the simulated service.

PyPI's smsc asks in JSON by GET, PyPI's smsc-client posts forms and reads fmt 0, npm's node-smsc asks in JSON
by GET with the password's MD5, and posts files.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from interop_service import (
    Library,
    LibraryError,
    Service,
    library,
    node_library,
    python_library,
    running_service,
)

pytestmark = pytest.mark.interop

PHONE = "79161234567"
PRICE = 1.45  # of one SMS there
UNDELIVERABLE = "79161299002"
REFUSED = {3: "no money", 6: "message is denied", 7: "invalid number", 8: "can't to deliver"}
AN_ID = "0b5b9c9a-6a0f-4b4e-9a55-3a4d6f0f6a11"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One that may be asked as often as one likes."""
    with running_service(tmp_path_factory.mktemp("service"), "--http-limits", "0") as running:
        yield running


@pytest.fixture(scope="module")
def python_smsc(service: Service) -> Iterator[Library]:
    with library(python_library("smsc_library.py"), service) as running:
        yield running


@pytest.fixture(scope="module")
def node_smsc(service: Service) -> Iterator[Library]:
    with library(node_library("smsc_http.js"), service) as running:
        yield running


def refusal(client: Library, call: str, **arguments: object) -> LibraryError:
    with pytest.raises(LibraryError) as caught:
        client.ask(call, **arguments)
    return caught.value


# -- PyPI smsc -----------------------------------------------------------------------------------------


def test_smsc_of_python_sends_and_knows_what_it_costs(service: Service, python_smsc: Library) -> None:
    before = python_smsc.ask("balance")
    assert (before["currency"], before["credit"], before["error"]) == ("RUR", 0.0, None)
    text, to = "Привет, " * 10, [PHONE, "79161234568"]  # 80 characters: two parts
    assert python_smsc.ask("cost", to=to, text=text) == {"count": 4, "cost": 4 * PRICE, "error": None}
    assert python_smsc.ask("balance") == before
    sent = python_smsc.ask("send", to=to, text=text)
    again = python_smsc.ask("send", to=PHONE, text="another")
    assert (sent["count"], sent["cost"], sent["error"]) == (4, 4 * PRICE, None)
    assert (again["count"], again["cost"]) == (1, PRICE)
    assert sent["id"] != again["id"]
    rows = service.messages(id=sent["id"])
    assert [(row["phone"], row["text"], row["sender"]) for row in rows] == [
        (phone, text, "SMSC.ru") for phone in to
    ]
    assert python_smsc.ask("balance")["balance"] == pytest.approx(before["balance"] - 5 * PRICE)


def test_smsc_of_python_reads_the_ends_of_messages(service: Service, python_smsc: Library) -> None:
    to = [PHONE, UNDELIVERABLE]
    ids = [python_smsc.ask("send", to=phone, text="конец")["id"] for phone in to]
    rows = [
        service.wait_for_status(status, id, phone) for status, id, phone in zip((1, 20), ids, to, strict=True)
    ]
    delivered, failed = python_smsc.ask("status", to=to, ids=[str(id) for id in ids])
    assert (delivered["status"], delivered["err"], delivered["error"]) == (1, 0, None)
    assert (failed["status"], failed["err"], failed["error"]) == (20, 255, None)
    for said, row in zip((delivered, failed), rows, strict=True):
        assert (said["id"], said["phone"], said["message"]) == (row["id"], row["phone"], "конец")
        assert (said["cost"], said["sms_cnt"], said["operator"]) == (str(PRICE), 1, "MTS")
        assert said["name"]
        # the library takes what it reads for Moscow's time
        assert said["send_date"].endswith("+03:00")
        assert datetime.fromisoformat(said["send_date"]).timestamp() == int(row["at"])


def test_smsc_of_python_stumbles_over_a_message_that_is_not_there(python_smsc: Library) -> None:
    error = refusal(python_smsc, "status", to=[PHONE, ""], ids=["987654321", ""])
    assert (error.kind, error.text) == ("KeyError", "'status_name'")


def test_smsc_of_python_names_the_errors_of_the_service(python_smsc: Library) -> None:
    for number, text in REFUSED.items():
        said = python_smsc.ask("send", to=f"7916129913{number}", text="Hello!")
        assert (said["error"], said["count"]) == ([number, text], 0)
        assert isinstance(said["id"], int)  # registered all the same
    assert python_smsc.ask("send", to="12", text="Hello!")["error"] == [7, "invalid number"]


def test_smsc_of_python_says_what_http_says(python_smsc: Library) -> None:
    error = refusal(python_smsc, "send", to="79161299123", text="Hello!")
    assert error.kind == "SendError"
    assert error.text.startswith("[500, ")


# -- PyPI smsc-client ----------------------------------------------------------------------------------


def test_smsc_client_of_python_reads_the_human_text(service: Service) -> None:
    with library(python_library("smsc_client_library.py"), service) as client:
        sent = client.ask("send", to="79161234501", text="Hello! " * 30, id=AN_ID, sender="shop")
        assert sent == {"ok": "2 SMS", "id": AN_ID}
        [row] = service.messages(id=AN_ID)
        assert (row["phone"], row["text"], row["sender"]) == ("79161234501", "Hello! " * 30, "shop")
        # it names no charset, so the service takes its UTF-8 for the default
        client.ask("send", to="79161234501", text="Привет", id=AN_ID, sender="shop")
        assert service.messages(id=AN_ID)[-1]["text"] == "Привет".encode().decode("windows-1251")
        # it has no words for errors, but does not take them for messages that were sent
        assert refusal(client, "send", to="12", text="Hello!", id=AN_ID, sender="shop").kind == "ValueError"


# -- npm node-smsc -------------------------------------------------------------------------------------


def test_node_smsc_sends_and_knows_what_it_costs(service: Service, node_smsc: Library) -> None:
    before = node_smsc.ask("balance", query={"cur": 1})
    assert before.keys() == {"balance", "currency"}
    query = {"phones": "79161234502", "mes": "Привет", "id": "order-7", "cost": 3, "op": 1}
    assert node_smsc.ask("send", query={**query, "cost": 1}) == {"cost": str(PRICE), "cnt": 1}
    sent = node_smsc.ask("send", query=query)
    assert (sent["id"], sent["cnt"], sent["cost"]) == ("order-7", 1, str(PRICE))
    [row] = sent["phones"]
    assert row == {
        "phone": "79161234502",
        "mccmnc": "25001",
        "cost": str(PRICE),
        "status": "-1",
        "error": "0",
    }
    assert float(sent["balance"]) == pytest.approx(float(before["balance"]) - PRICE)
    assert node_smsc.ask("balance", query={}) == {"balance": sent["balance"]}
    assert service.messages(id="order-7")[0]["text"] == "Привет"


def test_node_smsc_reads_the_ends_of_messages(service: Service, node_smsc: Library) -> None:
    ids = []
    for status, phone in ((1, PHONE), (20, UNDELIVERABLE)):
        sent = node_smsc.ask("send", query={"phones": phone, "mes": "the end"})
        ids.append(str(sent["id"]))
        service.wait_for_status(status, sent["id"], phone)
    delivered = node_smsc.ask("status", query={"phone": PHONE, "id": ids[0], "all": 2})
    assert (delivered["status"], delivered["err"], delivered["message"]) == (1, 0, "the end")
    assert "id" not in delivered
    failed = node_smsc.ask("status", query={"phone": UNDELIVERABLE, "id": ids[1]})
    assert (failed["status"], failed["err"]) == (20, 255)
    query = {"phone": f"{PHONE},{UNDELIVERABLE},{PHONE}", "id": f"{ids[0]},{ids[1]},987654321"}
    rows = node_smsc.ask("status", query=query)
    assert [(row["status"], str(row["id"]), row["phone"]) for row in rows] == [
        (1, ids[0], PHONE),
        (20, ids[1], UNDELIVERABLE),
        (-3, "987654321", PHONE),
    ]
    query = {"phone": PHONE, "id": ids[0], "del": "1"}
    assert node_smsc.ask("status", query=query) == {"result": "OK"}
    assert node_smsc.ask("status", query={"phone": PHONE, "id": ids[0]}) == {"status": -3}


def test_node_smsc_looks_numbers_up_and_pings_them(service: Service, node_smsc: Library) -> None:
    for kind, phone in (("hlr", "79161234503"), ("ping", "79161234504")):
        sent = node_smsc.ask("send", query={"phones": phone, kind: 1})
        assert sent["cnt"] == 1
        service.wait_for_status(1, sent["id"], phone)
        said = node_smsc.ask("status", query={"phone": phone, "id": sent["id"], "all": 1})
        assert (said["status"], said["phone"]) == (1, phone)
        if kind == "hlr":
            assert (said["mcc"], said["mnc"], said["sender_id"]) == ("250", "01", "HLR")
            assert said["imsi"].startswith("25001")
    operator = node_smsc.ask("info", query={"get_operator": 1, "phone": PHONE})
    assert (operator["operator"], operator["mcc"], operator["mnc"]) == ("MTS", "250", "01")


def test_node_smsc_sends_texts_of_their_own_in_a_list(service: Service, node_smsc: Library) -> None:
    texts = {"79161234505": "Здравствуй,\nмир!", "79161234506": "Hello: all"}
    lines = [f"{phone}:{text}".replace("\n", "\\n") for phone, text in texts.items()]
    sent = node_smsc.ask("send", query={"list": "\n".join(lines)})
    assert sent["cnt"] == 2
    assert {row["phone"]: row["text"] for row in service.messages(id=sent["id"])} == texts


def test_node_smsc_posts_files(service: Service, node_smsc: Library) -> None:
    picture = {"field": "file0", "name": "cat.jpg", "content": "x" * 200}
    query = {"phones": PHONE, "mes": "a cat", "subj": "pets", "mms": 1}
    sent = node_smsc.ask("send", query=query, files=[picture])
    [row] = service.messages(id=sent["id"])
    assert (row["type"], row["text"]) == (6, "a cat")


def test_node_smsc_names_the_errors_of_the_service(service: Service, node_smsc: Library) -> None:
    for number, text in REFUSED.items():
        query = {"phones": f"7916129913{number}", "mes": "Hello!"}
        error = refusal(node_smsc, "send", query=query)
        assert (error.kind, error.text) == ("SmscApiError", f"{text} ({number})")
        assert error.response.keys() == {"error", "error_code", "id"}
    error = refusal(node_smsc, "send", query={"phones": PHONE, "mes": "x", "time": "yesterday"})
    assert error.response["error_code"] == 5
    with library(node_library("smsc_http.js"), service, password="wrong") as stranger:
        error = refusal(stranger, "balance", query={})
        assert error.text == "authorise error (2)"
        assert error.response == {"error": "authorise error", "error_code": 2}


def test_node_smsc_keeps_contacts_and_groups(node_smsc: Library) -> None:
    assert refusal(node_smsc, "phones", query={"get_group": 1}).response["error_code"] == 3
    group = node_smsc.ask("phones", query={"add_group": 1, "name": "Друзья"})["id"]
    assert isinstance(group, int)
    node_smsc.ask("phones", query={"add": 1, "phone": PHONE, "name": "Иван", "grp": group})
    [contact] = node_smsc.ask("phones", query={"get": 1, "grp": group})
    assert (contact["phone"], contact["name"], contact["group"]) == (PHONE, "Иван", group)
    [row] = node_smsc.ask("phones", query={"get_group": 1})
    assert (row["id"], row["name"], row["cnt"]) == (group, "Друзья", "1")
    assert node_smsc.ask("phones", query={"del": 1, "phone": PHONE}) == {"result": "OK"}


def test_node_smsc_works_in_the_office_of_the_account(service: Service, node_smsc: Library) -> None:
    job = node_smsc.ask("jobs", query={"add": 1, "name": "news", "phones": PHONE, "mes": "Новости"})["id"]
    [listed] = node_smsc.ask("jobs", query={"get_all": 1})
    assert (listed["id"], listed["name"], listed["message"]) == (job, "news", "Новости")
    template = node_smsc.ask("templates", query={"add": 1, "name": "hello", "msg": "Здравствуйте"})["id"]
    [row] = node_smsc.ask("templates", query={"get": 1})
    assert (row["id"], row["name"], row["message"]) == (template, "hello", "Здравствуйте")
    assert isinstance(node_smsc.ask("senders", query={"add": 1, "sender": "shop", "cmt": "x"})["sender"], int)
    assert {"sender": "SMSC", "id": 1} in node_smsc.ask("senders", query={"get": 1})
    assert node_smsc.ask("users", query={"get_stat": 1}) == []
    assert node_smsc.ask("receive_phones", query={"get": 1})[0].keys() >= {"phone", "type", "cost"}


def test_node_smsc_reads_the_history_and_the_subscribers_answers(
    service: Service, node_smsc: Library
) -> None:
    assert (
        node_smsc.ask("get", query={"get_messages": 1, "phone": "79000000001"}) == []
    )  # the service's error 3
    sent = node_smsc.ask("send", query={"phones": "79161234507", "mes": "История"})
    [row] = node_smsc.ask("get", query={"get_messages": 1, "phone": "79161234507"})
    assert (row["id"], row["message"]) == (sent["id"], "История")
    assert isinstance(row["int_id"], str)
    service.tell("incoming", phone="79161234507", text="Ответ")
    [answer] = node_smsc.ask("get", query={"get_answers": 1})
    assert (answer["phone"], answer["message"]) == ("79161234507", "Ответ")


# -- limits, money and passwords -----------------------------------------------------------------------


def test_identical_requests_are_refused_to_each_library(tmp_path: Path) -> None:
    with running_service(tmp_path) as strict:
        with library(python_library("smsc_library.py"), strict) as client:
            assert client.ask("send", to=PHONE, text="once")["error"] is None
            assert client.ask("send", to=PHONE, text="once")["error"] == [
                9,
                "duplicate request, wait a minute",
            ]
            for _ in range(5):
                assert client.ask("cost", to=PHONE, text="once")["error"] is None
            assert client.ask("cost", to=PHONE, text="once")["error"][0] == 9
            # the library asks by lists, of which one a minute is allowed
            service_has = strict.wait_for_status(1, 1, PHONE)
            [said] = client.ask("status", to=[PHONE, ""], ids=[str(service_has["id"]), ""])
            assert said["status"] == 1
            assert "'error_code': 9" in refusal(client, "status", to=[PHONE, ""], ids=["1", ""]).text
        with library(node_library("smsc_http.js"), strict) as client:
            query = {"phones": PHONE, "mes": "twice", "id": "7"}
            assert client.ask("send", query=query) == {"id": 7, "cnt": 1}
            error = refusal(client, "send", query=query)
            assert error.text == "duplicate request, wait a minute (9)"
            assert "id" not in error.response
        with library(python_library("smsc_client_library.py"), strict) as client:
            arguments = {"to": PHONE, "text": "thrice", "id": AN_ID, "sender": "shop"}
            assert client.ask("send", **arguments) == {"ok": "1 SMS", "id": AN_ID}
            assert refusal(client, "send", **arguments).kind == "ValueError"
        assert len(strict.messages()) == 3


def test_without_money_nothing_is_sent_by_any_library(tmp_path: Path) -> None:
    with running_service(tmp_path, "--http-balance", "1.50") as poor:
        with library(python_library("smsc_library.py"), poor) as client:
            assert client.ask("send", to=PHONE, text="first")["error"] is None
            said = client.ask("send", to=PHONE, text="second")
            assert said["error"] == [3, "no money"]
            assert poor.messages(id=said["id"])[0]["status"] == 24
            balance = client.ask("balance")
            assert balance["balance"] == pytest.approx(0.05)
        with library(node_library("smsc_http.js"), poor) as client:
            error = refusal(client, "send", query={"phones": PHONE, "mes": "third"})
            assert error.text == "no money (3)"
            assert poor.messages(id=error.response["id"])[0]["status"] == 24


def test_a_wrong_password_is_told_to_each_library(service: Service) -> None:
    with library(python_library("smsc_library.py"), service, password="wrong") as client:
        assert client.ask("balance")["error"] == [2, "authorise error"]
        assert client.ask("send", to=PHONE, text="Hello!")["error"] == [2, "authorise error"]
        assert "authorise error" in refusal(client, "status", to=[PHONE], ids=["1"]).text
    arguments = {"to": PHONE, "text": "not mine", "id": AN_ID, "sender": "shop"}
    with library(python_library("smsc_client_library.py"), service, password="wrong") as client:
        assert refusal(client, "send", **arguments).kind == "ValueError"
    assert not [row for row in service.messages(phone=PHONE) if row["text"] == "not mine"]
