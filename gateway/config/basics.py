"""What the sections of the configuration are made of: documented fields, addresses, TLS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Any, Literal, NamedTuple

Network = IPv4Network | IPv6Network

USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What a field's metadata says: meaning, example and limits.

    `low` and `high` bound a number, `max_octets` a text in ASCII, `max_characters` any text, `min_items` a
    list; a `private` file must not be readable by everybody, and one that `we_make` need not be there.
    `may_be_empty` tells '' from the default. `example` is the value as written in YAML; without one the
    default is printed. `is_open` keeps a list that may be left out without # in the printed example.
    """

    doc: str
    example: str | None = None
    low: float | None = None
    high: float | None = None
    max_octets: int | None = None
    max_characters: int | None = None
    min_items: int = 0
    private: bool = False
    we_make: bool = False
    may_be_empty: bool = False
    is_open: bool = False


def about(doc: str, **limits: Any) -> Mapping[str, Option]:
    """The metadata of one field; `limits` are the fields of `Option`."""
    return {"option": Option(doc=doc, **limits)}


class Address(NamedTuple):
    """A TCP address: `host` is a name or an IP address without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether what is sent there cannot leave this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def is_public(self) -> bool:
        """Whether strangers can reach a socket there, as far as can be seen: a name tells nothing."""
        try:
            ip = ip_address(self.host)
        except ValueError:
            return False
        return ip.is_unspecified or ip.is_global


class Url(NamedTuple):
    """Where an HTTP service is: `host` without brackets, `path` "" or "/…" without a slash at its end."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == USUAL_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    @property
    def is_loopback(self) -> bool:
        """Whether what is sent there cannot leave this machine."""
        return Address(self.host, self.port).is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsServer:
    """TLS 1.2 or later for the clients of a listener."""

    certificate: Path = field(
        metadata=about("PEM file with the certificate and its chain.", example="/etc/smsc-gateway/tls.pem")
    )
    key: Path = field(
        metadata=about(
            "PEM file with the private key; must not be readable by everybody.",
            example="/etc/smsc-gateway/tls.key",
            private=True,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsClient:
    """TLS 1.2 or later towards a server; its name and chain are verified."""

    ca: Path | None = field(
        default=None,
        metadata=about(
            "PEM file with the authorities to trust; without it the system's.",
            example="/etc/smsc-gateway/smsc-ca.pem",
        ),
    )
    server_name: str | None = field(
        default=None,
        metadata=about(
            "Name the certificate must carry; without it the host of the address.",
            example="smpp.example.net",
        ),
    )
    certificate: Path | None = field(
        default=None,
        metadata=about(
            "PEM file with our certificate, if the server asks for one.", example="/etc/smsc-gateway/tls.pem"
        ),
    )
    key: Path | None = field(
        default=None,
        metadata=about(
            "PEM file with its private key; must not be readable by everybody.",
            example="/etc/smsc-gateway/tls.key",
            private=True,
        ),
    )
