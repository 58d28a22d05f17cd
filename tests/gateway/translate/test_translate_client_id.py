"""What a client calls its message."""

from __future__ import annotations

import pytest
from gateway_fakes import NOW_MS

from gateway.core.model import Draft
from gateway.translate.smpp_submit import draft_of
from protocols.smpp import tlv
from protocols.smpp.pdu import SubmitSm


@pytest.mark.parametrize(
    ("tlvs", "name"),
    [
        ((), ""),
        (((tlv.USER_MESSAGE_REFERENCE, b"\x00\x07"),), "7"),
        (((tlv.USER_MESSAGE_REFERENCE, b"\xff\xff"),), "65535"),
        (((tlv.USER_MESSAGE_REFERENCE, b"\x07"),), "7"),
        (((tlv.USER_MESSAGE_REFERENCE, b""),), ""),
        (((tlv.MESSAGE_PAYLOAD, b"hello"),), ""),
    ],
)
def test_user_message_reference(tlvs: tuple[tuple[int, bytes], ...], name: str) -> None:
    pdu = SubmitSm(source_addr="1234", destination_addr="79161234567", short_message=b"x", tlvs=tlvs)
    draft = draft_of(pdu, NOW_MS)
    assert isinstance(draft, Draft)
    assert draft.client_id == name
