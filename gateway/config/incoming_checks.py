"""Rules for the ways of incoming SMS."""

from __future__ import annotations

from gateway.config import mail_forms as forms
from gateway.config.mail_model import IncomingRule
from gateway.config.model import Config
from gateway.config.rules import Known, check_known, good, place_of
from gateway.config.sections import Reading
from gateway.config.values import quoted


def check_incoming(config: Config, accounts: Known, connectors: Known, reading: Reading) -> None:
    """Note what is wrong in each rule, and between them."""
    first: dict[tuple[str, ...], str] = {}
    for path, rule in good(config.incoming, "incoming", reading):
        _check_rule(rule, path, config, reading)
        if rule.account:
            check_known(rule.account, accounts, f"{path}.account", reading, what="account")
        if rule.connector:
            check_known(rule.connector, connectors, f"{path}.connector", reading, what="connector")
        if not all(reading.is_good(f"{path}.{name}") for name in ("number", "keyword", "connector")):
            continue
        wanted = (rule.number.removeprefix("+"), rule.keyword.casefold(), rule.connector)
        for chosen in range(8):
            wider = tuple(part if chosen >> bit & 1 else "" for bit, part in enumerate(wanted))
            if wider in first:
                text = f"never applies: the rule in {place_of(first[wider], reading)} takes all of it"
                reading.note(path, text, "put it before that one, or remove it")
                break
        else:
            first[wanted] = path


def _check_rule(rule: IncomingRule, path: str, config: Config, reading: Reading) -> None:
    number = rule.number.removeprefix("+")
    if number and reading.is_good(f"{path}.number") and not number.isdigit():
        reading.note(f"{path}.number", f"{quoted(rule.number)} is not made of digits", "write our number")
    if reading.is_good(f"{path}.keyword") and len(rule.keyword.split()) > 1:
        reading.note(f"{path}.keyword", f"{quoted(rule.keyword)} is not one word", "write its first word")
    if not (rule.account or rule.mail) and all(reading.is_good(f"{path}.{it}") for it in ("account", "mail")):
        reading.note(path, "goes nowhere", "add account, mail or both")
    own = {domain.lower() for domain in config.mail.domains if domain} if config.mail is not None else set()
    for key, address in good(rule.mail, f"{path}.mail", reading):
        forms.check_address(address, key, reading)
        if address.rpartition("@")[2].lower() in own:
            reading.note(key, f"{quoted(address)} is ours, and would be an SMS", "write a mailbox elsewhere")
    no_smarthost = config.mail is not None and config.mail.smarthost is None
    if rule.mail and no_smarthost and reading.is_good("mail.smarthost"):
        reading.note(f"{path}.mail", "needs mail.smarthost", "add smarthost: {address: '127.0.0.1:25'}")
