"""Security 62: what a client's URL leads to is public, or allowed by the operator."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.egress.call_addresses import refusal_of

PUBLIC = [
    *("8.8.8.8", "93.184.215.14", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0"),
    *("192.0.1.0", "198.17.255.255", "223.255.255.255", "126.255.255.255", "128.0.0.0"),
    *("2606:4700::1111", "2a00:1450:4010::64", "2001:4860:4860::8888"),
    *("::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"),
]
NOT_PUBLIC = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255"),
    *("192.168.1.1", "169.254.169.254", "169.254.0.1", "100.64.0.1", "100.127.255.255", "192.0.0.170"),
    *("192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "198.19.255.255", "224.0.0.1"),
    *("239.255.255.250", "240.0.0.1", "255.255.255.255", "192.88.99.1"),
    *("::", "::1", "::7f00:1", "::8.8.8.8", "fe80::1", "fe80::1%lo", "fec0::1", "fc00::1", "fd00:ec2::254"),
    *("ff02::1", "ff0e::1", "2001:db8::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "100::1"),
    *("3fff::1", "4000::1", "64:ff9b:1::1", "64:ff9b:1::808:808", "5f00::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::ffff:0:8.8.8.8"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::a00:1", "2002:7f00:1::1", "2002:a9fe:a9fe::"),
    *("2002:c0a8:101::", "2002:e000:1::"),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_called(address: str) -> None:
    assert refusal_of(address) == ""


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_security_62_others_are_not(address: str) -> None:
    assert refusal_of(address)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f000001", "2130706433", "[::1]", "1.2.3.4 "])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert refusal_of(text, [ip_network("0.0.0.0/0"), ip_network("::/0")])


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("127.0.0.1", "127.0.0.0/8"),
        ("::ffff:127.0.0.1", "127.0.0.0/8"),
        ("64:ff9b::a00:1", "10.0.0.0/8"),
        ("::1", "::1/128"),
        ("fd00::5", "fd00::/8"),
        ("64:ff9b:1::a00:1", "64:ff9b:1::/48"),
    ],
)
def test_allowed_networks_are_called(address: str, network: str) -> None:
    assert refusal_of(address)
    assert refusal_of(address, [ip_network(network)]) == ""
    assert refusal_of(address, [ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")])


@given(st.integers(0, 2**32 - 1))
def test_of_ipv4_nothing_passes_that_the_registries_keep_back(number: int) -> None:
    address = IPv4Address(number)
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_loopback:
        assert refusal_of(str(address))
    if refusal_of(str(address)):
        for wrapped in (
            f"::ffff:{address}",
            f"64:ff9b::{address}",
            str(IPv6Address((0x2002 << 112) | number << 80)),
        ):
            assert refusal_of(wrapped)


@given(st.integers(0, 2**128 - 1))
def test_of_ipv6_nothing_passes_that_the_registries_keep_back(number: int) -> None:
    address = IPv6Address(number)
    special = address.is_multicast or address.is_reserved or address.is_link_local or address.is_site_local
    if not address.is_global or special or address.is_unspecified:
        assert refusal_of(str(address))


@given(st.ip_addresses(v=4), st.integers(8, 32))
def test_an_allowed_network_allows_itself_and_no_other(address: IPv4Address, bits: int) -> None:
    network = ip_network(f"{address}/{bits}", strict=False)
    assert refusal_of(str(address), [network]) == ""
    beyond = IPv4Address((int(network.broadcast_address) + 1) % 2**32)
    assert refusal_of(str(beyond), [network]) == refusal_of(str(beyond))


@given(st.text(max_size=50))
def test_any_text_is_answered(text: str) -> None:
    assert isinstance(refusal_of(text), str)


def test_security_62_an_address_of_one_link_is_none_whatever_is_allowed() -> None:
    assert refusal_of("fe80::1%eth0", [ip_network("fe80::/10")]) == "it is of one link only"
    assert refusal_of("2606:4700::1%eth0") == "it is of one link only"
    assert refusal_of("fe80::1", [ip_network("fe80::/10")]) == ""


def test_security_62_no_address_of_a_protocol_is_called() -> None:
    for address in ("2001::1", "2001:1::1", "2001:10::1", "2001:20::1", "2001:1ff:ffff::1"):
        assert refusal_of(address)
    assert refusal_of("2001:200::1") == ""
