"""Which sub-client a request is about (users.php, documents.php)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.core.accounts import Account
from gateway.front.desk import BAD_PARAMETERS, ApiProblem, Desk
from gateway.front.sub_clients import SubClient

if TYPE_CHECKING:
    from gateway.sub_accounts import SubAccounts

NO_USER = 6
_is_id = re.compile("[0-9]{1,10}", re.ASCII).fullmatch


def sub_accounts_of(desk: Desk, account: Account) -> SubAccounts:
    """The sub-clients, for an account that may have some; ApiProblem 1 with a text for others."""
    http = account.config.http
    if desk.sub_accounts is None or http is None or not http.sub_accounts:
        raise ApiProblem(BAD_PARAMETERS, "this account may have no sub-clients (http.sub_accounts)")
    return desk.sub_accounts


def wanted(desk: Desk, account: Account, params: Mapping[str, str]) -> SubClient:
    """The sub-client of `user` or `user_id`; ApiProblem 1 without them, 6 if the account has no such."""
    known = sub_accounts_of(desk, account)
    login, number = params.get("user", ""), params.get("user_id", "")
    if not login and not _is_id(number):
        raise ApiProblem(BAD_PARAMETERS)
    for user in known.of(account.name):
        if user.name == login if login else user.record_id == int(number):
            return user
    raise ApiProblem(NO_USER)
