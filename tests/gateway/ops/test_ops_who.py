"""Who is remembered as having asked for something."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.admin.who import WHO_MAX, who_of


@pytest.mark.parametrize(
    ("request_", "who"),
    [
        ({}, ""),
        ({"who": "root"}, "root"),
        ({"who": "root", "by": {"user": "olga", "address": "::1"}}, "olga"),
        ({"who": "root", "by": {"user": "", "address": "::1"}}, "root"),
        ({"who": "root", "by": "olga"}, "root"),
        ({"who": "a\x1fb\nc\u202e"}, "abc"),
        ({"who": "x" * 100}, "x" * WHO_MAX),
    ],
)
def test_it_is_the_pages_user_else_the_command_lines(request_: dict[str, Any], who: str) -> None:
    assert who_of(request_) == who
