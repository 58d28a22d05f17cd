"""Reads what is readable of a damaged store: page by page, by pages' own octets, with what its log holds.

Theory of operation.  A tree is walked from its root as far as its pages are sound; what is not is noted with
the range of keys that it stood for.  Pages that no tree leads to any more, because the page above them is
gone, are known by their rows: a record that only one table can have is one of that table.  Free pages are
left out: `secure_delete` has wiped them, and the file's list of them is heeded besides.

The damaged files are only read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gateway.store.btree_pages import FILE_HEADER, BadPage, Cell, Page, Row, Value, read_page, values_of
from gateway.store.shapes import Column, Shape, shapes_of
from gateway.store.sqlite_open import migrations
from gateway.store.wal_file import read_log

MAGIC = b"SQLite format 3\0"
PAGE_SIZE = 4096
"""What SQLite makes where nobody says otherwise, and so all our stores."""
_LEAVES = (10, 13)
_SCHEMA = Shape(
    "sqlite_schema",
    "sqlite_schema",
    root=1,
    has_rowid=True,
    columns=tuple(
        Column(name, (kind,), name == "sql", None)
        for name, kind in zip(
            ("type", "name", "tbl_name", "rootpage", "sql"), (str, str, str, int, str), strict=True
        )
    ),
    least=5,
)
"""SQLite's own table of tables."""


@dataclass(slots=True)
class Loss:
    """What could not be read of a table."""

    pages: list[int] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    """Keys between which rows are missing, as people read them."""
    records: int = 0
    """Rows on readable pages that are broken themselves."""


NEWER_MOST = 1000
"""A version beyond that is damage."""


class Salvage:
    """A damaged database, and what was found out about it."""

    def __init__(self, path: Path, *, before_break: bool = False) -> None:
        """`before_break`: as it was before the first broken frame of the log, which is whole but old."""
        self._file = path.open("rb")
        log = path.with_name(path.name + "-wal")
        self.log = read_log(log)
        self._log_file = log.open("rb") if self.log.pages else None
        self._versions = self.log.before if before_break else self.log.pages
        self._is_mixed = bool(self.log.damage) and not before_break
        header = self._file.read(FILE_HEADER)
        self.header_broken = not header.startswith(MAGIC)
        octets = path.stat().st_size
        size = int.from_bytes(header[16:18], "big")
        self.page_size = self.log.page_size or (size if size in (512, 1024, 2048, 4096, 8192) else PAGE_SIZE)
        self._in_file = -(-octets // self.page_size)
        there = max(self._in_file, *self._versions, 0)  # more the log may only claim
        self.pages = min(self.log.size or self._in_file, there)
        newest = migrations()[-1][0]
        first = self._page(1)
        version = int.from_bytes(first[60:64], "big")
        self.is_newer = not self.header_broken and newest < version <= newest + NEWER_MOST
        """Whether a newer program has written it, whose rows are not known here."""
        self.version = version if 0 < version <= newest else newest
        self.shapes = shapes_of(self.version)
        self.roots = {name: shape.root for name, shape in self.shapes.items()}
        self.losses = {name: Loss() for name in self.shapes}
        self._seen: set[int] = set()
        self._misplaced: list[tuple[Shape, int, Row]] = []
        self._freed = self._free_pages(first)
        self._read_schema()

    def close(self) -> None:
        self._file.close()
        if self._log_file is not None:
            self._log_file.close()

    # -- pages -------------------------------------------------------------------------------------------

    def _page(self, number: int) -> bytes:
        """The newest committed content; fewer octets, or none, where the file does not have it."""
        at = self._versions.get(number)
        if at is not None and self._log_file is not None:
            self._log_file.seek(at)
            return self._log_file.read(self.page_size)
        if not 0 < number <= min(self.pages, self._in_file):
            return b""
        self._file.seek((number - 1) * self.page_size)
        return self._file.read(self.page_size)

    def _read(self, number: int) -> Page:
        data = self._page(number)
        if len(data) < self.page_size:
            raise BadPage("it is not there")
        return read_page(data, number, self.page_size, self._overflow)

    def _overflow(self, number: int) -> bytes:
        """Where the log is broken, an older page may be the rest of another record than it is taken for."""
        if self._is_mixed and self._versions.get(number, 0) < self.log.last_break:
            return b""
        return self._page(number)

    def _free_pages(self, first: bytes) -> set[int]:
        """The pages on the file's list of free ones."""
        free: set[int] = set()
        trunk = int.from_bytes(first[32:36], "big")
        while trunk and trunk not in free and len(data := self._page(trunk)) == self.page_size:
            free.add(trunk)
            count = min(int.from_bytes(data[4:8], "big"), self.page_size // 4 - 2)
            leaves = (int.from_bytes(data[8 + 4 * n : 12 + 4 * n], "big") for n in range(count))
            free.update(leaf for leaf in leaves if 0 < leaf <= self.pages)
            trunk = int.from_bytes(data[:4], "big")
        return free

    def _read_schema(self) -> None:
        """Where the trees begin, as far as the file still says it."""
        self.losses["sqlite_schema"] = Loss()
        self.roots["sqlite_schema"] = 1
        for _, values in self._walk(_SCHEMA):
            if values[1] in self.roots and isinstance(values[3], int):
                self.roots[str(values[1])] = values[3]

    # -- trees -------------------------------------------------------------------------------------------

    def rows(self, name: str) -> Iterator[Row]:
        """The rows of a table that its tree leads to, with their rowid first where they have one."""
        shape = self.shapes[name]
        for rowid, values in self._walk(shape):
            row = shape.row(rowid, values)
            yield (rowid, *row) if shape.has_rowid else row

    def keys_in(self, index: str) -> Iterator[int]:
        """The rowids that an index of a table by rowids names; each index can be walked once."""
        for _, values in self._walk(self.shapes[index]):
            if isinstance(values[-1], int):
                yield values[-1]

    @property
    def is_whole(self) -> bool:
        """Whether everything that was walked through so far could be read."""
        lost = any(loss.pages or loss.records for loss in self.losses.values())
        return not (lost or self.log.damage or self._misplaced)

    def strays(self) -> Iterator[tuple[str, Row]]:
        """Rows that stand where they do not belong, and those of pages that no tree leads to: table, row."""
        for shape, rowid, values in self._misplaced:
            row = shape.row(rowid, values)
            yield shape.name, (rowid, *row) if shape.has_rowid else row
        for number in range(2, self.pages + 1):
            if number in self._seen or number in self._freed:
                continue
            try:
                page = self._read(number)
            except BadPage:
                continue
            for cell in page.cells:
                if page.kind in _LEAVES or cell.record:
                    yield from self._known_by_its_values(cell, has_rowid=page.kind == 13)

    def _known_by_its_values(self, cell: Cell, *, has_rowid: bool) -> Iterator[tuple[str, Row]]:
        try:
            values = values_of(cell.record)
        except BadPage:
            return
        shapes = (*self.shapes.values(), _SCHEMA)
        fitting = [s for s in shapes if s.has_rowid == has_rowid and s.fits(values)]
        if len(fitting) == 1 and fitting[0].is_table:
            row = fitting[0].row(cell.rowid, values)
            yield fitting[0].name, (cell.rowid, *row) if has_rowid else row

    def _walk(self, shape: Shape) -> Iterator[tuple[int, Row]]:
        """rowid (0: none) and values of the records of a tree, in its order but for what inner pages hold."""
        loss = self.losses[shape.name]
        todo: list[tuple[int, Value, Value]] = [(self.roots[shape.name], None, None)]
        while todo:
            number, low, high = todo.pop()
            try:
                if number in self._seen:
                    raise BadPage("it is part of something else")
                page = self._read(number)
                if (page.kind in (5, 13)) != shape.has_rowid:
                    raise BadPage("it is of another kind")
                if not self._is_of(shape, page):
                    raise BadPage("it is another tree's")
            except BadPage:
                loss.pages.append(number)
                loss.ranges.append(_range(shape, low, high))
                continue
            self._seen.add(number)
            loss.records += page.broken
            yield from self._records(shape, page, loss, low, high)
            if page.last_child:
                keys = [self._key(shape, cell) for cell in page.cells]
                bounds = [low, *keys, high]
                children = [*(cell.child for cell in page.cells), page.last_child]
                if page.broken:
                    loss.ranges.append(_range(shape, low, high))
                todo.extend(reversed([*zip(children, bounds, bounds[1:], strict=False)]))

    def _is_of(self, shape: Shape, page: Page) -> bool:
        """Whether its first record can be one of this tree: pages may have been mixed up."""
        for cell in page.cells:
            if not cell.record:
                return True
            try:
                return not shape.columns or shape.fits(values_of(cell.record))
            except BadPage:
                continue
        return True

    @staticmethod
    def _key(shape: Shape, cell: Cell) -> Value:
        if shape.has_rowid:
            return cell.rowid
        try:
            return values_of(cell.record)[0]
        except BadPage:
            return None

    def _records(
        self, shape: Shape, page: Page, loss: Loss, low: Value, high: Value
    ) -> Iterator[tuple[int, Row]]:
        for cell in page.cells:
            if not cell.record:
                continue
            try:
                values = values_of(cell.record)
            except BadPage:
                loss.records += 1
                continue
            if shape.columns and not shape.fits(values):
                loss.records += 1
            elif shape.has_rowid and not _between(cell.rowid, low, high):
                self._misplaced.append((shape, cell.rowid, values))
            else:
                yield cell.rowid, values


def _between(rowid: int, low: Value, high: Value) -> bool:
    return (not isinstance(low, int) or rowid > low) and (not isinstance(high, int) or rowid <= high)


def _range(shape: Shape, low: Value, high: Value) -> str:
    key = "rowid" if shape.has_rowid else shape.columns[0].name
    key = next((column.name for column in shape.columns if column.is_rowid), key)
    if low is None and high is None:
        return "all of it" if shape.columns else "the schema"
    above = f"{key} above {low!r}" if low is not None else key
    return f"{above} up to {high!r}" if high is not None else above
