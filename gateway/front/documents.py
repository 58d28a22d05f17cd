"""documents.php: invoices for sub-clients, and acts of what they are for (SMSC HTTP API, documents.php).

An invoice is what it was when it was made, whatever becomes of its client's settings. Numbers are given one
after the other over all accounts, and none is left out: one that could not be stored is given again.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from gateway.core.hours import zone_of
from gateway.core.prices import amount_text, parse_amount
from gateway.front.desk import (
    BAD_PARAMETERS,
    ApiProblem,
    Asked,
    Desk,
    Handler,
    Octets,
    Record,
    Value,
    committed,
    name_of_ids,
)
from gateway.front.wanted_users import wanted
from protocols.smsc_http.times import format_date

KIND = "invoice"
"""Of the records."""
SUM_MAX = 1_000_000
"""A greater invoice is not made."""
SERVICE = "Услуги связи"
"""What an invoice is for that names nothing."""
TEXT_MAX = 1000
NOT_MADE, NOT_FOUND = 5, 7
"""Error numbers of this script, SMSC HTTP API §1.6."""
PDF = "application/pdf"

_is_number = re.compile("[0-9]{1,10}", re.ASCII).fullmatch
_is_act = re.compile("(?:A-)?([0-9]{1,10})", re.ASCII).fullmatch


class Invoice(NamedTuple):
    """What a sub-client is to pay; its fields are the data of its record."""

    number: int
    date: str
    """dd.mm.yyyy, in the zone of the account that made it."""
    seller: str
    buyer: str
    service: str
    amount: str
    currency: str


def handlers(desk: Desk) -> dict[str, Handler]:
    """By the names of the operations."""
    turn = asyncio.Lock()

    async def add_account(asked: Asked) -> Value:
        """Two parts: number and sum as JSON, then the PDF."""
        user = wanted(desk, asked.account, asked.params)
        amount, service = _sum(asked.params), asked.params.get("service", "").strip()
        if len(service) > TEXT_MAX:
            raise ApiProblem(BAD_PARAMETERS)
        invoice = Invoice(
            0,
            _today(desk, asked),
            _seller(desk, NOT_MADE),
            _buyer(user.name, user.settings),
            service or SERVICE,
            amount_text(amount),
            _currency(desk, user.name),
        )
        # goes on when the client leaves: the next one must not get a number that is about to be stored
        made = await asyncio.shield(
            asyncio.ensure_future(_store(desk, turn, asked.account.name, user.name, invoice))
        )
        return _both(made)

    async def get_account(asked: Asked) -> Value:
        return Octets(PDF, _invoice_pdf(await _found(desk, asked, asked.params.get("id", ""))))

    async def get_act(asked: Asked) -> Value:
        number, num = asked.params.get("id", ""), _is_act(asked.params.get("num", ""))
        if not number and num is None:
            raise ApiProblem(BAD_PARAMETERS)
        return Octets(PDF, _act_pdf(await _found(desk, asked, number or (num[1] if num else ""))))

    return {"doc_add_account": add_account, "doc_get_account": get_account, "doc_get_act": get_act}


# -- what it says -----------------------------------------------------------------------------------


def _sum(params: Mapping[str, str]) -> int:
    try:
        amount = parse_amount(params.get("sum", ""))
    except ValueError as error:
        raise ApiProblem(BAD_PARAMETERS, f"sum: {error}") from None
    if amount <= 0:
        raise ApiProblem(BAD_PARAMETERS)
    if amount > parse_amount(str(SUM_MAX)):
        raise ApiProblem(NOT_MADE, f"an invoice is of {SUM_MAX} at most")
    return amount


def _seller(desk: Desk, error: int) -> str:
    """ApiProblem with a text where nobody makes invoices out."""
    if not desk.config.http.seller:
        raise ApiProblem(error, "no invoices are made here (http.seller)")
    return desk.config.http.seller


def _currency(desk: Desk, name: str) -> str:
    plan = desk.submission.ledger.plans.get(name)
    if plan is None:
        raise ApiProblem(NOT_MADE, "this sub-client pays nothing: its parent has no prices")
    return plan.prices.currency


def _today(desk: Desk, asked: Asked) -> str:
    zone = zone_of(asked.account.config.time_zone)
    return format_date(datetime.fromtimestamp(desk.now_s(), zone).date())


def _buyer(name: str, settings: Mapping[str, str]) -> str:
    """Who pays: the name of the person or company, and what else is known of them."""
    known = (settings.get(option, "").strip() for option in ("fio", "props", "cntr"))
    return ", ".join(text for text in known if text) or name


# -- kept -------------------------------------------------------------------------------------------


async def _store(desk: Desk, turn: asyncio.Lock, account: str, user: str, invoice: Invoice) -> Invoice:
    async with turn:
        numbered = invoice._replace(number=await _next_number(desk))
        desk.records.put(KIND, account, Record(numbered.number, user, numbered._asdict()))
        await committed(desk.journal)
        return numbered


async def _next_number(desk: Desk) -> int:
    """Invoices are numbered without gaps: other nodes take no block of them, but one at a time too."""
    if desk.shared_id is None:
        [row] = await desk.rows("newest_invoice")
        return int(row["number"]) + 1
    name = name_of_ids(KIND)
    desk.journal.batch.id_blocks.append((name, 1))
    answer = await committed(desk.journal)
    return int(next(first for given, first, _ in answer.id_blocks if given == name))


async def _found(desk: Desk, asked: Asked, number: str) -> Invoice:
    """An invoice of the sub-client that is meant."""
    if not _is_number(number):
        raise ApiProblem(BAD_PARAMETERS)
    user = wanted(desk, asked.account, asked.params)
    record = await desk.records.get(KIND, asked.account.name, int(number))
    if record is None or record.name != user.name:
        _seller(desk, NOT_FOUND)
        raise ApiProblem(NOT_FOUND)
    data: dict[str, Any] = record.data
    return Invoice(**data)


# -- written ----------------------------------------------------------------------------------------


def _both(invoice: Invoice) -> Octets:
    about = json.dumps({"id": invoice.number, "sum": invoice.amount}, indent=0).encode()
    shown = _invoice_pdf(invoice)
    boundary = f"smsc-{blake2b(shown, digest_size=16).hexdigest()}"
    name = f'attachment; filename="account_{invoice.number}.pdf"'
    body = b"".join(
        (
            _part(boundary, about, "application/json; charset=utf-8"),
            _part(boundary, shown, PDF, f"Content-Disposition: {name}\r\n"),
            f"--{boundary}--\r\n".encode(),
        )
    )
    return Octets(f'multipart/mixed; boundary="{boundary}"', body)


def _part(boundary: str, octets: bytes, content_type: str, more: str = "") -> bytes:
    head = f"--{boundary}\r\nContent-Type: {content_type}\r\nContent-Length: {len(octets)}\r\n{more}\r\n"
    return head.encode() + octets + b"\r\n"


def _invoice_pdf(invoice: Invoice) -> bytes:
    return _pdf(invoice, f"Счёт на оплату № {invoice.number} от {invoice.date}", "Плательщик")


def _act_pdf(invoice: Invoice) -> bytes:
    return _pdf(invoice, f"Акт № A-{invoice.number} от {invoice.date}", "Заказчик")


def _pdf(invoice: Invoice, title: str, buyer: str) -> bytes:
    from gateway.front.pdf import Line, pdf_of  # only who asks for one pays for the font

    total = f"{invoice.amount} {invoice.currency}"
    lines = (
        *map(Line, filter(None, invoice.seller.splitlines())),
        Line(),
        Line(title, size=16, ruled=True),
        Line(),
        Line(f"{buyer}: {invoice.buyer}"),
        Line(ruled=True),
        Line("Наименование", "Сумма", ruled=True),
        Line(invoice.service, total, ruled=True),
        Line("Итого", total, size=12),
    )
    return pdf_of(title, lines)
