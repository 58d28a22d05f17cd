"""N1 and N2: one of two nodes is killed, or stands still for a while and wakes up with all that it had."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time

from harness import SLOW, processes, smsc
from kill import HOST
from nodes import (
    DATABASE,
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
from part import Part, Row, Run, at_least, count

KILLS, KILLS_SHORT = 50, 1
PAUSES, PAUSES_SHORT = 20, 1
PAUSE_S = 60.0
LONGER_S = 1.0
"""How much longer than until the takeover a short pause is."""
ENDS_MOST_S = 10.0
"""In which a node that wakes up has to end itself."""
WHOLE_SHARE = 0.75
"""Of the kills, those that hit the writing process too."""
AT_ONCE_SHARE = 0.25
"""Of the kills, those after which the node is started again at once, as systemd does."""


def kill_a_node(run: Run) -> list[Row]:
    wanted = KILLS if run.full else KILLS_SHORT
    chance = random.Random(run.seed)
    took: list[float] = []
    handed = restarted = 0
    with server() as postgres, smsc(run, *SLOW) as port:
        where = Where(postgres.url(DATABASE), f"{HOST}:{port}")
        nodes, boots = two_nodes(run, where, where), Boots(postgres)
        with all_working(nodes):
            for number in range(wanted):
                victim = chance.choice(nodes)
                boot = boots.newest(victim.name)
                time.sleep(chance.uniform(0.2, 1.5))
                since = time.monotonic()
                whole = not run.full or chance.random() < WHOLE_SHARE
                at_once = run.full and chance.random() < AT_ONCE_SHARE
                victim.gateway.kill(whole_group=whole)
                if at_once:
                    victim.restart()
                seconds = boots.until_over(boot, since)
                if not at_once:
                    victim.restart()
                handed, restarted = handed + (not whole), restarted + at_once
                took += [seconds] * (whole and not at_once)
                for one in nodes:
                    one.until_flowing()
                run.say(f"{number + 1} kills, over after {seconds:.1f} s")
            found = judged(run, nodes)
            stop_all(nodes)
        stale, version = boots.applied_afterwards(), version_row(postgres)
    return [
        at_least("kills", wanted, wanted),
        Row("of these of the main process alone: its writing process hands all over", str(handed)),
        Row("of these with a start at once: the node takes over itself", str(restarted)),
        *takeover(took),
        count("batches applied for runs that were over", stale),
        *figures(found, wanted),
        version,
    ]


def pause_a_node(run: Run) -> list[Row]:
    wanted = PAUSES if run.full else PAUSES_SHORT
    chance = random.Random(run.seed)
    took: list[float] = []
    ended = 0
    with server() as postgres, smsc(run, *SLOW) as port:
        where = Where(postgres.url(DATABASE), f"{HOST}:{port}")
        nodes, boots = two_nodes(run, where, where), Boots(postgres)
        with all_working(nodes):
            for number in range(wanted):
                victim = chance.choice(nodes)
                boot = boots.newest(victim.name)
                time.sleep(chance.uniform(0.2, 1.5))
                since = time.monotonic()
                stopped = processes(victim.gateway.pid)
                _send(stopped, signal.SIGSTOP)
                took.append(boots.until_over(boot, since))
                time.sleep(max(0.0, since + PAUSE_S - time.monotonic()) if run.full else LONGER_S)
                # The writer first in half of them: it has what it was given, and a token that is stale.
                _wake(stopped if chance.random() < 0.5 else stopped[::-1])
                ended += _ends(victim)
                victim.restart()
                for one in nodes:
                    one.until_flowing()
                run.say(f"{number + 1} pauses, taken over after {took[-1]:.1f} s")
            found = judged(run, nodes)
            stop_all(nodes)
        stale, version = boots.applied_afterwards(), version_row(postgres)
    return [
        at_least("pauses", len(took), wanted),
        *takeover(took),
        at_least("nodes that ended themselves when they woke up", ended, wanted),
        count("batches applied for runs that were over", stale),
        *figures(found, wanted),
        version,
    ]


def _wake(pids: list[int]) -> None:
    for pid in pids:
        _send([pid], signal.SIGCONT)
        time.sleep(0.2)


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _ends(victim: Node) -> bool:
    """Whether it ends by itself soon."""
    return victim.gateway.wait(ENDS_MOST_S) != 0


PARTS = (
    Part(
        name="N1",
        title="one of two nodes killed",
        how="Two nodes take messages with receipts, each from a sender of its own, all of one account. At"
        " random moments one of them gets SIGKILL, its main process alone or its writing process as well, and"
        " is started again when the other one has taken over; in a full run a quarter of them at once.",
        run=kill_a_node,
    ),
    Part(
        name="N2",
        title="one of two nodes stands still",
        how=f"All processes of a node get SIGSTOP, and SIGCONT {PAUSE_S:g} s later, in half of the pauses its"
        " writing process first. By then the other one has its work: the node has to end itself, and nothing"
        " that it still had may be stored.",
        run=pause_a_node,
    ),
)
