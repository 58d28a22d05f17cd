"""What is made of pip-audit's report: a package that could not be looked up is never a good one."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import audit
import pytest
from audit import CLEAN, FINDINGS, NOT_AUDITED, ignored, verdict

DAY = date(2030, 6, 1)
GOOD = {"name": "six", "version": "1.0", "vulns": []}
SKIPPED = {"name": "uvloop", "skip_reason": "Dependency not found on PyPI"}
ADVISORY = {"id": "PYSEC-2030-1", "aliases": ["CVE-2030-1"], "fix_versions": ["2.0"]}
BAD = {"name": "aiohttp", "version": "1.0", "vulns": [ADVISORY]}


def report(*packages: Any) -> dict[str, Any]:
    return {"dependencies": list(packages)}


@pytest.mark.parametrize(
    ("packages", "code", "last"),
    [
        ([GOOD], CLEAN, "audited: 1 packages, 0 findings"),
        ([GOOD, SKIPPED], NOT_AUDITED, "NOT AUDITED: 1 of 2 packages: "),
        ([], NOT_AUDITED, "NOT AUDITED: 0 of 0 packages: "),
        ([BAD, SKIPPED], FINDINGS, "audited: 1 packages, 1 findings"),
    ],
)
def test_security_76_verdicts(packages: list[Any], code: int, last: str) -> None:
    found = verdict(report(*packages))
    assert found.code == code
    assert found.lines[-1].startswith(last)


def test_security_76_a_finding_says_what_to_install() -> None:
    assert verdict(report(GOOD, BAD)).lines[0] == "aiohttp 1.0: PYSEC-2030-1, fixed in 2.0"


@pytest.mark.parametrize("name", ["PYSEC-2030-1", "CVE-2030-1"])
def test_security_76_what_is_passed_over_has_a_reason_and_a_last_day(name: str) -> None:
    line = f"# why\n\n{name} 2030-06-01 not called here\n"
    assert verdict(report(BAD), ignored(line, DAY)).code == CLEAN
    assert verdict(report(BAD), ignored(line, date(2030, 6, 2))).code == FINDINGS
    with pytest.raises(ValueError, match="and why"):
        ignored(f"{name} 2030-06-01\n", DAY)


def test_security_76_the_list_of_what_is_passed_over_can_be_read() -> None:
    ignored(audit.IGNORED.read_text("utf-8"), DAY)


PROGRAMS = {
    "clean": """echo '{"dependencies": [{"name": "six", "version": "1.0", "vulns": []}]}'""",
    "finds": """echo '{"dependencies": [{"name": "six", "version": "1.0", "vulns": [{"id": "PYSEC-2030-1",
        "aliases": [], "fix_versions": []}]}]}'; exit 1""",
    "not reached": "echo refused >&2; exit 1",
    "hangs": "exec sleep 600",
}


@pytest.mark.parametrize(
    ("name", "code"), list(zip(PROGRAMS, (CLEAN, FINDINGS, NOT_AUDITED, NOT_AUDITED), strict=True))
)
def test_security_76_whatever_pip_audit_does_it_ends_in_a_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    program = tmp_path / "pip-audit"
    program.write_text(f"#!/bin/sh\n{PROGRAMS[name]}\n")
    program.chmod(0o700)
    if name == "hangs":
        monkeypatch.setattr(audit, "TIMEOUT_S", 0.01)
    assert audit.main(str(program), "requirements.lock") == code


def test_security_76_no_report_is_no_audit(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    answers = iter([report(GOOD), None, report(BAD), None])
    monkeypatch.setattr(audit, "ask", lambda *_: next(answers))
    assert audit.main("pip-audit", "good", "silent") == NOT_AUDITED
    assert capsys.readouterr().out.splitlines() == [
        "good: audited: 1 packages, 0 findings",
        "silent: NOT AUDITED: the source of advisories cannot be reached",
    ]
    assert audit.main("pip-audit", "bad", "silent") == FINDINGS
