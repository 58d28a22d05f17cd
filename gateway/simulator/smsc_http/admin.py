"""/simulator/…: what no real service has, for tests that read the ledger, set faults and play subscribers.

Requests and answers are JSON objects.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qsl

from gateway.simulator.smsc_http.faults import Fault, parse_fault, parse_faults
from gateway.simulator.smsc_http.model import SentMessage
from gateway.simulator.smsc_http.recipients import canonical_any
from gateway.simulator.smsc_http.service import HttpCall, Reply, SmscService

PREFIX = "/simulator/"
_MAX_LISTED = 10_000
_OWN_NUMBER = "79990000201"

Fields = Mapping[str, object]


class Admin:
    """The pages under PREFIX."""

    def __init__(self, service: SmscService) -> None:
        self._service = service
        self._pages: dict[tuple[str, str], Callable[[Fields, float], object]] = {
            ("GET", "messages"): self._messages,
            ("GET", "ledger"): self._ledger,
            ("GET", "incoming"): self._incoming,
            ("GET", "counters"): self._counters,
            ("POST", "incoming"): self._receive,
            ("POST", "waitcall"): self._confirm,
            ("POST", "status"): self._set_status,
            ("POST", "faults"): self._set_faults,
            ("POST", "account"): self._set_account,
        }

    def handle(self, call: HttpCall, now: float) -> Reply:
        """The reply to a request under PREFIX."""
        page = self._pages.get((call.method, call.path.removeprefix(PREFIX).strip("/")))
        if page is None:
            known = ", ".join(f"{method} {PREFIX}{name}" for method, name in self._pages)
            return _json(404, {"error": f"there are only {known}"})
        try:
            fields = json.loads(call.body or b"{}") if call.method == "POST" else dict(parse_qsl(call.query))
            if not isinstance(fields, dict):
                raise ValueError("the body is no JSON object")
            return _json(200, page(fields, now))
        except (ValueError, TypeError, KeyError) as error:
            said = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            return _json(400, {"error": said})

    def _messages(self, fields: Fields, now: float) -> object:
        """Messages after the int_id `after`, oldest first, at most `limit`; of one `id`, of one `phone`."""
        after, limit = int(str(fields.get("after", 0))), int(str(fields.get("limit", _MAX_LISTED)))
        wanted = {name: str(fields[name]) for name in ("id", "phone") if name in fields}
        store = self._service.store
        found: list[SentMessage] = []
        for message in reversed(store.messages):
            if message.int_id <= after:
                break
            if all(str(getattr(message, name)) == value for name, value in wanted.items()):
                found.append(message)
        page = found[: -limit - 1 : -1]
        return {
            "accepted": store.accepted,
            "messages": [self._listed(message) for message in page],
            "left": len(found) - len(page),
        }

    def _listed(self, message: SentMessage) -> dict[str, object]:
        store = self._service.store
        return {
            "int_id": message.int_id,
            "id": message.id,
            "phone": message.phone,
            "text": message.text,
            "sender": message.sender,
            "type": message.type,
            "status": message.status,
            "err": message.err,
            "parts": message.parts,
            "comment": message.comment,
            "cost": str(message.cost),
            "at": message.sent_at,
            "extra": message.extra or {},
            "times_id_phone": store.by_id[str(message.id), message.phone],
            "times_text": store.by_text[message.text],
        }

    def _ledger(self, fields: Fields, now: float) -> object:
        """How many were accepted, and which (id, phone) and which texts more than once."""
        store = self._service.store
        return {
            "accepted": store.accepted,
            "distinct_id_phone": len(store.by_id) + store.by_id.forgotten,
            "distinct_texts": len(store.by_text) + store.by_text.forgotten,
            "forgotten": store.by_id.forgotten + store.by_text.forgotten,
            "repeated_id_phone": [
                {"id": id, "phone": phone, "times": times}
                for (id, phone), times in store.by_id.repeated()[:_MAX_LISTED]
            ],
            "repeated_texts": [
                {"text": text, "times": times} for text, times in store.by_text.repeated()[:_MAX_LISTED]
            ],
        }

    def _incoming(self, fields: Fields, now: float) -> object:
        return {"messages": [asdict(message) for message in self._service.store.incoming]}

    def _counters(self, fields: Fields, now: float) -> object:
        """What was asked, what was answered with an error or spoiled by a fault, and the handler's calls."""
        service = self._service
        return {
            **service.counters(),
            "requests_by_operation": dict(service.requests),
            "errors_by_number": {str(number): count for number, count in service.errors.items()},
            "errors_by_script": {
                f"{name} {number}": n for (name, number), n in service.errors_by_script.items()
            },
            "spoiled_answers": {f"{name}.{fault}": n for (name, fault), n in service.spoiled.items()},
            "balance": str(service.account.balance),
        }

    def _receive(self, fields: Fields, now: float) -> object:
        """A subscriber (`phone`) sends `text` (to `to`, in answer to `sms_id`)."""
        sms_id = fields.get("sms_id")
        message = self._service.life.receive(
            str(fields["phone"]),
            str(fields.get("to", _OWN_NUMBER)),
            str(fields["text"]),
            now,
            sms_id if isinstance(sms_id, int) or sms_id is None else str(sms_id),
        )
        return {"id": message.id}

    def _confirm(self, fields: Fields, now: float) -> object:
        """A subscriber (`phone`) calls the number `to`."""
        to = str(fields.get("to", _OWN_NUMBER))
        return {"id": self._service.life.confirm(str(fields["phone"]), to, now).id}

    def _set_status(self, fields: Fields, now: float) -> object:
        """Give the message (`id`, `phone`) another `status` and `err`, and tell the handler."""
        phone = canonical_any(str(fields["phone"]))
        message = self._service.store.find(str(fields["id"]), phone)
        if message is None:
            raise ValueError("there is no such message")
        message.status, message.err = int(str(fields["status"])), int(str(fields.get("err", 0)))
        message.changed_at = now
        self._service.callbacks.status(message)
        return {"result": "OK"}

    def _set_faults(self, fields: Fields, now: float) -> object:
        """`rules`, as in settings, replace the present ones; `next` has a list of faults by script."""
        coming = fields.get("next", {})
        if not isinstance(coming, dict):
            raise ValueError("next is no object of lists by script")
        chosen = {script: [_fault(name) for name in names] for script, names in coming.items()}
        if "rules" in fields:
            self._service.faults.replace(parse_faults(str(fields["rules"])))
        for script, faults in chosen.items():
            self._service.faults.next(script, faults)
        return {"result": "OK"}

    def _set_account(self, fields: Fields, now: float) -> object:
        """Set `balance`, `credit`, `handler` (URL), `virtual` (true or false), `tz`."""
        account = self._service.account
        try:
            amounts = {name: Decimal(str(fields[name])) for name in ("balance", "credit") if name in fields}
        except InvalidOperation:
            raise ValueError("balance and credit are amounts as 100.00") from None
        account.balance = amounts.get("balance", account.balance)
        account.credit = amounts.get("credit", account.credit)
        account.handler_url = str(fields.get("handler", account.handler_url))
        account.virtual = bool(fields.get("virtual", account.virtual))
        account.tz = int(str(fields.get("tz", account.tz)))
        return {"result": "OK"}


def _fault(name: object) -> Fault | None:
    return None if name is None else parse_fault(str(name))


def _json(status: int, value: object) -> Reply:
    body = json.dumps(value, ensure_ascii=False, default=str).encode()
    return Reply(status, "application/json; charset=utf-8", body)
