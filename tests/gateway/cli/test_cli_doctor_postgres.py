"""doctor: a store on PostgreSQL, against a real server, and each thing that can be wrong with one."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from doctor_support import CONFIG, found, looking, outcomes

from gateway.cli.doctor.look import Look
from gateway.cli.doctor.postgres_store import Facts, facts_of, findings
from gateway.cli.doctor.results import Finding
from gateway.core.message_ids import lowest_id_at
from gateway.store.postgres_open import connect, migrations

NOW_MS = 1_790_000_000_000
NEWEST = 3
GOOD = Facts(
    version=150018,
    settings={
        "synchronous_commit": "on",
        "fsync": "on",
        "full_page_writes": "on",
        "default_transaction_isolation": "read committed",
        "autovacuum": "on",
        "synchronous_standby_names": "ANY 1 (db2)",
        "max_connections": "100",
        "superuser_reserved_connections": "3",
        "statement_timeout": "0",
    },
    is_standby=False,
    clock_off_ms=3,
    connections=4,
    size=9 << 20,
    longest_s=1.0,
    age=1000,
    schema=NEWEST,
    works_with=2,
    is_moving=False,
    newest_id=lowest_id_at(NOW_MS),
    dead_share=0.1,
)


def said(facts: Facts) -> dict[str, Finding]:
    return {it.subject: it for it in findings(facts, "PostgreSQL", NEWEST, NOW_MS)}


def test_a_good_server_passes_and_its_backups_are_its_own() -> None:
    assert {name: it.outcome.value for name, it in said(GOOD).items()} == {
        "PostgreSQL": "passed",
        "schema": "passed",
        "synchronous_commit": "passed",
        "standby": "passed",
        "isolation": "passed",
        "clock of the database": "passed",
        "connections": "passed",
        "autovacuum": "passed",
        "transactions": "passed",
        "wraparound": "passed",
        "backups": "skipped",
    }


def setting(**values: str) -> Facts:
    return replace(GOOD, settings={**GOOD.settings, **values})


WRONG = {
    "too old": (replace(GOOD, version=140011), "PostgreSQL", "failed", "14 is too old"),
    "a standby": (replace(GOOD, is_standby=True), "primary", "failed", "a standby"),
    "a move": (replace(GOOD, is_moving=True), "move", "failed", "being moved"),
    "no schema": (replace(GOOD, schema=0), "schema", "skipped", "the first start makes one"),
    "an older schema": (replace(GOOD, schema=2), "schema", "passed", "the next start brings it to 3"),
    "a newer schema": (replace(GOOD, schema=4, works_with=3), "schema", "warned", "still works with it"),
    "a schema too new": (replace(GOOD, schema=5, works_with=4), "schema", "failed", "this program knows 3"),
    "no fsync": (setting(fsync="off"), "fsync", "failed", "lose or damage everything"),
    "torn pages": (setting(full_page_writes="off"), "full_page_writes", "failed", "lose or damage"),
    "commits that do not wait": (
        setting(synchronous_commit="local"),
        "synchronous_commit",
        "warned",
        "local for this role",
    ),
    "no standby": (setting(synchronous_standby_names=""), "standby", "warned", "none is synchronous"),
    "a timeout": (setting(statement_timeout="30s"), "statement_timeout", "warned", "waits for the standby"),
    "another isolation": (
        setting(default_transaction_isolation="serializable"),
        "isolation",
        "warned",
        "serializable",
    ),
    "a clock ahead": (replace(GOOD, clock_off_ms=-4000), "clock of the database", "warned", "4000 ms"),
    "behind the store": (
        replace(GOOD, newest_id=lowest_id_at(NOW_MS + 600_000)),
        "this machine's time",
        "failed",
        "600 s behind",
    ),
    "no connections left": (replace(GOOD, connections=94), "connections", "warned", "94 of 97"),
    "no autovacuum": (setting(autovacuum="off"), "autovacuum", "failed", "grow for ever"),
    "dead rows": (replace(GOOD, dead_share=0.7), "autovacuum", "warned", "70% of the rows"),
    "a long transaction": (replace(GOOD, longest_s=1000.0), "transactions", "warned", "1000 s"),
    "an old age": (replace(GOOD, age=1_500_000_000), "wraparound", "failed", "1,500,000,000"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_a_next_step(name: str) -> None:
    facts, subject, outcome, text = WRONG[name]
    finding = said(facts)[subject]
    assert (finding.outcome.value, text in finding.found) == (outcome, True), finding
    assert bool(finding.next) == (outcome in ("failed", "warned"))


def at(folder: Path, url: str) -> Look:
    return looking(folder, f"{CONFIG}store: {url}\n")


def test_a_real_server_is_asked(tmp_path: Path, postgres_url: str) -> None:
    results = {it.subject: it for it in found("store", at(tmp_path, postgres_url))}
    assert results[postgres_url].outcome.value == "passed"
    assert results["schema"].found == f"{migrations()[-1][0]}, as this program wants it"
    assert results["standby"].outcome.value == "warned"
    assert "failed" not in outcomes(
        it for name, it in results.items() if "sync" not in name and "full_page" not in name
    )
    with closing(connect(postgres_url)) as connection:
        assert abs(facts_of(connection, time.time).clock_off_ms) < 60_000
    assert [it.subject for it in found("clock", at(tmp_path, postgres_url))] == ["NTP"]


def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path: Path) -> None:
    look = at(tmp_path, "postgresql://gateway:s3cr3t@127.0.0.1:1/smsc")
    [finding] = [it for it in found("store", look) if it.subject.startswith("postgresql")]
    assert (finding.outcome.value, finding.subject) == ("failed", "postgresql://gateway@127.0.0.1:1/smsc")
    assert "pg_isready" in finding.next
    assert "s3cr3t" not in str(finding)


@pytest.mark.parametrize(
    ("said", "step"),
    [
        ("fe_sendauth: no password supplied", "in /etc/gw/pgpass"),
        ('root certificate file "/etc/gw/ca.pem" does not exist', "look at sslmode and sslrootcert"),
        ('server certificate for "x" does not match host name "db1"', "look at sslmode and sslrootcert"),
        ('FATAL:  role "gateway" does not exist', "make it"),
        ('FATAL:  Peer authentication failed for user "gateway"', "pg_ident.conf"),
    ],
)
def test_the_next_step_is_for_what_the_server_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, step: str
) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise psycopg.OperationalError(f"connection failed: {said}")

    monkeypatch.setattr(psycopg, "connect", refuse)
    look = at(tmp_path, "postgresql://gateway@db1/smsc?passfile=/etc/gw/pgpass")
    [finding] = [it for it in found("store", look) if it.subject.startswith("postgresql")]
    assert (finding.outcome.value, step in finding.next) == ("failed", True), finding.next


def test_a_database_that_is_not_there_is_to_be_made(tmp_path: Path, postgres_url: str) -> None:
    [finding] = [
        it for it in found("store", at(tmp_path, postgres_url + "x")) if "does not exist" in it.found
    ]
    assert "createdb" in finding.next
