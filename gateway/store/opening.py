"""What a gateway is told of its store when that is open: the fields of `gateway.store.journal.Opening`."""

from __future__ import annotations

from gateway.core.api import NEWEST_API_ID
from gateway.core.batch import Row
from gateway.store.apply import Applier


def hello_of(applier: Applier, in_doubt: int, messages: list[Row], now_ms: int) -> Row:
    """The first frame, which begins with no error; `messages`: account, how many have not ended."""
    cluster = applier.cluster if applier.db.shared else None
    node = (cluster.node, cluster.ended_ms_ago) if cluster is not None else (0, None)
    run = applier.db.run
    newest = run("newest_id").fetchone()[0]
    queued = run("count_queued").fetchall()
    marks = run("list_marks").fetchall()
    counts, blacklist = applier.accounts.day_counts(now_ms), applier.accounts.blacklist()
    of_accounts = (counts, blacklist, applier.money.balances())
    ids = (dict(marks).get(NEWEST_API_ID, 0), *applier.records.newest())
    given = (*ids, applier.calls.uses, applier.decisions.pauses(), *node)
    return ("", applier.boot, newest, messages, queued, in_doubt, marks, *of_accounts, *given)
