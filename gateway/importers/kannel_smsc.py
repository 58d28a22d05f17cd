"""Kannel's SMSCs over SMPP as connectors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.importers.kannel_file import Group
from gateway.importers.kannel_routes import Smsc
from gateway.importers.outcome import (
    PASSWORD_MAX,
    SYSTEM_ID_MAX,
    Imported,
    Password,
    is_host,
    plain_name,
    prefix_of,
    sendable,
    whole_number,
)

_ALPHABETS = {
    "iso-8859-1": "latin1",
    "latin1": "latin1",
    "latin-1": "latin1",
    "ascii": "ascii",
    "us-ascii": "ascii",
    "utf-8": "utf8",
    "utf8": "utf8",
    "ucs-2": "ucs2",
    "ucs-2be": "ucs2",
    "utf-16be": "ucs2",
    "gsm": "gsm7",
    "gsm-7": "gsm7",
}
_ID_FORMS = {0: "same", 1: "dec_to_hex", 2: "hex_to_dec", 3: "same"}
"""By msg-id-type: bit 0, the answer's id is hexadecimal; bit 1, the receipt's."""
_NUMBERS = (
    ("enquire-link-interval", "enquire_link_s", 1, 3600),
    ("max-pending-submits", "window", 1, 10_000),
    ("reconnect-delay", "reconnect_max_s", 1, 3600),
    ("wait-ack", "response_timeout_s", 1, 3600),
    ("throughput", "rate", 0, 1_000_000),
    ("instances", "binds", 1, 1000),
)
_KANNEL_DEFAULTS = {"window": 10, "reconnect_max_s": 10}


@dataclass(slots=True)
class Made:
    """What became of the SMSCs."""

    connectors: list[dict[str, Any]] = field(default_factory=list)
    smscs: list[Smsc] = field(default_factory=list)
    """Those that messages can go up by."""
    by_id: dict[str, list[str]] = field(default_factory=dict)
    """Our names by smsc-id."""


def smscs_of(groups: list[Group], imported: Imported) -> Made:
    """The connectors of all SMSCs over SMPP."""
    made = Made()
    for group in groups:
        kind = group.get("smsc")
        if kind == "smpp":
            _smpp(group, made, imported)
            continue
        group.used.update(group.values)
        text = f"an SMSC of the type {kind[:40]!r} has no counterpart: this gateway speaks SMPP upwards"
        imported.note(group.file, group.line, "smsc", text)
    return made


def _smpp(group: Group, made: Made, imported: Imported) -> None:
    host, login = group.get("host"), group.get("smsc-username")
    smsc_id = group.get("smsc-id") or group.get("smsc-admin-id")
    taken = {connector["name"] for connector in made.connectors}
    name = plain_name(smsc_id or host, taken, "smsc")
    port = whole_number(group.get("port", "0") or "0", 0, 65_535)
    receive = whole_number(group.get("receive-port", "0") or "0", 0, 65_535)
    if not is_host(host) or not login or port is None or receive is None or not (port or receive):
        group.used.update(group.values)
        imported.note(group.file, group.line, "smsc", "has no host, port or smsc-username, and was left out")
        return
    modes = _modes(group, port, receive)
    first = _connector(group, name, imported)
    for number, (mode, at) in enumerate(modes):
        connector = dict(first)
        if number:  # the same login once more, for what comes down
            connector["name"] = plain_name(f"{name}-rx", {*taken, name}, "rx")
            connector["password"] = Password(first["password"].text, "plain", connector["name"])
        connector["address"] = f"[{host}]:{at}" if ":" in host else f"{host}:{at}"
        if mode != "transceiver":
            connector["bind_mode"] = mode
        made.connectors.append(connector)
    made.by_id.setdefault(smsc_id, []).append(name)
    smsc, is_dead = _smsc(group, name, imported), group.is_true("dead-start")
    if modes[0][0] != "receiver" and not is_dead:
        made.smscs.append(smsc)
    elif is_dead:
        imported.note(*group.place("dead-start"), "dead-start", "no route names this connector")


def _modes(group: Group, port: int, receive: int) -> list[tuple[str, int]]:
    """How Kannel binds: by one connection, by two, or in one direction; with the ports."""
    if group.is_true("transceiver-mode"):
        return [("transceiver", port or receive)]
    if port and receive:
        return [("pair", port)] if port == receive else [("transmitter", port), ("receiver", receive)]
    return [("transmitter", port)] if port else [("receiver", receive)]


def _connector(group: Group, name: str, imported: Imported) -> dict[str, Any]:
    connector: dict[str, Any] = {"name": name, "address": ""}
    login, password = group.get("smsc-username"), group.get("smsc-password")
    for key, text, longest in (
        ("smsc-username", login, SYSTEM_ID_MAX),
        ("smsc-password", password, PASSWORD_MAX),
    ):
        if text != sendable(text, longest):
            why = f"is not up to {longest} characters of ASCII, as SMPP has it, and was cut"
            imported.note(*group.place(key), key, why)
    if not password:
        imported.note(group.file, group.line, "smsc-password", "is missing: write it to the connector")
    connector["system_id"] = sendable(login, SYSTEM_ID_MAX) or "gateway"
    connector["password"] = Password(sendable(password, PASSWORD_MAX), "plain", name)
    connector["system_type"] = sendable(group.get("system-type", "VMA"), 12)
    if not connector["system_type"]:
        del connector["system_type"]
    _numbers(group, connector, imported)
    if group.is_true("use-ssl"):
        connector["tls"] = {}
        for key in ("ssl-client-certkey-file",):
            if group.has(key):
                text = "write certificate and key to the connector's tls"
                imported.note(*group.place(key), key, f"{text}: {group.get(key)[:100]}")
    version = group.get("interface-version", "34")
    if version in ("33", "50"):
        connector["interface_version"] = "3.3" if version == "33" else "5.0"
    _alphabet(group, connector, imported)
    for ours, kannels in (("source", "source-addr"), ("destination", "dest-addr")):
        rule = {}
        for part, longest in (("ton", 6), ("npi", 18)):
            number = whole_number(group.get(f"{kannels}-{part}"), 0, longest)
            if number is not None:
                rule[part] = number
        if rule:
            connector[ours] = rule
    if group.has("msg-id-type"):
        form = _ID_FORMS.get(_hexadecimal(group.get("msg-id-type")))
        if form is not None:
            connector["id_form"] = form
    expire = group.get("wait-ack-expire")
    if expire:
        connector["on_ambiguous"] = "resend" if _hexadecimal(expire) == 1 else "resend_once"
    group.used |= {"source-addr-autodetect", "our-host", "log-file", "log-level"}
    return connector


def _hexadecimal(text: str) -> int:
    try:
        return int(text[:10], 0)
    except ValueError:
        return -1


def _numbers(group: Group, connector: dict[str, Any], imported: Imported) -> None:
    for kannels, ours, low, high in _NUMBERS:
        if not group.has(kannels):
            if ours in _KANNEL_DEFAULTS:
                connector[ours] = _KANNEL_DEFAULTS[ours]
            continue
        number = whole_number(group.get(kannels), low, high)
        if number is None:
            imported.note(*group.place(kannels), kannels, f"is out of range: {low} to {high}")
        elif number or low:
            connector[ours] = number
        if kannels == "throughput" and "." in group.get(kannels).rstrip(".0"):
            imported.note(*group.place(kannels), kannels, f"became {number}: rates are whole")


def _alphabet(group: Group, connector: dict[str, Any], imported: Imported) -> None:
    if not group.has("alt-charset"):
        return
    alphabet = _ALPHABETS.get(group.get("alt-charset").lower())
    if alphabet is None:
        text = f"an alphabet {group.get('alt-charset')[:40]!r} for data_coding 0 is not known here"
        imported.note(*group.place("alt-charset"), "alt-charset", text)
    elif alphabet != "gsm7":
        connector["data_coding_0"] = alphabet


def _smsc(group: Group, name: str, imported: Imported) -> Smsc:
    def prefixes(key: str) -> frozenset[str]:
        return frozenset(prefixes_of(group, key, imported))

    return Smsc(
        name,
        prefixes("allowed-prefix"),
        prefixes("denied-prefix"),
        prefixes("preferred-prefix"),
        listed(group.get("allowed-smsc-id")),
        listed(group.get("denied-smsc-id")),
        listed(group.get("preferred-smsc-id")),
        group.get("allowed-smsc-id-regex"),
        group.get("denied-smsc-id-regex"),
    )


def prefixes_of(group: Group, key: str, imported: Imported) -> tuple[str, ...]:
    """A list of first digits; what is no international number is noted."""
    found = []
    for word in listed(group.get(key)):
        digits = prefix_of(word)
        if digits is None:
            imported.note(*group.place(key), key, f"{word[:40]!r} is no beginning of a number")
            continue
        if digits.startswith("0"):
            text = f"{word[:40]!r} begins a national number: routes see international ones"
            imported.note(*group.place(key), key, text)
        found.append(digits[:15])
    return tuple(dict.fromkeys(found))


def listed(text: str) -> tuple[str, ...]:
    """The entries of a list with semicolons."""
    return tuple(word.strip() for word in text.split(";") if word.strip())
