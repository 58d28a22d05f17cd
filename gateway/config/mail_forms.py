"""The forms of what the options of mail hold: host names, addresses, numbers, templates."""

from __future__ import annotations

import re

from gateway.config.sections import Reading
from gateway.config.values import quoted

_LABEL = "(?!-)[a-z0-9-]{1,63}(?<!-)"
# the last label is no number, or 192.0.2.1 would be a name
_HOST = re.compile(rf"(?=.{{1,253}}$)({_LABEL}\.)*(?![0-9]+$){_LABEL}", re.ASCII)
_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"  # RFC 5321 §4.1.2
_LOCAL = re.compile(rf"(?=.{{1,64}}$){_ATOM}(\.{_ATOM})*", re.ASCII)
_NUMBER = re.compile("[+]?[1-9][0-9]{6,14}", re.ASCII)  # ITU-T E.164
_NAME = re.compile("[A-Za-z0-9_]+([.-][A-Za-z0-9_]+)*", re.ASCII)


def check_host(host: str, key: str, reading: Reading) -> None:
    """Whether `host` is a name in small letters."""
    if not _HOST.fullmatch(host):
        reading.note(key, f"{quoted(host)} is no host name in small letters", f"write {_host_like(host)}")


def _host_like(text: str) -> str:
    """The name that was meant, or an example."""
    try:
        host = text.lower().encode("idna").decode()
    except UnicodeError:
        host = ""
    return host if _HOST.fullmatch(host) else "for example sms.example.org"


def is_address(text: str) -> bool:
    """Whether `text` is a mail address without quotes or comments."""
    local, at, host = text.rpartition("@")
    return bool(at and _LOCAL.fullmatch(local) and _HOST.fullmatch(host.lower()))


def is_domain(text: str) -> bool:
    """Whether `text` is @ and a host name."""
    return text.startswith("@") and _HOST.fullmatch(text[1:].lower()) is not None


def check_address(text: str, key: str, reading: Reading) -> None:
    """Whether `text` is a mail address."""
    if not is_address(text):
        reading.note(key, f"{quoted(text)} is no mail address", "write for example ops@example.org")


def is_number(text: str) -> bool:
    """Whether `text` is an international number."""
    return _NUMBER.fullmatch(text) is not None


def check_number(text: str, key: str, reading: Reading) -> None:
    """Whether `text` is an international number."""
    if not is_number(text):
        fix = "write 7 to 15 digits with the country's code, for example '79991234567'"
        reading.note(key, f"{quoted(text)} is no international number", fix)


def is_name(text: str) -> bool:
    """Whether `text` can be an address's part before the @ without being taken for a number."""
    return _NAME.fullmatch(text) is not None and not re.sub("[._-]", "", text).isdigit()


def check_template(text: str, key: str, reading: Reading, places: tuple[str, ...]) -> None:
    """Whether what stands in braces are the `places` that will be filled in."""
    if not reading.is_good(key):
        return
    for found in re.findall(r"\{[^{}]*\}|[{}]", text):
        if found not in places:
            reading.note(key, f"{quoted(found)} stands for nothing", f"in braces write {' or '.join(places)}")
            return
