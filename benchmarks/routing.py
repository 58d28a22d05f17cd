"""Measures what routing costs: ten thousand routes and a blacklist of a hundred thousand numbers.

    python benchmarks/routing.py [--write docs/routing.md]

Loading is from the files to a table that is ready, checks included.  What a message costs is the time in
`Submission.accept` with all of that, less the time with one route and no list.  Times are those that this
process had the core, and the best of several runs: others share the machine, and what they take is no cost of
ours.  The texts, numbers and senders are drawn, so that every kind of route is met.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from figures import write

from gateway.config.load import load
from gateway.config.model import Config
from gateway.core.accounts import Account
from gateway.core.admission import Admission
from gateway.core.batch import Answer, Batch
from gateway.core.blacklist import EVERYBODY, Blacklists, number_of
from gateway.core.clock import SystemClock
from gateway.core.events import Events
from gateway.core.message_ids import MessageIds
from gateway.core.model import Draft, Message
from gateway.core.router import Router
from gateway.core.routing import RouteTable
from gateway.core.submission import Submission
from gateway.core.upstream import Upstream
from gateway.wiring import apply_rules, routes_of
from protocols.sms.alphabet import as_gsm7

ROUTES, ACCOUNTS, BLACKLIST, MESSAGES = 10_000, 1_000, 100_000, 5_000
BATCH, TURNS = 100, 60
WANTED_LOAD_S, WANTED_US = 2.0, 10.0
NOW_MS = 1_800_000_000_000
SEED = 11
CONNECTORS = ("one", "two", "three")
_HASH = "scrypt$15$8$1$dmVjdG9yLXNhbHQtMDAwMQ==$0VzBzFwXWYHFIY74QcIFfpC4huEdnm7tfl1Lb5gkmQQ="

Gateways = dict[str, tuple[Submission, dict[str, Account]]]


class Nowhere:
    """A journal that commits nothing."""

    def __init__(self) -> None:
        self.batch, self.error, self.answer = Batch(), "", Answer()

    def then(self, callback: object) -> None:
        pass

    def wake(self) -> None:
        pass


class Busy:
    """A link whose window is full."""

    room, stuck = 0, False

    def submit(self, message: Message, segments: Sequence[int]) -> None:
        raise AssertionError("it has no room")


# -- the configuration ---------------------------------------------------------------------------------


def number(chance: Random, length: int) -> str:
    return str(chance.randint(1, 9)) + "".join(chance.choice("0123456789") for _ in range(length - 1))


def routes(chance: Random) -> list[str]:
    """Half of them plain prefixes, a fifth for an account, the others with one condition or two each."""
    plain: set[str] = set()
    lines = ["  - {name: rest, connectors: [one, two]}"]
    while len(lines) < ROUTES:
        kind, prefix = len(lines) % 10, number(chance, chance.randint(3, 6))
        name = f"name: r{len(lines)}, prefix: {prefix}"
        if kind < 5:
            if prefix not in plain:
                plain.add(prefix)
                lines.append(f"  - {{{name}, connectors: [two, one]}}")
        elif kind < 7:
            lines.append(f"  - {{{name}, accounts: [c{chance.randrange(ACCOUNTS)}], connectors: [two]}}")
        elif kind == 7:
            hours = f"hours: {chance.randrange(12)}-{chance.randrange(13, 24)}, time_zone: Europe/Moscow"
            lines.append(f"  - {{{name}, {hours}, connectors: [three, one], weights: [70, 30]}}")
        elif kind == 8:
            text = f"text_pattern: '(?i)code {len(lines)}', alphabets: [gsm7]"
            lines.append(f"  - {{{name}, {text}, connectors: [three]}}")
        else:
            sources = f"sources: [Shop{chance.randrange(1000)}, '7999{chance.randrange(100)}*']"
            lines.append(f"  - {{{name}, {sources}, max_segments: 2, connectors: [two]}}")
    return lines


def write_config(folder: Path, *, large: bool) -> Path:
    chance = random.Random(SEED)
    lines = ["listeners: {smpp: [{address: '127.0.0.1:2775'}]}", "connectors:"]
    lines += [
        f"  - {{name: {name}, address: '127.0.0.1:2776', system_id: gateway, password: secret}}"
        for name in CONNECTORS
    ]
    lines += ["accounts:"]
    lines += [f"  - {{system_id: c{n}, password_hash: '{_HASH}'}}" for n in range(ACCOUNTS)]
    ways = routes(chance) if large else ["  - {connectors: [one, two]}"]
    path = folder / "config.yaml"
    path.write_text("\n".join(lines) + "\n")
    (folder / "conf.d").mkdir(exist_ok=True)
    # two files, for one of them may have a million octets
    for part in range(2):
        rows = ways[part::2]
        if rows:
            (folder / "conf.d" / f"{part}.yaml").write_text("\n".join(("routes:", *rows)) + "\n")
    return path


# -- the gateway's part that is measured ---------------------------------------------------------------


def submission_of(config: Config, listed: int) -> tuple[Submission, dict[str, Account]]:
    """A submission with a blacklist of so many numbers, whose messages queue."""
    clock, events, journal = SystemClock(), Events("text", "error", lambda _: None), Nowhere()
    chance = random.Random(SEED + 1)
    rows = [(EVERYBODY, number_of(number(chance, 11))) for _ in range(listed)]
    upstreams: dict[str, Upstream] = {}
    for name in CONNECTORS:
        upstream = Upstream(
            name,
            window=100,
            rate=0,
            whole=False,
            journal=journal,
            events=events,
            clock=clock,
            random=chance,
        )
        upstream.links.append(Busy())
        upstreams[name] = upstream
    submission = Submission(
        journal,
        MessageIds(),
        Router(RouteTable(()), upstreams),
        events,
        max_messages=10**9,
        default_validity_ms=1,
    )
    apply_rules(config, submission)
    accounts = {one.system_id: Account(one, clock.now()) for one in config.accounts}
    Admission(clock, Blacklists(rows)).configure(accounts, submission.default_validity_ms)
    return submission, accounts


def messages() -> list[tuple[str, Draft]]:
    chance = random.Random(SEED + 2)
    found = []
    for place in range(MESSAGES):
        data = as_gsm7(f"Your code {chance.randrange(ROUTES)} is valid for {place} minutes") or b""
        source = chance.choice((f"Shop{chance.randrange(1000)}", f"7999{chance.randrange(10**7):07}"))
        draft = Draft("", 5, 0, source, 1, 1, number(chance, 11), 0, 0, 0, 1, 0, data, b"", 1, 0, 0, "")
        found.append((f"c{chance.randrange(ACCOUNTS)}", draft))
    return found


def accept_s(submission: Submission, accounts: dict[str, Account], given: list[tuple[str, Draft]]) -> float:
    """Seconds of a batch of messages."""
    pairs = [(accounts[name], draft) for name, draft in given]
    started = time.process_time()
    for account, draft in pairs:
        submission.accept(account, draft, 1.0, NOW_MS)
    spent = time.process_time() - started
    submission.journal.batch = Batch()
    submission.flush()
    return spent


def accept_us(gateways: Gateways, given: list[tuple[str, Draft]]) -> dict[str, float]:
    """Microseconds of one message at each: of every batch the best time, the gateways by turns."""
    spent = dict.fromkeys(gateways, 0.0)
    for begin in range(0, len(given), BATCH):
        batch = given[begin : begin + BATCH]
        best = dict.fromkeys(gateways, float("inf"))
        for _ in range(TURNS):
            for which, (submission, accounts) in gateways.items():
                best[which] = min(best[which], accept_s(submission, accounts, batch))
        for which, seconds in best.items():
            spent[which] += seconds
    return {which: 1e6 * seconds / len(given) for which, seconds in spent.items()}


def taken_by(submission: Submission, accounts: dict[str, Account], given: list[tuple[str, Draft]]) -> str:
    """Which kinds of routes the messages took, for the reader of the figure."""
    kinds: Counter[str] = Counter()
    by_name = {route.name: route for route in submission.router.routes}
    for name, draft in given:
        taken = submission.accept(accounts[name], draft, 1.0, NOW_MS)
        if isinstance(taken, Message):
            kinds["with conditions" if by_name[taken.route].conditions else "without"] += 1
        else:
            kinds["refused"] += 1
    return ", ".join(f"{100 * count / len(given):.0f} % {kind}" for kind, count in kinds.most_common())


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", type=Path, help="the page to write the table into")
    parser.add_argument("--repeat", type=int, default=5, help="loads; the best counts")
    args = parser.parse_args()
    load_s = build_s = float("inf")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simple = load(write_config(folder, large=False))
        path = write_config(folder, large=True)
        for _ in range(args.repeat):
            gc.collect()
            started = time.process_time()
            large = load(path)
            loaded = time.process_time()
            routes_of(large)
            load_s, build_s = min(load_s, loaded - started), min(build_s, time.process_time() - loaded)
    given = messages()
    gateways = {"simple": submission_of(simple, 0), "large": submission_of(large, BLACKLIST)}
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as the daemon has it
    best = accept_us(gateways, given)
    added = best["large"] - best["simple"]
    rows = [
        ("what", "wanted", "found"),
        ("---",) * 3,
        (
            f"load: {ROUTES:,} routes and {ACCOUNTS:,} accounts read, checked and made a table",
            f"<= {WANTED_LOAD_S:g} s",
            f"{load_s + build_s:.2f} s (of it the table {build_s:.2f} s)",
        ),
        (
            f"a message, with {ROUTES:,} routes and a blacklist of {BLACKLIST:,} numbers, costs more by",
            f"<= {WANTED_US:g} µs",
            f"{added:.1f} µs",
        ),
        ("accepting it with one route and no list", "", f"{best['simple']:.1f} µs"),
        ("routes that were taken", "", taken_by(*gateways["large"], given)),
    ]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    print(table)
    if args.write:
        write(args.write, table, "routing figures")
    return 0 if added <= WANTED_US and load_s + build_s <= WANTED_LOAD_S else 1


if __name__ == "__main__":
    sys.exit(main())
