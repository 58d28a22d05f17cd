"""The named statements of both engines: each is run by name, and each name that is run exists."""

from __future__ import annotations

import ast
from pathlib import Path

import gateway
from gateway.store.postgres_sql import postgres_statements
from gateway.store.sqlite_open import statements

GATEWAY = Path(gateway.__file__).parent
STORE = GATEWAY / "store"
ASKING = (GATEWAY / "front", GATEWAY / "api")
"""What is read over HTTP is asked for by its name there (ApiRows)."""
ASK = {"rows", "_rows"}
RUNNERS = {"_run", "_many", "run", "many"}


def constants_in(node: ast.expr) -> set[str]:
    """The text that an expression is, or may be."""
    if isinstance(node, ast.IfExp):
        return constants_in(node.body) | constants_in(node.orelse)
    return {ast.unparse(node).strip("'")}


def run_by_name() -> set[str]:
    """The constant names that the store's modules run, or look up in `sql`."""
    names = set()
    for file in STORE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
                if name in RUNNERS and node.args:
                    names |= constants_in(node.args[0])
                elif name == "_Place":
                    names |= set(ast.literal_eval(node.args[2]))
            elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("sql"):
                names.add(ast.unparse(node.slice).strip("'"))
    for file in (file for folder in ASKING for file in folder.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASK:
                names |= constants_in(node.args[0])
    return names - {"name", "statement"}


def test_every_named_statement_is_used_and_every_used_one_is_named() -> None:
    assert set(postgres_statements()) == run_by_name()


def test_every_statement_says_what_it_is_for() -> None:
    for name, text in statements().items():
        assert text.startswith("-- "), f"{name} has no sentence"
