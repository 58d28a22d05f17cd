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
        for least, _, tables in sorted(_national_ways(text, languages, wide_reference)):
            if least >= best.segments:
                break
            best = min(best, _written(text, tables, wide_reference), key=_cost)
            if best.segments == least:
                break  # the others take as many, with longer headers or more septets
    return best


def _cost(way: Written) -> int:
    return way.segments


def _national_ways(
    text: str, languages: Sequence[str], wide_reference: bool
) -> Iterator[tuple[int, tuple[int, int, int], Tables]]:
    """Tables that can write the text, and what they cost at least: to write it with each would take long."""
    foreign = text[first_beyond(text)]
    numbers = [LANGUAGES[name] for name in languages]
    for place, tables in enumerate(national.pairs_of(numbers)):
        septets = national.length(text, *tables) if foreign in _characters(*tables) else None
        if septets is not None:
            header = national.elements_of(tables)
            least = segments.least(septets, Alphabet.GSM7, wide_reference, header)
            yield least, (len(header), septets, place), tables


def _written(text: str, tables: Tables, wide_reference: bool) -> Written:
    data = national.encode(text, *tables)
    assert data is not None  # its length is known
    count = segments.count(data, Alphabet.GSM7, wide_reference, national.elements_of(tables))
    return Written(Alphabet.GSM7, tables, data, count)


@cache
def _characters(locking: int, single: int) -> frozenset[str]:
    return frozenset((*cells_of(LOCKING[locking]), *cells_of(SINGLE[single])))
