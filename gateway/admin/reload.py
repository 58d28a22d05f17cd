"""Takes over the configuration anew, or says what that would change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.config.differences import Change
from gateway.config.problems import ConfigError
from gateway.ops.control import Handler, Reply, Request
from gateway.reloading import Plan, ReloadError

if TYPE_CHECKING:
    from gateway.daemon import Daemon

CHANGES_MAX = 2000
"""So many are told one by one."""


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of the configuration."""

    async def reload(request: Request) -> Reply:
        path = daemon.config_file
        if path is None:
            return {"error": "this gateway was not started from a file"}
        try:
            if request.get("diff"):
                return {"done": False, **plan_as_dict(await daemon.reloading.look(path))}
            shown = str(request.get("shown") or "")
            return {"done": True, **plan_as_dict(await daemon.reloading.from_file(path, shown))}
        except ConfigError as error:
            return {"problems": [problem.as_dict() for problem in error.problems]}
        except ReloadError as error:
            return {"error": f"nothing changed: {error}"}

    return {"reload": reload}


def plan_as_dict(plan: Plan) -> Reply:
    """A plan in plain values."""
    return {
        "changes": [_change(change) for change in plan.changes[:CHANGES_MAX]],
        "more_changes": max(0, len(plan.changes) - CHANGES_MAX),
        "rebuilt": plan.rebuilt,
        "adjusted": list(plan.adjusted),
        "added": list(plan.added),
        "removed": list(plan.removed),
        "ended_sessions": plan.ended,
        "restart_needed": list(plan.restart),
    }


def _change(change: Change) -> dict[str, str | None]:
    return {"key": change.key, "what": change.word, "old": change.old, "new": change.new}
