"""The pages that are made from the code are what it says now, and the site has every page."""

from __future__ import annotations

import re
import runpy
import sys

import pytest
from docs_support import ROOT


@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="argparse writes help otherwise in other versions"
)
@pytest.mark.parametrize("name", ["configuration.md", "commands.md"])
def test_what_is_made_from_the_code_is_up_to_date(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    made = runpy.run_path(str(ROOT / "docs" / "reference.py"))["PAGES"][name]()
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == made, "make reference"


def test_every_page_is_in_the_site_once() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = [
        line
        for tree in re.findall(r"^```\{toctree\}\n(.*?)^```$", index, re.M | re.S)
        for line in tree.splitlines()
        if line and not line.startswith(":")
    ]
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
    assert sorted(listed) == sorted(pages)
