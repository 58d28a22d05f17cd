"""The gateway itself: whether it runs and answers, and what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from gateway.cli.doctor.advice import advice_for
from gateway.cli.doctor.gateway_state import Running
from gateway.cli.doctor.look import Look
from gateway.cli.doctor.results import Finding, Job, failed, passed, plural, warned

SUBJECT = "process"
_LOG = "journalctl -u smsc-gateway -n 50"


def jobs(look: Look) -> Iterator[Job]:
    yield Job(SUBJECT, partial(_runs, look))


def _runs(look: Look) -> Iterator[Finding]:
    gateway = look.gateway
    if gateway.running is Running.ANSWERS:
        status = gateway.status
        up = timedelta(seconds=int(status.get("up_s", 0)))
        waiting = plural(int(status.get("open_messages", 0)), "open message")
        pid = f", process {gateway.pid}" if gateway.pid else ""
        yield passed(SUBJECT, f"runs{pid}, up {up}, {waiting}")
        yield from _problems(status.get("problems", ()))
    elif gateway.running is Running.SILENT:
        yield failed(SUBJECT, gateway.why, f"{_LOG}; systemctl restart smsc-gateway if it stays")
    elif gateway.running is Running.FORBIDDEN:
        yield warned(SUBJECT, gateway.why, "run doctor as root or as the gateway's user")
    else:
        yield _not_running(look)


def _problems(problems: list[str]) -> Iterator[Finding]:
    """Those of connectors are told by `binds`, and that of the clock by `clock`."""
    others = [it for it in problems if not it.startswith(("connector ", "the machine's clock "))]
    for problem in others:
        yield failed("problem", problem, advice_for(problem))
    if not problems:
        yield passed("problems", "it knows of none")


def _not_running(look: Look) -> Finding:
    unit = look.machine.unit()
    text = f"no gateway is running on {look.state_dir}"
    if unit.get("ActiveState") == "failed":
        code = unit.get("ExecMainStatus", "?")
        text += f"; its unit has failed ({unit.get('Result')}, exit code {code})"
        return failed(SUBJECT, text, f"{_LOG}; when it is repaired: systemctl restart smsc-gateway")
    if unit.get("NRestarts", "0") != "0" and unit.get("ActiveState") == "activating":
        text += (
            f"; systemd has started it anew {unit['NRestarts']} times (exit code {unit['ExecMainStatus']})"
        )
        return failed(SUBJECT, text, f"{_LOG} says why it ends")
    if unit.get("ActiveState") in ("activating", "deactivating"):
        return warned(SUBJECT, f"{text}; its unit is {unit['ActiveState']}", f"wait a moment; {_LOG}")
    if unit.get("UnitFileState") == "enabled":
        return warned(SUBJECT, f"{text}; its unit is stopped", "systemctl start smsc-gateway")
    if unit:
        return warned(SUBJECT, f"{text}; its unit is not enabled", "systemctl enable --now smsc-gateway")
    return warned(SUBJECT, text, "start it, or give the --state-dir that it was started with")
