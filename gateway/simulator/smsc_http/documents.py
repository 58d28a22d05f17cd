"""documents.php: invoices and acts of sub-clients, as PDF."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal

from gateway.simulator.smsc_http import fields
from gateway.simulator.smsc_http.model import ApiProblem, Handler, SimAccount
from gateway.simulator.smsc_http.moments import written
from gateway.simulator.smsc_http.pdf import page_of
from gateway.simulator.smsc_http.shelf import Shelf
from gateway.simulator.smsc_http.users import User, Users

MAX_INVOICES = 10_000
MAX_SUM = Decimal(1_000_000)
"""A greater invoice is not made (error 5)."""
BOUNDARY = "smsc-document"

_NOT_CREATED = 5
_NOT_FOUND = 7


@dataclass(frozen=True, slots=True)
class Invoice:
    """What a sub-client is to pay. The simulation makes its act with it: same id, and the number `num`."""

    id: int
    user: User
    sum: Decimal
    service: str
    created: float

    @property
    def num(self) -> str:
        """The act's number."""
        return f"A-{self.id}"


class Documents:
    """The invoices of all sub-clients."""

    def __init__(self, account: SimAccount, users: Users) -> None:
        self._account = account
        self._users = users
        self._invoices: Shelf[Invoice] = Shelf(MAX_INVOICES, first=101)

    def handlers(self) -> dict[str, Handler]:
        """By the names of the operations."""
        return {
            "doc_add_account": self._add_account,
            "doc_get_account": self._get_account,
            "doc_get_act": self._get_act,
        }

    def _add_account(self, params: dict[str, str], now: float) -> object:
        """Two parts: id and sum as JSON, then the PDF."""
        amount, service = fields.money(params, "sum"), fields.optional_text(params, "service")
        if amount <= 0:
            raise fields.bad()
        user = self._users.wanted(params)
        if amount > MAX_SUM:
            raise ApiProblem(_NOT_CREATED)
        title = service or "Communication services"
        invoice = self._invoices.add(lambda id: Invoice(id, user, amount, title, now))
        about = json.dumps({"id": invoice.id, "sum": fields.cents(invoice.sum)}, indent=0)
        parts = (
            ("application/json; charset=utf-8", "", about.encode()),
            ("application/pdf", f"account_{invoice.id}.pdf", self._invoice_pdf(invoice)),
        )
        return _multipart(parts), f'multipart/mixed; boundary="{BOUNDARY}"'

    def _get_account(self, params: dict[str, str], now: float) -> object:
        id = fields.integer(params, "id", 1, 2**31 - 1)
        user, invoice = self._users.wanted(params), self._invoices.get(id)
        if invoice is None or invoice.user is not user:
            raise ApiProblem(_NOT_FOUND)
        return self._invoice_pdf(invoice), "application/pdf"

    def _get_act(self, params: dict[str, str], now: float) -> object:
        id, num = fields.optional_integer(params, "id", 1, 2**31 - 1), params.get("num", "")
        if id is None and not num:
            raise fields.bad()
        user = self._users.wanted(params)
        for invoice in self._invoices:
            if invoice.user is user and (invoice.num == num if id is None else invoice.id == id):
                return self._act_pdf(invoice), "application/pdf"
        raise ApiProblem(_NOT_FOUND)

    def _invoice_pdf(self, invoice: Invoice) -> bytes:
        return page_of(f"Invoice {invoice.id}", self._lines(invoice))

    def _act_pdf(self, invoice: Invoice) -> bytes:
        return page_of(f"Act {invoice.num}", self._lines(invoice))

    def _lines(self, invoice: Invoice) -> list[str]:
        return [
            f"Date: {written(invoice.created, self._account.tz)}",
            f"Supplier: {self._account.login}",
            f"Client: {invoice.user.settings.get('fio') or invoice.user.login}",
            f"Service: {invoice.service}",
            f"Sum: {fields.cents(invoice.sum)} {invoice.user.currency}",
        ]


def _multipart(parts: tuple[tuple[str, str, bytes], ...]) -> bytes:
    """Parts of (content type, file name or nothing, octets)."""
    body = b""
    for content_type, name, octets in parts:
        head = f"--{BOUNDARY}\r\nContent-Type: {content_type}\r\nContent-Length: {len(octets)}\r\n"
        if name:
            head += f'Content-Disposition: attachment; filename="{name}"\r\n'
        body += head.encode() + b"\r\n" + octets + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()
