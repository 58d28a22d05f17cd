"""Names that accounts have added to send with, and a person's word on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.admin.commits import CANNOT_WRITE
from gateway.ops.control import Handler, Reply, Request

if TYPE_CHECKING:
    from gateway.daemon import Daemon

NO_HTTP = {"error": "nothing of HTTP is configured, so nobody can have added a name (listeners.http)"}
_WORDS = {0: "waits", 1: "allowed", 2: "refused"}


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of sender names."""

    async def sender_list(request: Request) -> Reply:
        desk = daemon.http.desk
        if desk is None:
            return NO_HTTP
        from gateway.front.sender_records import KIND, name_in, state_of

        wanted = str(request.get("account") or "")
        rows = [
            {
                "account": account,
                "name": record.name,
                "state": _WORDS[state_of(name_in(record), daemon.accounts.get(account))],
                "comment": record.data["comment"],
                "documents": len(record.data["files"]),
            }
            for account, record in await desk.records.of_kind(KIND)
            if wanted in ("", account)
        ]
        return {"rows": rows}

    async def sender_decide(request: Request) -> Reply:
        desk = daemon.http.desk
        if desk is None:
            return NO_HTTP
        from gateway.front.desk import Unavailable
        from gateway.front.keeping import turn_of
        from gateway.front.sender_records import decide

        account, name = str(request["account"]), str(request["name"])
        allowed = bool(request["allowed"])
        try:
            async with turn_of(desk, account):
                known = await decide(desk, account, name, allowed=allowed)
        except Unavailable:
            return CANNOT_WRITE
        if not known:
            return {"error": f"account {account!r} has added no sender {name!r}: smsc-gateway sender list"}
        daemon.events.say("info", "sender_decided", account=account, sender=name, allowed=allowed)
        return {"account": account, "name": name, "state": _WORDS[1 if allowed else 2]}

    return {"sender_list": sender_list, "sender_decide": sender_decide}
