"""A server and its synchronous standby, and what an administrator does when the first of them is lost."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from postgres_programs import Programs
from postgres_server import HOST, PATIENCE_S, ROLE, PostgresServer

_STANDBY = "standby"


def standby_of(primary: PostgresServer, programs: Programs, port: int | None = None) -> PostgresServer:
    """A new standby, started; from when this returns, the primary commits nothing that it has not.

    It is a copy of the data folder in backup mode, as pg_basebackup makes one, which is not in every package.
    """
    standby = PostgresServer(programs, fsync=primary.settings["fsync"] == "on")
    standby.port = port or standby.port
    with primary.admin() as connection:
        connection.execute("SELECT pg_backup_start('standby', fast => true)")
        shutil.copytree(primary.data, standby.data, ignore=_not_copied, copy_function=_copy)
        label = connection.execute(
            "SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)"
        ).fetchone()
    assert label is not None
    (standby.data / "backup_label").write_text(label[0], "ascii")
    (standby.data / "standby.signal").touch()
    (standby.data / "postgresql.auto.conf").write_text("", "ascii")
    standby.own()
    standby.settings |= {
        "primary_conninfo": f"host={HOST} port={primary.port} user=postgres application_name={_STANDBY}",
        "hot_standby": "on",
    }
    standby.start()
    primary.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{_STANDBY}'")
    primary.execute("SELECT pg_reload_conf()")
    _wait_until_synchronous(primary)
    return standby


def promote(standby: PostgresServer) -> None:
    """The standby accepts writes from now on."""
    standby.execute(f"SELECT pg_promote(true, {int(PATIENCE_S)})")


def url_of_both(first: PostgresServer, second: PostgresServer, database: str) -> str:
    """Leads to whichever of them may be written to."""
    hosts = ",".join(f"{HOST}:{one.port}" for one in (first, second))
    return f"postgresql://{ROLE}@{hosts}/{database}?target_session_attrs=read-write"


def _not_copied(folder: str, names: list[str]) -> list[str]:
    if Path(folder).name in ("pg_wal", "pg_dynshmem", "pg_notify", "pg_replslot", "pg_stat_tmp"):
        return [name for name in names if not (Path(folder) / name).is_dir()]
    return [name for name in names if name in ("postmaster.pid", "postmaster.opts")]


def _copy(source: str, target: str) -> str:
    """A file may go while the server runs; what it was is in the log that the standby fetches."""
    try:
        return str(shutil.copy2(source, target))
    except FileNotFoundError:
        return target


def _wait_until_synchronous(primary: PostgresServer) -> None:
    end = time.monotonic() + PATIENCE_S
    with primary.admin() as connection:
        while time.monotonic() < end:
            found = connection.execute("SELECT sync_state FROM pg_stat_replication").fetchone()
            if found == ("sync",):
                return
            time.sleep(0.02)
    raise AssertionError(f"the standby does not follow:\n{primary.log.read_text('utf-8')[-2000:]}")
