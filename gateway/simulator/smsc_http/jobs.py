"""jobs.php: mailing lists, which are sent when their time comes, repeatedly, and once more as SMS where a
messenger failed.
"""

from __future__ import annotations

import calendar
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from gateway.simulator.smsc_http import fields
from gateway.simulator.smsc_http.kinds import kind_of
from gateway.simulator.smsc_http.model import ApiProblem, Handler, Outbox, Params, SentMessage, SimAccount
from gateway.simulator.smsc_http.moments import local, period, written
from gateway.simulator.smsc_http.schedule import Schedule
from gateway.simulator.smsc_http.settings import FINAL
from gateway.simulator.smsc_http.shelf import Shelf
from protocols.smsc_http.sending import SendingError, parse_list, split_phones
from protocols.smsc_http.statuses import DELIVERED_STATUSES
from protocols.smsc_http.times import parse_valid

MAX_JOBS = 200
MAX_SIZE = 500_000
"""Characters of a list's recipients and texts."""
MAX_SENDINGS = 100
"""Sendings of one list whose messages are counted."""
LISTED_WITHOUT_DATES = 10
LISTED_DAYS = 62
FALLBACK_FIRST_S = 5.0
FALLBACK_LAST_S = 86_400.0

WAITS, SENT, CANCELLED, FAILED = 0, 1, 2, 3
"""What `status` of a list is here; the service's own values are not documented."""
MANUAL, HOURLY, DAILY, WORKING_DAYS, WEEKENDS, WEEKLY, MONTHLY, YEARLY = range(8)

_BAD_DATE = 5
_NOT_SAVED = 3
_SATURDAY = 5
_SENDING = (
    *(
        "phones",
        "mes",
        "list",
        "nl",
        "sender",
        "translit",
        "tinyurl",
        "period",
        "freq",
        "flash",
        "bin",
        "push",
    ),
    *("hlr", "ping", "mms", "mail", "soc", "viber", "whatsapp", "bot", "smsreq", "fileurl", "call", "voice"),
    *("param", "subj", "valid"),
)
"""Parameters that are those of send.php."""


@dataclass(slots=True, eq=False)
class Job:
    """One mailing list; `params` are what send.php gets."""

    id: int
    name: str
    params: dict[str, str]
    created: float
    changed: float
    due: float | None
    repeat: int
    repetitions: int
    cost: str
    fallback: dict[str, str] | None
    """`mes` and `sender` of the SMS after a message that failed; None: no such SMS."""
    status: int = WAITS
    last_sent: float | None = None
    sendings: int = 0
    ids: deque[int | str] = field(default_factory=lambda: deque(maxlen=MAX_SENDINGS))

    @property
    def is_mail(self) -> bool:
        """A list of e-mail addresses is only found by requests with `mail=1`."""
        return self.params.get("mail") == "1"


class Jobs:
    """All mailing lists of the account."""

    def __init__(self, account: SimAccount, outbox: Outbox, template: Callable[[int], str | None]) -> None:
        """`template` gives the text of a template by its id."""
        self._account = account
        self._outbox = outbox
        self._template = template
        self._jobs: Shelf[Job] = Shelf(MAX_JOBS)

    def handlers(self) -> dict[str, Handler]:
        """By the names of the operations."""
        return {
            "job_add": self._add,
            "job_del": self._delete,
            "job_cancel": self._cancel,
            "job_get": self._get,
            "job_list": self._list,
        }

    def _add(self, params: dict[str, str], now: float) -> object:
        name, wants_cost = fields.text(params, "name"), fields.flag(params, "cost")
        repeat = fields.optional_integer(params, "rpt", MANUAL, YEARLY) or MANUAL
        repetitions = fields.optional_integer(params, "rptn", 0, 10**6) or 0
        fallback = None
        if fields.flag(params, "fl[5]"):
            pairs = (("mes", "mes2"), ("sender", "sender2"))
            fallback = {key: fields.text(params, given) for key, given in pairs if params.get(given)}
        sending = {key: params[key] for key in _SENDING if params.get(key)}
        sending.update(self._text_of_template(params))
        if sum(map(len, sending.values())) > MAX_SIZE:
            raise fields.bad()
        kind_of(sending)
        fields.optional_integer(params, "freq", 0, 1440)
        start = Schedule(params, self._account.tz, now).start("")
        due = start if start > now else None
        cost = self._cost(sending, now)
        job = self._jobs.add(
            lambda id: Job(id, name, sending, now, now, due, repeat, repetitions, cost, fallback)
        )
        if due is None:
            self._send(job, now)
        else:
            self._outbox.schedule(due, lambda at: self._send(job, at))
        return {"id": job.id, **({"cost": cost} if wants_cost else {})}

    def _text_of_template(self, params: Params) -> dict[str, str]:
        id = fields.optional_integer(params, "tpl", 1, 2**31 - 1)
        if id is None:
            return {}
        if params.get("mes"):
            raise fields.bad()
        text = self._template(id)
        if text is None:
            raise ApiProblem(_NOT_SAVED)
        return {"mes": text}

    def _cost(self, sending: Params, now: float) -> str:
        """What one sending costs; raises ApiProblem if the request cannot be sent at all."""
        try:
            answer = self._outbox.send({**sending, "cost": "1"}, now)
        except ApiProblem as problem:
            number = problem.number if problem.number in (fields.BAD_PARAMETERS, _BAD_DATE) else _NOT_SAVED
            raise ApiProblem(number) from None
        return str(answer["cost"])

    def _send(self, job: Job, now: float) -> None:
        if job.status != WAITS or self._jobs.get(job.id) is not job:
            return  # cancelled or deleted meanwhile
        job.last_sent = now
        job.sendings += 1
        try:
            id = cast("int | str", self._outbox.send(job.params, now)["id"])
        except ApiProblem as problem:
            if problem.id is None:
                job.status = FAILED
                return
            id = problem.id
        job.ids.append(id)
        if job.fallback is not None:
            self._watch(job, id, frozenset(), now, FALLBACK_FIRST_S)
        if job.repeat == MANUAL or (job.repetitions and job.sendings > job.repetitions):
            job.status = SENT
            return
        job.due = next_time(job.repeat, job.due or now, self._account.tz)
        self._outbox.schedule(job.due, lambda at: self._send(job, at))

    def _watch(self, job: Job, id: int | str, done: frozenset[int], since: float, wait_s: float) -> None:
        """Look at a sending's messages after a time, and after twice that, until a day went by."""

        def look(now: float) -> None:
            messages = [message for message in self._messages(job, {id}) if message.int_id not in done]
            ended = {message.int_id: message for message in messages if message.status in FINAL}
            for message in ended.values():
                if message.status not in DELIVERED_STATUSES:
                    self._send_instead(job, message, now)
            if len(ended) < len(messages) and now - since < FALLBACK_LAST_S:
                self._watch(job, id, done | ended.keys(), since, wait_s * 2)

        self._outbox.schedule(since + wait_s, look)

    def _send_instead(self, job: Job, message: SentMessage, now: float) -> None:
        try:
            sent = self._outbox.send(
                {"phones": message.phone, "mes": message.text, **(job.fallback or {})}, now
            )
        except ApiProblem:
            return  # that was the last way
        job.ids.append(cast("int | str", sent["id"]))

    def _delete(self, params: dict[str, str], now: float) -> object:
        self._jobs.remove(self._find(params).id)
        return {"result": "OK"}

    def _cancel(self, params: dict[str, str], now: float) -> object:
        job = self._find(params)
        if job.status != WAITS:
            raise ApiProblem(_NOT_SAVED)
        job.status, job.changed, job.due = CANCELLED, now, None
        return {"result": "OK"}

    def _get(self, params: dict[str, str], now: float) -> object:
        job = self._find(params)
        valid = job.params.get("valid", "")
        record = {
            **self._beginning(job),
            "subject": job.params.get("subj", ""),
            "repeat_send": job.repeat,
            "repeat_cnt": job.repetitions,
            "created": written(job.created, self._account.tz),
            "validity": parse_valid(valid) if valid else 0,
            "period": job.params.get("period", ""),
            "frequency": int(job.params.get("freq") or 0),
        }
        return [{name: record[name] for name in _order(_GET, job)}]

    def _list(self, params: dict[str, str], now: float) -> object:
        is_mail = fields.flag(params, "mail")
        jobs = (job for job in self._jobs.newest() if job.is_mail is is_mail)
        if params.get("start") or params.get("end"):
            start, end = period(params, now, self._account.tz)
            chosen = [job for job in jobs if start <= job.created < end]
        else:
            recent = now - LISTED_DAYS * 86_400
            chosen = [job for job in jobs if job.created >= recent][:LISTED_WITHOUT_DATES]
        return [
            {name: record[name] for name in _order(_GET_ALL, job)}
            for job in chosen
            for record in (self._beginning(job),)
        ]

    def _beginning(self, job: Job) -> dict[str, object]:
        """What both kinds of answers have."""
        tz = self._account.tz
        recipients = _recipients(job.params)
        statuses = [message.status for message in self._messages(job, set(job.ids))]
        return {
            "id": job.id,
            "name": job.name,
            "changed": written(job.changed, tz),
            "need_date": written(job.due, tz) if job.due is not None else "",
            "last_sent": written(job.last_sent, tz) if job.last_sent is not None else "",
            "emails" if job.is_mail else "phones": ",".join(recipients),
            "message": job.params.get("list") or job.params.get("mes", ""),
            "phones_cnt": len(recipients),
            "cost": job.cost,
            "status": job.status,
            "sender_id": job.params.get("sender", ""),
            "format": kind_of(job.params).type,
            "sms_sent": len(statuses),
            "sms_ok": sum(status in DELIVERED_STATUSES for status in statuses),
        }

    def _messages(self, job: Job, ids: set[int | str]) -> Iterator[SentMessage]:
        return (
            message
            for message in self._outbox.messages
            if message.id in ids and message.sent_at >= job.created
        )

    def _find(self, params: Params) -> Job:
        """The list with this id, if it is of the sort that the request is for."""
        job = self._jobs.get(fields.integer(params, "id", 1, 2**31 - 1))
        if job is None or job.is_mail is not fields.flag(params, "mail"):
            raise ApiProblem(_NOT_SAVED)
        return job


_GET = (
    *("id", "name", "subject", "repeat_send", "repeat_cnt", "created", "changed", "need_date", "last_sent"),
    *(
        "phones",
        "message",
        "format",
        "validity",
        "period",
        "frequency",
        "status",
        "cost",
        "sms_sent",
        "sms_ok",
    ),
    "sender_id",
)
_GET_ALL = (
    *("id", "name", "changed", "need_date", "last_sent", "phones", "message", "phones_cnt", "cost", "status"),
    *("sender_id", "format", "sms_sent", "sms_ok"),
)


def _order(names: tuple[str, ...], job: Job) -> Iterator[str]:
    return ("emails" if name == "phones" and job.is_mail else name for name in names)


def _recipients(params: Params) -> list[str]:
    if not params.get("list"):
        return list(split_phones(params.get("phones", "")))
    try:
        lines = parse_list(params["list"], params.get("nl") == "1")
    except SendingError:
        return []
    return [phone for line in lines for phone in line.phones]


def next_time(repeat: int, due: float, tz: int) -> float:
    """When a list that was due then is due again, by the clock of the zone."""
    at = local(due, tz)
    if repeat == HOURLY:
        return due + 3600
    if repeat in (MONTHLY, YEARLY):
        months = at.month - 1 + (1 if repeat == MONTHLY else 12)
        year, month = at.year + months // 12, months % 12 + 1
        day = min(at.day, calendar.monthrange(year, month)[1])
        return at.replace(year=year, month=month, day=day).timestamp()
    days = 7 if repeat == WEEKLY else 1
    at += timedelta(days=days)
    if repeat in (WORKING_DAYS, WEEKENDS):
        while (at.weekday() >= _SATURDAY) is not (repeat == WEEKENDS):
            at += timedelta(days=1)
    return at.timestamp()
