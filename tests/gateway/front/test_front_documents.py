"""documents.php: invoices and acts, for whom there are some."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any

import pytest
from front_desk import LINKS, FrontDesk, asked, config_of
from front_sub_accounts import with_sub_accounts
from gateway_fakes import account_config

from gateway.config.model import AccountHttp, Config, Http, Price, PriceList
from gateway.core import passwords
from gateway.front import documents, users
from gateway.front.desk import ApiProblem, Octets, Unavailable
from gateway.front.pdf import Line

MakeDesk = Callable[[Config], FrontDesk]
Ask = Callable[..., Any]
PRICES = PriceList(name="retail", currency="RUR", prices=(Price(prefix="", price=0.05),))
SELLER = "ООО «Пример»\n1 Example Street"


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[Line]]]:
    """What documents say; what a PDF makes of it is tested elsewhere, as are hashes."""
    made: list[tuple[str, list[Line]]] = []

    def pdf_of(title: str, lines: Any) -> bytes:
        made.append((title, list(lines)))
        return b"%PDF-1.4 " + repr(made[-1]).encode()

    monkeypatch.setattr("gateway.front.pdf.pdf_of", pdf_of)
    monkeypatch.setattr(passwords, "hash_password", lambda password: "hash")
    return made


def made_desk(make_desk: MakeDesk, folder: Path, seller: str = SELLER, **parent: Any) -> FrontDesk:
    fields = {"http": AccountHttp(sub_accounts=True), "balance": "own", "prices": "retail", **parent}
    other = account_config(system_id="other", http=AccountHttp(sub_accounts=True))
    config = config_of(
        account_config(time_zone="Asia/Tokyo", **fields),
        other,
        http=Http(seller=seller, links=LINKS),
        price_lists=(PRICES,),
    )
    desk = make_desk(config)
    with_sub_accounts(desk, folder)
    for name, props in (("sub", "ИНН 0000000000"), ("sub2", "")):
        params = {"user": name, "password": "My-password1", "fio": "ООО «Клиент»", "props": props}
        run(users.handlers(desk)["user_add"](asked(desk, "app", "user_add", params)))
    return desk


def run(awaitable: Any) -> Any:
    async def wait() -> Any:
        return await awaitable

    return asyncio.run(wait())


@pytest.fixture
def desk(make_desk: MakeDesk, tmp_path: Path) -> FrontDesk:
    return made_desk(make_desk, tmp_path)


@pytest.fixture
def ask(desk: FrontDesk) -> Ask:
    return asking(desk)


def asking(desk: FrontDesk) -> Ask:
    operations = documents.handlers(desk)

    def ask(operation: str, account: str = "app", **params: str) -> Octets:
        found: Octets = run(operations[f"doc_{operation}"](asked(desk, account, f"doc_{operation}", params)))
        return found

    return ask


def refused(ask: Ask, operation: str, account: str = "app", **params: str) -> ApiProblem:
    with pytest.raises(ApiProblem) as problem:
        ask(operation, account, **params)
    return problem.value


def parts_of(answer: Octets) -> list[EmailMessage]:
    head = f"Content-Type: {answer.content_type}\r\n\r\n".encode()
    whole = BytesParser(EmailMessage, policy=HTTP).parsebytes(head + answer.body)
    return list(whole.iter_parts())  # type: ignore[arg-type]


def number_of(answer: Octets) -> int:
    number: int = json.loads(parts_of(answer)[0].get_content())["id"]
    return number


def test_an_invoice_is_json_and_a_pdf(ask: Ask, shown: list[tuple[str, list[Line]]]) -> None:
    answer = ask("add_account", user="sub", sum="100.5", service="СМС за июнь")
    assert answer.content_type.startswith('multipart/mixed; boundary="smsc-')
    about, pdf = parts_of(answer)
    assert about.get_content_type() == "application/json"
    assert json.loads(about.get_content()) == {"id": 1, "sum": "100.50"}
    assert (pdf.get_content_type(), pdf.get_filename()) == ("application/pdf", "account_1.pdf")
    assert pdf.get_payload(decode=True).startswith(b"%PDF-1.4 ")  # type: ignore[union-attr]
    [(title, lines)] = shown
    assert title == "Счёт на оплату № 1 от 16.06.2025"  # in Tokyo it is the next day
    texts = [line.text for line in lines]
    assert texts[:2] == ["ООО «Пример»", "1 Example Street"]
    assert "Плательщик: ООО «Клиент», ИНН 0000000000" in texts
    assert [line.right for line in lines if line.text == "СМС за июнь"] == ["100.50 RUR"]


def test_an_invoice_stays_what_it_was(desk: FrontDesk, ask: Ask, shown: list[tuple[str, list[Line]]]) -> None:
    ask("add_account", user="sub", sum="10")
    params = {"user": "sub", "fio": "Another"}
    run(users.handlers(desk)["user_chg"](asked(desk, "app", "user_chg", params)))
    answer = ask("get_account", user="sub", id="1")
    assert answer.content_type == "application/pdf"
    assert shown[0] == shown[1]


def test_an_act_is_of_an_invoice(ask: Ask, shown: list[tuple[str, list[Line]]]) -> None:
    ask("add_account", user="sub", sum="10")
    ask("get_act", user="sub", id="1")
    ask("get_act", user_id="1", num="A-1")
    assert [title for title, _ in shown[1:]] == ["Акт № A-1 от 16.06.2025"] * 2
    assert "Заказчик: ООО «Клиент», ИНН 0000000000" in [line.text for line in shown[1][1]]


def test_numbers_have_no_gaps(desk: FrontDesk, ask: Ask) -> None:
    assert number_of(ask("add_account", user="sub", sum="10")) == 1
    desk.journal.fails = True
    with pytest.raises(Unavailable):
        ask("add_account", user="sub", sum="10")
    desk.journal.fails = False
    assert number_of(ask("add_account", user="sub2", sum="10")) == 2
    assert number_of(asking(desk)("add_account", user="sub", sum="10")) == 3  # and after a start


def test_invoices_at_the_same_time_have_different_numbers(desk: FrontDesk) -> None:
    async def both() -> list[Any]:
        operation = documents.handlers(desk)["doc_add_account"]
        params = {"user": "sub", "sum": "10"}
        return await asyncio.gather(
            *(operation(asked(desk, "app", "doc_add_account", params)) for _ in range(4))
        )

    assert [number_of(answer) for answer in asyncio.run(both())] == [1, 2, 3, 4]


def test_a_client_that_leaves_gives_its_number_to_nobody(
    desk: FrontDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = documents.handlers(desk)["doc_add_account"]

    def ask() -> asyncio.Future[Any]:
        params = {"user": "sub", "sum": "10"}
        return asyncio.ensure_future(operation(asked(desk, "app", "doc_add_account", params)))

    async def some_turns() -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def both() -> Any:
        with monkeypatch.context() as slow_disk:
            slow_disk.setattr(desk.journal, "flush", lambda: None)
            first = ask()
            await some_turns()
            first.cancel()
            second = ask()
            await some_turns()
        desk.journal.flush()
        return await second

    assert number_of(asyncio.run(both())) == 2
    assert desk.journal.all("SELECT count(*) FROM record WHERE kind = 'invoice'") == [(2,)]


def test_the_invoices_of_others_are_not_found(ask: Ask) -> None:
    ask("add_account", user="sub", sum="10")
    assert refused(ask, "get_account", user="sub2", id="1").number == 7
    assert refused(ask, "get_act", user="sub2", id="1").number == 7
    assert refused(ask, "get_account", "other", user="sub", id="1").number == 6
    assert refused(ask, "get_account", user="nobody", id="1").number == 6
    assert refused(ask, "get_account", user="sub", id="2").number == 7
    assert refused(ask, "get_act", user="sub", num="A-2").number == 7


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("add_account", {"user": "sub"}),
        ("add_account", {"user": "sub", "sum": "x"}),
        ("add_account", {"user": "sub", "sum": "0"}),
        ("add_account", {"user": "sub", "sum": "-1"}),
        ("add_account", {"user": "sub", "sum": "1", "service": "a" * 1001}),
        ("add_account", {"sum": "1"}),
        ("get_account", {"user": "sub"}),
        ("get_account", {"user": "sub", "id": "-1"}),
        ("get_account", {"user": "sub", "id": "1" * 30}),
        ("get_act", {"user": "sub"}),
        ("get_act", {"user": "sub", "num": "B-1"}),
    ],
)
def test_bad_parameters_are_error_1(ask: Ask, operation: str, params: dict[str, str]) -> None:
    assert refused(ask, operation, **params).number == 1


def test_a_very_large_invoice_is_not_made(ask: Ask) -> None:
    assert refused(ask, "add_account", user="sub", sum="1000000.01").number == 5
    assert number_of(ask("add_account", user="sub", sum="1000000")) == 1


def test_without_a_seller_there_are_no_invoices(make_desk: MakeDesk, tmp_path: Path) -> None:
    ask = asking(made_desk(make_desk, tmp_path, seller=""))
    problem = refused(ask, "add_account", user="sub", sum="10")
    assert (problem.number, "http.seller" in problem.text) == (5, True)
    problem = refused(ask, "get_account", user="sub", id="1")
    assert (problem.number, "http.seller" in problem.text) == (7, True)


def test_without_prices_there_are_no_invoices(make_desk: MakeDesk, tmp_path: Path) -> None:
    ask = asking(made_desk(make_desk, tmp_path, balance="none", prices=""))
    problem = refused(ask, "add_account", user="sub", sum="10")
    assert (problem.number, "prices" in problem.text) == (5, True)


def test_a_boundary_is_not_in_what_it_bounds(ask: Ask) -> None:
    answer = ask("add_account", user="sub", sum="10")
    boundary = re.search('boundary="(.*)"', answer.content_type)
    assert boundary is not None
    assert answer.body.count(boundary[1].encode()) == 3
