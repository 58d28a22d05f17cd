"""K1: the gateway is killed at random moments while messages flow."""

from __future__ import annotations

import random
import statistics
import time

from harness import SLOW, prepare, rest, running, sending, smsc, stop, until_flowing, verdict
from kill import Gateway
from part import Part, Row, Run, at_least

KILLS, KILLS_SHORT = 200, 10
RATE = 300.0
READY_MOST_S = 10.0
TELL_EVERY = 20
STARTING_SHARE = 0.15
"""Of the kills, those that hit it while it starts."""


class Kills:
    """Kills one gateway again and again."""

    def __init__(self, run: Run, gateway: Gateway, chance: random.Random) -> None:
        self._run = run
        self._gateway = gateway
        self._chance = chance
        self.starts: list[float] = []
        """Seconds to ready, of those that were let."""
        self.while_starting = 0
        self.alone = 0
        """Kills that spared the writing process: it sees that it is alone, and ends."""

    @property
    def count(self) -> int:
        return len(self.starts) + self.while_starting

    def once(self) -> None:
        """One life of the gateway, and the next one's start, which may be killed too."""
        until_flowing(self._run)
        time.sleep(self._chance.uniform(0.0, 1.2))
        self._kill()
        while self._chance.random() < STARTING_SHARE:
            self._gateway.launch()
            time.sleep(self._chance.uniform(0.0, 1.2))
            self._kill()
            self.while_starting += 1
        self.starts.append(self._gateway.start())

    def _kill(self) -> None:
        alone = self._chance.random() < 0.5
        self._gateway.kill(whole_group=not alone)
        self.alone += alone


def kill_again_and_again(run: Run) -> list[Row]:
    """Kills, lets everything come to rest, and compares the ledgers."""
    wanted = KILLS if run.full else KILLS_SHORT
    with smsc(run, *SLOW) as upstream_port:
        place = prepare(run, upstream_port)
        gateway = Gateway(run.folder)
        kills = Kills(run, gateway, random.Random(run.seed))
        with running(gateway), sending(run, place, RATE) as client:
            while kills.count < wanted:
                kills.once()
                if len(kills.starts) % TELL_EVERY == 0:
                    run.say(f"{kills.count} kills")
            end = rest(gateway, client)
            stop(gateway)
    found = verdict(run, end)
    median, longest = statistics.median(kills.starts), max(kills.starts)
    return [
        at_least("kills", kills.count, wanted),
        Row("of these while it started", f"{kills.while_starting:,}"),
        Row("of these of its main process alone", f"{kills.alone:,}"),
        *found.rows(least_acked=10 * wanted),
        Row("start to ready, median", f"{1000 * median:,.0f} ms"),
        Row("start to ready, longest", f"{longest:.1f} s", f"≤ {READY_MOST_S:g} s", longest <= READY_MOST_S),
    ]


PARTS = (
    Part(
        name="K1",
        title="kill -9 at random moments",
        how=f"A sender submits {RATE:g} messages/s with receipts; an SMSC answers after 20 ms and brings"
        " receipts after 50 ms. SIGKILL comes at random moments, also while the gateway starts, to its main"
        " process alone or to its writing process as well. What is in doubt is sent again once"
        " (`resend_once`).",
        run=kill_again_and_again,
    ),
)
