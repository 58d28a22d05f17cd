"""What people have put into balances and taken out of them."""

from __future__ import annotations

from typing import Any

from gateway.store.reading import Reads


def balance_changes(reads: Reads, account: str, limit: int) -> list[dict[str, Any]]:
    """The newest changes of an account's balance, in the order of their time; amounts in millionths."""
    with reads.question() as connection:
        rows = connection.execute(
            "SELECT at_ms, who, amount, balance, note FROM balance_change WHERE account = ? "
            "ORDER BY change_id DESC LIMIT ?",
            (account, limit),
        ).fetchall()
    return [dict(row) for row in reversed(rows)]
