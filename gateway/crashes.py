"""What a crash leaves behind: where each thread was, and nothing of what was in memory.

The memory of the gateway's processes holds passwords and texts.  A core dump would put them into a file that
nobody erases, or send them to whatever the kernel's `core_pattern` names, which a limit of 0 does not stop.
So the processes also say that they must not be dumped.  That lasts until the next execve, which is why each
of them says so for itself; and it closes /proc/PID/mem and ptrace to the processes of the same user, such as
the one that reads strangers' mails.  Root may still attach a debugger.

The words of an exception often hold what was being worked on (KeyError: 'the text'), so of those that nobody
expected only the kind is told, and the lines of the program that it came through.  (Those that end a callback
or a task of the gateway's loop are told by gateway.ops.faults.)
"""

from __future__ import annotations

import faulthandler
import os
import resource
import sys
import threading
import traceback
from types import TracebackType

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def leave_no_memory() -> None:
    """For good, in this process; OSError when the system refuses."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes

        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    # functions and lines: what systemd's watchdog (SIGABRT) or a fault in a library interrupted
    faulthandler.enable()
    sys.excepthook = lambda kind, error, trace: _tell(error, trace)
    sys.unraisablehook = lambda it: _tell(it.exc_value, it.exc_traceback)
    threading.excepthook = lambda it: _tell(it.exc_value, it.exc_traceback)


def _kind_of(error: BaseException) -> str:
    """Its class, and what the system says of an OSError: never a value of ours."""
    text = error.strerror if isinstance(error, OSError) else ""
    return f"{type(error).__name__} ({text})" if text else type(error).__name__


def _tell(error: BaseException | None, trace: TracebackType | None) -> None:
    lines = traceback.format_tb(trace)
    kind = _kind_of(error) if error is not None else "an error"
    sys.stderr.write(f"Traceback (most recent call last):\n{''.join(lines)}{kind}, its words are not shown\n")
    sys.stderr.flush()
