"""Rules and warnings about where the store is, and what this node is called."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from yaml.nodes import MappingNode

from gateway.config.http_lints import Lint
from gateway.config.model import Config
from gateway.config.rules import check_written_secret
from gateway.config.sections import Reading
from gateway.config.store_url import ENCRYPTED, PARAMETERS, SSL_MODES, StoreParts

_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]*", re.ASCII)


def check_store(config: Config, reading: Reading) -> None:
    """A password is in a private file; libpq's words are libpq's; a node's name is one word."""
    if config.node and not _NODE.fullmatch(config.node) and reading.is_good("node"):
        reading.note("node", "is not one plain word", "use letters, digits and . : _ -")
    if config.store is None or not reading.is_good("store"):
        return
    parts = config.store.parts
    mode = parts.parameters.get("sslmode", "")
    if mode and mode not in SSL_MODES:
        close = difflib.get_close_matches(mode, sorted(SSL_MODES), 1)
        reading.note(
            "store", "has an sslmode that there is not", f"write sslmode={(close or ['require'])[0]}"
        )
    if len(parts.ports) not in (1, len(parts.hosts)):
        reading.note("store", "has not as many ports as hosts", "write one port, or one for each host")
    if parts.password:
        check_written_secret("store", reading)


def store_lints(config: Config, reading: Reading) -> Iterator[Lint]:
    """What an address can be used with, and is hardly meant."""
    if config.store is None:
        if config.node:
            yield "node", "has no effect: the store is SQLite's, which has one node", "remove it"
        return
    parts = config.store.parts
    for name in parts.parameters:
        if name not in PARAMETERS:
            close = difflib.get_close_matches(name, sorted(PARAMETERS), 1)
            fix = f"did you mean {close[0]}?" if close else "remove it, or see libpq's list of parameters"
            yield "store", f"libpq may refuse the parameter {name[:40]!r}", fix
    if not parts.is_local and not _is_encrypted(parts):
        text = "what is stored, and the password, may go to the database in the clear"
        yield "store", text, "add sslmode=verify-full and sslrootcert=FILE, or at least sslmode=require"
    if len(parts.hosts) > 1 and "target_session_attrs" not in parts.parameters:
        text = "has several hosts, and the first that answers may be a standby, which takes nothing"
        yield "store", text, "add target_session_attrs=read-write"
    written = reading.places.get("store")
    if parts.password and written is not None and not isinstance(written, MappingNode):
        fix = "put it into .pgpass of the gateway's user, or the whole address into {file: PATH}"
        yield "store", "has a password in it, which every copy of this file has too", fix


def _is_encrypted(parts: StoreParts) -> bool:
    """Whether it surely is; a service's file may say what we do not see."""
    return parts.parameters.get("sslmode", "") in ENCRYPTED or "service" in parts.parameters
