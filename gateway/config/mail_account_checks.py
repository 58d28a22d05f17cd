"""Rules for the mail of accounts."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config import mail_forms as forms
from gateway.config.basics import Network
from gateway.config.mail_model import AccountMail
from gateway.config.model import Account, Config
from gateway.config.rules import good, place_of
from gateway.config.sections import Reading
from gateway.config.time_checks import check_hours, check_time_zone
from gateway.config.values import quoted


def with_mail(config: Config, reading: Reading) -> Iterator[tuple[str, Account]]:
    """The accounts that have mail, each with its key."""
    for path, account in good(config.accounts, "accounts", reading):
        if account.mail is not None:
            yield path, account


def check_accounts(config: Config, reading: Reading) -> None:
    """Note what is wrong in the mail of each account, and between them."""
    for path, account in with_mail(config, reading):
        if account.mail is not None:
            _check_account(account, account.mail, path, reading)
            _check_report(config, account.mail, f"{path}.mail.report", reading)
    _check_networks(config, reading)


def _check_account(account: Account, mail: AccountMail, path: str, reading: Reading) -> None:
    key = f"{path}.mail"
    for at, sender in good(mail.senders, f"{key}.senders", reading):
        if not (forms.is_address(sender) or forms.is_domain(sender)):
            fix = "write for example ops@example.org, or '@example.org' for all of a domain"
            reading.note(at, f"{quoted(sender)} is neither a mail address nor @domain", fix)
    for at, number in good(mail.recipients, f"{key}.recipients", reading):
        forms.check_number(number, at, reading)
    forms.check_template(mail.subject, f"{key}.subject", reading, ("{subject}",))
    forms.check_template(mail.sender, f"{key}.sender", reading, ("{address}", "{name}"))
    named = mail.recipients or mail.numbers_in_subject or mail.numbers_in_body
    if named and reading.is_good(f"{path}.system_id") and forms.is_number(account.system_id):
        text = f"mail to {account.system_id}@ goes to that number"
        reading.note(key, text, "name the account otherwise, or use groups instead of recipients")
    sources = account.allowed_sources
    if mail.source and sources and mail.source not in sources and reading.is_good(f"{path}.allowed_sources"):
        text = f"{quoted(mail.source)} is not among the account's allowed_sources"
        reading.note(f"{key}.source", text, "write one of them, or add it there")
    parts = (mail.text, mail.subject, mail.sender, mail.empty_text)
    if not any(parts) and reading.is_good(f"{key}.sender") and reading.is_good(f"{key}.empty_text"):
        reading.note(f"{key}.text", "leaves nothing to send", "write a subject, a sender or an empty_text")
    check_hours(mail.hours, f"{key}.hours", reading)
    check_time_zone(mail.time_zone, f"{key}.time_zone", reading)


def _check_report(config: Config, mail: AccountMail, key: str, reading: Reading) -> None:
    """Who asks for every report must get some; `failure` is the default, also where none are wanted."""
    no_smarthost = config.mail is not None and config.mail.smarthost is None
    if mail.report == "always" and no_smarthost and reading.is_good("mail.smarthost"):
        reading.note(key, "needs mail.smarthost", "add smarthost: {address: '127.0.0.1:25'}")


def _check_networks(config: Config, reading: Reading) -> None:
    """An address is in the networks of one account only, or whose mail would it be?"""
    places: list[tuple[int, int, int, int, str, Network]] = []
    for path, account in with_mail(config, reading):
        assert account.mail is not None
        for key, network in good(account.mail.networks, f"{path}.mail.networks", reading):
            first, last = int(network.network_address), int(network.broadcast_address)
            places.append((network.version, first, -last, len(places), key, network))
    around: list[tuple[int, int, str, str]] = []  # the networks that hold the present one, and each other
    for version, first, minus_last, _, key, network in sorted(places):
        around = [it for it in around if it[0] == version and it[1] >= first]
        owner = key[: key.index("]")]
        others = [it for it in around if it[3] != owner]
        if others:
            text = f"{network} is also in {others[-1][2]}, {place_of(others[-1][2], reading)}"
            reading.note(key, text, "give each account networks of its own")
        around.append((version, -minus_last, key, owner))
