"""Sub-clients over HTTP and SMPP, across reloads and starts; their invoices; short links that are opened."""

from __future__ import annotations

import json
from dataclasses import replace
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any

import pytest
from http_support import NO_LIMITS, AskedGateway, asked_over_http
from journey_support import DESTINATION, UPSTREAM, Client, account, hashed, journey
from money_support import PRICES, ask, balance, credit

from gateway.config.basics import Url
from gateway.config.model import AccountHttp, Route
from gateway.egress.sandbox import DELIVERED_AFTER_S
from gateway.front import sender_records
from gateway.front.desk import committed
from gateway.ingress.smpp_listener import SmppListener
from protocols.smpp import constants as c

LINKS = "https://s.example.org"
OTHER = "79161200002"
SETTINGS = replace(NO_LIMITS, links=Url("https", "s.example.org", 443), seller="ООО «Пример»")
WORD = "Pass-w1d"
"""As long as SMPP allows."""
SUB = {"login": "sub", "psw": WORD}


def asked(state_dir: Path, **fields: Any) -> Any:
    values = {
        "http": AccountHttp(sub_accounts=True),
        "settings": SETTINGS,
        "configured": {"price_lists": PRICES},
        "balance": "own",
        "prices": "retail",
        **fields,
    }
    return asked_over_http(state_dir, **values)


async def bound(it: AskedGateway) -> Client:
    """A session of the sub-client."""
    client = await it.gateway.connect()
    assert await client.bind(system_id="sub", password=WORD) == c.ESME_ROK
    return client


@journey
async def test_a_sub_client_sends_over_http_and_smpp_from_its_own_money(tmp_path: Path) -> None:
    routes = [Route(connectors=[UPSTREAM], accounts=["alex"])]  # for its parts, too
    async with asked(tmp_path, routes=routes) as it:
        assert await it.ask("users", add=1, user="sub", password=WORD, type=1) == {"id": 1}
        await credit(it.gateway, "1", "alex")
        assert await it.ask("users", pay=1, user="sub", sum="0.25") == {"result": "OK"}
        assert (balance(it.gateway, "alex"), balance(it.gateway, "sub")) == ("0.75", "0.25")
        client = await bound(it)
        await client.submit()
        assert (await it.ask("send", **SUB, phones=DESTINATION, mes="Hello"))["cnt"] == 1
        await it.gateway.until(lambda: len(it.smsc.received) == 2)
        assert (balance(it.gateway, "alex"), balance(it.gateway, "sub")) == ("0.75", "0.15")
        await it.gateway.emptied()
        [row] = await it.ask("users", get_stat=1, user="sub")
        assert (row["login"], row["sms"], row["credit"], row["debit"]) == ("sub", "2", "0.25", "0.10")
        shown = (await ask(it.gateway, "account", account="sub"))["account"]
        assert (shown["made_by"], shown["payer"], shown["balance"]) == ("alex", "sub", "0.15")
        assert shown["settings"] == ["type=1"]
        await it.ask("users", chg=1, user="sub", **{"fl2[27]": 1})  # nothing goes out any more
        sent = await it.ask("send", **SUB, phones=DESTINATION, mes="Hello")
        await it.gateway.said("submitted", "connector=sandbox")
        it.gateway.clock.advance(DELIVERED_AFTER_S + 0.1)
        await it.gateway.emptied()
        assert (await it.ask("status", **SUB, phone=DESTINATION, id=sent["id"]))["status"] == 1
        assert (len(it.smsc.received), balance(it.gateway, "sub")) == (2, "0.15")
        listed = await ask(it.gateway, "accounts")
        assert [row["account"] for row in listed["accounts"]] == ["alex", "sub"]


@journey
async def test_a_sub_client_outlives_reloads_and_starts(tmp_path: Path) -> None:
    async with asked(tmp_path) as it:
        file = it.gateway.daemon.config
        await credit(it.gateway, "1", "alex")
        await it.ask("users", add=1, user="sub", password=WORD, type=2)
        client = await bound(it)
        await it.gateway.daemon.reload(replace(file, log=replace(file.log, level="debug")))
        await it.gateway.said("reloaded", "changes=1")
        await client.submit()  # its session has stayed
        assert (await it.ask("users", chg=1, user="sub", **{"fl2[10]": 1})) == {"result": "OK"}
        await client.end()
        assert (await it.ask("balance", **SUB))["error_code"] == 2
        assert (await it.ask("users", chg=1, user="sub", **{"fl2[10]": 0})) == {"result": "OK"}
    async with asked(tmp_path) as it:
        assert "sub" in it.gateway.daemon.accounts
        await (await bound(it)).submit()
        taken = account("sub", password_hash=hashed("other"))
        config = it.gateway.daemon.config
        await it.gateway.daemon.reload(replace(config, accounts=[*config.accounts[:1], taken]))
        await it.gateway.said("sub_account_rests", "account=sub", "parent=alex")
        assert (await it.ask("users", chg=1, user="sub", fio="Example"))["error_code"] == 6


@journey
async def test_names_that_somebody_has_allowed_hold_from_the_first_message_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked(tmp_path, allowed_sources=("Example",)) as it:
        await it.ask("users", add=1, user="sub", password=WORD)
        for login in ({}, SUB):
            await it.ask("senders", **login, add=1, sender="Bakery")
            name = login.get("login", "alex")
            await ask(it.gateway, "sender_decide", account=name, name="Bakery", allowed=True)
    order = []

    def noting(place: Any, name: str) -> None:
        do = getattr(place, name)

        async def noted(*args: Any) -> None:
            order.append(name)
            await do(*args)

        monkeypatch.setattr(place, name, noted)

    noting(sender_records, "load")
    noting(SmppListener, "start")
    async with asked(tmp_path, allowed_sources=("Example",)) as it:
        assert order == ["load", "start"]
        await credit(it.gateway, "1", "alex")
        for login in ({}, SUB):
            for _ in range(2):
                sent = await it.ask("send", **login, phones=DESTINATION, mes="Hello", sender="Bakery")
                assert sent.get("error_code") in (None, 3)  # a sub-client has no money yet
                await it.gateway.daemon.reload(it.gateway.daemon.config)


@journey
async def test_an_invoice_comes_as_json_and_pdf_and_errors_as_json(tmp_path: Path) -> None:
    async with asked(tmp_path) as it:
        await it.ask("users", add=1, user="sub", password=WORD, fio="ООО «Клиент»")
        form = {"login": "alex", "psw": "123", "user": "sub", "fmt": "0", "charset": "utf-8"}
        reply = await it.http("POST", "/sys/documents.php", data={**form, "add_account": "1", "sum": "100"})
        head = f"Content-Type: {reply.headers['Content-Type']}\r\n\r\n".encode()
        whole = BytesParser(EmailMessage, policy=HTTP).parsebytes(head + reply.body)
        about, pdf = (part.get_payload(decode=True) for part in whole.iter_parts())  # type: ignore[attr-defined]
        assert json.loads(about) == {"id": 1, "sum": "100.00"}
        again = await it.http("POST", "/sys/documents.php", data={**form, "get_account": "1", "id": "1"})
        assert (again.headers["Content-Type"], again.body) == ("application/pdf", pdf)
        act = await it.http("POST", "/sys/documents.php", data={**form, "get_act": "1", "num": "A-1"})
        assert act.body.startswith(b"%PDF-1.4\n")
        for more, number in (({"get_account": "1", "id": "2"}, 7), ({"unknown": "1"}, 1)):
            reply = await it.http("POST", "/sys/documents.php", data={**form, **more})
            assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
            assert reply.json["error_code"] == number


@journey
async def test_links_of_a_text_are_short_and_who_opens_his_has_read_it(tmp_path: Path) -> None:
    async with asked(tmp_path) as it:
        await credit(it.gateway, "1", "alex")
        phones = f"{DESTINATION},{OTHER}"
        sent = await it.ask("send", phones=phones, mes="Look: https://example.org/a?b=c", tinyurl=1)
        await it.gateway.emptied()
        short = [text.decode().partition("Look: ")[2] for text in it.texts()]
        assert len(set(short)) == 2
        assert all(link.startswith(f"{LINKS}/l/") for link in short)
        opened = next(m.destination for m in it.smsc.received if m.user_data.endswith(short[0].encode()))
        path = short[0].removeprefix(LINKS)
        assert (await it.http("HEAD", path)).status == 302  # a look ahead: not counted
        reply = await it.http("GET", path)
        assert (reply.status, reply.headers["Location"]) == (302, "https://example.org/a?b=c")
        assert (await it.http("POST", path)).status == 405
        assert (await it.http("GET", "/l/abcdefghi")).status == 404
        await committed(it.gateway.daemon.journal)
        found = await it.ask("tinyurls", get=1, link=short[0])
        assert (found["cnt"], found["cnt_day"], found["link"]) == ("1", "1", short[0])
        assert (await it.ask("tinyurls", get=1, link="https://example.org/a?b=c"))["cnt"] == "1"
        states = {
            phone: (await it.ask("status", phone=phone, id=sent["id"]))["status"]
            for phone in phones.split(",")
        }
        assert sorted(states.values()) == [1, 4]
        assert states[opened] == 4
