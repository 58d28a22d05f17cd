"""docs/smsc-api-coverage.md: what of the SMSC service's API is there, and the tests that prove it.

    python tests/support/service_coverage.py build/tests-*.xml

reads the reports of a run of all tests, and fails when one of the named tests did not pass in them. As a
command it looks at docs/interop.md as well (interop_coverage.py).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "smsc-api-coverage.md"
REASON = "– "
"""How a cell without tests begins; the reason follows."""
_ENDS = {"failure": "failed", "error": "failed", "skipped": "was skipped"}
_WORST_LAST = ("passed", "was skipped", "failed")


class Row(NamedTuple):
    """A row of the page; the cells as they are written."""

    group: str
    id: str
    operation: str
    client: str
    simulator: str
    front: str


def rows_of(page: str) -> list[Row]:
    """The rows of the page's tables, one for each group."""
    found, group = [], ""
    for line in page.splitlines():
        if line.startswith("## "):
            group = line.removeprefix("## ")
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and re.fullmatch(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*", cells[0]):
            found.append(Row(group, *cells))
    return found


def names_in(cell: str) -> list[str]:
    """The tests that a cell names: their files from tests/, their names, and a case in brackets or none."""
    return re.findall(r"`([^`]+)`", cell) if not cell.startswith(REASON) else []


def named(rows: Iterable[Row]) -> Iterator[tuple[str, str]]:
    """(row's id, test) of everything that is named."""
    for row in rows:
        for cell in (row.client, row.simulator, row.front):
            yield from ((row.id, test) for test in names_in(cell))


def outcomes(*reports: Path) -> dict[str, str]:
    """How each test of JUnit reports of pytest ended: "passed", "failed" or "was skipped"."""
    found: dict[str, str] = {}
    for case in (case for report in reports for case in ElementTree.parse(report).iter("testcase")):
        file = case.attrib["classname"].removeprefix("tests.").replace(".", "/")
        name = f"{file}.py::{case.attrib['name']}"
        ends = [_ENDS[part.tag] for part in case if part.tag in _ENDS]
        # a test whose teardown fails is there twice
        found[name] = max([*ends, found.get(name, "passed")], key=_WORST_LAST.index)
    return found


def ends_of(ends: Mapping[str, str]) -> dict[str, set[str]]:
    """How each test ended, and under its name without a case how all of its cases did."""
    cases: dict[str, set[str]] = {}
    for name, end in ends.items():
        cases.setdefault(name, set()).add(end)
        cases.setdefault(name.partition("[")[0], set()).add(end)
    return cases


def unproved(rows: Iterable[Row], ends: Mapping[str, str]) -> list[str]:
    """A line for each test that is named and did not pass; without a case all of its cases have to."""
    cases = ends_of(ends)
    lines = []
    for id, test in dict.fromkeys(named(rows)):
        seen = cases.get(test, {"did not run, or is not there"})
        lines += [f"{id}: {test} {end}" for end in sorted(seen - {"passed"})]
    return lines


def main(*reports: str) -> int:
    """1 when something on the page is not proved by these reports, and which."""
    rows = rows_of(PAGE.read_text("utf-8"))
    wrong = unproved(rows, outcomes(*map(Path, reports)))
    if wrong:
        print(f"docs/{PAGE.name} names tests that prove nothing:", *wrong, sep="\n  ", file=sys.stderr)
        return 1
    client, simulator, front = (sum(bool(names_in(row[place])) for row in rows) for place in (3, 4, 5))
    print(
        f"docs/{PAGE.name}: {client} rows of the client, {simulator} of the simulator and {front} of the "
        "front are proved"
    )
    return 0


if __name__ == "__main__":
    import interop_coverage

    sys.exit(main(*sys.argv[1:]) | interop_coverage.main(*sys.argv[1:]))
