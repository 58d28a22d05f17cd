"""G1 and G2: the database's server is killed, or lost for good, while two nodes work on it."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator, Sequence

from harness import SLOW, smsc
from kill import HOST
from nodes import (
    DATABASE,
    VERSION,
    Node,
    Where,
    all_working,
    figures,
    judged,
    server,
    stop_all,
    two_nodes,
    version_row,
)
from part import Part, Row, Run, at_least
from postgres_pair import promote, standby_of, url_of_both
from postgres_programs import programs
from postgres_server import PostgresServer

KILLS, KILLS_SHORT = 20, 2
FAILOVERS, FAILOVERS_SHORT = 10, 1
AWAY_MOST_S = 2.0
AGAIN_MOST_S = 20.0
"""From the server's return until messages are taken again; more than the longest pause between two tries."""


def kill_the_server(run: Run) -> list[Row]:
    wanted = KILLS if run.full else KILLS_SHORT
    chance = random.Random(run.seed)
    again: list[float] = []
    with server() as postgres, smsc(run, *SLOW) as port:
        where = Where(postgres.url(DATABASE), f"{HOST}:{port}")
        nodes = two_nodes(run, where, where)
        with all_working(nodes):
            for number in range(wanted):
                time.sleep(chance.uniform(0.3, 1.5))
                postgres.kill()
                time.sleep(chance.uniform(0.1, AWAY_MOST_S))
                postgres.start()
                again.append(_until_all_flow(nodes))
                run.say(f"server killed {number + 1} times")
            found = judged(run, nodes)
            stop_all(nodes)
        version = version_row(postgres)
    return [
        at_least("kills of the server", len(again), wanted),
        *_rows(nodes, again),
        *figures(found, wanted),
        version,
    ]


def fail_over(run: Run) -> list[Row]:
    wanted = FAILOVERS if run.full else FAILOVERS_SHORT
    chance = random.Random(run.seed)
    again: list[float] = []
    with contextlib.ExitStack() as stack:
        primary = stack.enter_context(server())
        standby = stack.enter_context(_followed(primary))
        port = stack.enter_context(smsc(run, *SLOW))
        where = Where(url_of_both(primary, standby, DATABASE), f"{HOST}:{port}")
        nodes = two_nodes(run, where, where)
        stack.enter_context(all_working(nodes))
        for number in range(wanted):
            time.sleep(chance.uniform(0.3, 1.5))
            primary.kill()
            time.sleep(chance.uniform(0.1, AWAY_MOST_S))
            promote(standby)
            again.append(_until_all_flow(nodes))
            primary.close()  # for good: the new standby has its port and nothing else of it
            old, primary = primary, standby
            standby = stack.enter_context(_followed(primary, old.port))
            run.say(f"failed over {number + 1} times")
        found = judged(run, nodes)
        stop_all(nodes)
        version = version_row(primary)
    return [at_least("failovers", len(again), wanted), *_rows(nodes, again), *figures(found, wanted), version]


@contextlib.contextmanager
def _followed(primary: PostgresServer, port: int | None = None) -> Iterator[PostgresServer]:
    with standby_of(primary, programs(VERSION), port) as standby:
        yield standby


def _until_all_flow(nodes: Sequence[Node]) -> float:
    began = time.monotonic()
    for one in nodes:
        one.until_flowing()
    return time.monotonic() - began


def _rows(nodes: Sequence[Node], again: Sequence[float]) -> list[Row]:
    longest = max(again)
    return [
        Row(
            "until both nodes took messages again, longest",
            f"{longest:.1f} s",
            f"≤ {AGAIN_MOST_S:g} s",
            longest <= AGAIN_MOST_S,
        ),
        Row(
            "nodes whose lease was over meanwhile, and that were started again",
            str(sum(n.ended for n in nodes)),
        ),
    ]


PARTS = (
    Part(
        name="G1",
        title="kill -9 of the database's server",
        how="Two nodes take messages with receipts, each from a sender of its own. The server and all"
        " processes that serve connections get SIGKILL at random moments, and it is started again up to"
        f" {AWAY_MOST_S:g} s later.",
        run=kill_the_server,
    ),
    Part(
        name="G2",
        title="failover to a synchronous standby",
        how="The same, but what was killed does not come back: its standby is promoted, and gets a standby of"
        " its own. The nodes' address of the store lists both.",
        run=fail_over,
    ),
)
