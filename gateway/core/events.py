"""The event log: one function for each thing that happens to a message or a link, one vocabulary.

Numbers are masked and texts never appear.  Lines gather and go out together: a call for each line would
cost more than the message does.  `flush` is called by the daemon's tick, and at once for warnings.

For systemd's journal, which has times and levels of its own, lines begin with its mark of their level; rare
events are entries with fields there (SMSC_EVENT, SMSC_CONNECTOR …), of the same words.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from gateway.core.clock import Clock, SystemClock
from gateway.core.model import Message, MessageState
from protocols.sms.addresses import mask

IDENTIFIER = "smsc-gateway"
QUIET_S = 10.0
REFUSED_LOGINS = 100
"""Lines of one kind in QUIET_S: fail2ban wants each address, and a stranger must not fill the disk."""
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_PRIORITIES = {"debug": "7", "info": "6", "warning": "4", "error": "3"}
"""The journal's, which are syslog's."""
_STATE_NAMES = {int(state): state.name for state in MessageState}
_UNSAFE = {code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F)} | {
    code: f"\\u{code:04x}"
    for code in (
        *range(0x80, 0xA0),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        0x061C,
        0x200E,
        0x200F,
        0x2028,
        0x2029,
    )
}


def safe(text: str) -> str:
    """A peer's text for a log line: control and direction characters made visible, bounded."""
    return text[:200].translate(_UNSAFE)


def word(text: str) -> str:
    """The same as one word: a space is made visible too, and nothing is a dash."""
    if text.isalnum() and text.isascii() and len(text) < 100:
        return text
    return safe(text).replace(" ", "\\x20") or "-"


def _write_stderr(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


class JournalSocket(Protocol):
    """systemd's journal."""

    is_stderr: bool
    """It reads our standard error."""

    def write(self, fields: Mapping[str, str]) -> bool:
        """Whether it has taken an entry; it never waits."""
        ...


class Events:
    """Where every part of the gateway says what happened."""

    def __init__(
        self,
        form: str = "text",
        level: str = "info",
        write: Callable[[str], object] = _write_stderr,
        clock: Clock | None = None,
        journal: JournalSocket | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._write = write
        self._journal = journal
        self._lines: list[str] = []
        self._quiet: dict[str, tuple[float, int]] = {}
        self._second = 0
        self._stamp = ""
        self._stamped_ms = -1
        self._start = ""
        self.messages = True
        """Whether the events of single messages are written; read before calling them in a loop."""
        self.configure(form, level)

    def configure(self, form: str, level: str) -> None:
        """Writes in another form, or from another level on."""
        self.flush()
        journal = self._journal
        self._json = form == "json"
        self._for_journal = form == "journal" or (
            form == "auto" and journal is not None and journal.is_stderr
        )
        self._stamped_ms = -1
        self._level = _LEVELS[level]
        self.messages = self._level <= _LEVELS["info"]

    # -- messages --------------------------------------------------------------------------------------
    #
    # These run for every message, so each makes its words in one go; no value in them has a space.

    def accepted(self, message: Message, now_ms: int) -> None:
        """We took responsibility for a message."""
        self._message(
            now_ms,
            f"accepted message_id={message.message_id} account={word(message.account)}"
            f" to={mask(message.destination)} segments={message.segments} connector={message.connector}",
        )

    def submitted(self, message_id: int, connector: str, upstream_id: str, now_ms: int) -> None:
        """The SMSC took a segment."""
        self._message(
            now_ms, f"submitted message_id={message_id} connector={connector} upstream_id={word(upstream_id)}"
        )

    def postponed(self, message_id: int, connector: str, reason: str, now_ms: int) -> None:
        """The SMSC said no for now."""
        self._message(
            now_ms, f"postponed message_id={message_id} connector={connector} reason={word(reason)}"
        )

    def rerouted(self, message_id: int, connector: str, other: str, reason: str, now_ms: int) -> None:
        """An SMSC refused a message, and it goes by another one."""
        self._message(
            now_ms,
            f"rerouted message_id={message_id} connector={connector} to={other} reason={word(reason)}",
        )

    def receipt(self, message_id: int, connector: str, state: int, error: str, now_ms: int) -> None:
        """The SMSC's receipt is committed."""
        self._message(
            now_ms,
            f"receipt message_id={message_id} connector={connector}"
            f" state={_STATE_NAMES.get(state, state)} error={word(error)}",
        )

    def in_doubt(self, message_id: int, connector: str, evidence: str, now_ms: int) -> None:
        """Nobody knows whether the SMSC took a segment."""
        self._message(
            now_ms, f"in_doubt message_id={message_id} connector={connector} evidence={word(evidence)}"
        )

    def ended(self, message_id: int, state: int, error: str, now_ms: int) -> None:
        """A message ends without a receipt: refused, given up, expired."""
        name = _STATE_NAMES.get(state, state)
        self._message(now_ms, f"ended message_id={message_id} state={name} error={word(error)}")

    def returned(self, message_id: int, account: str, now_ms: int) -> None:
        """The account has its receipt."""
        self._message(now_ms, f"returned message_id={message_id} account={word(account)}")

    def mail_taken(self, mail_id: int, account: str, messages: Sequence[Message], now_ms: int) -> None:
        """A mail's messages are committed; the id is that of the first."""
        self._message(
            now_ms,
            f"mail_taken message_id={messages[0].message_id} mail_id={mail_id} account={word(account)}"
            f" messages={len(messages)}",
        )

    def _message(self, now_ms: int, words: str) -> None:
        if now_ms != self._stamped_ms:  # what one commit brings mostly has one time
            start = "<6>" if self._for_journal else f"{self._stamp_of(now_ms)} info "
            self._stamped_ms, self._start = now_ms, start
        self._lines.append(self._start + words if not self._json else _as_json(self._start, words))

    def _stamp_of(self, now_ms: int) -> str:
        if now_ms // 1000 != self._second:
            self._second = now_ms // 1000
            self._stamp = datetime.fromtimestamp(self._second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        return f"{self._stamp}{now_ms % 1000:03d}Z"

    # -- everything else -------------------------------------------------------------------------------

    def say(self, level: str, name: str, **fields: object) -> None:
        """A rare event of a link, a session, the store or the daemon."""
        if _LEVELS[level] < self._level:
            return
        if self._for_journal:
            self._tell_journal(level, name, fields)
            return
        stamp = self._stamp_of(self._clock.now_ms())
        if self._json:
            self._lines.append(
                json.dumps({"at": stamp, "level": level, "event": name, **fields}, default=str)
            )
        else:
            self._lines.append(f"{stamp} {level} {_words(name, fields)}")
        if _LEVELS[level] >= _LEVELS["warning"]:
            self.flush()

    def _tell_journal(self, level: str, name: str, fields: Mapping[str, object]) -> None:
        """As an entry; as a line when the journal does not take it."""
        self.flush()  # what was before it
        priority, words = _PRIORITIES[level], _words(name, fields)
        entry = {"MESSAGE": words, "PRIORITY": priority, "SYSLOG_IDENTIFIER": IDENTIFIER, "SMSC_EVENT": name}
        entry |= {f"SMSC_{key.upper()}": safe(str(value)) for key, value in fields.items()}
        if self._journal is None or not self._journal.write(entry):
            self._lines.append(f"<{priority}>{words}")
            self.flush()

    def seldom(self, level: str, name: str, now: float, *, at_most: int = 1, **fields: object) -> None:
        """The same of what a stranger can cause: so many lines in ten seconds, and a count of more."""
        quiet_until, count = self._quiet.get(name, (0.0, 0))
        if now < quiet_until:
            self._quiet[name] = (quiet_until, count + 1)
            if count >= at_most:
                return
        else:
            self._quiet[name] = (now + QUIET_S, 1)
            if count > at_most:
                fields["kept_back"] = count - at_most
        self.say(level, name, **fields)

    def flush(self) -> None:
        """Writes what gathered, in one call."""
        if self._lines:
            lines, self._lines = self._lines, []
            with contextlib.suppress(OSError):  # a full disk or a closed pipe may cost lines, not messages
                self._write("\n".join(lines) + "\n")


def _words(name: str, fields: Mapping[str, object]) -> str:
    """An event's name and fields."""
    return " ".join((name, *(f"{key}={_quoted(value)}" for key, value in fields.items())))


def _quoted(value: object) -> str:
    text = safe(str(value)).replace('"', '\\"')
    return f'"{text}"' if " " in text or not text else text


def _as_json(start: str, words: str) -> str:
    """The line of a message's event in JSON; no value in it has a space."""
    stamp, level, _ = start.split(" ")
    name, *pairs = words.split(" ")
    return json.dumps(
        {"at": stamp, "level": level, "event": name, **dict(pair.split("=", 1) for pair in pairs)}
    )
