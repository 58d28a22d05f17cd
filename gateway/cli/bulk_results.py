"""What became of each line of a list, in files beside it, so that sending can go on after any end.

LIST.sent has a row for each line that is over: accepted, refused, or unknown.  LIST.sending has the number of
each line before it is sent, and the same below zero when it came back unsent.  A line that is in the second
file and not in the first was on its way when an earlier run ended: it may have been taken, so it is not sent
again unless somebody says so.  Nothing is sent before what speaks of it is written, so a killed process
leaves nothing out.
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
from collections.abc import Iterable, Iterator
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from gateway.cli import EXIT_USAGE, CommandError
from gateway.core.csv_cells import csv_cell

HEADER = ("line", "number", "status", "message_id", "error")
ACCEPTED, REFUSED, UNKNOWN = "accepted", "refused", "unknown"
_LIST = "list"
"""The status of line 0, whose number is the list's digest."""


class Known(IntEnum):
    """What the files say of a line."""

    UNSENT = 0
    GOING = 1  # it may have been sent
    LISTED = 2  # the same, and LIST.sent says so
    OVER = 3


class Result(NamedTuple):
    """A row of LIST.sent."""

    line: int
    number: str
    status: str
    message_id: str = ""
    error: str = ""


class Results:
    """The two files of one list, locked while they are open."""

    def __init__(self, path: Path, digest: str, *, resume: bool) -> None:
        """Raises CommandError where there is nothing to go on with, or where something would be lost."""
        self.sent_path = path.with_name(f"{path.name}.sent")
        self.sending_path = path.with_name(f"{path.name}.sending")
        if resume and not self.sent_path.exists():
            raise CommandError(f"there is no {self.sent_path}: send it without --resume", EXIT_USAGE)
        if not resume and self.sent_path.exists():
            raise CommandError(
                f"{self.sent_path} is there already: --resume goes on; to send all again, move that away",
                EXIT_USAGE,
            )
        self._known = bytearray()
        try:
            self._sending = os.open(self.sending_path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            self._lock()
            self._sent = os.open(self.sent_path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise CommandError(f"{self.sent_path} cannot be written: {error.strerror}") from None
        try:
            self._load(digest, resume=resume)
        except BaseException:
            os.close(self._sending)
            os.close(self._sent)
            raise

    def _lock(self) -> None:
        try:
            fcntl.flock(self._sending, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._sending)
            raise CommandError(f"somebody is sending this list already ({self.sending_path})") from None

    # -- what is known -----------------------------------------------------------------------------------

    def known(self, line: int) -> Known:
        """What an earlier run has left of a line."""
        return Known(self._known[line]) if line < len(self._known) else Known.UNSENT

    def _set(self, line: int, known: Known) -> None:
        if line >= len(self._known):
            self._known.extend(bytes(max(line + 1, 2 * len(self._known)) - len(self._known)))
        self._known[line] = known

    def _load(self, digest: str, *, resume: bool) -> None:
        _drop_torn_end(self._sent)
        _drop_torn_end(self._sending)
        rows = _rows_of(self.sent_path)
        if next(rows, None) is None:
            self._write(self._sent, [HEADER, (0, digest, _LIST, "", "")])
            if not resume:
                os.ftruncate(self._sending, 0)  # of a list whose results were moved away
        for line, to, status, *_ in rows:
            if status == _LIST and to != digest:
                raise CommandError(
                    f"{self.sent_path} is of another list, or the list was changed", EXIT_USAGE
                )
            if status != _LIST:
                self._set(int(line), Known.LISTED if status == UNKNOWN else Known.OVER)
        with self.sending_path.open(encoding="ascii") as file:
            for number in map(int, file):
                known = self.known(abs(number))
                if number > 0 and known is Known.UNSENT:
                    self._set(number, Known.GOING)
                elif number < 0 and known is Known.GOING:
                    self._set(-number, Known.UNSENT)

    # -- what happens ------------------------------------------------------------------------------------

    def going(self, lines: Iterable[int]) -> None:
        """These are sent next; to be said before."""
        _put(self._sending, "".join(f"{line}\n" for line in lines).encode())

    def back(self, lines: Iterable[int]) -> None:
        """These were not taken, and are sent again later."""
        _put(self._sending, "".join(f"-{line}\n" for line in lines).encode())

    def over(self, results: Iterable[Result]) -> None:
        """What became of lines."""
        self._write(self._sent, results)

    @staticmethod
    def _write(descriptor: int, rows: Iterable[Iterable[object]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([csv_cell(cell) for cell in row] for row in rows)
        _put(descriptor, text.getvalue().encode(errors="replace"))

    def close(self, *, complete: bool) -> None:
        """`complete`: every line that was sent has its row."""
        os.fsync(self._sent)
        if complete:
            self.sending_path.unlink(missing_ok=True)
        os.close(self._sending)
        os.close(self._sent)


def _put(descriptor: int, octets: bytes) -> None:
    while octets:
        octets = octets[os.write(descriptor, octets) :]


def _drop_torn_end(descriptor: int) -> None:
    """A last row without its end is none: the machine stopped while it was written."""
    end = os.fstat(descriptor).st_size
    keep = end
    while keep > 0:
        start = max(0, keep - 4096)
        piece = os.pread(descriptor, keep - start, start)
        if b"\n" in piece:
            keep = start + piece.rindex(b"\n") + 1
            break
        keep = start
    if keep < end:
        os.ftruncate(descriptor, keep)


def _rows_of(path: Path) -> Iterator[list[str]]:
    """The rows of LIST.sent, its header first; CommandError when it is something else."""
    with path.open(encoding="utf-8", newline="") as file:
        for n, row in enumerate(csv.reader(file)):
            if (n == 0 and tuple(row) != HEADER) or len(row) != len(HEADER) or (n and not row[0].isdecimal()):
                raise CommandError(f"{path}, row {n + 1}: this is no result of a list; move it away")
            yield row
