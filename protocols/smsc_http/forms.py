"""Bodies of requests: percent-encoded forms, and multipart ones for files (RFC 7578), both ways.

Values are octets here, for only what a form says tells their charset. Parsing is bounded in every direction
and refuses what it would have to guess.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from protocols.smsc_http.charsets import percent_decode, percent_encode

FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"

MAX_FIELDS: Final = 256
MAX_NAME: Final = 64
MAX_FILES: Final = 32
_PERCENT, _PLUS = b"%+"
_MAX_HEADERS = 4096
_MAX_FILENAME = 255

_find_boundary = re.compile(r';\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE).search
_is_disposition = re.compile(
    r'form-data((?:\s*;\s*[A-Za-z*]{1,20}=(?:"(?:[^"\\]|\\.)*"|[^\s;"]*))*)\s*', re.IGNORECASE
).fullmatch
_find_parameters = re.compile(r';\s*([A-Za-z*]{1,20})=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))').findall
_is_extended = re.compile("utf-8'[A-Za-z-]*'(.*)", re.IGNORECASE | re.ASCII).fullmatch
_IDENTITY_ENCODINGS = ("", "7bit", "8bit", "binary")


class FormError(ValueError):
    """A body that is no form, or one out of bounds; its text never repeats what stands there."""


class File(NamedTuple):
    """A file in a request."""

    filename: str
    content: bytes
    content_type: str = "application/octet-stream"
    field: str = ""  # "": file0, file1, … by its place

    def __repr__(self) -> str:
        """Without the content."""
        return f"File(filename={self.filename!r}, octets={len(self.content)}, field={self.field!r})"


class Part(NamedTuple):
    """A part of a multipart form."""

    name: bytes
    filename: bytes | None  # without folders; None: a field
    content_type: str
    content: bytes


def media_type(content_type: str) -> str:
    """The type of a Content-Type without its parameters, in small letters."""
    return content_type.partition(";")[0].strip().lower()


def format_form(fields: Iterable[tuple[str, bytes]]) -> bytes:
    """Fields as a percent-encoded form."""
    return "&".join(
        [f"{percent_encode(name.encode())}={percent_encode(value)}" for name, value in fields]
    ).encode()


def parse_form(octets: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a percent-encoded form in their order; one without "=" has the value "".

    FormError for more than MAX_FIELDS, and for a name that is empty or longer than MAX_NAME.
    """
    if not octets:
        return []
    if octets.count(b"&") > 2 * MAX_FIELDS:
        raise FormError(f"a form has at most {MAX_FIELDS} fields")
    fields = []
    for field in octets.split(b"&"):
        if not field:
            continue
        name, _, value = field.partition(b"=")
        if _PERCENT in field or _PLUS in field:  # most fields of a call are plain
            name, value = percent_decode(name[: 3 * MAX_NAME + 1]), percent_decode(value)
        if not 1 <= len(name) <= MAX_NAME:
            raise _bad_name()
        fields.append((name, value))
    if len(fields) > MAX_FIELDS:
        raise FormError(f"a form has at most {MAX_FIELDS} fields")
    return fields


def _name(name: bytes) -> bytes:
    if not 1 <= len(name) <= MAX_NAME:
        raise _bad_name()
    return name


def _bad_name() -> FormError:
    return FormError(f"a field's name has 1 to {MAX_NAME} octets")


def format_multipart(fields: Iterable[tuple[str, bytes]], files: Sequence[File]) -> tuple[str, bytes]:
    """Content-Type and body of a multipart form."""
    heads = [(f'name="{_quoted(name)}"\r\n'.encode(), value) for name, value in fields]
    for place, file in enumerate(files):
        name, filename = _quoted(file.field or f"file{place}"), _quoted(file.filename)
        kind = re.sub(r"[^\x20-\x7e]", "", file.content_type)
        heads.append(
            (f'name="{name}"; filename="{filename}"\r\nContent-Type: {kind}\r\n'.encode(), file.content)
        )
    boundary = _boundary([part for head in heads for part in head])
    pieces = []
    for head, content in heads:
        pieces += [b"--", boundary, b"\r\nContent-Disposition: form-data; ", head, b"\r\n", content, b"\r\n"]
    pieces += [b"--", boundary, b"--\r\n"]
    return f"{MULTIPART}; boundary={boundary.decode()}", b"".join(pieces)


def _quoted(text: str) -> str:
    # As browsers do (HTML, multipart form data): the rest stays as it is, in UTF-8.
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").replace("\0", "")


def _boundary(pieces: Sequence[bytes]) -> bytes:
    """A line that none of the pieces has: a digest of them all."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    while True:
        boundary = b"form-" + digest.hexdigest()[:40].encode()
        if not any(boundary in piece for piece in pieces):
            return boundary
        digest.update(boundary)


def parse_multipart(content_type: str, body: bytes) -> list[Part]:
    """The parts of a multipart form in their order.

    FormError for what RFC 7578 does not allow, more than MAX_FIELDS fields or MAX_FILES files, an encoding
    of a part's content, and whatever does not end with the last boundary.
    """
    found = _find_boundary(content_type)
    if media_type(content_type) != MULTIPART or found is None:
        raise FormError("the Content-Type is not multipart/form-data with a boundary")
    delimiter = b"\r\n--" + (found[1] or found[2]).encode()
    if body.startswith(delimiter[2:]):
        position = len(delimiter) - 2
    elif body.startswith(delimiter):
        position = len(delimiter)
    else:
        raise FormError("the body does not begin with its boundary")
    parts: list[Part] = []
    while body[position : position + 2] != b"--":
        start = body.find(b"\r\n\r\n", position, position + _MAX_HEADERS)
        if body[position : position + 2] != b"\r\n" or start < 0:
            raise FormError("a part has no header fields, or too many")
        end = body.find(delimiter, start + 4)
        if end < 0:
            raise FormError("the body does not end with its boundary")
        parts.append(_part(body[position + 2 : start], body[start + 4 : end]))
        if len(parts) > MAX_FIELDS + MAX_FILES:
            raise FormError("the form has too many parts")
        position = end + len(delimiter)
    if body[position + 2 : position + 5] not in (b"", b"\r\n"):
        raise FormError("something follows the last boundary")
    _count(parts)
    return parts


def _count(parts: Sequence[Part]) -> None:
    files = sum(part.filename is not None for part in parts)
    if files > MAX_FILES or len(parts) - files > MAX_FIELDS:
        raise FormError(f"a form has at most {MAX_FIELDS} fields and {MAX_FILES} files")


def _part(head: bytes, content: bytes) -> Part:
    headers: dict[str, str] = {}
    for line in head.decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(":")
        if not colon or name.strip() != name or name.lower() in headers:
            raise FormError("a part's header fields are no name: value, each once")
        headers[name.lower()] = value.strip()
    if headers.get("content-transfer-encoding", "").lower() not in _IDENTITY_ENCODINGS:
        raise FormError("a part's content is encoded")
    disposition = _is_disposition(headers.get("content-disposition", ""))
    if disposition is None:
        raise FormError("a part has no Content-Disposition of a form")
    values: dict[str, str] = {}
    for name, quoted, token in _find_parameters(disposition[1]):
        values[name.lower()] = quoted.replace('\\"', '"') or token
    return Part(
        _name(_unescaped(values.get("name", ""))),
        _filename(values),
        headers.get("content-type", ""),
        content,
    )


def _filename(values: dict[str, str]) -> bytes | None:
    extended = _is_extended(values.get("filename*", ""))
    if extended is not None:
        name = percent_decode(extended[1].replace("+", "%2B").encode("latin-1"))
    elif "filename" in values:
        name = _unescaped(values["filename"])
    else:
        return None
    return re.split(rb"[/\\]", name)[-1][:_MAX_FILENAME]


def _unescaped(text: str) -> bytes:
    octets = text.encode("latin-1")
    return octets.replace(b"%22", b'"').replace(b"%0D", b"\r").replace(b"%0A", b"\n")
