"""HTTP's part of the daemon: nothing of it is there where nobody wants it."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any, cast

from front_desk import config_of
from gateway_fakes import FakeJournal, account_config

from gateway.config.basics import Address
from gateway.config.model import Account, AccountHttp, Config, HttpListener, Listeners
from gateway.core.api import ApiUse
from gateway.daemon import Daemon
from gateway.http_side import HttpSide, is_wanted

_LISTS = """
import sys, gateway.daemon, gateway.cli.run
heavy = ("aiohttp", "multidict", "yarl", "phonenumbers", "gateway.api", "gateway.relay_side",
    "gateway.egress.call", "gateway.ingress.http", "gateway.store.api_rows", "gateway.core.hub")
print(*sorted(name for name in sys.modules if name.startswith(heavy)))
print(*sorted(name for name in sys.modules if name.startswith("gateway.front.")))
print(*sorted(name for name in sys.modules if name.startswith(("aiosmtpd", "email", "gateway.ingress.mail"))))
"""


def test_a_gateway_without_http_and_mail_imports_nothing_of_them() -> None:
    command = [sys.executable, "-c", _LISTS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    heavy, front, mail = done.stdout.splitlines()
    assert mail == ""
    assert heavy == ""
    assert front == "gateway.front.sub_clients"  # what the store keeps of them: a few tuples


def test_who_wants_http() -> None:
    listeners = Listeners(http=[HttpListener(address=Address("127.0.0.1", 0))])
    called = account_config(http=AccountHttp(handler="https://example.org/x"))
    assert not is_wanted(config_of(account_config()))
    assert is_wanted(config_of(called))
    assert is_wanted(Config(listeners=listeners, accounts=(account_config(),), routes=()))


class Store:
    """A daemon's journal and nothing else of it."""

    def __init__(self, **uses: int) -> None:
        self.journal = FakeJournal()
        opening = cast(Any, SimpleNamespace(api_uses=uses))
        self.side = HttpSide(cast(Daemon, SimpleNamespace(journal=self.journal)), opening)

    def told(self, *accounts: Account, ok: bool = True) -> list[Any]:
        self.side._tell_store(config_of(*accounts))
        return self.journal.commit(ok).api_accounts


def test_the_store_hears_what_has_changed_of_what_accounts_want() -> None:
    store = Store()
    plain, asks = account_config(), account_config(system_id="asks", http=AccountHttp())
    called = account_config(system_id="asks", http=AccountHttp(handler="https://example.org/x"))
    inbox, handler = ApiUse.INBOX, ApiUse.INBOX | ApiUse.HANDLER | ApiUse.NO_SESSIONS
    assert store.told(plain, asks) == [("asks", inbox)]
    assert store.told(plain, asks) == []
    assert store.told(plain, called) == [("asks", handler)]
    assert store.told(plain) == [("asks", 0)]
    assert store.told(plain, asks) == [("asks", inbox)]


def test_who_lost_http_or_is_no_account_any_more_while_the_gateway_was_down() -> None:
    store = Store(app=ApiUse.INBOX, asks=ApiUse.INBOX, gone=ApiUse.INBOX | ApiUse.HANDLER)
    plain, asks = account_config(), account_config(system_id="asks", http=AccountHttp())
    assert sorted(store.told(plain, asks)) == [("app", 0), ("gone", 0)]
    assert store.told(plain, asks) == []


def test_what_could_not_be_stored_is_told_again_as_it_is_by_then() -> None:
    store = Store(gone=ApiUse.INBOX)
    asks = account_config(system_id="asks", http=AccountHttp())
    called = account_config(system_id="asks", http=AccountHttp(webhook="https://example.org/x"))
    handler = ApiUse.INBOX | ApiUse.WEBHOOK | ApiUse.NO_SESSIONS
    store.side._tell_store(config_of(asks))
    _, first = store.journal.take()
    store.side._tell_store(config_of(called))
    _, second = store.journal.take()
    first(False)
    assert sorted(store.journal.batch.api_accounts) == [("asks", handler), ("gone", 0)]
    second(False)
    assert set(store.journal.commit(ok=False).api_accounts) == {("asks", handler), ("gone", 0)}
    assert set(store.journal.commit().api_accounts) == {("asks", handler), ("gone", 0)}
    assert not store.journal.is_due
