"""What the answers and receipts of `smsc-gateway probe` mean, without any wire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from gateway.cli.probe_session import Sent
from gateway.config.connector_model import Connector
from protocols.smpp import constants as c
from protocols.sms import receipts
from protocols.sms.alphabet import Alphabet, decode, encode, unpack_padded

SAMPLE = "@ $ _ £ é"
"""Characters that have other octets in each alphabet."""
YES, NO, UNKNOWN = "yes", "no", "cannot tell"

_OWN_KINDS = (c.ESM_CLASS_TYPE_SMSC_DELIVERY_RECEIPT, c.ESM_CLASS_TYPE_INTERMEDIATE_NOTIFICATION)
_WRITTEN = {
    "gsm7": encode(SAMPLE, Alphabet.GSM7),
    "latin1": SAMPLE.encode("latin-1"),
    "utf8": SAMPLE.encode(),
    "ascii": SAMPLE.encode("ascii", "replace"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One line for people: what was tried, yes, no or cannot tell, and why."""

    name: str
    answer: str
    why: str


def echo_of(sent: Sent) -> bytes:
    """What the receipts of a message repeat of its text, in octets; b"" for nothing, or for UCS-2."""
    for receipt in sent.receipts:
        if receipt.text is not None and receipt.text.text and receipt.data_coding != 8:
            return receipt.text.text.encode("latin-1", "replace")
    return b""


def alphabet(plain: Sent, ucs2: Sent | None) -> tuple[str | None, Step]:
    """data_coding_0 by what receipts repeat of SAMPLE: sent in GSM 7 bit as data_coding 0, and in UCS-2.

    The second one tells it: the SMSC knows those characters, and writes them in an alphabet of its own. Of
    the first many repeat just the octets, which say nothing.
    """

    def step(answer: str, why: str) -> Step:
        return Step("data_coding 0", answer, why)

    first = echo_of(plain)
    second = echo_of(ucs2) if ucs2 is not None and ucs2.is_taken else b""
    if not first and not second:
        return None, step(UNKNOWN, "no receipt repeats the text; look at the handset, or ask")
    repeats = first.startswith(_WRITTEN["gsm7"])
    if first and not repeats:
        if any(first.startswith(_WRITTEN[name]) for name in ("latin1", "utf8", "ascii")):
            return "gsm7", step(YES, "gsm7: a receipt has the characters that were sent")
        if first[:4] in _unpacked(plain.octets):
            return "gsm7_packed", step(YES, "gsm7_packed: a receipt has our octets as packed septets")
        return None, step(UNKNOWN, f"a receipt repeats octets that fit no alphabet: {first[:9].hex(' ')}")
    for name, octets in _WRITTEN.items():
        if second.startswith(octets):
            return name, step(YES, f"{name}: a receipt writes our UCS-2 text so")
    return None, step(UNKNOWN, "receipts repeat the octets that were sent; look at the handset, or ask")


def _unpacked(octets: bytes) -> tuple[bytes, ...]:
    """How octets begin when their septets are unpacked: as they are, and as characters."""
    septets = unpack_padded(octets)
    return septets[:4], decode(septets, Alphabet.GSM7).encode("latin-1", "replace")[:4]


def id_form(sent: Sequence[Sent]) -> tuple[str | None, Step]:
    """How receipts write the ids of the answers."""
    pairs = [(each.message_id, receipt.id) for each in sent for receipt in each.receipts]
    if not pairs:
        return None, Step("ids", UNKNOWN, "no receipt names one of the messages")
    forms = list(receipts.FORMS)
    for given, written in pairs:
        key = receipts.response_key(given)
        forms = [form for form in forms if receipts.convert(form, written) == key]
    example = f"{pairs[0][0]} in the answer, {pairs[0][1]} in the receipt"
    if len(forms) != 1:
        return None, Step(
            "ids", UNKNOWN, f"they fit {' and '.join(forms) or 'no form throughout'}: {example}"
        )
    if forms != ["same"]:
        return forms[0], Step("ids", YES, f"{forms[0]}: {example}")
    if all(given == written for given, written in pairs):
        return "same", Step("ids", YES, f"the same in both: {pairs[0][0]}")
    how = {
        "leading zeros": any(given.casefold().lstrip("0") != given.casefold() for given, _ in pairs)
        != any(written.casefold().lstrip("0") != written.casefold() for _, written in pairs),
        "upper case": any(given != written and given.lower() == written.lower() for given, written in pairs),
    }
    differs = " and ".join(name for name, is_so in how.items() if is_so) or "their writing"
    return "same", Step("ids", YES, f"the same but for {differs}: {example}")


def receipt_steps(sent: Sequence[Sent]) -> tuple[bool, list[Step]]:
    """Whether receipts can be told by their text alone, and what they look like."""
    found = [receipt for each in sent for receipt in each.receipts]
    if not found:
        return False, [Step("receipts", UNKNOWN, "none came in time")]
    kinds = sorted({receipt.esm_class for receipt in found})
    shown = ", ".join(f"0x{kind:02X}" for kind in kinds)
    commands = ", ".join(sorted({receipt.command for receipt in found}))
    is_marked = all(receipt.esm_class & c.ESM_CLASS_TYPE_MASK in _OWN_KINDS for receipt in found)
    has_tlvs = all(receipt.has_tlv for receipt in found)
    has_text = all(receipt.text is not None and receipt.text.id for receipt in found)
    by_text = any(not receipt.esm_class & c.ESM_CLASS_TYPE_MASK and not receipt.has_tlv for receipt in found)
    wanting = " and no TLV names the message: receipts_by_text is needed" if by_text else ""
    return by_text, [
        Step("receipts", YES, f"{len(found)} by {commands}, first state {_word(found[0].state)}"),
        Step("receipt esm_class", YES if is_marked else NO, f"esm_class {shown}{wanting}"),
        Step("receipt TLVs", YES if has_tlvs else NO, _named("receipted_message_id", has_tlvs)),
        Step("receipt text", YES if has_text else NO, _named("id in the text", has_text)),
    ]


def _named(what: str, is_so: bool) -> str:
    return what if is_so else f"no {what}, or not in all"


def _word(state: int) -> str:
    return receipts.STATE_WORDS.get(state, str(state))


def profile(found: dict[str, Any]) -> dict[str, Any]:
    """Those options that differ from a connector's defaults, in the order of the model."""
    kept = {}
    for option in fields(Connector):
        if option.name in found:
            value = found[option.name]
            default = list(option.default) if isinstance(option.default, tuple) else option.default
            if value is not None and value != default:
                kept[option.name] = value
    return kept
