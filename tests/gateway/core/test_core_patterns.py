"""Patterns that could take very long are refused, and those that pass end in time whatever the text is."""

from __future__ import annotations

import re

import pytest

from gateway.core.patterns import (
    LONGEST_TEXT,
    PatternError,
    check_replacement,
    compile_anywhere,
    compile_whole,
)

NUMBERS = ["49(15|16|17)[0-9]+", "[A-Z]{3,11}", "([0-9]{3})+", "(79|78)[0-9]*", "7?[0-9]{10}", ".*", ""]
TEXTS = [
    "(?i)code",
    r"\bcode\b.*[0-9]{4}",
    "^a.*b.*c",
    ".{0,40}x.{0,40}y",
    "(foo|bar|quux)+",
    r"[0-9]++(-[0-9]++)*+",
    r"(?>[0-9]+)x",
    "(?=.*x)(a)?(?(1)b|c)",
    r"code\s{1,5}is\s{1,5}[0-9]{4,8}",
]
SLOW = [
    "(a+)+b",
    "(a*)*b",
    "(a|aa)+b",
    "(.*)(.*)(.*)x",
    "a.*b.*c",
    r"(\d+,)+x",
    "((ab)*c?)*x",
    "(x+x+)+y",
    "(a?){40}a{40}",
    r"code\s+is\s+[0-9]+",
    "(?=(a+)+b)",
]


@pytest.mark.parametrize("pattern", NUMBERS)
def test_these_are_good_for_numbers(pattern: str) -> None:
    assert compile_whole(pattern).pattern == pattern


@pytest.mark.parametrize("pattern", TEXTS)
def test_these_are_good_for_texts(pattern: str) -> None:
    assert compile_anywhere(pattern).pattern == pattern


@pytest.mark.parametrize("pattern", SLOW)
def test_these_could_take_very_long(pattern: str) -> None:
    with pytest.raises(PatternError, match="could take very long") as caught:
        compile_anywhere(pattern)
    assert "limit them" in caught.value.fix


@pytest.mark.timeout(20)
@pytest.mark.parametrize("pattern", TEXTS)
def test_what_passed_ends_with_hostile_texts(pattern: str) -> None:
    found = compile_anywhere(pattern)
    for text in ("a", "ab", "aab", "code ", "1", "x", "foo", "1-", "c1 "):
        found.search((text * LONGEST_TEXT)[:LONGEST_TEXT])


def test_branches_that_only_differ_in_small_and_capital_letters_are_not_told_apart() -> None:
    for pattern in ("(?i)(?:ax|Ax)*b", "(?i:kx|\u212ax)*b", "(?i)(?:sx|\u017fx)*b", "(?i)(?:ix|\u0131x)*b"):
        with pytest.raises(PatternError, match="could take very long"):
            compile_anywhere(pattern)
    compile_anywhere("(?i)(?:ax|bx)*b")


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(", r"missing \), unterminated subpattern"),
        ("[", "unterminated character set"),
        ("*", "nothing to repeat"),
        ("[[a]", "Possible nested set"),
        ("a(?i)", "global flags not at the start"),
        ("x{4294967296}", "too large"),
        (r"\q", "bad escape"),
        ("(?P<n>a)(?P<n>b)", "redefinition"),
    ],
)
def test_what_is_no_pattern_is_told(pattern: str, why: str) -> None:
    with pytest.raises(PatternError, match=f"is no regular expression: .*{why}"):
        compile_whole(pattern)


def test_a_replacement_names_groups_that_there_are() -> None:
    pattern = re.compile("(a)(?P<rest>b)")
    for good in (r"\1", r"\g<rest>", "x", "", r"\\", r"\2\1"):
        check_replacement(pattern, good)
    for bad in (r"\3", r"\g<other>", r"\q"):
        with pytest.raises(PatternError, match="is no replacement"):
            check_replacement(pattern, bad)


def test_a_beginning_of_lines_is_no_beginning_of_the_text() -> None:
    compile_anywhere("^.{0,100}x.{0,100}")
    with pytest.raises(PatternError, match="could take very long"):
        compile_anywhere("(?m)^.{0,100}x.{0,100}")
