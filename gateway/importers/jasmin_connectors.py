"""Jasmin's SMPP client connectors as ours."""

from __future__ import annotations

from typing import Any

from gateway.importers.jasmin_script import Command
from gateway.importers.outcome import (
    MAX_ENTRIES,
    PASSWORD_MAX,
    SYSTEM_ID_MAX,
    Imported,
    ImportRefused,
    Password,
    is_host,
    plain_name,
    sendable,
    whole_number,
)

_NUMBERS = (
    ("submit_throughput", "rate", 0, 1_000_000),
    ("elink_interval", "enquire_link_s", 1, 3600),
    ("res_to", "response_timeout_s", 1, 3600),
)
_ID_FORMS = {"0": "same", "1": "dec_to_hex", "2": "hex_to_dec"}
"""dlr_msgid 1: the answer's id is hexadecimal and the receipt's decimal."""
_TONS = ("UNKNOWN", "INTERNATIONAL", "NATIONAL", "NETWORK_SPECIFIC", "SUBSCRIBER_NUMBER", "ALPHANUMERIC")
_NPIS = {"UNKNOWN": 0, "ISDN": 1, "DATA": 3, "TELEX": 4, "LAND_MOBILE": 6, "NATIONAL": 8, "PRIVATE": 9}
_NPIS |= {"ERMES": 10, "INTERNET": 14, "WAP_CLIENT_ID": 18}
_QUIET = {
    *("cid", "host", "port", "username", "password", "bind", "systype", "ssl", "dlr_msgid", "loglevel"),
    *("con_loss_delay", "con_fail_delay", "src_ton", "src_npi", "dst_ton", "dst_npi", "logfile", "logrotate"),
    *("logprivacy", "bind_ton", "bind_npi", "bind_to", "trx_to", "pdu_red_to", "con_loss_retry"),
    *("con_fail_retry", "requeue_delay", "dlr_expiry", "submit_throughput", "elink_interval", "res_to"),
}
_USUAL = {"validity": "none", "coding": "0", "src_addr": "none", "proto_id": "none"}
_USUAL |= {"def_msg_id": "0", "ripf": "0", "addr_range": "none"}
_ORDINARY = ("0", "level_0")
"""Priorities that Jasmin gives to what has none."""


def connectors_of(
    commands: list[Command], file: str, imported: Imported
) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Our names by connector id, and the connectors."""
    names: dict[str, str] = {}
    made: list[dict[str, Any]] = []
    for command in commands:
        if command.module != "smppccm" or command.action not in ("add", "show"):
            continue
        if len(made) >= MAX_ENTRIES:
            raise ImportRefused(f"has more than {MAX_ENTRIES} connectors")
        cid = command.get("cid") or command.argument
        name = plain_name(cid, set(names.values()), "smsc")
        names[cid] = name
        made.append(_connector(command, name, file, imported))
    return names, made


def _connector(command: Command, name: str, file: str, imported: Imported) -> dict[str, Any]:
    host, port = command.get("host", "127.0.0.1"), whole_number(command.get("port", "2775"), 1, 65_535)
    if not is_host(host) or port is None:
        imported.note(
            file, command.line_of("host"), "host", "host and port are none: 127.0.0.1:2775 was written"
        )
        host, port = "127.0.0.1", 2775
    login, password = command.get("username", "smppclient"), command.get("password", "password")
    for key, text, longest in (("username", login, SYSTEM_ID_MAX), ("password", password, PASSWORD_MAX)):
        if text != sendable(text, longest):
            why = f"is not up to {longest} characters of ASCII, as SMPP has it, and was cut"
            imported.note(file, command.line_of(key), f"smppccm {key}", why)
    connector: dict[str, Any] = {
        "name": name,
        "address": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "system_id": sendable(login, SYSTEM_ID_MAX) or "smppclient",
        "password": Password(sendable(password, PASSWORD_MAX), "plain", name),
    }
    system_type = sendable(command.get("systype"), 12)
    if system_type and system_type.lower() != "none":
        connector["system_type"] = system_type
    bind = command.get("bind", "transceiver").lower()
    if bind in ("transmitter", "receiver"):
        connector["bind_mode"] = bind
    _numbers(command, connector, file, imported)
    if command.get("ssl").lower() in ("yes", "true"):
        connector["tls"] = {}
    for ours, kind in (("source", "src"), ("destination", "dst")):
        rule = {"ton": _ton(command.get(f"{kind}_ton")), "npi": _npi(command.get(f"{kind}_npi"))}
        if rule := {part: number for part, number in rule.items() if number is not None}:
            connector[ours] = rule
    if (form := _ID_FORMS.get(command.get("dlr_msgid"))) is not None:
        connector["id_form"] = form
    _list_others(command, file, imported)
    return connector


def _numbers(command: Command, connector: dict[str, Any], file: str, imported: Imported) -> None:
    for theirs, ours, low, high in _NUMBERS:
        text = command.get(theirs, "1" if theirs == "submit_throughput" else "")
        number = whole_number(text, low, high)
        if number:
            connector[ours] = number
        elif text and number is None:
            imported.note(file, command.line_of(theirs), theirs, f"is out of range: {low} to {high}")
    if not command.get("submit_throughput"):
        text = "is not given, so Jasmin's 1 message a second was written"
        imported.note(file, command.line, "submit_throughput", text)
    delays = [whole_number(command.get(key), 1, 3600) for key in ("con_loss_delay", "con_fail_delay")]
    if found := [delay for delay in delays if delay is not None]:
        connector["reconnect_max_s"] = max(found)


def _ton(text: str) -> int | None:
    word = text.rpartition(".")[2].upper()
    return _TONS.index(word) if word in _TONS else whole_number(text, 0, 6)


def _npi(text: str) -> int | None:
    word = text.rpartition(".")[2].upper()
    return _NPIS[word] if word in _NPIS else whole_number(text, 0, 18)


def _list_others(command: Command, file: str, imported: Imported) -> None:
    listed: set[str] = set()
    for key, text, line in command.options:
        if key in _QUIET or key in listed or key.startswith("__"):
            continue
        if key == "priority" and text.lower() in _ORDINARY:
            continue
        if text.lower() not in ("", "none", _USUAL.get(key, "none")):
            listed.add(key)
            imported.note(file, line, f"smppccm {key}", "has no counterpart")
