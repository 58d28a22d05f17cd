"""Jasmin's users as accounts; its groups are tags of theirs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from gateway.importers.jasmin_script import Command
from gateway.importers.outcome import (
    MAX_ENTRIES,
    PASSWORD_MAX,
    SYSTEM_ID_MAX,
    Imported,
    ImportRefused,
    Password,
    prefix_of_pattern,
    sendable,
    sender_of,
    whole_number,
    words_of_pattern,
)

_UNLIMITED = ("", "nd", "none", "nd (!)")
_MT = "mt_messaging_cred"
_USUAL = {
    f"{_MT} valuefilter priority": "^[0-3]$",
    f"{_MT} valuefilter validity_period": r"^\d+$",
    f"{_MT} valuefilter content": ".*",
}


@dataclass(slots=True)
class Users:
    """What became of the users."""

    accounts: list[dict[str, Any]] = field(default_factory=list)
    by_uid: dict[str, str] = field(default_factory=dict)
    """Logins by user id."""
    groups: dict[str, set[str]] = field(default_factory=dict)
    """Logins by group."""
    tags: dict[str, str] = field(default_factory=dict)
    """By group, what its users are called in routes."""
    balances: dict[str, tuple[str, int]] = field(default_factory=dict)
    """What accounts have, and where it stands."""


def users_of(commands: list[Command], file: str, imported: Imported) -> Users:
    """The accounts of all users."""
    users = Users()
    closed = {
        command.get("gid") or command.argument
        for command in commands
        if command.module == "group" and any(key == "__disabled" for key, _, _ in command.options)
    }
    for command in commands:
        if command.module == "user" and command.action in ("add", "show"):
            if len(users.accounts) >= MAX_ENTRIES:
                raise ImportRefused(f"has more than {MAX_ENTRIES} users")
            _user(command, closed, users, file, imported)
    return users


def _user(command: Command, closed: set[str], users: Users, file: str, imported: Imported) -> None:
    name = command.get("username") or command.get("uid") or command.argument
    system_id = sendable(name, SYSTEM_ID_MAX)
    if not system_id or any(account["system_id"] == system_id for account in users.accounts):
        text = "has no username that can be a login here of its own, and was left out"
        imported.note(file, command.line, "user", text)
        return
    if system_id != name:
        text = f"is not up to {SYSTEM_ID_MAX} characters of ASCII, as SMPP has it, and was cut"
        imported.note(file, command.line_of("username"), "username", text)
    password, gid = command.get("password"), command.get("gid")
    if not password:
        text = f"is not shown by Jasmin: put a hash of it to {system_id}"
        imported.note(file, command.line, "password", text)
    elif len(password) > PASSWORD_MAX:
        text = f"is longer than the {PASSWORD_MAX} characters that SMPP clients can send"
        imported.note(file, command.line_of("password"), "password", text)
    account: dict[str, Any] = {"system_id": system_id, "password_hash": Password(password, "hash", system_id)}
    users.by_uid[command.get("uid") or command.argument or name] = system_id
    if gid:
        users.groups.setdefault(gid, set()).add(system_id)
    states = [key for key, _, _ in command.options if key in ("__enabled", "__disabled")]
    if gid in closed or states[-1:] == ["__disabled"] or _denies(command, "smpps_cred authorization bind"):
        account["blocked"] = True
    _quotas(command, account, users, file, imported)
    _filters(command, account, file, imported)
    users.accounts.append(account)


def _denies(command: Command, key: str) -> bool:
    return command.get(key).lower() in ("no", "false", "0", "off")


def _quotas(command: Command, account: dict[str, Any], users: Users, file: str, imported: Imported) -> None:
    rate = whole_number(command.get(f"{_MT} quota smpps_throughput"), 1, 1_000_000)
    if rate is not None:
        account["rate"] = rate
    binds = whole_number(command.get("smpps_cred quota max_bindings"), 1, 10_000)
    if binds is not None:
        account["max_binds"] = binds
    key = f"{_MT} quota balance"
    balance = command.get(key).lower()
    if balance not in _UNLIMITED:
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", balance, re.ASCII):
            users.balances[account["system_id"]] = (balance, command.line_of(key))
        else:
            imported.note(file, command.line_of(key), "balance", "is no amount, and was left out")
    for name, text in (
        ("sms_count", "there is no count that is used up: see balance, or limits per day"),
        ("early_percent", "all is charged when the message is accepted, see refund"),
    ):
        if command.get(f"{_MT} quota {name}").lower() not in _UNLIMITED:
            imported.note(file, command.line_of(f"{_MT} quota {name}"), name, text)


def _filters(command: Command, account: dict[str, Any], file: str, imported: Imported) -> None:
    default = command.get(f"{_MT} defaultvalue src_addr")
    if default.lower() not in ("", "none"):
        sender = sender_of(default)
        if sender is not None:
            forced = _denies(command, f"{_MT} authorization src_addr")
            account["forced_source" if forced else "default_source"] = sender
    _senders(command, account, file, imported)
    key = f"{_MT} valuefilter dst_addr"
    pattern = command.get(key, ".*")
    if pattern != ".*":
        prefix = prefix_of_pattern(pattern)
        if prefix is not None:
            account["destinations"] = [prefix[:15]]
        else:
            text = "is more than first digits: write destinations, or a route that refuses the others"
            imported.note(file, command.line_of(key), "valuefilter dst_addr", text)
    for key, usual in _USUAL.items():
        if command.get(key, usual) != usual:
            imported.note(file, command.line_of(key), key.removeprefix(f"{_MT} "), "has no counterpart")


def _senders(command: Command, account: dict[str, Any], file: str, imported: Imported) -> None:
    key = f"{_MT} valuefilter src_addr"
    pattern = command.get(key, ".*")
    if pattern == ".*":
        return
    words = words_of_pattern(pattern)
    senders = [sender_of(word) for word in words or ()]
    if words is None or None in senders:
        text = "is more than a choice of senders: write allowed_sources"
        imported.note(file, command.line_of(key), "valuefilter src_addr", text)
        return
    allowed = [sender for sender in senders if sender is not None]
    account["allowed_sources"] = list(dict.fromkeys(allowed))
    for name in ("default_source", "forced_source"):
        if account.get(name) not in (None, *allowed):
            text = f"is not among the senders that the user may have: {name} was left out"
            imported.note(file, command.line_of(key), "defaultvalue src_addr", text)
            del account[name]
