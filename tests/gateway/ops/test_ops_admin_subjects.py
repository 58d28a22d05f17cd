"""The requests of the control socket: found by name, their files imported when they are asked for."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from unittest.mock import MagicMock

import pytest

import gateway.admin
from gateway.admin import SUBJECTS, all_handlers


@pytest.mark.parametrize("subject", SUBJECTS)
def test_each_file_answers_what_it_is_listed_with(subject: str) -> None:
    handlers = import_module(f"gateway.admin.{subject}").handlers(MagicMock())
    assert set(handlers) == set(SUBJECTS[subject])


def test_every_file_is_listed() -> None:
    files = {path.stem for path in Path(gateway.admin.__file__).parent.glob("*.py")}
    assert files == {*SUBJECTS, "__init__", "actions", "commits", "recorder", "who"}


def test_no_name_is_given_twice() -> None:
    names = [name for names in SUBJECTS.values() for name in names]
    assert len(names) == len(set(names)) == len(all_handlers(MagicMock()))


def test_a_gateway_that_nobody_asks_has_none_of_them() -> None:
    program = "import sys, gateway.daemon; print([m for m in sys.modules if m.startswith('gateway.admin.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
