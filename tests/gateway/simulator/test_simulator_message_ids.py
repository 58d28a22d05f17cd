"""The forms of message ids, each with the quirk it stands for."""

from __future__ import annotations

import re

import pytest

from gateway.simulator.message_ids import ID_FORMATS, id_maker
from protocols.sms.receipts import id_forms, response_key


@pytest.mark.parametrize(
    ("id_format", "in_response", "in_receipt"),
    [
        ("decimal", "439041101", "439041101"),
        ("hex", "1a2b3c4d", "1a2b3c4d"),
        ("hex_upper", "1A2B3C4D", "1A2B3C4D"),
        ("decimal_resp_hex_receipt", "439041101", "1A2B3C4D"),
        ("hex_resp_decimal_receipt", "1a2b3c4d", "439041101"),
        ("padded", "00000000000439041101", "439041101"),
    ],
)
def test_forms(id_format: str, in_response: str, in_receipt: str) -> None:
    assert id_maker(id_format)(0x1A2B3C4D) == (in_response, in_receipt)


def test_uuids_are_uuids_and_differ() -> None:
    make = id_maker("uuid")
    ids = {make(number)[0] for number in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) for text in ids)
    assert make(5)[0] == make(5)[1]


@pytest.mark.parametrize("id_format", ID_FORMATS)
def test_every_form_can_be_matched(id_format: str) -> None:
    in_response, in_receipt = id_maker(id_format)(1_700_000_000_000_123)
    assert response_key(in_response) in [key for _, key in id_forms(in_receipt)]
