"""What the command line can ask the running daemon, one file for each subject.

Each file has `handlers(daemon)`: the names of its requests, and what answers them (`gateway.ops.control`). It
is imported when something of it is asked for the first time: a gateway that nobody asks needs none of it, and
with what they import these files are a mebibyte.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from importlib import import_module
from typing import TYPE_CHECKING

from gateway.ops.control import Handler, Reply, Request

if TYPE_CHECKING:
    from gateway.daemon import Daemon

SUBJECTS = {
    "accounts": ("accounts", "account", "account_credit"),
    "backup": ("backup",),
    "blacklist": ("blacklist_add", "blacklist_remove", "blacklist_list"),
    "deadletters": ("dead", "replay", "replay_all"),
    "history": ("export", "statistics", "erase"),
    "incoming": ("incoming",),
    "metrics": ("metrics", "ready"),
    "messages": ("message", "find", "find_page", "decide"),
    "ping_tasks": ("ping_task_add", "ping_task_remove", "ping_task_list"),
    "queue": ("status", "queue", "list", "unmatched"),
    "reload": ("reload",),
    "routes": ("route_explain", "route_list"),
    "senders": ("sender_list", "sender_decide"),
    "trace": ("trace",),
}
"""The requests that each file answers."""


def all_handlers(daemon: Daemon) -> dict[str, Handler]:
    """Everything that can be asked."""
    made: dict[str, dict[str, Handler]] = {}

    def handler(subject: str, name: str) -> Handler:
        def answer(request: Request) -> Awaitable[Reply] | AsyncIterator[Reply]:
            if subject not in made:
                made[subject] = import_module(f"gateway.admin.{subject}").handlers(daemon)
            return made[subject][name](request)

        return answer

    return {name: handler(subject, name) for subject, names in SUBJECTS.items() for name in names}
