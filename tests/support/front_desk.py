"""A desk for the scripts of the HTTP front, with a store in this process: what is committed is read back."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from gateway_fakes import NOW, NOW_MS, FakeJournal, ManualClock, account_config, recorded_events

from gateway.config.basics import Url
from gateway.config.model import Account as AccountConfig
from gateway.config.model import Config, Http, Listeners, PriceList, Route
from gateway.core.accounts import Account
from gateway.core.admission import Admission
from gateway.core.batch import Batch
from gateway.core.frames import take_frames
from gateway.core.ledger import Ledger
from gateway.core.message_ids import MessageIds
from gateway.core.prices import tables_of
from gateway.core.router import Router
from gateway.core.routing import RouteTable
from gateway.core.submission import Submission
from gateway.front.desk import Asked, Desk, Records, Value
from gateway.store.apply import Applier
from gateway.store.frames import encode
from gateway.store.sqlite_database import SqliteDatabase
from gateway.store.sqlite_open import FILE_NAME, open_reader, open_writer, statements
from protocols.smsc_http.requests import File

LINKS = Url("https", "s.example.org", 443)


class StoreJournal(FakeJournal):
    """Commits by itself, in the turn of the loop after somebody waits for it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.connection = open_writer(folder / FILE_NAME)
        # what is tested is what the scripts do, not how well it sticks
        self.connection.execute("PRAGMA synchronous = OFF")
        self._applier = Applier(SqliteDatabase(self.connection), NOW_MS)
        self._reader = open_reader(folder / FILE_NAME)
        self._statements = statements()
        self.fails = False
        self.batches: list[Batch] = []
        """What was committed."""
        self.unwritable: list[str] = []

    def then(self, callback: Callable[[bool], object]) -> None:
        super().then(callback)
        asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Commits what has gathered."""
        if not self.is_due:
            return
        batch, end = self.take()
        if self.fails:
            end(False, None)
            return
        self.batches.append(batch)
        try:
            octets = encode(batch)
        except ValueError as error:  # as it crosses: only plain tuples can, no named ones and no enums
            self.unwritable.append(str(error))
            end(False, None)
            return
        [values] = take_frames(bytearray(octets))
        end(True, self._applier.apply(Batch(*values)))

    async def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        await asyncio.sleep(0)
        try:
            return [dict(row) for row in self._reader.execute(self._statements[statement], tuple(parameters))]
        except sqlite3.Error as error:
            raise AssertionError(f"{statement}: {error}") from error

    def all(self, sql: str) -> list[tuple[Any, ...]]:
        """A look from outside."""
        return [tuple(row) for row in self._reader.execute(sql)]

    def close(self) -> None:
        self._reader.close()
        self.connection.close()
        assert not self.unwritable, "a batch held what is no plain tuple (a NamedTuple, an enum)"


def config_of(
    *accounts: AccountConfig, http: Http | None = None, price_lists: Sequence[PriceList] = ()
) -> Config:
    return Config(
        listeners=Listeners(),
        accounts=accounts or (account_config(),),
        routes=(Route(connectors=("one",)),),
        http=http or Http(links=LINKS),
        price_lists=price_lists,
    )


class FrontDesk(Desk):
    """The desk and what is behind it."""

    clock: ManualClock
    journal: StoreJournal
    admission: Admission
    said: list[str]

    def ledger(self) -> Ledger:
        return self.submission.ledger


def desk_of(folder: Path, config: Config | None = None) -> FrontDesk:
    """A desk with the accounts of a configuration; close its journal in the end."""
    config = config or config_of()
    journal, clock = StoreJournal(folder), ManualClock()
    events, said = recorded_events()
    submission = Submission(
        journal,
        MessageIds(0),
        Router(RouteTable(()), {}),
        events,
        max_messages=1000,
        default_validity_ms=1000,
    )
    submission.ledger = Ledger(events)
    submission.ledger.configure(config.accounts, tables_of(config.price_lists))
    accounts = {one.system_id: Account(one, NOW) for one in config.accounts}
    desk = FrontDesk(
        config=config,
        accounts=accounts,
        submission=submission,
        journal=journal,
        events=events,
        clock=clock,
        random=Random(1),
        rows=journal.rows,
        records=Records(journal, journal.rows, {}),
    )
    desk.said = said
    desk.admission = Admission(clock, desk.blacklists)
    desk.admission.configure(accounts, 1000)
    return desk


def asked(
    desk: Desk,
    account: str,
    operation: str,
    params: Mapping[str, str] | None = None,
    files: Sequence[File] = (),
    *,
    fmt: int = 3,
) -> Asked:
    return Asked(desk.accounts[account], operation, params or {}, files, "192.0.2.7", fmt, "utf-8")


__all__ = ["LINKS", "FrontDesk", "StoreJournal", "Value", "asked", "config_of", "desk_of"]
