"""K3: the gateway is stopped by SIGTERM again and again while messages flow."""

from __future__ import annotations

import random
import statistics
import time

from harness import SLOW, prepare, rest, running, sending, smsc, stop, until_flowing, verdict
from kill import Gateway
from part import Part, Row, Run

STOPS, STOPS_SHORT = 100, 3
RATE = 300.0
STOP_MOST_S = 10.0
TELL_EVERY = 20


def stop_again_and_again(run: Run) -> list[Row]:
    """Stops and starts, lets everything come to rest, and compares the ledgers.  A bad exit is an error."""
    chance = random.Random(run.seed)
    wanted = STOPS if run.full else STOPS_SHORT
    took: list[float] = []
    with smsc(run, *SLOW) as upstream_port:
        place = prepare(run, upstream_port)
        gateway = Gateway(run.folder)
        with running(gateway), sending(run, place, RATE) as client:
            while len(took) < wanted:
                until_flowing(run)
                time.sleep(chance.uniform(0.0, 1.0))
                took.append(stop(gateway))
                gateway.start()
                if len(took) % TELL_EVERY == 0:
                    run.say(f"{len(took)} stops")
            end = rest(gateway, client)
            stop(gateway)
    found = verdict(run, end)
    median, longest = statistics.median(took), max(took)
    return [
        Row("stops, each with exit code 0", f"{len(took):,}", f"≥ {wanted:,}", len(took) >= wanted),
        *found.rows(least_acked=10 * wanted, doubts=False),
        Row("signal to end, median", f"{1000 * median:,.0f} ms"),
        Row("signal to end, longest", f"{longest:.1f} s", f"≤ {STOP_MOST_S:g} s", longest <= STOP_MOST_S),
    ]


PARTS = (
    Part(
        name="K3",
        title="SIGTERM again and again",
        how=f"A sender submits {RATE:g} messages/s with receipts; an SMSC answers after 20 ms and brings"
        " receipts after 50 ms. SIGTERM comes at random moments; the gateway awaits what is under way, and is"
        " started again.",
        run=stop_again_and_again,
    ),
)
