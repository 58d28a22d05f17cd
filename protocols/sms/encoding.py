"""The cheapest way to write a text: GSM 7 bit, with national tables, or UCS-2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from protocols.sms import national, segments
from protocols.sms.alphabet import Alphabet, as_gsm7, encode, first_beyond
from protocols.sms.national import Tables
from protocols.sms.shift_tables import LANGUAGES, LOCKING, SINGLE, cells_of
from protocols.sms.udh import Element

DEFAULT_TABLES: Tables = (0, 0)


class Written(NamedTuple):
    """A text in octets, without its header."""

    alphabet: Alphabet
    tables: Tables
    """Locking and single shift table; DEFAULT_TABLES unless it is GSM 7 bit with national ones."""
    data: bytes
    segments: int

    @property
    def elements(self) -> list[Element]:
        """What the header of every part has to say."""
        return national.elements_of(self.tables)


def choose_national(text: str, languages: Sequence[str], wide_reference: bool = False) -> Written:
    """`text` in the way that takes the fewest segments; `languages` are names of `shift_tables.LANGUAGES`.

    What the default alphabet can write stays in it, since every handset reads that. Tables are used only
    where they save a segment against UCS-2; of those that save as much, the ones with the shortest header,
    then with the fewest septets, then of the language that was named first.
    """
    data = as_gsm7(text)
    if data is not None:
        count = segments.count(data, Alphabet.GSM7, wide_reference)
        return Written(Alphabet.GSM7, DEFAULT_TABLES, data, count)
    data = encode(text, Alphabet.UCS2)
    best = Written(Alphabet.UCS2, DEFAULT_TABLES, data, segments.count(data, Alphabet.UCS2, wide_reference))
    if best.segments > 1 and languages:
        ways = _national_ways(text, languages, wide_reference)
        best = min((way for way in ways if way.segments < best.segments), key=_cost, default=best)
    return best


def _cost(way: Written) -> tuple[int, int, int]:
    return way.segments, len(way.elements), len(way.data)


def _national_ways(text: str, languages: Sequence[str], wide_reference: bool) -> Iterator[Written]:
    numbers = [LANGUAGES[name] for name in languages]
    foreign = text[first_beyond(text)]
    for tables in national.pairs_of(numbers):
        if foreign not in _characters(*tables):
            continue
        data = national.encode(text, *tables)
        if data is not None:
            elements = national.elements_of(tables)
            count = segments.count(data, Alphabet.GSM7, wide_reference, elements)
            yield Written(Alphabet.GSM7, tables, data, count)


@cache
def _characters(locking: int, single: int) -> frozenset[str]:
    return frozenset((*cells_of(LOCKING[locking]), *cells_of(SINGLE[single])))
