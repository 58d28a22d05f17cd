"""The structure of a mail: header fields, media types, parts (RFC 5322 §2.2, RFC 2045, RFC 2046 §5.1).

A part is a place in the mail's octets, not a copy, and its children are looked for only when somebody asks
for the next one: who needs the text alone never reads the attachments behind it.  Each function takes time in
proportion to the octets it looks at; the regular expressions are possessive, so that none of them can go
back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from protocols.mail.errors import MailError

MAX_HEADER = 102_400
"""Octets of one header block."""
MAX_FIELD = 2048
"""Octets of one field that are looked at."""
MAX_BOUNDARY = 200

Fields = dict[bytes, list[bytes]]
"""Names in small letters → values, folded as they came."""

_FIELD = re.compile(rb"([!-9;-~]++)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)(?:\n|\Z)")
_BLANK = re.compile(rb"[ \t\r]*+(?:\n|\Z)")
_PARAMETER = re.compile(r'[;\s]([^\s=;"]++)\s*+=\s*+("(?:[^"\\]|\\.)*+"?|[^;\s]*+)', re.DOTALL)
_SECTION = re.compile(r"([^*]++)(?:\*(\d{1,3}))?(\*)?")
_HEX = re.compile(rb"%([0-9A-Fa-f]{2})")
_AFTER_BOUNDARY = re.compile(rb"(--)?[ \t]*+(?:\r*+\n|\r*+\Z)")


class Part(NamedTuple):
    """A mail or a part of one: `data[start:end]` is its body."""

    data: bytes
    start: int
    end: int
    fields: Fields
    media_type: str  # in small letters, "text/plain"
    parameters: dict[str, str]  # names in small letters
    odd_lines: int  # lines of the header that are no field

    def field(self, name: bytes) -> bytes:
        """The first field of that name, unfolded, at most `MAX_FIELD` octets; empty when there is none."""
        values = self.fields.get(name)
        return unfold(values[0]) if values else b""


def unfold(value: bytes) -> bytes:
    """A field's value in one line (RFC 5322 §2.2.3), at most `MAX_FIELD` octets."""
    value = value[:MAX_FIELD]
    if b"\n" in value:
        value = value.replace(b"\r", b"").replace(b"\n", b"")
    return value.strip()


def read_part(data: bytes, start: int, end: int, default_type: str = "text/plain") -> Part:
    """The part that begins with its header at `start`.

    Raises MailError (552 5.3.4) for a header over `MAX_HEADER` octets.
    """
    fields, body, odd = read_fields(data, start, end)
    values = fields.get(b"content-type")
    media_type, parameters = parse_parameters(unfold(values[0])) if values else (default_type, {})
    return Part(data, body, end, fields, media_type or default_type, parameters, odd)


def read_fields(data: bytes, start: int, end: int) -> tuple[Fields, int, int]:
    """The header's fields, where the body begins, and how many lines of the header are none.

    The body also begins, without an empty line, at two lines that are no fields; one alone is left out.
    """
    fields: Fields = {}
    at, odd = start, 0
    match_field = _FIELD.match
    while at < end:
        match = match_field(data, at, end)
        if match is None:
            blank = _BLANK.match(data, at, end)
            if blank is not None:
                return fields, blank.end(), odd
            line_end = data.find(b"\n", at, end) + 1 or end
            if at == start and data.startswith((b"From ", b">From "), at):
                at = line_end  # how mailbox files begin a mail
            elif match_field(data, line_end, end) is not None:
                odd += 1
                at = line_end
            else:
                break
        else:
            name, value = match.groups()
            fields.setdefault(name.lower(), []).append(value)
            at = match.end()
        if at - start > MAX_HEADER:
            raise MailError("552 5.3.4", f"a header of more than {MAX_HEADER} octets")
    return fields, at, odd


def parse_parameters(value: bytes) -> tuple[str, dict[str, str]]:
    """The first word of a Content-Type or Content-Disposition in small letters, and the parameters.

    RFC 2231 continuations and encodings are resolved; of a repeated parameter the first counts.
    """
    text = value[:MAX_FIELD].decode("latin-1")
    if "(" in text:
        text = _without_comments(text)
    first = text.partition(";")[0].split(None, 1)
    if "=" not in text:
        return (first[0].lower() if first else ""), {}
    parameters: dict[str, str] = {}
    for name, content in _PARAMETER.findall(text):
        if content.startswith('"'):
            content = content[1:-1] if content.endswith('"') and len(content) > 1 else content[1:]
            if "\\" in content:
                content = re.sub(r"\\(.)", r"\1", content, flags=re.DOTALL)
        parameters.setdefault(name.lower(), content)
    if any("*" in name for name in parameters):
        parameters = _joined(parameters)
    return (first[0].lower() if first else ""), parameters


def _joined(parameters: dict[str, str]) -> dict[str, str]:
    """RFC 2231 §3, §4: name*0=…; name*1*=… as one parameter, the charset of an encoded one left aside."""
    pieces: dict[str, dict[int, bytes]] = {}
    plain = {}
    for name, content in parameters.items():
        match = _SECTION.fullmatch(name)
        if match is None or "*" not in name:
            plain[name] = content
            continue
        octets = content.encode("latin-1")
        number = int(match[2] or 0)
        if match[3]:
            if number == 0 and octets.count(b"'") >= 2:
                octets = octets.split(b"'", 2)[2]
            octets = _HEX.sub(lambda found: bytes([int(found[1], 16)]), octets)
        pieces.setdefault(match[1], {})[number] = octets
    for name, numbered in pieces.items():
        plain[name] = b"".join(numbered[n] for n in sorted(numbered)).decode("latin-1")
    return plain


def _without_comments(text: str) -> str:
    """RFC 5322 §3.2.2: comments nest, and stand anywhere but in quotes."""
    kept = []
    depth, quoted, escaped = 0, False, False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"' and not depth:
            quoted = not quoted
        elif character == "(" and not quoted:
            depth += 1
        elif character == ")" and depth:
            depth -= 1
            continue
        if not depth:
            kept.append(character)
    return "".join(kept)


def children(part: Part) -> Iterator[Part]:
    """The parts of a multipart, one by one as they are found; none if its boundary never comes.

    The last one may lack the line that ends it.  Raises MailError like `read_part`.
    """
    boundary = part.parameters.get("boundary", "").rstrip().encode("latin-1", "replace")
    if not 0 < len(boundary) <= MAX_BOUNDARY:
        return
    default_type = "message/rfc822" if part.media_type == "multipart/digest" else "text/plain"
    begin = -1
    for line_start, line_end, closes in _delimiters(part.data, part.start, part.end, boundary):
        if begin >= 0:
            yield read_part(part.data, begin, line_start, default_type)
        begin = -1 if closes else line_end
        if closes:
            return
    if begin >= 0:
        yield read_part(part.data, begin, part.end, default_type)


def _delimiters(data: bytes, start: int, end: int, boundary: bytes) -> Iterator[tuple[int, int, bool]]:
    """Of each delimiter line: where the line break before it begins, where it ends, whether it closes."""
    mark = b"\n--" + boundary
    at = data.find(mark, max(start - 1, 0), end)
    while at >= 0:
        after = at + len(mark)
        match = _AFTER_BOUNDARY.match(data, after, end)
        if match is not None:
            line_start = at - 1 if data[at - 1 : at] == b"\r" else at
            yield max(line_start, start), match.end(), match[1] is not None
            after = match.end() - 1  # its line break may be the next one's too
        at = data.find(mark, after, end)
