"""The files under /static: read once, so that what is asked for is a name in a table and never a path."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}


class StaticFile(NamedTuple):
    """What is sent."""

    body: bytes
    content_type: str
    version: str
    """Of its contents; in its address, so that browsers may keep it for ever."""


@cache
def load_static() -> Mapping[str, StaticFile]:
    """All files by name."""
    found = {}
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in TYPES:
            body = path.read_bytes()
            found[path.name] = StaticFile(body, TYPES[path.suffix], hashlib.sha256(body).hexdigest()[:12])
    return found


def address_of(name: str) -> str:
    """Where a file is to be had; KeyError when there is none."""
    return f"/static/{name}?v={load_static()[name].version}"
