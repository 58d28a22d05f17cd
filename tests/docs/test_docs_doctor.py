"""The manual and doctor say the same of the same things."""

from __future__ import annotations

import re

from docs_support import rows, section

from gateway.cli.doctor.advice import advice_for
from gateway.cli.doctor.checks import CHECKS


def test_what_the_manual_calls_a_problem_has_advice_here() -> None:
    unknown = advice_for("something that nobody has thought of")
    table = rows(section("docs/operations.md", "### What `status` calls a problem"))
    said = [words for row in table for words in re.findall("`([^`]+)`", row[0])]
    problems = [words for words in said if " " in words and not words.startswith("…")]
    assert len(problems) > 10
    assert [words for words in problems if advice_for(words) == unknown] == []


def test_the_manual_has_every_check() -> None:
    table = rows(section("docs/operations.md", "## Doctor"))
    assert [row[0].strip("`") for row in table] == list(CHECKS)
