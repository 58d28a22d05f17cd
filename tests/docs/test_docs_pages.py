"""What the pages name is there: links, files, functions, make targets, commands, options."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from docs_support import PAGES, ROOT, in_backticks, options_of, rows, section, text_of

from gateway.cli import COMMANDS

PATH = re.compile(r"(?:gateway|protocols|tests|docs|systemd|benchmarks)(?:/[\w.-]+)+/?")
FUNCTION = re.compile(r"(?:(\w+)\.)?(\w+)\(\)")


def identifiers() -> list[str]:
    return [str(page.relative_to(ROOT)) for page in PAGES]


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=identifiers())
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=identifiers())
def test_paths_exist(page: Path) -> None:
    named = {word for word in in_backticks(page.read_text(encoding="utf-8")) if PATH.fullmatch(word)}
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


@pytest.fixture(scope="module")
def source() -> str:
    files = [*ROOT.glob("gateway/**/*.py"), *ROOT.glob("protocols/**/*.py")]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


@pytest.mark.parametrize("name", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_functions_exist(name: str, source: str) -> None:
    named = [match for word in in_backticks(text_of(name)) if (match := FUNCTION.fullmatch(word))]
    assert named
    for match in named:
        owner, function = match.groups()
        if owner is None:
            assert re.search(rf"^(?:async )?def {function}\(", source, flags=re.M), match[0]
        else:
            bodies = re.findall(rf"^class {owner}\b.*?(?=^\S|\Z)", source, flags=re.M | re.S)
            found = [re.search(rf"^    (?:async )?def {function}\(", body, flags=re.M) for body in bodies]
            assert any(found), match[0]


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), flags=re.M))
    named = {
        target
        for page in PAGES
        for target in re.findall(r"^(?:[A-Z_]+=\S+ )?make ([a-z-]+)", code(page), flags=re.M)
    }
    assert {"run", "test", "check", "bench"} <= named <= targets


def code(page: Path) -> str:
    """What a page shows as code, a line for each piece."""
    text = page.read_text(encoding="utf-8")
    return "\n".join(
        [*in_backticks(text), *(line.strip() for line in re.findall("^    .*$", text, flags=re.M))]
    )


def test_the_readme_names_every_command() -> None:
    table = " ".join(row[0] for row in rows(section("README.md", "## Commands")))
    named = {word.split()[0] for word in in_backticks(table)}
    assert set(COMMANDS) <= named


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_documented(command: str) -> None:
    table = rows(section("docs/operations.md", "## Commands"))
    [documented] = [options for name, options in table if re.search(rf"`{command}\b", name)]
    words = set(re.findall(r"--[a-z-]+", documented))
    options = {action.option_strings[0] for action in options_of(command) if action.option_strings}
    if command == "simulate":
        options = {option.removesuffix("-file") for option in options}
        settings = in_backticks(section("docs/simulator.md", "## Settings"))
        words |= options & {f"--{name.replace('_', '-')}" for name in settings}
    assert words == options


def test_the_documented_defaults_are_the_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    for names, documented in rows(section("docs/operations.md", "## Commands")):
        for command in (command for command in COMMANDS if f"`{command}" in names):
            defaults = dict(re.findall(r"`(--[a-z-]+) [^`]*` \(([^)]+)\)", documented))
            actions = {
                action.option_strings[0]: action for action in options_of(command) if action.option_strings
            }
            for option, default in defaults.items():
                if not default.startswith("else"):
                    assert default == str(actions[option].default).removesuffix(".0"), (command, option)


def test_installed_packages_are_those_of_the_project() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    names = {re.split(r"[^\w-]", requirement)[0].lower() for requirement in project["dependencies"]}
    said = section("docs/security.md", "## Code and packages").lower()
    assert {name for name in names if name not in said} == set()
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    words += ("eleven", "twelve", "thirteen", "fourteen")
    assert f"there are {words[len(names)]}:" in said


def test_the_version_is_in_the_changelog() -> None:
    version = tomllib.loads(text_of("pyproject.toml"))["project"]["version"]
    assert f"# {version}\n" in text_of("CHANGELOG.md")
    assert f"Version {version}." in text_of("README.md")
