"""Rules about accounts: parents, senders, destinations, hours, words.

A value that could not be read was reported already, so every rule skips it.
"""

from __future__ import annotations

import re

from gateway.config.model import Account, Config
from gateway.config.rules import Known, check_known, good, place_of
from gateway.config.sections import Reading
from gateway.config.time_checks import check_hours, check_time_zone
from gateway.config.values import quoted

NAME_MAX = 11
"""Characters of a sender that is a name (3GPP TS 23.040 §9.1.2.5)."""
_DESTINATION = re.compile("-?[0-9]{1,15}", re.ASCII)
_NUMBER = re.compile("[0-9]{1,15}", re.ASCII)


def check_accounts(config: Config, accounts: Known, reading: Reading) -> None:
    """Note everything that is wrong about what accounts may send, and whose parts they are."""
    for path, account in good(config.accounts, "accounts", reading):
        _check_parent(account, f"{path}.parent", accounts, reading)
        for name in ("default_source", "forced_source"):
            _check_source(account, getattr(account, name), f"{path}.{name}", reading)
        _check_destinations(account, f"{path}.destinations", reading)
        check_time_zone(account.time_zone, f"{path}.time_zone", reading)
        check_hours(account.limits.hours, f"{path}.limits.hours", reading)
        for key, word in good(account.stop_words, f"{path}.stop_words", reading):
            if not any(character.isalnum() for character in word):
                reading.note(key, f"{quoted(word)} has no letters", "write a word, as STOP")
        longest = account.max_validity_h
        if longest and account.validity_h > longest and reading.is_good(f"{path}.validity_h"):
            text = f"{account.validity_h} is more than max_validity_h, {longest}"
            reading.note(f"{path}.validity_h", text, f"write {longest} or less")


def _check_parent(account: Account, key: str, accounts: Known, reading: Reading) -> None:
    if not account.parent or not reading.is_good(key):
        return
    check_known(account.parent, accounts, key, reading, what="account")
    above = accounts.items.get(account.parent)
    seen = {account.system_id}
    while above is not None and above.system_id not in seen:
        seen.add(above.system_id)
        above = accounts.items.get(above.parent)
    if above is not None and above.system_id == account.system_id:
        fix = "let one account of them have no parent"
        reading.note(key, f"{quoted(account.system_id)} would be a part of itself", fix)


def _check_source(account: Account, source: str, key: str, reading: Reading) -> None:
    if not source or not reading.is_good(key):
        return
    if not _NUMBER.fullmatch(source):
        if source.removeprefix("+").isdecimal():
            reading.note(key, f"{quoted(source)} is no sender", "write 1 to 15 digits, without +")
            return
        if not source.isprintable() or len(source) > NAME_MAX:
            fix = f"write up to {NAME_MAX} letters that can be printed, or a number in digits"
            reading.note(key, f"{quoted(source)} is no sender", fix)
            return
    allowed = account.allowed_sources
    if allowed and source not in allowed and reading.is_good(key.rpartition(".")[0] + ".allowed_sources"):
        text = f"{quoted(source)} is not among the account's allowed_sources"
        reading.note(key, text, "write one of them, or add it there")


def _check_destinations(account: Account, key: str, reading: Reading) -> None:
    first: dict[str, str] = {}
    for at, entry in good(account.destinations, key, reading):
        if not _DESTINATION.fullmatch(entry):
            fix = "write up to 15 digits, after a minus if they are denied"
            reading.note(at, f"{quoted(entry)} is no beginning of a number", fix)
            continue
        digits = entry.removeprefix("-")
        if digits in first:
            reading.note(at, f"{digits} is there already, {place_of(first[digits], reading)}", "keep one")
        first.setdefault(digits, at)
