"""Sub-clients for a desk without a daemon: what the composition root does when one is made."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from front_desk import FrontDesk
from gateway_fakes import NOW

from gateway.core.accounts import Account
from gateway.core.prices import tables_of
from gateway.daemon import Daemon
from gateway.store.reading import reads_of
from gateway.sub_accounts import SubAccounts


def with_sub_accounts(desk: FrontDesk, folder: Any) -> SubAccounts:
    """Gives the desk its sub-clients, those that its store has too."""
    accounts = cast(dict[str, Account], desk.accounts)
    stopping = SimpleNamespace(now=False)

    def take_over() -> None:
        for config in desk.config.accounts:
            known = accounts.get(config.system_id)
            if known is None:
                accounts[config.system_id] = Account(config, NOW)
            elif known.config != config:
                known.configure(config, NOW)
        desk.submission.ledger.configure(desk.config.accounts, tables_of(desk.config.price_lists))
        subs.share_rates()
        desk.admission.configure(accounts, 1000)

    async def accounts_changed() -> bool:
        if stopping.now:
            return False
        desk.config = subs.joined(desk.config)
        take_over()
        return True

    daemon = SimpleNamespace(
        accounts=accounts,
        events=desk.events,
        reads=reads_of(folder),
        reloading=SimpleNamespace(accounts_changed=accounts_changed),
        stopping=stopping,
    )
    subs = SubAccounts(cast(Daemon, daemon))
    desk.config = subs.opened(desk.config)
    take_over()
    desk.sub_accounts = subs
    return subs
