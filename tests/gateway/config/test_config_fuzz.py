"""Whatever the file holds, the loader answers with a configuration or with ConfigError."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.load import load
from gateway.config.problems import ConfigError

GOOD = Path(__file__).parents[2] / "vectors" / "config" / "good"
TEXTS = [(GOOD / name).read_text() for name in ("minimal.yaml", "everything.yaml")]
TOKENS = [
    ": ",
    "- ",
    "\n",
    "  ",
    "[",
    "]",
    "{",
    "}",
    "'",
    '"',
    "#",
    "&a ",
    "*a",
    "!!x ",
    "~",
    "0",
    "-1",
    "1e9",
]
TOKENS += [
    "tls: ",
    "accounts:",
    "file",
    "env",
    "99999999999999999999",
    ".inf",
    "\\ud800",
    "\0",
    "é",
    "? ",
    "|\n",
]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "config.yaml"


def loads_or_refuses(path: Path) -> None:
    with contextlib.suppress(ConfigError):
        load(path)


@settings(max_examples=150, deadline=None)
@given(
    text=st.sampled_from(TEXTS),
    edits=st.lists(
        st.tuples(st.integers(0, 10_000), st.integers(0, 30), st.sampled_from(TOKENS)), max_size=6
    ),
)
def test_damaged_configurations(scratch: Path, text: str, edits: list[tuple[int, int, str]]) -> None:
    for place, length, token in edits:
        start = place % (len(text) + 1)
        text = text[:start] + token + text[start + length :]
    scratch.write_text(text)
    loads_or_refuses(scratch)


VALUE = re.compile(r"(?<=: )[^\n,{}\[\]]+|\[[^\]\n]*\]")
VALUES = ["''", "~", "[]", "{}", "[1]", "{a: b}", "x", "-1", "é", "0", "*", "@", "'{'", "a@b", "true"]


@settings(max_examples=150, deadline=None)
@given(edits=st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(VALUES)), min_size=1, max_size=6))
def test_values_of_another_kind(scratch: Path, edits: list[tuple[int, str]]) -> None:
    text = TEXTS[1]
    for place, value in edits:
        places = list(VALUE.finditer(text))
        chosen = places[place % len(places)]
        text = text[: chosen.start()] + value + text[chosen.end() :]
    scratch.write_text(text)
    loads_or_refuses(scratch)


@settings(max_examples=100, deadline=None)
@given(octets=st.binary(max_size=200))
def test_any_octets(scratch: Path, octets: bytes) -> None:
    scratch.write_bytes(octets)
    loads_or_refuses(scratch)
