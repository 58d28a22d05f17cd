"""documents.php of the simulated service: invoices and acts."""

from __future__ import annotations

import json
from email import message_from_bytes

import pytest
from office_support import OK, Desk


@pytest.fixture(autouse=True)
def sub_client(desk: Desk) -> None:
    desk.ask("user_add", {"user": "sub_alex", "password": "My-Password1", "fio": "Алекс (и сын)"})


INVOICE = {"user": "sub_alex", "sum": "1500.50", "service": "SMS of May"}


def parts_of(answer: object) -> list[tuple[str, bytes]]:
    """The parts as a program of others reads them."""
    assert isinstance(answer, tuple)
    body, content_type = answer
    whole = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    assert whole.is_multipart()
    found = []
    for part in whole.get_payload():
        assert not isinstance(part, str)
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        found.append((part.get_content_type(), payload))
    return found


def test_an_invoice_is_json_and_a_pdf(desk: Desk) -> None:
    (first, about), (second, pdf) = parts_of(desk.ask("doc_add_account", INVOICE))
    assert (first, second) == ("application/json", "application/pdf")
    assert about == b'{\n"id": 101,\n"sum": "1500.50"\n}'
    assert pdf.startswith(b"%PDF-1.4\n")
    assert b"(Invoice 101)" in pdf
    assert b"(Sum: 1500.50 RUR)" in pdf
    assert rb"(Client: Aleks \(i syn\))" in pdf
    assert b"(Service: SMS of May)" in pdf


def test_an_invoice_and_its_act_are_fetched_again(desk: Desk) -> None:
    (_, about), (_, pdf) = parts_of(desk.ask("doc_add_account", INVOICE))
    id = str(json.loads(about)["id"])
    assert desk.ask("doc_get_account", {"user": "sub_alex", "id": id}) == (pdf, "application/pdf")
    act = desk.ask("doc_get_act", {"user_id": "1", "id": id})
    assert act == desk.ask("doc_get_act", {"user": "sub_alex", "num": f"A-{id}"})
    assert isinstance(act, tuple) and b"(Act A-101)" in act[0]


def test_documents_belong_to_their_sub_client(desk: Desk) -> None:
    desk.ask("user_add", {"user": "other", "password": "My-Password1"})
    desk.ask("doc_add_account", INVOICE)
    assert desk.problem("doc_get_account", {"user": "other", "id": "101"}) == 7
    assert desk.problem("doc_get_act", {"user": "other", "id": "101"}) == 7
    assert desk.problem("doc_get_account", {"user": "sub_alex", "id": "7"}) == 7
    assert desk.problem("doc_get_act", {"user": "sub_alex", "num": "A-7"}) == 7


def test_refusals(desk: Desk) -> None:
    assert desk.problem("doc_add_account", {**INVOICE, "user": "nobody"}) == 6
    assert desk.problem("doc_add_account", {"sum": "1"}) == 1
    assert desk.problem("doc_add_account", {**INVOICE, "sum": "-1"}) == 1
    assert desk.problem("doc_add_account", {**INVOICE, "sum": "1000000.01"}) == 5
    assert desk.problem("doc_get_account", {"user": "sub_alex"}) == 1
    assert desk.problem("doc_get_act", {"user": "sub_alex"}) == 1
    assert desk.problem("doc_get_act", {"user": "nobody", "id": "1"}) == 6


def test_a_renamed_sub_client_keeps_its_documents(desk: Desk) -> None:
    desk.ask("doc_add_account", INVOICE)
    assert desk.ask("user_chg", {"user": "sub_alex", "new_login": "alex"}) == OK
    assert desk.ask("doc_get_account", {"user": "alex", "id": "101"})
