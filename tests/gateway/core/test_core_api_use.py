"""How an account hears of things follows from its configuration."""

from __future__ import annotations

import pytest
from gateway_fakes import account_config

from gateway.config.model import AccountHttp
from gateway.core.api import ApiUse, use_of

URL = "https://example.org/sms"


@pytest.mark.parametrize(
    ("http", "use"),
    [
        (None, 0),
        (AccountHttp(), ApiUse.INBOX),
        (AccountHttp(relay="centre"), ApiUse.INBOX),
        (AccountHttp(handler=URL), ApiUse.INBOX | ApiUse.HANDLER | ApiUse.NO_SESSIONS),
        (AccountHttp(webhook=URL), ApiUse.INBOX | ApiUse.WEBHOOK | ApiUse.NO_SESSIONS),
        (AccountHttp(handler=URL, webhook=URL), 15),
    ],
)
def test_use_of_an_account(http: AccountHttp | None, use: int) -> None:
    found = use_of(account_config(http=http))
    assert found == use
    assert type(found) is int  # it crosses to the store's process
