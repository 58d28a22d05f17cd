"""The lock files: what production installs, and the same with the tools of tests and checks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
ALL = (*LOCKS, "requirements-audit.lock", "requirements-docs.lock")


def blocks(name: str) -> dict[str, str]:
    """Each requirement's line without the hashes, and its hashes."""
    text = re.sub(r"^ *#.*\n", "", (ROOT / name).read_text(), flags=re.M).replace("\\\n", " ")
    parts = (line.partition("--hash") for line in text.splitlines() if line)
    return {requirement.strip(): hashes for requirement, _, hashes in parts}


def test_security_76_what_production_installs_is_what_is_tested() -> None:
    production, tested = (set(blocks(name).items()) for name in LOCKS)
    assert production < tested


def test_production_gets_no_tools_of_tests_and_checks() -> None:
    names = {line.split("==")[0] for line in blocks("requirements.lock")}
    of_mail = {"aiosmtpd", "atpublic", "attrs", "aiosmtplib", "html-text", "lxml", "lxml-html-clean"}
    of_http = {
        "aiohttp",
        "aiohappyeyeballs",
        "aiosignal",
        "frozenlist",
        "multidict",
        "propcache",
        "yarl",
        "idna",
    }
    of_tables = {"rich", "markdown-it-py", "mdurl", "pygments"}
    of_texts = {"anyascii", "phonenumbers"}
    of_postgres = {"psycopg", "psycopg-binary"}
    of_pages = {"jinja2", "markupsafe", "prometheus-client"}
    others = {"pyyaml", "six", "smpplib", "uvloop", "setuptools", "typing-extensions"}
    assert names == {*others, *of_mail, *of_http, *of_tables, *of_texts, *of_postgres, *of_pages}


@pytest.mark.parametrize("name", ALL)
def test_security_76_every_version_is_exact_and_hashed(name: str) -> None:
    for line, hashes in blocks(name).items():
        assert re.match(r"[\w.-]+==[\w.]+( ;|$)", line), line
        assert "sha256:" in hashes, line


@pytest.mark.parametrize("name", ALL)
def test_no_registry_is_named(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*--?(index|extra|find|trusted|i\b)", text, re.M)


def test_security_76_the_audit_looks_at_every_lock_and_cannot_pass_unseen() -> None:
    recipe = (ROOT / "Makefile").read_text("utf-8").partition("\naudit:")[2].partition("\n\n")[0]
    assert [name for name in ALL if name not in recipe] == []
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "requirements*.lock" in script
    # what it said stands where it was done and at the end
    assert script.count('cat "$scratch/audit"\n') == 2
