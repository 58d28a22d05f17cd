"""The process that reads mails: raw octets in, what they say out.

A mail is written by anyone, and reading it takes the interpreter for a while; in a process of its own a
hostile one can hold up neither the gateway's loop nor, with its memory and time bounded here, the mails of
others.  It ends when the gateway closes its end of the socket pair.  It writes nothing anywhere.
"""

from __future__ import annotations

import gc
import resource
import signal
import socket
import sys
from collections.abc import Iterable
from time import monotonic
from types import FrameType
from typing import Any

import html_text

from gateway.core.frames import encode_frame, take_frames
from gateway.crashes import leave_no_memory
from protocols.mail.errors import MailError
from protocols.mail.message import Reading, Style, read_message

CPU_S = 2.0
"""Processor time for one mail."""
MEMORY = 1 << 30
"""Octets of address space."""
MAX_HTML = 262_144
"""Characters of HTML that are looked at."""
SILENCE_S = 0.02
READ_SIZE = 1 << 20

_HINTS = ("hidden", "display", "DISPLAY", "mso-hide", "max-height", "font-size")
_HIDDEN = (
    "display:none",
    "visibility:hidden",
    "mso-hide:all",
    "max-height:0;",
    "font-size:0;",
    "font-size:0px",
)


class _TooLong(BaseException):
    """Not an Exception, so that nothing that reads a mail can take it for its own."""


def main() -> int:
    """Argument: the socket's file descriptor."""
    leave_no_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, _stop)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.setblocking(True)
    html_to_text("<p>So that everything is loaded.</p>")
    gc.freeze()
    serve(channel)
    return 0


def _stop(signal_number: int, frame: FrameType | None) -> None:
    raise _TooLong


def serve(channel: socket.socket) -> None:
    """Answers until the other end closes; what one read brought is answered by one write.

    Unless it takes long: the gateway shall hear that something is done, and the others' clients wait.
    """
    buffer = bytearray()
    try:
        while data := channel.recv(READ_SIZE):
            buffer += data
            answers: list[bytes] = []
            begun = monotonic()
            for values in take_frames(buffer):
                answers.append(encode_frame(answer_to(*values)))
                if monotonic() - begun > SILENCE_S:
                    channel.sendall(b"".join(answers))
                    answers.clear()
                    begun = monotonic()
            if answers:
                channel.sendall(b"".join(answers))
    except OSError:
        return  # the gateway is gone


def answer_to(
    number: int, raw: bytes, style: tuple[Any, ...]
) -> tuple[int, str, str, tuple[Any, ...] | None]:
    """The answer to one request: the reading, or the reply code and text for a mail that cannot be read."""
    try:
        return number, "", "", tuple(_read(raw, Style(*style)))
    except MailError as error:
        return number, error.code, error.text, None
    except (_TooLong, RecursionError):
        return number, "554 5.6.0", "the mail takes too long to read", None
    except MemoryError:
        return number, "552 5.3.4", "the mail takes too much memory to read", None
    except Exception as error:
        return number, "451 4.3.0", f"the mail could not be read: {type(error).__name__}", None


def _read(raw: bytes, style: Style) -> Reading:
    signal.setitimer(signal.ITIMER_PROF, CPU_S)
    try:
        return read_message(raw, style, html_to_text)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def html_to_text(html: str) -> str:
    """The text that a mail program would show; what is hidden (preheaders) is left out."""
    html = html[:MAX_HTML]
    try:
        tree = html_text.parse_html(html)
        _drop(tree.iter("head", "title"))
        if any(word in html for word in _HINTS):
            _drop(element for element in tree.xpath("//*[@style or @hidden]") if _is_hidden(element))
        return str(html_text.extract_text(tree))
    except MemoryError:
        raise
    except Exception:  # whatever the parser has against it, there is no text in it
        return ""


def _drop(elements: Iterable[Any]) -> None:
    for element in list(elements):
        if element.getparent() is not None:
            element.drop_tree()


def _is_hidden(element: Any) -> bool:
    style = "".join(element.get("style", "").lower().split())
    return element.get("hidden") is not None or any(word in style for word in _HIDDEN)


if __name__ == "__main__":
    sys.exit(main())
