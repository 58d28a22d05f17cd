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
from gateway.config import (
    account_model,
    connector_model,
    http_model,
    mail_model,
    model,
    price_model,
    route_model,
    smpp_model,
    smsc_model,
    web_model,
)

ROOT = Path(gateway.__file__).parent

READERS: dict[type[Any], dict[str, set[str]]] = {
    model.TlsServer: {"ingress/tls.py": {"tls"}},
    model.TlsClient: {
        "egress/tls.py": {"tls"},
        "egress/smpp_connector.py": {"self.config.tls"},
        "egress/mail_connection.py": {"certificates"},
    },
    model.SmppListener: {
        "ingress/smpp_listener.py": {"config", "self.config"},
        "ingress/smpp.py": {"self.listener.config"},
    },
    mail_model.SmtpListener: {"ingress/smtp_listener.py": {"config", "self.config"}},
    mail_model.LmtpListener: {"ingress/smtp_listener.py": {"config", "self.config"}},
    model.Listeners: {
        "smpp_side.py": {"config.listeners"},
        "mail_side.py": {"config.listeners"},
        "service_side.py": {"config.listeners"},
        "http_side.py": {"config.listeners"},
    },
    model.Account: {
        "core/accounts.py": {"config", "self.config"},
        "core/admission.py": {"config", "one.config", "account.config"},
        "core/route_conditions.py": {"account"},
        "core/stop_words.py": {"one"},
        "core/ledger.py": {"account"},
        "core/submission.py": {"account.config"},
        "core/api_keys.py": {"account.config"},
        "ingress/smpp_listener.py": {"account.config"},
        "ingress/smpp.py": {"account.config", "config"},
        "ingress/mail_policy.py": {"account.config"},
        "ingress/service_check.py": {"account.config"},
        "front/gate.py": {"account.config"},
        "translate/smpp_reading.py": {"account"},
    },
    smpp_model.AccountSmpp: {
        "core/incoming.py": {"one.smpp"},
        "ingress/smpp_listener.py": {"account.config.smpp"},
        "ingress/smpp_messages.py": {"connection.account.config.smpp"},
        "ingress/smpp_operations.py": {"account.config.smpp"},
        "ingress/smpp_outbind.py": {"account.config.smpp"},
        "translate/smpp_deliver.py": {"smpp"},
        "translate/smpp_reading.py": {"smpp"},
    },
    smpp_model.AddressRule: {"translate/address_rules.py": {"rule"}},
    smpp_model.NumberList: {"ingress/smpp_messages.py": {"one"}},
    smpp_model.AccountOutbind: {"ingress/smpp_outbind.py": {"outbind", "self._outbind"}},
    mail_model.AccountMail: {
        "ingress/mail_policy.py": {"mail", "account.config.mail", "mail_of(account)"},
        "ingress/mail_intake.py": {"mail"},
        "translate/mail_submit.py": {"mail"},
    },
    mail_model.Mail: {
        "core/incoming.py": {"mail"},
        "egress/mail.py": {"self.mail"},
        "housekeeping.py": {"mail"},
        "ingress/mail_intake.py": {"mail", "self.mail"},
        "ingress/mail_policy.py": {"mail", "self._mail"},
        "mail_side.py": {"mail"},
        "translate/mail_letter.py": {"mail"},
    },
    mail_model.CountryRule: {"ingress/mail_policy.py": {"rule"}},
    mail_model.Group: {"ingress/mail_policy.py": {"group"}},
    mail_model.Smarthost: {
        "egress/mail.py": {"self.smarthost"},
        "egress/mail_connection.py": {"smarthost"},
    },
    mail_model.IncomingRule: {"core/incoming.py": {"rule"}},
    connector_model.Connector: {
        "egress/smpp_connector.py": {"config", "self.config"},
        "egress/smpp_connection.py": {"config", "self.connector.config"},
        "egress/smpp_incoming.py": {"config"},
        "egress/smpp_link.py": {"config"},
        "connectors.py": {"config"},
        "translate/smpp_dialect.py": {"config"},
        "wiring.py": {"connector"},
    },
    connector_model.TextPolicy: {"core/router.py": {"route.text"}},
    connector_model.VendorTlv: {"translate/vendor_tlvs.py": {"one", "known"}},
    smsc_model.SmscConnector: {
        "core/incoming.py": {"connector"},
        "core/smsc_inbox.py": {"self.config", "inbox.config"},
        "connectors.py": {"config"},
        "egress/smsc_http/client.py": {"service", "self._service"},
        "egress/smsc_http/connector.py": {"config", "self.config"},
        "egress/smsc_http/sender.py": {"self._connector.config"},
        "wiring.py": {"connector"},
    },
    smsc_model.SmscCallback: {
        "core/smsc_inbox.py": {"callback"},
        "ingress/smsc_callbacks.py": {"config"},
    },
    smsc_model.CallbackListener: {"ingress/smsc_callbacks.py": {"config", "self.config"}},
    http_model.HttpListener: {
        "http_side.py": {"section"},
        "ingress/http_listener.py": {"config", "self.config"},
        "ingress/http_connection.py": {"listener.config", "self._listener.config"},
        "ingress/http_reader.py": {"self._listener.config"},
    },
    http_model.Http: {
        "front/gate.py": {"http", "self._http"},
        "front/links.py": {"desk.config.http"},
        "front/documents.py": {"desk.config.http", "self._desk.config.http"},
        "http_side.py": {"config.http"},
    },
    http_model.AccountHttp: {
        "core/api.py": {"account.http"},
        "egress/call_requests.py": {"http", "http or AccountHttp()"},
        "front/gate.py": {"http"},
        "front/relay.py": {"http", "account.config.http"},
        "front/wanted_users.py": {"http", "account.config.http"},
    },
    model.Route: {"wiring.py": {"route"}, "core/route_conditions.py": {"route"}},
    route_model.Rewrite: {"core/rewriting.py": {"one"}},
    account_model.AccountLimits: {"core/admission.py": {"limits"}},
    price_model.PriceList: {"core/prices.py": {"config", "one"}},
    price_model.Price: {"core/prices.py": {"price"}},
    model.Queue: {"daemon.py": {"queue", "self.config.queue"}, "housekeeping.py": {"queue"}},
    model.Log: {"cli/run.py": {"config.log"}, "reloading.py": {"config.log"}},
    web_model.Web: {"web_side.py": {"web"}},
    web_model.WebUser: {"web_side.py": {"user"}},
    model.Config: {
        "web_side.py": {"config"},
        "daemon.py": {"config", "self.config"},
        "smpp_side.py": {"config"},
        "housekeeping.py": {"self._daemon.config"},
        "http_side.py": {"config"},
        "money_side.py": {"config"},
        "cli/run.py": {"config"},
        "wiring.py": {"config"},
    },
}
# `profile` is read before there are values: it says where more of them are written.
ELSEWHERE = {connector_model.Connector: {"profile"}}


@cache
def reads(file: str) -> frozenset[tuple[str, str]]:
    """What a module reads: the name of an attribute, and of what; by getattr too, if it names it anywhere."""
    tree = ast.parse((ROOT / file).read_text())
    found, names, by_name = set(), set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            found.add((node.attr, ast.unparse(node.value)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "getattr":
            by_name.add(ast.unparse(node.args[0]))
    return frozenset(found | {(name, owner) for name in names for owner in by_name})


def unread(section: type[Any], readers: dict[str, set[str]]) -> set[str]:
    found = {name for file, owners in readers.items() for name, owner in reads(file) if owner in owners}
    return {option.name for option in fields(section)} - found


@pytest.mark.parametrize("section", READERS, ids=lambda section: section.__name__)
def test_every_option_is_read(section: type[Any]) -> None:
    assert unread(section, READERS[section]) == ELSEWHERE.get(section, set())


def test_every_section_is_looked_at() -> None:
    sections = {
        value
        for module in (
            model,
            account_model,
            route_model,
            price_model,
            mail_model,
            smsc_model,
            http_model,
            connector_model,
            smpp_model,
            web_model,
        )
        for value in vars(module).values()
        if isinstance(value, type) and hasattr(value, "__dataclass_fields__")
    }
    # a sub-client has no options of its own
    assert sections - {model.Option, account_model.SubAccount} == set(READERS)


def test_an_option_that_nobody_reads_is_found() -> None:
    @dataclass(frozen=True)
    class Log(model.Log):
        colours: bool = False

    assert unread(Log, READERS[model.Log]) == {"colours"}
