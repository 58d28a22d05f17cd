"""Which commands and TLVs belong to which version of SMPP (SMPP v3.4 §3.4, SMPP v5.0 §2, §4.8.4).

A version is the number that interface_version gives it: 0x33, 0x34 or 0x50. Versions are upwards compatible,
so a table of what a later one has added says everything.
"""

from __future__ import annotations

from typing import Final

from protocols.smpp import constants as c
from protocols.smpp import tlv

V33: Final = c.INTERFACE_VERSION_33
V34: Final = c.INTERFACE_VERSION_34
V50: Final = c.INTERFACE_VERSION_50

COMMANDS_SINCE: Final[dict[int, int]] = {
    c.BIND_RECEIVER: V33,
    c.BIND_TRANSMITTER: V33,
    c.QUERY_SM: V33,
    c.SUBMIT_SM: V33,
    c.DELIVER_SM: V33,
    c.UNBIND: V33,
    c.REPLACE_SM: V33,
    c.CANCEL_SM: V33,
    c.ENQUIRE_LINK: V33,
    c.SUBMIT_MULTI: V33,
    c.BIND_TRANSCEIVER: V34,
    c.OUTBIND: V34,
    c.DATA_SM: V34,
    c.ALERT_NOTIFICATION: V34,
    c.BROADCAST_SM: V50,
    c.QUERY_BROADCAST_SM: V50,
    c.CANCEL_BROADCAST_SM: V50,
}
"""command_id of a request → the first version that has it. Responses go with their requests."""

TLVS_OF_50: Final = frozenset(
    {
        tlv.CONGESTION_STATE,
        tlv.BROADCAST_CHANNEL_INDICATOR,
        tlv.BROADCAST_CONTENT_TYPE,
        tlv.BROADCAST_CONTENT_TYPE_INFO,
        tlv.BROADCAST_MESSAGE_CLASS,
        tlv.BROADCAST_REP_NUM,
        tlv.BROADCAST_FREQUENCY_INTERVAL,
        tlv.BROADCAST_AREA_IDENTIFIER,
        tlv.BROADCAST_ERROR_STATUS,
        tlv.BROADCAST_AREA_SUCCESS,
        tlv.BROADCAST_END_TIME,
        tlv.BROADCAST_SERVICE_GROUP,
        tlv.BILLING_IDENTIFICATION,
        tlv.SOURCE_NETWORK_ID,
        tlv.DEST_NETWORK_ID,
        tlv.SOURCE_NODE_ID,
        tlv.DEST_NODE_ID,
        tlv.DEST_ADDR_NP_RESOLUTION,
        tlv.DEST_ADDR_NP_INFORMATION,
        tlv.DEST_ADDR_NP_COUNTRY,
    }
)
"""Tags that 5.0 has added; all others of `tlv.TABLE` are in 3.4."""

COMMANDS: Final[dict[int, frozenset[int]]] = {
    version: frozenset(command for command, since in COMMANDS_SINCE.items() if since <= version)
    for version in (V33, V34, V50)
}
"""Version → the requests that it has."""


def version_of(interface_version: int) -> int:
    """The version that an interface_version octet stands for.

    0x00–0x33 is 3.3 (SMPP v3.4 §5.2.4); peers that invent a number between ours mean the one below it.
    """
    if interface_version < V34:
        return V33
    return V34 if interface_version < V50 else V50


def negotiated(ours: int, peers: int) -> int:
    """The version that both ends speak: the older of the two (SMPP v3.4 §3.4)."""
    return version_of(min(ours, peers))


def has_tlvs(version: int) -> bool:
    """Whether PDUs of this version may carry TLVs; 3.3 has none."""
    return version >= V34


def knows(version: int, command_id: int) -> bool:
    """Whether this version has the command; a response goes with its request, generic_nack is in all."""
    if command_id == c.GENERIC_NACK:
        return True
    since = COMMANDS_SINCE.get(command_id & ~c.RESPONSE_BIT)
    return since is not None and since <= version_of(version)


def knows_tlv(version: int, tag: int) -> bool:
    """Whether this version has the tag. Vendors' tags (0x1400–0x3FFF) belong to every version with TLVs."""
    if version < V34:
        return False
    if tag in TLVS_OF_50:
        return version >= V50
    return tag in tlv.TABLE or tlv.is_vendors(tag)
