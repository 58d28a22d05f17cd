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

    def __init__(self) -> None:
        self.journal = FakeJournal()
        self.side = HttpSide(cast(Daemon, SimpleNamespace(journal=self.journal)), cast(Any, None))

    def told(self, *accounts: Account) -> list[Any]:
        self.side._tell_store(config_of(*accounts))
        return self.journal.commit().api_accounts


def test_the_store_hears_what_has_changed_of_what_accounts_want() -> None:
    store = Store()
    plain, asks = account_config(), account_config(system_id="asks", http=AccountHttp())
    called = account_config(system_id="asks", http=AccountHttp(handler="https://example.org/x"))
    inbox, handler = ApiUse.INBOX, ApiUse.INBOX | ApiUse.HANDLER | ApiUse.NO_SESSIONS
    assert store.told(plain, asks) == [("app", 0), ("asks", inbox)]
    assert store.told(plain, asks) == []
    assert store.told(plain, called) == [("asks", handler)]
    assert store.told(plain) == [("asks", 0)]
    assert store.told(plain, asks) == [("asks", inbox)]
