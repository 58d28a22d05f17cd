"""Every option does something: the gateway reads it where its section is at hand.

Printing an option (check-config, status) or comparing it (reload) is not enough, so each section names the
modules that act on it, and what it is called there.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import gateway
from gateway.config import model

ROOT = Path(gateway.__file__).parent

READERS: dict[type[Any], dict[str, set[str]]] = {
    model.TlsServer: {"ingress/smpp_listener.py": {"self.config.tls"}},
    model.TlsClient: {"egress/smpp_connector.py": {"config.tls"}},
    model.SmppListener: {
        "ingress/smpp_listener.py": {"config", "self.config"},
        "ingress/smpp.py": {"self.listener.config"},
    },
    model.Listeners: {"daemon.py": {"self.config.listeners"}},
    model.Account: {
        "core/accounts.py": {"config", "self.config"},
        "core/submission.py": {"account.config"},
        "ingress/smpp_listener.py": {"account.config"},
        "ingress/smpp.py": {"account.config"},
    },
    model.Connector: {
        "egress/smpp_connector.py": {"config", "self.config"},
        "egress/smpp.py": {"config", "self.connector.config"},
        "daemon.py": {"config"},
    },
    model.Route: {"daemon.py": {"route"}},
    model.Queue: {"daemon.py": {"queue", "self.config.queue"}, "housekeeping.py": {"queue"}},
    model.Log: {"cli/run.py": {"config.log"}},
    model.Config: {
        "daemon.py": {"config", "self.config"},
        "housekeeping.py": {"self._daemon.config"},
        "cli/run.py": {"config"},
    },
}


@cache
def reads(file: str) -> frozenset[tuple[str, str]]:
    """What a module reads: the name of an attribute, and of what."""
    tree = ast.parse((ROOT / file).read_text())
    return frozenset(
        (node.attr, ast.unparse(node.value))
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    )


def unread(section: type[Any], readers: dict[str, set[str]]) -> set[str]:
    found = {name for file, owners in readers.items() for name, owner in reads(file) if owner in owners}
    return {option.name for option in fields(section)} - found


@pytest.mark.parametrize("section", READERS, ids=lambda section: section.__name__)
def test_every_option_is_read(section: type[Any]) -> None:
    assert unread(section, READERS[section]) == set()


def test_every_section_is_looked_at() -> None:
    sections = {
        value
        for value in vars(model).values()
        if isinstance(value, type) and hasattr(value, "__dataclass_fields__")
    }
    assert sections - {model.Option} == set(READERS)


def test_an_option_that_nobody_reads_is_found() -> None:
    @dataclass(frozen=True)
    class Log(model.Log):
        colours: bool = False

    assert unread(Log, READERS[model.Log]) == {"colours"}
