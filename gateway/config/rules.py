"""What the checks share: what could be read, names that are used once, TLS, passwords in files."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from yaml.nodes import MappingNode

from gateway.config.basics import Address, TlsClient, TlsServer
from gateway.config.nodes import file_of
from gateway.config.sections import Reading
from gateway.config.values import quoted


def good(items: Sequence[Any], key: str, reading: Reading) -> Iterator[tuple[str, Any]]:
    """The items of a list that could be read, each with its key."""
    for index, item in enumerate(items):
        path = f"{key}[{index}]"
        if reading.is_good(path):
            yield path, item


def named(items: Sequence[Any], key: str, option: str, reading: Reading) -> Iterator[tuple[str, Any]]:
    """One option of each item of a list, with its key."""
    for path, item in good(items, key, reading):
        yield f"{path}.{option}", getattr(item, option)


def check_unique(values: Iterable[tuple[str, Any]], reading: Reading) -> None:
    """Whether each value is given once only; `values` come with their keys."""
    first: dict[Any, str] = {}
    for key, value in values:
        if not reading.is_good(key):
            continue
        if value in first:
            shown = quoted(str(value)) if str(value) else "the empty prefix"
            reading.note(
                key, f"{shown} is already used in {place_of(first[value], reading)}", "give each its own"
            )
        else:
            first[value] = key


def place_of(key: str, reading: Reading) -> str:
    """Where an option is written, for a message."""
    node = reading.place(key)
    return f"{file_of(node).name} line {node.start_mark.line + 1}"


class Known(NamedTuple):
    """The items of a list by their names."""

    items: Mapping[str, Any]
    complete: bool
    """Each could be read. One that could not may be the one that is meant elsewhere."""


def known(items: Sequence[Any], key: str, option: str, reading: Reading) -> Known:
    """The items of a list by what their `option` says."""
    found = {
        getattr(item, option): item
        for path, item in good(items, key, reading)
        if reading.is_good(f"{path}.{option}")
    }
    return Known(found, len(found) == len(items) and reading.is_good(key))


def check_known(name: str, names: Known, key: str, reading: Reading, *, what: str) -> None:
    """Whether something of this name is configured."""
    if names.complete and reading.is_good(key) and name not in names.items:
        reading.note(key, f"there is no {what} {quoted(name)}", f"name one of the {what}s")


def check_written_password(key: str, address: Address, address_key: str, reading: Reading) -> None:
    """With a password in it the file is private, unless the password only opens something on loopback."""
    if reading.is_good(address_key) and not address.is_loopback:
        check_written_secret(key, reading)


def check_written_secret(key: str, reading: Reading) -> None:
    """With a secret written at `key` the file is private."""
    node = reading.places.get(key)
    if node is None or not reading.is_good(key) or isinstance(node, MappingNode):
        return
    file = file_of(node)
    if file.stat().st_mode & stat.S_IROTH:
        fix = f"run chmod 0640 {file}, or write {{file: PATH}}, {{env: NAME}} or {{credential: NAME}}"
        what = "password" if key.endswith("password") else "secret"
        reading.note(key, f"is a {what} in a file that can be read by everybody", fix)


def check_tls(tls: TlsServer | TlsClient, key: str, reading: Reading) -> None:
    """Whether the files of a TLS section can be used together."""
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
