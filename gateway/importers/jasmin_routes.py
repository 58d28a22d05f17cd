"""Jasmin's routes, with the filters that they name.

Jasmin asks its routes by falling order, and takes the first whose filters all fit. Here that is priority:
each route gets one of its own, so that no prefix comes before an order. A route with a filter that has no
counterpart is left out, because without the filter it would be for more than it was.
"""

from __future__ import annotations

import re
from typing import Any

from gateway.importers.jasmin_script import Command
from gateway.importers.jasmin_users import Users
from gateway.importers.outcome import (
    Imported,
    number_pattern,
    plain_name,
    prefix_of_pattern,
    takes_all_of,
    text_pattern,
    whole_number,
    words_of_pattern,
)

PRIORITIES = 201
_CONNECTOR = re.compile(r"(\w+)\(([^)]*)\)", re.ASCII)
_DESCRIBED = re.compile(r"<(\w+)(?: \((?:(\w+)=)?(.*?)\))?>(?=, <|$)", re.ASCII)
_KINDS = {
    "t": "transparentfilter",
    "c": "connectorfilter",
    "u": "userfilter",
    "g": "groupfilter",
    "sa": "sourceaddrfilter",
    "da": "destinationaddrfilter",
    "sm": "shortmessagefilter",
    "di": "dateintervalfilter",
    "ti": "timeintervalfilter",
    "ev": "evalpyfilter",
    "tg": "tagfilter",
}
_ARGUMENTS = {
    "connectorfilter": "cid",
    "userfilter": "uid",
    "groupfilter": "gid",
    "sourceaddrfilter": "source_addr",
    "destinationaddrfilter": "destination_addr",
    "shortmessagefilter": "short_message",
    "dateintervalfilter": "dateinterval",
    "timeintervalfilter": "timeinterval",
    "evalpyfilter": "pycode",
    "tagfilter": "tag",
}
Conditions = dict[str, Any]


class NoCounterpart(Exception):
    """A filter that cannot be written here; the text says why."""


class Filters:
    """The filters by their ids, and what the rest of the configuration is called."""

    def __init__(
        self, commands: list[Command], users: Users, connectors: dict[str, str], receivers: set[str]
    ) -> None:
        self.users, self.connectors, self.receivers = users, connectors, receivers
        self._known: dict[str, tuple[str, str]] = {}
        for command in commands:
            if command.module == "filter" and command.action == "add":
                kind = command.get("type").lower()
                self._known[command.get("fid")] = (kind, command.get(_ARGUMENTS.get(kind, "-")))

    def of(self, command: Command) -> list[tuple[str, str]]:
        """Kind and argument of each filter of a route; NoCounterpart when one is not known."""
        if described := command.get("described")[:5000]:
            found = [
                (_KINDS.get(kind.lower(), kind.lower()), argument)
                for kind, _, argument in _DESCRIBED.findall(described)
            ]
            if len(found) != described.count("<"):
                raise NoCounterpart("its filters could not be read")
            return found
        made = []
        for fid in filter(None, command.get("filters").split(";")):
            if fid.strip() not in self._known:
                raise NoCounterpart(f"there is no filter {fid.strip()[:40]!r}")
            made.append(self._known[fid.strip()])
        return made


def routes_of(
    commands: list[Command], filters: Filters, file: str, imported: Imported
) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """The routes, and the prices that their rates make, by first digits."""
    found = []
    for command in commands:
        if command.module == "mtrouter" and command.action == "add":
            kind = command.get("type").lower()
            order = whole_number(command.get("order", "0"), 0, 999_999_999)
            found.append((0 if kind == "defaultroute" else order or 0, command, kind))
    found.sort(key=lambda it: -it[0])
    routes: list[dict[str, Any]] = []
    prices: dict[str, float] = {}
    for _, command, kind in found:
        try:
            route = _route(command, kind, filters)
        except NoCounterpart as error:
            imported.note(file, command.line, "mtrouter", f"was left out: {error}")
            continue
        if len(routes) >= PRIORITIES:
            imported.note(file, command.line, "mtrouter", f"was left out: {PRIORITIES} have priorities")
            continue
        _local_time(route, command, file, imported)
        _price(command, route, prices, file, imported)
        routes.append(route)
    above = min(100, len(routes) - 1)
    for number, route in enumerate(routes):
        if above - number:
            route["priority"] = above - number
    return [{key: route[key] for key in sorted(route, key=_place)} for route in routes], prices


def _place(key: str) -> int:
    first = ("name", "priority", "prefix")
    return first.index(key) if key in first else len(first) + (key in ("connectors", "weights"))


def _route(command: Command, kind: str, filters: Filters) -> dict[str, Any]:
    named = _CONNECTOR.findall(command.get("connectors") or command.get("connector"))
    names = [filters.connectors.get(cid, "") for type_, cid in named if type_.lower() == "smppc"]
    if filters.receivers & set(names):
        raise NoCounterpart("one of its connectors only receives")
    if not names or not all(names) or len(set(names)) != len(names):
        raise NoCounterpart("its connectors are not known")
    route = conditions_of(filters.of(command), filters) if kind != "defaultroute" else {}
    if "connector" in route or "number" in route:
        raise NoCounterpart("it has a filter of incoming messages")
    route["connectors"] = names
    if kind.startswith("randomroundrobin") and len(names) > 1:
        route["weights"] = [1] * len(names)
    elif kind not in ("defaultroute", "staticmtroute", "failovermtroute", "randomroundrobinmtroute"):
        raise NoCounterpart(f"a route of the type {kind[:40]!r} is not known here")
    return route


def conditions_of(found: list[tuple[str, str]], filters: Filters) -> Conditions:
    """What filters ask for, as conditions of one of our routes; NoCounterpart."""
    made: Conditions = {}
    for kind, argument in found:
        if kind == "transparentfilter":
            continue
        key, value = _condition(kind, argument, filters)
        if key in made:
            raise NoCounterpart(f"two filters ask for {key}")
        made[key] = value
    return made


def _condition(kind: str, argument: str, filters: Filters) -> tuple[str, Any]:
    if kind == "userfilter":
        if argument not in filters.users.by_uid:
            raise NoCounterpart(f"there is no user {argument[:40]!r}")
        return "accounts", [filters.users.by_uid[argument]]
    if kind == "groupfilter":
        if not filters.users.groups.get(argument):
            raise NoCounterpart(f"there is no user in the group {argument[:40]!r}")
        return "tags", [_tag(filters.users, argument)]
    if kind == "connectorfilter":
        if argument not in filters.connectors:
            raise NoCounterpart(f"there is no connector {argument[:40]!r}")
        return "connector", filters.connectors[argument]
    if kind == "destinationaddrfilter":
        return _destination(argument)
    if kind == "sourceaddrfilter":
        return _checked("source_pattern", number_pattern(argument), argument)
    if kind == "shortmessagefilter":
        return _checked("text_pattern", text_pattern(argument), argument)
    if kind == "timeintervalfilter":
        return "hours", _hours(argument)
    what = {"dateintervalfilter": "dates", "evalpyfilter": "Python", "tagfilter": "tags of interceptors"}
    raise NoCounterpart(f"there are no conditions by {what.get(kind, repr(kind[:40]))}")


def _tag(users: Users, gid: str) -> str:
    """The tag that stands for a group; its users have it from now on."""
    if gid in users.tags:
        return users.tags[gid]
    tag = plain_name(gid, set(users.tags.values()), "group")
    users.tags[gid] = tag
    for account in users.accounts:
        if account["system_id"] in users.groups[gid]:
            account.setdefault("tags", []).append(tag)
    return tag


def _destination(pattern: str) -> tuple[str, Any]:
    prefix = prefix_of_pattern(pattern)
    if prefix is not None:
        return "prefix", prefix
    return _checked("destination_pattern", number_pattern(pattern), pattern)


def _checked(key: str, made: str | None, pattern: str) -> tuple[str, str]:
    if not made:
        raise NoCounterpart(f"the pattern {pattern[:60]!r} cannot be used here")
    return key, made


def _hours(interval: str) -> str:
    found = re.fullmatch(r"(\d\d):(\d\d):(\d\d)[;,](\d\d):(\d\d):(\d\d)", interval.replace(" ", ""), re.ASCII)
    if found is None:
        raise NoCounterpart(f"{interval[:40]!r} are no two times")
    first, last = int(found[1]), int(found[4])
    if (found[5], found[6]) == ("59", "59"):
        last += 1
    elif (found[5], found[6]) != ("00", "00"):
        raise NoCounterpart("hours are whole here")
    if (found[2], found[3]) != ("00", "00") or first > 23 or last > 24 or first == last:
        raise NoCounterpart("hours are whole here")
    return f"{first}-{last}"


def _local_time(route: dict[str, Any], command: Command, file: str, imported: Imported) -> None:
    if "hours" in route:
        text = "are in UTC here: write time_zone to the route if Jasmin's machine has another"
        imported.note(file, command.line, "hours", text)


def _price(
    command: Command, route: dict[str, Any], prices: dict[str, float], file: str, imported: Imported
) -> None:
    rate = command.get("rate", "0")
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", rate, re.ASCII):
        return
    if set(route) <= {"prefix", "connectors", "weights"}:
        prices.setdefault(route.get("prefix", ""), float(rate))
    elif float(rate):
        text = f"{rate} is of messages that first digits alone do not tell: it is in no price list"
        imported.note(file, command.line_of("rate"), "rate", text)


def incoming_of(
    commands: list[Command], filters: Filters, file: str, imported: Imported
) -> list[dict[str, Any]]:
    """MO routes to the sessions of users, by falling order, as rules."""
    found = []
    for command in commands:
        if command.module == "morouter" and command.action == "add":
            kind = command.get("type").lower()
            order = whole_number(command.get("order", "0"), 0, 999_999_999)
            found.append((0 if kind == "defaultroute" else order or 0, command, kind))
    found.sort(key=lambda it: -it[0])
    rules: list[dict[str, Any]] = []
    for _, command, kind in found:
        try:
            rule = _rule(command, kind, filters)
            if any(takes_all_of(it, rule) for it in rules):
                raise NoCounterpart("another one takes all of it")
            rules.append(rule)
        except NoCounterpart as error:
            imported.note(file, command.line, "morouter", f"was left out: {error}")
    return rules


def _rule(command: Command, kind: str, filters: Filters) -> dict[str, Any]:
    named = _CONNECTOR.findall(command.get("connectors") or command.get("connector"))
    users = [cid for type_, cid in named if type_.lower() == "smpps"]
    if not users:
        raise NoCounterpart("it calls an application over HTTP")
    logins = {account["system_id"] for account in filters.users.accounts}
    login = filters.users.by_uid.get(users[0], users[0])
    if len(named) > 1 or login not in logins:
        raise NoCounterpart("it is not for the sessions of one user that is known")
    rule: dict[str, Any] = {}
    for name, argument in filters.of(command) if kind != "defaultroute" else ():
        if name == "connectorfilter" and argument in filters.connectors:
            rule["connector"] = filters.connectors[argument]
        elif name == "destinationaddrfilter" and (words := words_of_pattern(argument)) and len(words) == 1:
            rule["number"] = words[0][:20]
        elif name == "shortmessagefilter" and (word := re.fullmatch(r"\^(\w{1,70})(\.\*\$?)?", argument)):
            rule["keyword"] = word[1]
        elif name != "transparentfilter":
            raise NoCounterpart(f"a rule cannot ask for its {name[:40]}")
    return {**rule, "account": login}
