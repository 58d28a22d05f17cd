"""downloads.php: exports that were made in the background (SMSC HTTP API, downloads.php)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from gateway.core.hours import zone_of
from gateway.front import fields
from gateway.front.desk import ApiProblem, Asked, Desk, Handler, Octets, Record, Value
from gateway.front.exports import DONE, TASKS_MAX, exports_of

_NO_SUCH = 5
_MAX_ID = (1 << 53) - 1


def handlers(desk: Desk) -> dict[str, Handler]:
    """By the names of the operations."""
    exports = exports_of(desk)

    async def listed(asked: Asked) -> Value:
        """The tasks of the account, oldest first."""
        most = fields.count(asked.params, TASKS_MAX)
        after = fields.integer(asked.params, "after_id", 0, _MAX_ID) or 0
        zone = zone_of(asked.account.config.time_zone)
        tasks = await exports.tasks(asked.account.name)
        return [_told(task, zone) for task in tasks if task.record_id > after][:most]

    async def file(asked: Asked) -> Value:
        """The file of a task, by its id or its name."""
        task = _chosen(await exports.tasks(asked.account.name), asked.params)
        content = await exports.read(asked.account.name, task) if task is not None else None
        if task is None or content is None:
            raise ApiProblem(_NO_SUCH)
        return Octets("text/csv; charset=utf-8", content, _file(task))

    return {"dl_list": listed, "dl_file": file}


def _chosen(tasks: Sequence[Record], params: Mapping[str, str]) -> Record | None:
    number, name = fields.integer(params, "id", 1, _MAX_ID), params.get("name", "")
    if number is None and not name:
        raise fields.bad()
    for task in reversed(tasks):
        if number == task.record_id if number is not None else name in (task.name, _file(task)):
            found: Record = task
            return found
    return None


def _file(task: Record) -> str:
    return f"{task.name}.csv"


def _told(task: Record, zone: tzinfo) -> dict[str, Any]:
    is_done = task.data["status"] == DONE
    return {
        "id": task.record_id,
        "name": task.name,
        "status": str(task.data["status"]),
        "created": fields.written(task.data["created_ms"], zone),
        "time": fields.written(task.data["done_ms"], zone) if is_done else "",
        "file": _file(task) if is_done else "",
    }
