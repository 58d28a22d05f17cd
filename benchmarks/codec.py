"""Microseconds per SMPP PDU: our codec and session, and smpplib's codec for comparison.

    .venv/bin/python benchmarks/codec.py

Each figure is the best of five runs, on one core.
"""

import timeit
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import smpplib.smpp

from protocols.smpp import codec, tlv
from protocols.smpp.pdu import (
    BindTransceiver,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    Pdu,
    QuerySm,
    SubmitSm,
    SubmitSmResp,
)
from protocols.smpp.session import Session
from protocols.smpp.settings import SessionSettings
from protocols.smpp.state import Role

TEXT = b"Your code is 123456. Do not give it to anyone, whoever asks."
RECEIPT = (
    b"id:7340032000000000001 sub:001 dlvrd:001 submit date:2401311200 "
    b"done date:2401311201 stat:DELIVRD err:000 text:Your code is 123456."
)
SAMPLES: dict[str, Pdu] = {
    "submit_sm": SubmitSm(
        sequence_number=7,
        source_addr_ton=5,
        source_addr="Shop",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="79161234567",
        registered_delivery=1,
        short_message=TEXT,
    ),
    "submit_sm with validity and SAR": SubmitSm(
        sequence_number=7,
        source_addr_ton=5,
        source_addr="Shop",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="79161234567",
        validity_period="000001000000000R",
        registered_delivery=1,
        short_message=TEXT,
        tlvs=(
            (tlv.SAR_MSG_REF_NUM, b"\0\1"),
            (tlv.SAR_TOTAL_SEGMENTS, b"\2"),
            (tlv.SAR_SEGMENT_SEQNUM, b"\1"),
        ),
    ),
    "submit_sm_resp": SubmitSmResp(sequence_number=7, message_id="7340032000000000001"),
    "deliver_sm (receipt, 2 TLVs)": DeliverSm(
        sequence_number=7,
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr="79161234567",
        dest_addr_ton=5,
        destination_addr="Shop",
        esm_class=4,
        short_message=RECEIPT,
        tlvs=((tlv.RECEIPTED_MESSAGE_ID, b"7340032000000000001\0"), (tlv.MESSAGE_STATE, b"\2")),
    ),
    "deliver_sm_resp": DeliverSmResp(sequence_number=7),
    "enquire_link": EnquireLink(sequence_number=7),
    "query_sm (by table)": QuerySm(sequence_number=7, message_id="42", source_addr="Shop"),
}
BATCH = 50


def microseconds(run: Callable[[], object], number: int = 20_000) -> float:
    return min(timeit.repeat(run, number=number, repeat=5)) / number * 1e6


def codec_figures() -> None:
    print(f"{'codec, µs':36}{'decode':>8}{'encode':>8}")
    for name, pdu in SAMPLES.items():
        frame = codec.encode(pdu)
        decoded = microseconds(partial(codec.decode, frame))
        encoded = microseconds(partial(codec.encode, pdu))
        print(f"{name:36}{decoded:8.2f}{encoded:8.2f}")


def smpplib_figures() -> None:
    frame = codec.encode(SAMPLES["submit_sm"])
    client = SimpleNamespace(next_sequence=lambda: 7)

    def encode() -> bytes:
        pdu = smpplib.smpp.make_pdu(
            "submit_sm",
            client=client,
            source_addr_ton=5,
            source_addr="Shop",
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr="79161234567",
            registered_delivery=1,
            short_message=TEXT,
        )
        return bytes(pdu.generate())

    assert encode()[16:] == frame[16:], "smpplib encodes the same body differently"
    decoded = microseconds(
        lambda: smpplib.smpp.parse_pdu(frame, client=client, allow_unknown_opt_params=True), 3_000
    )
    print(f"{'smpplib submit_sm':36}{decoded:8.2f}{microseconds(encode, 3_000):8.2f}")


def bound_pair() -> tuple[Session, Session]:
    settings = SessionSettings(window=BATCH, peer_window=BATCH)
    smsc, esme = Session(Role.SMSC, settings, 0.0), Session(Role.ESME, settings, 0.0)
    esme.send_request(BindTransceiver(system_id="bench"), 0.0)
    (request,) = smsc.receive_data(esme.data_to_send(), 0.0)
    assert isinstance(request, BindTransceiver)
    smsc.accept_bind(request, system_id="smsc")
    esme.receive_data(smsc.data_to_send(), 0.0)
    return smsc, esme


def session_figures() -> None:
    """A window of submit_sm through both sessions; what the codec itself costs is in the figures."""
    smsc, esme = bound_pair()
    submit = SAMPLES["submit_sm"]
    wire = {"up": b"", "down": b""}
    numbers: list[int] = []

    def send() -> None:
        for _ in range(BATCH):
            esme.send_request(submit, 1.0)
        wire["up"] = esme.data_to_send()

    def receive() -> None:
        numbers[:] = [event.sequence_number for event in smsc.receive_data(wire["up"], 1.0)]  # type: ignore[union-attr]

    def respond() -> None:
        for number in numbers:
            smsc.respond(SubmitSmResp(sequence_number=number, message_id="7340032000000000001"))
        wire["down"] = smsc.data_to_send()

    def answered() -> None:
        assert len(esme.receive_data(wire["down"], 1.0)) == BATCH

    steps = {
        "send_request": send,
        "receive submit_sm": receive,
        "respond": respond,
        "receive answer": answered,
    }
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(400):
        for name, step in steps.items():
            best[name] = min(best[name], timeit.timeit(step, number=1))
    print(f"\n{'session with its codec, µs per PDU':36}")
    for name, seconds in best.items():
        print(f"{name:36}{seconds / BATCH * 1e6:8.2f}")


if __name__ == "__main__":
    codec_figures()
    smpplib_figures()
    session_figures()
