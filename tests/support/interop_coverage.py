"""docs/interop.md: what of SMPP and of SMS texts is there, beside what others have, and the tests of it.

Its tables under "What we do that others do" have a row for each feature; the last cell names the tests, or
says "not yet". `python tests/support/service_coverage.py build/tests-*.xml` looks at this page, too.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from service_coverage import ends_of, names_in, outcomes

PAGE = Path(__file__).parents[2] / "docs" / "interop.md"
HEADING = "## What we do that others do"
NOT_YET = "not yet"


class Row(NamedTuple):
    """A row of the page; the cells as they are written."""

    feature: str
    kannel: str
    jasmin: str
    ours: str


def rows_of(page: str) -> list[Row]:
    """The rows of the tables of that part of the page, without their heads."""
    part = re.split(r"^## ", page.partition(f"\n{HEADING}\n")[2], maxsplit=1, flags=re.M)[0]
    lines = [line for line in part.splitlines() if line.startswith("| ") and not line.startswith("| | ")]
    return [Row(*(cell.strip() for cell in line.strip().strip("|").split("|"))) for line in lines]


def unproved(rows: Iterable[Row], ends: Mapping[str, str]) -> list[str]:
    """A line for each test that is named and did not pass."""
    cases = ends_of(ends)
    lines = []
    for row in rows:
        for test in names_in(row.ours):
            seen = cases.get(test, {"did not run, or is not there"})
            lines += [f"{row.feature}: {test} {end}" for end in sorted(seen - {"passed"})]
    return lines


def main(*reports: str) -> int:
    """1 when something on the page is not proved by this report, and which."""
    rows = rows_of(PAGE.read_text("utf-8"))
    wrong = unproved(rows, outcomes(*map(Path, reports)))
    if wrong:
        print(f"docs/{PAGE.name} names tests that prove nothing:", *wrong, sep="\n  ", file=sys.stderr)
        return 1
    proved = sum(bool(names_in(row.ours)) for row in rows)
    print(f"docs/{PAGE.name}: {proved} of {len(rows)} features are proved")
    return 0
