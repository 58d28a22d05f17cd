"""Warnings of check-config: what is odd is told at its place, and what is in order is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config.lints import lints
from gateway.config.load import load_with_places
from gateway.config.problems import ConfigError

HASH = "scrypt$15$8$1$dmVjdG9yLXNhbHQtMDAwMQ==$0VzBzFwXWYHFIY74QcIFfpC4huEdnm7tfl1Lb5gkmQQ="
LISTENERS = "listeners: {smpp: [{address: '127.0.0.1:2775'}]}\n"
UP = "{name: up, address: '192.0.2.1:2775', system_id: gw, password: kJ7-hs0q}"
ROUTES = "routes: [{connectors: [up]}]\n"


def text(
    *,
    listeners: str = LISTENERS,
    accounts: str = f"[{{system_id: app, password_hash: {HASH}}}]",
    connectors: str = f"[{UP}]",
    routes: str = ROUTES,
    more: str = "",
) -> str:
    return f"{listeners}accounts: {accounts}\nconnectors: {connectors}\n{routes}{more}"


def account(name: str, options: str = "") -> str:
    return f"{{system_id: {name}, password_hash: {HASH}{options}}}"


@pytest.fixture
def warned(tmp_path: Path) -> Callable[[str], list[str]]:
    def of(text: str) -> list[str]:
        path = tmp_path / "config.yaml"
        path.write_text(text)
        path.chmod(0o640)
        return [f"{it.line}: {it.key}: {it.text}" for it in lints(*load_with_places(path))]

    return of


def test_nothing_is_odd(warned: Callable[[str], list[str]]) -> None:
    assert warned(text()) == []


MAIL = "mail: {domains: [sms.example.org]}\n"
HTTP = "listeners: {http: [{address: '127.0.0.1:8081'}]}\n"
SMTP = "listeners: {smtp: [{address: '127.0.0.1:2525'}]}\n"
BOTH = "routes: [{connectors: [up, second]}]\n"
TWIN = (
    "3: connectors[1].system_id: is that of 'up' at the same address: receipts may come by the other's link,"
    " and match no message there"
)


def mode(name: str, bind_mode: str) -> str:
    return f"{UP.replace('up', name)[:-1]}, bind_mode: {bind_mode}}}"


CASES = {
    "unused connector": (
        text(connectors=f"[{UP}, {UP.replace('up', 'spare').replace('gw', 'gw2')}]"),
        ["3: connectors[1].name: no route names 'spare'"],
    ),
    "a connector for what comes down": (
        text(
            connectors=f"[{UP}, {UP.replace('up', 'down')[:-1].replace('gw', 'in')}, incoming_account: app}}]"
        ),
        [],
    ),
    "one login in two connectors": (
        text(connectors=f"[{UP}, {UP.replace('up', 'second')}]", routes=BOTH),
        [TWIN],
    ),
    "a transmitter and a receiver that are one login": (
        text(
            connectors=f"[{mode('up', 'transmitter')}, "
            f"{mode('second', 'receiver')[:-1]}, incoming_account: app}}]"
        ),
        [TWIN],
    ),
    "one login by which no receipts come": (
        text(connectors=f"[{mode('up', 'transmitter')}, {mode('second', 'transmitter')}]", routes=BOTH),
        [],
    ),
    "another login at the same address, and the same login at another": (
        text(
            connectors=f"[{UP}, {UP.replace('up', 'second').replace('gw', 'gw2')}, "
            f"{UP.replace('up', 'third').replace('2775', '2776')}]",
            routes="routes: [{connectors: [up, second, third]}]\n",
        ),
        [],
    ),
    "unused prices": (
        text(more="price_lists: [{name: retail, prices: [{price: 1}]}]\n"),
        ["5: price_lists[0].name: nobody has the prices 'retail'"],
    ),
    "prices without a balance": (
        text(
            accounts=f"[{account('app', ', prices: retail')}]",
            more="price_lists: [{name: retail, prices: [{price: 1}]}]\n",
        ),
        ["2: accounts[0].prices: without a balance nothing is charged"],
    ),
    "unused tag": (
        text(
            accounts=f"[{account('app', ', tags: [vip, old]')}, {account('b', ', tags: [old]')}]",
            routes="routes: [{connectors: [up]}, {prefix: 7, tags: [vip], connectors: [up]}]\n",
        ),
        ["2: accounts[0].tags[1]: no route asks for the tag 'old'"],
    ),
    "unused TLV": (
        text(
            accounts=f"[{account('app', ', smpp: {allowed_tlvs: [other]}')}]",
            more="vendor_tlvs: [{name: charge, tag: 0x1400}, {name: other, tag: 0x1401}]\n",
        ),
        ["5: vendor_tlvs[0].name: no account may send 'charge'"],
    ),
    "TLVs that any account may send": (text(more="vendor_tlvs: [{name: charge, tag: 0x1400}]\n"), []),
    "an account that nothing is for": (
        text(listeners=SMTP, accounts=f"[{account('app')}, {account('post', ', mail: {}')}]", more=MAIL),
        [
            "2: accounts[0].system_id: no listener is for 'app': none is for SMPP, and it has no mail and"
            " no http"
        ],
    ),
    "an account that is only a parent": (
        text(
            listeners=SMTP,
            accounts=f"[{account('head')}, {account('post', ', parent: head, mail: {}')}]",
            more=MAIL,
        ),
        [],
    ),
    "mail that nobody takes": (
        text(accounts=f"[{account('app', ', mail: {}')}]", more=MAIL),
        ["2: accounts[0].mail: no listener takes mail"],
    ),
    "a socket in the open": (
        text(listeners="listeners: {smpp: [{address: '0.0.0.0:2775'}]}\n"),
        [
            "1: listeners.smpp[0].address: passwords and texts come here in the clear, from any network",
            "2: accounts[0].system_id: its login is taken from any address, on a socket that any network "
            "reaches",
        ],
    ),
    "a socket in a private network": (
        text(listeners="listeners: {smpp: [{address: '10.0.0.5:2775'}]}\n"),
        [],
    ),
    "networks that are named": (
        text(
            listeners="listeners: {smpp: [{address: '[::]:2775'}]}\n",
            accounts=f"[{account('app', ', allowed_addresses: [192.0.2.0/24]')}]",
        ),
        ["1: listeners.smpp[0].address: passwords and texts come here in the clear, from any network"],
    ),
    "a password of examples": (
        text(connectors=f"[{UP.replace('kJ7-hs0q', 'Secret')}]"),
        ["3: connectors[0].password: is a password that anybody would try first"],
    ),
    "a password that is the login": (
        text(connectors=f"[{UP.replace('kJ7-hs0q', 'gw')}]"),
        ["3: connectors[0].password: is a password that anybody would try first"],
    ),
    "a password of examples on this machine": (
        text(connectors=f"[{UP.replace('kJ7-hs0q', 'secret').replace('192.0.2.1', '127.0.0.1')}]"),
        [],
    ),
    "limits that another one overrules": (
        text(
            accounts="\n"
            f"  - {account('head', ', limits: {per_day: 10}')}\n"
            f"  - {account('mid', ', parent: head')}\n"
            f"  - {account('part', ', parent: mid, limits: {per_day: 20, per_number: 5, per_text: 6}')}\n"
            f"  - {account('free', ', limits: {per_day: 3, per_number: 4}')}"
        ),
        [
            "5: accounts[2].limits.per_day: is more than the 10 of 'head', of which this account is a part",
            "5: accounts[2].limits.per_text: is more than per_number, 5, which counts these too",
            "6: accounts[3].limits.per_number: is more than per_day, 3, which counts these too",
        ],
    ),
    "what comes for a blocked account": (
        text(
            accounts=f"[{account('app', ', blocked: yes')}]",
            more="incoming: [{number: 1234, account: app}]\n",
        ),
        ["5: incoming[0].account: 'app' is blocked, so what goes there waits and ends as dead"],
    ),
    "http without a listener": (
        text(accounts=f"[{account('app', ', http: {}')}]"),
        ["2: accounts[0].http: no listener takes its requests"],
    ),
    "http that is only called": (
        text(accounts=f"[{account('app', ', http: {handler: https://example.org/x}')}]"),
        [],
    ),
    "http by a listener alone": (
        text(listeners=HTTP, accounts=f"[{account('app', ', http: {}')}]"),
        [],
    ),
    "a listener for http that nobody may ask": (
        text(listeners=f"{LISTENERS[:-2]}, http: [{{address: '127.0.0.1:8081'}}]}}\n"),
        ["1: listeners.http[0]: no account may ask over HTTP"],
    ),
    "http in the clear": (
        text(
            listeners=HTTP.replace("127.0.0.1", "0.0.0.0").replace("}]", ", proxies: [0.0.0.0/0]}]"),
            accounts=f"[{account('app', ', http: {}')}]",
        ),
        [
            "1: listeners.http[0].address: passwords and texts come here in the clear, from any network",
            "1: listeners.http[0].proxies[0]: believes anybody who says that he asks for somebody else",
        ],
    ),
    "webhooks that anybody can read or make": (
        text(
            listeners=HTTP,
            accounts="\n"
            f"  - {account('a', ', http: {webhook: http://example.org/x, webhook_secret: short}')}\n"
            f"  - {account('b', ', http: {webhook_secret: 0123456789abcdef}')}",
        ),
        [
            "3: accounts[0].http.webhook: texts and numbers go there in the clear",
            "3: accounts[0].http.webhook_secret: has less than 16 characters, so it can be guessed from what"
            " it has signed",
            "4: accounts[1].http.webhook_secret: nothing is signed with it",
        ],
    ),
    "short links that no listener opens": (
        text(more="http: {links: https://s.example.org}\n"),
        ["5: http.links: no listener of this gateway opens the short links"],
    ),
    "texts that outlive their messages": (
        text(more="queue: {history_days: 3, text_days: 4}\n"),
        ["5: queue.text_days: is more than history_days, 3, with which the messages themselves go"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_odd_is_told(name: str, warned: Callable[[str], list[str]]) -> None:
    written, expected = CASES[name]
    assert warned(written) == expected


def test_files_that_everybody_can_change(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text().replace("192.0.2.1", "127.0.0.1"))
    path.chmod(0o666)
    [warning] = lints(*load_with_places(path))
    assert str(warning) == f"{path}:1:1: can be changed by everybody – run chmod o-w {path}"


def test_the_vector_of_everything_can_be_looked_at(vectors: Path) -> None:
    found = lints(*load_with_places(vectors / "good" / "everything.yaml"))
    assert {warning.key for warning in found} >= {"listeners.smpp[0].address", "accounts[0].tags[1]"}


def test_pages_that_strangers_can_listen_to(warned: Callable[[str], list[str]]) -> None:
    def pages(address: str, more: str = "") -> list[str]:
        user = f"{{name: admin, password_hash: {HASH}}}"
        return warned(text(more=f"web: {{address: '{address}', users: [{user}]{more}}}\n"))

    assert pages("127.0.0.1:8090") == pages("[::1]:8090") == pages("localhost:8090") == []
    assert pages("192.168.0.1:8090") == ["5: web.address: passwords come here in the clear"]
    assert pages("0.0.0.0:8090", ", proxies: [192.0.2.1]") == []
    found = pages("127.0.0.1:8090", ", proxies: ['::/0'], monitor_networks: [10.0.0.0/8, 0.0.0.0/0]")
    assert found == [
        "5: web.proxies[0]: believes anybody who says that he asks for somebody else",
        "5: web.monitor_networks[1]: anybody may read how much is sent, and by whom",
    ]


@pytest.mark.parametrize("address", ["0.0.0.0:8090", "[::]:8090", "8.8.8.8:8090"])
def test_security_69_pages_that_any_network_reaches_want_tls(
    warned: Callable[[str], list[str]], address: str
) -> None:
    user = f"{{name: admin, password_hash: {HASH}}}"
    with pytest.raises(ConfigError) as caught:
        warned(text(more=f"web: {{address: '{address}', users: [{user}]}}\n"))
    assert [problem.key for problem in caught.value.problems] == ["web.address"]


def test_security_69_there_are_no_pages_without_users(warned: Callable[[str], list[str]]) -> None:
    for users in ("", ", users: []", ", users: [{name: admin}]"):
        with pytest.raises(ConfigError):
            warned(text(more=f"web: {{address: '127.0.0.1:8090'{users}}}\n"))
