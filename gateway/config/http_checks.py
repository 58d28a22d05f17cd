"""Rules about HTTP for our own clients: who is asked in our place, who is called, and with what secret.

A value that could not be read was reported already, so every rule skips it.
"""

from __future__ import annotations

import re

from gateway.config.basics import Address
from gateway.config.http_model import AccountHttp
from gateway.config.model import Config
from gateway.config.rules import check_written_secret, good, known
from gateway.config.sections import Reading
from gateway.config.values import quoted
from gateway.core.call_urls import CallUrl, CallUrlError, parse_call_url

_has_secret = re.compile(r"[?&](md5|sha1|crc32)=", re.ASCII | re.IGNORECASE).search


def check_http(config: Config, reading: Reading) -> None:
    """Note everything that is wrong between the values about HTTP."""
    services = known(config.smsc_connectors, "smsc_connectors", "name", reading)
    for path, account in good(config.accounts, "accounts", reading):
        http = account.http
        if http is None or not reading.is_good(f"{path}.http"):
            continue
        key = f"{path}.http.relay"
        if http.relay and services.complete and reading.is_good(key) and http.relay not in services.items:
            text = f"{quoted(http.relay)} is none of smsc_connectors"
            reading.note(key, text, "name a connector to an SMSC service over HTTP")
        _check_calls(http, f"{path}.http", reading)


def _check_calls(http: AccountHttp, path: str, reading: Reading) -> None:
    handler = _called_at(http.handler, f"{path}.handler", reading)
    if handler is not None and not _stays_here(handler) and _has_secret(handler.rest):
        check_written_secret(f"{path}.handler", reading)
    webhook = _called_at(http.webhook, f"{path}.webhook", reading)
    if webhook is not None and http.webhook_secret is None and reading.is_good(f"{path}.webhook_secret"):
        fix = "add webhook_secret: {file: PATH}, 32 random letters or more"
        reading.note(f"{path}.webhook", "has no webhook_secret, by which it is told from others' calls", fix)
    if webhook is not None and not _stays_here(webhook):
        check_written_secret(f"{path}.webhook_secret", reading)


def _called_at(url: str, key: str, reading: Reading) -> CallUrl | None:
    """A URL that is called; None: there is none that can be."""
    if not url or not reading.is_good(key):
        return None
    try:
        return parse_call_url(url)
    except CallUrlError as error:
        reading.note(key, f"cannot be called: {error}", "write a URL like https://example.org/sms")
        return None


def _stays_here(url: CallUrl) -> bool:
    return Address(url.host, url.port).is_loopback
