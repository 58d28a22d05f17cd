"""What a configuration can be used with, and is hardly meant: the warnings of `check-config`.

Each is about something that has no effect, or has one that its writer would not want. The gateway starts and
reloads without a word about them.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from gateway.config.basics import Address
from gateway.config.connector_model import Connector
from gateway.config.http_lints import Lint, http_lints
from gateway.config.model import Account, Config
from gateway.config.nodes import file_of, problem_at
from gateway.config.problems import Problem
from gateway.config.secret import Secret
from gateway.config.sections import Reading
from gateway.config.smsc_model import SmscConnector
from gateway.config.store_checks import store_lints
from gateway.config.web_checks import web_lints

EXAMPLE_PASSWORDS = frozenset(
    {
        *("secret", "password", "passwd", "pass", "changeme", "unknown", "default", "qwerty"),
        *("1234", "12345", "123456", "1234567", "12345678", "admin", "test", "user", "smpp", "smsc"),
    }
)


def lints(config: Config, reading: Reading) -> list[Problem]:
    """The warnings about a configuration that has no mistakes, in the order of the files."""
    found = [
        *_connectors(config),
        *_twins(config),
        *_prices(config),
        *_tags(config),
        *_tlvs(config),
        *_served(config),
        *_open_sockets(config),
        *http_lints(config),
        *web_lints(config),
        *_passwords(config, reading),
        *_limits(config),
        *_incoming(config),
        *_queue(config),
        *store_lints(config, reading),
    ]
    problems = [problem_at(reading.place(key), key, text, fix) for key, text, fix in found]
    return sorted([*problems, *_writable_files(reading)])


def _connectors(config: Config) -> Iterator[Lint]:
    """Connectors by which nothing goes up, unless they are there for what comes down."""
    named = {name for route in config.routes for name in route.connectors}
    named |= {account.smpp.broadcast_connector for account in config.accounts}
    named |= {rule.connector for rule in config.incoming}
    for key, connector in _all_connectors(config):
        if connector.name not in named and not connector.incoming_account:
            fix = "name it in a route, or remove it"
            yield f"{key}.name", f"no route names {connector.name!r}", fix


def _twins(config: Config) -> Iterator[Lint]:
    """Connectors that are one login to an SMSC, which sends its receipts by whichever link it likes."""
    first: dict[tuple[Address, str], Connector] = {}
    for number, connector in enumerate(config.connectors):
        other = first.setdefault((connector.address, connector.system_id), connector)
        by_no_link = connector.bind_mode == other.bind_mode == "transmitter"
        if other is not connector and not by_no_link:
            text = (
                f"is that of {other.name!r} at the same address: receipts may come by the other's link, and "
                "match no message there"
            )
            fix = "make one connector of them, with binds (bind_mode: pair for transmitter and receiver)"
            yield f"connectors[{number}].system_id", text, fix


def _all_connectors(config: Config) -> Iterator[tuple[str, Connector | SmscConnector]]:
    for number, connector in enumerate(config.connectors):
        yield f"connectors[{number}]", connector
    for number, service in enumerate(config.smsc_connectors):
        yield f"smsc_connectors[{number}]", service


def _prices(config: Config) -> Iterator[Lint]:
    named = {account.prices for account in config.accounts}
    named |= {connector.prices for _, connector in _all_connectors(config)}
    for number, one in enumerate(config.price_lists):
        if one.name not in named:
            fix = "name it in prices of an account or a connector, or remove it"
            yield f"price_lists[{number}].name", f"nobody has the prices {one.name!r}", fix
    for number, account in enumerate(config.accounts):
        if account.prices and account.balance == "none":
            fix = "write balance: own (or parent), or remove it"
            yield f"accounts[{number}].prices", "without a balance nothing is charged", fix


def _tags(config: Config) -> Iterator[Lint]:
    asked = {tag for route in config.routes for tag in route.tags}
    told: set[str] = set()
    for number, account in enumerate(config.accounts):
        for place, tag in enumerate(account.tags):
            if tag not in asked and tag not in told:
                told.add(tag)
                fix = "add it to the tags of a route, or remove it"
                yield f"accounts[{number}].tags[{place}]", f"no route asks for the tag {tag!r}", fix


def _tlvs(config: Config) -> Iterator[Lint]:
    """TLVs that no account may send, and no route lets through."""
    if any(not account.smpp.allowed_tlvs for account in config.accounts):
        return
    named = {name.lower() for account in config.accounts for name in account.smpp.allowed_tlvs}
    for number, one in enumerate(config.vendor_tlvs):
        if one.name.lower() not in named and one.tag.lower() not in named:
            fix = "add it to an account's smpp.allowed_tlvs, or remove it"
            yield f"vendor_tlvs[{number}].name", f"no account may send {one.name!r}", fix


def _served(config: Config) -> Iterator[Lint]:
    """Accounts that no socket is for."""
    listeners = config.listeners
    parents = {account.parent for account in config.accounts}
    takes_mail = bool(listeners.smtp or listeners.lmtp)
    for number, account in enumerate(config.accounts):
        key = f"accounts[{number}]"
        if account.mail is not None and not takes_mail:
            yield f"{key}.mail", "no listener takes mail", "add listeners.smtp or .lmtp, or remove it"
        by_smpp = listeners.smpp or account.smpp.outbind is not None
        is_served = by_smpp or (account.mail and takes_mail) or account.http is not None
        if not is_served and account.system_id not in parents:
            text = (
                f"no listener is for {account.system_id!r}: none is for SMPP, and it has no mail and no http"
            )
            yield f"{key}.system_id", text, "add listeners.smpp, or mail: {} or http: {} to the account"
    if takes_mail and not any(account.mail for account in config.accounts):
        key = "listeners.smtp" if listeners.smtp else "listeners.lmtp"
        yield key, "no account sends mail", "add mail: {} to an account, or remove it"


def _open_sockets(config: Config) -> Iterator[Lint]:
    """Sockets that strangers can reach, and that passwords come to in the clear."""
    for number, smpp in enumerate(config.listeners.smpp):
        if smpp.tls is None and smpp.address.is_public:
            fix = "add tls, or listen on an address of a private network or VPN"
            text = "passwords and texts come here in the clear, from any network"
            yield f"listeners.smpp[{number}].address", text, fix
    for number, smtp in enumerate(config.listeners.smtp):
        if smtp.tls is None and smtp.address.is_public:
            text = "logins are not taken here without TLS, and mails come in the clear"
            yield f"listeners.smtp[{number}].address", text, "add tls, or listen on a private address"
    if any(one.address.is_public for one in config.listeners.smpp):
        from_anywhere = [
            number
            for number, account in enumerate(config.accounts)
            if not account.allowed_addresses and not account.blocked
        ]
        if from_anywhere:
            who = "its login is" if len(from_anywhere) == 1 else f"{len(from_anywhere)} logins are"
            text = f"{who} taken from any address, on a socket that any network reaches"
            yield f"accounts[{from_anywhere[0]}].system_id", text, "add allowed_addresses"


def _passwords(config: Config, reading: Reading) -> Iterator[Lint]:
    """Passwords that stand in examples, towards somebody who is not on this machine."""
    for number, connector in enumerate(config.connectors):
        if not connector.address.is_loopback:
            key = f"connectors[{number}].password"
            yield from _password(connector.password, connector.system_id, key)
    for number, service in enumerate(config.smsc_connectors):
        if not service.url.is_loopback:
            yield from _password(service.password, service.login, f"smsc_connectors[{number}].password")
    smarthost = config.mail.smarthost if config.mail is not None else None
    if smarthost is not None and not smarthost.address.is_loopback:
        yield from _password(smarthost.password, smarthost.username, "mail.smarthost.password")


def _password(password: Secret | None, login: str, key: str) -> Iterator[Lint]:
    if password is None:
        return
    word = password.reveal().lower()
    if word in EXAMPLE_PASSWORDS or (login and word == login.lower()):
        yield key, "is a password that anybody would try first", "agree on another one with the other side"


def _limits(config: Config) -> Iterator[Lint]:
    """Limits that another one makes without effect."""
    accounts = {account.system_id: account for account in config.accounts}
    for number, account in enumerate(config.accounts):
        key = f"accounts[{number}].limits"
        limits = account.limits
        above = _first_limit_above(account, accounts)
        if above is not None and limits.per_day > above.limits.per_day:
            longest = above.limits.per_day
            text = f"is more than the {longest} of {above.system_id!r}, of which this account is a part"
            yield f"{key}.per_day", text, f"write {longest} or less"
        if limits.per_text > limits.per_number > 0:
            text = f"is more than per_number, {limits.per_number}, which counts these too"
            yield f"{key}.per_text", text, f"write {limits.per_number} or less"
        if 0 < limits.per_day < limits.per_number:
            text = f"is more than per_day, {limits.per_day}, which counts these too"
            yield f"{key}.per_number", text, f"write {limits.per_day} or less"


def _first_limit_above(account: Account, accounts: dict[str, Account]) -> Account | None:
    seen = {account.system_id}
    one = accounts.get(account.parent)
    while one is not None and one.system_id not in seen:
        if one.limits.per_day:
            return one
        seen.add(one.system_id)
        one = accounts.get(one.parent)
    return None


def _incoming(config: Config) -> Iterator[Lint]:
    """Incoming SMS that go to an account which cannot log in to get them."""
    blocked = {account.system_id for account in config.accounts if account.blocked}
    for number, rule in enumerate(config.incoming):
        if rule.account in blocked:
            text = f"{rule.account!r} is blocked, so what goes there waits and ends as dead"
            yield f"incoming[{number}].account", text, "name another account"
    for key, connector in _all_connectors(config):
        if connector.incoming_account in blocked:
            text = f"{connector.incoming_account!r} is blocked, so what goes there waits and ends as dead"
            yield f"{key}.incoming_account", text, "name another account"


def _queue(config: Config) -> Iterator[Lint]:
    queue = config.queue
    if queue.text_days > queue.history_days:
        text = f"is more than history_days, {queue.history_days}, with which the messages themselves go"
        yield "queue.text_days", text, f"write {queue.history_days} or less"


def _writable_files(reading: Reading) -> Iterator[Problem]:
    """Files of the configuration that any program on the machine could change."""
    files: set[Path] = {file_of(node) for node in reading.places.values()}
    for file in sorted(files):
        if file.stat().st_mode & stat.S_IWOTH:
            yield Problem(file, 1, 1, "", "can be changed by everybody", f"run chmod o-w {file}")
