"""The page of the fault plan: a summary, what is out of bounds, and a table for each part.

A result is what one.py writes: plain values.  Nothing is left out: a part without a result is named, one that
did not run says why, and one that ran short is not taken for the plan's size.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

Result = dict[str, Any]

HEAD = """\
# The fault plan, run

Written by `make torture`. Figures have bounds, and what is out of its bound is listed first. Where messages \
are counted, a sender and an SMSC that share nothing with the gateway but sockets note on another filesystem \
what was promised and what arrived: lost = acknowledged − at the SMSC − reported as failed − still queued. \
The promises are in [guarantees](guarantees.md). `make torture PARTS="K1 K3"` runs some parts again.
"""


class Is(StrEnum):
    """What is to be said of a part."""

    WITHIN = "within bounds"
    OUT = "**out of bounds**"
    FAILED = "**did not run**"
    SHORT = "**short run only**"
    MISSING = "**no result**"


def kept(folder: Path) -> dict[str, Result]:
    """The results in a folder by part; a short one only where there is none of full size."""
    found: dict[str, Result] = {}
    for suffix in (".short.json", ".json"):
        for path in sorted(folder.glob(f"[A-Z][0-9]{suffix}")):
            found[path.name.removesuffix(suffix)] = json.loads(path.read_text())
    return found


def verdict(result: Result | None) -> Is:
    """Of one part.  A short run that is within its bounds shows less than the plan wants."""
    if result is None:
        return Is.MISSING
    if result["error"] or not result["rows"]:
        return Is.FAILED
    if not all(row["holds"] for row in result["rows"]):
        return Is.OUT
    return Is.WITHIN if result["full"] else Is.SHORT


def page(results: Mapping[str, Result], names: Sequence[str], remarks: str, head: str = HEAD) -> str:
    """The whole page; `remarks` is a text with a heading `## PART` over what is to be said of that part."""
    said = dict(re.findall(r"^## (\w+)\n+(.*?)\s*(?=^## |\Z)", remarks, re.MULTILINE | re.DOTALL))
    parts = [_part(results[name], said.get(name, "")) for name in names if name in results]
    return "\n".join([head, _summary(results, names), _wrong(results, names, said), *parts])


def _summary(results: Mapping[str, Result], names: Sequence[str]) -> str:
    verdicts = {name: verdict(results.get(name)) for name in names}
    counts = Counter(verdicts.values())
    told = ", ".join(f"{counts[one]} {one.strip('*')}" for one in Is if counts[one])
    lines = [f"**{len(names)} parts: {told}.**", "", *_machines(results, names), ""]
    lines += ["| part | | verdict | when (UTC) | min | code |", "|---|---|---|---|---|---|"]
    for name in names:
        found = results.get(name, {})
        minutes = f"{found['seconds'] / 60:.1f}" if found else ""
        cells = [
            name,
            found.get("title", ""),
            verdicts[name],
            found.get("date", ""),
            minutes,
            found.get("commit", ""),
        ]
        lines.append(_row(cells))
    return "\n".join(lines) + "\n"


def _machines(results: Mapping[str, Result], names: Sequence[str]) -> list[str]:
    """A line for each machine that the results are from, mostly one."""
    by_machine: dict[str, list[str]] = {}
    for name in names:
        if found := results.get(name, {}).get("machine"):
            line = "{cpu}, {memory}, Linux {kernel}, {filesystem}, Python {python}, SQLite {sqlite}".format(
                **found
            )
            by_machine.setdefault(line, []).append(name)
    if len(by_machine) == 1:
        return [f"Machine: {line}." for line in by_machine]
    return [f"- {line}: {', '.join(parts)}" for line, parts in by_machine.items()]


def _wrong(results: Mapping[str, Result], names: Sequence[str], said: Mapping[str, str]) -> str:
    lines = ["## What is out of bounds, or missing", ""]
    for name in names:
        result = results.get(name)
        if (one := verdict(result)) is Is.WITHIN:
            continue
        bad = [
            f"{row['what']}: {row['value']} (bound: {row['bound']})"
            for row in _rows(result)
            if not row["holds"]
        ]
        why = "; ".join(bad) or one.strip("*") + (
            f": {result['error']}" if result and result["error"] else ""
        )
        remark = " See its remark below." if name in said and result else ""
        lines.append(f"- **{name}** {_flat(why)}.{remark}")
    if len(lines) == 2:
        lines.append("Nothing.")
    return "\n".join(lines) + "\n"


def _part(result: Result, remark: str) -> str:
    lines = [f"## {result['part']} {result['title']}".rstrip(), ""]
    if result["how"]:
        lines += [_flat(result["how"]), ""]
    if not result["full"]:
        lines += ["**A short run, not the size of the plan.**", ""]
    if result["error"]:
        lines += [f"**Did not run**: {_flat(result['error'])}", ""]
    if result["rows"]:
        lines += ["| | | bound | |", "|---|---|---|---|"]
        for row in result["rows"]:
            holds = ("ok" if row["holds"] else "**out**") if row["bound"] or not row["holds"] else ""
            lines.append(_row([row["what"], row["value"], row["bound"], holds]))
        lines.append("")
    if remark:
        lines += [remark, ""]
    lines.append(f"Seed {result['seed']}, load of the machine before it {result.get('load', '?')}.")
    return "\n".join(lines) + "\n"


def _rows(result: Result | None) -> list[dict[str, Any]]:
    return result["rows"] if result else []


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_flat(cell).replace("|", "\\|") for cell in cells) + " |"


def _flat(text: str) -> str:
    return " ".join(text.split())
