"""What the command line can ask the running daemon, one file for each subject.

Each file has `handlers(daemon)`: the names of its requests, and what answers them (`gateway.ops.control`). It
is imported when something of it is asked for the first time: a gateway that nobody asks needs none of it, and
with what they import these files are a mebibyte.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from importlib import import_module
from typing import TYPE_CHECKING

from gateway.ops.control import Entry, Handler, Peer, Record, Reply, Request

if TYPE_CHECKING:
    from gateway.daemon import Daemon

SUBJECTS = {
    "accounts": ("accounts", "accounts_page", "account", "account_credit"),
    "audit": ("audit", "audit_note"),
    "backup": ("backup",),
    "blacklist": ("blacklist_add", "blacklist_remove", "blacklist_list"),
    "configuration": ("config", "config_on_disk"),
    "connectors": (
        "connectors",
        "connector",
        "connector_pause",
        "connector_resume",
        "connector_rebind",
    ),
    "deadletters": ("dead", "replay", "replay_all"),
    "history": ("export", "statistics", "erase"),
    "incoming": ("incoming",),
    "metrics": ("metrics", "ready"),
    "lists": ("queue_counts", "queue_page"),
    "messages": ("message", "find", "find_page", "decide"),
    "nodes": ("nodes", "node_drain", "node_resume"),
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


def record_of(daemon: Daemon) -> Record:
    """Writes down what is asked that changes something or shows whole numbers (`gateway.admin.actions`)."""
    made: list[Record] = []

    async def record(request: Request, peer: Peer) -> Entry | None:
        if not made:
            made.append(import_module("gateway.admin.recorder").Recorder(daemon).begin)
        return await made[0](request, peer)

    return record
