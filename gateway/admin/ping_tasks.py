"""Task groups of ping.php: whom an account's monitoring tells of an event, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.admin.commits import CANNOT_WRITE
from gateway.ops.control import Handler, Reply, Request

if TYPE_CHECKING:
    from gateway.daemon import Daemon

NO_HTTP = {"error": "nothing of HTTP is configured, so nobody can ask for a task (listeners.http)"}
TEXT_MAX = 1000
NAME_MAX = 100
"""Characters."""


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of task groups."""

    async def ping_task_add(request: Request) -> Reply:
        desk, account = daemon.http.desk, str(request["account"])
        if desk is None:
            return NO_HTTP
        if account not in daemon.accounts:
            return {"error": f"there is no account {account!r}; there are: {', '.join(daemon.accounts)}"}
        from gateway.front import ping
        from gateway.front.desk import Unavailable
        from gateway.front.keeping import turn_of

        texts = {name: _text(request, name, TEXT_MAX) for name in ("failure", "recovery", "sender")}
        given = {name: text for name, text in texts.items() if text}
        ping.check_sender(desk.accounts[account], given.get("sender", ""))
        task = ping.PingTask(0, _text(request, "name", NAME_MAX), ping.checked(str(request["to"])), **given)
        try:
            async with turn_of(desk, account):
                task = await ping.add(desk, account, task)
        except Unavailable:
            return CANNOT_WRITE
        daemon.events.say("info", "ping_task_added", account=account, id=task.number)
        return {"account": account, "id": task.number, "name": task.name}

    async def ping_task_remove(request: Request) -> Reply:
        desk, account, number = daemon.http.desk, str(request["account"]), int(request["id"])
        if desk is None:
            return NO_HTTP
        from gateway.front import ping
        from gateway.front.desk import Unavailable
        from gateway.front.keeping import turn_of

        try:
            async with turn_of(desk, account):
                known = await ping.remove(desk, account, number)
        except Unavailable:
            return CANNOT_WRITE
        if not known:
            return {"error": f"account {account!r} has no task {number}: smsc-gateway ping-task list"}
        daemon.events.say("info", "ping_task_removed", account=account, id=number)
        return {"account": account, "id": number}

    async def ping_task_list(request: Request) -> Reply:
        desk, wanted = daemon.http.desk, str(request.get("account") or "")
        if desk is None:
            return NO_HTTP
        from gateway.front import ping

        found = await desk.records.of_kind(ping.KIND)
        tasks = [(account, ping.task_in(record)) for account, record in found if wanted in ("", account)]
        return {
            "rows": [
                {
                    "account": account,
                    "id": task.number,
                    "name": task.name,
                    "to": task.to,
                    "sender": task.sender,
                    "failure": task.failure,
                    "recovery": task.recovery,
                }
                for account, task in tasks
            ]
        }

    return {
        "ping_task_add": ping_task_add,
        "ping_task_remove": ping_task_remove,
        "ping_task_list": ping_task_list,
    }


def _text(request: Request, name: str, most: int) -> str:
    """ValueError for what is too long."""
    text = str(request.get(name) or "")
    if len(text) > most:
        raise ValueError(f"{name} has at most {most} characters")
    return text
