"""R1: the configuration is reloaded again and again while messages flow: reload.py, judged."""

from __future__ import annotations

import argparse

import reload
from part import Part, Row, Run, at_least, count

RELOADS, RELOADS_SHORT = 100, 10
RATE = 300.0
PAUSE_S = 0.2


def reload_again_and_again(run: Run) -> list[Row]:
    """Reloads, lets everything come to rest, and compares the ledgers."""
    wanted = RELOADS if run.full else RELOADS_SHORT
    args = argparse.Namespace(reloads=wanted, rate=RATE, pause=PAUSE_S)
    return rows(reload.run(run.folder, args, run.ledgers), wanted)


def rows(found: reload.Outcome, wanted: int) -> list[Row]:
    """What the ledgers say, with bounds."""
    return [
        at_least("reloads that changed something", found.reloads, wanted),
        at_least("files with a mistake in between", found.bad_files, wanted // 10),
        count("of these taken over", found.bad_files_taken),
        count(f"of {found.sessions} sessions dropped", found.dropped),
        Row("connectors that were bound anew", f"{found.connectors_bound_anew:,}"),
        at_least("messages acknowledged to the clients", found.acked, 10 * wanted),
        count("submits that were refused", found.refused),
        count("lost", found.lost),
        count("receipts missing", found.receipts_missing),
        count("messages that an SMSC has twice", found.duplicates),
        Row("a reload, median", f"{found.reload_ms_median:.0f} ms"),
        Row("a reload, longest", f"{found.reload_ms_max:.0f} ms"),
    ]


PARTS = (
    Part(
        name="R1",
        title="Reloads under load",
        how=f"Six sessions of three accounts submit {RATE:g} messages/s to two SMSCs. Each reload, by SIGHUP"
        " or the control socket, changes something else: limits, a rate, a login, the routes, an"
        " account that comes or goes. Every tenth file has a mistake and must leave the configuration as it"
        " was. The clients are in the process that judges; the SMSCs are processes of their own.",
        run=reload_again_and_again,
    ),
)
