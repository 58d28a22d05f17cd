"""users.php: sub-clients, their balances and their statistics."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from gateway.simulator.smsc_http import fields
from gateway.simulator.smsc_http.model import ApiProblem, Handler, Params, SimAccount
from gateway.simulator.smsc_http.moments import period
from gateway.simulator.smsc_http.shelf import Shelf

MAX_USERS = 1_000
MAX_ENTRIES = 1_000
"""Movements of money that are remembered of one sub-client."""

_NO_RECORDS = 3
_FAILED = 5
_NO_USER = 6
_SHARED_BALANCE = 7
_NOT_SAVED = 8
_NO_MONEY = 10

_OWN_BALANCE = (0, 1)
"""Types of sub-clients with a balance of their own."""
_CURRENCIES = {1: "RUR", 2: "USD", 3: "EUR", 4: "UAH", 5: "KZT"}

_is_login = re.compile("[A-Za-z0-9_.@-]{1,50}", re.ASCII).fullmatch
_is_hours = re.compile("([0-9]{1,2})-([0-9]{1,2})", re.ASCII).fullmatch
_is_flag_name = re.compile(r"fl[23]?\[[0-9]{1,2}\]|mfl\[[0-6]\]", re.ASCII).fullmatch

_NUMBERS = {
    "type": (0, 4),
    "tariff": (0, 8),
    "curr": (1, 5),
    "tz": (0, 24),
    "site_id": (0, 2**31 - 1),
    "ktm": (0, 3660),
    "dlim": (0, 10**9),
    "plim": (0, 10**9),
    "tlim": (0, 10**9),
    "ilim": (0, 10**9),
    "vld": (0, 10**6),
    "mh1": (0, 24),
    "mh2": (0, 24),
    "mlen": (0, 1000),
}
_TEXTS = (
    *("fio", "props", "cntr", "mintrf", "fmts", "notes", "ph", "answ", "answ_call", "mph", "url"),
    *("sender", "sender2", "phone", "phone2"),
)
_ADDRESSES = ("email", "email2")


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that went to a sub-client, or back (below zero)."""

    at: float
    amount: Decimal
    is_electronic: bool


@dataclass(slots=True, eq=False)
class User:
    """A sub-client. `settings` holds what was given, by the names of the parameters."""

    id: int
    login: str
    password: str
    settings: dict[str, str] = field(default_factory=dict)
    balance: Decimal = Decimal(0)
    electronic: Decimal = Decimal(0)
    movements: deque[Movement] = field(default_factory=lambda: deque(maxlen=MAX_ENTRIES))

    @property
    def type(self) -> int:
        """0 own tariff and balance … 4 another login of the main account."""
        return int(self.settings.get("type") or 0)

    @property
    def currency(self) -> str:
        """Three letters."""
        return _CURRENCIES[int(self.settings.get("curr") or 1)]


class Users:
    """All sub-clients of the account."""

    def __init__(self, account: SimAccount) -> None:
        self._account = account
        self._users: Shelf[User] = Shelf(MAX_USERS)
        self._electronic = Decimal("100.00")  # the account's second balance

    def handlers(self) -> dict[str, Handler]:
        """By the names of the operations."""
        return {
            "user_add": self._add,
            "user_chg": self._change,
            "user_pay": self._pay,
            "user_stat": self._stat,
            "user_stat_all": self._stat_all,
        }

    def find(self, login_or_id: str) -> User | None:
        """A sub-client by either."""
        for user in self._users:
            if login_or_id in (user.login, str(user.id)):
                return user
        return None

    def wanted(self, params: Params) -> User:
        """The one of `user` or `user_id`; error 1 without them, 6 if there is none."""
        login, id = params.get("user", ""), fields.optional_integer(params, "user_id", 1, 2**31 - 1)
        if not login and id is None:
            raise fields.bad()
        for user in self._users:
            if user.login == login if login else user.id == id:
                return user
        raise ApiProblem(_NO_USER)

    def _add(self, params: dict[str, str], now: float) -> object:
        login = _login(params, "user")
        password = _password(params)
        settings = _settings(params)
        if self._is_taken(login) or len(self._users) >= MAX_USERS:
            raise ApiProblem(_NOT_SAVED)
        return {"id": self._users.add(lambda id: User(id, login, password, settings)).id}

    def _change(self, params: dict[str, str], now: float) -> object:
        settings = _settings(params)
        login = _login(params, "new_login") if params.get("new_login") else ""
        password = _password(params) if params.get("password") else ""
        user = self.wanted(params)
        if not settings and not login and not password:
            raise fields.bad()
        if params.get("pswc") not in (None, user.password):
            raise ApiProblem(_FAILED)
        if login and login != user.login and self._is_taken(login):
            raise ApiProblem(_NOT_SAVED)
        user.login = login or user.login
        user.password = password or user.password
        user.settings.update(settings)
        return {"result": "OK"}

    def _pay(self, params: dict[str, str], now: float) -> object:
        amount, is_electronic = fields.money(params, "sum"), fields.flag(params, "balance2")
        if not amount:
            raise fields.bad()
        user = self.wanted(params)
        if user.type not in _OWN_BALANCE:
            raise ApiProblem(_SHARED_BALANCE)
        if is_electronic:
            self._move_electronic(user, amount)
        else:
            self._move(user, amount)
        user.movements.append(Movement(now, amount, is_electronic))
        return {"result": "OK"}

    def _move(self, user: User, amount: Decimal) -> None:
        if amount > 0 and not self._account.can_pay(amount):
            raise ApiProblem(_NO_MONEY)
        if user.balance + amount < 0:
            # What lies on the electronic balance cannot be taken back without saying so.
            raise ApiProblem(_SHARED_BALANCE if user.electronic + amount >= 0 else _FAILED)
        self._account.balance -= amount
        user.balance += amount

    def _move_electronic(self, user: User, amount: Decimal) -> None:
        if self._electronic < amount:
            raise ApiProblem(_NO_MONEY)
        if user.electronic + amount < 0:
            raise ApiProblem(_FAILED)
        self._electronic -= amount
        user.electronic += amount

    def _stat(self, params: dict[str, str], now: float) -> object:
        start, end = period(params, now, self._account.tz)
        is_electronic, mine = fields.flag(params, "balance2"), fields.flag(params, "mycur")
        fields.flag(params, "hide_deleted")
        if params.get("user") or params.get("user_id"):
            chosen = [self.wanted(params)]
        else:
            own_balance = fields.flag(params, "reseller")
            chosen = [user for user in self._users if (user.type in _OWN_BALANCE) is own_balance]
        if not chosen:
            raise ApiProblem(_NO_RECORDS)

        def counts(movement: Movement) -> bool:
            return start <= movement.at < end and movement.is_electronic is is_electronic

        return [
            {
                "login": user.login,
                **_sums(user, counts),
                "currency": self._account.currency if mine else user.currency,
            }
            for user in chosen
        ]

    def _stat_all(self, params: dict[str, str], now: float) -> object:
        start, end = period(params, now, self._account.tz)
        fields.flag(params, "reseller")
        chosen = [user for user in self._users if user.type in _OWN_BALANCE]
        if not chosen:
            raise ApiProblem(_NO_RECORDS)

        def counts(movement: Movement) -> bool:
            return start <= movement.at < end

        def item(user: User) -> dict[str, object]:
            place = {"description": "SMS", "operator": "", "mccmnc": ""}
            return {**place, **_sums(user, counts), "currency": user.currency}

        return [{"login": user.login, "items": [item(user)]} for user in chosen]

    def _is_taken(self, login: str) -> bool:
        return login == self._account.login or any(user.login == login for user in self._users)


def _sums(user: User, counts: Callable[[Movement], bool]) -> dict[str, str]:
    """sms, credit (what came in) and debit (what went back) of the movements that count.

    Sub-clients do not send: the simulation lets only the account itself in.
    """
    amounts = [movement.amount for movement in user.movements if counts(movement)]
    return {
        "sms": "0",
        "credit": fields.cents(sum((a for a in amounts if a > 0), Decimal(0))),
        "debit": fields.cents(-sum((a for a in amounts if a < 0), Decimal(0))),
    }


def _login(params: Params, name: str) -> str:
    login = fields.text(params, name)
    if not _is_login(login):
        raise fields.bad()
    return login


def _password(params: Params) -> str:
    """A password of 8 characters or more, with three of: small letters, capitals, digits, signs."""
    password = fields.text(params, "password", 100)
    kinds = (
        any(sign.islower() for sign in password),
        any(sign.isupper() for sign in password),
        any(sign.isdigit() for sign in password),
        any(not sign.isalnum() for sign in password),
    )
    if len(password) < 8 or sum(kinds) < 3:
        raise fields.bad()
    return password


def _settings(params: Params) -> dict[str, str]:
    """The settings among the parameters, checked."""
    found = {}
    for name, value in params.items():
        if name in _NUMBERS:
            fields.optional_integer(params, name, *_NUMBERS[name])
        elif name in _TEXTS:
            fields.optional_text(params, name)
        elif name in _ADDRESSES:
            if value:
                fields.mail(value)
        elif name == "nb":
            if value:
                fields.money(params, name)
        elif name == "tmlim":
            _check_hours(value)
        elif _is_flag_name(name):
            fields.flag(params, name)
        else:
            continue
        found[name] = value
    return found


def _check_hours(value: str) -> None:
    hours = _is_hours(value)
    if value and (hours is None or not 0 <= int(hours[1]) < int(hours[2]) <= 24):
        raise fields.bad()
