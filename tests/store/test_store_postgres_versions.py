"""A program runs beside a newer one whose schema works with it: what it does not know it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from gateway_fakes import NOW_MS, message
from store_support import PEER, SENDER, PostgresEngine, Store, incoming_sms, receipt

from gateway.store import postgres_open
from gateway.store.postgres_open import migrations, open_writer
from gateway.store.sqlite_open import StoreError

NEWEST = migrations()[-1][0]
EVERY_TABLE = """DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind IN ('r', 'p') AND NOT relispartition LOOP
        EXECUTE format('ALTER TABLE %I ADD COLUMN newer text NOT NULL DEFAULT ''as before''', name);
    END LOOP;
END $$;"""


def upgrade(url: str, works_with: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the next program does at its start: each table has a column more."""
    script = f"-- works with: {works_with}\n{EVERY_TABLE}"
    with monkeypatch.context() as patch:
        patch.setattr(postgres_open, "migrations", lambda: [*migrations(), (NEWEST + 1, script)])
        open_writer(url).close()


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    with closing(PostgresEngine(postgres_url)) as engine:
        yield Store(engine)


def work(store: Store, first: int) -> None:
    """Messages, receipts, deliveries, mails and letters, doubts, an incoming SMS; and some of it dies."""
    store.sent(first, f"A{first}")
    store.apply(receipts=[receipt(f"A{first}")])
    assert store.end(first) == (2, "000")
    [delivery] = [row["delivery_id"] for row in store.rows("delivery", message_id=first)]
    assert delivery in store.fetch()
    store.apply(refused=[(delivery, "not wanted", NOW_MS)])
    assert [row["delivery_id"] for row in store.rows("dead_delivery", message_id=first)] == [delivery]
    store.mail(first + 1, mail_id=first + 1000)
    store.apply(failed=[(first + 1, 8, "ESME_RINVDSTADR", NOW_MS)])
    [letter] = [row["letter_id"] for row in store.rows("letter", message_id=first + 1)]
    store.apply(letters_refused=[(letter, "nobody", NOW_MS)])
    assert [row["recipient"] for row in store.rows("dead_letter", letter_id=letter)] == [SENDER]
    store.apply(replays=[(letter, "mail:", NOW_MS), (delivery, "app", NOW_MS)])
    store.send(message(first + 2))
    store.doubt(first + 2)
    store.apply(incoming_mail=[incoming_sms()])
    assert (PEER, "inbox@example.org") in {(row["number"], row["recipient"]) for row in store.rows("letter")}


def test_it_works_on_while_a_newer_one_upgrades(
    store: Store, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    work(store, 1)
    upgrade(postgres_url, NEWEST, monkeypatch)
    work(store, 11)
    store.restart()
    work(store, 21)
    assert {row["newer"] for row in store.rows("history")} == {"as before"}
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute("SELECT version, works_with FROM schema_version").fetchall()
    assert found == [(NEWEST + 1, NEWEST)]


def test_it_is_refused_by_a_schema_that_does_not_work_with_it(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(postgres_url, NEWEST + 1, monkeypatch)
    with pytest.raises(StoreError, match=f"works with {NEWEST + 1} and newer; this one knows {NEWEST}"):
        open_writer(postgres_url)


def test_an_address_that_is_none_says_nothing_of_its_password() -> None:
    with pytest.raises(StoreError, match="malformed") as failed:
        open_writer("postgresql://app:hunter2@[db1/smsc")
    assert "hunter2" not in str(failed.value)
    assert failed.value.__context__ is None or failed.value.__suppress_context__
