"""Whether advisories are known against the packages of the lock files: what `make audit` says.

As a program: `python audit.py PIP_AUDIT LOCK…`.  Exit codes: 0 all were looked up and nothing is known, 1
there are findings, 2 some could not be looked up.  A package of which nothing could be learned is never taken
for a good one: without a way to the source of advisories, all that is said is that nothing was audited.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

CLEAN, FINDINGS, NOT_AUDITED = 0, 1, 2
IGNORED = Path(__file__).parents[2] / ".ci" / "audit-ignored"
TIMEOUT_S = 90
"""For each lock file: a source that takes the question and never answers must not hold up who asks."""


class Verdict(NamedTuple):
    code: int
    lines: list[str]
    """The last one sums it up."""


def ignored(text: str, today: date) -> set[str]:
    """The advisories that need nothing done until a day that has not come; ValueError for a bad line."""
    found = set()
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(\S+) (\d{4}-\d\d-\d\d) (\S.*)", line)
        if match is None:
            raise ValueError(f"{IGNORED.name}: write ID, the day until which it holds, and why, not {line!r}")
        if date.fromisoformat(match[2]) >= today:
            found.add(match[1])
    return found


def verdict(report: Mapping[str, Any], passed_over: Iterable[str] = ()) -> Verdict:
    """What pip-audit's JSON means."""
    passed_over = set(passed_over)
    audited, unknown, lines, findings = 0, [], [], 0
    for package in report["dependencies"]:
        if "skip_reason" in package:
            unknown.append(package["name"])
            continue
        audited += 1
        for each in package["vulns"]:
            if passed_over & {each["id"], *each["aliases"]}:
                continue
            findings += 1
            fixed = ", ".join(each["fix_versions"]) or "no version yet"
            lines.append(f"{package['name']} {package['version']}: {each['id']}, fixed in {fixed}")
    if findings:
        return Verdict(FINDINGS, [*lines, f"audited: {audited} packages, {findings} findings"])
    if unknown or not audited:
        all_ = f"{len(unknown)} of {audited + len(unknown)} packages"
        return Verdict(
            NOT_AUDITED,
            [f"NOT AUDITED: {all_}: the source of advisories does not know them or is not reached"],
        )
    return Verdict(CLEAN, [f"audited: {audited} packages, 0 findings"])


def ask(pip_audit: str, lock: str) -> Mapping[str, Any] | None:
    """Its report on a lock file; None: it got none."""
    offline = ["--disable-pip", "--require-hashes"]  # what the file says; nothing is installed to find out
    form = ["--format", "json", "--progress-spinner", "off", "--timeout", "15"]
    try:
        done = subprocess.run(
            [pip_audit, "--requirement", lock, *offline, *form],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        report: Mapping[str, Any] = json.loads(done.stdout)
    except (ValueError, subprocess.TimeoutExpired):
        return None
    return report


def main(pip_audit: str, *locks: str) -> int:
    passed_over = ignored(IGNORED.read_text("utf-8"), datetime.now(UTC).date())
    worst = CLEAN
    for lock in locks:
        report = ask(pip_audit, lock)
        lines = ["NOT AUDITED: the source of advisories cannot be reached"]
        code = NOT_AUDITED
        if report is not None:
            code, lines = verdict(report, passed_over)
        for line in lines:
            print(f"{lock}: {line}")
        worst = FINDINGS if FINDINGS in (worst, code) else max(worst, code)
    return worst


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
