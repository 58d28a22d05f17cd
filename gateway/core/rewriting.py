"""What a route changes in a message that goes its way: sender, number, text.

The text is kept in its new form, as a route's `text` policy has it too: it decides how many segments there
are.  Sender and number are kept beside those that came (`gateway.core.sent_as` says why).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from re import Pattern
from typing import NamedTuple

from gateway.config.route_model import Rewrite
from gateway.core.errors import Refusal
from gateway.core.model import Draft
from gateway.core.patterns import LONGEST_NUMBER, LONGEST_TEXT, compile_anywhere, compile_whole
from gateway.core.sent_as import SentAs
from protocols.sms.addresses import (
    NPI_ISDN,
    TON_INTERNATIONAL,
    digits_of,
    guess_source_ton_npi,
    is_alphanumeric_sender,
    is_e164,
)
from protocols.sms.alphabet import Alphabet, as_gsm7, decode, encode
from protocols.sms.data_coding import Group, parse, with_alphabet
from protocols.sms.segments import count

_UDHI = 0x40  # esm_class: the user data begins with a header (SMPP v3.4 §5.2.12)
_LONGEST_RESULT = 40_000
"""Characters: more than 255 segments of GSM 7 bit hold."""
_NO_SMS = 256
"""Segments of what is no SMS any more: more than any account may send."""
_is_number = re.compile("[0-9]{1,20}", re.ASCII).fullmatch


class Change(NamedTuple):
    """One rewrite."""

    pattern: Pattern[str]
    replacement: str


class Rewriting(NamedTuple):
    """All rewrites of a route, each kind in the order of the configuration."""

    sources: tuple[Change, ...] = ()
    destinations: tuple[Change, ...] = ()
    texts: tuple[Change, ...] = ()


def rewriting_of(rewrites: Sequence[Rewrite]) -> Rewriting | None:
    """The rewrites of a route; None: there are none.  PatternError for a pattern that cannot be used."""
    if not rewrites:
        return None

    def of(what: str) -> tuple[Change, ...]:
        compiled = compile_anywhere if what == "text" else compile_whole
        return tuple(Change(compiled(one.match), one.replace) for one in rewrites if one.what == what)

    return Rewriting(of("source"), of("destination"), of("text"))


def readdressed(draft: Draft, rewriting: Rewriting) -> Draft | Refusal:
    """The draft with `sent_as`, if an address changes; a Refusal when the new one could not be sent to."""
    source = digits_of(draft.source, draft.source_ton)
    destination = digits_of(draft.destination, draft.destination_ton)
    new_source = _changed(source, rewriting.sources)
    new_destination = _changed(destination, rewriting.destinations)
    if (new_source, new_destination) == (source, destination):
        return draft
    ends = SentAs(*(getattr(draft, name) for name in SentAs._fields))
    if new_source != source:
        new_source = new_source.removeprefix("+")
        if new_source and not _is_number(new_source) and not is_alphanumeric_sender(new_source):
            return Refusal.SOURCE
        ton, npi = guess_source_ton_npi(new_source) if new_source else (0, 0)
        ends = ends._replace(source_ton=ton, source_npi=npi, source=new_source)
    if new_destination != destination:
        new_destination = new_destination.removeprefix("+")
        if not _is_number(new_destination):
            return Refusal.DESTINATION
        ends = ends._replace(destination=new_destination)
        if is_e164(new_destination):
            ends = ends._replace(destination_ton=TON_INTERNATIONAL, destination_npi=NPI_ISDN)
    return draft._replace(sent_as=str(ends))


def _changed(address: str, changes: Iterable[Change]) -> str:
    for pattern, replacement in changes:
        match = pattern.fullmatch(address) if len(address) <= LONGEST_NUMBER else None
        if match is not None:
            address = match.expand(replacement)
    return address


def reworded(draft: Draft, changes: Iterable[Change]) -> Draft:
    """The draft with its text changed, in GSM 7 bit if that has all of it, else in UCS-2.

    Data, compressed texts, texts with a header and segments that their sender made are left alone.  Only the
    first LONGEST_TEXT characters are looked at; what follows them stays.
    """
    coding = parse(draft.data_coding)
    if draft.part is not None or draft.esm_class & _UDHI or not draft.user_data:
        return draft
    if coding.alphabet is Alphabet.BINARY or coding.compressed or coding.group is Group.RESERVED:
        return draft
    old = text = decode(draft.user_data, coding.alphabet)
    for pattern, replacement in changes:
        text = pattern.sub(replacement, text[:LONGEST_TEXT]) + text[LONGEST_TEXT:]
        if len(text) > _LONGEST_RESULT:
            return draft._replace(segments=_NO_SMS)
    if text == old:
        return draft
    septets = as_gsm7(text)
    alphabet = Alphabet.UCS2 if septets is None else Alphabet.GSM7
    data = encode(text, alphabet) if septets is None else septets
    data_coding = with_alphabet(draft.data_coding, alphabet)
    if data_coding is None:
        return draft  # an indication that has no such alphabet
    return draft._replace(user_data=data, data_coding=data_coding, segments=count(data, alphabet))
