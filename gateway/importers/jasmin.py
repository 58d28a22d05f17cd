"""Jasmin's configuration, as jcli is told it or tells it, as one of ours.

SMPP client connectors become connectors, users accounts, MT routes routes by their order, and MO routes to
users' sessions rules for incoming SMS. What Jasmin does by HTTP or in Python has no counterpart, and is
listed.
"""

from __future__ import annotations

from typing import Any

from gateway.importers.jasmin_connectors import connectors_of
from gateway.importers.jasmin_routes import Filters, incoming_of, routes_of
from gateway.importers.jasmin_script import Command, parse
from gateway.importers.jasmin_users import Users, users_of
from gateway.importers.outcome import Imported, ImportRefused, Password

LISTEN = "127.0.0.1:2775"
_NAMED_BY = {"smppccm": "cid", "user": "uid", "group": "gid", "filter": "fid", "httpccm": "cid"}
"""Routes and interceptors are named by their order."""
_SHOWN = ("smppccm", "user", "httpccm")
"""Modules whose -s shows everything; that of routes and filters does not."""
_WITHOUT = {
    "httpccm": "applications get their messages over SMPP or by mail here, not by HTTP",
    "mtinterceptor": "no Python runs in this gateway: see rewrites of routes",
    "mointerceptor": "no Python runs in this gateway",
}


def convert(text: str, file: str) -> Imported:
    """The configuration in a script or transcript of jcli; ImportRefused when it is none, or too large."""
    commands = parse(text)
    if not commands:
        raise ImportRefused("has no command of Jasmin's jcli in it")
    imported = Imported()
    commands = _that_hold(commands)
    for command in commands:
        if command.module in _WITHOUT and command.action in ("add", "show"):
            imported.note(file, command.line, command.module, _WITHOUT[command.module])
    names, connectors = connectors_of(commands, file, imported)
    users = users_of(commands, file, imported)
    receivers = {connector["name"] for connector in connectors if connector.get("bind_mode") == "receiver"}
    filters = Filters(commands, users, names, receivers)
    tree = imported.tree
    tree["listeners"] = {"smpp": [{"address": LISTEN}]}
    imported.note(file, 1, "listeners", f"SMPP is taken on {LISTEN}: jcli does not tell Jasmin's own address")
    tree["accounts"] = users.accounts or [_nobody(file, imported)]
    tree["connectors"] = connectors or [_simulator(file, imported)]
    routes, prices = routes_of(commands, filters, file, imported)
    if not routes:
        usable = [it["name"] for it in tree["connectors"] if it["name"] not in receivers]
        routes = [{"connectors": usable} if usable else {"refuse": True}]
        imported.note(file, 1, "mtrouter", "there is none that can be taken over: one to all was written")
    tree["routes"] = routes
    _charge(users, prices, tree, file, imported)
    if rules := incoming_of(commands, filters, file, imported):
        tree["incoming"] = rules
    imported.notes.sort(key=lambda note: note.line)
    return imported


def _that_hold(commands: list[Command]) -> list[Command]:
    """The commands without what later ones removed; an update is joined to what it updates."""
    kept: dict[str, dict[str, Command]] = {}
    for command in commands:
        same = kept.setdefault(command.module, {})
        name = command.get(_NAMED_BY.get(command.module, "order")) or command.argument or "0"
        known = same.get(name)
        if command.action == "flush":
            same.clear()
        elif command.action == "remove":
            same.pop(name, None)
        elif command.action == "add" or (command.action == "show" and command.module in _SHOWN):
            if known is not None and command.action == "show":  # which shows no password
                command.options[:0] = [it for it in known.options if it[0] == "password"]
            same[name] = command
        elif known is not None and command.action == "update":
            known.options += command.options
        elif known is not None and command.action in ("enable", "disable"):
            known.options.append((f"__{command.action}d", "", command.line))
    return sorted((it for same in kept.values() for it in same.values()), key=lambda it: it.line)


def _nobody(file: str, imported: Imported) -> dict[str, Any]:
    text = "there is none: an account app was written, whose password nobody knows; put a hash there"
    imported.note(file, 1, "user", text)
    return {"system_id": "app", "password_hash": Password("", "hash", "app")}


def _simulator(file: str, imported: Imported) -> dict[str, Any]:
    text = "there is none: a connector to `smsc-gateway simulate` was written; put your SMSC in its place"
    imported.note(file, 1, "smppccm", text)
    return {
        "name": "simulator",
        "address": "127.0.0.1:2776",
        "system_id": "gateway",
        "password": Password("secret", "plain", "simulator"),
    }


def _charge(
    users: Users, prices: dict[str, float], tree: dict[str, Any], file: str, imported: Imported
) -> None:
    """Accounts with a balance need prices; Jasmin's are rates of routes."""
    if not users.balances:
        return
    entries = [{"prefix": prefix, "price": price} for prefix, price in sorted(prices.items())]
    tree["price_lists"] = [{"name": "jasmin", "prices": entries or [{"prefix": "", "price": 0}]}]
    for account in tree["accounts"]:
        found = users.balances.get(account["system_id"])
        if found is None:
            continue
        account["balance"] = "own"
        account["prices"] = "jasmin"
        amount, line = found
        text = f"begins at nothing here: smsc-gateway account credit {account['system_id']} {amount}"
        imported.note(file, line, "balance", text)
    text = "rates of routes became prices by first digits, and are of a segment: look at price_lists"
    imported.note(file, 1, "rate", text)
