"""Asks the running daemon over its local socket, for the commands that show something."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import socket
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from gateway.cli import EXIT_USAGE, CommandError
from gateway.core.events import safe
from gateway.core.message_ids import parse_id
from gateway.ops.control import END, SOCKET_NAME, STILL_HERE
from gateway.ops.listening import path_too_long

TIMEOUT_S = 30.0
LINE_MAX = 1 << 28
"""Octets of a line of an answer: root asks what another user's program may have put there."""


def ask(state_dir: Path, command: str, **arguments: object) -> dict[str, Any]:
    """The daemon's answer; CommandError says why there is none."""
    with _asked(state_dir, command, arguments) as lines:
        return _answer(_line(lines))


def ask_many(state_dir: Path, command: str, **arguments: object) -> Iterator[dict[str, Any]]:
    """The daemon's answers, one after the other, of a command that gives many.

    CommandError says why there are none, or no more: also that the daemon went away before the last one.
    """
    with _asked(state_dir, command, arguments) as lines:
        while line := _line(lines):
            answer = _answer(line)
            if answer == END:
                return
            if answer != STILL_HERE:
                yield answer
        raise CommandError("the gateway ended before it had answered all; this is not the whole")


@contextlib.contextmanager
def _asked(state_dir: Path, command: str, arguments: dict[str, object]) -> Iterator[BinaryIO]:
    """What comes back of a request."""
    path = state_dir / SOCKET_NAME
    if problem := path_too_long(path):
        raise CommandError(problem)
    request = json.dumps({"command": command, **arguments}).encode() + b"\n"
    try:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(TIMEOUT_S)
            channel.connect(str(path))
            channel.sendall(request)
            with channel.makefile("rb") as lines:
                yield lines
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
        if is_held(state_dir):
            raise CommandError(
                f"the gateway on {state_dir} does not answer: it is starting, or stopping; its log says which"
            ) from None
        raise CommandError(
            f"no gateway is running on {state_dir}; give the --state-dir that it was started with"
        ) from None
    except PermissionError:
        raise CommandError(f"{path} is not yours; run this as the gateway's user or as root") from None
    except (OSError, ValueError) as error:
        raise CommandError(f"the gateway on {state_dir} did not answer: {error}") from error


def is_held(state_dir: Path) -> bool | None:
    """Whether a gateway holds the state directory; None: that cannot be seen. Nothing is made."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe there is not waited for
    try:
        descriptor = os.open(state_dir / "lock", flags)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _line(lines: BinaryIO) -> bytes:
    """The next one; empty at the end."""
    line = lines.readline(LINE_MAX + 1)
    if len(line) > LINE_MAX:
        raise CommandError("the gateway's answer has no end; who else listens at its socket?")
    return line


def _answer(line: bytes) -> dict[str, Any]:
    answer = json.loads(line)
    if not isinstance(answer, dict):
        raise CommandError("the gateway's answer makes no sense; is it of this version?")
    if "error" in answer:
        raise CommandError(str(answer["error"]))
    return answer


def who() -> str:
    """Who runs the command; of sudo, who called it."""
    try:
        return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def message_id_of(text: str) -> int:
    """A message_id from the command line; CommandError when it is none."""
    try:
        return parse_id(text)
    except ValueError:
        raise CommandError(
            f"{text!r} is no message id: decimal, 16 hex digits, or a UUID", EXIT_USAGE
        ) from None


def moment(ms: object) -> str:
    """A time of the daemon for people: local time with seconds; a dash for none."""
    if not isinstance(ms, int) or not ms:
        return "-"
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _cell(value: object) -> str:
    return "-" if value is None else safe(str(value))


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as aligned columns; names ending in _ms are shown as times, without the ending."""
    if not rows:
        return "none"
    names = list(rows[0])
    head = [name.removesuffix("_ms") for name in names]
    body = [
        [moment(row[name]) if name.endswith("_ms") else _cell(row[name]) for name in names] for row in rows
    ]
    widths = [max(len(line[i]) for line in (head, *body)) for i in range(len(names))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in (head, *body)
    ]
    return "\n".join(line.rstrip() for line in lines)
