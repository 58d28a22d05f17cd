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
    filters = Filters(commands, users, names)
    tree = imported.tree
    tree["listeners"] = {"smpp": [{"address": LISTEN}]}
    imported.note(file, 1, "listeners", f"SMPP is taken on {LISTEN}: jcli does not tell Jasmin's own address")
    tree["accounts"] = users.accounts or [_nobody(file, imported)]
    tree["connectors"] = connectors or [_simulator(file, imported)]
    routes, prices = routes_of(commands, filters, file, imported)
    if not routes:
        routes = [{"connectors": [connector["name"] for connector in tree["connectors"]]}]
        imported.note(file, 1, "mtrouter", "there is none that can be taken over: one to all was written")
    tree["routes"] = routes
    _charge(users, prices, tree, file, imported)
    if rules := incoming_of(commands, filters, file, imported):
        tree["incoming"] = rules
    imported.notes.sort(key=lambda note: note.line)
    return imported


def _that_hold(commands: list[Command]) -> list[Command]:
    """The commands without what later ones removed; an update is joined to what it updates."""
    keys = {"smppccm": "cid", "user": "uid", "group": "gid", "filter": "fid", "httpccm": "cid"}
    kept: list[Command] = []
    for command in commands:
        key = keys.get(command.module, "order")

        def name_of(one: Command, key: str = key) -> str:
            return one.get(key) or one.argument or ("0" if key == "order" else "")

        same = [
            one
            for one in kept
            if one.module == command.module
            and one.action in ("add", "show")
            and (command.action == "flush" or name_of(one) == name_of(command))
        ]
        if command.action in ("remove", "flush"):
            kept = [one for one in kept if one not in same]
        elif command.action == "update" and same:
            same[-1].options += command.options
        elif command.action in ("enable", "disable") and same:
            same[-1].options.append((f"__{command.action}d", "", command.line))
        elif command.action == "add" or (command.action == "show" and command.module in _SHOWN):
            kept = [one for one in kept if one not in same]
            if same and command.action == "show":  # it shows no password, which the first may have
                command.options[:0] = [it for it in same[-1].options if it[0] == "password"]
            kept.append(command)
    return kept


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
