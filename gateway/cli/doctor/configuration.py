"""The configuration: mistakes, warnings, and whether the running gateway has taken it over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from gateway.cli import DEFAULT_CONFIG, CommandError
from gateway.cli.daemon_client import ask
from gateway.cli.doctor.look import Look
from gateway.cli.doctor.results import Finding, Job, failed, passed, plural, skipped, warned
from gateway.config.model import Config
from gateway.config.problems import Problem
from gateway.wiring import warnings_of

MOST = 8
"""So many mistakes, and warnings, are told one by one."""


def jobs(look: Look) -> Iterator[Job]:
    yield Job(str(look.config_file), partial(_file, look))
    yield Job("the running gateway's configuration", partial(_taken_over, look))


def _file(look: Look) -> Iterator[Finding]:
    if look.config is None or look.reading is None:
        hidden = [str(it.file) for it in look.problems if "Permission denied" in it.text]
        if hidden and not look.is_root:
            yield failed(hidden[0], "you may not read it", "run doctor as root or as the gateway's user")
            return
        yield from _told(look.problems, failed, look)
        return
    yield passed(str(look.config_file), f"no mistakes: {_size(look.config)}")
    yield from _told(warnings_of(look.config, look.reading), warned, look)


def _told(
    problems: Iterable[Problem], make: Callable[[str, str, str], Finding], look: Look
) -> Iterator[Finding]:
    every = list(problems)
    for problem in every[:MOST]:
        key = f"{problem.key}: " if problem.key else ""
        where = f"{problem.file}:{problem.line}:{problem.column}"
        yield make(where, f"{key}{problem.text}", problem.fix)
    if len(every) > MOST:
        command = f"smsc-gateway check-config --config {look.config_file}"
        yield make(str(look.config_file), f"{len(every) - MOST} more like these", command)


def _size(config: Config) -> str:
    upstreams = len(config.connectors) + len(config.smsc_connectors)
    return ", ".join(
        (
            plural(len(config.accounts), "account"),
            plural(upstreams, "connector"),
            plural(len(config.routes), "route"),
        )
    )


def _taken_over(look: Look) -> Iterator[Finding]:
    subject = "the running gateway has it"
    if not look.gateway.answers:
        yield skipped(subject, f"the gateway is {look.gateway.running.value}")
        return
    other = _file_of_process(look)
    if other is not None and not _is_same(other, look.config_file):
        text = f"it was started with {other}, not with {look.config_file}"
        yield warned(subject, text, f"give doctor --config {other}, or start the gateway with the other one")
        return
    if look.config is None:
        yield skipped(subject, "the file has mistakes, so it goes on with what it had")
        return
    try:
        plan = ask(look.state_dir, "reload", diff=True)
    except CommandError as error:
        yield skipped(subject, str(error))
        return
    yield _compared(subject, plan)


def _compared(subject: str, plan: dict[str, Any]) -> Finding:
    if plan.get("problems"):
        text = "the gateway finds mistakes in it that are none here: it cannot read what you can"
        return failed(
            subject, text, "smsc-gateway reload --diff shows them; look at owner and mode of the files"
        )
    changes = [str(change["key"]) for change in plan.get("changes") or ()]
    if not changes:
        return passed(subject, "nothing has changed since it took it over")
    shown = ", ".join(changes[:3]) + (f" and {len(changes) - 3} more" if len(changes) > 3 else "")
    restart = plan.get("restart_needed") or ()
    what_next = "smsc-gateway reload --diff, then smsc-gateway reload"
    if restart:
        sections = ", ".join(map(str, restart))
        what_next = f"smsc-gateway reload; {sections} need a restart: systemctl restart smsc-gateway"
    return warned(subject, f"the file has changed since: {shown}", what_next)


def _file_of_process(look: Look) -> Path | None:
    """The file that the gateway was started with; None: that cannot be seen."""
    words = look.machine.read(f"{look.gateway.pid}/cmdline").split("\0")
    if not look.gateway.pid or "run" not in words or "--demo" in words:
        return None
    path = DEFAULT_CONFIG
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--config":
            path = Path(following)
        elif word.startswith("--config="):
            path = Path(word.removeprefix("--config="))
    try:
        return (look.machine.proc / str(look.gateway.pid) / "cwd").readlink() / path
    except OSError:
        return path if path.is_absolute() else None


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one == other
