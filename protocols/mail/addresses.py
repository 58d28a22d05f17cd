"""Mail addresses, read strictly: what two readers could read in two ways is no address.

Who may send is decided by addresses, so the danger is not the mail that is refused but the one that
another program reads differently: `"a@good.example" <b@evil.example>` comes from evil.example. Comments,
blanks and folds inside an address, source routes and groups were legal once; here they are errors.
"""

from __future__ import annotations

import re
import unicodedata
from ipaddress import IPv4Address, IPv6Address

MAX_ADDRESS = 254
"""Octets of an address; with its angle brackets it is a path of 256 (RFC 5321 §4.5.3.1.3)."""
MAX_LOCAL = 64
"""Octets of a local part, quotes included (RFC 5321 §4.5.3.1.1)."""
_MAX_LABEL = 63
_MAX_HEADER = 10_000

# RFC 5321 §4.1.2, with RFC 6531 §3.3 for what is beyond ASCII. Possessive: no input makes these go back.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]++"
_DOT_STRING = rf"{_ATOM}(?:\.{_ATOM})*+"
_QUOTED = r'"(?:[ !#-\[\]-~\x80-\U0010ffff]|\\[ -~])++"'
# The underscore is no letter of host names, but machines that send alerts are called so.
_LETTERS = r"[A-Za-z0-9_\x80-\U0010ffff]++"
_LABEL = rf"{_LETTERS}(?:-++{_LETTERS})*+"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*+"

_is_address = re.compile(rf"({_DOT_STRING}|{_QUOTED})@({_DOMAIN}|\[[0-9A-Za-z.:]+\])").fullmatch
_is_dot_string = re.compile(_DOT_STRING).fullmatch
_unescape = re.compile(r"\\(.)").sub
_escape = re.compile(r'(["\\])').sub

# RFC 5322 §3.4, without what is obsolete.
_next_token = re.compile(
    r"(?P<space>[ \t]+)"
    r"|(?P<comma>,)"
    r'|<[ \t]*+(?P<angle>(?:"(?:[^"\\]|\\.)*+"|[^"<>() \t])++)[ \t]*+>'
    r'|"(?P<quoted>(?:[^"\\]|\\.)*+)"'
    r"|(?P<comment>\()"
    r'|(?P<word>[^",<>() \t]+)'
).match
_parentheses = re.compile(r"\\.|[()]").finditer
_has_control = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]").search
_is_doubtful_word = re.compile(r"[@:;\\]").search


def parse_address(text: str) -> tuple[str, str]:
    """An addr-spec as its local part, without quotes and backslashes, and its domain in small letters.

    UTF-8 is allowed in both (RFC 6531); a domain may be an address literal, `[192.0.2.1]`. ValueError for
    everything else, also for what exceeds the limits of RFC 5321 §4.5.3.1.
    """
    match = _is_address(text)
    if match is None:
        raise ValueError("it is not of the form name@domain")
    local, domain = match.group(1, 2)
    if not text.isascii():
        _check_unicode(text, domain)
    if len(text) > MAX_LOCAL or not text.isascii():
        _check_lengths(text, local, domain)
    if local[0] == '"':
        local = _unescape(r"\1", local[1:-1])
    if domain[0] == "[":
        return local, _literal(domain)
    return local, domain.lower()


def format_address(local: str, domain: str) -> str:
    """The address of an unquoted local part at a domain; the local part is quoted where it needs to be."""
    if _is_dot_string(local) is None:
        local = '"' + _escape(r"\\\1", local) + '"'
    return f"{local}@{domain}"


def parse_mailboxes(header_value: str) -> list[tuple[str, str]]:
    """The mailboxes of a From or Sender header as (display name, address) (RFC 5322 §3.4).

    `header_value` is unfolded and its encoded words are not decoded: names are decoded after this, so that
    nothing inside them can become an address. A name may stand in a comment behind the address. Addresses
    are in the form of `format_address`. ValueError for anything doubtful.
    """
    if len(header_value) > _MAX_HEADER:
        raise ValueError(f"it has more than {_MAX_HEADER} characters")
    if _has_control(header_value) is not None:
        raise ValueError("it contains control characters")
    found = []
    mailbox = _Mailbox()
    position = 0
    while position < len(header_value):
        token = _next_token(header_value, position)
        if token is None:
            raise ValueError("a quote or an angle bracket has no partner")
        position = token.end()
        kind = token.lastgroup
        if kind == "comma":
            found.append(mailbox.finish())
            mailbox = _Mailbox()
        elif kind == "comment":
            end = _end_of_comment(header_value, token.start())
            mailbox.add_comment(header_value[position : end - 1])
            position = end
        else:
            mailbox.add(str(kind), token.group(), token[str(kind)])
    found.append(mailbox.finish())
    return found


class _Mailbox:
    """What was read of one mailbox."""

    def __init__(self) -> None:
        self._raw: list[str] = []
        self._words: list[str] = []
        self._doubtful = ""
        self._comment = ""
        self._angle: str | None = None

    def add_comment(self, text: str) -> None:
        self._comment = self._comment or _unescape(r"\1", text).strip()
        self._raw.append(" ")

    def add(self, kind: str, raw: str, value: str) -> None:
        self._raw.append(raw)
        if kind == "space":
            return
        if self._angle is not None:
            raise ValueError("something follows the address")
        if kind == "angle":
            self._angle = value
        elif kind == "quoted":
            self._words.append(_unescape(r"\1", value))
        else:
            self._words.append(value)
            if _is_doubtful_word(value) is not None:
                self._doubtful = value

    def finish(self) -> tuple[str, str]:
        if self._angle is None:
            return self._comment, format_address(*parse_address("".join(self._raw).strip()))
        address = format_address(*parse_address(self._angle))
        # `a@b <a@b>` without quotes is wrong, common, and has one meaning only.
        if self._doubtful and not (len(self._words) == 1 and self._doubtful.lower() == address.lower()):
            raise ValueError("the name before the address needs quotes")
        return " ".join(self._words) or self._comment, address


def _end_of_comment(text: str, start: int) -> int:
    depth = 0
    for match in _parentheses(text, start):
        depth += {"(": 1, ")": -1}.get(match.group(), 0)
        if depth == 0:
            return match.end()
    raise ValueError("a comment does not end")


def _check_unicode(text: str, domain: str) -> None:
    if not text.isprintable():
        raise ValueError("it contains characters that cannot be seen")
    # Of a U-label nothing changes here (RFC 5892 §2.2); what does would be another domain to the next reader.
    if unicodedata.normalize("NFKC", domain) != domain or not all(map(_is_domain_character, domain)):
        raise ValueError("its domain contains characters that no domain has")


def _is_domain_character(character: str) -> bool:
    return character.isascii() or unicodedata.category(character)[0] in "LMN"


def _check_lengths(text: str, local: str, domain: str) -> None:
    if len(text.encode()) > MAX_ADDRESS:
        raise ValueError(f"it has more than {MAX_ADDRESS} octets")
    if len(local.encode()) > MAX_LOCAL:
        raise ValueError(f"it has more than {MAX_LOCAL} octets before the @")
    if max(map(len, domain.split("."))) > _MAX_LABEL:
        raise ValueError(f"its domain has a part of more than {_MAX_LABEL} characters")


def _literal(domain: str) -> str:
    """An address literal in one form (RFC 5321 §4.1.3)."""
    text = domain[1:-1]
    if text[:5].lower() == "ipv6:":
        return f"[IPv6:{IPv6Address(text[5:])}]"
    return f"[{IPv4Address(text)}]"
