"""Writes down who does what by the pages or the command line, before it is done, and then what came of it."""

from __future__ import annotations

import asyncio
import os
import pwd
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gateway.admin.actions import (
    ACTIONS,
    DONE,
    REFUSED,
    STOPPED,
    Action,
    Names,
    Outcome,
    action_of,
    outcome_of,
    subject_of,
)
from gateway.admin.commits import CANNOT_WRITE
from gateway.ops.control import Peer, Reply, Request, Unrecorded

if TYPE_CHECKING:
    from gateway.daemon import Daemon

PAGE, COMMAND, SIGNAL = "page", "command", "signal"
"""Where somebody comes from."""
NO_LOGIN = 0xFFFF_FFFF
"""The kernel's word for a process that no login has started."""
ADDRESS_MAX = 64
SENSELESS = "the request made no sense"
FAILED = "it failed, see the fault in the log"
STRANGER = "?"
"""A name that is no user's: somebody may have typed a password there."""
REFUSED_MOST = 60
"""So many refused logins are written down in REFUSED_S; a stranger must not fill the disk."""
REFUSED_S = 60.0
NOTES = {
    "login": ("login", DONE),
    "login_refused": ("login", REFUSED),
    "logout": ("logout", DONE),
    "forbidden": ("forbidden", REFUSED),
}
"""What the pages tell: the action and its outcome."""


class Who(NamedTuple):
    """Who asks."""

    name: str
    origin: str
    address: str
    """Of the browser; else the uid, and who had logged in before becoming that user."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One action that is under way."""

    recorder: Recorder
    audit_id: int
    who: Who
    action: Action
    request: Request
    subject: str

    def end(self, last: Reply | None, error: BaseException | None) -> None:
        """It is over, with this as the last answer; `error`: what ended it before it had told everything."""
        if error is None or (last is not None and "error" in last):
            outcome = outcome_of(self.action, self.request, last or {})
        elif isinstance(error, KeyError | TypeError | ValueError | OverflowError):
            outcome = Outcome(REFUSED, SENSELESS)
        elif isinstance(error, Exception):
            outcome = Outcome(REFUSED, FAILED)
        else:
            outcome = Outcome(STOPPED)
        self.recorder.end(self.audit_id, self.who, str(self.request["command"]), self.subject, outcome)


class Recorder:
    """The audit's writing side."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._user_names: dict[int, str] = {}
        self._window_ends = 0.0
        self._refused = 0

    async def begin(self, request: Request, peer: Peer) -> Entry | None:
        """Before a request is answered; None: it only reads. Unrecorded when the store cannot write.

        What a request says of who has sent it (`by`) is taken out where it is not the pages' to say.
        """
        if not self._is_pages(peer):
            request.pop("by", None)
        action = action_of(request)
        if action is None:
            return None
        who = await self._who(request, peer)
        daemon = self._daemon
        nodes = daemon.cluster.names() if daemon.cluster is not None else ()
        subject = subject_of(action, request, Names(daemon.accounts, daemon.upstreams, nodes))
        audit_id = await self._store(who, str(request["command"]), subject)
        return Entry(self, audit_id, who, action, request, subject)

    async def begin_signal(self, command: str) -> Entry | None:
        """The same of what somebody asks for by a signal, who is not known and gets no answer: it is done all
        the same (None) when the store cannot write.
        """
        who = Who(STRANGER, SIGNAL, "")
        with suppress(Unrecorded):
            audit_id = await self._store(who, command, "")
            return Entry(self, audit_id, who, ACTIONS[command], {"command": command}, "")
        return None

    async def _store(self, who: Who, command: str, subject: str) -> int:
        """The id of a row when it is durable."""
        journal = self._daemon.journal
        place = len(journal.batch.audits)
        journal.batch.audits.append((self._daemon.clock.now_ms(), *who, command, subject, "", ""))
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def settle(ok: bool) -> None:
            audit_id = journal.answer.audited[place] if ok else 0
            if not done.done():
                done.set_result(audit_id)
            elif audit_id:  # whoever asked has left meanwhile, and nothing was begun
                self.end(audit_id, who, command, subject, Outcome(STOPPED))

        journal.then(settle)
        audit_id = await done
        if not audit_id:
            raise Unrecorded(CANNOT_WRITE["error"])
        return audit_id

    def end(self, audit_id: int, who: Who, command: str, subject: str, outcome: Outcome) -> None:
        """What came of it."""
        journal = self._daemon.journal
        journal.batch.audit_ends.append((audit_id, *outcome))
        journal.wake()
        self._say(who, command, subject, outcome)

    def note(self, who: Who, action: str, outcome: Outcome) -> None:
        """Something that is over already; nobody waits for it."""
        if outcome.word == REFUSED:
            now = self._daemon.clock.now()
            if now >= self._window_ends:
                more = self._refused - REFUSED_MOST
                if more > 0:
                    outcome = outcome._replace(why=f"{outcome.why} and {more} more before".strip())
                self._window_ends, self._refused = now + REFUSED_S, 0
            self._refused += 1
            if self._refused > REFUSED_MOST:
                return
        journal = self._daemon.journal
        journal.batch.audits.append((self._daemon.clock.now_ms(), *who, action, "", *outcome))
        journal.wake()
        self._say(who, action, "", outcome)

    def _say(self, who: Who, action: str, subject: str, outcome: Outcome) -> None:
        """The same in the log, which may be kept elsewhere than the store."""
        self._daemon.events.say(
            "info",
            "audited",
            action=action,
            who=who.name,
            origin=who.origin,
            address=who.address,
            subject=subject or "-",
            outcome=outcome.word,
            why=outcome.why or "-",
        )

    # -- who -------------------------------------------------------------------------------------------

    def _is_pages(self, peer: Peer) -> bool:
        """Whether it is the process of the pages, or this one."""
        return peer.pid == os.getpid() or 0 < peer.pid == self._daemon.web.pid

    def page_user(self, request: Request) -> Who | None:
        """Who sits before the page that has sent a request; None: no page has."""
        by = request.get("by")
        if not isinstance(by, dict):
            return None
        web = self._daemon.config.web
        users = {user.name for user in web.users} if web is not None else set()
        name = str(by.get("user") or "")
        address = "".join(filter(str.isprintable, str(by.get("address") or "")))[:ADDRESS_MAX]
        return Who(name if name in users else STRANGER, PAGE, address)

    async def _who(self, request: Request, peer: Peer) -> Who:
        page_user = self.page_user(request)
        return page_user if page_user is not None else await self._of_process(peer)

    async def _of_process(self, peer: Peer) -> Who:
        """Whose process asks; the kernel says so, and who logged in before sudo or su."""
        address = f"uid {peer.uid}"
        login = await asyncio.to_thread(_login_uid, peer.pid)
        if login not in (None, NO_LOGIN, peer.uid):
            address += f", login {await self._user_name(login)}"
        return Who(await self._user_name(peer.uid), COMMAND, address)

    async def _user_name(self, uid: int) -> str:
        if uid not in self._user_names:  # a directory service may take its time
            self._user_names[uid] = await asyncio.to_thread(_user_name, uid)
        return self._user_names[uid]


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _login_uid(pid: int) -> int | None:
    """Who had logged in where a process comes from; None: the kernel does not tell."""
    with suppress(OSError, ValueError):
        return int(Path(f"/proc/{pid}/loginuid").read_text())
    return None
