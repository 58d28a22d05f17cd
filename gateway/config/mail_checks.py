"""Rules between the options of mail: its section, and its listeners.

A value that could not be read was reported already, so every rule skips it.
"""

from __future__ import annotations

import os

from gateway.config import mail_forms as forms
from gateway.config.incoming_checks import check_incoming
from gateway.config.mail_account_checks import check_accounts, with_mail
from gateway.config.mail_model import CountryRule, LmtpListener, Mail, Smarthost, SmtpListener
from gateway.config.model import Config
from gateway.config.rules import (
    Known,
    check_known,
    check_tls,
    check_unique,
    check_written_password,
    good,
    named,
    place_of,
)
from gateway.config.sections import Reading
from gateway.config.values import quoted

_SOCKET_PATH_MAX = 107  # sun_path of unix(7), without its NUL


def check_mail(config: Config, accounts: Known, connectors: Known, reading: Reading) -> None:
    """Note everything that is wrong between the values about mail and incoming SMS."""
    _check_section_is_there(config, reading)
    if reading.is_good("listeners"):
        for path, listener in good(config.listeners.smtp, "listeners.smtp", reading):
            _check_smtp(listener, path, reading)
        for path, lmtp in good(config.listeners.lmtp, "listeners.lmtp", reading):
            _check_lmtp(lmtp, path, config, accounts, reading)
    if config.mail is not None:
        _check_section(config.mail, config, accounts, reading)
    check_accounts(config, reading)
    check_incoming(config, accounts, connectors, reading)


def _check_section_is_there(config: Config, reading: Reading) -> None:
    if config.mail is not None or not reading.is_good("mail"):
        return
    users = [f"{path}.mail" for path, _ in with_mail(config, reading)]
    if reading.is_good("listeners"):
        users += [f"listeners.{kind}" for kind in ("smtp", "lmtp") if getattr(config.listeners, kind)]
    users += [f"{path}.mail" for path, rule in good(config.incoming, "incoming", reading) if rule.mail]
    for key in users:
        reading.note(key, "needs the section mail", "add mail: {domains: [sms.example.org]}")


def _check_smtp(listener: SmtpListener, path: str, reading: Reading) -> None:
    if listener.tls is None and reading.is_good(f"{path}.tls"):
        wanting = ["tls_mode"] if listener.tls_mode == "implicit" else []
        wanting += ["require_tls"] if listener.require_tls else []
        for name in wanting:
            reading.note(f"{path}.{name}", "needs tls", "add tls: {certificate: PATH, key: PATH}")
    if listener.hostname:
        forms.check_host(listener.hostname, f"{path}.hostname", reading)


def _check_lmtp(lmtp: LmtpListener, path: str, config: Config, accounts: Known, reading: Reading) -> None:
    if reading.is_good(f"{path}.path"):
        length = len(os.fsencode(lmtp.path))
        if length > _SOCKET_PATH_MAX:
            fix = f"a socket's path has at most {_SOCKET_PATH_MAX}"
            reading.note(f"{path}.path", f"has {length} octets with its folder", fix)
    key = f"{path}.account"
    check_known(lmtp.account, accounts, key, reading, what="account")
    account = accounts.items.get(lmtp.account)
    if account is not None and account.mail is None and accounts.complete:
        # an account whose mail could not be read seems to have none
        place = next(at for at, other in good(config.accounts, "accounts", reading) if other is account)
        if reading.is_good(f"{place}.mail"):
            reading.note(key, f"account {quoted(lmtp.account)} has no mail", "add mail: {} to it")


def _check_section(mail: Mail, config: Config, accounts: Known, reading: Reading) -> None:
    for key, domain in good(mail.domains, "mail.domains", reading):
        forms.check_host(domain, key, reading)
    check_unique(good(mail.domains, "mail.domains", reading), reading)
    if mail.postmaster:
        forms.check_address(mail.postmaster, "mail.postmaster", reading)
    forms.check_template(mail.rejected_text, "mail.rejected_text", reading, ("{address}",))
    _check_names(mail, config, reading)
    for path, group in good(mail.groups, "mail.groups", reading):
        for key, number in good(group.numbers, f"{path}.numbers", reading):
            forms.check_number(number, key, reading)
        for key, name in good(group.accounts, f"{path}.accounts", reading):
            check_known(name, accounts, key, reading, what="account")
    for path, rule in good(mail.country_rules, "mail.country_rules", reading):
        _check_country_rule(rule, path, reading)
    if mail.smarthost is not None:
        _check_smarthost(mail.smarthost, reading)


def _check_names(mail: Mail, config: Config, reading: Reading) -> None:
    """Whether mail to <name>@ means one thing: an account, the service's form or a group."""
    first: dict[str, str] = {}
    system_ids = [(f"{path}.system_id", account.system_id) for path, account in with_mail(config, reading)]
    chosen = [("mail.service_name", mail.service_name), *named(mail.groups, "mail.groups", "name", reading)]
    for key, name in chosen:
        if reading.is_good(key) and not forms.is_name(name):
            fix = "use letters, digits and . _ -, and not digits alone"
            reading.note(key, f"{quoted(name)} is no plain name", fix)
    for key, name in [*system_ids, *chosen]:
        if not reading.is_good(key):
            continue
        if name.lower() in first:
            text = f"{quoted(name)} is already an address by {place_of(first[name.lower()], reading)}"
            reading.note(key, text, "give each its own; capital letters make no difference")
        else:
            first[name.lower()] = key


def _check_country_rule(rule: CountryRule, path: str, reading: Reading) -> None:
    keys = [f"{path}.{name}" for name in ("prefix", "length", "replace")]
    for key, text in ((keys[0], rule.prefix), (keys[2], rule.replace)):
        if reading.is_good(key) and not (text.isascii() and text.isdigit()):
            reading.note(key, f"{quoted(text)} is not made of digits", "write digits only, without +")
    if not all(map(reading.is_good, keys)):
        return
    if not forms.is_number(rule.replace + "0" * (rule.length - len(rule.prefix))):
        text = f"makes no international number of {rule.length} digits"
        reading.note(path, text, "those have 7 to 15 digits, and begin with the country's code")


def _check_smarthost(smarthost: Smarthost, reading: Reading) -> None:
    key = "mail.smarthost"
    if smarthost.password is not None:
        check_written_password(f"{key}.password", smarthost.address, f"{key}.address", reading)
        if not smarthost.username and reading.is_good(f"{key}.username"):
            reading.note(f"{key}.password", "has no username", "add username, or remove the password")
    elif smarthost.username and reading.is_good(f"{key}.password"):
        reading.note(f"{key}.username", "has no password", "add password, or remove the username")
    if smarthost.certificates is not None:
        check_tls(smarthost.certificates, f"{key}.certificates", reading)
        if smarthost.tls == "none":
            reading.note(f"{key}.certificates", "has no use without tls", "remove it, or write tls: required")
    # opportunistic verifies nobody, so whoever stands in between would get the password
    shows_it = smarthost.username and smarthost.tls in ("none", "opportunistic")
    if shows_it and reading.is_good(f"{key}.address") and not smarthost.address.is_loopback:
        reading.note(f"{key}.username", "would be shown to anybody", "write tls: required or implicit")
