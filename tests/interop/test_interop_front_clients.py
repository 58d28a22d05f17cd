"""Client libraries of the SMSC service that know nothing of our code, against the gateway's HTTP front.

The same libraries as against the simulated service: only the host name is another one.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from interop_front import running_front
from interop_gateway import wait_until
from interop_service import (
    Library,
    LibraryError,
    Service,
    library,
    node_library,
    python_library,
)

pytestmark = pytest.mark.interop

PHONE = "79161234567"
PRICE = 1.45
UNDELIVERABLE = "79161299002"
AN_ID = "0b5b9c9a-6a0f-4b4e-9a55-3a4d6f0f6a11"


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_front(tmp_path_factory.mktemp("front")) as running:
        yield running


@pytest.fixture(scope="module")
def python_smsc(front: Service) -> Iterator[Library]:
    with library(python_library("smsc_library.py"), front) as running:
        yield running


@pytest.fixture(scope="module")
def node_smsc(front: Service) -> Iterator[Library]:
    with library(node_library("smsc_http.js"), front) as running:
        yield running


def refusal(client: Library, call: str, **arguments: object) -> LibraryError:
    with pytest.raises(LibraryError) as caught:
        client.ask(call, **arguments)
    return caught.value


def ended(node_smsc: Library, status: int, id: object, phone: str) -> dict[str, Any]:
    """All that is known of a message, once it has this status."""

    def said() -> dict[str, Any]:
        answer: dict[str, Any] = node_smsc.ask("status", query={"phone": phone, "id": str(id), "all": 2})
        return answer

    wait_until(lambda: said()["status"] == status, f"status {status} of {id}")
    return said()


# -- PyPI smsc -----------------------------------------------------------------------------------------


def test_smsc_of_python_sends_and_knows_what_it_costs(python_smsc: Library) -> None:
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
    assert python_smsc.ask("balance")["balance"] == pytest.approx(before["balance"] - 5 * PRICE)


def test_smsc_of_python_reads_the_ends_of_messages(python_smsc: Library, node_smsc: Library) -> None:
    to = [PHONE, UNDELIVERABLE]
    ids = [python_smsc.ask("send", to=phone, text="конец")["id"] for phone in to]
    for status, id, phone in zip((1, 20), ids, to, strict=True):
        ended(node_smsc, status, id, phone)
    delivered, failed = python_smsc.ask("status", to=to, ids=[str(id) for id in ids])
    assert (delivered["status"], delivered["err"], delivered["error"]) == (1, 0, None)
    assert (failed["status"], failed["error"]) == (20, None)
    assert failed["err"] > 0
    for said, id, phone in zip((delivered, failed), ids, to, strict=True):
        assert (said["id"], said["phone"], said["message"]) == (id, phone, "конец")
        assert (said["cost"], said["sms_cnt"]) == (str(PRICE), 1)
        assert said["name"]
        assert said["send_date"].endswith("+03:00")


def test_smsc_of_python_names_the_errors_of_the_service(python_smsc: Library) -> None:
    said = python_smsc.ask("send", to="12", text="Hello!")
    assert said["error"] == [7, "invalid number"]
    assert isinstance(said["id"], int)  # registered all the same


def test_a_wrong_password_is_told_to_each_library(front: Service) -> None:
    with library(python_library("smsc_library.py"), front, password="wrong") as client:
        assert client.ask("balance")["error"] == [2, "authorise error"]
        assert client.ask("send", to=PHONE, text="Hello!")["error"] == [2, "authorise error"]
    arguments = {"to": PHONE, "text": "not mine", "id": AN_ID, "sender": "shop"}
    with library(python_library("smsc_client_library.py"), front, password="wrong") as client:
        assert refusal(client, "send", **arguments).kind == "ValueError"


# -- PyPI smsc-client ----------------------------------------------------------------------------------


def test_smsc_client_of_python_reads_the_human_text(front: Service, node_smsc: Library) -> None:
    with library(python_library("smsc_client_library.py"), front) as client:
        sent = client.ask("send", to="79161234501", text="Hello! " * 30, id=AN_ID, sender="shop")
        assert sent == {"ok": "2 SMS", "id": AN_ID}
        assert ended(node_smsc, 1, AN_ID, "79161234501")["sender_id"] == "shop"
        assert refusal(client, "send", to="12", text="Hello!", id=AN_ID, sender="shop").kind == "ValueError"


# -- npm node-smsc -------------------------------------------------------------------------------------


def test_node_smsc_sends_and_knows_what_it_costs(node_smsc: Library) -> None:
    before = node_smsc.ask("balance", query={"cur": 1})
    assert before.keys() == {"balance", "currency"}
    query = {"phones": "79161234502", "mes": "Привет", "id": "order-7", "cost": 3, "op": 1}
    assert node_smsc.ask("send", query={**query, "cost": 1}) == {"cost": str(PRICE), "cnt": 1}
    sent = node_smsc.ask("send", query=query)
    assert (sent["id"], sent["cnt"], sent["cost"]) == ("order-7", 1, str(PRICE))
    [row] = sent["phones"]
    assert (row["phone"], row["cost"], row["status"], row["error"]) == ("79161234502", str(PRICE), "-1", "0")
    assert row["mccmnc"].startswith("250")
    assert float(sent["balance"]) == pytest.approx(float(before["balance"]) - PRICE)
    assert node_smsc.ask("balance", query={}) == {"balance": sent["balance"]}


def test_node_smsc_reads_the_ends_of_messages(node_smsc: Library) -> None:
    ids = []
    for status, phone in ((1, PHONE), (20, UNDELIVERABLE)):
        sent = node_smsc.ask("send", query={"phones": phone, "mes": "the end"})
        ids.append(str(sent["id"]))
        assert ended(node_smsc, status, sent["id"], phone)["message"] == "the end"
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


def test_node_smsc_looks_numbers_up_and_pings_them(node_smsc: Library) -> None:
    for kind, phone in (("hlr", "79161234503"), ("ping", "79161234504")):
        sent = node_smsc.ask("send", query={"phones": phone, kind: 1})
        assert sent["cnt"] == 1
        said = ended(node_smsc, 1, sent["id"], phone)
        assert said["phone"] == phone
        if kind == "hlr":
            assert (said["mcc"], said["mnc"], said["sender_id"]) == ("250", "01", "HLR")
            assert said["imsi"].startswith("25001")
    operator = node_smsc.ask("info", query={"get_operator": 1, "phone": PHONE})
    assert (operator["operator"], operator["mcc"], operator["mnc"]) == ("MTS", "250", "01")


def test_node_smsc_sends_texts_of_their_own_in_a_list(node_smsc: Library) -> None:
    texts = {"79161234505": "Здравствуй,\nмир!", "79161234506": "Hello: all"}
    lines = [f"{phone}:{text}".replace("\n", "\\n") for phone, text in texts.items()]
    sent = node_smsc.ask("send", query={"list": "\n".join(lines)})
    assert sent["cnt"] == 2
    for phone, text in texts.items():
        assert ended(node_smsc, 1, sent["id"], phone)["message"] == text


def test_node_smsc_posts_files(node_smsc: Library) -> None:
    picture = {"field": "file0", "name": "cat.jpg", "content": "x" * 200}
    query = {"phones": PHONE, "mes": "a cat", "subj": "pets", "mms": 1}
    sent = node_smsc.ask("send", query=query, files=[picture])
    assert ended(node_smsc, 1, sent["id"], PHONE)["type"] == 6


def test_node_smsc_names_the_errors_of_the_service(front: Service, node_smsc: Library) -> None:
    error = refusal(node_smsc, "send", query={"phones": "12", "mes": "Hello!"})
    assert (error.kind, error.text) == ("SmscApiError", "invalid number (7)")
    assert error.response.keys() == {"error", "error_code", "id"}
    error = refusal(node_smsc, "send", query={"phones": PHONE, "mes": "x", "time": "yesterday"})
    assert error.response["error_code"] == 5
    with library(node_library("smsc_http.js"), front, password="wrong") as stranger:
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


def test_node_smsc_works_in_the_office_of_the_account(node_smsc: Library) -> None:
    job = node_smsc.ask("jobs", query={"add": 1, "name": "news", "phones": PHONE, "mes": "Новости"})["id"]
    [listed] = node_smsc.ask("jobs", query={"get_all": 1})
    assert (listed["id"], listed["name"], listed["message"]) == (job, "news", "Новости")
    template = node_smsc.ask("templates", query={"add": 1, "name": "hello", "msg": "Здравствуйте"})["id"]
    [row] = node_smsc.ask("templates", query={"get": 1})
    assert (row["id"], row["name"], row["message"]) == (template, "hello", "Здравствуйте")
    assert isinstance(node_smsc.ask("senders", query={"add": 1, "sender": "shop", "cmt": "x"})["sender"], int)
    assert node_smsc.ask("users", query={"get_stat": 1}) == []
    # relayed to the service that the gateway uses itself
    assert node_smsc.ask("receive_phones", query={"get": 1})[0].keys() >= {"phone", "type", "cost"}


def test_node_smsc_reads_the_history(node_smsc: Library) -> None:
    assert (
        node_smsc.ask("get", query={"get_messages": 1, "phone": "79000000001"}) == []
    )  # the service's error 3
    sent = node_smsc.ask("send", query={"phones": "79161234507", "mes": "История"})
    ended(node_smsc, 1, sent["id"], "79161234507")
    [row] = node_smsc.ask("get", query={"get_messages": 1, "phone": "79161234507"})
    assert (row["id"], row["message"]) == (sent["id"], "История")
    assert isinstance(row["int_id"], str)


# -- limits and money ----------------------------------------------------------------------------------


def test_identical_requests_are_refused_to_each_library(tmp_path: Path) -> None:
    with running_front(tmp_path, limits="1", money="4.50") as strict:
        with library(python_library("smsc_library.py"), strict) as client:
            assert client.ask("send", to=PHONE, text="once")["error"] is None
            assert client.ask("send", to=PHONE, text="once")["error"] == [
                9,
                "duplicate request, wait a minute",
            ]
            for _ in range(5):
                assert client.ask("cost", to=PHONE, text="once")["error"] is None
            assert client.ask("cost", to=PHONE, text="once")["error"][0] == 9
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
        with library(node_library("smsc_http.js"), strict) as client:
            error = refusal(client, "send", query={"phones": PHONE, "mes": "no money for this"})
            assert error.text == "no money (3)"
            assert client.ask("status", query={"phone": PHONE, "id": error.response["id"]})["status"] == 24
