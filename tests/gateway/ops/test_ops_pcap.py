"""Capture files: read back by a reader that knows only the formats."""

from __future__ import annotations

from ipaddress import ip_address
from struct import unpack, unpack_from
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ops.pcap import SEGMENT, Conversation, checksum, file_header

AT_MS = 1_750_000_000_123
FOUR = (("192.0.2.1", 2775), ("192.0.2.7", 51234))
SIX = (("2001:db8::1", 2775), ("2001:db8::7", 51234))


class Packet(NamedTuple):
    at_us: int
    source: tuple[str, int]
    target: tuple[str, int]
    sequence: int
    acknowledged: int
    data: bytes


def sum_of_words(data: bytes) -> int:
    """As RFC 1071 §1 does it by hand."""
    data += b"\0" * (len(data) % 2)
    total = sum(unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def read(records: bytes) -> list[Packet]:
    """Packets, after all lengths and checksums have been looked at."""
    found = []
    while records:
        seconds, us, captured, original = unpack_from("<IIII", records)
        packet, records = records[16 : 16 + captured], records[16 + captured :]
        assert captured == original == len(packet)
        found.append(read_packet(seconds * 1_000_000 + us, packet))
    return found


def read_packet(at_us: int, packet: bytes) -> Packet:
    if packet[0] >> 4 == 4:
        size, protocol = unpack_from("!H", packet, 2)[0], packet[9]
        assert (packet[0] & 15, size) == (5, len(packet))
        assert sum_of_words(packet[:20]) == 0xFFFF
        source, target, tcp = packet[12:16], packet[16:20], packet[20:]
    else:
        assert packet[0] >> 4 == 6
        size, protocol = unpack_from("!H", packet, 4)[0], packet[6]
        assert size == len(packet) - 40
        source, target, tcp = packet[8:24], packet[24:40], packet[40:]
    assert protocol == 6
    pseudo = source + target + len(tcp).to_bytes(4, "big") + b"\0\0\0\6"
    assert sum_of_words(pseudo + tcp) == 0xFFFF
    source_port, target_port, sequence, acknowledged, offset = unpack_from("!HHIIB", tcp)
    assert offset == 5 << 4
    ends = ((str(ip_address(source)), source_port), (str(ip_address(target)), target_port))
    return Packet(at_us, *ends, sequence, acknowledged, tcp[20:])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("0001f203f4f5f6f7", 0x220D),  # RFC 1071 §3
        ("450000730000400040110000c0a80001c0a800c7", 0xB861),  # of an IPv4 header
        ("", 0xFFFF),
        ("0000", 0xFFFF),
        ("ffff", 0),
        ("ff", 0x00FF),
    ],
)
def test_checksum(data: str, expected: int) -> None:
    assert checksum(bytes.fromhex(data)) == expected


@given(st.binary(max_size=100))
def test_checksum_is_the_complement_of_the_sum(data: bytes) -> None:
    assert checksum(data) == 0xFFFF - sum_of_words(data)


def test_the_file_begins_as_the_format_says() -> None:
    magic, major, minor, zone, accuracy, longest, kind = unpack("<IHHiIII", file_header())
    assert (magic, major, minor, zone, accuracy) == (0xA1B2C3D4, 2, 4, 0, 0)
    assert (longest >= 65_535, kind) == (True, 101)


@pytest.mark.parametrize("ends", [FOUR, SIX])
def test_a_request_and_its_answer(ends: tuple[tuple[str, int], tuple[str, int]]) -> None:
    session = Conversation(*ends)
    ours, theirs = ends
    asked, answered = read(
        session.records(AT_MS, b"request", ours=False) + session.records(AT_MS + 5, b"answer", ours=True)
    )
    assert (asked.source, asked.target, asked.data) == (theirs, ours, b"request")
    assert (answered.source, answered.target, answered.data) == (ours, theirs, b"answer")
    assert (asked.at_us, answered.at_us) == (AT_MS * 1000, AT_MS * 1000 + 5000)
    assert answered.acknowledged == asked.sequence + len(b"request")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(("", 0), ("", 0)), (("fe80::1%eth0", 2775), ("fe80::2%eth0", 1)), (("192.0.2.1", 2775), ("", 0))],
)
def test_an_end_without_an_address_gets_one(ours: tuple[str, int], theirs: tuple[str, int]) -> None:
    (packet,) = read(Conversation(ours, theirs).records(AT_MS, b"x", ours=True))
    assert packet.data == b"x"


def test_ends_of_two_kinds_are_written_as_ipv6() -> None:
    session = Conversation(("192.0.2.1", 1), ("2001:db8::7", 2))
    (packet,) = read(session.records(AT_MS, b"x", ours=True))
    assert packet.source[0] == "::ffff:192.0.2.1" or packet.source[0] == "::ffff:c000:201"


@given(
    st.sampled_from([FOUR, SIX]),
    st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=50), st.integers(1, 4000)), max_size=12),
)
def test_any_conversation_reads_back(
    ends: tuple[tuple[str, int], tuple[str, int]], pdus: list[tuple[bool, bytes, int]]
) -> None:
    """`pdus`: who sends, a few octets, how often they are repeated: some need several packets."""
    session = Conversation(*ends)
    file, streams = b"", {True: b"", False: b""}
    for ours, octets, times in pdus:
        file += session.records(AT_MS, octets * times, ours=ours)
        streams[ours] += octets * times
    found = {True: b"", False: b""}
    for packet in read(file):
        ours = packet.source == ends[0]
        assert len(packet.data) <= SEGMENT
        assert packet.sequence == 1 + len(found[ours])
        assert packet.acknowledged == 1 + len(found[not ours])
        found[ours] += packet.data
    assert found == streams


def test_sequence_numbers_begin_anew_after_four_gigabytes() -> None:
    session = Conversation(*FOUR)
    session._sent[0] = 0xFFFFFFFE
    session.records(AT_MS, b"12345", ours=True)
    (packet,) = read(session.records(AT_MS, b"x", ours=True))
    assert packet.sequence == 3
