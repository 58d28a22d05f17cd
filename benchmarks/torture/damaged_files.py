"""D3: damaged files.  The gateway says so or serves, and what recover makes of them is right and of use."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import socket
import sqlite3
import sys
import time
import traceback
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random
from typing import NamedTuple
from unittest import mock

from damage_kinds import KINDS, Files, Kind
from damage_store import FIRST_ID, NOW_MS, Original, make, rows_of, tables_of
from harness import prepare, tail
from kill import Gateway
from part import Part, PartError, Row, Run, at_least, count

from gateway.__main__ import main as command_line
from gateway.cli import EXIT_CONFIG
from gateway.cli import recover as recover_command
from gateway.core.batch import Answer, Batch
from gateway.core.frames import take_frames
from gateway.ops.control import SOCKET_NAME
from gateway.store import sqlite_writer
from gateway.store.apply import Applier
from gateway.store.frames import encode
from gateway.store.sqlite_database import SqliteDatabase
from gateway.store.sqlite_open import FILE_NAME, open_writer

FILES, SHORT_FILES = 200, 6
WHOLE_EVERY = 14
"""Each so manieth file is given to a whole gateway too."""
PATIENCE_S = 30.0
DETECTED, FOUND_LATER, SERVED = "detected at the start", "found while it ran", "served"
REFUSALS = ("is damaged", "newer smsc-gateway", "cannot open")


class Judged(NamedTuple):
    """What recover has made, held against what there was."""

    rows: int
    wrong: int
    """Rows that the store never held."""
    lost: int
    """Live messages that are not there."""
    unnamed: int
    """Of these, not named by the report."""


def write(files: Files, folder: Path) -> None:
    """Puts a damaged store into a new folder."""
    folder.mkdir(mode=0o700)
    for name, content in ((FILE_NAME, files.file), (FILE_NAME + "-wal", files.log)):
        if content is not None:
            (folder / name).write_bytes(content)


# -- the writing process -------------------------------------------------------------------------------


def serve(folder: Path, errors: Path) -> str:
    """How the writing process takes it: DETECTED, FOUND_LATER, SERVED, or what it should not have done."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _write_store(theirs, folder, errors)
    theirs.close()
    ours.settimeout(PATIENCE_S)
    try:
        with ours:
            return _talk(ours)
    except TimeoutError:
        os.kill(pid, 9)
        return "hangs"
    finally:
        os.waitpid(pid, 0)


def _write_store(channel: socket.socket, folder: Path, errors: Path) -> None:
    """The child: as the gateway starts it, but without a new interpreter."""
    code = 1
    try:
        descriptor = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, 2)
        sys.stderr = os.fdopen(descriptor, "w")
        sys.argv = ["writer", str(channel.detach()), str(folder / FILE_NAME)]
        code = sqlite_writer.main()
    except BaseException:
        traceback.print_exc(file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(code)


def _talk(channel: socket.socket) -> str:
    hello = _next(channel)
    if hello is None:
        return "dies at the start"
    if hello[0]:
        return DETECTED if any(words in hello[0] for words in REFUSALS) else f"says: {hello[0][:60]}"
    for batch in _work():
        channel.sendall(encode(batch))
        values = _next(channel)
        if values is None:
            return "dies while it runs"
        answer = Answer(*values)
        if answer.error:
            return FOUND_LATER if answer.damaged else f"fails: {answer.error[:60]}"
    return SERVED


def _next(channel: socket.socket) -> tuple[object, ...] | None:
    buffer = bytearray()
    while octets := channel.recv(1 << 20):
        buffer += octets
        for values in take_frames(buffer):
            return tuple(values)
    return None


def _work() -> list[Batch]:
    """What touches most of the tables: claims, ends, questions, deliveries."""
    ids = [FIRST_ID + batch * 1000 + n for batch in range(0, 65, 3) for n in (0, 1, 3)]
    return [
        Batch(claims=[("one", 200, NOW_MS, 1)]),
        Batch(failed=[(number, 8, "x", NOW_MS) for number in ids]),
        Batch(queries=[("app", number) for number in ids]),
        Batch(fetches=[("app", 0, 1000), ("shop", 0, 1000)]),
        Batch(delivered=[(number,) for number in range(1, 200)]),
    ]


# -- recover -------------------------------------------------------------------------------------------


def recover(folder: Path) -> tuple[int, dict[str, object]]:
    """The command's exit code and report."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), mock.patch.object(recover_command, "leave_no_memory"):
        code = command_line(["recover", "--state-dir", str(folder), "--json"])
    return code, json.loads(said.getvalue() or "{}")


def judge(folder: Path, original: Original, report: dict[str, object]) -> Judged:
    """Reads the store that recover has made, then opens it as a gateway does."""
    there: set[int] = set()
    rows = wrong = 0
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        for table in tables_of(connection):
            found = rows_of(connection, table)
            rows += len(found)
            if table != "ambiguous":
                wrong += sum(row not in original.known[table] for row in found)
        for table in ("message", "history"):
            there |= {row[0] for row in connection.execute(f"SELECT message_id FROM {table}")}
    lost = original.live - there
    named = set(map(int, report.get("lost_messages", ())))  # type: ignore[call-overload]
    with closing(open_writer(folder / FILE_NAME)) as connection:
        Applier(SqliteDatabase(connection), NOW_MS).recovery.recover(NOW_MS)
    return Judged(rows, wrong, len(lost), len(lost - named))


# -- the part ------------------------------------------------------------------------------------------


def run(run: Run) -> list[Row]:
    random = Random(run.seed)
    (run.folder / "made").mkdir()
    original = make(run.folder / "made", random)
    prepare(run, 1)
    outcomes: Counter[str] = Counter()
    faults: list[str] = []
    total: Counter[str] = Counter()
    for number in range(FILES if run.full else SHORT_FILES):
        kind = KINDS[number % len(KINDS)]
        files, octets = kind.damage(original.file, original.log, random)
        at = run.folder / f"d{number}"
        _one(at, kind, files, octets, original, outcomes, faults, total)
        if number % WHOLE_EVERY == 1:
            outcome = whole(run, files, number)
            total["whole gateways"] += 1
            if outcome:
                faults.append(f"{kind.name}: {outcome}")
        if number % 20 == 19:
            run.say(f"{number + 1} files, {dict(outcomes)}, {faults[-3:]}")
    for fault in faults:
        run.say(f"{fault}")
    return _rows(outcomes, faults, total, FILES if run.full else SHORT_FILES)


def _one(
    at: Path,
    kind: Kind,
    files: Files,
    octets: int,
    original: Original,
    outcomes: Counter[str],
    faults: list[str],
    total: Counter[str],
) -> None:
    errors = at.with_suffix(".err")
    write(files, at.with_suffix(".served"))
    outcome = serve(at.with_suffix(".served"), errors)
    outcomes[outcome] += 1
    if outcome not in (DETECTED, FOUND_LATER, SERVED):
        faults.append(f"{kind.name}: {outcome}; {tail(errors, 1)}")
    elif errors.stat().st_size:
        faults.append(f"{kind.name}: writes {tail(errors, 2)}")
    if files.file is None:
        return
    write(files, at)
    try:
        code, report = recover(at)
        if code not in (0, 3):
            raise PartError(f"recover ends with {code}")
        judged = judge(at, original, report)
    except Exception as error:  # whatever it is, it is what this looks for
        faults.append(f"{kind.name}: recover: {type(error).__name__}: {error}")
        return
    total["recovered"] += 1
    total["rows"] += judged.rows
    total["lost"] += judged.lost
    total["unnamed"] += judged.unnamed
    total["changed"] += min(judged.wrong, octets)
    total["silent"] += outcome == SERVED and code == 0
    if judged.wrong > octets:
        total["wrong"] += judged.wrong - octets
        faults.append(f"{kind.name}: {judged.wrong} rows that never were")


def whole(run: Run, files: Files, number: int) -> str:
    """What a whole gateway does that it should not do; empty: nothing."""
    folder = run.folder / f"w{number}"
    folder.mkdir()
    shutil.copyfile(run.folder / "gateway.yaml", folder / "gateway.yaml")
    with contextlib.closing(Gateway(folder)) as gateway:
        write(files, gateway.state_dir)
        gateway.launch()
        deadline = time.monotonic() + PATIENCE_S
        while (code := gateway.code) is None and not (gateway.state_dir / SOCKET_NAME).exists():
            if time.monotonic() > deadline:
                return "hangs"
            time.sleep(0.05)
        if code is None:
            code = gateway.stop() or EXIT_CONFIG
        said = gateway.log.read_text()
        if "Traceback" in said:
            return "a traceback"
        if code != EXIT_CONFIG:
            return f"ends with {code}: {said[-200:]}"
    return ""


def _rows(outcomes: Counter[str], faults: list[str], total: Counter[str], files: int) -> list[Row]:
    return [
        at_least("damaged files", sum(outcomes.values()), files),
        Row(DETECTED, f"{outcomes[DETECTED]:,}"),
        Row(FOUND_LATER, f"{outcomes[FOUND_LATER]:,}"),
        Row("served, with what the damage left", f"{outcomes[SERVED]:,}"),
        Row("given to a whole gateway too: exit code 78, or ready", f"{total['whole gateways']:,}"),
        count("hangs, tracebacks, other ends", len(faults)),
        at_least("recovered, and opened by a gateway", total["recovered"], files * 9 // 10),
        Row("rows recovered", f"{total['rows']:,}"),
        count("recovered rows that never were there", total["wrong"]),
        Row("recovered rows with changed octets, or another's end, that look right", f"{total['changed']:,}"),
        Row("live messages lost with the octets that held them", f"{total['lost']:,}"),
        Row("of these not named by recover", f"{total['unnamed']:,}"),
    ]


PARTS = (
    Part(
        "D3",
        "Damaged files",
        "Flipped bits, zeroed, swapped and overwritten pages, truncated files, torn and broken logs, broken "
        "headers, of a store with some thousand rows in its tables. Each is served, then recovered, and each "
        "row compared with what there was.",
        run,
    ),
)
