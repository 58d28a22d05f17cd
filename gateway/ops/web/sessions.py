"""Who is logged in.  In memory only: a restart of the pages logs everybody out.

The browser has a random id, here is only its digest: what is in memory opens nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

from gateway.core.clock import Clock
from gateway.ops.web.settings import User, WebSettings

SESSIONS_OF_USER = 20
"""The one that was used longest ago ends for another."""
NOTICES_MAX = 5
_ID_OCTETS = 32


@dataclass(slots=True)
class Session:
    """One login."""

    user: str
    password_hash: str
    """As it was: another one in the configuration ends the session."""
    began: float
    seen: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(_ID_OCTETS))
    notices: list[tuple[str, str]] = field(default_factory=list)
    """Kind (ok, bad) and text, for the next page."""

    def note(self, kind: str, text: str) -> None:
        if (kind, text) in self.notices:  # pressed twice; what else there is to say must not give way to it
            return
        self.notices.append((kind, text))
        del self.notices[:-NOTICES_MAX]


class Sessions:
    """All logins by the digests of their ids."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_digest: dict[bytes, Session] = {}

    def __len__(self) -> int:
        return len(self._by_digest)

    def begin(self, user: User) -> str:
        """A new session; its id, which is known to the browser alone."""
        now = self._clock.now()
        own = [digest for digest, other in self._by_digest.items() if other.user == user.name]
        if len(own) >= SESSIONS_OF_USER:
            del self._by_digest[min(own, key=lambda digest: self._by_digest[digest].seen)]
        token = secrets.token_urlsafe(_ID_OCTETS)
        self._by_digest[_digest(token)] = Session(user.name, user.password_hash, now, now)
        return token

    def find(self, token: str, settings: WebSettings, *, is_use: bool = True) -> tuple[Session, User] | None:
        """Whose session it is; None when there is none, or none any more. `is_use` keeps it alive."""
        digest = _digest(token)
        session = self._by_digest.get(digest)
        if session is None:
            return None
        user = self._user_of(session, settings)
        if user is None:
            del self._by_digest[digest]
            return None
        if is_use:
            session.seen = self._clock.now()
        return session, user

    def end_others(self, settings: WebSettings) -> None:
        """Ends all that these settings end: a user who is put back later has to log in."""
        kept = {
            digest: session
            for digest, session in self._by_digest.items()
            if self._user_of(session, settings) is not None
        }
        self._by_digest = kept

    def _user_of(self, session: Session, settings: WebSettings) -> User | None:
        """None: it is over."""
        now = self._clock.now()
        user = settings.user(session.user)
        if (
            user is None
            or user.password_hash != session.password_hash
            or now - session.began >= settings.session_s
            or now - session.seen >= settings.idle_s
        ):
            return None
        return user

    def end(self, token: str) -> None:
        self._by_digest.pop(_digest(token), None)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
