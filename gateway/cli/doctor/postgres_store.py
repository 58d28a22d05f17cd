"""A store on PostgreSQL: whether it can be reached, keeps what it has acknowledged, and will go on so.

All is asked of the server in one connection (`facts_of`); what it means is said of these facts, so that a
test can cause each outcome. What only `pg_monitor` may see is looked at as far as the role may.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.cli.doctor.look import Look
from gateway.cli.doctor.results import Finding, Job, failed, passed, skipped, warned
from gateway.core.message_ids import moment_of_id

TESTED = range(15, 18)
"""Versions of PostgreSQL that the tests run on; later ones should do."""
CLOCK_MS = 1000
"""More is worth a word: leases go by the database's clock, messages' times by the node's."""
CONNECTIONS_OF_NODE = 6
"""One that writes, and those that read for pages, lists and the command line."""
LONG_S = 300
OLD_AGE = 1_000_000_000
"""Transactions since the last freeze; the server refuses to write at 2,000,000,000."""
WAIT_S = 10.0
_HOW = "see `Settings of the server` in the manual of the cluster"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the server says; times are of its clock."""

    version: int
    """200003 is 20.3."""
    settings: dict[str, str]
    is_standby: bool
    clock_off_ms: int
    """The database's clock less this machine's."""
    connections: int
    size: int
    longest_s: float
    """The oldest transaction that this role may see."""
    age: int
    schema: int
    """0: there is none yet."""
    works_with: int
    is_moving: bool
    newest_id: int
    dead_share: float
    """Of the rows of live tables, those that wait for autovacuum."""


SETTINGS = (
    *("synchronous_commit", "fsync", "full_page_writes", "default_transaction_isolation", "autovacuum"),
    *("synchronous_standby_names", "max_connections", "superuser_reserved_connections", "statement_timeout"),
)
_ONE = """SELECT pg_is_in_recovery(), (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
    pg_database_size(current_database()),
    (SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)::float8
     FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()),
    (SELECT max(age(datfrozenxid)) FROM pg_database),
    to_regclass('schema_version') IS NOT NULL, to_regclass('moving') IS NOT NULL"""
_DEAD = """SELECT coalesce(sum(n_dead_tup)::float8 / nullif(sum(n_dead_tup + n_live_tup), 0), 0)
FROM pg_stat_user_tables WHERE n_dead_tup + n_live_tup > 100000"""
_NEWEST = """SELECT greatest((SELECT max(message_id) FROM message), (SELECT max(message_id) FROM history),
    (SELECT max(mail_id) FROM mail), 0)"""


def facts_of(connection: Any, now_s: Callable[[], float]) -> Facts:
    """Asks all there is to ask; psycopg.Error when the server does not answer."""
    settings = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in SETTINGS}
    before = now_s()
    one = connection.execute(_ONE).fetchone()
    here_ms = (before + now_s()) * 500
    schema, works_with, newest = 0, 0, 0
    if one[6]:
        row = connection.execute("SELECT version, works_with FROM schema_version").fetchone()
        schema, works_with = row or (0, 0)
    if schema:
        newest = connection.execute(_NEWEST).fetchone()[0]
    return Facts(
        version=connection.info.server_version,
        settings=settings,
        is_standby=one[0],
        clock_off_ms=int(one[1] - here_ms),
        connections=one[2],
        size=one[3],
        longest_s=one[4],
        age=one[5],
        schema=schema,
        works_with=works_with,
        is_moving=one[7],
        newest_id=newest,
        dead_share=connection.execute(_DEAD).fetchone()[0],
    )


def jobs(look: Look) -> Iterator[Job]:
    """For a configuration with a `store`."""
    yield Job("PostgreSQL", partial(_look, look), WAIT_S)


def _look(look: Look) -> Iterator[Finding]:
    assert look.config is not None and look.config.store is not None
    import psycopg  # only who has PostgreSQL pays for it

    from gateway.store.postgres_open import connect, migrations
    from gateway.store.sqlite_open import StoreError

    subject = str(look.config.store)
    try:
        with closing(
            connect(look.config.store.reveal(), application_name="smsc-gateway doctor")
        ) as connection:
            facts = facts_of(connection, look.machine.now_s)
    except (StoreError, psycopg.Error) as error:
        text = str(error).strip().replace("\n", " ")
        passfile = look.config.store.parts.parameters.get("passfile", ".pgpass of the gateway's user")
        yield failed(subject, text, _unreachable(text, passfile))
        return
    yield from findings(facts, subject, migrations()[-1][0], int(time.time() * 1000))


def _unreachable(text: str, passfile: str) -> str:
    """The next step for what libpq says."""
    steps = {
        "password": f"mend the role's password in {passfile} (the gateway's, chmod 0600), or in `store`",
        "Peer": "ask as the gateway's user, as sudo -u smsc-gateway; then mend pg_hba.conf and pg_ident.conf",
        "certificate": "look at sslmode and sslrootcert of `store`, and the server's certificate",
        "does not exist": "make it: createuser, createdb -O (see the manual of the cluster)",
        "no pg_hba.conf entry": "let the node in by a line of pg_hba.conf, and pg_ctl reload",
        "too many": "raise max_connections of the server, or end who does not need his",
        "resolve": "look at the host's name: getent hosts NAME",
        "SSL": "look at sslmode and sslrootcert of `store`, and the server's certificate",
        "read-write": "no host of `store` is the primary: promote the standby, or start the primary",
    }
    return next(
        (step for word, step in steps.items() if word in text),
        "is the server up (pg_isready -h HOST), and does it listen there (listen_addresses, firewall)?",
    )


def findings(facts: Facts, subject: str, newest: int, now_ms: int) -> Iterator[Finding]:
    """What the facts mean; `newest`: the schema that this program makes."""
    major = facts.version // 10_000
    if major < TESTED.start:
        yield failed(subject, f"PostgreSQL {major} is too old", f"upgrade it to {TESTED.start} or later")
        return
    untested = "" if major in TESTED else " (newer than those it is tested with)"
    yield passed(subject, f"reached; PostgreSQL {major}{untested}, {facts.size / (1 << 20):,.0f} MiB")
    if facts.is_standby:
        text = "this is a standby, which takes nothing"
        yield failed("primary", text, "add target_session_attrs=read-write to `store`, and name both hosts")
    yield from _schema(facts, newest)
    yield from _durable(facts)
    yield from _clock(facts, now_ms)
    yield from _room(facts)


def _schema(facts: Facts, newest: int) -> Iterator[Finding]:
    subject = "schema"
    if facts.is_moving:
        yield failed("move", "a store is being moved into it: no gateway starts", "say migrate-store again")
    if not facts.schema:
        yield skipped(subject, "there is none yet; the first start makes one")
    elif facts.works_with > newest:
        text = f"{facts.schema}, which works with {facts.works_with} and later; this program knows {newest}"
        yield failed(subject, text, "install the version that the other nodes have")
    elif facts.schema < newest:
        yield passed(subject, f"{facts.schema}; the next start brings it to {newest}")
    elif facts.schema > newest:
        text = f"{facts.schema}, of a newer version; this program ({newest}) still works with it"
        yield warned(subject, text, "upgrade this node too")
    else:
        yield passed(subject, f"{facts.schema}, as this program wants it")


def _durable(facts: Facts) -> Iterator[Finding]:
    settings = facts.settings
    for name in ("fsync", "full_page_writes"):
        if settings[name] != "on":
            text = "off: a power failure can lose or damage everything"
            yield failed(name, text, f"{name} = on in postgresql.conf, and reload; {_HOW}")
    commit = settings["synchronous_commit"]
    if commit in ("on", "remote_apply"):
        yield passed("synchronous_commit", f"{commit}; fsync and full_page_writes are looked at too")
    else:
        text = f"{commit} for this role; the gateway sets it to on for itself, and reads that back"
        yield warned("synchronous_commit", text, "set it to on, for what else writes there")
    if settings["synchronous_standby_names"]:
        yield passed("standby", f"synchronous: {settings['synchronous_standby_names']}")
    else:
        text = "none is synchronous: what was acknowledged last is gone if this server is"
        yield warned("standby", text, "see `A synchronous standby` in the manual of the cluster")
    if settings["statement_timeout"] not in ("0", "0ms"):
        text = (
            f"{settings['statement_timeout']} for this role: it can end a commit that waits for the standby"
        )
        yield warned("statement_timeout", text, "ALTER ROLE … RESET statement_timeout")
    isolation = settings["default_transaction_isolation"]
    if isolation == "read committed":
        yield passed("isolation", isolation)
    else:
        yield warned(
            "isolation", f"{isolation} for this role; the gateway sets its own", "set it to read committed"
        )


def _clock(facts: Facts, now_ms: int) -> Iterator[Finding]:
    off = abs(facts.clock_off_ms)
    text = f"{off} ms from this machine's"
    if off > CLOCK_MS:
        yield warned("clock of the database", text, "look at NTP on both machines")
    else:
        yield passed("clock of the database", text)
    if facts.newest_id and (behind := moment_of_id(facts.newest_id) - now_ms) > 5 * 60_000:
        text = f"{behind // 1000} s behind the newest message of the store"
        yield failed("this machine's time", text, "set it: timedatectl set-ntp true; then look again")


def _room(facts: Facts) -> Iterator[Finding]:
    settings = facts.settings
    most = int(settings["max_connections"]) - int(settings["superuser_reserved_connections"])
    left = most - facts.connections
    text = f"{facts.connections} of {most} are taken"
    if left < CONNECTIONS_OF_NODE:
        yield warned("connections", text, "raise max_connections: a node has six at the most")
    else:
        yield passed("connections", text)
    if settings["autovacuum"] != "on":
        yield failed("autovacuum", "off: tables grow for ever, and get slow", "autovacuum = on, and reload")
    elif facts.dead_share > 0.5:
        text = f"on, but {facts.dead_share:.0%} of the rows of large tables are dead"
        yield warned("autovacuum", text, f"look for long transactions; {_HOW}")
    else:
        yield passed("autovacuum", f"on; {facts.dead_share:.0%} of the rows of large tables are dead")
    if facts.longest_s > LONG_S:
        text = f"one has been open for {facts.longest_s:.0f} s, and keeps autovacuum from its work"
        yield warned("transactions", text, "find it in pg_stat_activity (xact_start), and end it")
    else:
        yield passed("transactions", "none is open for long, as far as this role sees")
    if facts.age > OLD_AGE:
        text = f"{facts.age:,} since the oldest freeze; at 2,000,000,000 nothing can be written"
        yield failed(
            "wraparound", text, "vacuumdb --all --freeze, and find out what keeps autovacuum from it"
        )
    else:
        yield passed("wraparound", f"{facts.age:,} transactions since the oldest freeze")
    yield skipped("backups", "PostgreSQL's own: pg_dump or PITR, which are not seen from here")
