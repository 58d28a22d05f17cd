"""SMPP sessions as a capture file that Wireshark opens: pure bytes, no I/O.

What the wire had below SMPP is made up from what is known: raw IP packets (LINKTYPE_RAW) with TCP segments
that have the session's addresses and ports, sequence numbers that count what was shown, and checksums that
are right.  Format: pcap 2.4, https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from struct import pack

LINKTYPE_RAW = 101
SNAPLEN = 1 << 18
SEGMENT = 32_768
"""Octets of a stream in one packet at the most; an IP packet has room for 65,535 with its headers."""
_TCP, _HOPS = 6, 64
_PUSH_ACK = 0x18
_TCP_HEADER = 20
_WINDOW = 65_535
NO_ADDRESS = IPv4Address("127.0.0.1")
"""Stands for an end that has no IP address, as one of a Unix socket."""


def file_header() -> bytes:
    """The first 24 octets of the file; times are in microseconds."""
    return pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAPLEN, LINKTYPE_RAW)


class Conversation:
    """One TCP connection: its two ends, and how far each has got."""

    def __init__(self, ours: tuple[str, int], theirs: tuple[str, int]) -> None:
        """Addresses (host, port); a host that is no IP address becomes NO_ADDRESS."""
        ends = [_address(host) for host, _ in (ours, theirs)]
        if ends[0].version != ends[1].version:  # one of them has none
            ends = [_mapped(end) for end in ends]
        self._hosts = ends
        self._ports = (ours[1] & 0xFFFF, theirs[1] & 0xFFFF)
        self._sent = [1, 1]
        """The next sequence number of each end."""

    def records(self, at_ms: int, data: bytes, *, ours: bool) -> bytes:
        """Octets that one end sent at this time (milliseconds since 1970), as records of the file."""
        parts = [data[pos : pos + SEGMENT] for pos in range(0, len(data), SEGMENT)]
        return b"".join([_record(at_ms, self._packet(part, 0 if ours else 1)) for part in parts])

    def _packet(self, data: bytes, sender: int) -> bytes:
        other = 1 - sender
        head = pack(
            "!HHIIBBHHH",
            self._ports[sender],
            self._ports[other],
            self._sent[sender],
            self._sent[other],
            _TCP_HEADER // 4 << 4,
            _PUSH_ACK,
            _WINDOW,
            0,
            0,
        )
        self._sent[sender] = (self._sent[sender] + len(data)) & 0xFFFFFFFF
        source, target = self._hosts[sender], self._hosts[other]
        size = len(head) + len(data)
        if source.version == 4:
            pseudo = source.packed + target.packed + pack("!HH", _TCP, size)
        else:
            pseudo = source.packed + target.packed + pack("!II", size, _TCP)
        head = head[:16] + pack("!H", checksum(pseudo + head + data)) + head[18:]
        return _ip_header(source, target, size) + head + data


def _record(at_ms: int, packet: bytes) -> bytes:
    seconds, ms = divmod(at_ms, 1000)
    return pack("<IIII", seconds & 0xFFFFFFFF, ms * 1000, len(packet), len(packet)) + packet


def _ip_header(source: IPv4Address | IPv6Address, target: IPv4Address | IPv6Address, size: int) -> bytes:
    if source.version == 6:
        return pack("!IHBB", 6 << 28, size, _TCP, _HOPS) + source.packed + target.packed
    start, ends = pack("!BBHHHBB", 0x45, 0, 20 + size, 0, 0x4000, _HOPS, _TCP), source.packed + target.packed
    return start + pack("!H", checksum(start + b"\0\0" + ends)) + ends


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071): the complement of the ones' complement sum of all 16-bit words."""
    if len(data) % 2:
        data += b"\0"
    # 2 ** 16 is 1 modulo 65,535, so the sum of the words is the number itself
    total = int.from_bytes(data, "big") % 0xFFFF
    return 0xFFFF - (total or (0xFFFF if any(data) else 0))


def _address(host: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return NO_ADDRESS


def _mapped(address: IPv4Address | IPv6Address) -> IPv6Address:
    return address if isinstance(address, IPv6Address) else IPv6Address(f"::ffff:{address}")
