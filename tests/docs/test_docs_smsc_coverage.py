"""docs/smsc-api-coverage.md has every operation of the checklist, and the tests that it names are there."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path

import pytest
import service_coverage
from docs_support import ROOT
from service_coverage import PAGE, REASON, TESTS, Row, names_in, outcomes, rows_of, unproved

CHECKLIST = json.loads((TESTS / "vectors/smsc_http/checklist.json").read_text("utf-8"))
ROWS = rows_of(PAGE.read_text("utf-8"))


@cache
def functions_of(file: str) -> dict[str, bool]:
    """The tests in a file, and whether they have cases."""
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    fixtures = "fixture(params="
    with_params = {f.name for f in functions if any(fixtures in ast.unparse(d) for d in f.decorator_list)}
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            marks = " ".join(map(ast.unparse, node.decorator_list))
            arguments = {argument.arg for argument in node.args.args}
            found[node.name] = "parametrize" in marks or bool(arguments & with_params)
    return found


def test_the_page_has_the_groups_and_ids_of_the_checklist_in_its_order() -> None:
    found: dict[str, list[str]] = {}
    for row in ROWS:
        found.setdefault(row.group, []).append(row.id)
    assert found == CHECKLIST
    assert list(found) == list(CHECKLIST)
    assert len(ROWS) == 200


@pytest.mark.parametrize("side", ["client", "simulator", "front"])
def test_every_row_has_tests_or_a_reason(side: str) -> None:
    lacking = []
    for row in ROWS:
        cell = getattr(row, side)
        has_reason = cell.startswith(REASON) and len(cell) > len(REASON)
        if not has_reason and ", ".join(f"`{test}`" for test in names_in(cell)) != (cell or None):
            lacking.append((row.id, cell))
    assert lacking == []
    assert all(row.operation for row in ROWS)


def test_every_named_test_is_there() -> None:
    wrong = []
    for _, test in service_coverage.named(ROWS):
        file, _, name = test.partition("::")
        function, case, _ = name.partition("[")
        if not (TESTS / file).is_file() or function not in functions_of(file):
            wrong.append(test)
        elif case and not functions_of(file)[function]:
            wrong.append(f"{test}: has no cases")
    assert wrong == []


# -- the script that reads a report --------------------------------------------------------------------

REPORT = """\
<testsuites><testsuite name="pytest">
<testcase classname="tests.a.test_a" name="test_good" time="0.1"/>
<testcase classname="tests.a.test_a" name="test_cases[one.two]"/>
<testcase classname="tests.a.test_a" name="test_cases[three]"><skipped message="x"/></testcase>
<testcase classname="tests.test_b" name="test_bad"><failure message="x">x</failure></testcase>
<testcase classname="tests.test_b" name="test_end"/>
<testcase classname="tests.test_b" name="test_end"><error message="x">at teardown</error></testcase>
</testsuite></testsuites>
"""


def lines(tmp_path: Path, client: str, simulator: str = "– none", front: str = "– none") -> list[str]:
    report = tmp_path / "tests.xml"
    report.write_text(REPORT)
    return unproved([Row("A group", "X-ID", "an operation", client, simulator, front)], outcomes(report))


@pytest.mark.parametrize(
    ("test", "end"),
    [
        ("a/test_a.py::test_good", ""),
        ("a/test_a.py::test_cases[one.two]", ""),
        ("a/test_a.py::test_cases", "was skipped"),
        ("a/test_a.py::test_cases[three]", "was skipped"),
        ("a/test_a.py::test_cases[four]", "did not run, or is not there"),
        ("a/test_a.py::test_goo", "did not run, or is not there"),
        ("test_b.py::test_bad", "failed"),
        ("test_b.py::test_end", "failed"),
    ],
)
def test_only_what_passed_proves_something(tmp_path: Path, test: str, end: str) -> None:
    expected = [f"X-ID: {test} {end}"] if end else []
    assert lines(tmp_path, f"`{test}`") == expected
    assert lines(tmp_path, "– `none`", f"`a/test_a.py::test_good`, `{test}`") == expected
    assert lines(tmp_path, "– `none`", "– none", f"`{test}`") == expected


def test_the_script_fails_when_something_is_not_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page, report = tmp_path / "page.md", tmp_path / "tests.xml"
    monkeypatch.setattr(service_coverage, "PAGE", page)
    report.write_text(REPORT)
    head = "## A group\n\n| id | operation | client | simulator | front |\n|---|---|---|---|---|\n"
    page.write_text(f"{head}| ONE | x | `a/test_a.py::test_good` | – none | later |\n")
    assert service_coverage.main(str(report)) == 0
    assert "1 rows of the client, 0 of the simulator and 0 of the front" in capsys.readouterr().out
    page.write_text(f"{head}| X-ONE | x | `a/test_a.py::test_good` | `test_b.py::test_bad` | later |\n")
    assert service_coverage.main(str(report)) == 1
    assert "X-ONE: test_b.py::test_bad failed" in capsys.readouterr().err


def test_make_test_leaves_no_test_out_and_ends_with_the_script() -> None:
    recipe = (ROOT / "Makefile").read_text("utf-8").partition("\ntest:")[2].partition("\n\n")[0]
    commands = [line for line in recipe.replace("\\\n", " ").split(";") if "python" in line]
    assert all(command.rstrip().endswith("|| failed=1") for command in commands)
    beside, alone, script = commands
    left_out = re.findall(r"--ignore=(\S+)", beside)
    assert left_out and alone.partition("--junitxml=build/tests-alone.xml")[2].split()[:-2] == left_out
    assert "--junitxml=build/tests-beside.xml" in beside
    assert "tests/support/service_coverage.py build/tests-*.xml" in script
    assert recipe.rstrip().endswith("exit $$failed")
