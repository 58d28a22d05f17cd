"""Who is on the blacklists, a page at a time."""

from __future__ import annotations

from typing import Any

from gateway.store.reading import Reads

_PAGE = (
    "SELECT account, number, at_ms, why FROM blacklist "
    "WHERE (account, number) > (?1, ?2) AND (account = ?3 OR ?3 IS NULL) AND (?4 = '' OR number = ?4) "
    "ORDER BY account, number LIMIT ?5"
)


def blacklist_page(
    reads: Reads, account: str | None, number: str, after: tuple[str, str], limit: int
) -> list[dict[str, Any]]:
    """Entries behind `after` (account, number), of one list (None: all), of one number ("": all)."""
    if account is not None:
        after = max(after, (account, ""))
    with reads.question() as connection:
        return [dict(row) for row in connection.execute(_PAGE, (*after, account, number, limit))]
