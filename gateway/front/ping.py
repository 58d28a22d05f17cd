"""ping.php: an event is told to the contacts of a task group (SMSC HTTP API §2.11).

Task groups are records of the kind "ping_task"; an admin makes them: `smsc-gateway ping-task`.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from gateway.core.accounts import Account
from gateway.front import fields
from gateway.front.desk import (
    BAD_PARAMETERS,
    NOT_FOUND,
    ApiProblem,
    Asked,
    Desk,
    Handler,
    Record,
    Value,
    committed,
)
from gateway.front.job_texts import of_its_kind, plain
from gateway.front.keeping import HIGHEST, MAX_TEXT, OK, optional_text
from gateway.front.sending import Sending
from gateway.translate.api_submit import source_of
from protocols.smsc_http.errors import WITH_ID
from protocols.smsc_http.recipients import canonical_number, is_number
from protocols.smsc_http.sending import group_number

KIND: Final = "ping_task"
"""Of the records."""
TASKS_MAX: Final = 1000
"""Of an account."""
RECIPIENTS_MAX: Final = 100
"""Numbers and groups of a task."""
FAILURE: Final = "{NAME} {HOST} does not answer. {INFO}"
RECOVERY: Final = "{NAME} {HOST} answers again. {INFO}"
"""Texts of a task that has no others."""
_macros = re.compile(r"\{(NAME|HOST|INFO)\}")


class PingTask(NamedTuple):
    """Whom to tell of an event, and the texts with their macros."""

    number: int
    name: str
    to: str
    """Numbers and groups (G and their sending numbers), with commas between them."""
    failure: str = FAILURE
    recovery: str = RECOVERY
    sender: str = ""

    @property
    def record(self) -> Record:
        """As it is kept."""
        return Record(self.number, self.name, dict(zip(self._fields[2:], self[2:], strict=True)))


def task_in(record: Record) -> PingTask:
    """What a record says."""
    return PingTask(record.record_id, record.name, **record.data)


def handlers(desk: Desk) -> dict[str, Handler]:
    """By the name of the operation."""
    sending = Sending(desk)

    async def ping(asked: Asked) -> Value:
        """Tells the event; OK when the messages are taken, or registered as not sent."""
        params = asked.params
        number = fields.integer(params, "id", 1, HIGHEST)
        if number is None:
            raise ApiProblem(BAD_PARAMETERS)
        recovered = fields.flag(params, "ok")
        values = {name: optional_text(params, name.lower()) for name in ("NAME", "HOST", "INFO")}
        record = await desk.records.get(KIND, asked.account.name, number)
        if record is None:
            raise ApiProblem(NOT_FOUND)
        task = task_in(record)
        template = task.recovery if recovered else task.failure
        said = _macros.sub(lambda found: plain(values[found[1]]), template).strip()
        text = of_its_kind(said, template)[:MAX_TEXT]
        message = {"phones": task.to, "mes": text, **({"sender": task.sender} if task.sender else {})}
        try:
            await sending.send(asked._replace(operation="send", params=message, files=()))
        except ApiProblem as problem:
            if problem.number not in WITH_ID:
                raise
        return OK

    return {"ping": ping}


# -- what an admin does ------------------------------------------------------------------------------------


def checked(to: str) -> str:
    """Recipients as they are kept; ValueError with what is wrong with them."""
    items = [item for item in re.split(r"[,;\s]+", to) if item]
    if not 0 < len(items) <= RECIPIENTS_MAX:
        raise ValueError(f"a task has 1 to {RECIPIENTS_MAX} recipients")
    return ",".join(dict.fromkeys(map(_recipient, items)))


def _recipient(item: str) -> str:
    group = group_number(item)
    if group is not None:
        return f"G{int(group)}"
    digits = canonical_number(item)
    if not is_number(digits):
        raise ValueError(f"{item!r} is neither an international number nor a group (G and its number)")
    return f"+{digits}"


def check_sender(account: Account, sender: str) -> None:
    """ValueError for a sender ("": the account's) that the account cannot use: nobody would ever be told."""
    source = source_of(sender)
    if source is None:
        raise ValueError(f"{sender!r} is no sender: 11 characters of Latin letters at most, or 15 digits")
    used = source[2] or account.config.default_source
    if account.sources and used not in account.sources:
        said = repr(used) if used else "no sender"
        raise ValueError(f"account {account.name!r} may not send with {said}: see its allowed_sources")


async def add(desk: Desk, account: str, task: PingTask) -> PingTask:
    """A new one, with an id; ValueError when there are too many."""
    [row] = await desk.rows("count_records", (account, KIND))
    if row["count"] >= TASKS_MAX:
        raise ValueError(f"account {account!r} has {TASKS_MAX} tasks already")
    task = task._replace(number=desk.records.next_id(KIND))
    desk.records.put(KIND, account, task.record)
    await committed(desk.journal)
    return task


async def remove(desk: Desk, account: str, number: int) -> bool:
    """It is no more; False: the account has no such."""
    if await desk.records.get(KIND, account, number) is None:
        return False
    desk.records.drop(KIND, account, number)
    await committed(desk.journal)
    return True
