"""PDU objects: defaults, equality, what a repr may show."""

import pytest

from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import (
    PDU_BY_COMMAND,
    PDU_CLASSES,
    RESPONSES,
    AlertNotification,
    BindTransceiver,
    DataSm,
    DeliverSm,
    EnquireLink,
    GenericNack,
    Outbind,
    Pdu,
    ReplaceSm,
    SubmitSm,
    SubmitSmResp,
    response_to,
)


@pytest.mark.parametrize("cls", PDU_CLASSES)
def test_every_field_has_a_default_and_no_dict(cls: type[Pdu]) -> None:
    pdu = cls()
    assert (pdu.sequence_number, pdu.command_status, pdu.tlvs) == (0, 0, ())
    assert not hasattr(pdu, "__dict__")


def test_fields_are_keywords_only() -> None:
    with pytest.raises(TypeError):
        SubmitSm(1)  # type: ignore[misc]


def test_class_and_fields_make_equality() -> None:
    assert SubmitSm(source_addr="1") == SubmitSm(source_addr="1")
    assert SubmitSm(source_addr="1") != SubmitSm(source_addr="2")
    assert SubmitSm() != DeliverSm()


def test_repr_names_what_is_set() -> None:
    text = repr(SubmitSm(sequence_number=7, source_addr="1234", tlvs=((tlv.MESSAGE_STATE, b"\2"),)))
    assert text == "SubmitSm(sequence_number=7, tlvs=(message_state=02), source_addr='1234')"


@pytest.mark.parametrize(
    "pdu",
    [
        BindTransceiver(password="secret08"),
        Outbind(password="secret08"),
        SubmitSm(short_message=b"secret08"),
        ReplaceSm(short_message=b"secret08"),
        DataSm(tlvs=((tlv.MESSAGE_PAYLOAD, b"secret08"),)),
    ],
)
def test_security_38_repr_shows_no_secret_and_no_text(pdu: Pdu) -> None:
    assert "secret08" not in repr(pdu) and b"secret08".hex() not in repr(pdu)
    assert "<8 octets>" in repr(pdu)


def test_commands_and_responses_pair() -> None:
    assert len(PDU_BY_COMMAND) == len(PDU_CLASSES) == 33
    assert RESPONSES[c.SUBMIT_SM] is SubmitSmResp
    assert c.OUTBIND not in RESPONSES and c.ALERT_NOTIFICATION not in RESPONSES
    assert all(RESPONSES[command].command_id == command | c.RESPONSE_BIT for command in RESPONSES)


def test_response_to() -> None:
    assert response_to(SubmitSm(sequence_number=9), c.ESME_RSYSERR) == SubmitSmResp(
        sequence_number=9, command_status=c.ESME_RSYSERR
    )
    assert response_to(EnquireLink(sequence_number=9)).command_status == c.ESME_ROK
    assert response_to(AlertNotification(sequence_number=9), c.ESME_RINVCMDID) == GenericNack(
        sequence_number=9, command_status=c.ESME_RINVCMDID
    )
