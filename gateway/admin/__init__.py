"""What the command line can ask the running daemon, one file for each subject.

Each file has `handlers(daemon)`: the names of its requests, and what answers them (`gateway.ops.control`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.admin import accounts, blacklist, deadletters, history, messages, queue, reload, routes, trace
from gateway.ops.control import Handler

if TYPE_CHECKING:
    from gateway.daemon import Daemon


def all_handlers(daemon: Daemon) -> dict[str, Handler]:
    """Everything that can be asked."""
    found: dict[str, Handler] = {}
    for subject in (accounts, blacklist, deadletters, history, messages, queue, reload, routes, trace):
        found.update(subject.handlers(daemon))
    return found
