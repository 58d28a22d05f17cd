"""What probe concludes from answers and receipts, where no simulated SMSC answers so."""

from __future__ import annotations

import pytest

from gateway.cli.probe_findings import SAMPLE, alphabet, id_form, profile, receipt_steps
from gateway.cli.probe_session import Receipt, Reply, Sent
from protocols.smpp import constants as c
from protocols.sms.alphabet import Alphabet, encode
from protocols.sms.receipts import parse_text

GSM7 = encode(SAMPLE, Alphabet.GSM7)
UCS2 = encode(SAMPLE, Alphabet.UCS2)


def sent(given: str, *written: str, octets: bytes = b"x", echo: bytes = b"") -> Sent:
    """A message with the id of its answer, and with receipts that have these ids and repeat `echo`."""
    return Sent(
        octets, Reply("submit_sm_resp", 0, given.encode() + b"\0"), [receipt(id, echo) for id in written]
    )


def receipt(id: str, echo: bytes = b"", esm_class: int = 4, has_tlv: bool = True) -> Receipt:
    text = parse_text(f"id:{id} stat:DELIVRD text:".encode() + echo)
    return Receipt("deliver_sm", esm_class, 0, id, has_tlv, text, c.DELIVERED)


@pytest.mark.parametrize(
    ("messages", "form", "told"),
    [
        ([sent("439041101", "1A2B3C4D")], "hex_to_dec", "439041101 in the answer, 1A2B3C4D in the receipt"),
        ([sent("1a2b3c4d", "439041101")], "dec_to_hex", "1a2b3c4d in the answer"),
        ([sent("1a2b", "1A2B")], "same", "the same but for upper case"),
        ([sent("0012", "12"), sent("0013", "13")], "same", "the same but for leading zeros"),
        ([sent("7", "7")], None, "they fit same and hex_to_dec and dec_to_hex"),
        ([sent("7", "7"), sent("10", "A")], "hex_to_dec", "hex_to_dec"),
        ([sent("12", "12"), sent("31", "1f")], None, "they fit no form throughout"),
        ([sent("12")], None, "no receipt names one of the messages"),
    ],
)
def test_the_form_of_ids(messages: list[Sent], form: str | None, told: str) -> None:
    found, step = id_form(messages)
    assert found == form
    assert told in step.why
    assert step.answer == ("cannot tell" if form is None else "yes")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (b"", b"", None),
        (GSM7, b"", None),  # the octets again
        (GSM7, UCS2, None),  # these too
        (GSM7, GSM7, "gsm7"),
        (GSM7, SAMPLE.encode("latin-1"), "latin1"),
        (SAMPLE.encode("latin-1"), SAMPLE.encode("latin-1"), "gsm7"),  # it read them and writes latin-1
        (SAMPLE.encode(), b"", "gsm7"),
        (b"@ $ _ ? ?", b"", "gsm7"),
        (b"", GSM7, "gsm7"),
        (b"??? ???", b"", None),
    ],
)
def test_the_alphabet_of_data_coding_0(first: bytes, second: bytes, expected: str | None) -> None:
    plain, ucs2 = sent("1", "1", octets=GSM7, echo=first), sent("2", "2", octets=UCS2, echo=second)
    found, step = alphabet(plain, ucs2)
    assert found == expected
    assert step.answer == ("cannot tell" if expected is None else "yes")


@pytest.mark.parametrize(
    ("esm_class", "has_tlv", "by_text"),
    [
        (0x04, True, False),
        (0x04, False, False),
        (0x00, True, False),
        (0x00, False, True),
        (0x44, False, False),
    ],
)
def test_receipts_are_told_by_their_text_only_where_nothing_else_marks_them(
    esm_class: int, has_tlv: bool, by_text: bool
) -> None:
    message = Sent(b"", None, [receipt("1", esm_class=esm_class, has_tlv=has_tlv)])
    found, steps = receipt_steps([message])
    assert found is by_text
    answers = {step.name: step.answer for step in steps}
    assert answers["receipt esm_class"] == ("yes" if esm_class else "no")
    assert answers["receipt TLVs"] == ("yes" if has_tlv else "no")


def test_a_profile_has_only_what_differs_and_what_could_be_told() -> None:
    found = {"id_form": None, "tlvs": True, "operations": [], "long_messages": "sar", "data_coding_0": "gsm7"}
    assert profile(found) == {"long_messages": "sar"}
