"""docs/interop.md: every quirk with its vectors, and tests that are there for what is said of us."""

from __future__ import annotations

import re
from pathlib import Path

import interop_coverage
import pytest
from interop_coverage import HEADING, NOT_YET, PAGE, Row, rows_of, unproved
from quirk_support import vectors
from service_coverage import TESTS, names_in, outcomes

TEXT = PAGE.read_text("utf-8")
ROWS = rows_of(TEXT)
_SOURCE = re.compile(r"\[([KJ]\d+)\]")


def section(heading: str) -> str:
    return re.split(r"^## ", TEXT.partition(f"\n{heading}\n")[2], maxsplit=1, flags=re.M)[0]


def test_all_quirks_are_there_and_name_all_vectors_and_no_others() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section("## Quirks").splitlines()
        if re.match(r"\| \d", line)
    ]
    assert [int(row[0]) for row in rows] == list(range(1, 51))
    assert all(len(row) == 4 and all(row) for row in rows)
    named = [(int(row[0]), name) for row in rows for name in re.findall(r"`([^`]+)`", row[3])]
    assert all(name.startswith(f"{number:02d}-") for number, name in named)
    assert sorted(name for _, name in named) == sorted(vector["name"] for vector in vectors())


def test_each_feature_has_a_test_or_is_not_yet_there() -> None:
    assert len(ROWS) >= 60
    lacking = [row.feature for row in ROWS if row.ours != NOT_YET and not names_in(row.ours)]
    assert lacking == []
    assert all(row.kannel and row.jasmin for row in ROWS)
    assert len({row.feature for row in ROWS}) == len(ROWS)


def test_what_is_said_of_others_has_a_source_that_is_listed() -> None:
    listed = set(re.findall(r"^- ([KJ]\d+):", section(HEADING), flags=re.M))
    for row in ROWS:
        for cell in (row.kannel, row.jasmin):
            assert set(_SOURCE.findall(cell)) <= listed, row
            assert cell == "not found" or _SOURCE.search(cell) or "(seen, above)" in cell, row
    used = {source for row in ROWS for cell in row[1:3] for source in _SOURCE.findall(cell)}
    assert used == listed


def test_every_named_test_is_there() -> None:
    wrong = []
    for row in ROWS:
        for test in names_in(row.ours):
            file, _, name = test.partition("::")
            path = TESTS / file
            if not path.is_file() or f"def {name.partition('[')[0]}(" not in path.read_text("utf-8"):
                wrong.append(test)
    assert wrong == []
    cases = {name for row in ROWS for name in re.findall(r"test_quirk\[([^\]]+)\]", row.ours)}
    assert cases <= {vector["name"] for vector in vectors()}


REPORT = """\
<testsuites><testsuite name="pytest">
<testcase classname="tests.a.test_a" name="test_good"/>
<testcase classname="tests.a.test_a" name="test_cases[one]"/>
<testcase classname="tests.a.test_a" name="test_cases[two]"><skipped message="x"/></testcase>
<testcase classname="tests.a.test_a" name="test_bad"><failure message="x">x</failure></testcase>
</testsuite></testsuites>
"""


@pytest.mark.parametrize(
    ("test", "end"),
    [
        ("a/test_a.py::test_good", ""),
        ("a/test_a.py::test_cases[one]", ""),
        ("a/test_a.py::test_cases", "was skipped"),
        ("a/test_a.py::test_bad", "failed"),
        ("a/test_a.py::test_gone", "did not run, or is not there"),
    ],
)
def test_only_what_passed_shows_something(tmp_path: Path, test: str, end: str) -> None:
    report = tmp_path / "tests.xml"
    report.write_text(REPORT)
    row = Row("a feature", "no", "no", f"`a/test_a.py::test_good`, `{test}`")
    assert unproved([row], outcomes(report)) == ([f"a feature: {test} {end}"] if end else [])


def test_the_command_fails_when_something_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page, report = tmp_path / "page.md", tmp_path / "tests.xml"
    monkeypatch.setattr(interop_coverage, "PAGE", page)
    report.write_text(REPORT)
    head = f"# A page\n\n{HEADING}\n\n| | Kannel | Jasmin | ours |\n|---|---|---|---|\n"
    head += f"| later | no | no | {NOT_YET} |\n"
    page.write_text(
        f"{head}| one | no | no | `a/test_a.py::test_good` |\n\n## Other\n\n| x | y | z | `none` |\n"
    )
    assert interop_coverage.main(str(report)) == 0
    assert "1 of 2 features" in capsys.readouterr().out
    page.write_text(f"{head}| one | no | no | `a/test_a.py::test_bad` |\n")
    assert interop_coverage.main(str(report)) == 1
    assert "one: a/test_a.py::test_bad failed" in capsys.readouterr().err


def test_the_command_of_make_test_looks_at_this_page_too() -> None:
    program = (TESTS / "support" / "service_coverage.py").read_text("utf-8")
    assert "main(*sys.argv[1:]) | interop_coverage.main(*sys.argv[1:])" in program
