"""TLVs beyond the specification, as the configuration names them: which ones pass, and what they may hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.config.connector_model import VendorTlv
from protocols.smpp import tlv

_TAG_BY_NAME = {spec.name: tag for tag, spec in tlv.TABLE.items()}
_MOST = 64
"""As many TLVs as a PDU may have."""


class VendorTlvs:
    """The configured TLVs."""

    def __init__(self, configured: Iterable[VendorTlv] = ()) -> None:
        self._by_tag = {int(one.tag, 16): one for one in configured}
        self._by_name = {one.name: tag for tag, one in self._by_tag.items()}

    def __bool__(self) -> bool:
        return bool(self._by_tag)

    def tag_of(self, name: str) -> int:
        """The tag that a name of the specification or of the configuration, or "0x1400", stands for."""
        if name.lower().startswith("0x"):
            return int(name, 16)
        return self._by_name[name] if name in self._by_name else _TAG_BY_NAME[name]

    def tags_of(self, names: Iterable[str]) -> frozenset[int]:
        """The tags of several names."""
        return frozenset(map(self.tag_of, names))

    def fits(self, tag: int, value: bytes) -> bool:
        """Whether a value has the form that the configuration gives this tag; a tag without one takes any."""
        known = self._by_tag.get(tag)
        if known is None:
            return True
        if known.type == "integer":
            return 1 <= len(value) <= min(known.max_octets, 8)
        if known.type == "string":
            return len(value.removesuffix(b"\0")) <= known.max_octets and b"\0" not in value[:-1]
        return len(value) <= known.max_octets

    def passing(self, names: Iterable[str]) -> Callable[[bytes], bytes]:
        """What leaves out of TLVs on the wire those that neither the specification has nor these names."""
        passes = self.tags_of(names) | tlv.TABLE.keys()
        return lambda stream: tlv.write_stream(
            pair for pair in tlv.read_stream(stream, 0, _MOST) if pair[0] in passes
        )
