"""docs/email.md and docs/smsc.md list every option, with an example, in the words of the model."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, Literal, get_args, get_origin

import pytest
from docs_support import section

from gateway.config import mail_model, smsc_model
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
PLACES = [
    *(("docs/email.md", name, model) for name, model in MAIL.items()),
    *(("docs/smsc.md", name, model) for name, model in SERVICE.items()),
]
_SHOWN = {mail_model.__name__, smsc_model.__name__}


def rows_of(model: type[Any]) -> list[str]:
    """The table's rows as the model has them."""
    hints = hints_of(model)
    made = []
    for field in fields(model):
        option, hint = option_of(field), hints[field.name]
        inner = get_args(hint)[0] if get_args(hint) else hint
        if is_dataclass(inner):
            value = "see below" if inner.__module__ in _SHOWN else "as for SMPP"
        else:
            value = f"`{option.example or written(field.default)}`"
        default = "" if is_required(field) or option.example is None else _default(field.default)
        made.append(f"| `{field.name}` | {value} | {_meaning(option, hint)}{default} |")
    return made


def _meaning(option: Option, hint: Any) -> str:
    words = option.doc.replace("|", "\\|").replace("<", "\\<")
    if get_origin(hint) is Literal:
        words += " One of " + ", ".join(f"`{choice}`" for choice in get_args(hint)) + "."
    return words


def _default(default: object) -> str:
    return "" if default in ("", None, ()) else f" Default `{written(default)}`."


@pytest.mark.parametrize(("page", "name", "model"), PLACES, ids=[name for _, name, _ in PLACES])
def test_the_page_lists_the_options_of(page: str, name: str, model: type[Any]) -> None:
    text = section(page, f"### {name}")
    found = [line for line in text.splitlines() if line.startswith("| `")]
    expected = rows_of(model)
    assert found == expected, "put this under ### " + name + ":\n" + "\n".join(expected)
