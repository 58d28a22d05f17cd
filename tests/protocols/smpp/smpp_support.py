"""Strategies and vectors for the SMPP tests."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from protocols.smpp.layouts import LAYOUTS, Field, FieldKind
from protocols.smpp.pdu import (
    PDU_BY_COMMAND,
    PDU_CLASSES,
    DistributionList,
    Pdu,
    SmeAddress,
    SubmitSm,
    UnsuccessSme,
)
from protocols.smpp.session import Session
from protocols.smpp.settings import SessionSettings
from protocols.smpp.state import Role

VECTORS = Path(__file__).parents[2] / "vectors" / "smpp"


def vectors(name: str) -> list[dict[str, Any]]:
    return json.loads((VECTORS / f"{name}.json").read_text())


def expected_pdu(vector: dict[str, Any]) -> Pdu:
    """The PDU that a vector of pdus.json describes; octets are written as hex there."""
    values = dict(vector["fields"])
    readers: dict[str, Callable[[Any], Any]] = {
        "tlvs": lambda rows: tuple((int(tag, 16), bytes.fromhex(raw)) for tag, raw in rows),
        "short_message": bytes.fromhex,
        "dest_addresses": lambda rows: tuple(
            SmeAddress(*row) if len(row) == 3 else DistributionList(*row) for row in rows
        ),
        "unsuccess_smes": lambda rows: tuple(UnsuccessSme(*row) for row in rows),
    }
    for name, read in readers.items():
        if name in values:
            values[name] = read(values[name])
    by_name = {cls.__name__: cls for cls in PDU_CLASSES}
    return by_name[vector["pdu"]](**values)


def c_strings(size: int) -> st.SearchStrategy[str]:
    """What a C-octet string field of this size can hold."""
    return st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=min(size - 1, 24))


def octets(size: int = 1) -> st.SearchStrategy[int]:
    return st.integers(0, 256**size - 1)


_addresses = st.builds(SmeAddress, octets(), octets(), c_strings(21))
_lists = st.builds(DistributionList, c_strings(21))
_failures = st.builds(UnsuccessSme, octets(), octets(), c_strings(21), octets(4))


def field_values(field: Field) -> st.SearchStrategy[Any]:
    return {
        FieldKind.INTEGER: lambda: octets(field.size),
        FieldKind.C_STRING: lambda: c_strings(field.size),
        FieldKind.SHORT_MESSAGE: lambda: st.binary(max_size=40),
        FieldKind.DEST_ADDRESSES: lambda: st.lists(_addresses | _lists, max_size=4).map(tuple),
        FieldKind.UNSUCCESS_SMES: lambda: st.lists(_failures, max_size=4).map(tuple),
    }[field.kind]()


# vendors' tags may repeat, so any list of them is within the rules of every PDU
vendor_tlvs = st.lists(st.tuples(st.integers(0x1400, 0x3FFF), st.binary(max_size=12)), max_size=5).map(tuple)


@st.composite
def pdus(draw: st.DrawFn, cls: type[Pdu]) -> Pdu:
    """Any PDU of a class within the specification."""
    layout = LAYOUTS[cls.command_id]
    values = {field.name: draw(field_values(field)) for field in layout}
    return cls(
        sequence_number=draw(octets(4)),
        command_status=draw(octets(4)),
        tlvs=draw(vendor_tlvs),
        **values,
    )


any_pdu = st.sampled_from(PDU_CLASSES).flatmap(pdus)


def submit(number: int = 0, **fields: Any) -> SubmitSm:
    return SubmitSm(
        **{
            "sequence_number": number,
            "source_addr": "1234",
            "destination_addr": "79161234567",
            "short_message": b"hello",
            **fields,
        }
    )


def bound_pair(
    command_id: int = 0x9,
    smsc: SessionSettings | None = None,
    esme: SessionSettings | None = None,
    version: int = 0x34,
) -> tuple[Session, Session]:
    """(SMSC, ESME), bound at time 0 by a bind of this command_id, in this version."""
    smsc_end = Session(Role.SMSC, smsc or SessionSettings(), 0.0)
    esme_end = Session(Role.ESME, esme or SessionSettings(), 0.0)
    bind_cls: Any = PDU_BY_COMMAND[command_id]
    esme_end.send_request(bind_cls(system_id="esme-one", password="secret08", interface_version=version), 0.0)
    (request,) = smsc_end.receive_data(esme_end.data_to_send(), 0.0)
    assert isinstance(request, bind_cls)
    smsc_end.accept_bind(request, system_id="smsc", sc_interface_version=version)
    (answered,) = esme_end.receive_data(smsc_end.data_to_send(), 0.0)
    assert answered.response.command_status == 0
    return smsc_end, esme_end
