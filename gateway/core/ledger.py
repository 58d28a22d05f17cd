"""Who pays for a message, and whether there is money for it.

While the gateway runs a balance is what is said here: the loop is one, so between the look and the charge
nothing else happens, however many sessions send.  The store writes the same changes in the transaction that
accepts a message, or ends it; what is not stored comes back here.

Where several nodes share the store it decides instead (Batch.conditions), and each of its answers says what
is left (`store_has`): what is said here is then the first filter, which is right but for what others spend
within the second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gateway.config.account_model import Account as AccountConfig
from gateway.core.errors import Refusal
from gateway.core.events import Events
from gateway.core.prices import PriceTable, amount_text, millionths

REFUNDS = {"never": 0, "unsent": 1, "undelivered": 2}
"""As the store keeps them (Batch.charges)."""


class Purse:
    """The money of one account, which pays for itself and for accounts that have no own balance."""

    __slots__ = ("balance", "credit", "currency", "name", "told_empty", "told_low")

    def __init__(self, name: str, balance: int = 0) -> None:
        self.name = name
        self.balance = balance
        """Millionths; below zero it uses its credit."""
        self.credit = 0
        self.currency = ""
        self.told_low = self.told_empty = False  # since somebody put money in

    @property
    def left(self) -> int:
        """What can still be spent, with its credit."""
        return self.balance + self.credit


class Plan(NamedTuple):
    """How an account pays."""

    purse: Purse
    prices: PriceTable
    refund: int


class Charge(NamedTuple):
    """What was taken for one message."""

    purse: Purse
    amount: int
    refund: int

    def take_back(self) -> None:
        """The message is not taken after all."""
        self.purse.balance += self.amount


class Ledger:
    """The balances of all accounts."""

    def __init__(self, events: Events, balances: Iterable[tuple[str, int]] = ()) -> None:
        self.purses = {name: Purse(name, amount) for name, amount in balances}
        """By account; those of accounts that are no longer configured stay, for the day when they are."""
        self.plans: dict[str, Plan] = {}
        """By account; who has none pays nothing."""
        self.shared = False
        """Whether the store's answers say what is left, because other nodes change it too."""
        self._events = events
        self._uncommitted: dict[int, Charge] = {}

    def configure(self, accounts: Iterable[AccountConfig], tables: Mapping[str, PriceTable]) -> None:
        """Takes over a checked configuration; balances stay, and a new account's is 0."""
        by_name = {account.system_id: account for account in accounts}
        for name, account in by_name.items():
            if account.balance == "own":
                purse = self.purses.setdefault(name, Purse(name))
                purse.credit = millionths(account.credit)
                purse.currency = tables[account.prices].currency
        self.plans = {
            name: Plan(self.purses[payer], tables[account.prices], REFUNDS[account.refund])
            for name, account in by_name.items()
            if not account.test_mode and (payer := payer_of(name, by_name))
        }

    # -- messages ----------------------------------------------------------------------------------------

    def charge(self, account: str, digits: str, segments: int) -> Charge | Refusal | None:
        """Takes what a message to this number costs from its payer; None: it costs nothing.

        What is taken is either `accepted` with a message, or taken back.
        """
        plan = self.plans.get(account)
        if plan is None:
            return None
        price = plan.prices.find(digits)
        if price is None:
            return Refusal.NO_PRICE
        amount = price * segments
        if not amount:
            return None
        purse = plan.purse
        rest = purse.balance - amount
        if rest < 0 and (rest + purse.credit < 0 or not purse.told_low):
            self._tell(purse, rest)
            if rest + purse.credit < 0:
                return Refusal.BALANCE
        purse.balance = rest
        return Charge(purse, amount, plan.refund)

    def accepted(self, message_id: int, charge: Charge) -> tuple[int, str, int, int]:
        """A message of the gathering batch has cost this; its row of Batch.charges."""
        self._uncommitted[message_id] = charge
        return message_id, charge.purse.name, charge.amount, charge.refund

    def stored(self, message_ids: Iterable[int]) -> None:
        """These messages are durable, and so is what they cost."""
        if self._uncommitted:
            for message_id in message_ids:
                self._uncommitted.pop(message_id, None)

    def store_has(self, message_ids: Iterable[int], balances: Iterable[tuple[str, int]]) -> None:
        """What is left by a batch with these messages (Answer.balances); what is on its way goes off it."""
        self.stored(message_ids)
        waiting: Counter[str] = Counter()
        for charge in self._uncommitted.values():
            waiting[charge.purse.name] += charge.amount
        for payer, amount in balances:
            self.purse(payer).balance = amount - waiting[payer]

    def not_stored(self, message_id: int) -> None:
        """This one is not, and has cost nothing."""
        charge = self._uncommitted.pop(message_id, None)
        if charge is not None:
            charge.take_back()

    # -- money that comes --------------------------------------------------------------------------------

    def given_back(self, payer: str, amount: int) -> None:
        """The store has given back what messages cost, or has not taken out what a person wanted; of the
        first a shared store's answer says what is left, so it is not told here."""
        self.purse(payer).balance += amount

    def credited(self, account: str, amount: int) -> None:
        """A person's change of a balance is committed; 0: what was taken out was so at once."""
        purse = self.purse(account)
        if not self.shared:
            purse.balance += amount
        purse.told_low = purse.told_empty = False

    def purse(self, account: str) -> Purse:
        """The purse of this account."""
        return self.purses.setdefault(account, Purse(account))

    def _tell(self, purse: Purse, rest: int) -> None:
        """Once between two credits: the balance is used up, and then the credit too."""
        currency, fix = purse.currency or "-", f"smsc-gateway account credit {purse.name} AMOUNT"
        if rest + purse.credit >= 0:
            if not purse.told_low:
                purse.told_low = True
                balance = amount_text(rest)
                self._events.say(
                    "warning",
                    "balance_below_zero",
                    account=purse.name,
                    balance=balance,
                    currency=currency,
                    fix=fix,
                )
        elif not purse.told_empty:
            purse.told_empty = True
            balance = amount_text(purse.balance)
            self._events.say(
                "warning", "balance_empty", account=purse.name, balance=balance, currency=currency, fix=fix
            )


def payer_of(name: str, accounts: Mapping[str, AccountConfig]) -> str:
    """The account whose balance pays for this one's messages; "": nobody pays."""
    seen = set()
    while name in accounts and name not in seen:
        account = accounts[name]
        if account.balance != "parent":
            return name if account.balance == "own" else ""
        seen.add(name)
        name = account.parent
    return ""
