"""Advice: every problem that the manual's table names has one, which leads to its chapter."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.ops.web.advice import _ADVICE, PROBLEMS, advice_for

DOCS = Path(__file__).parents[4] / "docs"


def said_in_the_manual() -> list[str]:
    text = (DOCS / "operations.md").read_text("utf-8")
    table = text.split("### What `status` calls a problem")[1].split("\n#")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    said = [cell for row in first_cells for cell in re.findall(r"`([^`]+)`", row)]
    return [
        text for text in said if " " in text and not text.startswith(("no gateway is", "the gateway on", "…"))
    ]


@pytest.mark.parametrize("problem", said_in_the_manual())
def test_each_problem_of_the_manual_has_its_own_advice(problem: str) -> None:
    assert advice_for(problem.replace("X", "north")) in _ADVICE


def test_what_nobody_knows_leads_to_the_manual() -> None:
    assert advice_for("the moon is too near").manual == PROBLEMS


def test_the_more_exact_advice_comes_first() -> None:
    refused = advice_for("connector north is connecting: the SMSC refused the bind: ESME_RALYBND")
    assert "binds" in refused.what
    assert "firewall" in advice_for("connector north is connecting: Connection refused").what


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("manual", sorted({advice.manual for advice in _ADVICE}))
def test_each_chapter_of_the_manual_is_there(manual: str) -> None:
    name, _, anchor = manual.partition("#")
    assert (DOCS / name).exists()
    assert not anchor or anchor in anchors(DOCS / name)
