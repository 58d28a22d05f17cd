"""What data_coding 0 means: texts to octets and back."""

from __future__ import annotations

import pytest
from simulator_support import bound, play, submit

from gateway.simulator import Simulator
from gateway.simulator.texts import Texts
from protocols.sms.receipts import parse_text


@pytest.mark.parametrize(
    ("alphabet", "text", "octets"),
    [
        ("gsm7", "@ñ€", b"\0\x7d\x1b\x65"),
        ("latin1", "@ñ", b"@\xf1"),
        ("latin1", "€", b"?"),
        ("ascii", "@n", b"@n"),
        ("ascii", "ñ", b"?"),
        ("utf8", "@ñ€", "@ñ€".encode()),
        ("gsm7_packed", "hellohello", bytes.fromhex("e8329bfd4697d9ec37")),
    ],
)
def test_default_alphabets(alphabet: str, text: str, octets: bytes) -> None:
    assert Texts(alphabet).encode(text, 0) == octets
    assert Texts(alphabet).decode(octets, 0) == (text if b"?" not in octets else "?")


@pytest.mark.parametrize("alphabet", ["gsm7", "latin1", "gsm7_packed"])
@pytest.mark.parametrize(
    ("data_coding", "text", "octets"),
    [(3, "ñ", b"\xf1"), (8, "я", b"\x04\x4f"), (0xF1, "@", b"\0")],
)
def test_other_data_codings_mean_the_same_everywhere(
    alphabet: str, data_coding: int, text: str, octets: bytes
) -> None:
    assert Texts(alphabet).encode(text, data_coding) == octets
    assert Texts(alphabet).decode(octets, data_coding) == text


def test_packed_text_begins_at_a_septet_behind_its_header() -> None:
    packed = Texts("gsm7_packed")
    octets = packed.encode("hi there", 0, 6)
    assert octets != packed.encode("hi there", 0)
    assert packed.decode(octets, 0, 6) == "hi there"


def test_the_receipt_quotes_packed_text_as_characters() -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        await esme.request(submit("15550001", Texts("gsm7_packed").encode("hellohello", 0)))
        receipt = parse_text((await esme.delivery()).short_message)
        assert receipt is not None and receipt.text == "hellohello"

    play(scenario, data_coding_0="gsm7_packed")


@pytest.mark.parametrize(
    ("data_coding_0", "octets"),
    [
        ("gsm7", "00 20 01"),
        ("latin1", "40 20 a3"),
        ("utf8", "40 20 c2 a3"),
        ("ascii", "40 20 3f"),
        ("gsm7_packed", "40 20 a3"),
    ],
)
def test_the_receipt_quotes_ucs2_in_the_alphabet_of_the_smsc(data_coding_0: str, octets: str) -> None:
    async def scenario(simulator: Simulator) -> None:
        esme = await bound(simulator)
        await esme.request(submit("15550001", "@ £".encode("utf-16-be"), data_coding=8))
        receipt = await esme.delivery()
        assert receipt.short_message.endswith(b" text:" + bytes.fromhex(octets))

    play(scenario, data_coding_0=data_coding_0)
