"""jobs.php: mailing lists, which are sent at once or when their time comes (SMSC HTTP API §2.2).

What sends them is in job_runs. A list of e-mail addresses is only found by requests with mail=1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from gateway.core.hours import zone_of
from gateway.core.model import MessageState
from gateway.front import fields
from gateway.front.desk import (
    BAD_DATE,
    BAD_PARAMETERS,
    TOO_OFTEN,
    ApiProblem,
    Asked,
    Desk,
    Handler,
    Value,
    committed,
    record_of,
)
from gateway.front.job_records import KIND, Job, Repeat, Status, job_in
from gateway.front.job_runs import keep, remember, say_sent, send_now
from gateway.front.job_texts import written
from gateway.front.keeping import HIGHEST, MAX_TEXT, OK, full, in_turn, optional_text, text
from gateway.front.planning import lines_of
from gateway.front.schedule import schedule_of
from gateway.front.sending import Sending
from gateway.front.templates import text_of
from gateway.translate.api_submit import SubmitError, kind_of
from protocols.smsc_http.sending import ListLine
from protocols.smsc_http.times import parse_valid

JOBS_MAX: Final = 200
"""Of an account."""
SIZE_MAX: Final = 500_000
"""Characters of a list's recipients and texts."""
ALL_SIZES_MAX: Final = 20_000_000
"""Characters of all lists of an account."""
LISTED_WITHOUT_DATES: Final = 10
LISTED_DAYS: Final = 62
_LINE: Final = 50
"""Characters of which there are one or two recipients."""
_NOT_SAVED: Final = 3
_SENDING: Final = frozenset(
    (
        *("phones", "mes", "list", "nl", "sender", "translit", "tinyurl", "period", "freq", "flash", "bin"),
        *("push", "hlr", "ping", "mms", "mail", "soc", "viber", "whatsapp", "bot", "smsreq", "fileurl"),
        *("call", "voice", "param", "subj", "valid"),
    )
)
"""Parameters that are those of send.php."""


def handlers(desk: Desk) -> dict[str, Handler]:
    """By the names of the operations."""
    jobs = _Jobs(desk)
    return {
        "job_add": in_turn(desk, jobs.add),
        "job_del": in_turn(desk, jobs.delete),
        "job_cancel": in_turn(desk, jobs.cancel),
        "job_get": jobs.get,
        "job_list": jobs.list,
    }


class _Jobs:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # -- made, ended ---------------------------------------------------------------------------------------

    async def add(self, asked: Asked) -> Value:
        """A new one; without a time to come it is sent in the batch that it is kept with."""
        desk, params, account = self._desk, asked.params, asked.account
        name, wants_cost = text(params, "name"), fields.flag(params, "cost")
        repeat = fields.integer(params, "rpt", Repeat.MANUAL, Repeat.YEARLY) or 0
        repetitions = fields.integer(params, "rptn", 0, 10**6) or 0
        fallback = _fallback(params)
        sending = await self._sending(asked)
        now_ms = desk.clock.now_ms()
        due_ms = schedule_of(params, account.config.time_zone, now_ms).due_ms("")
        lines, cost = await self._lines_and_cost(asked, sending)
        job = Job(
            number=desk.records.next_id(KIND),
            name=name,
            is_mail=int(sending.get("mail") == "1"),
            params=sending,
            address=asked.address,
            created_ms=now_ms,
            changed_ms=now_ms,
            first_ms=due_ms or now_ms,
            due_ms=due_ms,
            repeat=repeat,
            repetitions=repetitions,
            cost=cost,
            fallback=fallback,
        )
        in_the_way = await self._in_the_way(account.name)
        # from here to the commit nothing is awaited: it is one batch
        is_due = due_ms <= now_ms
        if is_due:
            job = job._replace(due_ms=0)
            job = send_now(desk, account, job, lines, now_ms)
        for number in in_the_way:
            desk.records.drop(KIND, account.name, number)
        keep(desk, account.name, job)
        await committed(desk.journal)
        remember(desk, account.name, job)
        if is_due:
            say_sent(desk, account.name, job, now_ms)
        return {"id": job.number, **({"cost": cost} if wants_cost else {})}

    async def _sending(self, asked: Asked) -> dict[str, str]:
        """What send.php would get."""
        params = asked.params
        sending = {name: params[name] for name in params if name in _SENDING and params[name]}
        template = fields.integer(params, "tpl", 1, HIGHEST)
        if template is not None:
            if params.get("mes"):
                raise ApiProblem(BAD_PARAMETERS, "a list has a template or a text (mes), not both")
            found = await text_of(self._desk, asked.account.name, template)
            if found is None:
                raise ApiProblem(_NOT_SAVED, "there is no such template")
            sending["mes"] = found
        if sum(map(len, sending.values())) > SIZE_MAX:
            raise ApiProblem(BAD_PARAMETERS, f"a list has at most {SIZE_MAX} characters")
        return sending

    async def _in_the_way(self, account: str) -> list[int]:
        """Which lists go for a new one: where there are as many as there may be, the oldest that nothing is
        to be done of any more. ApiProblem if there is no room."""
        [row] = await self._desk.rows("jobs_size", (account,))
        if row["size"] > ALL_SIZES_MAX:
            raise full(f"lists of {ALL_SIZES_MAX} characters")
        if row["count"] < JOBS_MAX:
            return []
        over = await self._desk.rows("jobs_over", (account, row["count"] + 1 - JOBS_MAX))
        if not over:
            raise full(f"{JOBS_MAX} lists that wait")
        return [one["record_id"] for one in over]

    async def _lines_and_cost(
        self, asked: Asked, sending: Mapping[str, str]
    ) -> tuple[Sequence[ListLine] | None, str]:
        """Whom it goes to now with which texts (None: nobody has anything to read), and what one sending
        costs; ApiProblem if it cannot be sent at all."""
        asked = asked._replace(operation="cost", params=sending)
        sends = Sending(self._desk)
        try:
            lines = await sends.lines(asked)
            own = await written(self._desk, asked.account, lines, kind_of(sending))
            answer = await sends.cost_of(asked, own or lines)
        except SubmitError as error:
            raise ApiProblem(BAD_PARAMETERS, str(error)) from None
        except ApiProblem as problem:
            known = problem.number in (BAD_PARAMETERS, BAD_DATE, TOO_OFTEN)
            raise ApiProblem(problem.number if known else _NOT_SAVED, problem.text) from None
        assert isinstance(answer, Mapping)
        return own or None, str(answer["cost"])

    async def delete(self, asked: Asked) -> Value:
        """It is no more; what it has sent stays."""
        job = await self._find(asked)
        self._desk.records.drop(KIND, asked.account.name, job.number)
        await committed(self._desk.journal)
        self._desk.due_jobs.pop((asked.account.name, job.number), None)
        return OK

    async def cancel(self, asked: Asked) -> Value:
        """One that waits is not sent any more."""
        job = await self._find(asked)
        if job.status != Status.WAITS:
            raise ApiProblem(_NOT_SAVED, "the list does not wait")
        now_ms = self._desk.clock.now_ms()
        job = job._replace(status=int(Status.CANCELLED), changed_ms=now_ms, due_ms=0)
        keep(self._desk, asked.account.name, job)
        await committed(self._desk.journal)
        remember(self._desk, asked.account.name, job)
        return OK

    # -- shown ---------------------------------------------------------------------------------------------

    async def get(self, asked: Asked) -> Value:
        """All of one list."""
        job = await self._find(asked)
        valid = job.params.get("valid", "")
        record = {
            **await self._shown(asked, job),
            "subject": job.params.get("subj", ""),
            "repeat_send": job.repeat,
            "repeat_cnt": job.repetitions,
            "created": self._written(asked, job.created_ms),
            "validity": parse_valid(valid) if valid else 0,
            "period": job.params.get("period", ""),
            "frequency": int(job.params.get("freq") or 0),
        }
        return [{name: record[name] for name in _order(_GET, job)}]

    async def list(self, asked: Asked) -> Value:
        """Those of some days, the newest first; without days the last ten of two months."""
        desk, params, account = self._desk, asked.params, asked.account.name
        is_mail, now_ms = int(fields.flag(params, "mail")), desk.clock.now_ms()
        if params.get("start") or params.get("end"):
            days = fields.period(asked, now_ms, 3660)
            bounds = (days.begins_ms, days.ends_ms, JOBS_MAX)
        else:
            bounds = (now_ms - LISTED_DAYS * 86_400_000, now_ms + 1, LISTED_WITHOUT_DATES)
        rows = await desk.rows("jobs_made", (account, is_mail, *bounds))
        large = sum(len(row["data"]) for row in rows) // _LINE
        jobs = await fields.made(lambda: [job_in(record_of(row)) for row in rows], large)
        shown = []
        for job in jobs:
            record = await self._shown(asked, job)
            shown.append({name: record[name] for name in _order(_GET_ALL, job)})
        return shown

    async def _shown(self, asked: Asked, job: Job) -> dict[str, Any]:
        """What both kinds of answers have."""
        large = max(len(job.params.get(name, "")) for name in ("phones", "list")) // _LINE
        recipients = await fields.made(lambda: _recipients(job.params), large)
        runs = json.dumps([(run.first, run.last) for run in job.runs])
        of_account = (asked.account.name, runs, int(MessageState.DELIVERED))
        [row] = await self._desk.rows("job_delivered", of_account) if job.runs else [{"count": 0}]
        return {
            "id": job.number,
            "name": job.name,
            "changed": self._written(asked, job.changed_ms),
            "need_date": self._written(asked, job.due_ms),
            "last_sent": self._written(asked, job.last_ms),
            "emails" if job.is_mail else "phones": ",".join(recipients),
            "message": job.params.get("list") or job.params.get("mes", ""),
            "phones_cnt": len(recipients),
            "cost": job.cost,
            "status": job.status,
            "sender_id": job.params.get("sender", ""),
            "format": _format(job.params),
            "sms_sent": sum(run.messages for run in job.runs),
            "sms_ok": row["count"],
        }

    def _written(self, asked: Asked, at_ms: int) -> str:
        return fields.written(at_ms, zone_of(asked.account.config.time_zone)) if at_ms else ""

    async def _find(self, asked: Asked) -> Job:
        """The list with this id, if it is of the sort that the request is for."""
        number = fields.integer(asked.params, "id", 1, HIGHEST)
        if number is None:
            raise fields.bad()
        is_mail = fields.flag(asked.params, "mail")
        found = await self._desk.records.get(KIND, asked.account.name, number)
        job = job_in(found) if found is not None else None
        if job is None or bool(job.is_mail) is not is_mail:
            raise ApiProblem(_NOT_SAVED)
        return job


_GET: Final = (
    *("id", "name", "subject", "repeat_send", "repeat_cnt", "created", "changed", "need_date", "last_sent"),
    *("phones", "message", "format", "validity", "period", "frequency", "status", "cost", "sms_sent"),
    *("sms_ok", "sender_id"),
)
_GET_ALL: Final = (
    *("id", "name", "changed", "need_date", "last_sent", "phones", "message", "phones_cnt", "cost"),
    *("status", "sender_id", "format", "sms_sent", "sms_ok"),
)


def _order(names: tuple[str, ...], job: Job) -> Iterator[str]:
    return ("emails" if name == "phones" and job.is_mail else name for name in names)


def _fallback(params: Mapping[str, str]) -> dict[str, str] | None:
    """`mes` and `sender` of the SMS that follow what fails; None: none do."""
    if not fields.flag(params, "fl[5]"):
        return None
    pairs = (("mes", "mes2", MAX_TEXT), ("sender", "sender2", 100))
    return {key: optional_text(params, given, most) for key, given, most in pairs if params.get(given)}


def _recipients(params: Mapping[str, str]) -> list[str]:
    return [phone for line in lines_of(params) for phone in line.phones]


def _format(params: Mapping[str, str]) -> int:
    try:
        return kind_of(params).type
    except SubmitError:
        return 0
