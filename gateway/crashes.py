"""What a crash leaves behind: where each thread was, and nothing of what was in memory.

The memory of the gateway's processes holds passwords and texts.  A core dump would put them into a file that
nobody erases, or send them to whatever the kernel's `core_pattern` names, which a limit of 0 does not stop.
So the processes also say that they must not be dumped.  That lasts until the next execve, which is why each
of them says so for itself; and it closes /proc/PID/mem and ptrace to the processes of the same user, such as
the one that reads strangers' mails.  Root may still attach a debugger.
"""

from __future__ import annotations

import faulthandler
import os
import resource
import sys

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def leave_no_memory() -> None:
    """For good, in this process; OSError when the system refuses."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes

        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    # functions and lines, no values: what systemd's watchdog (SIGABRT) or a fault in a library interrupted
    faulthandler.enable()
