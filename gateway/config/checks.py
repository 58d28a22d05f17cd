"""Rules that more than one value takes part in: names, references, secrets, certificates.

A value that could not be read was reported already, so every rule skips it.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from yaml.nodes import MappingNode

from gateway.config.model import SAMPLE_PASSWORD_HASH, Config, Connector, Route, TlsClient, TlsServer
from gateway.config.nodes import file_of
from gateway.config.sections import Reading
from gateway.config.values import quoted
from gateway.core.passwords import is_hash


def check(config: Config, reading: Reading) -> None:
    """Note everything that is wrong between the values of `config`."""
    listeners = config.listeners.smpp if reading.is_good("listeners") else ()
    unique = (
        ("listeners.smpp", listeners, "address"),
        ("accounts", config.accounts, "system_id"),
        ("connectors", config.connectors, "name"),
        ("routes", config.routes, "prefix"),
    )
    for key, sections, name in unique:
        _check_unique(
            ((f"{path}.{name}", getattr(it, name)) for path, it in _good(sections, key, reading)), reading
        )
    for path, account in _good(config.accounts, "accounts", reading):
        if reading.is_good(f"{path}.password_hash"):
            _check_hash(account.password_hash.reveal(), f"{path}.password_hash", reading)
        if account.second_password_hash is not None and reading.is_good(f"{path}.second_password_hash"):
            _check_hash(account.second_password_hash.reveal(), f"{path}.second_password_hash", reading)
    for path, connector in _good(config.connectors, "connectors", reading):
        _check_written_password(connector, path, reading)
        _check_incoming_account(connector, path, config, reading)
        _check_name(connector, path, reading)
    _check_routes(config, reading)
    for path, holder in (
        *_good(listeners, "listeners.smpp", reading),
        *_good(config.connectors, "connectors", reading),
    ):
        if holder.tls is not None:
            _check_tls(holder.tls, f"{path}.tls", reading)


def _good(items: Sequence[Any], key: str, reading: Reading) -> Iterator[tuple[str, Any]]:
    """The items of a list that could be read, each with its key."""
    for index, item in enumerate(items):
        path = f"{key}[{index}]"
        if reading.is_good(path):
            yield path, item


def _check_unique(named: Iterable[tuple[str, Any]], reading: Reading) -> None:
    first: dict[Any, str] = {}
    for key, value in named:
        if not reading.is_good(key):
            continue
        if value in first:
            place = reading.place(first[value])
            where = f"{file_of(place).name} line {place.start_mark.line + 1}"
            shown = f"{str(value)!r}" if str(value) else "the empty prefix"
            reading.note(key, f"{shown} is already used in {where}", "give each its own")
        else:
            first[value] = key


def _check_hash(text: str, key: str, reading: Reading) -> None:
    if text == SAMPLE_PASSWORD_HASH:
        reading.note(
            key, "is the sample from the example", "run smsc-gateway hash-password and put its line here"
        )
    elif not is_hash(text):
        reading.note(key, "is no password hash", "run smsc-gateway hash-password and put its line here")


def _check_written_password(connector: Connector, path: str, reading: Reading) -> None:
    """With a password in it the file is private, unless the password only opens something on loopback."""
    key = f"{path}.password"
    node = reading.place(key)
    if not reading.is_good(key) or isinstance(node, MappingNode):
        return
    if not reading.is_good(f"{path}.address") or connector.address.is_loopback:
        return
    file = file_of(node)
    if file.stat().st_mode & stat.S_IROTH:
        fix = f"run chmod 0640 {file}, or write {{file: PATH}}, {{env: NAME}} or {{credential: NAME}}"
        reading.note(key, "is a password in a file that can be read by everybody", fix)


def _check_incoming_account(connector: Connector, path: str, config: Config, reading: Reading) -> None:
    known = {
        account.system_id
        for at, account in _good(config.accounts, "accounts", reading)
        if reading.is_good(f"{at}.system_id")
    }
    key = f"{path}.incoming_account"
    # an account that could not be read may be the one that is meant
    all_known = len(known) == len(config.accounts) and reading.is_good("accounts")
    if all_known and reading.is_good(key) and connector.incoming_account not in ("", *known):
        reading.note(key, f"there is no account {connector.incoming_account!r}", "name one of the accounts")


def _check_name(connector: Connector, path: str, reading: Reading) -> None:
    """The store joins the names of a route by spaces, and log lines are words."""
    key = f"{path}.name"
    if reading.is_good(key) and not re.fullmatch(r"[\w.:-]+", connector.name, re.ASCII):
        reading.note(key, "is not one plain word", "use letters, digits and . : _ -")


def _check_routes(config: Config, reading: Reading) -> None:
    connectors = {
        connector.name: connector
        for path, connector in _good(config.connectors, "connectors", reading)
        if reading.is_good(f"{path}.name")
    }
    # a connector whose name could not be read may be the one a route means
    all_known = len(connectors) == len(config.connectors) and reading.is_good("connectors")
    for path, route in _good(config.routes, "routes", reading):
        _check_route(route, path, connectors, all_known, reading)


def _check_route(
    route: Route, path: str, connectors: dict[str, Connector], all_known: bool, reading: Reading
) -> None:
    if reading.is_good(f"{path}.prefix") and not re.fullmatch("[0-9]*", route.prefix):
        reading.note(
            f"{path}.prefix", f"{quoted(route.prefix)} is not made of digits", "write digits only, without +"
        )
    seen: set[str] = set()
    for key, name in _good(route.connectors, f"{path}.connectors", reading):
        connector = connectors.get(name)
        if connector is None and all_known:
            reading.note(key, f"there is no connector {quoted(name)}", f"known here: {', '.join(connectors)}")
        elif connector is not None and connector.bind_mode == "receiver":
            reading.note(key, f"{name!r} only receives", "name one with another bind_mode")
        if name in seen:
            reading.note(key, f"{name!r} is named twice", "remove one")
        seen.add(name)


def _check_tls(tls: TlsServer | TlsClient, key: str, reading: Reading) -> None:
    if not all(reading.is_good(f"{key}.{name}") for name in ("certificate", "key", "ca")):
        return
    if (tls.certificate is None) != (tls.key is None):
        reading.note(key, "has only one of certificate and key", "give both or none")
        return
    if tls.certificate is not None and tls.key is not None:
        _check_pair(tls.certificate, tls.key, f"{key}.certificate", reading)
    if isinstance(tls, TlsClient) and tls.ca is not None:
        _check_authorities(tls.ca, f"{key}.ca", reading)


def _check_pair(certificate: Path, private_key: Path, key: str, reading: Reading) -> None:
    import ssl  # slow to import, and most configurations have no TLS

    try:
        # the empty password keeps an encrypted key from asking on the terminal
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, private_key, password="")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or "the key is encrypted or unreadable"
        fix = "give PEM files of one pair, the key without a passphrase"
        reading.note(key, f"certificate and key cannot be used ({reason})", fix)


def _check_authorities(ca: Path, key: str, reading: Reading) -> None:
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca)
    except (OSError, ValueError):
        reading.note(key, f"{ca} holds no certificates", "give a PEM file of certificates")
