"""Reads SQLite's write-ahead log as a file: which pages it holds, and what of it is broken.

SQLite believes a log up to the first frame whose checksum does not fit, for that is what a power failure
leaves behind.  A frame that went bad later looks the same to it, and what was committed after it would be
gone without a word.  Here it is told apart: each commit is synced before the next frame is written, so a
broken frame that is followed by a whole commit and by a further frame was on the disk once.  Of a broken
*last* commit nobody can say.

Format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

HEADER = struct.Struct(">8I")
FRAME = struct.Struct(">6I")
_MAGIC = 0x377F0682  # the last bit says in which order checksums take their octets
_MASK = 0xFFFFFFFF
_PAGE_SIZES = tuple(512 << n for n in range(8))


@dataclass(slots=True)
class Log:
    """What a write-ahead log holds."""

    pages: dict[int, int] = field(default_factory=dict)
    """Page → where in the file its newest committed content begins."""
    before: dict[int, int] = field(default_factory=dict)
    """The same, as it was before the first broken frame: what SQLite believes."""
    last_break: int = 0
    """Where in the file the last broken frame ends: of what stands before, newer content may be lost."""
    size: int = 0
    """Pages of the database after the last commit; 0: no commit."""
    page_size: int = 0
    damage: str = ""
    """What is broken of what was durable; empty: nothing, as far as can be seen."""


def read_log(path: Path) -> Log:
    """The log at this path; an empty one where there is no file."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return Log()
    with file:
        head = file.read(HEADER.size)
        if len(head) < HEADER.size:
            return Log()
        magic, _, page_size, _, *salts, sum_0, sum_1 = HEADER.unpack(head)
        order = ">" if magic & 1 else "<"
        sound = magic & ~1 == _MAGIC and _checksum(order, head[:24], 0, 0) == (sum_0, sum_1)
        if not sound or page_size not in _PAGE_SIZES:
            is_blank = not any(head) and not any(file.read(1 << 16))
            return Log(damage="" if is_blank else "the log's header is broken")
        return _Frames(file, page_size, (salts[0], salts[1]), order, (sum_0, sum_1)).read()


def _checksum(order: str, octets: bytes, sum_0: int, sum_1: int) -> tuple[int, int]:
    words = struct.unpack(f"{order}{len(octets) // 4}I", octets)
    for first, second in zip(words[::2], words[1::2], strict=True):
        sum_0 = (sum_0 + first + sum_1) & _MASK
        sum_1 = (sum_1 + second + sum_0) & _MASK
    return sum_0, sum_1


class _Frames:
    """One walk through the frames of a log whose header is sound."""

    def __init__(
        self, file: BinaryIO, page_size: int, salts: tuple[int, int], order: str, seed: tuple[int, int]
    ) -> None:
        self._file = file
        self._salts = salts
        self._order = order
        self._seed = seed
        self._log = Log(page_size=page_size)

    def read(self) -> Log:
        broken = commit_after = False
        open_pages: dict[int, int] = {}
        size_before = 0
        while True:
            frame = self._file.read(FRAME.size + self._log.page_size)
            if len(frame) < FRAME.size + self._log.page_size:
                break
            page, size, *salts, sum_0, sum_1 = FRAME.unpack(frame[: FRAME.size])
            fits = tuple(salts) == self._salts and (sum_0, sum_1) == self._sum_of(frame)
            # what follows a broken frame is measured from the checksum that stands there
            self._seed = sum_0, sum_1
            if not fits:
                if not broken:
                    self._log.before, size_before = dict(self._log.pages), self._log.size
                broken = True
                self._log.last_break = self._file.tell()
                open_pages.clear()
                continue
            if broken and commit_after and not self._log.damage:
                self._log.damage = "the log is broken before its last commits"
            open_pages[page] = self._file.tell() - self._log.page_size
            if size:
                commit_after = broken
                self._log.pages.update(open_pages)
                self._log.size = size
                open_pages.clear()
        if not broken:
            self._log.before = self._log.pages
        elif not self._log.damage:  # what follows a torn end was never durable
            self._log.pages, self._log.size = self._log.before, size_before
        return self._log

    def _sum_of(self, frame: bytes) -> tuple[int, int]:
        sums = _checksum(self._order, frame[:8], *self._seed)
        return _checksum(self._order, frame[FRAME.size :], *sums)
