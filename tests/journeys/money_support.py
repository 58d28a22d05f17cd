"""Money for the journeys: a gateway with price lists, and what its balances are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from journey_support import HOST, Gateway, account, config, connector
from mail_journey_support import DOMAIN

from gateway.admin import all_handlers
from gateway.config.mail_model import Mail, SmtpListener
from gateway.config.model import Account, Address, Config, Price, PriceList
from gateway.core.prices import amount_text

PRICES = (
    PriceList(name="retail", currency="EUR", prices=(Price(prefix="7", price=0.05),)),
    PriceList(name="cheap", currency="EUR", prices=(Price(prefix="7", price=0.02),)),
)


def payer(system_id: str = "app", **fields: Any) -> Account:
    return account(system_id, **{"balance": "own", "prices": "retail", **fields})


def money_config(port: int, *accounts: Account, **fields: Any) -> Config:
    return replace(config(connector(port), accounts=list(accounts), **fields), price_lists=PRICES)


def with_mail(configured: Config) -> Config:
    """The same with a socket for mail."""
    listeners = replace(configured.listeners, smtp=(SmtpListener(address=Address(HOST, 0)),))
    return replace(configured, listeners=listeners, mail=Mail(domains=[DOMAIN]))


async def ask(gateway: Gateway, command: str, **arguments: Any) -> dict[str, Any]:
    """What the command line would get."""
    answer = await all_handlers(gateway.daemon)[command](arguments)  # type: ignore[misc]
    assert isinstance(answer, dict)
    return answer


async def credit(gateway: Gateway, amount: str, name: str = "app") -> None:
    answer = await ask(gateway, "account_credit", account=name, amount=amount, who="root", note="test")
    assert "error" not in answer, answer


def balance(gateway: Gateway, name: str = "app") -> str:
    """In memory; it has to be the one in the store."""
    return amount_text(gateway.daemon.submission.ledger.purse(name).balance)
