"""The tree that libyaml's events become is the one that PyYAML's own parser makes, within the same limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from yaml.nodes import MappingNode, Node, ScalarNode

from gateway.config import nodes
from gateway.config.nodes import MAX_DEPTH, is_null, is_plain

GOOD = Path(__file__).parents[2] / "vectors" / "config" / "good"
WORDS = [": ", "- ", "\n", "  ", "[", "]", "{", "}", ", ", "'", '"', "#", "~", "null", "007", "a", "b", "1e3"]
WORDS += [
    "? ",
    "|\n",
    ">-\n ",
    "é",
    "\t",
    "%",
    "@",
    "key: ",
    "<<: ",
    "yes",
    "--- ",
    "\\n",
    "&a ",
    "*a",
    "!x ",
]
words = st.sampled_from(WORDS)


def shown(node: Node | None) -> Any:
    """What the loader sees of a tree; where an empty value in brackets is, the two disagree by a column."""
    if node is None:
        return None
    place = (node.start_mark.line, node.start_mark.column, node.start_mark.name)
    if isinstance(node, ScalarNode):
        return "scalar", node.value, is_null(node), is_plain(node), place if node.value else None
    if isinstance(node, MappingNode):
        return "mapping", [(shown(key), shown(value)) for key, value in node.value], place
    return "sequence", [shown(item) for item in node.value], place


def both(text: str) -> list[Any]:
    found: list[Any] = []
    for composer in (nodes._FastComposer, nodes._Composer):
        try:
            found.append(shown(composer(text, "x.yaml").get_single_node()))
        except nodes._Refused as error:
            found.append(str(error.problem))
        except yaml.YAMLError:
            found.append(None)
    return found


@pytest.mark.parametrize("file", sorted(GOOD.glob("*.yaml")), ids=lambda file: file.name)
def test_a_configuration_becomes_the_same_tree(file: Path) -> None:
    fast, slow = both(file.read_text())
    assert fast == slow is not None


@given(st.lists(words, max_size=25).map("".join))
def test_what_both_can_read_is_the_same(text: str) -> None:
    fast, slow = both(text)
    assert fast is None or slow is None or fast == slow


@pytest.mark.parametrize(
    "text",
    ["a: &x 1", "a: *x", "a: !!str 1", "a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH, 'a: "\\a"'],
)
def test_both_refuse_what_a_configuration_may_not_have(text: str) -> None:
    fast, slow = both(text)
    assert isinstance(slow, str)
    assert fast == slow


def test_what_libyaml_cannot_read_is_told_by_the_other(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: [1\nb: 2\n")
    problems: list[Any] = []
    assert nodes.read_file(path, problems) is None
    assert [(problem.line, problem.text) for problem in problems] == [
        (2, "expected ',' or ']', but got ':' (while parsing a flow sequence begun in line 1)")
    ]


def test_without_libyaml_all_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    monkeypatch.delattr(nodes, "_FastComposer")
    path = tmp_path / "x.yaml"
    path.write_text("a: 1\n")
    assert shown(nodes.read_file(path, []))[0] == "mapping"
