"""The steps of a batch that are about what has ended: kept texts, statistics, numbers that are erased.

Whether texts are kept is told by each sweep and remembered across runs, so that the end of a message asks
nothing: without `queue.text_days` there is one test for all that end with a batch.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from gateway.core.batch import NO_TEXTS, Answer, Row, Sweep
from gateway.store.database import Database

SWEEP_ROWS = 1000
"""A sweep that forgot so many of a kind has not forgotten all."""
ERASE_LOOK = 10_000
"""So many rows are looked at for a number in one batch, for some milliseconds."""
DAY_MS = 86_400_000
SCRUB_MS = 3_600_000
"""So often what was deleted leaves the write-ahead log, also where nothing else is written."""
_KEEPS_TEXTS = "keeps_texts"


class _Place(NamedTuple):
    """Where a number may be: a table, and the statements that find it there."""

    name: str
    """As the admin is told; those in KEPT are kept."""
    table: str
    """Walked through in the order of its rows; empty: one look at all of it."""
    statements: tuple[str, ...]


PLACES = (
    _Place("live", "message", ("count_live_of_number",)),  # first: what ends meanwhile was told as live
    _Place("letter", "letter", ("erase_letters",)),
    _Place("dead_letter", "dead_letter", ("erase_dead_letters",)),
    _Place("mail", "mail", ("erase_mails",)),  # before its recipients, which say that it is meant
    _Place("mail_recipient", "mail_recipient", ("erase_mail_recipients",)),
    _Place("history", "history", ("erase_history_texts", "erase_history")),
    _Place("delivery", "delivery", ("erase_incoming", "erase_receipts")),
    _Place("dead_delivery", "dead_delivery", ("erase_dead_deliveries",)),
    _Place("parked_receipt", "parked_receipt", ("erase_parked",)),
    _Place("incident", "incident", ("erase_incidents",)),
    _Place("ambiguous", "ambiguous", ("erase_ambiguous",)),
    _Place("incoming_part", "", ("erase_parts",)),
    _Place("api_message", "api_message", ("erase_api_messages",)),
    _Place("inbox", "inbox", ("erase_inbox",)),
    _Place("call", "call", ("erase_incoming_calls", "erase_calls")),
    _Place("dead_call", "dead_call", ("erase_dead_calls",)),
    _Place("request_key", "request_key", ("erase_answers",)),
    _Place("audit", "audit", ("erase_audit",)),
    _Place("short_link", "short_link", ("erase_link_days", "erase_links")),
    _Place("blacklist", "", ("count_blacklisted_number",)),
    _Place("contact", "contact", ("count_contacts_of_number",)),
    _Place("record", "record", ("count_records_of_number",)),
)
KEPT = ("live", "blacklist", "contact", "record")
"""What is told and stays: what people have written down themselves, they take away themselves."""
_WITH_OTHERS = ("history", "short_link")
"""Rows of other tables go with those of these, and are not counted beside them."""
OVER = -1
"""The step after the last one."""


class HistorySteps:
    """Part of the Applier."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._run = db.run
        self._many = db.many
        self._scrubbed_ms = 0
        self._scrub_due = False
        self.read_settings()

    def read_settings(self) -> None:
        """What is stored; after a transaction that was undone as well."""
        found = self._run("read_setting", (_KEEPS_TEXTS,)).fetchone()
        self._keeps_texts = bool(found and found[0])

    def ended(self, *, odd: bool) -> None:
        """Counts what is in temp.ended, and keeps its texts; `odd`: some was charged for, or gathered."""
        self._run("write_odd_statistics" if odd else "write_statistics")
        if self._keeps_texts and not self._db.shared:  # there the statement above looks, and keeps them
            self._run("write_texts")

    def register(self, rows: list[Row]) -> None:
        """See Batch.registered; the ends of messages that were never live."""
        self._many("register_message", [row[:10] for row in rows])
        if self._keeps_texts or self._db.shared:
            self._many("keep_text", [(row[0], *row[10:]) for row in rows if row[-1]])
        messages: Counter[Row] = Counter()
        segments: Counter[Row] = Counter()
        for _, account, accepted_ms, _, _, count, state, *_ in rows:
            key = (accepted_ms // DAY_MS, account, state)
            messages[key] += 1
            segments[key] += count
        self._many("count_registered", [(*key, messages[key], segments[key]) for key in sorted(messages)])

    def purge(self, sweep: Sweep) -> bool:
        """Forgets what ended too long ago, and what was noted of it; whether there is more."""
        purged = (
            self._run("purge_history", (sweep.history_before_id,)).rowcount,
            self._run("purge_incidents", (sweep.history_before_ms,)).rowcount,
            self._run("purge_ambiguous", (sweep.history_before_ms,)).rowcount,
            self._run("purge_audit", (sweep.audit_before_ms,)).rowcount,
        )
        return max(purged) >= SWEEP_ROWS

    def sweep(self, sweep: Sweep) -> bool:
        """Wipes texts and statistics that are too old; whether there is more."""
        if self._db.shared:
            self.read_settings()  # another node may have swept before
        keeps_texts = sweep.text_before_id < NO_TEXTS
        if keeps_texts != self._keeps_texts:
            self._run("write_setting", (_KEEPS_TEXTS, int(keeps_texts)))
            self._keeps_texts = keeps_texts
        before_id = max(sweep.text_before_id, sweep.history_before_id)
        wiped = self._run("purge_texts", (before_id,)).rowcount
        self._run("purge_statistics", (sweep.statistics_before_day,))
        if sweep.now_ms - self._scrubbed_ms >= SCRUB_MS:
            self._scrubbed_ms = sweep.now_ms
            self._scrub_due = True
        return wiped >= SWEEP_ROWS

    # -- erasures ----------------------------------------------------------------------------------------

    def erase(self, rows: list[Row], answer: Answer) -> None:
        """See Batch.erasures."""
        for number, step, after in rows:
            done = self._erase(number, step, after)
            answer.erased.append(done)
            self._scrub_due |= done[1] == OVER

    def _erase(self, number: str, step: int, after: int) -> Row:
        counts: dict[str, int] = {}
        left = ERASE_LOOK
        while step < len(PLACES) and left > 0:
            place = PLACES[step]
            upto, looked_at = self._db.span(place.table, after, left) if place.table else (after, 1)
            where = (number, after, upto) if place.table else (number,)
            found = [self._count(name, where) for name in place.statements if looked_at]
            counts[place.name] = found[-1] if place.name in _WITH_OTHERS and found else sum(found)
            if place.table and looked_at == left:
                after = upto
            else:
                step, after = step + 1, 0
            left -= max(looked_at, 1)
        return counts, step if step < len(PLACES) else OVER, after

    def _count(self, name: str, parameters: Row) -> int:
        cursor = self._run(name, parameters)
        return int(cursor.fetchone()[0]) if cursor.description else cursor.rowcount

    # -- octets on the disk ------------------------------------------------------------------------------

    def scrub(self) -> None:
        """After a commit: what was deleted is to be read nowhere any more, where that takes a step."""
        if not self._scrub_due:
            return
        self._scrub_due = False
        if not self._db.scrub():
            self._scrubbed_ms = 0  # the next sweep tries again
