"""Kannel's configuration (version 1.4) as one of ours.

SMSCs over SMPP become connectors, sendsms-users accounts, and who may send where routes. What Kannel does by
HTTP, by modems or by other protocols has no counterpart, and is listed.
"""

from __future__ import annotations

from typing import Any

from gateway.importers import kannel_routes
from gateway.importers.kannel_accounts import accounts_of, incoming_of
from gateway.importers.kannel_file import Group, Read, parse
from gateway.importers.kannel_routes import FORCED_PRIORITY, Smsc
from gateway.importers.kannel_smsc import Made, smscs_of
from gateway.importers.outcome import Imported, ImportRefused, Password, sendable, whole_number

LISTEN = "127.0.0.1:2775"
MAX_COMPARED = 2_000_000
"""SMSCs, times prefixes, times smsc-ids of senders."""
_WHAT_FOR = {
    "wapbox": "WAP push and browsing",
    "wap-service": "WAP",
    "wap-user": "WAP",
    "ppg": "the push proxy gateway",
    "modems": "modems",
    "radius-acct": "RADIUS accounting",
    "smsbox-route": "routes to smsboxes: accounts have sessions, and incoming rules name them",
    "ota-setting": "settings over the air",
    "ota-bookmark": "settings over the air",
    "dlr-db": "receipts are in the gateway's own store",
}
_NO_NEED = {
    "admin-port": "commands speak to the gateway by a local socket, see docs/operations.md",
    "smsbox-port": "there is one program, and no box to connect to it",
    "wapbox-port": "WAP has no counterpart",
    "store-file": "the queue is always on disk, in the state directory",
    "store-type": "the queue is always on disk, in the state directory",
    "store-location": "the queue is always on disk, in the state directory",
    "dlr-storage": "receipts are in the gateway's own store",
    "log-file": "the log goes to standard error, and so to the journal",
    "access-log": "each message is in the log and in its timeline",
    "unified-prefix": "write default_region to the accounts whose users write national numbers",
    "white-list": "write destinations to the accounts, or routes with destinations_file",
    "black-list": "smsc-gateway blacklist import takes a file of numbers",
}
_QUIET = {
    *("admin-password", "status-password", "admin-deny-ip", "admin-allow-ip", "box-deny-ip", "box-allow-ip"),
    *("smsbox-port-ssl", "admin-port-ssl", "store-dump-freq", "wdp-interface-name", "access-log-time"),
}
"""Options of what is noted already."""


def convert(text: str, file: str, read: Read) -> Imported:
    """The configuration in a file's text; ImportRefused when it is none, or too large.

    `read` gives what the file includes.
    """
    imported = Imported()
    groups = parse(text, file, read, imported)
    if not groups:
        raise ImportRefused("has no group of Kannel's in it")
    made = smscs_of([group for group in groups if group.name == "smsc"], imported)
    users = accounts_of(groups, read, imported)
    tree = imported.tree
    tree["listeners"] = {"smpp": [_listener(groups, imported)]}
    tree["accounts"] = users.accounts or [_nobody(file, imported)]
    tree["connectors"] = made.connectors or [_simulator(file, imported)]
    tree["routes"] = _routes(made, users.smsc_ids, tree)
    if incoming := incoming_of(groups, users, made.by_id, imported):
        tree["incoming"] = incoming
    _core(groups, tree, imported)
    _rest(groups, imported)
    imported.notes.sort(key=lambda note: (note.file != file, note.file, note.line))
    return imported


def _listener(groups: list[Group], imported: Imported) -> dict[str, Any]:
    for group in groups:
        if group.name == "opensmppbox":
            port = whole_number(group.get("opensmppbox-port", "2775"), 1, 65_535) or 2775
            listener: dict[str, Any] = {"address": f"0.0.0.0:{port}"}
            if name := sendable(group.get("our-system-id"), 15):
                listener["system_id"] = name
            seconds = whole_number(group.get("enquire-link-interval"), 1, 3600)
            if seconds is not None:
                listener["enquire_link_s"] = seconds
            group.used |= {"opensmppbox-id", "bearerbox-host", "bearerbox-port", "log-file", "log-level"}
            return listener
    return {"address": LISTEN}


def _nobody(file: str, imported: Imported) -> dict[str, Any]:
    text = "there is none: an account app was written, whose password nobody knows; put a hash there"
    imported.note(file, 1, "sendsms-user", text)
    return {"system_id": "app", "password_hash": Password("", "hash", "app")}


def _simulator(file: str, imported: Imported) -> dict[str, Any]:
    text = (
        "there is none over SMPP: a connector to `smsc-gateway simulate` was written, so that the file can "
        "be tried; put your SMSC in its place"
    )
    imported.note(file, 1, "smsc", text)
    return {
        "name": "simulator",
        "address": "127.0.0.1:2776",
        "system_id": "gateway",
        "password": Password("secret", "plain", "simulator"),
    }


def _routes(made: Made, smsc_ids: dict[str, list[str]], tree: dict[str, Any]) -> list[dict[str, Any]]:
    if made.connectors and not made.smscs:
        return [{"refuse": True}]  # nothing goes up by any of them
    smscs = made.smscs or [Smsc(connector["name"]) for connector in tree["connectors"]]
    if len(smscs) * len(kannel_routes.prefixes_of(smscs)) * (1 + len(smsc_ids)) > MAX_COMPARED:
        raise ImportRefused("has more SMSCs with prefixes and smsc-ids than can be compared")
    table = kannel_routes.table_of(smscs, "")
    routes = []
    for smsc_id, accounts in smsc_ids.items():
        own = kannel_routes.table_of(smscs, smsc_id)
        if own != table:
            routes += kannel_routes.routes_of(own, accounts, FORCED_PRIORITY)
    return routes + kannel_routes.routes_of(table)


def _core(groups: list[Group], tree: dict[str, Any], imported: Imported) -> None:
    for group in (group for group in groups if group.name == "core"):
        if group.has("maximum-queue-length"):
            longest = whole_number(group.get("maximum-queue-length"), 1, 1_000_000_000)
            if longest is not None:
                tree["queue"] = {"max_messages": longest}
        level = group.get("log-level")
        if level:
            tree["log"] = {"level": "debug" if level == "0" else "info" if level == "1" else "warning"}
        for key in group.values:
            if key in _NO_NEED:
                group.used.add(key)
                imported.note(*group.place(key), key, _NO_NEED[key])
        group.used |= _QUIET


def _rest(groups: list[Group], imported: Imported) -> None:
    """Lists every group, and every option of the others, that nothing was made of."""
    for group in groups:
        if group.name in ("core", "smsc", "smsbox", "sendsms-user", "sms-service", "opensmppbox"):
            for key, value in group.unused():
                imported.note(value.file, value.line, f"{group.name}.{key}", "has no counterpart")
        else:
            what = _WHAT_FOR.get(group.name)
            if what is None and group.name.endswith("-connection"):
                what = "the gateway's store needs no database"
            text = f"has no counterpart: {what}" if what else "has no counterpart"
            imported.note(group.file, group.line, f"group {group.name[:40]}", text)
