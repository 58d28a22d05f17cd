"""Octets as the text of a receipt, as a user data header, and as a text in every alphabet."""

from __future__ import annotations

import contextlib

from gateway.api.drafts import POLICIES
from gateway.core.texts import rewrite
from protocols.sms import alphabet, national, segments, udh, udh_values, wap_push
from protocols.sms import receipts as receipt_texts
from protocols.sms.alphabet import Alphabet
from protocols.sms.encoding import choose_national
from protocols.sms.shift_tables import LANGUAGES, LOCKING, SINGLE
from protocols.sms.transliteration_service import look_alikes, sounds

_ALPHABETS = list(Alphabet)
_LANGUAGES = list(LANGUAGES)
_PAIRS = [(0, 0), *national.pairs_of(sorted({*LOCKING, *SINGLE} - {0}))]
_EXPANSION = 64
"""Characters that one becomes at the most when it is written in plain letters."""


def receipts(data: bytes) -> None:
    """The first octet says whether the text is UTF-16."""
    check_receipt(data[1:], utf16=bool(data[:1] and data[0] & 1))


def check_receipt(data: bytes, *, utf16: bool) -> None:
    """A receipt within its bounds, or none."""
    receipt = receipt_texts.parse_text(data, utf16=utf16)
    if receipt is None:
        return
    assert receipt.state in receipt_texts.STATE_WORDS
    assert len(receipt.id) <= receipt_texts.MAX_ID
    assert max(len(receipt.stat), len(receipt.error)) <= 16
    assert len(receipt.text) <= receipt_texts.MAX_OCTETS
    for date in (receipt.submit_date, receipt.done_date):
        moment = receipt_texts.parse_date(date)
        assert moment is None or moment.utcoffset() is not None
    receipt_texts.response_key(receipt.id)
    receipt_texts.id_forms(receipt.id)


def udhs(data: bytes) -> None:
    """A header that is built again as it was, or UdhError; so each of its elements, and a push behind it."""
    try:
        elements, rest = udh.parse(data)
    except udh.UdhError:
        return
    assert udh.build(elements) + rest == data
    with contextlib.suppress(udh.UdhError):
        part = udh.concatenation(elements)
        assert part is None or 1 <= part.sequence <= part.total
    ports = udh_values.ports_of(elements)
    assert ports is None or 0 <= min(ports[:2]) <= max(ports[:2]) <= 0xFFFF
    locking, single = national.tables_of(elements)
    assert (locking == 0 or locking in LOCKING) and (single == 0 or single in SINGLE)
    for _, value in elements:
        for read in (
            udh_values.read_indication,
            udh_values.read_formatting,
            udh_values.read_predefined,
            udh_values.read_header_length,
            udh_values.read_reply_address,
        ):
            with contextlib.suppress(udh.UdhError):
                read(value)
    with contextlib.suppress(wap_push.WapPushError):
        push = wap_push.read(rest)
        assert push.headers in rest and push.body in rest
        written = len(push.text) + sum(map(len, push.attributes.values()))
        assert written <= 2 * wap_push.MAX_CHARACTERS


def texts(data: bytes) -> None:
    """Octets in each alphabet to a text, and a text in octets; the first octet chooses among options."""
    how, octets = data[0] if data else 0, data[1:]
    check_octets(octets, how)
    check_text(octets.decode("utf-8", "surrogateescape"), how)


def check_octets(octets: bytes, how: int) -> None:
    """Anything can be read, packed and split."""
    fill, wide = how % 7, bool(how & 8)
    septets = bytes(octet & 0x7F for octet in octets)
    assert alphabet.unpack(alphabet.pack(septets, fill), len(septets), fill) == septets
    padded = alphabet.unpack_padded(alphabet.pack_padded(septets, fill), fill)
    assert padded == septets or padded == septets + b"\r"
    assert alphabet.unpack_padded(octets, fill).isascii()
    assert len(national.decode(octets, *_PAIRS[how % len(_PAIRS)])) <= len(octets)
    for each in _ALPHABETS:
        assert len(alphabet.decode(octets, each)) <= len(octets)
        try:
            parts = segments.split(octets, each, wide_reference=wide)
        except segments.TooManySegments:
            continue
        assert b"".join(parts) == octets
        assert len(parts) == segments.count(octets, each, wide)


def check_text(text: str, how: int) -> None:
    """Any text is written, and what GSM 7 bit can write reads as itself."""
    languages = [_LANGUAGES[how % len(_LANGUAGES)], _LANGUAGES[how // 16 % len(_LANGUAGES)]]
    written = choose_national(text, languages, bool(how & 8))
    assert written.segments >= 1
    if written.alphabet is Alphabet.GSM7:
        assert national.decode(written.data, *written.tables) == text
    with contextlib.suppress(segments.TooManySegments):
        chosen, parts = segments.segment_text(text)
        read = "".join(alphabet.decode(part, chosen) for part in parts)
        assert read == alphabet.decode(alphabet.encode(text, chosen), chosen)
        most = 160 if chosen is Alphabet.GSM7 else 140
        assert max(map(len, parts)) <= most - (len(parts) > 1) * (7 if chosen is Alphabet.GSM7 else 6)
    most = _EXPANSION * len(text)
    for policy in POLICIES:
        assert len(rewrite(text, policy, languages).text) <= most
    assert max(len(sounds(text)), len(look_alikes(text))) <= most
