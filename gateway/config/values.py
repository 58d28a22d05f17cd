"""Single values: what was written to what is meant, or a reason why not.

Texts are taken as written, so `007` and `3.4` need no quotes; numbers are read by rules of our own, because
YAML 1.1 takes `010` for eight and `12:30` for 750.
"""

from __future__ import annotations

import os
import re
import stat
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode

from gateway.config.basics import USUAL_PORTS, Address, Network, Option, Url
from gateway.config.line_file import MAX_OCTETS
from gateway.config.nodes import file_of, is_null, is_plain
from gateway.config.number_file import NumberFile, parse_numbers
from gateway.config.price_file import PriceFile, parse_prices
from gateway.config.secret import Secret
from gateway.config.store_url import StoreUrl, UrlError

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*(_[0-9]+)*)", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.(?!-)[A-Za-z0-9_-]{1,63})*\.?", re.ASCII)
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(.*)", re.ASCII | re.DOTALL)
_URL_PLACE = re.compile(r"(\[[^]]*\]|[^:]*)(?::([0-9]{1,6}))?", re.ASCII)
_URL_PATH = re.compile(r"(/(?!\.\.?(/|$))[\w.~-]+)*/?", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_MAX_DIGITS = 18
_MAX_SHOWN = 60
_MAX_SECRET_OCTETS = 4096
_SECRET_SOURCES = ("file", "env", "credential")
_taken: dict[str, str] = {}
"""Variables with secrets, taken out of the environment so that no process that is started inherits them; a
reload finds them here."""


class BadValueError(Exception):
    """A value that cannot be used: `text` says why, `fix` what to write."""

    def __init__(self, text: str, fix: str) -> None:
        super().__init__(text)
        self.text = text
        self.fix = fix


def scalar(node: Node) -> ScalarNode:
    """The node as a single value."""
    if not isinstance(node, ScalarNode):
        raise BadValueError("must be a single value", "write one value after the colon")
    if is_null(node):
        raise BadValueError("has no value", "write one after the colon, or remove the line")
    return node


def to_int(node: Node, option: Option) -> int:
    """A whole number within the option's limits."""
    text = scalar(node).value
    if not _INTEGER.fullmatch(text) or not is_plain(scalar(node)) or len(text) > _MAX_DIGITS:
        raise BadValueError("must be a whole number", f"write digits without quotes{_limits(option)}")
    return int(_within(int(text), option))


def to_float(node: Node, option: Option) -> float:
    """A number within the option's limits."""
    text = scalar(node).value
    if not _NUMBER.fullmatch(text) or not is_plain(scalar(node)) or len(text) > _MAX_DIGITS:
        raise BadValueError("must be a number", f"write digits without quotes{_limits(option)}")
    return _within(float(text), option)


def to_bool(node: Node, option: Option) -> bool:
    """true or false."""
    value = _BOOLEANS.get(scalar(node).value.lower()) if is_plain(scalar(node)) else None
    if value is None:
        raise BadValueError("must be true or false", "write true or false without quotes")
    return value


def to_text(node: Node, option: Option) -> str:
    """A text; one with a limit goes out in a PDU and has to be printable ASCII."""
    return _bounded(scalar(node).value, option)


def to_choice(node: Node, choices: tuple[str, ...]) -> str:
    """One of the words that the option knows."""
    text: str = scalar(node).value
    if text not in choices:
        raise BadValueError(f"{quoted(text)} is not one of its values", f"write {one_of(choices)}")
    return text


def to_address(node: Node, option: Option) -> Address:
    """host:port, with an IPv6 host in brackets."""
    text: str = scalar(node).value
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit():
        raise BadValueError(f"{quoted(text)} names no port", "write host:port, for example 127.0.0.1:2775")
    if not 1 <= int(port[:6]) <= 65_535:
        raise BadValueError(f"port {quoted(port)} does not exist", "write a port from 1 to 65535")
    bracketed = host.startswith("[") and host.endswith("]")
    if ":" in host and not bracketed:
        raise BadValueError("an IPv6 address without brackets", f"write '[{host[:_MAX_SHOWN]}]:{port}'")
    host = host[1:-1] if bracketed else host
    if not _is_host(host, bracketed):
        raise BadValueError(
            f"{quoted(host)} is neither an address nor a host name",
            "write for example 0.0.0.0:2775 or '[::]:2775'",
        )
    return Address(host, int(port))


def to_url(node: Node, option: Option) -> Url:
    """http:// or https:// with a host, a port if it is not the usual one, and what all paths begin with."""
    text: str = scalar(node).value
    found = _URL.fullmatch(text)
    example = "write for example https://smscentre.com"
    if found is None:
        raise BadValueError(f"{quoted(text)} has no scheme", example)
    scheme, place, path, rest = found[1].lower(), found[2], found[3], found[4]
    if scheme not in USUAL_PORTS:
        raise BadValueError(f"{quoted(scheme)} is no scheme of this service", example)
    if "@" in place:  # what stands before it is a password, so nothing is shown
        raise BadValueError("has a login in it", "write the host only; the login has options of its own")
    if rest:
        raise BadValueError(f"goes on after {rest[0]!r}", "write scheme, host and path only")
    if not _URL_PATH.fullmatch(path):
        raise BadValueError(f"{quoted(path)} is no plain path", "use letters, digits and / . _ ~ -")
    parts = _URL_PLACE.fullmatch(place)
    host = parts[1] if parts else place
    bracketed = host.startswith("[")
    host = host[1:-1] if bracketed else host
    if parts is None or not _is_host(host, bracketed):
        raise BadValueError(f"{quoted(place)} is no host with a port", f"{example} or https://[::1]:8443")
    port = int(parts[2] or USUAL_PORTS[scheme])
    if not 1 <= port <= 65_535:
        raise BadValueError(f"port {port} does not exist", "write a port from 1 to 65535")
    return Url("https" if scheme == "https" else "http", host, port, path.removesuffix("/"))


def to_network(node: Node, option: Option) -> Network:
    """An address, or a network in CIDR form."""
    text: str = scalar(node).value
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        network = ip_interface(text).network
    except ValueError:
        raise BadValueError(
            f"{quoted(text)} is not a network", "write for example 192.0.2.0/24 or 192.0.2.7"
        ) from None
    raise BadValueError(
        f"{quoted(text)} has bits beyond its prefix", f"write {network}, or one address without /"
    )


def to_path(node: Node, option: Option) -> Path:
    """A readable file, or one that we make; a relative path starts at the file it is written in."""
    path: Path = file_of(node).parent / scalar(node).value
    if not option.we_make:
        read_octets(path, 1, private=option.private)
    return path


def to_price_file(node: Node, option: Option) -> PriceFile:
    """The prices in a file, and its lines that cannot be used; a relative path starts as above."""
    path: Path = file_of(node).parent / scalar(node).value
    return parse_prices(path, read_octets(path, MAX_OCTETS + 1, private=False))


def to_number_file(node: Node, option: Option) -> NumberFile:
    """The numbers in a file, and its lines that cannot be used; a relative path starts as above."""
    path: Path = file_of(node).parent / scalar(node).value
    return parse_numbers(path, read_octets(path, MAX_OCTETS + 1, private=False))


def to_secret(node: Node, option: Option) -> Secret:
    """A secret written out, or found where the mapping says."""
    text = _found_secret(node) if isinstance(node, MappingNode) else scalar(node).value
    if not text:
        raise BadValueError(
            "is empty", "write the secret, or {file: PATH}, {env: NAME} or {credential: NAME}"
        )
    return Secret(_bounded(text, option))


def to_store_url(node: Node, option: Option) -> StoreUrl:
    """The address of a PostgreSQL, which is a secret because a password may stand in it."""
    try:
        return StoreUrl(to_secret(node, option).reveal())
    except UrlError as error:
        raise BadValueError(error.text, error.fix) from None


def read_octets(path: Path, limit: int, *, private: bool) -> bytes:
    """At most `limit` octets of a file, refused when `private` and readable by everybody."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            octets = file.read(limit)
    except OSError as error:
        raise BadValueError(
            f"{path} cannot be read: {error.strerror}", "check path and permissions"
        ) from None
    if private and mode & stat.S_IROTH:
        raise BadValueError(f"{path} can be read by everybody", f"run chmod 0640 {path}")
    return octets


def one_of(words: tuple[str, ...]) -> str:
    """The words as a list for people: a, b or c."""
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


def quoted(text: str) -> str:
    """What was written, for a message: in quotes and not longer than a line."""
    return repr(text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…")


def shown(number: float) -> str:
    """The number as people write it: without exponent, and without .0."""
    return str(int(number)) if number == int(number) else str(number)


def _limits(option: Option) -> str:
    return (
        f", {shown(option.low)} to {shown(option.high)}"
        if option.low is not None and option.high is not None
        else ""
    )


def _within(number: float, option: Option) -> float:
    low = option.low if option.low is not None else number
    high = option.high if option.high is not None else number
    if not low <= number <= high:
        raise BadValueError(f"{shown(number)} is out of range", f"write {shown(low)} to {shown(high)}")
    return number


def _bounded(text: str, option: Option) -> str:
    if option.max_octets is not None and not (text.isascii() and text.isprintable()):
        raise BadValueError("has characters outside printable ASCII", "write ASCII letters, digits and signs")
    longest = longest_text(option)
    if longest is not None and len(text) > longest:
        raise BadValueError(f"has {len(text)} characters", f"write at most {longest}")
    return text


def longest_text(option: Option) -> int | None:
    """How many characters a text may have; None: any number."""
    return option.max_characters if option.max_octets is None else option.max_octets


def _is_host(host: str, bracketed: bool) -> bool:
    try:
        version = ip_address(host).version
    except ValueError:
        looks_numeric = re.fullmatch(r"[0-9.]+", host) is not None
        return not bracketed and not looks_numeric and bool(_HOST_NAME.fullmatch(host))
    return (version == 6) == bracketed


def _found_secret(node: MappingNode) -> str:
    entries = {key.value: value for key, value in node.value if isinstance(key, ScalarNode)}
    if len(node.value) != 1 or not entries or not entries.keys() <= set(_SECRET_SOURCES):
        raise BadValueError(
            "is no source of a secret", "write {file: PATH}, {env: NAME} or {credential: NAME}"
        )
    [(source, value)] = entries.items()
    name: str = scalar(value).value
    if source == "env":
        if not _VARIABLE.fullmatch(name):
            raise BadValueError(f"{quoted(name)} is no variable's name", "write letters, digits and _")
        if name in os.environ:
            _taken[name] = os.environ.pop(name)
        if name not in _taken:
            raise BadValueError(
                f"the environment has no {name}", f"set {name}, in a unit by EnvironmentFile="
            )
        return _taken[name]
    path = file_of(node).parent / name if source == "file" else _credential(name)
    octets = read_octets(path, _MAX_SECRET_OCTETS + 1, private=True)
    if len(octets) > _MAX_SECRET_OCTETS:
        raise BadValueError(f"{path} is too large for a secret", "check that this is the right file")
    try:
        return octets.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise BadValueError(f"{path} is not text", "check that this is the right file") from None


def _credential(name: str) -> Path:
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise BadValueError(
            "there is no CREDENTIALS_DIRECTORY",
            f"start by systemd with LoadCredential={name}:PATH in the unit",
        )
    if "/" in name or name in ("", ".", ".."):
        raise BadValueError(
            f"{quoted(name)} is no credential's name", "write the name before the colon of LoadCredential="
        )
    return Path(directory) / name


TO_VALUE: dict[Any, Any] = {
    int: to_int,
    float: to_float,
    bool: to_bool,
    str: to_text,
    Address: to_address,
    Url: to_url,
    Network: to_network,
    Path: to_path,
    NumberFile: to_number_file,
    PriceFile: to_price_file,
    Secret: to_secret,
    StoreUrl: to_store_url,
}
