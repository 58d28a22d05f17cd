"""smsc-gateway ping-task: what it refuses before it asks the gateway."""

from __future__ import annotations

import pytest

from gateway.__main__ import main

ADD = "name all three: smsc-gateway ping-task add NAME --account ACCOUNT --to NUMBERS"
REMOVE = "name both: smsc-gateway ping-task remove ID --account ACCOUNT"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["add", "web", "--account", "app"], ADD),
        (["add", "--account", "app", "--to", "79990000001"], ADD),
        (["remove", "web", "--account", "app"], REMOVE),
        (["remove", "1"], REMOVE),
        (["list", "web"], "list takes no NAME or ID"),
    ],
)
def test_wrong_usage_of_tasks_is_told(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ping-task", *arguments]) == 2
    assert capsys.readouterr().err == f"smsc-gateway ping-task: {told}\n"
