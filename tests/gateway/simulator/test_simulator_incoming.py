"""Incoming SMS in odd forms: each says the text of the submit again."""

from __future__ import annotations

from typing import Any

import pytest
from simulator_support import Esme, bound, play, submit

from gateway.simulator import Simulator
from gateway.simulator.incoming import FORMS
from gateway.simulator.outcomes import MAGIC
from gateway.simulator.texts import Texts
from protocols.smpp import tlv
from protocols.sms import udh

TEXT = "Grüße, hello @ all"
GSM7 = Texts("gsm7")


async def answers(esme: Esme, name: str, count: int, text: bytes, **fields: Any) -> list[Any]:
    """The deliver_sms that come back for a submit of this text."""
    [code] = [code for code, outcome in MAGIC.items() if outcome.incoming == name]
    await esme.request(submit(f"1555{code}", text, registered_delivery=0, **fields))
    pdus = [await esme.delivery() for _ in range(count)]
    await esme.fence()
    assert esme.deliveries.empty()
    assert all((pdu.source_addr, pdu.destination_addr) == (f"1555{code}", "12345") for pdu in pdus)
    return pdus


def check(name: str, count: int, **settings: Any) -> list[Any]:
    pdus: list[Any] = []

    async def scenario(simulator: Simulator) -> None:
        text = Texts(settings.get("data_coding_0", "gsm7")).encode(TEXT, 0)
        pdus.extend(await answers(await bound(simulator), name, count, text))

    play(scenario, **settings)
    return pdus


def user_data(pdu: Any) -> bytes:
    payload = tlv.get(pdu.tlvs, tlv.MESSAGE_PAYLOAD)
    octets: bytes = pdu.short_message if payload is None else payload
    return octets


def joined(pdus: list[Any], texts: Texts = GSM7) -> str:
    """The text of parts with concatenation headers."""
    parts: dict[int, str] = {}
    references = set()
    for pdu in pdus:
        assert pdu.esm_class == 0x40
        elements, rest = udh.parse(user_data(pdu))
        place = udh.concatenation(elements)
        assert place is not None and place.total == 3
        references.add(place.reference)
        header_octets = len(user_data(pdu)) - len(rest)
        parts[place.sequence] = texts.decode(rest, pdu.data_coding, header_octets)
    assert len(references) == 1
    return "".join(parts[number] for number in sorted(parts))


def sar(pdu: Any) -> tuple[int, int, int]:
    tags = (tlv.SAR_MSG_REF_NUM, tlv.SAR_TOTAL_SEGMENTS, tlv.SAR_SEGMENT_SEQNUM)
    reference, total, sequence = (int.from_bytes(tlv.get(pdu.tlvs, tag) or b"", "big") for tag in tags)
    return reference, total, sequence


def test_every_form_has_a_magic_destination() -> None:
    assert {outcome.incoming for outcome in MAGIC.values() if outcome.incoming} == set(FORMS)


def test_unknown_tlvs_and_a_string_without_nul() -> None:
    [pdu] = check("odd_tlvs", 1)
    assert GSM7.decode(pdu.short_message, 0) == TEXT
    assert pdu.tlvs == ((0x1402, b"\xff\0\1"), (0x5FFF, b""), (tlv.RECEIPTED_MESSAGE_ID, b"no NUL here"))


def test_sequence_number_0() -> None:
    [pdu] = check("sequence_0", 1)
    assert (pdu.sequence_number, GSM7.decode(pdu.short_message, 0)) == (0, TEXT)


def test_a_stray_nul_is_behind_the_text_and_in_the_length(monkeypatch: pytest.MonkeyPatch) -> None:
    frames: list[bytes] = []
    write_raw = "gateway.simulator.connection.Connection.write_raw"
    monkeypatch.setattr(write_raw, lambda self, frame: (frames.append(frame), self.transport.write(frame)))
    [pdu] = check("stray_nul", 1)
    assert GSM7.decode(pdu.short_message, 0) == TEXT
    [frame] = frames
    assert int.from_bytes(frame[:4], "big") == len(frame)
    assert frame.endswith(pdu.short_message + b"\0")


def test_ucs2_under_a_wrong_label() -> None:
    [pdu] = check("ucs2_as_0", 1)
    assert (pdu.data_coding, pdu.short_message.decode("utf-16-be")) == (0, TEXT)


def test_ucs2_with_swapped_octets() -> None:
    [pdu] = check("ucs2_swapped", 1)
    assert (pdu.data_coding, pdu.short_message.decode("utf-16-le")) == (8, TEXT)


@pytest.mark.parametrize(("name", "header"), [("parts_8", "050003"), ("parts_16", "060804")])
def test_parts_with_references_of_both_widths(name: str, header: str) -> None:
    pdus = check(name, 3)
    assert joined(pdus) == TEXT
    assert all(pdu.short_message.startswith(bytes.fromhex(header)) for pdu in pdus)


def test_concatenation_is_not_the_first_element() -> None:
    pdus = check("parts_port_first", 3)
    assert joined(pdus) == TEXT
    assert [[tag for tag, _ in udh.parse(pdu.short_message)[0]] for pdu in pdus] == [[0x05, 0x00]] * 3


def test_parts_in_another_order() -> None:
    pdus = check("parts_disorder", 3)
    assert joined(pdus) == TEXT
    assert [pdu.short_message[5] for pdu in pdus] == [3, 2, 1]


def test_parts_by_sar_alone() -> None:
    pdus = check("parts_sar", 3)
    assert [sar(pdu)[1:] for pdu in pdus] == [(3, 1), (3, 2), (3, 3)]
    assert len({sar(pdu)[0] for pdu in pdus}) == 1
    assert "".join(GSM7.decode(pdu.short_message, 0) for pdu in pdus) == TEXT
    assert all(pdu.esm_class == 0 for pdu in pdus)


def test_parts_by_both_at_once() -> None:
    pdus = check("parts_sar_udh", 3)
    assert joined(pdus) == TEXT
    assert [sar(pdu)[1:] for pdu in pdus] == [(3, 1), (3, 2), (3, 3)]


def test_a_part_that_never_comes() -> None:
    assert [pdu.short_message[5] for pdu in check("parts_lost", 2)] == [1, 3]


def test_a_header_inside_message_payload() -> None:
    pdus = check("parts_payload", 3)
    assert joined(pdus) == TEXT
    assert all(pdu.short_message == b"" for pdu in pdus)


def test_a_part_comes_twice() -> None:
    pdus = check("parts_twice", 4)
    assert joined(pdus) == TEXT
    assert [pdu.short_message[5] for pdu in pdus] == [1, 1, 2, 3]


@pytest.mark.parametrize("name", ["latin1", "utf8", "gsm7_packed"])
def test_parts_are_written_in_the_alphabet_of_data_coding_0(name: str) -> None:
    assert joined(check("parts_8", 3, data_coding_0=name), Texts(name)) == TEXT


def test_parts_of_another_data_coding() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        pdus = await answers(esme, "parts_8", 3, "привет".encode("utf-16-be"), data_coding=8)
        assert joined(pdus) == "привет"

    play(scenario)
