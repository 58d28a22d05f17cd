"""A database as if it were new for each test, in milliseconds: emptied, and made anew if it was altered."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from postgres_server import PATIENCE_S, PostgresServer

TEMPLATE = "template_gateway"
NAME = "fresh"
# What a test may have altered so that emptying is not enough.  The history's days come and go by themselves.
_SHAPE = """
SELECT md5(string_agg(concat_ws(' ', relkind, relname, attname, atttypid), ',' ORDER BY relname, attnum))
FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND c.relkind IN ('r', 'p')
WHERE c.relnamespace = 'public'::regnamespace AND relname !~ '^history_[0-9]{8}'
"""
# Rows that the schema itself brings are kept aside and put back.
_KEEP = """
DO $$ DECLARE one record; filled boolean; BEGIN
    CREATE SCHEMA kept;
    FOR one IN SELECT relname AS name FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', one.name) INTO filled;
        IF filled THEN
            EXECUTE format('CREATE TABLE kept.%I AS TABLE public.%I', one.name, one.name);
        END IF;
    END LOOP;
END $$
"""
_EMPTY = """
DO $$ DECLARE one record; BEGIN
    SET LOCAL session_replication_role = replica;
    FOR one IN SELECT oid::regclass AS name FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND relname ~ '^history_[0-9]{8}$' LOOP
        EXECUTE format('DROP TABLE %s', one.name);
    END LOOP;
    FOR one IN SELECT oid::regclass AS name FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('DELETE FROM %s', one.name);
    END LOOP;
    FOR one IN SELECT relname AS name FROM pg_class
               WHERE relnamespace = 'kept'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('INSERT INTO public.%I OVERRIDING SYSTEM VALUE TABLE kept.%I', one.name, one.name);
    END LOOP;
    FOR one IN SELECT seqrelid::regclass AS name, seqstart
               FROM pg_sequence JOIN pg_class ON oid = seqrelid
               WHERE relnamespace = 'public'::regnamespace LOOP
        PERFORM setval(one.name, one.seqstart, false);
    END LOOP;
END $$
"""
_ALONE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class FreshDatabases:
    """Gives the database of a server that tests use one after the other."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._connection: psycopg.Connection[Any] | None = None
        self._shape: Any = None

    def fresh(self) -> str:
        """The URL of a database that has the schema and nothing else; nobody is connected to it."""
        if self._connection is None:
            self._make_template()
        elif not self._emptied():
            self._let_go()
            self.server.drop_database(NAME)
        if self._connection is None:
            self.server.create_database(NAME, TEMPLATE)
            self._connection = self.server.admin(NAME)
            self._shape = self._connection.execute(_SHAPE).fetchone()
        return self.server.url(NAME)

    def close(self) -> None:
        self._let_go()

    def _make_template(self) -> None:
        from gateway.store.postgres_open import migrate

        with psycopg.connect(self.server.create_database(TEMPLATE), autocommit=True) as connection:
            migrate(connection)
        self.server.execute(_KEEP, TEMPLATE)

    def _emptied(self) -> bool:
        connection = self._connection
        assert connection is not None
        try:
            end = time.monotonic() + PATIENCE_S
            while connection.execute(_ALONE).fetchall():
                assert time.monotonic() < end, "connections do not end"
                time.sleep(0.001)
            if connection.execute(_SHAPE).fetchone() != self._shape:
                return False
            connection.execute(_EMPTY)
        except psycopg.Error:  # the server was killed, or the database is gone
            return False
        return True

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
