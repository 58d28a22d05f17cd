"""users.php: sub-clients, their money and what they have sent (SMSC HTTP API, users.php).

They are accounts that are parts of the one that asks, which needs http.sub_accounts.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from gateway.core import passwords
from gateway.core.accounts import Account
from gateway.core.prices import amount_text, parse_amount
from gateway.front.desk import (
    BAD_PARAMETERS,
    ApiProblem,
    Asked,
    Desk,
    Handler,
    Record,
    Unavailable,
    Value,
    committed,
)
from gateway.front.payments import move
from gateway.front.sub_clients import KIND, SubClient
from gateway.front.user_settings import OWN_BALANCE, read_settings
from gateway.front.user_statistics import Statistics
from gateway.front.wanted_users import sub_accounts_of, wanted

if TYPE_CHECKING:
    from gateway.sub_accounts import SubAccounts

USERS_MAX = 1_000
"""Sub-clients of one account."""
PASSWORD_MIN, PASSWORD_MAX = 8, 100
FAILED, SHARED_BALANCE, NOT_SAVED, NO_MONEY = 5, 7, 8, 10
"""Error numbers of this script, SMSC HTTP API §1.6."""

_is_login = re.compile("[A-Za-z0-9_.@-]{1,15}", re.ASCII).fullmatch


def handlers(desk: Desk) -> dict[str, Handler]:
    """By the names of the operations."""
    users, told = _Users(desk), Statistics(desk)
    return {
        "user_add": users.add,
        "user_chg": users.change,
        "user_pay": users.pay,
        "user_stat": told.some,
        "user_stat_all": told.all,
    }


class _Users:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._hashing = asyncio.Lock()
        """One password at a time: each takes a tenth of a second of one core, and 32 MiB."""

    # -- made and changed ------------------------------------------------------------------------------

    async def add(self, asked: Asked) -> Value:
        """A new one, which may log in when this is answered."""
        known = sub_accounts_of(self._desk, asked.account)
        login = asked.params.get("user", "")
        if not _is_login(login):
            raise ApiProblem(BAD_PARAMETERS, "a login has 1 to 15 Latin letters, digits and _ . @ -")
        password, settings = _password(asked.params), read_settings(asked.params)
        await self._check_new(known, asked.account, login)
        hashed = await self._hash(password)

        async def make() -> SubClient:
            async with known.turn:
                await self._check_new(known, asked.account, login)
                if self._desk.shared_id is not None:
                    await self._reserve(login)
                number = self._desk.records.next_id(KIND)
                return await self._put(known, SubClient(number, login, asked.account.name, hashed, settings))

        return {"id": (await _to_its_end(make())).record_id}

    async def _reserve(self, login: str) -> None:
        """Other nodes hear of a new account a moment later: until then nobody there may get its name."""
        journal, now_ms = self._desk.journal, self._desk.clock.now_ms()
        place = len(journal.batch.request_keys)
        journal.batch.request_keys.append(("", f"user {login.casefold()}", b"user", now_ms, b"", ()))
        answer = await committed(journal)
        if any(row[0] == place for row in answer.keys_known):
            raise ApiProblem(NOT_SAVED)

    async def _check_new(self, known: SubAccounts, account: Account, login: str) -> None:
        if len(known.of(account.name)) >= USERS_MAX:
            raise ApiProblem(NOT_SAVED, f"there are {USERS_MAX} sub-clients already")
        names = {name.casefold() for name in self._desk.accounts}
        if login.casefold() in names or known.is_known(login):
            raise ApiProblem(NOT_SAVED)
        # what an account that is gone has left must not become somebody else's
        if (await self._desk.rows("account_traces", (login,)))[0]["found"]:
            raise ApiProblem(NOT_SAVED)

    async def change(self, asked: Asked) -> Value:
        """Other settings, another password; the login stays, for all that is stored is stored under it."""
        params = asked.params
        known = sub_accounts_of(self._desk, asked.account)
        settings = read_settings(params)
        password = _password(params) if params.get("password") else ""
        user = wanted(self._desk, asked.account, params)
        if params.get("new_login", user.name) not in ("", user.name):
            raise ApiProblem(NOT_SAVED, "a login cannot be changed here: make another sub-client")
        if not settings and not password:
            raise ApiProblem(BAD_PARAMETERS)
        if params.get("pswc") and not await self._is_password(params["pswc"], user.password_hash):
            raise ApiProblem(FAILED)
        hashed = await self._hash(password) if password else ""

        async def change() -> SubClient:
            async with known.turn:
                now = wanted(self._desk, asked.account, params)  # another request may have changed it
                changed = now._replace(
                    settings={**now.settings, **settings}, password_hash=hashed or now.password_hash
                )
                self._check_money(now, changed)
                return await self._put(known, changed)

        await _to_its_end(change())
        return {"result": "OK"}

    def _check_money(self, now: SubClient, changed: SubClient) -> None:
        """Nobody could reach what is left of a balance that is no longer used."""
        if now.type in OWN_BALANCE and changed.type not in OWN_BALANCE:
            left = self._desk.submission.ledger.purse(now.name).balance
            if left:
                raise ApiProblem(NOT_SAVED, f"its balance is {amount_text(left)}: make it 0 first (pay)")

    async def _put(self, known: SubAccounts, user: SubClient) -> SubClient:
        self._desk.records.put(KIND, user.parent, Record(user.record_id, user.name, user.data))
        await committed(self._desk.journal)
        if not await known.put(user):
            raise Unavailable
        return user

    async def _hash(self, password: str) -> str:
        async with self._hashing:
            return await asyncio.to_thread(passwords.hash_password, password)

    async def _is_password(self, password: str, hashed: str) -> bool:
        async with self._hashing:
            return await asyncio.to_thread(passwords.verify, password, hashed)

    # -- money -----------------------------------------------------------------------------------------

    async def pay(self, asked: Asked) -> Value:
        """Money goes to the sub-client, or comes back (below 0)."""
        desk, parent = self._desk, asked.account
        try:
            amount = parse_amount(asked.params.get("sum", ""))
        except ValueError as error:
            raise ApiProblem(BAD_PARAMETERS, f"sum: {error}") from None
        if not amount:
            raise ApiProblem(BAD_PARAMETERS)
        async with sub_accounts_of(desk, parent).turn:  # its type stays what it is until the money is there
            return await self._move(asked, wanted(desk, parent, asked.params), amount)

    async def _move(self, asked: Asked, user: SubClient, amount: int) -> Value:
        desk, parent = self._desk, asked.account
        if parent.config.balance != "own" or desk.accounts[user.name].config.balance != "own":
            raise ApiProblem(SHARED_BALANCE)
        if asked.params.get("balance2", "0") not in ("", "0"):
            raise ApiProblem(FAILED, "there is no second balance here")
        ledger = desk.submission.ledger
        mine, its = ledger.purse(parent.name), ledger.purse(user.name)
        if amount > 0:
            if mine.left < amount:
                raise ApiProblem(NO_MONEY)
            is_there = await move(desk, parent.name, user.name, amount, parent.name, floor=-mine.credit)
            if not is_there:
                raise ApiProblem(NO_MONEY)
        else:
            if its.balance < -amount:
                raise ApiProblem(FAILED, f"it has {amount_text(its.balance)}")
            if not await move(desk, user.name, parent.name, -amount, parent.name):
                raise ApiProblem(FAILED, f"it has {amount_text(its.balance)}")
        return {"result": "OK"}


async def _to_its_end(making: Coroutine[Any, Any, SubClient]) -> SubClient:
    """Goes on when the client leaves: what is stored has to become an account too."""
    return await asyncio.shield(asyncio.ensure_future(making))


def _password(params: Mapping[str, str]) -> str:
    """A password of 8 characters or more, with three of: small letters, capitals, digits, signs."""
    password = params.get("password", "")
    kinds = (
        any(sign.islower() for sign in password),
        any(sign.isupper() for sign in password),
        any(sign.isdigit() for sign in password),
        any(not sign.isalnum() for sign in password),
    )
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX or sum(kinds) < 3:
        text = f"a password has {PASSWORD_MIN} characters or more, of three kinds"
        raise ApiProblem(BAD_PARAMETERS, text)
    return password
