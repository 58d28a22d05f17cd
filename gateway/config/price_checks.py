"""Rules about money: price lists and their files, who pays for an account, what test mode needs."""

from __future__ import annotations

from gateway.config.account_model import SANDBOX, Account
from gateway.config.model import Config
from gateway.config.price_model import PriceList
from gateway.config.problems import Problem
from gateway.config.rules import Known, check_known, check_unique, good, known, named
from gateway.config.sections import Reading
from gateway.config.values import quoted


def check_prices(config: Config, accounts: Known, reading: Reading) -> None:
    """Note everything that is wrong about prices and who pays them."""
    check_unique(named(config.price_lists, "price_lists", "name", reading), reading)
    for path, one in good(config.price_lists, "price_lists", reading):
        _check_list(one, path, reading)
    lists = known(config.price_lists, "price_lists", "name", reading)
    users = (("accounts", config.accounts), ("connectors", config.connectors))
    for key, items in (*users, ("smsc_connectors", config.smsc_connectors)):
        for path, prices in named(items, key, "prices", reading):
            if prices:
                check_known(prices, lists, path, reading, what="price list")
    for path, account in good(config.accounts, "accounts", reading):
        _check_account(account, path, accounts, lists, reading)
    for key in ("connectors", "smsc_connectors"):
        for path, name in named(getattr(config, key), key, "name", reading):
            if name == SANDBOX and reading.is_good(path):
                text = f"{SANDBOX!r} is where the messages of accounts with test_mode go"
                reading.note(path, text, "choose another name")


def _check_list(one: PriceList, path: str, reading: Reading) -> None:
    seen: set[str] = set()
    for key, price in good(one.prices, f"{path}.prices", reading):
        prefix = price.prefix.removeprefix("+")
        if not reading.is_good(f"{key}.prefix"):
            continue
        if prefix and not (prefix.isascii() and prefix.isdigit()):
            reading.note(
                f"{key}.prefix", f"{quoted(price.prefix)} is not made of digits", "write digits only"
            )
        elif prefix in seen:
            reading.note(f"{key}.prefix", f"{prefix or 'the empty prefix'} has a price already", "keep one")
        seen.add(prefix)
        if reading.is_good(f"{key}.price"):
            _check_decimals(price.price, f"{key}.price", reading)
    if one.file is None or not reading.is_good(f"{path}.file"):
        return
    file = one.file
    for line, text, fix in file.bad_lines:
        reading.problems.append(Problem(file.path, line, 1, "", text, fix))
        reading.bad.add(f"{path}.file")
    for prefix in sorted(seen & file.prices.keys()):
        text = f"{file.path} has a price for {prefix or 'the empty prefix'}, and so have prices"
        reading.note(f"{path}.file", text, "keep one of them")


def _check_decimals(amount: float, key: str, reading: Reading) -> None:
    # as repr() writes it, and not in binary: 0.1 has one decimal
    mantissa, _, exponent = repr(amount).partition("e")
    decimals = len(mantissa.partition(".")[2].rstrip("0")) - int(exponent or 0)
    if decimals > 6:
        reading.note(key, "has more than six decimals", "round it to six")


def _check_account(account: Account, path: str, accounts: Known, lists: Known, reading: Reading) -> None:
    if not all(reading.is_good(f"{path}.{name}") for name in ("balance", "prices", "parent", "credit")):
        return
    _check_decimals(account.credit, f"{path}.credit", reading)
    if account.credit and account.balance != "own":
        reading.note(f"{path}.credit", "needs a balance of its own", "write balance: own, or remove it")
    if account.balance == "none":
        return
    if not account.prices:
        reading.note(f"{path}.prices", "is missing, and balance needs it", "name one of price_lists")
    if account.balance == "parent":
        payer = _payer(account, path, accounts, reading)
        if payer is not None:
            _check_currency(account, payer, f"{path}.prices", lists, reading)


def _payer(account: Account, path: str, accounts: Known, reading: Reading) -> Account | None:
    """Whose balance it is; None: nobody's, which is noted."""
    key = f"{path}.balance"
    seen = {account.system_id}
    one = account
    while one.balance == "parent":
        if not one.parent:
            if one is account:
                reading.note(key, "there is no parent to pay", "add parent, or write balance: own")
            return None  # else that account's own note says so
        if one.parent not in accounts.items or one.parent in seen:
            return None  # the parent's own check says so
        one = accounts.items[one.parent]
        seen.add(one.system_id)
    if one.balance == "none":
        text = f"the parent {quoted(one.system_id)} has no balance to pay by"
        reading.note(key, text, f"write balance: own at {one.system_id}, or here")
        return None
    return one


def _check_currency(account: Account, payer: Account, key: str, lists: Known, reading: Reading) -> None:
    ours, theirs = lists.items.get(account.prices), lists.items.get(payer.prices)
    if ours is None or theirs is None or not ours.currency or not theirs.currency:
        return
    if ours.currency != theirs.currency:
        text = f"is in {ours.currency}, and {quoted(payer.system_id)}, which pays, in {theirs.currency}"
        reading.note(key, text, "nothing is converted: name a list in the payer's currency")
