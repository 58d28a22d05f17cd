"""docs/email.md lists every option of mail, with an example, in the words of the configuration's model."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, Literal, get_args, get_origin

import pytest
from docs_support import section

from gateway.config import mail_model
from gateway.config.basics import Option
from gateway.config.describe import written
from gateway.config.sections import hints_of, is_required, option_of

PLACES = {
    "`listeners.smtp`": mail_model.SmtpListener,
    "`listeners.lmtp`": mail_model.LmtpListener,
    "`mail`": mail_model.Mail,
    "`mail.country_rules`": mail_model.CountryRule,
    "`mail.groups`": mail_model.Group,
    "`mail.smarthost`": mail_model.Smarthost,
    "`accounts[].mail`": mail_model.AccountMail,
    "`incoming`": mail_model.IncomingRule,
}


def rows_of(model: type[Any]) -> list[str]:
    """The table's rows as the model has them."""
    hints = hints_of(model)
    made = []
    for field in fields(model):
        option, hint = option_of(field), hints[field.name]
        inner = get_args(hint)[0] if get_args(hint) else hint
        if is_dataclass(inner):
            value = "see below" if inner.__module__ == mail_model.__name__ else "as for SMPP"
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


@pytest.mark.parametrize(("name", "model"), PLACES.items(), ids=list(PLACES))
def test_docs_email_lists_the_options_of(name: str, model: type[Any]) -> None:
    text = section("docs/email.md", f"### {name}")
    found = [line for line in text.splitlines() if line.startswith("| `")]
    expected = rows_of(model)
    assert found == expected, "put this under ### " + name + ":\n" + "\n".join(expected)
