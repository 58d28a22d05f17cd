"""Mail in the SQLite engine: a store of the first version, transactions that fail, pieces, indexes."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway_fakes import DAY_MS, NOW_MS, id_at, message
from store_support import MAIL_ID, PEER, SENDER, SqliteEngine, Store, incoming_sms, mail_rows, receipt

from gateway.core.batch import Answer, Batch
from gateway.core.model import LetterKind, MessageState, Origin, Progress
from gateway.store import mail_steps
from gateway.store.journal import Journal
from gateway.store.sqlite_open import FILE_NAME, migrations
from protocols.sms.receipts import response_key

PATIENCE_S = 60.0


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Store]:
    engine = SqliteEngine(tmp_path)
    yield Store(engine)
    engine.close()


# -- a store of the version before ------------------------------------------------------------------


def first_version(folder: Path) -> None:
    """A store as version 1 left it: a message that waits, one under way, one that has ended."""
    connection = sqlite3.connect(folder / FILE_NAME, isolation_level=None)
    connection.execute("PRAGMA journal_mode = wal")
    connection.executescript(f"{migrations()[0][1]}; PRAGMA user_version = 1")
    connection.execute("INSERT INTO boot (started_ms) VALUES (?)", (NOW_MS,))
    for message_id, progress in ((1, Progress.QUEUED), (2, Progress.SENT)):
        fields = message(message_id)._asdict()
        del fields["origin"], fields["flags"], fields["route"], fields["client_id"], fields["sent_as"]
        fields["progress"] = progress.value
        columns, marks = ", ".join(fields), ", ".join("?" * len(fields))
        connection.execute(f"INSERT INTO message ({columns}) VALUES ({marks})", tuple(fields.values()))
    connection.execute(
        "INSERT INTO submission (message_id, segment, connector, boot, attempt, intent_ms, submitted_ms, "
        "upstream_id, upstream_key) VALUES (2, 1, 'one', 1, 1, ?, ?, 'B', ?)",
        (NOW_MS, NOW_MS, response_key("B")),
    )
    connection.execute(
        "INSERT INTO history VALUES (3, 'app', ?, 'Example', ?, 1, 1, 'one', ?, 'C', 2, '000', ?, 0, 0)",
        (NOW_MS, PEER, NOW_MS, NOW_MS),
    )
    connection.close()


def test_a_store_of_the_first_version_goes_on(tmp_path: Path) -> None:
    first_version(tmp_path)
    store = Store(SqliteEngine(tmp_path))
    assert [row["origin"] for row in store.rows("history")] == [Origin.SESSION]
    ((_, rows, _),) = store.apply(claims=[("one", 9, NOW_MS, 1)]).claimed
    assert [fields for fields, _ in rows] == [tuple(message(1))]
    answer = store.apply(receipts=[receipt("B", 5)])
    assert store.delivery_states() == [(2, 5)]
    assert not answer.letters_waiting
    store.mail(4)
    store.apply(failed=[(4, 5, "x", NOW_MS)])
    assert store.letters() == [(LetterKind.REPORT, SENDER, 4)]
    assert [(row["message_id"], row["origin"]) for row in store.rows("history")] == [(2, 0), (3, 0), (4, 1)]
    store.engine.close()


# -- transactions -----------------------------------------------------------------------------------


def fail(store: Store, **lists: Any) -> None:
    """A batch that does all this, and then meets an error of the database."""
    engine = store.engine
    assert isinstance(engine, SqliteEngine)
    names = ["mail", "mail_recipient", "message", "letter", "dead_letter", "incoming_part", "delivery"]
    before = {name: engine.rows(name) for name in names}
    with pytest.raises(sqlite3.IntegrityError):
        store.apply(**lists, incoming=[(None,) * 19])
    assert {name: engine.rows(name) for name in names} == before


def test_a_mail_whose_batch_failed_never_came(sqlite: Store) -> None:
    fail(sqlite, **mail_rows(1, key=b"k"))
    assert sqlite.mail(1, key=b"k").repeated == []
    fail(sqlite, **mail_rows(2, mail_id=MAIL_ID + 1, key=b"k"))
    assert sqlite.mail(2, mail_id=MAIL_ID + 1, key=b"k").repeated == [(MAIL_ID + 1, MAIL_ID)]


def test_the_end_and_its_report_are_one(sqlite: Store) -> None:
    sqlite.mail(1)
    fail(sqlite, failed=[(1, 5, "x", NOW_MS)])
    assert sqlite.progress(1) is Progress.SENT
    sqlite.apply(failed=[(1, 5, "x", NOW_MS)])
    assert sqlite.letters() == [(LetterKind.REPORT, SENDER, 1)]


def test_a_claim_that_failed_claimed_nothing(sqlite: Store) -> None:
    sqlite.apply(incoming_mail=[incoming_sms()])
    fail(sqlite, letter_claims=[(NOW_MS, 9)])
    assert len(sqlite.claim_letters()) == 1


def test_parts_of_a_batch_that_failed_are_not_counted(sqlite: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_steps, "PARTS_MAX", 1)
    fail(sqlite, incoming_mail=[incoming_sms(total=2, reference=1)])
    sqlite.apply(incoming_mail=[incoming_sms(total=2, reference=2)])
    assert len(sqlite.rows("incoming_part")) == 1
    fail(sqlite, incoming_mail=[incoming_sms(total=2, reference=2, part=2)])
    sqlite.apply(incoming_mail=[incoming_sms("alone", total=2, reference=3)])
    assert [row["text"] for row in sqlite.rows("letter")] == ["alone"]


# -- pieces -----------------------------------------------------------------------------------------


def sweeps(store: Store, **bounds: int) -> list[bool]:
    """What each sweep says, until one is the last."""
    found = [True]
    while found[-1]:
        found.append(store.sweep(NOW_MS, **bounds).sweep_again)
        assert len(found) < 20
    return found[1:]


def test_old_mails_go_in_pieces_and_those_that_stay_hold_up_nobody(
    sqlite: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_steps, "SWEEP_ROWS", 2)
    for n in range(1, 10):
        sqlite.mail(n, mail_id=MAIL_ID + n, notify=0)
    for n in (4, 5, 6, 8, 9):
        sqlite.apply(failed=[(n, 5, "x", NOW_MS)])
    bounds = {"mail_before_id": MAIL_ID + 100}
    assert sweeps(sqlite, **bounds) == [False]  # 1 and 2 are looked at, and stay
    assert sweeps(sqlite, **bounds) == [True, True, True, False]
    assert [row["mail_id"] - MAIL_ID for row in sqlite.rows("mail")] == [1, 2, 3, 7]
    sqlite.apply(failed=[(1, 5, "x", NOW_MS)])
    assert sweeps(sqlite, **bounds) == [True, False]
    assert [row["mail_id"] - MAIL_ID for row in sqlite.rows("mail")] == [2, 3, 7]


def test_large_mails_go_a_few_at_a_time(sqlite: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_steps, "PIECE_OCTETS", 1000)
    for n in range(1, 6):
        sqlite.mail(n, mail_id=MAIL_ID + n, notify=0, returned=b"x" * 500)
        sqlite.apply(failed=[(n, 5, "x", NOW_MS)])
    assert sweeps(sqlite, mail_before_id=MAIL_ID + 100) == [True, True, False]
    assert sqlite.rows("mail") == []


def test_delays_and_old_letters_go_in_pieces(sqlite: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_steps, "SWEEP_ROWS", 2)
    for n in range(1, 6):
        sqlite.mail(n, mail_id=MAIL_ID + n, notify=4)
    assert sweeps(sqlite, delay_before_id=6) == [True, True, False]
    assert len(sqlite.rows("letter")) == 5
    assert sweeps(sqlite, delivery_before_ms=NOW_MS + 1) == [True, True, False]
    assert len(sqlite.rows("dead_letter")) == 5


def test_old_parts_go_in_pieces(sqlite: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_steps, "SWEEP_ROWS", 2)
    sqlite.apply(incoming_mail=[incoming_sms(total=3, reference=n) for n in range(5)])
    assert sweeps(sqlite, part_before_ms=NOW_MS + 1) == [True, True, True, False]
    assert len(sqlite.rows("letter")) == 5


# -- indexes ----------------------------------------------------------------------------------------

BY_INDEX = (
    "find_mail write_reports drop_delay_notices find_answered part_text list_parts list_part_deliveries "
    "delete_parts keep_parts forget_parts wait_again purge_parts list_old_parts "
    "claim_letters next_letter list_old_mails delete_mail_recipients take_late"
)


@pytest.mark.parametrize("name", BY_INDEX.split())
def test_no_whole_table_is_read_or_sorted(sqlite: Store, name: str) -> None:
    engine = sqlite.engine
    assert isinstance(engine, SqliteEngine)
    sql = engine.applier.db.sql[name]
    count = max((int(n) for n in re.findall(r"\?(\d)", sql)), default=sql.count("?"))
    plan = [row[3] for row in engine.connection.execute(f"EXPLAIN QUERY PLAN {sql}", [1] * count)]
    # What is scanned in the order of an index stops at its LIMIT; a batch's own tables are small.
    whole = {step for step in plan if step.startswith("SCAN") and "USING" not in step}
    assert whole <= {"SCAN ended", "SCAN e", "SCAN newest", "SCAN oldest", "SCAN (subquery-1)"}
    sorts = [step for step in plan if "TEMP B-TREE" in step]
    assert not sorts or name in ("find_answered", "list_old_parts"), "these sort the few rows of a LIMIT"


# -- the writing process ------------------------------------------------------------------------------


def test_mails_and_letters_cross_to_the_writing_process(tmp_path: Path) -> None:
    answers: list[Answer] = []

    async def commit(journal: Journal) -> Answer:
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        journal.then(done.set_result)
        assert await asyncio.wait_for(done, PATIENCE_S)
        return answers[-1]

    async def run() -> None:
        journal = Journal(tmp_path, lambda batch, answer: answers.append(answer), lambda reason: None)
        await asyncio.wait_for(journal.open(), PATIENCE_S)
        first = mail_rows(1, key=b"k")
        journal.batch = Batch(**first)
        await commit(journal)
        for name, rows in mail_rows(2, mail_id=MAIL_ID + 1, key=b"k").items():
            getattr(journal.batch, name).extend(rows)
        journal.batch.failed.append((1, MessageState.REJECTED.value, "x", NOW_MS))
        journal.batch.letter_claims.append((NOW_MS, 9))
        answer = await commit(journal)
        assert answer.repeated == [(MAIL_ID + 1, MAIL_ID)]
        assert answer.letters_waiting
        assert [(len(rows), following) for rows, following in answer.letters] == [(1, None)]
        await asyncio.wait_for(journal.close(), PATIENCE_S)

    asyncio.run(run())


def test_the_newest_id_may_be_a_mails(tmp_path: Path) -> None:
    engine = SqliteEngine(tmp_path)
    Store(engine).mail(id_at(NOW_MS), mail_id=id_at(NOW_MS + DAY_MS))
    newest = engine.connection.execute(engine.applier.db.sql["newest_id"]).fetchone()
    assert newest == (id_at(NOW_MS + DAY_MS),)
    engine.close()
