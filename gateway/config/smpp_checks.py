"""Rules between the options of SMPP: TLVs, statuses, versions, addresses, lists.

A value that could not be read was reported already, so every rule skips it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from gateway.config.connector_model import Connector, VendorTlv
from gateway.config.model import Account, Config, Route
from gateway.config.rules import Known, check_unique, check_written_password, good, known, named
from gateway.config.sections import Reading
from gateway.config.values import one_of, quoted
from protocols.smpp import constants, tlv

_STATUSES = frozenset(
    name
    for name, value in vars(constants).items()
    if name.startswith("ESME_R") and isinstance(value, int) and value != constants.ESME_ROK
)
_STATUS = re.compile("0[xX](?!0+$)[0-9A-Fa-f]{1,8}", re.ASCII)
_TAG = re.compile("0[xX][0-9A-Fa-f]{1,4}", re.ASCII)
_SPECIFIED = {spec.name: tag for tag, spec in tlv.TABLE.items()}
_PREFIX = re.compile("[+]?[0-9]+", re.ASCII)
_DESTINATION = re.compile("[+]?[0-9]{3,15}", re.ASCII)
_NEED_TLVS = ("sar", "payload")


class _Names(NamedTuple):
    """What the configuration has names for."""

    vendor: Known
    connectors: Known
    """Those over SMPP."""
    versions: dict[str, str]
    """And the interface_version of each."""
    services: set[str]


def check_smpp(config: Config, reading: Reading) -> None:
    """Note everything that is wrong between the values about SMPP."""
    names = _Names(
        known(config.vendor_tlvs, "vendor_tlvs", "name", reading),
        known(config.connectors, "connectors", "name", reading),
        {
            connector.name: connector.interface_version
            for path, connector in good(config.connectors, "connectors", reading)
            if reading.is_good(f"{path}.interface_version")
        },
        {name for _, name in named(config.smsc_connectors, "smsc_connectors", "name", reading)},
    )
    _check_vendor_tlvs(config, reading)
    for key, prefix in good(config.denied_destinations, "denied_destinations", reading):
        if not _PREFIX.fullmatch(prefix):
            reading.note(key, f"{quoted(prefix)} is not made of digits", "write digits only")
    for path, connector in good(config.connectors, "connectors", reading):
        _check_statuses(connector, path, reading)
        _check_version(connector, path, reading)
        _check_hosts(connector, path, reading)
    _check_outbind_listen(config, reading)
    for path, account in good(config.accounts, "accounts", reading):
        if reading.is_good(f"{path}.smpp"):
            _check_account(account, f"{path}.smpp", names, reading)
    usable = {
        one.name: one for key, one in good(config.connectors, "connectors", reading) if reading.is_good(key)
    }
    for path, route in good(config.routes, "routes", reading):
        _check_tlv_names(route.vendor_tlvs or (), f"{path}.vendor_tlvs", names.vendor, reading)
        _check_text(route, path, names.services, reading)
        _check_forms(usable, route, path, reading)


def _close(word: str, words: Collection[str], otherwise: str) -> str:
    """What was meant by a name that is none."""
    found = difflib.get_close_matches(word, words, 1)
    return f"did you mean {found[0]}?" if found else otherwise


def _check_vendor_tlvs(config: Config, reading: Reading) -> None:
    check_unique(named(config.vendor_tlvs, "vendor_tlvs", "name", reading), reading)
    tags = []
    for path, one in good(config.vendor_tlvs, "vendor_tlvs", reading):
        _check_vendor_name(one, f"{path}.name", reading)
        key = f"{path}.tag"
        if not reading.is_good(key):
            continue
        if not _TAG.fullmatch(one.tag):
            reading.note(key, f"{quoted(one.tag)} is no tag", "write 0x0000 to 0xFFFF, for example 0x1400")
            continue
        tag = int(one.tag, 16)
        if tag in tlv.TABLE:
            text = f"{quoted(one.tag)} is {tlv.TABLE[tag].name} of the specification"
            reading.note(key, text, "write another tag; those of vendors are 0x1400 to 0x3FFF")
        tags.append((key, f"0x{tag:04X}"))
    check_unique(tags, reading)


def _check_vendor_name(one: VendorTlv, key: str, reading: Reading) -> None:
    if not reading.is_good(key):
        return
    if one.name in _SPECIFIED:
        reading.note(key, f"{quoted(one.name)} is a TLV of the specification", "give it another name")
    elif one.name.lower().startswith("0x"):
        reading.note(key, f"{quoted(one.name)} would be read as a tag", "give it another name")


def _check_tlv_names(names: Any, path: str, vendor: Known, reading: Reading) -> None:
    """Whether each name is one of the specification, one of `vendor_tlvs`, or a tag."""
    for key, name in good(names, path, reading):
        if name.lower().startswith("0x"):
            if not _TAG.fullmatch(name):
                reading.note(key, f"{quoted(name)} is no tag", "write 0x0000 to 0xFFFF, for example 0x1400")
        elif name not in _SPECIFIED and name not in vendor.items and vendor.complete:
            fix = "write a name of the specification or of vendor_tlvs, or a tag such as 0x1400"
            known_names = [*_SPECIFIED, *vendor.items]
            reading.note(key, f"there is no TLV {quoted(name)}", _close(name, known_names, fix))


def _check_statuses(connector: Connector, path: str, reading: Reading) -> None:
    for key, name in good(connector.throttle_statuses, f"{path}.throttle_statuses", reading):
        if not (_STATUS.fullmatch(name) or name in _STATUSES):
            fix = "write a name such as ESME_RTHROTTLED, or 0x and the number"
            reading.note(key, f"{quoted(name)} is no status of an error", _close(name, _STATUSES, fix))


def _check_version(connector: Connector, path: str, reading: Reading) -> None:
    """Whether the version, and an SMSC without TLVs, have what the other options ask for."""
    key = f"{path}.long_messages"
    needs_tlvs = connector.long_messages in _NEED_TLVS and reading.is_good(key)
    is_old = connector.interface_version == "3.3" and reading.is_good(f"{path}.interface_version")
    if is_old:
        if connector.bind_mode == "transceiver" and reading.is_good(f"{path}.bind_mode"):
            reading.note(f"{path}.bind_mode", "SMPP 3.3 has no transceiver", "write bind_mode: pair")
        if needs_tlvs:
            text = f"{quoted(connector.long_messages)} needs TLVs, which SMPP 3.3 has not"
            reading.note(key, text, "write long_messages: udh")
    elif needs_tlvs and not connector.tlvs:
        text = f"{quoted(connector.long_messages)} needs TLVs, and tlvs is false"
        reading.note(key, text, "write long_messages: udh, or tlvs: true")


def _check_hosts(connector: Connector, path: str, reading: Reading) -> None:
    backups = good(connector.backup_addresses, f"{path}.backup_addresses", reading)
    check_unique(chain([(f"{path}.address", connector.address)], backups), reading)


def _check_outbind_listen(config: Config, reading: Reading) -> None:
    """Whether each socket has an address of its own."""

    def addresses() -> Iterator[tuple[str, Any]]:
        if reading.is_good("listeners"):
            for kind in ("smpp", "smtp", "callbacks"):
                items = getattr(config.listeners, kind)
                yield from named(items, f"listeners.{kind}", "address", reading)
        for key, address in named(config.connectors, "connectors", "outbind_listen", reading):
            if address is not None:
                yield key, address

    check_unique(addresses(), reading)


def _check_account(account: Account, path: str, names: _Names, reading: Reading) -> None:
    smpp = account.smpp
    _check_tlv_names(smpp.allowed_tlvs, f"{path}.allowed_tlvs", names.vendor, reading)
    check_unique(named(smpp.lists, f"{path}.lists", "name", reading), reading)
    for list_path, one in good(smpp.lists, f"{path}.lists", reading):
        for key, number in good(one.numbers, f"{list_path}.numbers", reading):
            if not _DESTINATION.fullmatch(number):
                fix = "write 3 to 15 digits, for example '79991234567'"
                reading.note(key, f"{quoted(number)} is no number", fix)
    key = f"{path}.broadcast_connector"
    if smpp.broadcast_connector and reading.is_good(key):
        _check_broadcast(smpp.broadcast_connector, key, names, reading)
    if smpp.outbind is not None and reading.is_good(f"{path}.outbind"):
        key = f"{path}.outbind"
        check_written_password(f"{key}.password", smpp.outbind.address, f"{key}.address", reading)


def _check_broadcast(name: str, key: str, names: _Names, reading: Reading) -> None:
    connector = names.connectors.items.get(name)
    those = f": {one_of(tuple(names.connectors.items))}" if names.connectors.items else ""
    if name in names.services:
        text = f"{quoted(name)} is a service over HTTP, which takes no broadcasts"
        reading.note(key, text, f"name one of connectors{those}")
    elif connector is None:
        if names.connectors.complete:
            reading.note(key, f"there is no connector {quoted(name)}", f"name one of connectors{those}")
    elif connector.bind_mode == "receiver":
        reading.note(key, f"{quoted(name)} only receives", "name one with another bind_mode")
    elif names.versions.get(name, "5.0") != "5.0":
        text = f"{quoted(name)} speaks SMPP {names.versions[name]}, which has no broadcasts"
        reading.note(key, text, "write interface_version: 5.0 at that connector, if its SMSC knows it")


def _check_forms(usable: Mapping[str, Connector], route: Route, path: str, reading: Reading) -> None:
    """Whether every connector of a route can send what another one of it, or the route, makes of a text."""
    ones = [usable[name] for name in route.connectors if name in usable]
    whole = [one.name for one in ones if one.long_messages == "payload"]
    bare = [
        one.name for one in ones if (not one.tlvs or one.interface_version == "3.3") and one.name not in whole
    ]
    if whole and bare:
        text = f"{quoted(bare[0])} cannot take over long texts that are meant for {quoted(whole[0])}"
        fix = f"write long_messages: udh at {whole[0]}, or leave one of them out of this route"
        reading.note(f"{path}.connectors", text, fix)
    key = f"{path}.text.shift_tables"
    if not (reading.is_good(f"{path}.text") and reading.is_good(key) and route.text.shift_tables):
        return
    for one in ones:
        if one.data_coding_0 not in ("gsm7", "gsm7_packed"):
            text = f"need GSM 7 bit, and {quoted(one.name)} has data_coding_0: {one.data_coding_0}"
            reading.note(key, text, "remove it, or leave that connector out of this route")
            return


def _check_text(route: Route, path: str, services: set[str], reading: Reading) -> None:
    """A service chooses alphabets itself, so texts are not written in national tables for it."""
    key = f"{path}.text.shift_tables"
    if not (reading.is_good(f"{path}.text") and reading.is_good(key) and route.text.shift_tables):
        return
    for name in route.connectors:
        if name in services:
            text = f"has no use with {quoted(name)}, which chooses alphabets itself"
            reading.note(key, text, "remove it, or name only connectors over SMPP in this route")
            return
