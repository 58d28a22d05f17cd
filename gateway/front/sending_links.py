"""The links in the texts of a request, each recipient's made short for itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from gateway.core.submission import Accepted
from gateway.front.desk import Desk
from gateway.front.planning import Outcome, Planned, Shorten, links_in

_CODE: Final = 9
"""Characters of nearly every short link behind its path."""


class Links:
    """The short links of a request's messages, one for each recipient, so that clicks are known by number."""

    def __init__(self, desk: Desk, account: str) -> None:
        self._desk = desk
        self._account = account
        self._first = len(desk.journal.batch.short_links)
        self._made: dict[str, Any] = {}
        """Rows of short_links by the links that texts have."""

    def shorten(self, url: str) -> str:
        """A short link in its place."""
        from gateway.front.links import shorten  # few have their links made short

        rows = self._desk.journal.batch.short_links
        before, short = len(rows), shorten(self._desk, self._account, url)
        if len(rows) > before:
            self._made[short] = rows[-1]
        return short

    def belong_to(self, messages: Sequence[Planned], outcomes: Sequence[Outcome]) -> None:
        """Tells each link its message, which had no id when it was made; those that nobody gets are gone."""
        if not self._made:
            return
        links = self._desk.journal.batch.short_links
        del links[self._first :]
        for one, outcome in zip(messages, outcomes, strict=True):
            if isinstance(outcome, Accepted):
                rows = (self._made.get(link) for link in links_in(one.content.text))
                links.extend((*row[:-1], outcome.message.message_id) for row in rows if row is not None)


def placeholder(desk: Desk) -> Shorten:
    """What is as long as a short link, for a text that is only counted."""

    def shortened(url: str) -> str:
        from gateway.front.links import link_base, stored_form

        base = link_base(desk)
        return url if url.startswith(base) else base + "0" * _CODE if stored_form(url) else url

    return shortened
