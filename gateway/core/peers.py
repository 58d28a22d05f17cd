"""The IP addresses that peers have, and the networks that they are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
FORWARDED_MAX = 20
"""Addresses of X-Forwarded-For that are looked at."""


def is_allowed(address: str, networks: Sequence[Network]) -> bool:
    """Whether an IP address is in one of the networks; any address is if there are none."""
    if not networks:
        return True
    ip = _ip_of(address)
    return any(ip in network for network in networks if network.version == ip.version)


@lru_cache(maxsize=1024)
def _ip_of(address: str) -> IPv4Address | IPv6Address:
    """The address, one of IPv4 also where a socket for both versions writes it in the new form."""
    ip = ip_address(address)
    return getattr(ip, "ipv4_mapped", None) or ip


def client_address(peer: str, headers: Mapping[str, str], proxies: Sequence[Network]) -> str:
    """Who asks, behind proxies that are believed: the last address before them."""
    getall = getattr(headers, "getall", None)
    lines = getall("X-Forwarded-For", ()) if getall is not None else (headers.get("X-Forwarded-For", ""),)
    known = peer
    for text in reversed(",".join(lines).split(",")[-FORWARDED_MAX:]):
        address = plain_address(text.strip())
        if not address:
            break
        known = address
        if not is_allowed(address, proxies):
            break
    return known


def plain_address(text: str) -> str:
    """An IP address in its usual form, one of IPv4 that IPv6 wraps without its wrapping; "": it is none."""
    try:
        ip = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(ip, "ipv4_mapped", None) or ip)
