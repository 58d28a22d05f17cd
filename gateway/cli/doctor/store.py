"""The store and its disk: room, the log's size, the schema, damage, copies."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from gateway.admin.backup import FOLDER
from gateway.cli.doctor import postgres_store
from gateway.cli.doctor.look import Look
from gateway.cli.doctor.results import Finding, Job, failed, passed, skipped, warned
from gateway.store.damage import RECOVERED, damage_of_files, damage_of_live_tables, is_damage
from gateway.store.moved import moved_text
from gateway.store.sqlite_open import FILE_NAME, migrations, open_reader

MIB = 1 << 20
NO_ROOM_MIB = 100
"""Below this the gateway accepts nothing (`disk_low`)."""
LITTLE_ROOM_MIB = 1024
LOG_MIB = 512
"""SQLite's log is cut to 64 MiB by checkpoints; much more means that somebody reads for very long."""
LIVE_S = 6.0
"""So long the tables of live messages may be looked through."""
OLD_COPY_DAYS = 2
_RECOVER = "stop the gateway, look for the reason (disk, memory), then smsc-gateway recover --dry-run"


def jobs(look: Look) -> Iterator[Job]:
    yield Job("disk", partial(_disk, look))
    if look.config is not None and look.config.store is not None:
        yield from postgres_store.jobs(look)
        return
    yield Job(FILE_NAME, partial(_store, look), LIVE_S + 3)
    yield Job("backups", partial(_backups, look))


def _disk(look: Look) -> Iterator[Finding]:
    # os.path says no where Path would raise, of folders that we may not look into
    folder = next((it for it in (look.state_dir, *look.state_dir.parents) if os.path.isdir(it)), Path("/"))
    subject = f"disk of {folder}"
    found = look.machine.statvfs(folder)
    free, size = found.f_bavail * found.f_frsize // MIB, found.f_blocks * found.f_frsize // MIB
    text = f"{free:,} MiB of {size:,} free"
    if free < NO_ROOM_MIB:
        yield failed(subject, f"{text}: nothing new is accepted", "free some space; it goes on by itself")
    elif free < LITTLE_ROOM_MIB:
        what_next = f"free some space: below {NO_ROOM_MIB} MiB nothing is accepted"
        yield warned(subject, text, what_next)
    else:
        yield passed(subject, text)
    if not found.f_files:  # btrfs and others have no such number
        return
    share = 100 * found.f_favail // found.f_files
    text = f"{found.f_favail:,} of {found.f_files:,} inodes free"
    if found.f_favail < 100:
        yield failed(subject, text, "remove small files (df -i, find DIR -xdev -type f)")
    elif share < 2:
        yield warned(subject, text, "remove small files soon (df -i)")
    else:
        yield passed(subject, text)


def _store(look: Look) -> Iterator[Finding]:
    path = look.state_dir / FILE_NAME
    try:
        exists = path.exists()
        half_done = path.with_name(path.name + RECOVERED).exists()
    except OSError as error:
        yield skipped(str(path), f"cannot be seen: {error.strerror}", "run doctor as root or its user")
        return
    if half_done:
        text = "recover or restore was interrupted: the gateway does not start so"
        yield failed(str(path), text, "say the same command (smsc-gateway recover or restore) again")
    if not exists:
        if not half_done:
            yield skipped(str(path), "there is no store yet; the first start makes one")
        return
    if moved := moved_text(path):
        yield failed(str(path), moved, "write the address as `store` in the configuration")
        return
    try:
        yield from _sizes(path)
        if not look.gateway.may_run and (damage := damage_of_files(path)):
            yield failed(str(path), f"it is damaged: {damage}", _RECOVER)
            return
        yield from _content(path, look)
    except PermissionError:
        yield skipped(str(path), "you may not read it", "run doctor as root or as the gateway's user")
    except (sqlite3.Error, OSError) as error:
        if is_damage(error, at_start=True):
            yield failed(str(path), f"it is damaged: {error}", _RECOVER)
        else:
            yield failed(str(path), f"it cannot be read: {error}", "look at the disk: rights, errors (dmesg)")


def _sizes(path: Path) -> Iterator[Finding]:
    log = path.with_name(path.name + "-wal")
    log_octets = log.stat().st_size if log.exists() else 0
    text = f"{_mib(path.stat().st_size)}, its log {_mib(log_octets)}"
    if log_octets > LOG_MIB * MIB:
        what_next = "look for a program that reads the store for long (lsof), and end it"
        yield warned(str(path), f"{text}: the log is not emptied", what_next)
    else:
        yield passed(str(path), text)


def _content(path: Path, look: Look) -> Iterator[Finding]:
    """What stands in it, by a connection that cannot write; nothing is made beside it."""
    log, index = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
    rests = not log.exists() or not log.stat().st_size
    if not rests and not index.exists():
        text = "its log is from a run that was killed; the next start takes it in and checks it"
        yield skipped("content", text)
        return
    if rests and not look.gateway.may_run:
        opened = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    else:
        opened = open_reader(path)
    with closing(opened) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        yield _schema(version, look)
        if look.gateway.may_run:
            yield skipped("tables of live messages", "the gateway runs, and checked them when it started")
            return
        yield _live_tables(connection, look.machine.elapsed_s)


def _schema(version: int, look: Look) -> Finding:
    newest = migrations()[-1][0]
    if version > newest:
        text = f"schema {version}, and this program knows {newest}: a newer version has written it"
        return failed("schema", text, "install that version again")
    if version < newest and look.gateway.may_run:
        text = f"schema {version}, and this program makes {newest}: the running gateway is older than it"
        return warned("schema", text, "systemctl restart smsc-gateway, to run what is installed")
    if version < newest:
        return passed("schema", f"{version}; the next start brings it to {newest}")
    return passed("schema", f"{version}, as this program wants it")


def _live_tables(connection: sqlite3.Connection, elapsed_s: Callable[[], float]) -> Finding:
    subject = "tables of live messages"
    until = elapsed_s() + LIVE_S
    connection.set_progress_handler(lambda: elapsed_s() > until, 50_000)
    try:
        damage = damage_of_live_tables(connection)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return skipped(subject, f"too large for {LIVE_S:g} s; the next start checks them whole")
    if damage:
        return failed(subject, f"damaged: {damage}", _RECOVER)
    return passed(subject, "whole, and their indexes agree")


def _backups(look: Look) -> Iterator[Finding]:
    folder = look.state_dir / FOLDER
    ages = []
    try:
        for copy in folder.glob("queue-*.sqlite3"):
            found = copy.stat()
            if stat.S_ISREG(found.st_mode):
                ages.append(look.machine.now_s() - found.st_mtime)
    except OSError as error:
        yield skipped(str(folder), f"cannot be seen: {error.strerror}")
        return
    if not ages:
        text = "none there; copies that were made with --to, or moved away, are not seen"
        yield skipped(str(folder), text, "smsc-gateway backup, by a timer: see `Backups` in the manual")
        return
    days = min(ages) / 86_400
    text = f"{len(ages)} there, the newest is {days:.1f} days old"
    if days > OLD_COPY_DAYS:
        yield warned(
            str(folder), text, "smsc-gateway backup; systemctl list-timers shows whether a timer runs"
        )
    else:
        yield passed(str(folder), text)


def _mib(octets: int) -> str:
    return f"{octets / MIB:,.1f} MiB"
