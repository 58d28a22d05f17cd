"""The pages list every option of their sections, with an example, in the words of the model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Literal, get_args, get_origin

import pytest
from docs_support import section

from gateway.config import (
    account_model,
    basics,
    connector_model,
    http_model,
    mail_model,
    model,
    price_model,
    route_model,
    smpp_model,
    smsc_model,
)
from gateway.config.basics import Option
from gateway.config.describe import written
from gateway.config.sections import hints_of, is_required, option_of

MAIL = {
    "`listeners.smtp`": mail_model.SmtpListener,
    "`listeners.lmtp`": mail_model.LmtpListener,
    "`mail`": mail_model.Mail,
    "`mail.country_rules`": mail_model.CountryRule,
    "`mail.groups`": mail_model.Group,
    "`mail.smarthost`": mail_model.Smarthost,
    "`accounts[].mail`": mail_model.AccountMail,
    "`incoming`": mail_model.IncomingRule,
}
SERVICE = {
    "`smsc_connectors`": smsc_model.SmscConnector,
    "`smsc_connectors[].callback`": smsc_model.SmscCallback,
    "`listeners.callbacks`": smsc_model.CallbackListener,
}
HTTP = {
    "`listeners.http`": http_model.HttpListener,
    "`http`": http_model.Http,
    "`accounts[].http`": http_model.AccountHttp,
}
SMPP = {
    "`listeners.smpp`": model.SmppListener,
    "`listeners.smpp[].tls`": basics.TlsServer,
    "`accounts[].smpp`": smpp_model.AccountSmpp,
    "`accounts[].smpp.lists`": smpp_model.NumberList,
    "`accounts[].smpp.outbind`": smpp_model.AccountOutbind,
    "`connectors`": connector_model.Connector,
    "`connectors[].tls`": basics.TlsClient,
    "`source` and `destination`": smpp_model.AddressRule,
    "`routes`": model.Route,
    "`routes[].rewrites`": route_model.Rewrite,
    "`routes[].text`": connector_model.TextPolicy,
    "`vendor_tlvs`": connector_model.VendorTlv,
}
ACCOUNTS = {
    "`accounts`": account_model.Account,
    "`accounts[].limits`": account_model.AccountLimits,
    "`price_lists`": price_model.PriceList,
    "`price_lists[].prices`": price_model.Price,
}
ELSEWHERE = {
    smpp_model.AccountSmpp: "[SMPP](smpp.md#accountssmpp)",
    mail_model.AccountMail: "[e-mail](email.md#accountsmail)",
    http_model.AccountHttp: "[HTTP](http.md#accountshttp)",
}
PLACES = [
    *(("docs/accounts.md", name, section) for name, section in ACCOUNTS.items()),
    *(("docs/smpp.md", name, section) for name, section in SMPP.items()),
    *(("docs/email.md", name, model) for name, model in MAIL.items()),
    *(("docs/smsc.md", name, model) for name, model in SERVICE.items()),
    *(("docs/http.md", name, model) for name, model in HTTP.items()),
]
SECTIONS = {
    "docs/accounts.md": ACCOUNTS,
    "docs/smpp.md": SMPP,
    "docs/email.md": MAIL,
    "docs/smsc.md": SERVICE,
    "docs/http.md": HTTP,
}


def rows_of(section_type: type[Any], shown: Collection[type[Any]]) -> list[str]:
    """The table's rows as the model has them; `shown` are the sections with a table on the same page."""
    hints = hints_of(section_type)
    made = []
    for field in fields(section_type):
        option, hint = option_of(field), hints[field.name]
        inner = get_args(hint)[0] if get_args(hint) else hint
        if is_dataclass(inner):
            value = "see below" if inner in shown else ELSEWHERE.get(inner, "as for SMPP")
        else:
            value = f"`{option.example or written(field.default)}`"
        default = "" if is_required(field) or option.example is None else _default(field.default)
        made.append(f"| `{field.name}` | {value} | {_meaning(option, hint)}{default} |")
    return made


def _meaning(option: Option, hint: Any) -> str:
    words = option.doc.replace("|", "\\|").replace("<", "\\<")
    if get_origin(hint) is Literal:
        words += f" One of {_choices(hint)}."
    elif get_origin(hint) is Sequence and get_origin(get_args(hint)[0]) is Literal:
        words += f" Any of {_choices(get_args(hint)[0])}."
    return words


def _choices(hint: Any) -> str:
    return ", ".join(f"`{choice}`" for choice in get_args(hint))


def _default(default: object) -> str:
    if default in ("", None, ()):
        return ""
    if isinstance(default, tuple):
        return f" Default `[{', '.join(map(written, default))}]`."
    return f" Default `{written(default)}`."


@pytest.mark.parametrize(("page", "name", "of"), PLACES, ids=[name for _, name, _ in PLACES])
def test_the_page_lists_the_options_of(page: str, name: str, of: type[Any]) -> None:
    text = section(page, f"### {name}")
    found = [line for line in text.splitlines() if line.startswith("| `")]
    expected = rows_of(of, SECTIONS[page].values())
    assert found == expected, "put this under ### " + name + ":\n" + "\n".join(expected)
