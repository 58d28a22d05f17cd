"""Words by which subscribers say that an account is to leave them alone.

An incoming SMS that begins with one puts its sender on the account's blacklist, in the commit that keeps the
SMS, which goes to the account all the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.config.account_model import Account
from gateway.core.batch import Batch
from gateway.core.blacklist import Blacklists
from gateway.core.events import Events
from protocols.sms.addresses import mask

_PUNCTUATION = ".,:;!?\"'()«»"
LONGEST = 70
"""Characters of a text that are looked at: no stop word has more."""


class StopWords:
    """The stop words of all accounts, and the blacklists that they write to."""

    def __init__(self, accounts: Iterable[Account], blacklists: Blacklists, events: Events | None) -> None:
        self._words = {
            one.system_id: {words_of(word) for word in one.stop_words} for one in accounts if one.stop_words
        }
        self._blacklists = blacklists
        self._events = events

    def __bool__(self) -> bool:
        return bool(self._words)

    def heed(self, batch: Batch, account: str | None, number: str, text: str, now_ms: int) -> None:
        """Puts the number (digits) on the list of the account that the SMS goes to, if its text says so.

        Names cannot be written to, so they are on no list.
        """
        if account not in self._words:
            return
        for name, why in self.said(number, text):
            if name == account:
                # in memory at once: should the commit fail, the SMS comes again
                batch.blacklisted.append((account, number, now_ms, why))
                self.stopped(account, number)

    def said(self, number: str, text: str) -> tuple[tuple[str, str], ...]:
        """The accounts that the text would stop, each with what its list keeps of that."""
        if not (number.isascii() and number.isdecimal()):
            return ()
        said = words_of(text[:LONGEST])
        return tuple(
            (account, f"SMS: {' '.join(words)}")
            for account, stop_words in self._words.items()
            for words in [next((one for one in stop_words if said[: len(one)] == one), None)]
            if words
        )

    def stopped(self, account: str, number: str) -> None:
        """The number is on the account's list in the store, or will be with this commit."""
        self._blacklists.add(account, (number,))
        if self._events is not None:
            self._events.say("info", "stop_word", account=account, number=mask(number))


def words_of(text: str) -> tuple[str, ...]:
    """Words as they are compared: in small letters, without the punctuation around them."""
    found = (word.casefold().strip(_PUNCTUATION) for word in text.split())
    return tuple(word for word in found if word)
