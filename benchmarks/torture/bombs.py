"""M1: mails that are made to cost, and how long the others wait for the gateway meanwhile."""

from __future__ import annotations

from functools import partial

from harness import prepare, processes, rss_bytes, running, smsc, stop
from kill import HOST, Gateway, free_port
from mail_bombs import BOMBS, Pinger, send_bombs
from part import Part, Row, Run, at_least, count

STALL_MOST_MS = 500.0
ANSWERS = ("250", "451", "452", "552", "554")
"""Taken, not just now, or never; anything else is a fault."""
SHORT = 4
MIB = 1 << 20
CONFIG = """\
listeners:
  smpp:
    - address: {host}:{port}
  smtp:
    - address: {host}:{smtp}
mail:
  domains: [sms.example.org]
  max_size: 25000000
accounts:
  - {{system_id: kill, password_hash: {password_hash}, mail: {{networks: [127.0.0.1/32]}}}}
connectors:
  - {{name: smsc, address: "{host}:{smsc_port}", system_id: gateway, password: {smsc_password}}}
routes:
  - connectors: [smsc]
log:
  level: warning
"""


def bombs(run: Run) -> list[Row]:
    """Each bomb over four connections at once, while an SMPP session asks whether the gateway is there."""
    names = list(BOMBS)[: None if run.full else SHORT]
    smtp_port = free_port()
    with smsc(run) as upstream_port:
        at = prepare(run, upstream_port, CONFIG, smtp=smtp_port)
        gateway = Gateway(run.folder)
        rows: list[Row] = []
        odd = 0
        with running(gateway), Pinger(HOST, at.port, "kill", at.password) as pinger:
            for name in names:
                send = partial(
                    send_bombs, name, HOST, smtp_port, "app@example.org", "79990001@sms.example.org"
                )
                replies = pinger.ping_while(send)
                odd += sum(not reply.startswith(ANSWERS) for reply in replies)
                waited = pinger.longest_ms()
                what = f"{name}: {', '.join(sorted(set(replies)))}; longest wait of another session"
                rows.append(
                    Row(what, f"{waited:.0f} ms", f"≤ {STALL_MOST_MS:.0f} ms", waited <= STALL_MOST_MS)
                )
                run.say(f"{name}: {waited:.0f} ms")
            memory = [rss_bytes(one) / MIB for one in processes(gateway.pid)]
            stop(gateway)
        died = gateway.log.read_text().count("mail_reader_died")
    return [
        at_least("bombs, each four times at once", len(rows), len(names)),
        *rows,
        count("answers that no mail should get", odd),
        count("deaths of the process that reads mails", died),
        Row("memory afterwards, by process", " + ".join(f"{one:.0f}" for one in memory) + " MiB"),
    ]


PARTS = (
    Part(
        name="M1",
        title="mails made to cost",
        how="Mails with a hundred thousand parts, deep nesting, large encodings, quotes without end and such"
        " (benchmarks/mail_bombs.py), each over four connections at once. Meanwhile an SMPP session asks"
        " every 20 ms whether the gateway is there.",
        run=bombs,
    ),
)
