"""What the scripts share: who asks, what they may use, and how they say no.

A script is `async (Asked) -> Value`. It returns the answer in the canonical form that
`protocols.smsc_http.rendering.render` takes, or a file's octets with its content type; it raises ApiProblem.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from gateway.config.model import Config
from gateway.core.accounts import Account
from gateway.core.api import NEWEST_API_ID
from gateway.core.batch import Answer, Journal
from gateway.core.blacklist import Blacklists
from gateway.core.clock import Clock
from gateway.core.events import Events
from gateway.core.sender_names import SenderNames
from gateway.core.submission import Submission
from protocols.smsc_http.requests import File

if TYPE_CHECKING:
    from gateway.front.relay import Relay
    from gateway.sub_accounts import SubAccounts

BAD_PARAMETERS, DENIED, NO_MONEY, NOT_FOUND, BLOCKED, BAD_DATE = 1, 2, 3, 3, 4, 5
FORBIDDEN, BAD_NUMBER, NOT_DELIVERABLE, TOO_OFTEN = 6, 7, 8, 9
"""Error numbers of the service, SMSC HTTP API §1.6."""
HIGHEST_API_ID = 2_147_483_647
CONTACT = "contact"
"""What the ids of contacts are counted by; they are no records, but numbered like them."""


class ApiProblem(Exception):
    """A request that is answered with an error number of the service.

    `text`: what stands in the place of the service's words, where those would not say what is missing; `id`:
    of a message that is registered all the same.
    """

    def __init__(self, number: int, text: str = "", id: int | str | None = None) -> None:
        super().__init__(number, text)
        self.number = number
        self.text = text
        self.id = id


class Unavailable(Exception):
    """Nothing can be stored, or the gateway stops: HTTP 503, and the client comes again."""


class Asked(NamedTuple):
    """A request for an operation, by an account that may ask."""

    account: Account
    operation: str
    """A name of protocols.smsc_http.operations.OPERATIONS."""
    params: Mapping[str, str]
    """Without login, psw and apikey."""
    files: Sequence[File]
    address: str
    """The client's IP address."""
    fmt: int
    charset: str


class Octets(NamedTuple):
    """An answer that is a file."""

    content_type: str
    body: bytes
    name: str = ""
    """For Content-Disposition; "": shown as it is."""


Value = Mapping[str, Any] | Sequence[Mapping[str, Any]] | Octets
Handler = Callable[[Asked], Awaitable[Value]]


class Rows(Protocol):
    """Asks the store; what was committed before the call is seen."""

    async def __call__(self, statement: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """The rows of a statement that has this name in gateway/store/sql."""
        ...


class Record(NamedTuple):
    """A small thing that an account keeps: a template, a mailing list …"""

    record_id: int
    name: str
    data: dict[str, Any]


class Records:
    """Small things of accounts, by kind; ids are given here and never again."""

    def __init__(
        self,
        journal: Journal,
        rows: Rows,
        newest: Mapping[str, int],
        shared_id: Callable[[str], int] | None = None,
    ) -> None:
        self._journal = journal
        self._rows = rows
        self._newest = dict(newest)
        """The highest id that each kind has given."""
        self._shared_id = shared_id
        """Where other nodes give ids too: an id by its name in the store (Batch.id_blocks)."""

    def next_id(self, kind: str) -> int:
        """An id that nothing of this kind has had; Unavailable if other nodes have them all just now."""
        if self._shared_id is not None:
            return self._shared_id(name_of_ids(kind))
        self._newest[kind] = number = self._newest.get(kind, 0) + 1
        return number

    def put(self, kind: str, account: str, record: Record) -> None:
        """Into the gathering batch; who needs it durable awaits `committed`."""
        row = (kind, account, record.record_id, record.name, json.dumps(record.data, ensure_ascii=False))
        self._journal.batch.records.append(row)

    def change(self, kind: str, account: str, record: Record) -> None:
        """Like `put`, but one that somebody has dropped meanwhile does not come back."""
        data = json.dumps(record.data, ensure_ascii=False)
        self._journal.batch.records_changed.append((record.name, data, kind, account, record.record_id))

    def drop(self, kind: str, account: str, record_id: int) -> None:
        """Takes it away, with the gathering batch."""
        self._journal.batch.records_gone.append((kind, account, record_id))

    async def get(self, kind: str, account: str, record_id: int) -> Record | None:
        """One of this account; None: it has no such."""
        found = await self._rows("get_record", (kind, account, record_id))
        return record_of(found[0]) if found else None

    async def named(self, kind: str, account: str, name: str) -> Record | None:
        """The newest of this name."""
        found = await self._rows("named_record", (kind, account, name))
        return record_of(found[0]) if found else None

    async def all(self, kind: str, account: str, limit: int = 10_000) -> list[Record]:
        """Of an account, oldest first."""
        return [record_of(row) for row in await self._rows("list_records", (kind, account, limit))]

    async def of_kind(self, kind: str) -> list[tuple[str, Record]]:
        """Of all accounts: account and record."""
        return [(row["account"], record_of(row)) for row in await self._rows("list_kind", (kind,))]


def name_of_ids(kind: str) -> str:
    """What the store calls the ids of a kind of record, or of contacts."""
    return kind if kind == CONTACT else f"record:{kind}"


def record_of(row: Mapping[str, Any]) -> Record:
    """What a statement that gives record_id, name and data has found."""
    return Record(row["record_id"], row["name"], json.loads(row["data"]))


async def committed(journal: Journal) -> Answer:
    """Waits until the gathering batch is durable; Unavailable when it could not be written."""
    done: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

    def settle(ok: bool) -> None:
        if not done.done():  # whoever asked may have left meanwhile
            done.set_result(journal.answer if ok else None)

    journal.then(settle)
    answer = await done
    if answer is None:
        raise Unavailable
    return answer


@dataclass(slots=True)
class Desk:
    """What the scripts may use. `config` is another object after a reload."""

    config: Config
    accounts: Mapping[str, Account]
    submission: Submission
    journal: Journal
    events: Events
    clock: Clock
    random: Random
    rows: Rows
    records: Records
    newest_api_id: int = 0
    shared_id: Callable[[str], int] | None = None
    """As `Records` has it; None: no other node gives ids."""
    relay: Relay | None = None
    sub_accounts: SubAccounts | None = None
    """Who makes accounts while the gateway runs."""
    state_dir: Path | None = None
    """Where files may be kept; None: nowhere."""
    blacklists: Blacklists = field(default_factory=Blacklists)
    """Those that hold however a message comes."""
    black: dict[str, dict[str, int]] = field(default_factory=dict)
    """Account, number or mail address, and which messages over HTTP it gets none of: `front.blacklist`."""
    sender_names: SenderNames = field(default_factory=SenderNames)
    """Names that accounts may send with beside their allowed_sources."""
    due_jobs: dict[tuple[str, int], int] = field(default_factory=dict)
    """When something of a mailing list is to be done (ms): account and id, see `front.job_runs`."""
    turns: dict[str, asyncio.Lock] = field(default_factory=dict)
    """Of each account: whoever changes what it keeps holds its lock from the first look to the commit."""

    def next_api_id(self) -> int:
        """The id of a request whose client gives none: 1 … 2147483647, over all accounts.

        Unavailable if other nodes have them all just now.
        """
        if self.shared_id is not None:
            return (self.shared_id(NEWEST_API_ID) - 1) % HIGHEST_API_ID + 1
        self.newest_api_id = self.newest_api_id % HIGHEST_API_ID + 1
        marks = self.journal.batch.marks  # the next run goes on behind the last one
        if marks and marks[-1][0] == NEWEST_API_ID:
            marks[-1] = (NEWEST_API_ID, self.newest_api_id)
        else:
            marks.append((NEWEST_API_ID, self.newest_api_id))
        return self.newest_api_id

    def now_s(self) -> float:
        """Seconds since 1970."""
        return self.clock.now_ms() / 1000
