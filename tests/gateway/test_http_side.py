"""HTTP's part of the daemon: nothing of it is there where nobody wants it."""

from __future__ import annotations

import subprocess
import sys

from front_desk import config_of
from gateway_fakes import account_config

from gateway.config.basics import Address
from gateway.config.model import AccountHttp, Config, HttpListener, Listeners
from gateway.http_side import is_wanted

_LISTS = """
import sys, gateway.daemon, gateway.cli.run
heavy = ("aiohttp", "multidict", "yarl", "phonenumbers", "gateway.api", "gateway.relay_side",
    "gateway.egress.call", "gateway.ingress.http", "gateway.store.api_rows", "gateway.core.hub")
print(*sorted(name for name in sys.modules if name.startswith(heavy)))
print(*sorted(name for name in sys.modules if name.startswith("gateway.front.")))
"""


def test_a_gateway_without_http_imports_nothing_of_it() -> None:
    command = [sys.executable, "-c", _LISTS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    heavy, front = done.stdout.splitlines()
    assert heavy == ""
    assert front == "gateway.front.sub_clients"  # what the store keeps of them: a few tuples


def test_who_wants_http() -> None:
    listeners = Listeners(http=[HttpListener(address=Address("127.0.0.1", 0))])
    called = account_config(http=AccountHttp(handler="https://example.org/x"))
    assert not is_wanted(config_of(account_config()))
    assert is_wanted(config_of(called))
    assert is_wanted(Config(listeners=listeners, accounts=(account_config(),), routes=()))
