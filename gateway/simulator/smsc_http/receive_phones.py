"""receive_phones.php: numbers of one's own for incoming messages, rented by the calendar month."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from gateway.simulator.smsc_http import fields
from gateway.simulator.smsc_http.model import ApiProblem, Handler, SimAccount
from gateway.simulator.smsc_http.moments import local

_NO_MONEY = 3
_CENT = Decimal("0.01")


@dataclass(slots=True, eq=False)
class Offer:
    """A number that can be rented; type 1 and 4 virtual, 2 a SIM hosting's."""

    phone: str
    type: int
    cost: Decimal
    info: str
    paid_for: date | None = None
    """First day of the month that is paid; None: nobody rents it."""
    prolongs: bool = True


class ReceivePhones:
    """The service's numbers, rented or not. A new month is settled when the next request comes."""

    def __init__(self, account: SimAccount) -> None:
        self._account = account
        self._offers = {
            offer.phone: offer
            for offer in (
                Offer("79990000101", 1, Decimal("300.00"), "virtual number: SMS and calls"),
                Offer("79990000102", 2, Decimal("150.00"), "SIM hosting: SMS"),
                Offer("79990000103", 4, Decimal("2500.00"), "virtual number: SMS"),
            )
        }

    def handlers(self) -> dict[str, Handler]:
        """By the names of the operations."""
        return {"rcv_get": self._get, "rcv_buy": self._buy, "rcv_chg": self._change}

    def _get(self, params: dict[str, str], now: float) -> object:
        self._settle(now)
        return [
            {
                "phone": offer.phone,
                "type": offer.type,
                "cost": fields.cents(offer.cost),
                "current_cost": fields.cents(self._rest_of_month(offer, now)),
                "info": offer.info,
            }
            for offer in self._offers.values()
            if offer.paid_for is None
        ]

    def _buy(self, params: dict[str, str], now: float) -> object:
        offer = self._offers.get(fields.phone(fields.text(params, "phone")))
        prolongs = not fields.flag(params, "noprolong")
        self._settle(now)
        if offer is None or offer.paid_for is not None:
            raise fields.bad()
        cost = self._rest_of_month(offer, now)
        if not self._account.can_pay(cost):
            raise ApiProblem(_NO_MONEY)
        self._account.balance -= cost
        offer.paid_for, offer.prolongs = self._month(now), prolongs
        return {"cost": fields.cents(cost)}

    def _change(self, params: dict[str, str], now: float) -> object:
        offer = self._offers.get(fields.phone(fields.text(params, "phone")))
        if not params.get("noprolong"):
            raise fields.bad()
        stops = fields.flag(params, "noprolong")
        self._settle(now)
        if offer is None or offer.paid_for is None:
            raise fields.bad()
        offer.prolongs = not stops
        return {"result": "OK"}

    def _month(self, now: float) -> date:
        return local(now, self._account.tz).date().replace(day=1)

    def _rest_of_month(self, offer: Offer, now: float) -> Decimal:
        today = local(now, self._account.tz).date()
        days = calendar.monthrange(today.year, today.month)[1]
        return (offer.cost * (days - today.day + 1) / days).quantize(_CENT)

    def _settle(self, now: float) -> None:
        """Pay what goes on in a new month (one month, however many went by), end what does not."""
        month = self._month(now)
        for offer in self._offers.values():
            if offer.paid_for is None or offer.paid_for >= month:
                continue
            if offer.prolongs and self._account.can_pay(offer.cost):
                self._account.balance -= offer.cost
                offer.paid_for = month
            else:
                offer.paid_for, offer.prolongs = None, True
