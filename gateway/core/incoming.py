"""Where incoming SMS go: to an account's sessions, to mailboxes, back to the mail that they answer.

Of a long SMS only the first part holds the keyword, and parts may come in any order.  So the store gathers
them, and what is said here of the first part that is there holds for all of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import product
from typing import NamedTuple

from gateway.config.mail_model import IncomingRule, Mail
from gateway.config.model import Account, Connector
from gateway.config.smsc_model import SmscConnector
from gateway.core.batch import Batch, Row
from gateway.core.blacklist import Blacklists
from gateway.core.events import Events
from gateway.core.stop_words import StopWords

_PUNCTUATION = ".,:;!?\"'()«»"
_HOUR_MS = 3_600_000
RECENT = 500
"""So many incoming SMS are remembered for an admin who asks what came; in memory, for the store forgets what
was handed over."""


class IncomingRules:
    """The configured rules; of those that fit an SMS the first one counts."""

    def __init__(self, rules: Iterable[IncomingRule]) -> None:
        self._rules: dict[tuple[str, str, str], tuple[int, IncomingRule]] = {}
        for index, rule in enumerate(rules, 1):
            key = (rule.connector, rule.number.removeprefix("+"), rule.keyword.casefold())
            self._rules.setdefault(key, (index, rule))
        self.has_keywords = any(keyword for _, _, keyword in self._rules)

    def __bool__(self) -> bool:
        return bool(self._rules)

    def find(
        self, connector: str, own_number: str, text: str | None
    ) -> tuple[int, IncomingRule] | tuple[int, None]:
        """The rule for an SMS that came by this connector to this number of ours, and before it its place,
        counted from 1.

        Its keyword is the first word of `text`, with or without the punctuation around it, in any case. None
        as `text`: the beginning is not known, so no rule with a keyword fits. 0 and None: no rule fits.
        """
        numbers = {own_number.removeprefix("+"), ""}
        keys = product({connector, ""}, numbers, _keywords(text))
        found = [self._rules[key] for key in keys if key in self._rules]
        return min(found, key=lambda it: it[0]) if found else (0, None)


def _keywords(text: str | None) -> set[str]:
    words = text.split(maxsplit=1) if text else []
    if not words:
        return {""}
    word = words[0].casefold()
    return {word, word.strip(_PUNCTUATION), ""}


class Way(NamedTuple):
    """What becomes of an incoming SMS, or of a part of one."""

    account: str | None
    """Whose sessions get it. None: nobody's. "": those of the first part's account, or nobody is known; then
    it stays among the deliveries that nobody fetches, where it is seen."""
    mail: Sequence[str]
    """The mail addresses that get it."""
    answers_since_ms: int
    """First it is looked whether it answers a mail that came since then; 0: not."""
    gathered: bool
    """It goes by Batch.incoming_mail: because of the above, or because it is a part of a long one."""
    whole: int = 0
    """The account gets a long one joined (1); or its sessions get the parts as they came, and it is joined
    where the account asks for it over HTTP (2)."""
    rule: int = 0
    """The place of the rule that says so, counted from 1; 0: none does, but incoming_account."""

    @property
    def is_taken(self) -> bool:
        """Whether anybody gets it."""
        return self.gathered or self.account is not None


class Came(NamedTuple):
    """An incoming SMS, or a part of one, and what became of it."""

    at_ms: int
    connector: str
    number: str
    own_number: str
    total: int
    part: int
    """Of a long one; 0 of 0: nobody had to look."""
    way: Way


class Incoming:
    """The rules and what mail adds to them; shared by all connectors."""

    def __init__(self, events: Events | None = None) -> None:
        self._events = events
        self.recent: deque[Came] = deque(maxlen=RECENT)
        """What came last, of all connectors."""
        self.blacklists = Blacklists()
        """What stop words write to."""
        self.configure((), None)

    def configure(
        self, rules: Iterable[IncomingRule], mail: Mail | None, accounts: Iterable[Account] = ()
    ) -> None:
        """Takes over a changed configuration."""
        accounts = tuple(accounts)
        self._whole = {one.system_id: 2 for one in accounts if one.http is not None}
        self._whole.update((one.system_id, 1) for one in accounts if one.smpp.whole_incoming)
        self.stop_words = StopWords(accounts, self.blacklists, self._events)
        self._rules = IncomingRules(rules)
        answers = mail is not None and mail.smarthost is not None
        self._window_ms = mail.reply_window_h * _HOUR_MS if mail is not None and answers else 0
        self.is_plain = not (self._rules or self._window_ms or self._whole or self.stop_words)
        """Every SMS goes to its connector's incoming_account, whatever it says."""

    def heed_stop(
        self, batch: Batch, way: Way, number: str, text: str, now_ms: int, *, total: int
    ) -> tuple[Row, ...]:
        """Obeys a stop word at the beginning of an SMS from `number`.

        Where only the store finds out whose mail it answers, this is for the row of Batch.incoming_mail.
        """
        if not self.stop_words:
            return ()
        if way.answers_since_ms and total <= 1:
            return self.stop_words.said(number, text)
        self.stop_words.heed(batch, way.account, number, text, now_ms)
        return ()

    def way(
        self,
        connector: Connector | SmscConnector,
        own_number: str,
        text: str,
        now_ms: int,
        *,
        total: int,
        part: int,
    ) -> Way:
        """Where an SMS goes that came by `connector`; `part` of `total`, 1 of 1 when it is whole."""
        place, rule = self._rules.find(connector.name, own_number, text if part <= 1 else None)
        account: str | None = rule.account if rule is not None else connector.incoming_account
        mail = tuple(rule.mail) if rule is not None else ()
        since_ms = now_ms - self._window_ms if self._window_ms else 0
        first_decides = total > 1 and self._rules.has_keywords
        if not account and not (first_decides and part > 1) and (mail or not since_ms):
            account = None
        whole = self._whole.get(account or "", 0) if total > 1 else 0
        gathered = bool(mail or since_ms or whole or (first_decides and account is not None))
        return Way(account, mail, since_ms, gathered, whole, place)

    def forget(self, number: str) -> None:
        """Remembers nothing any more of what came from this number, or to it; in digits."""
        kept = [
            it
            for it in self.recent
            if number not in (it.number.removeprefix("+"), it.own_number.removeprefix("+"))
        ]
        self.recent.clear()
        self.recent.extend(kept)
