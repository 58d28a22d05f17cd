"""A million charges by sixteen sessions at once, with money for half of them, and a kill -9 in the middle.

    python benchmarks/charges.py [--asked N] [--seed N] [--write docs/charges.md]

A process of its own holds what accepts messages (`Submission`, `Ledger`), the journal and its real writing
process; sixteen tasks send through it as sessions do, some messages at a time, and wait for the commit. Three
accounts have money of their own, the other thirteen are parts that spend it. Some messages fail, and what
they cost comes back. In the middle that process is killed with SIGKILL, and another one goes on.

    stored balance = money put in - what is charged and not given back      for each payer, after each process
    balance >= 0                                                            at each moment, in each session

Exit code 0: both hold, and nothing is left that could have been spent.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from gateway.config.model import Account as AccountConfig
from gateway.config.secret import Secret
from gateway.core.accounts import Account
from gateway.core.batch import Answer, Batch
from gateway.core.clock import SystemClock
from gateway.core.errors import Refusal
from gateway.core.events import Events
from gateway.core.ledger import Ledger
from gateway.core.message_ids import MessageIds
from gateway.core.model import Draft, MessageState
from gateway.core.prices import PriceTable, amount_text
from gateway.core.router import Router
from gateway.core.routing import Route, RouteTable
from gateway.core.submission import Submission
from gateway.core.upstream import Upstream
from gateway.store.journal import Journal
from gateway.store.sqlite_open import FILE_NAME

SESSIONS = 16
PAYERS = ("one", "two", "three")
PIECE = 100
"""Messages that a session sends before it waits for their commit."""
FAILING = 0.03
PRICE_LIST = {"7": 45_000, "7916": 38_500, "49": 70_000, "4915": 1}
NUMBERS = ("79161234567", "79261234567", "491701234567", "491511234567")
SHARE = 0.5
"""So much of what all messages would cost is there."""


class ChargesError(Exception):
    """The run itself went wrong, so there is nothing to judge."""


# -- what accepts --------------------------------------------------------------------------------------


def accounts() -> list[AccountConfig]:
    """Three with money, thirteen that are parts of them."""
    made = []
    for number in range(SESSIONS):
        payer = PAYERS[number % len(PAYERS)]
        own = number < len(PAYERS)
        made.append(
            AccountConfig(
                system_id=payer if own else f"part{number}",
                password_hash=Secret("none"),
                balance="own" if own else "parent",
                parent="" if own else payer,
                prices="list",
            )
        )
    return made


class Gateway:
    """As much of the gateway as takes messages and money."""

    def __init__(self, folder: Path) -> None:
        self.clock = SystemClock()
        self.events = Events(level="warning", write=lambda text: None)
        self.journal = Journal(folder, self._on_answer, self._died)
        self.lowest = 0

    async def start(self) -> None:
        """Opens the store; balances are what is in it."""
        opening = await self.journal.open()
        upstream = Upstream(
            "nobody",
            window=1,
            rate=0,
            whole=False,
            journal=self.journal,
            events=self.events,
            clock=self.clock,
            random=Random(1),
        )
        routes = RouteTable([Route("", ("nobody",))])
        self.submission = Submission(
            self.journal,
            MessageIds(opening.newest_message_id),
            Router(routes, {"nobody": upstream}),
            self.events,
            max_messages=10**9,
            default_validity_ms=3_600_000,
        )
        self.submission.ledger = Ledger(self.events, opening.balances)
        self.submission.ledger.configure(accounts(), {"list": PriceTable(PRICE_LIST)})
        self.accounts = [Account(config, self.clock.now()) for config in accounts()]

    def _on_answer(self, batch: Batch, answer: Answer) -> None:
        for payer, amount in answer.refunds:
            self.submission.ledger.given_back(payer, amount)

    def _died(self, why: str) -> None:
        raise ChargesError(why)

    async def commit(self) -> None:
        """Waits until what was accepted so far is durable."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.submission.flush()
        self.journal.then(done.set_result)
        if not await done:
            raise ChargesError(f"the store cannot write: {self.journal.error}")

    async def session(self, number: int, asked: int, seed: int) -> None:
        """Sends so many messages, and says after each commit how many there are."""
        random = Random(f"{seed} {number}")
        account, submission = self.accounts[number], self.submission
        purse = submission.ledger.plans[account.name].purse
        for start in range(0, asked, PIECE):
            count = min(PIECE, asked - start)
            taken = []
            for _ in range(count):
                now, now_ms = self.clock.now(), self.clock.now_ms()
                message = submission.accept(account, draft(random), now, now_ms)
                self.lowest = min(self.lowest, purse.balance)
                if not isinstance(message, Refusal):
                    taken.append(message.message_id)
                elif message is not Refusal.BALANCE:
                    raise ChargesError(f"refused: {message}")
            await self.commit()
            now_ms = self.clock.now_ms()
            failed = [
                (n, MessageState.REJECTED.value, "", now_ms) for n in taken if random.random() < FAILING
            ]
            if failed:
                self.journal.batch.failed.extend(failed)
                await self.commit()
            say({"asked": count, "taken": len(taken), "failed": len(failed), "lowest": self.lowest})


def draft(random: Random) -> Draft:
    """A text of one to three segments to one of four prices."""
    number = random.choice(NUMBERS)
    segments = random.choice((1, 1, 1, 2, 3))
    return Draft("", 5, 0, "Example", 1, 1, number, 0, 0, 0, 1, 0, b"hello", b"", segments, 0, 0, "")


def mean_price() -> float:
    """Of a message, in millionths."""
    table = PriceTable(PRICE_LIST)
    prices = [table.find(number) or 0 for number in NUMBERS]
    return sum(prices) / len(prices) * (1 + 1 + 1 + 2 + 3) / 5


def say(words: dict[str, Any]) -> None:
    print(json.dumps(words), flush=True)


async def accept(folder: Path, asked: int, seed: int, put_in: int) -> None:
    """The process that is killed: puts the money in if it is the first, and sends."""
    gateway = Gateway(folder)
    await gateway.start()
    if put_in:
        batch = gateway.journal.batch
        batch.credits.extend((payer, put_in, gateway.clock.now_ms(), "charges.py", "") for payer in PAYERS)
        await gateway.commit()
        for payer in PAYERS:
            gateway.submission.ledger.credited(payer, put_in)
    say({"ready": True})
    shares = [asked // SESSIONS + (number < asked % SESSIONS) for number in range(SESSIONS)]
    await asyncio.gather(*(gateway.session(number, share, seed) for number, share in enumerate(shares)))
    balances = {payer: gateway.submission.ledger.purse(payer).balance for payer in PAYERS}
    await gateway.journal.close()
    say({"balances": balances})


# -- what looks on -------------------------------------------------------------------------------------


@dataclass
class Books:
    """What the store says of one payer, in millionths."""

    put_in: int
    charged: int
    given_back: int
    balance: int

    @property
    def is_right(self) -> bool:
        """Whether nothing is missing, and nothing was spent twice."""
        return self.balance == self.put_in - self.charged + self.given_back and self.balance >= 0


@dataclass
class Outcome:
    """What was counted over both processes."""

    asked: int = 0
    taken: int = 0
    failed: int = 0
    lowest: int = 0
    seconds: float = 0
    charges: int = 0
    unheard: int = 0
    """Charges that the killed process has told nobody of."""
    right_after_kill: bool = False
    same_in_memory: bool = False
    books: dict[str, Books] | None = None

    @property
    def is_good(self) -> bool:
        books = (self.books or {}).values()
        dearest = max(PRICE_LIST.values())
        return (
            self.right_after_kill
            and self.same_in_memory
            and self.lowest >= 0
            and len(books) == len(PAYERS)
            and all(book.is_right and book.balance < dearest for book in books)
        )


def child(folder: Path, asked: int, seed: int, put_in: int) -> subprocess.Popen[str]:
    words = [sys.executable, __file__, "--accept", str(folder), "--asked", str(asked), "--seed", str(seed)]
    return subprocess.Popen([*words, "--put-in", str(put_in)], stdout=subprocess.PIPE, text=True)


def heard(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """What the process says, until it ends; a line that the kill has cut is left out."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.endswith("}\n"):
            yield json.loads(line)


def books(folder: Path) -> tuple[dict[str, Books], int]:
    """What the store says of each payer, and how many charges there are."""
    with sqlite3.connect(f"file:{folder / FILE_NAME}?mode=ro", uri=True) as connection:
        put_in = dict(connection.execute("SELECT account, sum(amount) FROM balance_change GROUP BY account"))
        balance = dict(connection.execute("SELECT account, amount FROM balance"))
        rows = connection.execute(
            "SELECT payer, sum(amount), total(amount * given_back), count(*) FROM charge GROUP BY payer"
        ).fetchall()
        # every charge has its message, and every message that was taken its charge
        odd = connection.execute(
            "SELECT (SELECT count(*) FROM charge) - (SELECT count(*) FROM message) "
            "- (SELECT count(*) FROM history)"
        ).fetchone()[0]
    if odd:
        raise ChargesError(f"{odd} charges more than messages")
    found = {payer: Books(put_in[payer], sum_, int(back), balance[payer]) for payer, sum_, back, _ in rows}
    return found, sum(row[3] for row in rows)


def count(outcome: Outcome, words: dict[str, Any]) -> None:
    for name in ("asked", "taken", "failed"):
        setattr(outcome, name, getattr(outcome, name) + words[name])
    outcome.lowest = min(outcome.lowest, words["lowest"])


def measure(folder: Path, asked: int, seed: int) -> Outcome:
    """Two processes, of which the first is killed when a quarter of all is done."""
    outcome = Outcome()
    put_in = int(asked * mean_price() * SHARE / len(PAYERS))
    started = time.monotonic()
    first = child(folder, asked, seed, put_in)
    for words in heard(first):
        if "asked" in words:
            count(outcome, words)
        if outcome.asked >= asked // 4 and first.poll() is None:
            os.kill(first.pid, signal.SIGKILL)
            break
    for words in heard(first):  # what it had said before
        if "asked" in words:
            count(outcome, words)
    first.wait()
    second = child(folder, asked - outcome.asked, seed + 1, 0)
    balances = {}
    for words in heard(second):
        if "ready" in words:  # the store is open, so the first one's last batch is over
            after_kill, charges = books(folder)
            outcome.right_after_kill = all(book.is_right for book in after_kill.values())
            outcome.unheard = charges - outcome.taken
        elif "asked" in words:
            count(outcome, words)
        else:
            balances = words["balances"]
    if second.wait():
        raise ChargesError("the second process failed")
    outcome.seconds = time.monotonic() - started
    outcome.books, outcome.charges = books(folder)
    outcome.same_in_memory = balances == {payer: book.balance for payer, book in outcome.books.items()}
    return outcome


PAGE = """\
# A million charges

Written by `make charges` on {date}: `{command}`.

Sixteen sessions of sixteen accounts send at once through what takes messages in the gateway, with its real
store; three accounts have money, the others are parts that spend it. There is money for half of what is
asked. {failing:.0%} of what was accepted fails, and its price comes back. After a quarter the process is \
killed with
SIGKILL, and another one goes on with the balances that it finds.

| | |
|---|---|
| messages asked for | {o.asked} |
| accepted and charged | {o.charges} |
| of these told to nobody because of the kill | {o.unheard} |
| failed, and given back | {o.failed} |
| seconds, both starts and the kill included | {o.seconds:.0f} |
| charges asked for in a second | {rate:.0f} |
| **lowest balance that any session saw** | **{lowest}** |
| **balances that are not start − charges + refunds, after the kill** | **{wrong_then}** |
| **the same at the end** | **{wrong}** |

| payer | put in | charged | given back | balance |
|---|---|---|---|---|
{rows}

A balance is checked and charged in one step of the one event loop, so no session can come between; the store
takes the same sum in the transaction that accepts the message.
"""


def page(outcome: Outcome, command: str) -> str:
    """The outcome as a document."""
    assert outcome.books is not None
    rows = [
        f"| {payer} | {' | '.join(map(amount_text, (b.put_in, b.charged, b.given_back, b.balance)))} |"
        for payer, b in outcome.books.items()
    ]
    return PAGE.format(
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        command=command,
        failing=FAILING,
        o=outcome,
        rate=outcome.asked / outcome.seconds,
        lowest=amount_text(outcome.lowest),
        wrong_then=0 if outcome.right_after_kill else "some",
        wrong=sum(not book.is_right for book in outcome.books.values()),
        rows="\n".join(rows),
    )


def main() -> int:
    """Runs in a temporary folder, prints and writes the outcome; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--asked", type=int, default=1_000_000, metavar="N", help="messages in all")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the outcome as a page")
    parser.add_argument("--accept", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--put-in", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.accept is not None:
        asyncio.run(accept(args.accept, args.asked, args.seed, args.put_in))
        return 0
    with tempfile.TemporaryDirectory(prefix="charges-") as folder:
        outcome = measure(Path(folder), args.asked, args.seed)
    text = page(outcome, f"python benchmarks/charges.py --asked {args.asked} --seed {args.seed}")
    print(text)
    print("good" if outcome.is_good else "NOT GOOD")
    if args.write:
        args.write.write_text(text)
    return 0 if outcome.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
