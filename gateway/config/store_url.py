"""Where the store is when it is PostgreSQL: a connection URI, as libpq reads it, without libpq.

Only who has such a store pays for psycopg, and who checks a configuration may have none. What is looked at
here is the form; what an address may hold is libpq's (`postgresql://user@host1,host2/db?sslmode=…`), and so
are .pgpass, PGSERVICE and the PG… variables, from which comes whatever the address leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote

from gateway.config.basics import Address
from gateway.config.secret import Secret

PARAMETERS = frozenset(
    {
        *("host", "hostaddr", "port", "dbname", "user", "password", "passfile", "service"),
        *("require_auth", "channel_binding", "connect_timeout", "client_encoding", "options"),
        *("application_name", "fallback_application_name", "keepalives", "keepalives_idle"),
        *("keepalives_interval", "keepalives_count", "tcp_user_timeout", "replication", "gssencmode"),
        *("sslmode", "requiressl", "sslnegotiation", "sslcompression", "sslcert", "sslkey", "sslpassword"),
        *("sslcertmode", "sslrootcert", "sslcrl", "sslcrldir", "sslsni", "requirepeer"),
        *("ssl_min_protocol_version", "ssl_max_protocol_version", "min_protocol_version"),
        *("max_protocol_version", "krbsrvname", "gsslib", "gssdelegation", "target_session_attrs"),
        *("load_balance_hosts", "ssl"),
    }
)
"""What libpq takes after the question mark (PostgreSQL 15 to 18)."""
ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})
SSL_MODES = frozenset({"disable", "allow", "prefer", *ENCRYPTED})
_URI = re.compile(r"(postgresql|postgres)://(?:([^@/?]*)@)?([^/?]*)(?:/([^?]*))?(?:\?(.*))?", re.DOTALL)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(?::([0-9]*))?", re.ASCII)
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class UrlError(ValueError):
    """No address for libpq: `text` says why, without what was written, `fix` what to write."""

    def __init__(self, text: str, fix: str) -> None:
        super().__init__(text)
        self.text = text
        self.fix = fix


class StoreParts(NamedTuple):
    """What an address says; "" and nothing is what libpq finds elsewhere."""

    user: str
    password: str
    hosts: tuple[str, ...]
    """Names, addresses without brackets, or folders of Unix sockets."""
    ports: tuple[str, ...]
    """As many as there are hosts; "": the usual one."""
    database: str
    parameters: Mapping[str, str]

    @property
    def is_local(self) -> bool:
        """Whether nothing of it can leave this machine; an address without a host is a Unix socket, unless
        the environment knows better."""
        return all(
            not host or host.startswith(("/", "@")) or Address(host, 0).is_loopback for host in self.hosts
        )


class StoreUrl(Secret):
    """The address of a store on PostgreSQL; shown without its password."""

    __slots__ = ("parts",)

    def __init__(self, url: str) -> None:
        """UrlError when it is no such address."""
        super().__init__(url)
        self.parts = parts_of(url)

    def __str__(self) -> str:
        return without_password(self.reveal())

    def __repr__(self) -> str:
        return f"StoreUrl({self})"


def parts_of(url: str) -> StoreParts:
    """An address taken apart; UrlError when libpq would not take it."""
    found = _URI.fullmatch(url)
    if found is None:
        scheme = url.partition("://")[0].lower() if "://" in url else ""
        if scheme.startswith("sqlite"):
            raise UrlError("names SQLite", "remove the line: SQLite in the state directory is the default")
        raise UrlError("is no address of PostgreSQL", "write for example postgresql://gateway@db1/smsc")
    login, places, database, query = (found[number] or "" for number in range(2, 6))
    if _ESCAPE.search(url):
        raise UrlError("has a % that no two digits follow", "write %25 for a percent sign")
    if not url.isprintable() or " " in url:
        raise UrlError("has a character that cannot stand in an address", "write it as % and two digits")
    user, _, password = login.partition(":")
    parameters = _parameters(query)
    hosts, ports = _places(places)
    if "host" in parameters or "hostaddr" in parameters:
        hosts = tuple((parameters.get("host") or parameters["hostaddr"]).split(","))
        ports = tuple(parameters.get("port", "").split(",")) if "port" in parameters else ("",) * len(hosts)
    return StoreParts(
        user=unquote(user) or parameters.get("user", ""),
        password=unquote(password) or parameters.get("password", ""),
        hosts=hosts,
        ports=ports,
        database=unquote(database) or parameters.get("dbname", ""),
        parameters=parameters,
    )


def without_password(url: str) -> str:
    """The same address for people: without the passwords that may stand in it."""
    url = re.sub(r"^([^/?@]*://[^/?@:]*):[^@/?]*@", r"\1@", url)
    return re.sub(r"([?&](?:ssl)?password=)[^&]*", r"\1********", url)


def _parameters(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in query.split("&") if query else ():
        name, equals, value = word.partition("=")
        if not equals:
            raise UrlError("has a parameter without a value", "write name=value after ?, with & between")
        found[unquote(name)] = unquote(value)
    return found


def _places(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Hosts and ports, as many of one as of the other."""
    hosts: list[str] = []
    ports: list[str] = []
    for place in text.split(","):
        found = _HOST.fullmatch(place)
        if found is None:
            fix = "write host:port, an IPv6 address in brackets, and %40 for an @ in the password"
            raise UrlError("has a host that cannot be read", fix)
        port = found[2] or ""
        if port and not 1 <= int(port[:6]) <= 65_535:
            raise UrlError(f"names port {port[:6]}, which does not exist", "write a port from 1 to 65535")
        hosts.append(unquote(found[1].strip("[]")))
        ports.append(port)
    return tuple(hosts), tuple(ports)
