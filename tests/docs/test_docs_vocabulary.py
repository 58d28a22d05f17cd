"""The words of the log, of refusals, of states and of the security list are documented, each and no other."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

from docs_support import ROOT, in_backticks, rows, section

from gateway.core.errors import Refusal
from gateway.core.model import OnAmbiguous, Progress
from gateway.store.reader import LISTINGS
from gateway.translate.smpp_status import REFUSAL_STATUS
from protocols.smpp.constants import status_name

# Fields that a part of the gateway gives to each of its events.
_OWN_FIELDS = {"ingress": {"account", "peer"}, "egress": {"connector"}, "smsc_http": {"connector"}}
_LEVELS = {"debug", "info", "warning", "error"}


def constants(node: ast.expr) -> set[str]:
    """The words that an expression may be: a constant, or either arm of a condition."""
    if isinstance(node, ast.IfExp):
        return constants(node.body) | constants(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def events_of(file: Path) -> dict[str, tuple[set[str], set[str]]]:
    """Event → levels and fields, from the calls in a file."""
    found: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        method, arguments = call.func.attr, call.args
        fields = {keyword.arg for keyword in call.keywords if keyword.arg}
        is_said = method in ("say", "tell") or (method == "_say" and file.name == "link_news.py")
        if is_said and len(arguments) >= 2 and constants(arguments[1]):
            levels, [name] = constants(arguments[0]), constants(arguments[1])
            if ast.unparse(call.func.value).rpartition(".")[2] not in ("events", "_events"):
                fields |= _OWN_FIELDS.get(file.parent.name, set())
        elif method == "seldom" and constants(arguments[1]):
            levels, [name] = constants(arguments[0]), constants(arguments[1])
            fields.discard("at_most")
        elif method == "_message" and file.name == "events.py":
            assert isinstance(arguments[1], ast.JoinedStr)
            words = "".join(part for it in arguments[1].values for part in constants(it) or {"…"})
            levels, name = {"info"}, words.partition(" ")[0]
            fields = set(re.findall(r"(\w+)=", words))
        else:
            continue
        found[name][0].update(levels)
        found[name][1].update(fields)
    return found


def test_every_event_is_documented_with_its_levels_and_fields() -> None:
    in_source: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for file in ROOT.glob("gateway/**/*.py"):
        for name, (levels, fields) in events_of(file).items():
            in_source[name][0].update(levels)
            in_source[name][1].update(fields)
    documented = {}
    for names, level, words, meaning in rows(section("docs/operations.md", "## The log")):
        assert meaning
        for name in in_backticks(names):
            documented[name] = (set(level.split(", ")), set(words.replace("–", "").split()))
    assert documented == dict(in_source)
    assert {level for levels, _ in documented.values() for level in levels} <= _LEVELS


def test_every_refusal_is_documented_with_its_status() -> None:
    documented = {}
    for words, statuses, reason in rows(section("docs/operations.md", "### Messages are refused")):
        names, answers = in_backticks(words), statuses.split(", ")
        assert reason
        for number, name in enumerate(names):
            documented[name] = answers[min(number, len(answers) - 1)]
    assert documented == {refusal.value: status_name(REFUSAL_STATUS[refusal]) for refusal in Refusal}


def test_every_list_and_state_is_documented() -> None:
    daily = section("docs/operations.md", "## Every day")
    assert set(LISTINGS) <= set(in_backticks(daily))
    states = {row[0] for row in rows(section("docs/operations.md", "### Messages do not arrive"))}
    assert {progress.name for progress in Progress} <= states


def test_every_policy_is_documented() -> None:
    table = rows(section("docs/guarantees.md", "## AMBIGUOUS"))
    assert {in_backticks(row[0])[0] for row in table} == {policy.name.lower() for policy in OnAmbiguous}
