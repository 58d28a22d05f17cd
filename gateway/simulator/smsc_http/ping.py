"""ping.php: an event is told to the contacts of a task group."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from gateway.simulator.smsc_http import fields
from gateway.simulator.smsc_http.model import ApiProblem, Handler, Outbox

_NOT_FOUND = 3
_macros = re.compile(r"\{(NAME|HOST|INFO)\}")


@dataclass(frozen=True, slots=True)
class TaskGroup:
    """Whom to tell, and the texts with their macros."""

    id: int
    phones: Sequence[str]
    failure: str = "{NAME} {HOST} does not answer. {INFO}"
    recovery: str = "{NAME} {HOST} answers again. {INFO}"


DEFAULT_GROUPS = (TaskGroup(1, ("79990000001",)),)
"""Groups are set up on pages of the account; the simulation has this one."""


class Ping:
    """The account's task groups."""

    def __init__(self, outbox: Outbox, groups: Sequence[TaskGroup] = DEFAULT_GROUPS) -> None:
        self._outbox = outbox
        self._groups = {group.id: group for group in groups}

    def handlers(self) -> dict[str, Handler]:
        """By the name of the operation."""
        return {"ping": self._notify}

    def _notify(self, params: dict[str, str], now: float) -> object:
        id = fields.integer(params, "id", 1, 2**31 - 1)
        recovered = fields.flag(params, "ok")
        values = {name: fields.optional_text(params, name.lower()) for name in ("NAME", "HOST", "INFO")}
        group = self._groups.get(id)
        if group is None:
            raise ApiProblem(_NOT_FOUND)
        template = group.recovery if recovered else group.failure
        text = _macros.sub(lambda found: values[found[1]], template).strip()[: fields.MAX_TEXT]
        with suppress(ApiProblem):  # the event took place, whatever becomes of the messages about it
            self._outbox.send({"phones": ",".join(group.phones), "mes": text}, now)
        return {"result": "OK"}
