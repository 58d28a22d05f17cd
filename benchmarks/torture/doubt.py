"""A1: the gateway is killed between intent, first octet, response and commit, for each policy of a route.

Four connectors to one SMSC, each with a login and the route of one policy, have one message under way when
the gateway and its store kill themselves (killing.py).  Then it is started as it is, and the ledgers of the
SMSC and the client and the gateway's own lists say what became of each.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import harness
import kill
from kill import HOST, Gateway, tell
from kill_sender import Client
from part import Part, PartError, Row, Run

from gateway.cli.daemon_client import ask
from protocols.smpp.state import State

KILLING = Path(__file__).with_name("killing.py")
POLICIES = ("resend_once", "resend", "hold", "fail")
POINTS = ("intent", "part", "whole", "answered", "committed")
SHORT = ("part", "answered")
SAID = {
    "intent": "after the intent, before the first octet",
    "part": "half of the submit had left",
    "whole": "the whole submit had left",
    "answered": "the response was here, not committed",
    "committed": "the response was committed",
}
LATER = ("--receipt-delay-ms", "1000")
"""No receipt comes before the kill."""
STATES = {2: "DELIVERED", 7: "UNKNOWN"}
CONFIG = """\
listeners:
  smpp:
    - address: {host}:{port}
accounts:
  - {{system_id: kill, password_hash: {password_hash}}}
connectors:
{connectors}
routes:
{routes}
log:
  level: warning
"""
CONNECTOR = """\
  - name: {policy}
    address: {host}:{port}
    system_id: {policy}
    password: {password}
    reconnect_max_s: 0.2
"""
ROUTE = """\
  - {{connectors: [{policy}], prefix: "{prefix}", on_ambiguous: {policy}}}
"""


class Cell(NamedTuple):
    """What became of one message."""

    at_the_smsc: int
    """How often the SMSC has taken it, before anybody decided."""
    listed: bool
    end: str
    """As the client was told; "held": nobody told it anything."""
    evidence: str = ""


def number(policy: str) -> int:
    """The destination of the message of this policy."""
    return 79_010_000_000 + POLICIES.index(policy) * 1_000_000 + 1


def expected(point: str, policy: str) -> Cell:
    """What guarantees.md says."""
    first = int(point in ("whole", "answered", "committed"))
    if point == "committed":
        return Cell(1, False, "DELIVERED")
    if policy in ("resend", "resend_once"):
        return Cell(first + 1, True, "DELIVERED")
    return Cell(first, True, "held" if policy == "hold" else "UNKNOWN")


async def send(port: int, ledger: Path) -> None:
    """A client that submits a message for each policy, and stays until the gateway is gone."""
    loop = asyncio.get_running_loop()
    with ledger.open("w") as out:
        _, client = await loop.create_connection(lambda: Client(out), HOST, port)
        async with asyncio.timeout(harness.PATIENCE_S):
            while client.session.state is not State.BOUND_TRX:  # noqa: ASYNC110 - a client of kill.py tells nobody
                await asyncio.sleep(0.01)
            for policy in POLICIES:
                client.submit(number(policy))
            client.write()
            await client.closed


def prepare(run: Run, smsc_port: int) -> harness.Place:
    """The configuration of four connectors and as many policies."""
    password = harness.smsc_password(run).read_text()
    connectors = "".join(
        CONNECTOR.format(policy=policy, host=HOST, port=smsc_port, password=password) for policy in POLICIES
    )
    routes = "".join(ROUTE.format(policy=policy, prefix=str(number(policy))[:5]) for policy in POLICIES)
    return harness.prepare(run, smsc_port, CONFIG, connectors=connectors, routes=routes)


def kill_at(run: Run, point: str) -> dict[str, Cell]:
    """What became of the four messages, by policy."""
    before, after = run.ledgers / "before.jsonl", run.ledgers / "after"
    after.mkdir()
    with harness.smsc(run, *LATER) as smsc_port:
        place = prepare(run, smsc_port)
        os.environ["KILL_PASSWORD"] = place.password
        gateway = Gateway(run.folder, before=(sys.executable, str(KILLING), point, str(len(POLICIES))))
        with harness.running(gateway):
            wait_for_links(gateway)
            asyncio.run(send(place.port, before))
            gateway.wait(harness.PATIENCE_S)
            gateway.before = []
            gateway.start()
            with kill.sender(after, place.port, 0, place.password) as client:
                kill.drain(gateway.state_dir)
                doubts = ask(gateway.state_dir, "list", kind="ambiguous", limit=100)["rows"]
                held = {
                    row["message_id"]
                    for row in ask(gateway.state_dir, "list", kind="held", limit=100)["rows"]
                }
                arrived = kill.arrivals(run.ledgers)
                decide(gateway, held)
                tell(client, "end")
                client.wait(harness.PATIENCE_S)
            harness.stop(gateway)
    said = [*kill.read_lines(before), *kill.read_lines(after / "sender.jsonl")]
    return {policy: cell(number(policy), said, arrived[number(policy)], doubts, held) for policy in POLICIES}


def wait_for_links(gateway: Gateway) -> None:
    """A message that finds no link would queue."""
    for _ in range(600):
        if all(row["links"] for row in ask(gateway.state_dir, "status")["connectors"]):
            return
        os.sched_yield()
        asyncio.run(asyncio.sleep(0.05))
    raise PartError("a connector does not bind")


def decide(gateway: Gateway, held: Iterable[str]) -> None:
    """A person has what is held sent again, and it comes to its end."""
    if held:
        ask(gateway.state_dir, "decide", message_ids=sorted(held), word="resend")
        kill.drain(gateway.state_dir)
    left = ask(gateway.state_dir, "list", kind="held", limit=100)["rows"]
    open_doubts = ask(gateway.state_dir, "queue")["summary"]["ambiguous_open"]
    if left or open_doubts:
        raise PartError(f"{len(left)} messages are still held, {open_doubts} doubts not settled")


def cell(
    marker: int, said: list[dict[str, Any]], arrived: int, doubts: list[dict[str, Any]], held: set[str]
) -> Cell:
    """What the ledgers and lists say of one message."""
    ids = {entry.get("acked") or entry.get("receipt") for entry in said if entry["marker"] == marker} - {None}
    rows = [row for row in doubts if row["message_id"] in ids]
    states = [entry["state"] for entry in said if "receipt" in entry and entry["marker"] == marker]
    if ids & held:
        states = states[1:]  # the one after the decision
    end = " ".join(STATES.get(state, str(state)) for state in states)
    return Cell(
        arrived, bool(rows), end or ("held" if ids & held else "none"), rows[0]["evidence"] if rows else ""
    )


def run(it: Run) -> list[Row]:
    rows, evidence = [], set()
    for point in POINTS if it.full else SHORT:
        it.say(SAID[point])
        for name in ("folder", "ledgers"):
            (getattr(it, name) / point).mkdir()
        found = kill_at(it._replace(folder=it.folder / point, ledgers=it.ledgers / point), point)
        for policy, got in found.items():
            should = expected(point, policy)
            rows.append(
                Row(f"{SAID[point]}: {policy}", in_words(got), in_words(should), got[:3] == should[:3])
            )
        evidence |= {got.evidence for got in found.values() if got.listed}
    return [*rows, Row("evidence, the same at each point", "; ".join(sorted(evidence)))]


def in_words(found: Cell) -> str:
    times = ("not at the SMSC", "once at the SMSC", "twice at the SMSC")[min(found.at_the_smsc, 2)]
    return f"{times}, {'listed' if found.listed else 'not listed'}, {found.end}"


PARTS = (
    Part(
        name="A1",
        title="Kills between intent, first octet, response and commit",
        how="For each policy one message is under way when SIGKILL ends the gateway and its store at the "
        "point. Each figure: how often the SMSC has it, whether it is listed as ambiguous, and what its "
        "sender was told; what is held is sent again by a person at last.",
        run=run,
    ),
)
