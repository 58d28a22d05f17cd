"""Rules that more than one value takes part in: names, references, secrets, certificates.

A value that could not be read was reported already, so every rule skips it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from gateway.config.account_checks import check_accounts
from gateway.config.http_checks import check_http
from gateway.config.mail_checks import check_mail
from gateway.config.model import SAMPLE_PASSWORD_HASH, Account, Config
from gateway.config.number_checks import check_numbers
from gateway.config.price_checks import check_prices
from gateway.config.route_checks import check_routes
from gateway.config.rules import (
    Known,
    check_known,
    check_tls,
    check_unique,
    check_written_password,
    good,
    known,
    named,
)
from gateway.config.sections import Reading
from gateway.config.smpp_checks import check_smpp
from gateway.config.smsc_checks import check_smsc
from gateway.config.store_checks import check_store
from gateway.config.web_checks import check_web
from gateway.core.api_keys import is_key_hash
from gateway.core.passwords import is_hash


def check(config: Config, reading: Reading) -> None:
    """Note everything that is wrong between the values of `config`."""
    _check_listeners(config, reading)
    check_unique(named(config.accounts, "accounts", "system_id", reading), reading)
    for path, account in good(config.accounts, "accounts", reading):
        _check_hashes(account, path, reading)
    _check_api_keys(config, reading)
    accounts = known(config.accounts, "accounts", "system_id", reading)
    connectors = _check_connectors(config, accounts, reading)
    check_smsc(config, accounts, reading)
    check_smpp(config, reading)
    check_routes(config, accounts, connectors, reading)
    check_mail(config, accounts, connectors, reading)
    check_http(config, reading)
    check_accounts(config, accounts, reading)
    check_prices(config, accounts, reading)
    check_numbers(config, reading)
    check_web(config, reading)
    check_store(config, reading)


def _check_connectors(config: Config, accounts: Known, reading: Reading) -> Known:
    """All connectors by their names, which are looked at here, and so is what only those over SMPP have."""
    lists = (("connectors", config.connectors), ("smsc_connectors", config.smsc_connectors))
    if not any(items for _, items in lists) and all(reading.is_good(key) for key, _ in lists):
        text = "is empty" if "connectors" in reading.places else "is missing"
        fix = "add connectors: [{name: operator, address: …, system_id: …, password: …}], or smsc_connectors"
        reading.note("connectors", text, fix)
    check_unique(chain(*(named(items, key, "name", reading) for key, items in lists)), reading)
    for key, name in chain(*(named(items, key, "name", reading) for key, items in lists)):
        _check_name(name, key, reading)
    for path, connector in good(config.connectors, "connectors", reading):
        check_written_password(f"{path}.password", connector.address, f"{path}.address", reading)
        if connector.incoming_account:
            check_known(
                connector.incoming_account, accounts, f"{path}.incoming_account", reading, what="account"
            )
        if connector.tls is not None:
            check_tls(connector.tls, f"{path}.tls", reading)
    over_smpp, over_http = (known(items, key, "name", reading) for key, items in lists)
    return Known({**over_smpp.items, **over_http.items}, over_smpp.complete and over_http.complete)


def _check_listeners(config: Config, reading: Reading) -> None:
    if not reading.is_good("listeners"):
        return
    listeners = config.listeners
    over_http = ("http", listeners.http)
    kinds = (("smpp", listeners.smpp), ("smtp", listeners.smtp), ("lmtp", listeners.lmtp), over_http)
    tcp = (*kinds[:2], ("callbacks", listeners.callbacks), over_http)
    if not any(items for _, items in kinds) and all(
        reading.is_good(f"listeners.{kind}") for kind, _ in kinds
    ):
        reading.note("listeners", "has no socket", "add smpp: [{address: '127.0.0.1:2775'}]")

    def addresses() -> Iterator[tuple[str, Any]]:
        for kind, items in tcp:
            yield from named(items, f"listeners.{kind}", "address", reading)
        if config.web is not None and reading.is_good("web"):
            yield "web.address", config.web.address

    check_unique(addresses(), reading)
    check_unique(named(listeners.lmtp, "listeners.lmtp", "path", reading), reading)
    for kind, items in tcp:
        for path, listener in good(items, f"listeners.{kind}", reading):
            if listener.tls is not None:
                check_tls(listener.tls, f"{path}.tls", reading)


def _check_hashes(account: Account, path: str, reading: Reading) -> None:
    for name in ("password_hash", "second_password_hash"):
        key, secret = f"{path}.{name}", getattr(account, name)
        if secret is None or not reading.is_good(key):
            continue
        if secret.reveal() == SAMPLE_PASSWORD_HASH:
            reading.note(
                key, "is the sample from the example", "run smsc-gateway hash-password and put its line here"
            )
        elif not is_hash(secret.reveal()):
            reading.note(key, "is no password hash", "run smsc-gateway hash-password and put its line here")


def _check_api_keys(config: Config, reading: Reading) -> None:
    first: dict[str, str] = {}
    for path, account in good(config.accounts, "accounts", reading):
        for key, secret in good(account.api_keys, f"{path}.api_keys", reading):
            if not is_key_hash(secret.reveal()):
                reading.note(key, "is no hash of a key", "run smsc-gateway api-key and put its hash here")
            elif secret.reveal() in first:
                text = f"is the same key as {first[secret.reveal()]}"
                reading.note(key, text, "run smsc-gateway api-key for another one")
            else:
                first[secret.reveal()] = key


def _check_name(name: str, key: str, reading: Reading) -> None:
    """The store joins the names of a route by spaces, and log lines are words."""
    if reading.is_good(key) and not re.fullmatch(r"[\w.:-]+", name, re.ASCII):
        reading.note(key, "is not one plain word", "use letters, digits and . : _ -")
