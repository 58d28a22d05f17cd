"""What a crash of each of the gateway's processes leaves behind."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import mail_vectors as vectors
import pytest

from gateway.core.frames import encode_frame

PATIENCE_S = 60.0
CANARY = "canary-in-memory"
_GET_DUMPABLE = 3  # PR_GET_DUMPABLE of linux/prctl.h

DIES = f"""\
import os
from gateway.crashes import leave_no_memory

def holds_a_secret(password):
    os.abort()

leave_no_memory()
holds_a_secret("{CANARY[:6]}" + "{CANARY[6:]}")
"""
ASKS = f"""\
import ctypes, resource
from gateway.crashes import leave_no_memory

prctl = ctypes.CDLL(None).prctl
before = prctl({_GET_DUMPABLE})
leave_no_memory()
print(before, prctl({_GET_DUMPABLE}), *resource.getrlimit(resource.RLIMIT_CORE))
"""


def allow_cores() -> None:
    """As a shell with `ulimit -c unlimited` starts a program."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if os.geteuid() == 0:
        hard = resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def test_security_38_the_process_can_neither_be_dumped_nor_read_by_its_user() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASKS], capture_output=True, text=True, check=True, preexec_fn=allow_cores
    )
    assert done.stdout == "1 0 0 0\n"


def test_security_38_a_crash_tells_where_it_was_and_not_with_what(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with trace.open("w") as file:
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-c", f"import os, sys\nos.chdir({str(tmp_path)!r})\n{DIES}"],
            {**os.environ},
            file_actions=[(os.POSIX_SPAWN_DUP2, file.fileno(), 2)],
        )
    _, status = os.waitpid(pid, 0)
    assert (os.WTERMSIG(status), os.WCOREDUMP(status)) == (signal.SIGABRT, False)
    assert "in holds_a_secret" in trace.read_text()
    assert CANARY not in trace.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["trace"]


@pytest.mark.parametrize(
    "fails",
    [
        "{}[text]",
        "threading.Thread(target=lambda: {}[text]).start()",
        "(lambda it: None)(type('It', (), {'__del__': lambda self: {}[text]})())",
    ],
    ids=["main", "thread", "finalizer"],
)
def test_security_38_an_unexpected_error_is_told_without_its_words(fails: str) -> None:
    program = f"""\
import threading
from gateway.crashes import leave_no_memory
leave_no_memory()
text = {CANARY[:6]!r} + {CANARY[6:]!r}
{fails}
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "KeyError, its words are not shown" in done.stderr
    assert "Traceback" in done.stderr
    assert CANARY not in done.stderr


def test_security_38_an_error_of_the_system_says_what_it_is_and_not_of_which_file() -> None:
    program = f"""\
from gateway.crashes import leave_no_memory
leave_no_memory()
open("/nowhere/" + {CANARY[:6]!r} + {CANARY[6:]!r})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "FileNotFoundError (No such file or directory), its words are not shown" in done.stderr
    assert CANARY not in done.stderr


@pytest.mark.parametrize(
    ("module", "asked"),
    [
        ("gateway.ingress.mail_worker", encode_frame((1, b"Subject: s\r\n\r\nx\r\n", tuple(vectors.STYLE)))),
        ("gateway.store.sqlite_writer", b""),
    ],
    ids=["mail_worker", "sqlite_writer"],
)
def test_security_38_no_process_of_the_gateway_leaves_a_core(
    module: str, asked: bytes, tmp_path: Path
) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        ours.settimeout(PATIENCE_S)
        with theirs:
            arguments = [str(theirs.fileno()), str(tmp_path / "queue.sqlite3")]
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, *arguments],
                pass_fds=[theirs.fileno()],
                preexec_fn=allow_cores,
            )
        ours.sendall(asked)
        assert ours.recv(1), "it ended"  # it works: its beginning is over
        limits = Path(f"/proc/{process.pid}/limits").read_text("ascii")
    assert process.wait(PATIENCE_S) == 0
    assert ["Max", "core", "file", "size", "0", "0", "bytes"] in map(str.split, limits.splitlines())
