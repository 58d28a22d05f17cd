"""Which addresses a client's URL may lead to: public ones, and networks that the operator allows.

A client names the URL, so he could name what only we can reach: this machine, its network, the metadata
service of a cloud.  An address that wraps another one (IPv4 in IPv6, by mapping or for a translator) is
judged by the one within.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from gateway.config.basics import Network

Address = IPv4Address | IPv6Address

_NOT_PUBLIC_4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # shared by customers of a provider
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local, metadata services
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
_PUBLIC_6: Final = IPv6Network("2000::/3")
_NOT_PUBLIC_6: Final = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments, Teredo among them
            "2001:db8::/32",  # documentation
            "3fff::/20",  # documentation
        ),
    )
)
_WRAPPING: Final = (
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64
    (IPv6Network("2002::/16"), 80),  # 6to4
)
"""Networks whose addresses hold one of IPv4, and how many bits stand behind it."""


def refusal_of(text: str, allowed: Iterable[Network] = ()) -> str:
    """Why nothing is sent to this IP address; "": it may be called."""
    try:
        address = ip_address(text)
    except ValueError:
        return "it is no IP address"
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return "it is of one link only"
    if any(_is_in(each, network) for each in (address, _inner(address)) for network in allowed):
        return ""
    return "" if _is_public(_inner(address)) else "it is not public, and not in http.call_networks"


def _is_in(address: Address, network: Network) -> bool:
    return address.version == network.version and address in network


def _inner(address: Address) -> Address:
    if isinstance(address, IPv6Address):
        for network, behind in _WRAPPING:
            if address in network:
                return IPv4Address(int(address) >> behind & 0xFFFF_FFFF)
    return address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)
