"""Kills the gateway again and again while an SMSC service over HTTP leaves requests unanswered.

    python benchmarks/service_kill.py [--kills N] [--timeouts N] [--rate N] [--seed N] [--limits N]
        [--json FILE] [--write docs/kill-service.md]

As kill.py, but upstream is `smsc-gateway simulate --http` in a process of its own.  It accepts one request to
send in five without ever answering, drops connections and answers with HTTP 500 after and before it accepts,
does the same to questions for a status, and keeps its limits (error 9).  Receipts come by calls to the
gateway's own listener.  It goes on until there were so many kills and so many requests that were accepted and
not answered.

    sent twice = numbers or texts that the service has accepted more than once

Exit code 0: nothing is lost, nothing was sent twice, no receipt is missing, nothing is listed as ambiguous.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from kill import (
    HOST,
    End,
    KillError,
    Shots,
    bombard,
    free_port,
    main_of,
    options,
    promises,
    read_lines,
    simulator,
)

from gateway.core.passwords import hash_password

TIMEOUT_S = 0.4
LIST_MAX = 20
MOST_S = 900.0
"""A run that does not get its timeouts in this time is over."""
FAULTS = ",".join(
    (
        "send.timeout=/5",
        "send.drop=1%",
        "send.http_500=1%",
        "send.drop_before=1%",
        "send.http_500_before=1%",
        "status.timeout=2%",
        "status.drop=1%",
        "status.http_500=1%",
    )
)
SIMULATED = (
    *("--no-http-magic", "--http-resp-delay-ms", "20", "--http-balance", "99999999"),
    # receipts later than both questions for a status: else they would answer them
    *("--http-handler-statuses", "final", "--http-operator-ms", "20", "--http-final-ms", "8000"),
    *("--http-handler-calls", "16", "--http-retry-s", "0.3"),
    *("--http-faults", FAULTS, "--http-login", "kill"),
)

CONFIG = """\
listeners:
  smpp:
    - address: {host}:{port}
  callbacks:
    - address: {host}:{callback_port}
accounts:
  - system_id: kill
    password_hash: {password_hash}
    window: 200
smsc_connectors:
  - name: service
    url: {url}
    login: kill
    password: {service_password}
    timeout_s: {timeout_s}
    list_max: {list_max}
    reconnect_max_s: 0.2
    callback:
      path: /calls
      secret: {secret}
routes:
  - connectors: [service]
    on_ambiguous: resend_once
log:
  level: warning
"""


@dataclass(frozen=True)
class Outcome:
    """What the ledgers say."""

    kills: int
    acked: int
    unanswered: int
    refused: int
    service_requests: int
    service_messages: int
    timeouts: int
    """Requests to send that were accepted and never answered."""
    spoiled: dict[str, int] = field(metadata={"doc": "accepted requests by script and fault"})
    errors: dict[str, int] = field(metadata={"doc": "by script and number"})
    asked_after_silence: int
    asked_after_kill: int
    sent_again: int
    lost: int
    sent_twice: int
    receipts_missing: int
    held: int
    ambiguous: int
    receipts_repeated: int
    restart_ms_median: float
    restart_ms_max: float

    @property
    def passed(self) -> bool:
        bad = self.lost or self.sent_twice or self.receipts_missing or self.ambiguous or self.held
        return not bad and self.acked > 0 and self.timeouts > 0

    @property
    def lost_answers(self) -> str:
        """Those to requests that were accepted, but for the ones of `timeouts`."""
        others = {name: count for name, count in self.spoiled.items() if name != "send.timeout"}
        return ", ".join(f"{name} {count}" for name, count in sorted(others.items())) or "none"

    @property
    def errors_9(self) -> str:
        counts = {name.removesuffix(" 9"): n for name, n in self.errors.items() if name.endswith(" 9")}
        return ", ".join(f"{count} to {name}.php" for name, count in sorted(counts.items())) or "0"


def run(args: argparse.Namespace, folder: Path) -> Outcome:
    """The whole test in a folder of its own."""
    password, service_password, secret = (secrets.token_hex(4) for _ in range(3))
    port, callback_port = free_port(), free_port()
    (folder / "service-password").write_text(service_password)
    (folder / "handler").write_text(f"http://{HOST}:{callback_port}/calls?sha1={secret}")
    files = {"--http-password-file": "service-password", "--http-handler-file": "handler"}
    given = [word for option, name in files.items() for word in (option, str(folder / name))]
    given += ["--http-seed", str(args.seed), "--http-limits", str(args.limits)]
    with simulator(folder, "--http", f"{HOST}:0", *SIMULATED, *given) as ready:
        url = str(ready["http"])
        text = CONFIG.format(
            host=HOST,
            port=port,
            callback_port=callback_port,
            url=url,
            password_hash=hash_password(password),
            service_password=service_password,
            secret=secret,
            timeout_s=TIMEOUT_S,
            list_max=LIST_MAX,
        )
        (folder / "gateway.yaml").write_text(text)
        over_at = time.monotonic() + MOST_S

        def goes_on() -> bool:
            if time.monotonic() > over_at:
                raise KillError(f"there were not {args.timeouts} timeouts within {MOST_S:.0f} s")
            return timeouts_of(counters(url)) < int(args.timeouts)

        shots = Shots(random.Random(args.seed), args.kills, pause_s, goes_on)
        end = bombard(folder, port, password, args.rate, shots)
        counted = counters(url)
    return judge(folder, end, counted)


def pause_s(chance: random.Random) -> float:
    """Lives of the gateway: short ones, and some long enough to ask twice and send again."""
    return chance.uniform(0.2, 1.5) if chance.random() < 0.6 else chance.uniform(6.5, 9.0)


def counters(url: str) -> dict[str, Any]:
    """The simulated service's."""
    with urlopen(f"{url}/simulator/counters", timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def timeouts_of(counted: dict[str, Any]) -> int:
    return int(counted["spoiled_answers"].get("send.timeout", 0))


def judge(folder: Path, end: End, counted: dict[str, Any]) -> Outcome:
    """Compares the ledgers."""
    said = promises(folder)
    accepted = [entry for entry in read_lines(folder / "upstream.jsonl") if entry["event"] == "received"]
    numbers = Counter(int(entry["phone"]) for entry in accepted)
    texts = Counter(int(entry["text"]) for entry in accepted)
    twice = {marker for counts in (numbers, texts) for marker, count in counts.items() if count > 1}
    asked = asked_about(folder / "gateway.log")
    return Outcome(
        kills=len(end.restarts),
        acked=len(said.acked),
        unanswered=said.unanswered,
        refused=said.refused,
        service_requests=counted["requests_by_operation"].get("send", 0),
        service_messages=len(accepted),
        timeouts=timeouts_of(counted),
        spoiled=counted["spoiled_answers"],
        errors=counted["errors_by_script"],
        **asked,
        lost=said.lost(numbers, end.queued),
        sent_twice=len(twice),
        receipts_missing=said.receipts_missing(end.queued),
        held=len(end.queued),
        ambiguous=len(end.doubts),
        receipts_repeated=said.receipts_repeated,
        restart_ms_median=end.median_ms,
        restart_ms_max=end.longest_ms,
    )


def asked_about(log: Path) -> dict[str, int]:
    """Messages whose status the gateway asked for, by the reason, as its event lines say."""
    found = Counter[str]()
    for line in log.read_text().splitlines():
        words = dict(word.partition("=")[::2] for word in line.split() if "=" in word)
        if " asking " in line:
            after_kill = "the gateway ended" in line
            found["asked_after_kill" if after_kill else "asked_after_silence"] += int(words["messages"])
        elif " sent_again " in line:
            found["sent_again"] += int(words["messages"])
    return {name: found[name] for name in ("asked_after_silence", "asked_after_kill", "sent_again")}


PAGE = """\
# Kill test with an SMSC service over HTTP

Written by `make kill-service` on {date}: `{command}`.

A client sends {rate:g} messages/s with receipts and writes down every `submit_sm_resp`; a simulated SMSC
service over HTTP, in a process of its own, writes down every message that it accepts. One request to send in
five is accepted and never answered; others, and questions for a status, meet dropped connections and HTTP
500, after they were accepted and before. The service keeps its limits: what comes too often is error 9. It
calls the gateway for receipts. Meanwhile the gateway is killed with SIGKILL at random moments (every second
time or so together with its writing process) and started again.

| | |
|---|---|
| kills | {o.kills} |
| messages acknowledged to the client | {o.acked} |
| submits that a kill left unanswered | {o.unanswered} |
| requests to send that the service accepted | {o.service_requests} |
| of these **never answered** | **{o.timeouts}** |
| other answers that were lost or spoiled | {o.lost_answers} |
| messages at the service | {o.service_messages} |
| messages asked for, as their request had no answer | {o.asked_after_silence} |
| messages asked for after a kill | {o.asked_after_kill} |
| messages that the service did not have, sent again | {o.sent_again} |
| **sent twice** (numbers or texts that the service accepted more than once) | **{o.sent_twice}** |
| **lost** (acknowledged, and neither at the service nor reported as failed nor queued) | **{o.lost}** |
| **receipts missing** | **{o.receipts_missing}** |
| messages listed as ambiguous | {o.ambiguous} |
| error 9 | {o.errors_9} |
| receipts that the client got more than once | {o.receipts_repeated} |
| start to ready, median | {o.restart_ms_median:.0f} ms |
| start to ready, longest | {o.restart_ms_max:.0f} ms |

A gateway that was killed does not know what the one before it has asked within the minute, so questions that
every start asks may be too many for the service (error 9): no message depends on them. A receipt comes more
than once when the gateway is killed between sending it and recording that the client took it.
"""


def main() -> int:
    parser = options(__doc__, kills=40, rate=150)
    parser.add_argument("--timeouts", type=int, default=1000, help="at least so many, default %(default)s")
    parser.add_argument("--limits", type=float, default=1, help="factor of the service's, 0: none")
    args = parser.parse_args()
    return main_of(args, lambda folder: run(args, folder), PAGE)


if __name__ == "__main__":
    sys.exit(main())
