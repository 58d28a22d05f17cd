"""The links in the texts of a request, each recipient's made short for itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.core.batch import Row
from gateway.core.submission import Accepted
from gateway.front.desk import BAD_PARAMETERS, ApiProblem, Desk
from gateway.front.planning import Outcome, Planned, Shorten, links_in

LINKS_MAX: Final = 20_000
"""Of a request."""
_CODE: Final = 9
"""Characters of nearly every short link behind its path."""


class Links:
    """The short links of a request's messages, one for each recipient, so that clicks are known by number."""

    def __init__(self, desk: Desk, account: str) -> None:
        self._desk = desk
        self._account = account
        self._made: dict[str, Row] = {}
        """Rows of short_links by the links that texts have; they are kept when it is known whose they are."""

    def shorten(self, url: str) -> str:
        """A short link in its place."""
        if len(self._made) >= LINKS_MAX:
            raise ApiProblem(BAD_PARAMETERS, f"a request has at most {LINKS_MAX} links in all")
        from gateway.front.links import made_short  # few have their links made short

        short, row = made_short(self._desk, self._account, url)
        if row is not None:
            self._made[short] = row
        return short

    def keep(self, messages: Sequence[Planned], outcomes: Sequence[Outcome]) -> None:
        """Puts those of messages that were taken into the gathering batch, each with its message."""
        if not self._made:
            return
        links = self._desk.journal.batch.short_links
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
