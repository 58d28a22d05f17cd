"""Requests for scripts: read, let in, handed over, and answered in each form."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from front_desk import FrontDesk, config_of, desk_of
from gateway_fakes import account_config
from multidict import CIMultiDict

from gateway.config.model import AccountHttp, Http
from gateway.config.secret import Secret
from gateway.core.api_keys import hash_key
from gateway.core.errors import StoreReadError
from gateway.core.http import HttpCall, HttpReply
from gateway.core.logins import Logins
from gateway.front.desk import ApiProblem, Asked, Handler, Octets, Unavailable, Value
from gateway.front.front import PICTURES_A_MINUTE, SCRIPTS, SmscFront
from gateway.front.gate import Gate
from protocols.smsc_http.operations import OPERATIONS

KEY = "k" * 43
ADDRESS = "192.0.2.7"
FORM = "application/x-www-form-urlencoded"
BALANCE = {"balance": "100.50", "currency": "RUR"}


class Front:
    """A front whose scripts answer what a test says."""

    def __init__(self, folder: Path, settings: Http, **http: Any) -> None:
        account = account_config(system_id="alex", api_keys=[Secret(hash_key(KEY))], http=AccountHttp(**http))
        self.desk: FrontDesk = desk_of(folder, config_of(account, http=settings))
        logins = Logins(self.desk.clock)
        self.gate = Gate(self.desk.accounts, logins, self.desk.clock, settings, self.desk.events)
        self.front = SmscFront(self.desk, self.gate)
        self.asked: list[Asked] = []
        self.answer: Any = BALANCE

    def scripts(self, *operations: str) -> Front:
        """These operations are answered by the test."""
        self.front._handlers.update(dict.fromkeys(operations, self._handler()))
        return self

    def _handler(self) -> Handler:
        async def handler(asked: Asked) -> Value:
            self.asked.append(asked)
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer() if callable(self.answer) else self.answer  # type: ignore[no-any-return]

        return handler

    def ask(
        self,
        path: str,
        params: Mapping[str, object] | None = None,
        *,
        method: str = "GET",
        body: bytes = b"",
        kind: str = FORM,
        peer: str = ADDRESS,
    ) -> HttpReply:
        query = urlencode({"apikey": KEY, **(params or {})}) if method == "GET" else ""
        headers = CIMultiDict({"Content-Type": kind})
        call = HttpCall(method, path, query, headers, body, peer, False)
        return asyncio.run(self.front(call))


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Any]:
    fronts: list[Front] = []

    def make(settings: Http | None = None, **http: Any) -> Front:
        fronts.append(Front(tmp_path, settings or Http(limits=0), **http))
        return fronts[-1]

    yield make
    for front in fronts:
        front.desk.journal.close()


def test_the_table_names_each_operation_once() -> None:
    named = [name for names in SCRIPTS.values() for name in names]
    assert len(named) == len(set(named)) and set(named) <= set(OPERATIONS)


@pytest.mark.parametrize("module", SCRIPTS)
def test_each_module_answers_what_the_table_says(module: str, made: Any) -> None:
    front = made().front
    front.load(module)
    assert set(SCRIPTS[module]) <= set(front._handlers)


def test_what_a_script_is_told(made: Any) -> None:
    front = made().scripts("balance")
    front.ask("/sys/balance.php", {"cur": 1, "charset": "utf-8", "fmt": 2, "login": "alex", "psw": "x"})
    [asked] = front.asked
    assert asked == Asked(
        front.desk.accounts["alex"], "balance", {"cur": "1", "charset": "utf-8", "fmt": "2"}, (), ADDRESS, 2,
        "utf-8",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fmt", "kind", "text"),
    [
        (0, "text/plain", "100.50"),
        (1, "text/plain", "100.50"),
        (2, "text/xml", "<balance>100.50</balance>"),
        (3, "application/json", '{\n"balance": "100.50"\n}'),
        ("x", "text/plain", "100.50"),
    ],
)
def test_an_answer_in_each_format(fmt: object, kind: str, text: str, made: Any) -> None:
    front = made().scripts("balance")
    front.answer = {"balance": "100.50"}
    reply = front.ask("/sys/balance.php", {"fmt": fmt})
    assert reply == HttpReply(200, f"{kind}; charset=windows-1251", text.encode())


@pytest.mark.parametrize(
    ("fmt", "text"),
    [
        (0, "ERROR = 6 (message is denied), ID - 7"),
        (1, "7,-6"),
        (
            2,
            "<result>\n<error>message is denied</error>\n<error_code>6</error_code>\n<id>7</id>\n</result>",
        ),
        (3, '{\n"error": "message is denied",\n"error_code": 6,\n"id": 7\n}'),
    ],
)
def test_an_error_in_each_format(fmt: int, text: str, made: Any) -> None:
    front = made().scripts("send")
    front.answer = ApiProblem(6, id=7)
    reply = front.ask("/sys/send.php", {"fmt": fmt, "phones": "79991234567", "mes": "Hi", "charset": "utf-8"})
    assert (reply.status, reply.body.decode()) == (200, text)
    assert (front.front.requests, front.front.errors, front.front.refused) == (1, 1, 0)


def test_an_error_may_say_what_is_missing_in_the_charset_that_was_asked_for(made: Any) -> None:
    front = made().scripts("balance")
    front.answer = ApiProblem(1, "нет")
    reply = front.ask("/sys/balance.php", {"charset": "koi8-r"})
    assert reply.body.decode("koi8-r") == "ERROR = 1 (нет)"
    assert reply.content_type == "text/plain; charset=koi8-r"


def test_a_file_is_answered_as_it_is(made: Any) -> None:
    front = made().scripts("dl_file")
    front.answer = Octets("text/csv", b"\xff\x00", 'a"b\r\nX: y.csv')
    reply = front.ask("/sys/downloads.php", {"get_file": 1, "id": 7})
    assert (reply.content_type, reply.body) == ("text/csv", b"\xff\x00")
    assert ("Content-Disposition", 'attachment; filename="a_b__X__y.csv"') in reply.headers
    front.answer = Octets("image/png", b"x")
    assert front.ask("/sys/downloads.php", {"get_file": 1, "id": 7}).headers == ()


def test_errors_of_documents_are_json_whatever_was_asked_for(made: Any) -> None:
    front = made().scripts("doc_get_act")
    front.answer = ApiProblem(7)
    reply = front.ask("/sys/documents.php", {"get_act": 1, "user": "a", "id": 1, "fmt": 1})
    assert reply.content_type == "application/json; charset=windows-1251"
    assert b'"error_code": 7' in reply.body


def test_json_to_rest_send(made: Any) -> None:
    front = made().scripts("send")
    front.answer = {"id": 14, "cnt": 1}
    body = (
        f'{{"apikey": "{KEY}", "phones": ["79991234567", 79991234568], "mes": "Привет", "fmt": 1}}'.encode()
    )
    reply = front.ask("/rest/send/", method="POST", body=body, kind="application/json")
    assert reply == HttpReply(200, "application/json; charset=utf-8", b'{\n"id": 14,\n"cnt": 1\n}')
    assert front.asked[0].params["mes"] == "Привет" and front.asked[0].fmt == 3
    assert front.ask("/rest/send/").status == 405


@pytest.mark.parametrize(
    ("path", "method", "kind", "body", "status"),
    [
        ("/sys/send.php/x", "GET", FORM, b"", 404),
        ("/sys/nothing.php", "GET", FORM, b"", 200),
        ("/sys/../etc/passwd", "GET", FORM, b"", 404),
        ("/sys/send.php", "OPTIONS", FORM, b"", 405),
        ("/sys/send.php", "HEAD", FORM, b"", 405),
        ("/rest/send/", "POST", "application/json", b"{" * 100, 200),
        ("/sys/send.php", "POST", "multipart/form-data; boundary=x", b"nonsense", 200),
        ("/sys/send.php", "POST", FORM, b"a=1&" * 3_000_000, 413),
    ],
)
def test_what_is_no_request(path: str, method: str, kind: str, body: bytes, status: int, made: Any) -> None:
    front = made()
    reply = front.ask(path, method=method, kind=kind, body=body)
    assert reply.status == status
    assert (("Allow", "GET, POST") in reply.headers) == (status == 405)
    assert front.front.refused + front.front.errors == 1
    if status == 200:
        assert reply.body.startswith(b"ERROR = 1 (") or reply.body.startswith(b"ERROR = 2 (")


def test_strangers_hear_nothing_but_error_2(made: Any) -> None:
    front = made(Http(block_after=3)).scripts("balance")
    for path in ("/sys/balance.php", "/sys/nothing.php", "/sys/send.php"):
        assert front.ask(path, {"apikey": "wrong", "fmt": 1}).body == b"0,-2"
    assert front.ask("/sys/balance.php", {"fmt": 1}).body == b"0,-4"
    assert front.front.refused == 4 and front.asked == []


def test_what_lacks_a_parameter_or_a_command_is_error_1(made: Any) -> None:
    front = made().scripts("send", "tpl_get")
    assert front.ask("/sys/send.php", {"mes": "x", "fmt": 1}).body == b"0,-1"
    assert front.ask("/sys/templates.php", {"fmt": 1}).body == b"0,-1"
    assert front.asked == []


def test_too_often_is_error_9_and_what_was_not_taken_does_not_count(made: Any) -> None:
    front = made(Http()).scripts("send")
    params = {"phones": "79991234567", "mes": "Hi", "fmt": 1}
    front.answer = Unavailable()
    reply = front.ask("/sys/send.php", params)
    assert (reply.status, dict(reply.headers)["Retry-After"]) == (503, "5")
    front.answer = {"id": 1, "cnt": 1}
    assert [front.ask("/sys/send.php", params).body for _ in range(2)] == [b"1,1", b"0,-9"]
    front.answer = ApiProblem(7, id=2)
    more = {**params, "mes": "Ho"}
    assert [front.ask("/sys/send.php", more).body for _ in range(2)] == [b"2,-7", b"0,-9"]


def test_too_many_at_once_are_error_9(made: Any) -> None:
    front = made(Http(limits=0, max_requests=3)).scripts("balance")

    async def together() -> list[bytes]:
        go = asyncio.Event()

        async def waits(asked: Asked) -> Value:
            await go.wait()
            return {"balance": "1.00"}

        front.front._handlers["balance"] = waits
        call = HttpCall("GET", "/sys/balance.php", f"apikey={KEY}&fmt=1", CIMultiDict(), b"", ADDRESS, False)
        asking = [asyncio.create_task(front.front(call)) for _ in range(4)]
        await asyncio.sleep(0)
        go.set()
        return [(await one).body for one in asking]

    assert asyncio.run(together()) == [b"1.00", b"1.00", b"0,-9", b"0,-9"]
    assert front.ask("/sys/balance.php", {"fmt": 1}).body == b"1.00"  # all have left


def test_a_status_that_is_answered_makes_room_for_another(made: Any) -> None:
    front = made(Http(limits=0, max_status_requests=3)).scripts("balance", "status")
    front.answer = {"status": 1}

    async def beside() -> list[bytes]:
        go = asyncio.Event()

        async def waits(asked: Asked) -> Value:
            await go.wait()
            return {"balance": "1.00"}

        def call(path: str, query: str = "") -> HttpCall:
            query = f"apikey={KEY}&fmt=1{query}"
            return HttpCall("GET", path, query, CIMultiDict(), b"", ADDRESS, False)

        front.front._handlers["balance"] = waits
        waiting = asyncio.create_task(front.front(call("/sys/balance.php")))
        await asyncio.sleep(0)
        found = [
            (await front.front(call("/sys/status.php", f"&phone=79991234567&id={n}"))).body for n in range(5)
        ]
        go.set()
        await waiting
        return found

    assert b"0,-9" not in asyncio.run(beside())


def test_what_the_gateway_has_not_is_the_relays_or_says_so(made: Any) -> None:
    front = made()
    asked = {"get": 1, "fmt": 0}
    assert b"ERROR = 1 (rcv_get is not done here" in front.ask("/sys/receive_phones.php", asked).body

    async def relay(asked: Asked) -> Value:
        return Octets("text/plain", asked.operation.encode())

    front = made()
    front.desk.relay = relay  # type: ignore[assignment]
    assert front.ask("/sys/receive_phones.php", asked).body == b"rcv_get"


def test_a_picture_needs_no_login_and_somebodys_relay(made: Any) -> None:
    front = made()
    assert front.ask("/sys/imgcode.php", {"apikey": ""}).body.startswith(b"ERROR = 1 (imgcode")
    front = made(relay="centre").scripts("imgcode")
    front.answer = Octets("image/png", b"png")
    assert front.ask("/sys/imgcode.php", {"apikey": ""}).body == b"png"
    assert front.ask("/sys/imgcode.php", {"apikey": "wrong"}).body.startswith(b"ERROR = 2")
    answers = [front.ask("/sys/imgcode.php", {"apikey": ""}).body for _ in range(PICTURES_A_MINUTE)]
    assert answers == [b"png"] * (PICTURES_A_MINUTE - 1) + [b"ERROR = 9 (duplicate request, wait a minute)"]
    assert front.ask("/sys/imgcode.php", {"apikey": ""}, peer="192.0.2.8").body == b"png"


def test_a_store_that_cannot_be_read_is_503(made: Any) -> None:
    front = made().scripts("balance")
    for error in (OSError(5, "Input/output error", "7999.csv"), StoreReadError("locked")):
        front.answer = error
        assert front.ask("/sys/balance.php").status == 503
        front.desk.clock.advance(60)
    told = "".join(front.desk.said)
    assert 'reason="store: Input/output error"' in told and 'reason="store: locked"' in told
    assert "7999" not in told
