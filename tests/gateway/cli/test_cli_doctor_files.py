"""doctor: files and their rights, the store and its disk, with each trouble made for real."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from doctor_support import DAY_S, answering, found, looking, outcomes, silent_tool

from gateway.cli.doctor import files, store
from gateway.cli.doctor.gateway_state import GatewayState, Running
from gateway.cli.doctor.look import Look
from gateway.cli.doctor.machine import Machine
from gateway.store.sqlite_open import FILE_NAME, make_store, migrations

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give files to others")
NOBODY = 65534


# -- files -------------------------------------------------------------------------------------------


def test_files_as_they_should_be_pass(tmp_path: Path) -> None:
    look = looking(tmp_path)
    (look.state_dir / FILE_NAME).touch(0o600)
    assert outcomes(found("files", look)) == ["passed", "passed"]


@needs_root
def test_a_configuration_that_the_gateways_user_cannot_read_fails(tmp_path: Path) -> None:
    secret = tmp_path / "up.password"
    secret.write_text("hidden-9")
    secret.chmod(0o600)
    text = """\
listeners: {smpp: [{address: '127.0.0.1:1'}]}
accounts: [{system_id: app, password_hash: 'HASH'}]
connectors: [{name: up, address: '127.0.0.1:2', system_id: gw, password: {file: up.password}}]
routes: [{connectors: [up]}]
"""
    look = looking(tmp_path, text)
    os.chown(look.state_dir, NOBODY, NOBODY)
    os.chmod(look.config_file, 0o644)
    [finding, _] = found("files", look)
    assert finding.outcome.value == "failed"
    assert (finding.subject, "cannot read it" in finding.found) == (str(secret), True)
    assert finding.next == f"chgrp nogroup {secret} && chmod g+r {secret}"
    assert "hidden-9" not in str(finding)


@needs_root
@pytest.mark.parametrize(
    ("mode", "group", "may"), [(0o640, NOBODY, True), (0o640, 0, False), (0o604, 0, True)]
)
def test_who_may_read_is_told_by_the_mode(tmp_path: Path, mode: int, group: int, may: bool) -> None:
    path = tmp_path / "x"
    path.touch()
    path.chmod(mode)
    os.chown(path, 0, group)
    assert files._may(path.stat(), NOBODY, 4) is may


def test_a_configuration_that_everybody_may_change_fails(tmp_path: Path) -> None:
    look = looking(tmp_path)
    look.config_file.chmod(0o646)
    [finding, _] = found("files", look)
    assert (finding.outcome.value, finding.next) == ("failed", f"chmod o-w {look.config_file}")


@pytest.mark.parametrize(
    ("mode", "outcome", "words"),
    [(0o707, "failed", "everybody may write there"), (0o750, "warned", "others may look into it")],
)
def test_an_open_state_directory_is_told(tmp_path: Path, mode: int, outcome: str, words: str) -> None:
    look = looking(tmp_path)
    look.state_dir.chmod(mode)
    finding = found("files", look)[-1]
    assert (finding.outcome.value, finding.next) == (outcome, f"chmod 0700 {look.state_dir}")
    assert words in finding.found


@needs_root
def test_what_a_start_as_root_has_left_behind_fails(tmp_path: Path) -> None:
    look = looking(tmp_path)
    os.chown(look.state_dir, NOBODY, NOBODY)
    (look.state_dir / FILE_NAME).touch(0o600)
    finding = found("files", look)[-1]
    assert finding.outcome.value == "failed"
    assert finding.found == "belongs to root, not to nobody: the gateway cannot use it"
    assert finding.next == f"stop the gateway; chown -R nobody: {look.state_dir}"


def test_open_files_and_links_in_the_state_directory_are_told(tmp_path: Path) -> None:
    look = looking(tmp_path)
    (look.state_dir / FILE_NAME).touch()
    (look.state_dir / FILE_NAME).chmod(0o640)
    (look.state_dir / "lock").symlink_to("/etc/passwd")
    assert [(it.outcome.value, Path(it.subject).name) for it in found("files", look)[1:]] == [
        ("warned", FILE_NAME),
        ("failed", "lock"),
    ]


def test_a_state_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    look = looking(tmp_path)
    look.state_dir.rmdir()
    assert found("files", look)[-1].outcome.value == "warned"
    look.state_dir.touch()
    assert found("files", look)[-1].found == "is no directory"
    look.state_dir = tmp_path / ("x" * 110)
    look.state_dir.mkdir(0o700)
    assert "octets too long for the local socket" in found("files", look)[1].found


def with_store(folder: Path, parameters: str) -> Look:
    text = f"""\
store: postgresql://gw@db1/smsc?sslmode=verify-full&{parameters}
listeners: {{smpp: [{{address: '127.0.0.1:1'}}]}}
accounts: [{{system_id: app, password_hash: 'HASH'}}]
connectors: [{{name: up, address: '127.0.0.1:2', system_id: gw, password: hidden-9}}]
routes: [{{connectors: [up]}}]
"""
    look = looking(folder, text)
    os.chown(look.state_dir, NOBODY, NOBODY)
    look.config_file.chmod(0o644)
    return look


@needs_root
@pytest.mark.parametrize(
    ("owner", "mode", "words"),
    [
        (NOBODY, 0o600, ""),
        (NOBODY, 0o400, ""),
        (0, 0o600, "nobody cannot read it (root:nogroup, mode 0600)"),
        (NOBODY, 0o640, "libpq goes without it"),
        (0, 0o640, "libpq goes without it"),
    ],
)
def test_a_file_of_passwords_that_libpq_would_pass_over_fails(
    tmp_path: Path, owner: int, mode: int, words: str
) -> None:
    file = tmp_path / "pgpass"
    file.write_text("db1:5432:smsc:gw:hidden-9")
    file.chmod(mode)
    os.chown(file, owner, NOBODY)
    [finding, _] = found("files", with_store(tmp_path, f"passfile={file}"))
    assert finding.outcome.value == ("failed" if words else "passed")
    assert words in finding.found
    assert finding.next == (f"chown nobody {file} && chmod 0600 {file}" if words else "")


@needs_root
def test_a_file_that_the_stores_address_names_and_nobody_finds_fails(tmp_path: Path) -> None:
    look = with_store(tmp_path, f"passfile={tmp_path}/no&sslrootcert={tmp_path}/ca.pem&sslcert=system")
    assert [(it.outcome.value, it.subject) for it in found("files", look)[:-1]] == [
        ("failed", str(tmp_path / "ca.pem")),
        ("failed", str(tmp_path / "no")),
    ]


# -- the disk ----------------------------------------------------------------------------------------


def disk(free_mib: int, inodes: int = 500_000) -> Machine:
    values: Any = SimpleNamespace(
        f_bavail=free_mib, f_frsize=store.MIB, f_blocks=100_000, f_files=1_000_000, f_favail=inodes
    )
    return Machine(tool=silent_tool, statvfs=lambda path: values)


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (disk(50_000), ["passed", "passed"]),
        (disk(500), ["warned", "passed"]),
        (disk(99), ["failed", "passed"]),
        (disk(50_000, inodes=10_000), ["passed", "warned"]),
        (disk(50_000, inodes=3), ["passed", "failed"]),
    ],
)
def test_a_full_disk_is_told(tmp_path: Path, machine: Machine, expected: list[str]) -> None:
    findings = found("store", looking(tmp_path, machine=machine))[:2]
    assert outcomes(findings) == expected
    assert all(it.next for it in findings if it.outcome.value != "passed")


# -- the store ---------------------------------------------------------------------------------------


def of_store(look: Any) -> list[tuple[str, str]]:
    """What is found of the file itself: outcome and text."""
    return [(it.outcome.value, it.found) for it in found("store", look)[2:-1]]


def test_a_store_that_is_whole_passes_and_nothing_is_made_beside_it(tmp_path: Path) -> None:
    look = looking(tmp_path)
    assert of_store(look) == [("skipped", "there is no store yet; the first start makes one")]
    make_store(look.state_dir / FILE_NAME)
    with closing(sqlite3.connect(look.state_dir / FILE_NAME)) as connection:
        connection.execute("PRAGMA journal_mode = wal")  # as the gateway leaves it; most readers make a log
    newest = migrations()[-1][0]
    assert of_store(look)[1:] == [
        ("passed", f"{newest}, as this program wants it"),
        ("passed", "whole, and their indexes agree"),
    ]
    assert [path.name for path in look.state_dir.iterdir()] == [FILE_NAME]


def test_an_older_and_a_newer_schema_are_told(tmp_path: Path) -> None:
    look = looking(tmp_path)
    path = look.state_dir / FILE_NAME
    newest = migrations()[-1][0]
    make_store(path, newest - 1)
    assert of_store(look)[1] == ("passed", f"{newest - 1}; the next start brings it to {newest}")
    look.gateway = answering()
    assert of_store(look)[1][0] == "warned"
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {newest + 1}")
    connection.close()
    outcome, text = of_store(look)[1]
    assert (outcome, "a newer version has written it" in text) == ("failed", True)


def test_damage_is_found_and_the_way_out_told(tmp_path: Path) -> None:
    look = looking(tmp_path)
    path = look.state_dir / FILE_NAME
    make_store(path)
    octets = bytearray(path.read_bytes())
    octets[4096:] = b"\xff" * (len(octets) - 4096)
    path.write_bytes(octets)
    finding = found("store", look)[-2]
    assert finding.outcome.value == "failed"
    assert "smsc-gateway recover --dry-run" in finding.next
    path.write_bytes(b"no database" * 100)
    assert found("store", look)[-2].found == "it is damaged: its header is broken"
    path.write_bytes(b"")
    assert found("store", look)[-2].found == "it is damaged: it is empty"


def test_an_interrupted_recovery_is_told(tmp_path: Path) -> None:
    look = looking(tmp_path)
    (look.state_dir / f"{FILE_NAME}.recovered").touch()
    [finding] = found("store", look)[2:-1]
    assert (finding.outcome.value, "was interrupted" in finding.found) == ("failed", True)


def test_a_log_that_grows_is_told(tmp_path: Path) -> None:
    look = looking(tmp_path, gateway=GatewayState(Running.SILENT))
    make_store(look.state_dir / FILE_NAME)
    log = look.state_dir / f"{FILE_NAME}-wal"
    with log.open("wb") as file:
        file.truncate((store.LOG_MIB + 1) * store.MIB)  # no room is taken
    findings = found("store", look)
    assert findings[2].outcome.value == "warned"
    assert findings[3].outcome.value == "skipped"  # its index is missing, and none is made


def test_a_check_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    look = looking(tmp_path)
    path = look.state_dir / FILE_NAME
    make_store(path)
    with sqlite3.connect(path) as connection:
        numbers = (
            "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n"
        )
        rows = _rows_for(connection, "request_key", numbers)
        connection.execute(f"INSERT INTO request_key {rows}")
    connection.close()
    ticks = iter(range(10_000))
    look.machine = Machine(tool=silent_tool, elapsed_s=lambda: 1000.0 * next(ticks))
    assert of_store(look)[-1] == ("skipped", "too large for 6 s; the next start checks them whole")


def _rows_for(connection: sqlite3.Connection, table: str, numbers: str) -> str:
    """A SELECT of so many rows that fit a table: each column has the row's number."""
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    return f"SELECT {', '.join('i' for _ in columns)} FROM ({numbers})"


def test_old_copies_are_told(tmp_path: Path) -> None:
    look = looking(tmp_path)
    assert found("store", look)[-1].outcome.value == "skipped"
    copy = look.state_dir / "backups" / "queue-20261128T120000Z.sqlite3"
    copy.parent.mkdir()
    copy.touch()
    assert found("store", look)[-1].outcome.value == "passed"
    later = copy.stat().st_mtime + 3 * DAY_S
    look.machine = Machine(tool=silent_tool, now_s=lambda: later)
    assert found("store", look)[-1].outcome.value == "warned"
