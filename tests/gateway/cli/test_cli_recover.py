"""smsc-gateway recover, backup and restore on the files of a gateway that does not run."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import stat
import time
from collections.abc import Callable
from contextlib import closing
from os import link
from pathlib import Path
from typing import Any

import pytest
from gateway_fakes import NOW_MS, message

from gateway.__main__ import main
from gateway.cli import backup, recover, restore
from gateway.cli.recover import EXIT_MISSING
from gateway.core.batch import Batch
from gateway.core.model import Attempt, Progress
from gateway.store import replace, sqlite_open
from gateway.store.apply import Applier
from gateway.store.damage import RECOVERED
from gateway.store.sqlite_database import SqliteDatabase
from gateway.store.sqlite_open import FILE_NAME, StoreError, lock, open_writer

Say = Callable[..., tuple[int, str]]
PAGE = 4096


@pytest.fixture(autouse=True)
def this_process_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for command in (backup, recover, restore):
        monkeypatch.setattr(command, "leave_no_memory", lambda: None)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state directory of a stopped gateway: 500 messages wait, one is under way."""
    monkeypatch.setattr(sqlite_open, "LOCK_WAIT_S", 0.0)
    folder = tmp_path / "state"
    folder.mkdir()
    with closing(open_writer(folder / FILE_NAME)) as connection:
        applier = Applier(SqliteDatabase(connection), NOW_MS)
        waiting = [(*message(n, user_data=b"x" * 100), Progress.QUEUED.value) for n in range(1, 501)]
        sent = (*message(600), Progress.SENT.value)
        applier.apply(Batch(accepted=[*waiting, sent], intents=[(600, 1, "one", NOW_MS)]))
    return folder


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """A command line's exit code, and what it prints on both streams."""

    def said(*words: object) -> tuple[int, str]:
        code = main([str(word) for word in words])
        output = capsys.readouterr()
        return code, output.out + output.err

    return said


def ask(folder: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        return [row[0] for row in connection.execute(sql)]


def spoil(state: Path) -> bytes:
    """Wipes a page with messages; the file as it is then."""
    path = state / FILE_NAME
    content = bytearray(path.read_bytes())
    at = content.index(b"x" * 100) // PAGE * PAGE
    content[at : at + PAGE] = bytes(PAGE)
    path.write_bytes(content)
    return bytes(content)


# -- recover -------------------------------------------------------------------------------------------


def test_recover_keeps_the_damaged_store_and_says_what_is_missing(state: Path, say: Say) -> None:
    before = spoil(state)
    with pytest.raises(StoreError, match="smsc-gateway recover --state-dir"):
        open_writer(state / FILE_NAME)
    code, output = say("recover", "--state-dir", state)
    assert code == EXIT_MISSING
    assert "accepted messages are lost" in output
    (kept,) = (it for it in state.glob("*.damaged-*") if not it.name.endswith("-wal"))
    assert kept.read_bytes() == before
    assert f"kept: {kept}" in output
    path = state / FILE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    open_writer(path).close()
    assert 400 < len(ask(state, "SELECT message_id FROM message")) < 501
    assert say("recover", "--state-dir", state)[0] == 0  # nothing is missing of what it has made


def test_recover_in_json_names_the_lost_messages(state: Path, say: Say) -> None:
    spoil(state)
    code, output = say("recover", "--state-dir", state, "--json")
    report = json.loads(output)
    lost = set(map(int, report["lost_messages"]))
    assert lost | set(ask(state, "SELECT message_id FROM message")) == {*range(1, 501), 600}
    assert (code, report["whole"]) == (EXIT_MISSING, False)


def test_recover_can_look_only_or_make_its_store_elsewhere(state: Path, say: Say, tmp_path: Path) -> None:
    before = spoil(state)
    assert say("recover", "--state-dir", state, "--dry-run")[0] == EXIT_MISSING
    assert say("recover", "--state-dir", state, "--to", tmp_path / "new")[0] == EXIT_MISSING
    assert (state / FILE_NAME).read_bytes() == before
    assert {path.name for path in state.iterdir()} == {FILE_NAME, "lock"}
    open_writer(tmp_path / "new" / FILE_NAME).close()
    code, output = say("recover", "--state-dir", state, "--to", tmp_path / "new")
    assert (code, "is not overwritten" in output) == (1, True)


@pytest.mark.parametrize("command", ["recover", "restore"])
def test_a_running_gateway_keeps_its_store(state: Path, say: Say, command: str) -> None:
    words = [state / "copy"] if command == "restore" else []
    with lock(state):
        code, output = say(command, *words, "--state-dir", state)
    assert code == 1
    assert "another gateway is running" in output


def test_a_recover_that_was_killed_is_ended_by_the_next_one(
    state: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = spoil(state)

    def killed(path: Path) -> bool:
        raise OSError("killed here")

    with monkeypatch.context() as patched:
        patched.setattr(replace, "finish", killed)
        assert say("recover", "--state-dir", state)[0] == 1
    assert (state / (FILE_NAME + RECOVERED)).exists()
    with pytest.raises(StoreError, match="was interrupted"):
        open_writer(state / FILE_NAME)
    code, output = say("recover", "--state-dir", state)
    assert (code, "in its place" in output) == (0, True)
    open_writer(state / FILE_NAME).close()
    (kept,) = state.glob("*.damaged-*")
    assert kept.read_bytes() == before


def test_recover_without_a_store_says_so(tmp_path: Path, say: Say) -> None:
    code, output = say("recover", "--state-dir", tmp_path)
    assert (code, "there is no" in output) == (1, True)


def test_recover_to_another_folder_ends_nothing_here(state: Path, say: Say, tmp_path: Path) -> None:
    (state / (FILE_NAME + RECOVERED)).write_bytes((state / FILE_NAME).read_bytes())
    assert say("recover", "--state-dir", state, "--to", tmp_path / "new")[0] == 0
    assert (state / (FILE_NAME + RECOVERED)).exists()
    assert (tmp_path / "new" / FILE_NAME).exists()


# -- backup and restore --------------------------------------------------------------------------------


def test_a_copy_of_a_stopped_gateway_is_one_private_file(state: Path, say: Say, tmp_path: Path) -> None:
    code, output = say("backup", "--state-dir", state, "--to", tmp_path / "copy", "--json")
    assert code == 0
    assert json.loads(output)["file"] == str(tmp_path / "copy")
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600
    assert list((state / "backups").iterdir()) == []
    with closing(sqlite3.connect(tmp_path / "copy")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("SELECT count(*) FROM message").fetchone() == (501,)


def test_without_a_name_the_copy_is_beside_the_store(state: Path, say: Say) -> None:
    assert say("backup", "--state-dir", state)[0] == 0
    (copy,) = (state / "backups").iterdir()
    assert copy.name.startswith("queue-")


def test_each_copy_has_a_name_and_what_a_killed_one_left_goes(
    state: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    (state / "backups").mkdir()
    (state / "backups" / "queue-20260101T000000Z.sqlite3.part").write_bytes(b"half of it")
    monkeypatch.setattr(time, "strftime", lambda *_: "queue-20260101T000001Z")
    assert [say("backup", "--state-dir", state)[0] for _ in range(3)] == [0, 0, 0]
    names = {path.name for path in (state / "backups").iterdir()}
    assert names == {f"queue-20260101T000001Z{more}.sqlite3" for more in ("", "-2", "-3")}


def test_a_copy_overwrites_nothing(state: Path, say: Say, tmp_path: Path) -> None:
    (tmp_path / "copy").write_text("precious")
    code, output = say("backup", "--state-dir", state, "--to", tmp_path / "copy")
    assert (code, "is not overwritten" in output) == (1, True)
    assert (tmp_path / "copy").read_text() == "precious"


def test_no_copy_is_made_of_a_damaged_store(state: Path, say: Say, tmp_path: Path) -> None:
    spoil(state)
    code, output = say("backup", "--state-dir", state, "--to", tmp_path / "copy")
    assert (code, "damaged" in output) == (1, True)
    assert not (tmp_path / "copy").exists()
    assert list((state / "backups").iterdir()) == []


def test_a_restored_copy_sends_nothing_a_second_time_without_a_word(
    state: Path, say: Say, tmp_path: Path
) -> None:
    say("backup", "--state-dir", state, "--to", tmp_path / "copy")
    code, output = say("restore", tmp_path / "copy", "--state-dir", tmp_path / "new")
    assert (code, "501 may have been sent since and are held" in output) == (0, True)
    new = tmp_path / "new"
    assert set(ask(new, "SELECT progress FROM message")) == {Progress.HELD}
    assert ask(new, "SELECT attempt FROM submission") == [Attempt.DOUBT]
    assert len(set(ask(new, "SELECT message_id FROM ambiguous WHERE action = 'hold'"))) == 501
    with closing(open_writer(new / FILE_NAME)) as connection:
        applier = Applier(SqliteDatabase(connection), NOW_MS)
        assert applier.recovery.recover(NOW_MS) == 0
        ((_, claimed, _),) = applier.apply(Batch(claims=[("one", 1000, NOW_MS, 1)])).claimed
    assert claimed == []


def test_a_restored_copy_sends_what_waited_when_it_is_told_to(state: Path, say: Say, tmp_path: Path) -> None:
    say("backup", "--state-dir", state, "--to", tmp_path / "copy")
    assert say("restore", tmp_path / "copy", "--state-dir", tmp_path / "new", "--queued", "send")[0] == 0
    held = "SELECT message_id FROM message WHERE progress = 2"
    assert ask(tmp_path / "new", held) == [600]  # what was under way is held all the same


def test_restore_keeps_a_store_with_messages_and_replaces_it_only_when_told(
    state: Path, say: Say, tmp_path: Path
) -> None:
    say("backup", "--state-dir", state, "--to", tmp_path / "copy")
    before = (state / FILE_NAME).read_bytes()
    code, output = say("restore", tmp_path / "copy", "--state-dir", state)
    assert (code, "501 messages that have not ended" in output) == (1, True)
    assert (state / FILE_NAME).read_bytes() == before
    assert say("restore", tmp_path / "copy", "--state-dir", state, "--replace")[0] == 0
    (kept,) = state.glob("*.replaced-*")
    assert kept.read_bytes() == before
    open_writer(state / FILE_NAME).close()


@pytest.mark.parametrize("content", [b"", b"no database" * 1000, None])
def test_what_is_no_copy_is_not_restored(
    state: Path, say: Say, tmp_path: Path, content: bytes | None
) -> None:
    if content is None:
        spoil(state)
        content = (state / FILE_NAME).read_bytes()
    (tmp_path / "copy").write_bytes(content)
    code, output = say("restore", tmp_path / "copy", "--state-dir", tmp_path / "new")
    assert code == 1
    assert "damaged" in output or "no store of smsc-gateway" in output
    assert not (tmp_path / "new" / FILE_NAME).exists()


def test_a_copy_with_a_trigger_is_not_restored(state: Path, say: Say, tmp_path: Path) -> None:
    say("backup", "--state-dir", state, "--to", tmp_path / "copy")
    with closing(sqlite3.connect(tmp_path / "copy")) as connection:
        connection.execute("CREATE TRIGGER x AFTER UPDATE ON message BEGIN DELETE FROM message; END")
    code, output = say("restore", tmp_path / "copy", "--state-dir", tmp_path / "new")
    assert (code, "no store of smsc-gateway" in output) == (1, True)


def test_what_is_no_file_is_not_copied(say: Say, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "nowhere"):
        code, output = say("restore", tmp_path / name, "--state-dir", tmp_path / "new")
        assert (code, f"{tmp_path / name} is not there, or no file" in output) == (1, True)


def test_a_restore_goes_round_what_a_killed_one_left(state: Path, say: Say, tmp_path: Path) -> None:
    say("backup", "--state-dir", state, "--to", tmp_path / "copy")
    new = tmp_path / "new"
    new.mkdir()
    for suffix in ("", "-journal", "-wal"):
        (new / f"{FILE_NAME}.restoring{suffix}").write_bytes(b"of another copy")
    assert say("restore", tmp_path / "copy", "--state-dir", new)[0] == 0
    assert {path.name for path in new.iterdir()} == {FILE_NAME, "lock"}


def test_a_second_restore_leaves_the_first_ones_work_alone(state: Path, say: Say) -> None:
    unfinished = state / f"{FILE_NAME}.restoring"
    unfinished.write_bytes(b"being made")
    with lock(state):
        assert say("restore", state / "copy", "--state-dir", state)[0] == 1
    assert unfinished.exists()


def test_a_restore_that_was_killed_is_ended_and_said(state: Path, say: Say, tmp_path: Path) -> None:
    say("backup", "--state-dir", state, "--to", tmp_path / "copy")
    made = (tmp_path / "copy").read_bytes()
    (state / (FILE_NAME + RECOVERED)).write_bytes(made)
    code, output = say("backup", "--state-dir", state, "--to", tmp_path / "second")
    assert (code, "was interrupted" in output) == (1, True)
    code, output = say("restore", tmp_path / "copy", "--state-dir", state)
    assert (code, "was not looked at" in output) == (0, True)
    assert (state / FILE_NAME).read_bytes() == made


def test_a_copy_that_cannot_be_moved_is_named(
    state: Path, say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(
            backup.os, "link", lambda made, to: full() if to == tmp_path / "copy" else link(made, to)
        )
        patched.setattr(shutil, "copyfileobj", full)
        code, output = say("backup", "--state-dir", state, "--to", tmp_path / "copy")
    (made,) = (state / "backups").iterdir()
    assert (code, f"it is {made}" in output, "No space left" in output) == (1, True, True)
    assert not list(tmp_path.glob("copy*"))


def test_what_a_link_leads_to_is_not_given_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[Any, ...]] = []
    (tmp_path / "link").symlink_to("/etc/hostname")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda *_, follow_symlinks=True: given.append((follow_symlinks,)))
    replace.give_to_owner(tmp_path / "link")
    assert given == [(False,)]
