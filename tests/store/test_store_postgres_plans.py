"""No question to PostgreSQL looks at more rows than it has to, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from gateway_fakes import NOW_MS
from postgres_rows import fill, id_of
from store_support import PostgresEngine

from gateway.store import (
    reader_audit,
    reader_blacklist,
    reader_find,
    reader_history,
    reader_incoming,
    reader_lists,
    reader_near,
    reader_pages,
    reader_waiting,
)
from gateway.store.reader import Reader, Wanted
from gateway.store.reader_audit import Wanted as WantedRows
from gateway.store.reader_audit import audit_page
from gateway.store.reader_money import balance_changes
from gateway.store.sqlite_open import statements

ROWS = 3000
BOUND = 1100
"""More rows of a table no statement may look at."""
LOOK = 100
TOP = 1 << 62
NOW = NOW_MS + 10 * ROWS
WANTED = Wanted(0, TOP)
LIVE, ENDED = id_of(ROWS + 7), id_of(7)
Ask = Callable[[Any], object]


def _find(**fields: Any) -> Ask:
    return lambda reads: Reader(reads).find(WANTED._replace(**fields), 10)


def _api(name: str, *parameters: object) -> Ask:
    def ask(reads: Any) -> object:
        with reads.question() as connection:
            return connection.run(name, parameters).fetchall()

    return ask


QUESTIONS: dict[str, Ask] = {
    **{
        f"list {kind}": lambda reads, kind=kind: Reader(reads).listing(kind, 10)
        for kind in ("ambiguous", "waiting", "unmatched", "undelivered", "dead", "letters", "calls")
    },
    **{
        f"page {kind}{of}": lambda reads, kind=kind, of=of: reader_pages.page(reads, kind, of, 0, 10)
        for kind in reader_pages.KINDS
        for of in ("", "a1")
    },
    "page in the middle": lambda reads: reader_pages.page(reads, "dead_deliveries", "a1", ROWS // 2, 10),
    "counts": reader_pages.counts,
    "dead": lambda reads: Reader(reads).dead("", 10),
    "dead counts": lambda reads: Reader(reads).dead_counts(NOW_MS + ROWS - 50),
    "mail": lambda reads: Reader(reads).mail(ENDED),
    "timeline": lambda reads: Reader(reads).timeline(LIVE),
    "timeline of an ended one": lambda reads: Reader(reads).timeline(ENDED),
    "standing": lambda reads: Reader(reads).standing(LIVE),
    "text": lambda reads: Reader(reads).text(ENDED),
    "incoming": lambda reads: Reader(reads).incoming(10),
    "find all": _find(),
    "find a number": _find(number="79160000007"),
    "find an id": _find(message_id=LIVE),
    "find what it is called": _find(client_id="R9"),
    "find a mail": _find(client_id=f"<{ROWS - 9}@example.org>"),
    "find an SMSC's id": _find(upstream_id="U9", upstream_keys=("U9",)),
    "find states": _find(states=(2,), progress=(0,)),
    "bounds": lambda reads: reader_history.bounds(reads, 0, TOP),
    "export": lambda reads: reader_history.page(
        reads, id_of(ROWS - 5), TOP, reader_history.Filter(account="a1"), with_text=True
    ),
    "live page": lambda reads: reader_history.live_page(reads, id_of(ROWS), TOP),
    "queues": lambda reads: reader_waiting.queues(reads, ["c0", "c1"], NOW),
    "undelivered": lambda reads: reader_waiting.undelivered(reads, ["a1", "none"], NOW),
    "audit": lambda reads: audit_page(reads, WantedRows(who="root"), 1, TOP, 10),
    "audit of nobody": lambda reads: audit_page(reads, WantedRows(who="nobody"), 1, ROWS // 2, 10),
    "blacklist": lambda reads: reader_blacklist.blacklist_page(reads, None, "", ("a1", ""), 10),
    "blacklist of one": lambda reads: reader_blacklist.blacklist_page(reads, "a1", "", ("", ""), 10),
    "balance": lambda reads: balance_changes(reads, "a1", 10),
    "get_record": _api("get_record", "black", "a1", 22),
    "named_record": _api("named_record", "black", "a1", "22"),
    "list_records": _api("list_records", "black", "a1", 10),
    "contacts_page": _api("contacts_page", "a1", 0, 0, 10),
    "contacts_of_group": _api("contacts_of_group", 1, "a1", 0, 0, 10),
    "contact_of_number": _api("contact_of_number", "a1", 0, "22"),
    "contacts_of_numbers": _api("contacts_of_numbers", "a1", 0, '["22", "43"]'),
    "count_contacts": _api("count_contacts", "a1", 0),
    "group_sizes": _api("group_sizes", "a1"),
    "black_entries": _api("black_entries", "a1", 0, TOP, 10),
    "black_kept": _api("black_kept", "a1", "", 0, 10),
    "black_why": _api("black_why", "a1", "22"),
    "count_records": _api("count_records", "a1", "black"),
    "newest_invoice": _api("newest_invoice"),
    "jobs_made": _api("jobs_made", "a1", 0, 0, TOP, 10),
    "jobs_size": _api("jobs_size", "a1"),
    "jobs_over": _api("jobs_over", "a1", 10),
    "job_delivered": _api("job_delivered", "a1", f"[[{id_of(1)}, {id_of(100)}]]", 2),
    "job_messages": _api("job_messages", "a1", id_of(1), id_of(100)),
    "link_by_id": _api("link_by_id", 7),
    "link_days": _api("link_days", 7, 0),
    "links_of_url": _api("links_of_url", "a1", "https://example.org/22"),
    "url_days": _api("url_days", "a1", "https://example.org/22", 0),
    "api_statuses": _api("api_statuses", "a1", '[["R22", "79160000022"], ["R43", "79160000043"]]'),
    "api_history": _api("api_history", "a1", id_of(1), TOP, 0, 10),
    "api_history_step": _api("api_history_step", "a1", id_of(1), TOP, 10),
    "api_history_to": _api("api_history_to", "a1", id_of(1), id_of(2000), 0, 10, '["79160000022"]'),
    "api_answers_after": _api("api_answers_after", "a1", 0, 0, "", 10, TOP),
    "api_answers_step": _api("api_answers_step", "a1", 0, 10),
    "api_answers_newest": _api("api_answers_newest", "a1", 0, "", 10),
    "api_sent": _api("api_sent", "a1", 0, 30000),
    "account_traces": _api("account_traces", "a1"),
    "sent_by_accounts": _api("sent_by_accounts", 0, 30000, '["a1"]'),
    "v1_request_key": _api("v1_request_key", "a1", "k22", 0),
    "v1_newest_ids": _api("v1_newest_ids", "a1", 0, TOP, 10),
    "v1_ids_to": _api("v1_ids_to", "a1", id_of(1), id_of(2000), 10, "79160000022"),
    "v1_ids_named": _api("v1_ids_named", "a1", 0, TOP, 10, "R22"),
    "v1_messages": _api("v1_messages", "a1", f"[{id_of(22)}, {id_of(43)}]"),
    "v1_text": _api("v1_text", LIVE),
    "v1_incoming": _api("v1_incoming", "a1", 0, 10),
    "v1_usage": _api("v1_usage", 0, 30000, "a1"),
}
WHOLE = {"list_kind", "jobs_due", "paid_by_accounts"}
"""Once at the start, and what a parent asks of its sub-clients: they have no bound on SQLite either."""


class Watched:
    """Reads that tell of each statement how many rows of a table it looked at."""

    def __init__(self, reads: Any) -> None:
        self._reads = reads
        self.looks: list[tuple[str, str, int]] = []
        self.plans: list[str] = []

    @contextmanager
    def question(self) -> Iterator[Any]:
        with self._reads.question() as connection:
            execute = connection.connection.execute

            def explained(sql: bytes, parameters: Any = (), **how: Any) -> Any:
                if isinstance(sql, bytes) and sql.startswith((b"SELECT", b"WITH")):
                    plan = execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + sql, parameters).fetchone()[0]
                    self.plans.append(str(plan))
                    self._walk(sql.decode(), plan[0]["Plan"], 0)
                return execute(sql, parameters, **how)

            connection.connection.execute = explained
            try:
                yield connection
            finally:
                del connection.connection.execute

    def _walk(self, sql: str, node: dict[str, Any], depth: int) -> None:
        removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        if node["Node Type"].endswith("Scan") and node.get("Relation Name"):
            rows = int((node["Actual Rows"] + removed) * node["Actual Loops"])
            self.looks.append((sql, f"{node['Node Type']} of {node['Relation Name']}", rows))
        for below in node.get("Plans", ()):
            self._walk(sql, below, depth + 1)


@pytest.fixture(scope="module")
def filled(postgres_databases: Any) -> Iterator[PostgresEngine]:
    """A store with ROWS rows in each table."""
    engine = PostgresEngine(postgres_databases(15).fresh())
    fill(engine.db.connection, ROWS)
    yield engine
    engine.close()


@pytest.fixture(autouse=True)
def small_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (reader_audit, "LOOK"),
        (reader_find, "SLICE"),
        (reader_incoming, "LOOK"),
        (reader_near, "LOOK"),
        (reader_pages, "LOOK"),
        (reader_pages, "HISTORY_LOOK"),
        (reader_pages, "COUNT_MAX"),
        (reader_waiting, "COUNT_MAX"),
        (reader_history, "LIVE_PAGE"),
        (reader_lists, "SUMMARY_ROWS"),
    ):
        monkeypatch.setattr(module, name, LOOK)


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_question_looks_at_more_than_it_has_to(filled: PostgresEngine, name: str) -> None:
    watched = Watched(filled.reads)
    QUESTIONS[name](watched)
    assert watched.looks
    for sql, scan, rows in watched.looks:
        assert rows <= BOUND, (scan, rows, sql)


def test_many_ids_are_looked_up_in_a_table_of_them(filled: PostgresEngine) -> None:
    """Receipts that match nothing, times the ended messages that are looked at, would be seconds."""
    watched = Watched(filled.reads)
    QUESTIONS["page unmatched"](watched)
    assert any("hashed SubPlan" in plan for plan in watched.plans)


def test_each_read_of_the_front_is_among_them() -> None:
    assert not {*statements("api")} - {*QUESTIONS} - WHOLE
