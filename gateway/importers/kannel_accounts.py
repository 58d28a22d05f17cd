"""Kannel's users as accounts, and its services' keywords as rules for incoming SMS."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

from gateway.importers.kannel_file import Group, Read
from gateway.importers.kannel_smsc import listed, prefixes_of
from gateway.importers.outcome import (
    MAX_ENTRIES,
    PASSWORD_MAX,
    SYSTEM_ID_MAX,
    Imported,
    ImportRefused,
    Password,
    lines_of,
    sendable,
    sender_of,
    takes_all_of,
    whole_number,
)

_CALLS = ("get-url", "post-url", "post-xml", "exec", "file", "text")
_OF_CALLS = {
    *("max-messages", "omit-empty", "concatenation", "assume-plain-text", "accept-x-kannel-headers"),
    *("split-chars", "split-suffix", "header", "footer", "strip-keyword", "send-sender", "faked-sender"),
    *("catch-all", "alt-charset", "name"),
}
_ADDRESS = re.compile(r"(\d{1,3}|\*)\.(\d{1,3}|\*)\.(\d{1,3}|\*)\.(\d{1,3}|\*)", re.ASCII)


@dataclass(slots=True)
class Users:
    """What became of the users."""

    accounts: list[dict[str, Any]] = field(default_factory=list)
    smsc_ids: dict[str, list[str]] = field(default_factory=dict)
    """Accounts by the smsc-id that their messages bear."""


def accounts_of(groups: list[Group], read: Read, imported: Imported) -> Users:
    """The accounts of all sendsms-users, and of the logins that an opensmppbox has in a file."""
    users = Users()
    sender = ""
    for group in groups:
        if group.name == "smsbox":
            sender = group.get("global-sender")
            text = "applications send over SMPP or by mail here, not by HTTP"
            if group.has("sendsms-port"):
                group.used.add("sendsms-port")
                imported.note(*group.place("sendsms-port"), "sendsms-port", text)
            group.used |= {"bearerbox-host", "bearerbox-port", "smsbox-id", "log-file", "log-level"}
            group.used |= {"access-log", "sendsms-chars", "sendsms-url", "sendsms-interface"}
    for group in groups:
        if group.name == "sendsms-user":
            _user(group, sender, users, imported)
        elif group.name == "opensmppbox" and group.has("smpp-logins"):
            _logins(group, read, users, imported)
    return users


def _logins(group: Group, read: Read, users: Users, imported: Imported) -> None:
    """A line for each: login, password, system_type and the addresses that it may come from."""
    found = read(group.get("smpp-logins"), group.file)
    if isinstance(found, str):
        imported.note(*group.place("smpp-logins"), "smpp-logins", found)
        return
    for file, text in found:
        for number, line in enumerate(lines_of(text), 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            known = {account["system_id"] for account in users.accounts}
            system_id = words[0]
            if len(words) < 2 or system_id != sendable(system_id, SYSTEM_ID_MAX) or system_id in known:
                text = "is no login of its own with a password, and was left out"
                imported.note(file, number, "smpp-logins", text)
                continue
            account: dict[str, Any] = {
                "system_id": system_id,
                "password_hash": Password(words[1], "hash", system_id),
            }
            networks = [_network(word) for word in listed(words[3])] if len(words) > 3 else []
            if None in networks:
                imported.note(file, number, "smpp-logins", f"{words[3][:40]!r} are no networks here")
                if set(networks) == {None}:
                    account["blocked"] = True  # until somebody has written the right ones
            if kept := [network for network in networks if network not in (None, "0.0.0.0/0")]:
                account["allowed_addresses"] = kept
            users.accounts.append(account)
            if len(users.accounts) > MAX_ENTRIES:
                raise ImportRefused(f"has more than {MAX_ENTRIES} logins")


def _user(group: Group, global_sender: str, users: Users, imported: Imported) -> None:
    name, password = group.get("username"), group.get("password")
    known = {account["system_id"] for account in users.accounts}
    system_id = name[:SYSTEM_ID_MAX]
    if not system_id or not (system_id.isascii() and system_id.isprintable()) or system_id in known:
        group.used.update(group.values)
        text = "has no username that can be a login here of its own, and was left out"
        imported.note(group.file, group.line, "sendsms-user", text)
        return
    if system_id != name:
        text = f"is longer than the {SYSTEM_ID_MAX} characters of SMPP, and was cut"
        imported.note(*group.place("username"), "username", text)
    if len(password) > PASSWORD_MAX:
        text = f"is longer than the {PASSWORD_MAX} characters that SMPP clients can send"
        imported.note(*group.place("password"), "password", text)
    if not password:
        imported.note(
            group.file, group.line, "password", "is missing: nobody can log in until a hash is there"
        )
    account: dict[str, Any] = {"system_id": system_id, "password_hash": Password(password, "hash", system_id)}
    _addresses(group, account, imported)
    _senders(group, global_sender, account, imported)
    denied = prefixes_of(group, "denied-prefix", imported)
    allowed = prefixes_of(group, "allowed-prefix", imported)
    destinations = [*allowed, *(f"-{prefix}" for prefix in denied if prefix not in allowed)]
    if destinations:
        account["destinations"] = destinations
    if allowed and denied:
        text = "with denied-prefix: here a number has to fit an allowed prefix, and no longer denied one"
        imported.note(*group.place("allowed-prefix"), "allowed-prefix", text)
    most = whole_number(group.get("max-messages"), 1, 255)
    if most is not None:
        account["max_segments"] = most
    for key in ("forced-smsc", "default-smsc"):
        smsc_id = group.get(key)
        if smsc_id:
            users.smsc_ids.setdefault(smsc_id, []).append(system_id)
            break
    for key, fix in (
        ("white-list", "destinations"),
        ("black-list", "smsc-gateway blacklist import"),
    ):
        if group.has(key):
            group.used.add(key)
            imported.note(*group.place(key), key, f"is an address of a list: see {fix}")
    group.used |= {"name", "user-id", "log-level"}
    users.accounts.append(account)


def _addresses(group: Group, account: dict[str, Any], imported: Imported) -> None:
    """Kannel asks the list of those that may come only where another denies them."""
    denied, allowed = listed(group.get("user-deny-ip")), listed(group.get("user-allow-ip"))
    if not denied:
        return
    networks = []
    for word in allowed:
        network = _network(word)
        if network is None:
            imported.note(*group.place("user-allow-ip"), "user-allow-ip", f"{word[:40]!r} is no network here")
        else:
            networks.append(network)
    if denied != ("*.*.*.*",):
        text = "denies some addresses only: allowed_addresses says who may come"
        imported.note(*group.place("user-deny-ip"), "user-deny-ip", text)
    if networks:
        account["allowed_addresses"] = networks
    elif denied == ("*.*.*.*",):
        account["blocked"] = True
        imported.note(
            *group.place("user-deny-ip"), "user-deny-ip", "denies everybody: the account is blocked"
        )


def _network(pattern: str) -> str | None:
    """10.1.*.* as a network."""
    found = _ADDRESS.fullmatch(pattern)
    if found is None:
        return None
    parts = list(found.groups())
    fixed = parts.index("*") if "*" in parts else 4
    if any(part != "*" for part in parts[fixed:]) or any(int(part) > 255 for part in parts[:fixed]):
        return None
    address = ".".join(str(int(part)) for part in parts[:fixed])
    return str(IPv4Network(f"{address}{'.0' * (4 - fixed) if fixed else '0.0.0.0'}/{8 * fixed}"))


def _senders(group: Group, global_sender: str, account: dict[str, Any], imported: Imported) -> None:
    for key, ours in (("faked-sender", "forced_source"), ("default-sender", "default_source")):
        if not group.has(key):
            continue
        sender = sender_of(group.get(key))
        if sender is None:
            imported.note(*group.place(key), key, "is no sender: 15 digits or 11 letters are")
        else:
            account[ours] = sender
    sender = sender_of(global_sender) if global_sender else None
    if sender is not None and "default_source" not in account and "forced_source" not in account:
        account["default_source"] = sender


def incoming_of(
    groups: list[Group], users: Users, connectors: dict[str, list[str]], imported: Imported
) -> list[dict[str, Any]]:
    """Rules for the keywords of services, where there is only one account that can mean them."""
    rules: list[dict[str, Any]] = []
    last: dict[str, Any] | None = None
    for group in (group for group in groups if group.name == "sms-service"):
        call = next((key for key in _CALLS if group.has(key)), "")
        group.used |= {*_CALLS, *_OF_CALLS}
        place = group.place("keyword")
        if call in ("text", "file", "exec", ""):
            why = f"answers by {call}" if call else "does nothing"
            imported.note(*place, "sms-service", f"{why}, which has no counterpart")
            group.used.update(group.values)
            continue
        if len(users.accounts) != 1:
            text = f"calls {call}: write a rule to incoming, with the account whose session is to get it"
            imported.note(*place, "sms-service", text)
            group.used.update(group.values)
            continue
        account = users.accounts[0]["system_id"]
        text = f"called {call}: what comes goes to the SMPP sessions of {account}"
        imported.note(*place, "sms-service", text)
        rule: dict[str, Any] = {"account": account}
        smsc_ids = listed(group.get("accepted-smsc"))
        if len(smsc_ids) == 1 and len(connectors.get(smsc_ids[0], ())) == 1:
            rule["connector"] = connectors[smsc_ids[0]][0]
        elif smsc_ids:
            imported.note(*group.place("accepted-smsc"), "accepted-smsc", "a rule names one connector or any")
        words = [group.get("keyword"), *listed(group.get("aliases"))]
        if words[0] == "default":
            last = last or rule
            continue
        for word in filter(None, words):
            made = {"keyword": word, **rule}
            is_word = word.isprintable() and len(word.split()) == 1 and len(word) <= 70
            if not is_word or any(takes_all_of(it, made) for it in rules):
                text = f"{word[:40]!r} is no word of its own, and was left out"
                imported.note(*place, "keyword", text)
            else:
                rules.append(made)
    return [*rules, last] if last is not None else rules
