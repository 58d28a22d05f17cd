"""What people type into Jasmin's command line (jcli), and what it answers, as commands.

A script is what is sent to jcli: `smppccm -a`, then options, then `ok`. A transcript has its prompts and
answers in it. Both are read, and so is what `-s` and `mtrouter -l` print: Jasmin keeps its configuration in
a form that only Jasmin can read, so this is how it comes out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gateway.importers.outcome import MAX_ENTRIES, ImportRefused, lines_of

MODULES = (
    "smppccm",
    "user",
    "group",
    "filter",
    "mtrouter",
    "morouter",
    "httpccm",
    "mtinterceptor",
    "mointerceptor",
)
_ACTIONS = {
    "-a": "add",
    "--add": "add",
    "-u": "update",
    "--update": "update",
    "-s": "show",
    "--show": "show",
    "-r": "remove",
    "--remove": "remove",
    "-l": "list",
    "--list": "list",
    "-f": "flush",
    "--flush": "flush",
    "-e": "enable",
    "--enable": "enable",
    "-d": "disable",
    "--disable": "disable",
    "-0": "stop",
    "--stop": "stop",
    "-1": "start",
    "--start": "start",
}
_PROMPT = re.compile(r"^(?:jcli\s*:\s*|>\s?)")
_COMMAND = re.compile(rf"({'|'.join(MODULES)})\s+(-[-\w]+)(?:[=\s]\s*(\S.*))?")
_OPTION = re.compile(r"([A-Za-z_]\w{0,40})(?:\s+(.*))?", re.ASCII)
_NOISE = re.compile(
    r"Adding a new |Updating |Successfully |Failed |You must set |Error|Unknown |Total |jasmin\.|Welcome |"
    r"Type help|Session ref|Authentication|Username:|Password:|Persisted|Loaded|Deleted|Nothing to |"
    r"Route order ",
)
_NOT_YET = "You must set these options before saving"
"""What jcli answers to an ok that comes too early; the command goes on then."""
_ROUTE = re.compile(
    r"#(\d{1,9})\s+(\w{1,40})\s+([\d.]{1,20})\s*(?:\(!\))?\s+"
    r"(\w+\([^)\s]*\)(?:,\s*\w+\([^)\s]*\))*)\s*(<.*)?",
    re.ASCII,
)


@dataclass(slots=True)
class Command:
    """One command with its options: pairs of words, in their order, with their lines."""

    module: str
    action: str
    argument: str
    line: int
    options: list[tuple[str, str, int]] = field(default_factory=list)
    is_done: bool = False
    """It has ended with ok, or needs none."""

    def get(self, key: str, default: str = "") -> str:
        """The last value of an option."""
        return next((text for name, text, _ in reversed(self.options) if name == key), default)

    def line_of(self, key: str) -> int:
        """Where an option stands."""
        return next((line for name, _, line in reversed(self.options) if name == key), self.line)


def parse(text: str) -> list[Command]:
    """The commands of a script or transcript, without those that were taken back (ko)."""
    commands: list[Command] = []
    current: Command | None = None
    ended: Command | None = None
    for number, raw in enumerate(lines_of(text), 1):
        line = _PROMPT.sub("", raw.strip(), count=1).strip()
        if not line:
            if current is not None and current.action == "show":
                current = None
            continue
        found = _COMMAND.fullmatch(line)
        if found is not None and found[2] in _ACTIONS:
            if len(commands) >= 10 * MAX_ENTRIES:
                raise ImportRefused(f"has more than {10 * MAX_ENTRIES} commands")
            current = Command(found[1], _ACTIONS[found[2]], (found[3] or "").strip(), number)
            current.is_done = current.action not in ("add", "update")
            commands.append(current)
        elif route := _ROUTE.match(line):
            commands.append(_listed_route(route, number))
        elif line.startswith(_NOT_YET) and ended is not None:
            current, ended = ended, None
            current.is_done = False
        elif current is None or line.startswith("#") or _NOISE.match(line):
            continue
        elif line in ("ok", "ko"):
            current.is_done = line == "ok"
            current, ended = None, current
        else:
            _option(current, line, number)
    return [command for command in commands if command.is_done]


def _option(command: Command, line: str, number: int) -> None:
    found = _OPTION.fullmatch(line.replace(" = ", " ", 1) if command.action == "show" else line)
    if found is None or len(command.options) >= MAX_ENTRIES:
        return
    key, value = found[1], (found[2] or "").strip()
    if key in ("mt_messaging_cred", "smpps_cred"):
        words = value.split(None, 2)
        if len(words) >= 2:
            key = " ".join((key, *words[:2]))
            value = words[2] if len(words) > 2 else ""
    command.options.append((key.lower() if " " not in key else key, value, number))


def _listed_route(found: re.Match[str], number: int) -> Command:
    """A line of `mtrouter -l` or `morouter -l` as the command that would add it."""
    order, kind, rate, connectors, filters = found.groups()
    module = "mtrouter" if "smppc(" in connectors else "morouter"
    joined = re.sub(r",\s*", ";", connectors)
    options = [("type", kind), ("order", order), ("rate", rate)]
    options.append(("connectors" if ";" in joined else "connector", joined))
    options.append(("described", filters or ""))
    return Command(module, "add", "", number, [(key, text, number) for key, text in options], True)
