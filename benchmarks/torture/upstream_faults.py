"""U1 to U6: SMSCs that drop, do not answer, answer late, bring receipts first, flap, and split octets.

A sender, the gateway, a proxy that makes the fault (proxy.py) and a simulated SMSC behind it are processes of
their own.  Beside them another account sends to another SMSC through the same gateway, and has to notice
nothing.  What is held after its second doubt is first counted, then sent again by a person's decision, so
that in the end every message has its receipt.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import harness
import kill
from kill import HOST, Gateway, free_port, tell
from part import Part, PartError, Row, Run, at_least, count

from gateway.cli.daemon_client import ask
from gateway.core.passwords import hash_password

PROXY = Path(__file__).with_name("proxy.py")
WINDOW = 10
OTHERS = 20
"""Messages of the other account at the least."""
PATIENCE_S = 120.0
"""For the faults to have happened; a run in which they do not is no run."""
NO_FAULTS = {"port", "healed", "all_sent"}
CONFIG = """\
listeners:
  smpp:
    - address: {host}:{port}
accounts:
  - {{system_id: kill, password_hash: {password_hash}, window: 200}}
  - {{system_id: others, password_hash: {password_hash}, window: 200}}
connectors:
  - name: bad
    address: {host}:{bad_port}
    system_id: gateway
    password: {smsc_password}
    window: {window}
    binds: {binds}
    response_timeout_s: {timeout_s}
    reconnect_max_s: 0.2
    silence_s: 0
  - name: others
    address: {host}:{others_port}
    system_id: gateway
    password: {smsc_password}
routes:
  - connectors: [others]
    accounts: [others]
  - connectors: [bad]
    on_ambiguous: {policy}
log:
  level: warning
"""


class Case(NamedTuple):
    """One kind of bad upstream."""

    fault: str
    """As proxy.py calls it."""
    times: tuple[int, int]
    """How many faults: short, full."""
    options: tuple[str, ...] = ()
    """Of the proxy."""
    smsc: tuple[str, ...] = harness.SLOW
    binds: int = 1
    timeout_s: float = 5.0
    policy: str = "resend_once"
    rate: float = 150
    over: str = "healed"
    """What the proxy says when the last fault is over."""
    most_twice: Callable[[Counter[str]], int] = lambda faults: 0
    """How many messages may be at the SMSC twice, after these faults."""
    most_doubts: Callable[[Counter[str]], int] = lambda faults: 0
    """How many may be listed as ambiguous."""


class Proxy:
    """proxy.py in a process of its own, and what it has said."""

    def __init__(self, run: Run, upstream_port: int, case: Case) -> None:
        self._said = run.ledgers / "proxy.jsonl"
        words = (case.fault, "--upstream-port", str(upstream_port), "--seed", str(run.seed))
        times = ("--times", str(case.times[run.full]))
        with self._said.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, str(PROXY), *words, *times, *case.options], stdin=subprocess.PIPE, stdout=out
            )

    @property
    def said(self) -> list[dict[str, Any]]:
        # a line that is still being written has no end yet
        whole, _, _ = self._said.read_bytes().rpartition(b"\n")
        return [json.loads(line) for line in whole.splitlines()]

    def wait(self, word: str) -> None:
        """Waits until it has said this."""
        deadline = time.monotonic() + PATIENCE_S
        while not any(word in line for line in self.said):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise PartError(f"the proxy never said {word}; it said {self.said[-3:]}")
            time.sleep(0.05)

    def faults(self) -> Counter[str]:
        """How many of each kind there were."""
        kinds = (" ".join(map(str, line.values())) for line in self.said if not NO_FAULTS & line.keys())
        return Counter(kinds)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()


@contextlib.contextmanager
def proxied(run: Run, upstream_port: int, case: Case) -> Iterator[Proxy]:
    proxy = Proxy(run, upstream_port, case)
    try:
        proxy.wait("port")
        yield proxy
    finally:
        proxy.close()


@contextlib.contextmanager
def senders(run: Run, port: int, password: str, rate: float) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The one whose SMSC is bad, and the other one, in folders of their own."""
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(kill.sender(run.ledgers / folder, port, pace, password, system_id))
            for folder, system_id, pace in (("bad", "kill", rate), ("others", "others", rate / 2))
        ]


class Outcome(NamedTuple):
    faults: Counter[str]
    held: int
    """In doubt twice, before somebody decided."""
    doubts: list[dict[str, Any]]
    unmatched: int
    bad: harness.Verdict
    others: harness.Verdict
    others_twice: int
    others_unanswered: int


def bombard(run: Run, case: Case) -> Outcome:
    """Sends until all faults have happened, and lets everything come to its end."""
    password, port = secrets.token_hex(4), free_port()
    with contextlib.ExitStack() as stack:
        bad_port = stack.enter_context(harness.smsc(run, *case.smsc, "--keep", "100000", name="bad"))
        others_port = stack.enter_context(harness.smsc(run, *harness.SLOW, name="others"))
        proxy = stack.enter_context(proxied(run, bad_port, case))
        text = CONFIG.format(
            host=HOST,
            port=port,
            bad_port=proxy.said[0]["port"],
            others_port=others_port,
            password_hash=hash_password(password),
            smsc_password=harness.smsc_password(run).read_text(),
            window=WINDOW,
            binds=case.binds,
            timeout_s=case.timeout_s,
            policy=case.policy,
        )
        (run.folder / "gateway.yaml").write_text(text)
        gateway = Gateway(run.folder)
        stack.enter_context(harness.running(gateway))
        clients = stack.enter_context(senders(run, port, password, case.rate))
        proxy.wait(case.over)
        _wait_for_others(run)
        held, end, doubts, unmatched = rest(gateway, clients)
        harness.stop(gateway)
        faults = proxy.faults()
    return judge(run, faults, held, end, doubts, unmatched)


def _wait_for_others(run: Run) -> None:
    """What is to be unaffected has to be there."""
    deadline = time.monotonic() + PATIENCE_S
    while (run.ledgers / "others" / "sender.jsonl").read_bytes().count(b'"acked"') < OTHERS:
        if time.monotonic() > deadline:
            raise PartError("the other account gets no answers")
        time.sleep(0.05)


def rest(
    gateway: Gateway, clients: Sequence[subprocess.Popen[bytes]]
) -> tuple[int, harness.End, list[dict[str, Any]], int]:
    """Ends the sending; a person has everything that is held sent again; then all is over."""
    for client in clients:
        tell(client, "drain")
    kill.drain(gateway.state_dir)
    held = decided = _held(gateway)
    while decided:
        ask(gateway.state_dir, "decide", message_ids=decided, word="resend")
        kill.drain(gateway.state_dir)
        decided = _held(gateway)
    doubts = ask(gateway.state_dir, "list", kind="ambiguous", limit=kill.ALL_ROWS)["rows"]
    end = harness.End(*kill.lists(gateway.state_dir))
    unmatched = ask(gateway.state_dir, "queue")["summary"]["unmatched_receipts"]
    for client in clients:
        tell(client, "end")
        client.wait(harness.PATIENCE_S)
    return len(held), end, doubts, unmatched


def _held(gateway: Gateway) -> list[str]:
    rows = ask(gateway.state_dir, "list", kind="held", limit=kill.ALL_ROWS)["rows"]
    return [row["message_id"] for row in rows]


def judge(
    run: Run, faults: Counter[str], held: int, end: harness.End, doubts: list[dict[str, Any]], unmatched: int
) -> Outcome:
    """Compares the ledgers of both accounts."""
    said = kill.promises(run.ledgers / "others")
    arrived = kill.arrivals(run.ledgers / "others")
    return Outcome(
        faults=faults,
        held=held,
        doubts=doubts,
        unmatched=unmatched,
        bad=harness.compare(kill.promises(run.ledgers / "bad"), kill.arrivals(run.ledgers / "bad"), end),
        others=harness.compare(said, arrived, end),
        others_twice=sum(times > 1 for times in arrived.values()) + said.receipts_repeated,
        others_unanswered=said.unanswered + said.refused,
    )


def rows(case: Case, found: Outcome, least: int) -> list[Row]:
    """The figures of one kind of bad upstream."""
    settled = Counter(row["settled_by"] or "nothing" for row in found.doubts)
    others = {row["connector"] for row in found.doubts} - {"bad"}
    return [
        Row("faults", ", ".join(f"{n} {what}" for what, n in sorted(found.faults.items()))),
        at_least("messages acknowledged", found.bad.acked, least),
        count("lost", found.bad.lost),
        count("receipts missing", found.bad.receipts_missing),
        count("messages that the SMSC has twice", found.bad.duplicates, case.most_twice(found.faults)),
        count("of these not listed as ambiguous", found.bad.unexplained),
        count("doubts listed", len(found.doubts), case.most_doubts(found.faults)),
        Row("settled by", ", ".join(f"{how} {n}" for how, n in sorted(settled.items())) or "-"),
        Row("held until a person decided", f"{found.held:,}"),
        Row("receipts that name no message", f"{found.unmatched:,}"),
        at_least("others: messages acknowledged", found.others.acked, OTHERS),
        count("others: lost, or without a receipt", found.others.lost + found.others.receipts_missing),
        count(
            "others: twice, in doubt, refused or unanswered",
            found.others_twice + found.others_unanswered + len(others),
        ),
    ]


def _windows(*names: str) -> Callable[[Counter[str]], int]:
    """A window for each of these faults."""
    return lambda faults: WINDOW * sum(n for what, n in faults.items() if what.startswith(names))


CASES = {
    "U1": Case(
        "drop",
        (8, 200),
        ("--every", "12"),
        rate=200,
        most_twice=_windows("dropped"),
        most_doubts=_windows("dropped"),
    ),
    "U2": Case(
        "mute",
        (40, 400),
        timeout_s=0.5,
        most_twice=lambda faults: faults["mute, at the SMSC"],
        most_doubts=lambda faults: faults.total(),
    ),
    "U3": Case(
        "late",
        (15, 300),
        ("--late-ms", "1200"),
        timeout_s=0.5,
        policy="hold",
        over="all_sent",
        most_doubts=lambda faults: faults.total(),
    ),
    "U4": Case("first", (150, 4000), smsc=("--receipt-delay-ms", "0"), binds=2),
    "U5": Case(
        "flap",
        (25, 250),
        most_twice=_windows("closed while", "bound"),
        most_doubts=_windows("closed while", "bound"),
    ),
    "U6": Case("split", (600, 15_000), rate=100),
}
HOW = {
    "U1": ("The SMSC drops the connection every N responses",
           "Every 12 responses the connection is cut: before the response, within it, or right after it."),
    "U2": ("The SMSC never answers",
           "No submit is answered within the response timer; by turns the SMSC has taken it or never got it. "
           "Then it answers again."),
    "U3": ("The SMSC answers late",
           "One response in ten comes after the response timer; the route holds what is in doubt, so that "
           "only the late response can settle it."),
    "U4": ("The receipt comes first",
           "Each response is kept back until after its receipt, which comes by another connection when "
           "there is one."),
    "U5": ("The SMSC flaps",
           "Connections are refused, reset, left without an answer to the bind, closed right after it, or "
           "closed while messages flow."),
    "U6": ("Octets one by one",
           "Both directions pass in segments of one or a few octets; PDUs are split and glued by chance."),
}  # fmt: skip


def _run(name: str) -> Callable[[Run], list[Row]]:
    def run(it: Run) -> list[Row]:
        for folder in ("bad", "others"):
            (it.ledgers / folder).mkdir()
        return rows(CASES[name], bombard(it, CASES[name]), 1000 if it.full else 100)

    return run


PARTS = tuple(Part(name=name, title=HOW[name][0], how=HOW[name][1], run=_run(name)) for name in CASES)
