"""N3: one of two nodes is cut off from the database, and from nothing else."""

from __future__ import annotations

import contextlib
import random
import time

from harness import SLOW, smsc
from kill import HOST
from network import namespace
from nodes import (
    DATABASE,
    PATIENCE_S,
    Boots,
    Node,
    Where,
    all_working,
    figures,
    judged,
    server,
    stop_all,
    takeover,
    two_nodes,
    version_row,
)
from part import Part, PartError, Row, Run, at_least, count
from postgres_server import ROLE

CUTS, CUTS_SHORT = 20, 1
CUT_S = 30.0
LONGER_S = 1.0


def cut_off_a_node(run: Run) -> list[Row]:
    wanted = CUTS if run.full else CUTS_SHORT
    chance = random.Random(run.seed)
    took: list[float] = []
    ended: list[float] = []
    with contextlib.ExitStack() as stack:
        apart = stack.enter_context(namespace())
        postgres = stack.enter_context(server(apart.store.here))
        port = stack.enter_context(smsc(run, *SLOW, "--listen", f"{apart.world.here}:0"))
        upstream = f"{apart.world.here}:{port}"
        url = f"postgresql://{ROLE}@{apart.store.here}:{postgres.port}/{DATABASE}"
        nodes = two_nodes(
            run,
            Where(postgres.url(DATABASE), upstream, HOST),
            Where(url, upstream, apart.world.there, apart.enter),
        )
        victim, boots = nodes[1], Boots(postgres)
        stack.enter_context(all_working(nodes))
        for number in range(wanted):
            boot = boots.newest(victim.name)
            time.sleep(chance.uniform(0.2, 1.5))
            since = time.monotonic()
            apart.cut()
            ended.append(_until_ended(victim, since))
            took.append(boots.until_over(boot, since))
            time.sleep(max(0.0, since + CUT_S - time.monotonic()) if run.full else LONGER_S)
            apart.mend()
            victim.restart()
            for one in nodes:
                one.until_flowing()
            run.say(f"{number + 1} cuts, ended after {ended[-1]:.1f} s, taken over after {took[-1]:.1f} s")
        found = judged(run, nodes)
        stop_all(nodes)
        stale, version = boots.applied_afterwards(), version_row(postgres)
    late = sum(end >= taken for end, taken in zip(ended, took, strict=True))
    return [
        at_least("cuts", len(took), wanted),
        Row("cut to the node's own end, longest", f"{max(ended):.1f} s"),
        *takeover(took),
        count("nodes that were there when their work was taken over", late),
        count("batches applied for runs that were over", stale),
        *figures(found, wanted),
        version,
    ]


def _until_ended(victim: Node, since: float) -> float:
    """Waits until it has ended by itself; the seconds since that moment."""
    while victim.gateway.code is None:
        if time.monotonic() - since > PATIENCE_S:
            raise PartError(f"{victim.name} goes on without the database")
        time.sleep(0.02)
    return time.monotonic() - since


PARTS = (
    Part(
        name="N3",
        title="one of two nodes cut off from the database",
        how="One node runs in a network namespace with two cables: one to the database, one to its sender and"
        f" the SMSC. The first is cut for {CUT_S:g} s without a word to either end. The node has to end"
        " itself, though its sender and the SMSC see it, before the other one takes its work over.",
        run=cut_off_a_node,
    ),
)
