"""Rules between the options of an SMSC service over HTTP.

A value that could not be read was reported already, so every rule skips it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.config.basics import Url
from gateway.config.model import Config
from gateway.config.rules import (
    Known,
    check_known,
    check_tls,
    check_unique,
    check_written_secret,
    good,
)
from gateway.config.sections import Reading
from gateway.config.smsc_model import SmscCallback, SmscConnector
from gateway.config.values import quoted


def check_smsc(config: Config, accounts: Known, reading: Reading) -> None:
    """Note everything that is wrong between the values about SMSC services."""
    callbacks = []
    for path, connector in good(config.smsc_connectors, "smsc_connectors", reading):
        _check_urls(connector, path, reading)
        _check_login(connector, path, reading)
        if connector.incoming_account:
            key = f"{path}.incoming_account"
            check_known(connector.incoming_account, accounts, key, reading, what="account")
        if connector.tls is not None:
            check_tls(connector.tls, f"{path}.tls", reading)
        if connector.callback is not None and reading.is_good(f"{path}.callback"):
            callbacks.append((f"{path}.callback", connector.callback))
            _check_callback(connector.callback, f"{path}.callback", config, reading)
    check_unique(((f"{key}.path", callback.path) for key, callback in callbacks), reading)


def _urls(connector: SmscConnector, path: str, reading: Reading) -> Iterator[tuple[str, Url]]:
    if reading.is_good(f"{path}.url"):
        yield f"{path}.url", connector.url
    yield from good(connector.backup_urls, f"{path}.backup_urls", reading)


def _check_urls(connector: SmscConnector, path: str, reading: Reading) -> None:
    urls = list(_urls(connector, path, reading))
    for key, url in urls:
        if url.scheme == "http" and not url.is_loopback:
            secure = url._replace(scheme="https", port=443 if url.port == 80 else url.port)
            reading.note(key, "would show login and texts to anybody", f"write {secure}")
        elif url.path.endswith(".php") or f"{url.path}/".endswith(("/sys/", "/rest/")):
            fix = f"write {url._replace(path=re.sub(r'/(sys|rest)(/.*)?$|/[^/]*[.]php$', '', url.path))}"
            reading.note(key, f"{quoted(url.path)} is added by the gateway itself", fix)
    check_unique(urls, reading)
    all_plain = urls and all(url.scheme == "http" for _, url in urls)
    if connector.tls is not None and all_plain and reading.is_good(f"{path}.tls"):
        reading.note(f"{path}.tls", "has no use without https", "remove it, or write https://")


def _check_login(connector: SmscConnector, path: str, reading: Reading) -> None:
    """Whether there is one way to log in, and whether its secret may stand where it stands."""
    if not all(reading.is_good(f"{path}.{name}") for name in ("login", "password", "api_key")):
        return
    has_pair = bool(connector.login) or connector.password is not None
    if connector.api_key is not None and has_pair:
        reading.note(f"{path}.api_key", "stands beside login and password", "keep one way to log in")
    elif connector.api_key is None and not has_pair:
        reading.note(path, "has no login", "add login and password, or api_key")
    elif has_pair and not connector.login:
        reading.note(f"{path}.password", "has no login", "add login, or write api_key instead of password")
    elif has_pair and connector.password is None:
        reading.note(f"{path}.login", "has no password", "add password: {file: PATH}")
    if any(not url.is_loopback for _, url in _urls(connector, path, reading)):
        for name in ("password", "api_key", "callback.secret"):
            check_written_secret(f"{path}.{name}", reading)


def _check_callback(callback: SmscCallback, path: str, config: Config, reading: Reading) -> None:
    key = f"{path}.path"
    if reading.is_good(key) and not re.fullmatch(r"(/(?!\.\.?(/|$))[\w.~-]+)+", callback.path, re.ASCII):
        fix = "begin it with /, and use letters, digits and / . _ ~ -"
        reading.note(key, f"{quoted(callback.path)} is no plain path", fix)
    key = f"{path}.secret"
    if reading.is_good(key) and not re.fullmatch(r"[A-Za-z0-9_-]+", callback.secret.reveal()):
        reading.note(key, "has other signs than the service allows", "use Latin letters, digits, - and _")
    is_known = reading.is_good("listeners") and reading.is_good("listeners.callbacks")
    if is_known and not config.listeners.callbacks:
        fix = "add listeners: {callbacks: [{address: '127.0.0.1:8080'}]}"
        reading.note(path, "has no listener that is called", fix)
