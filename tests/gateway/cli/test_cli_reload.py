"""What smsc-gateway reload says of a plan."""

from __future__ import annotations

import pytest

from gateway.admin.reload import CHANGES_MAX, plan_as_dict
from gateway.cli.reload import lines_of
from gateway.config.differences import ADDED, REMOVED, Change
from gateway.reloading import Plan

PLAN = Plan(
    changes=(
        Change("accounts[old]", None, None, REMOVED),
        Change("accounts[shop].rate", "0", "50"),
        Change("connectors[up].password", None, None),
        Change("connectors[new]", None, None, ADDED),
    ),
    rebuilt={"up": "password"},
    adjusted=("spare",),
    added=("new",),
    removed=("gone",),
    ended={"old": 2},
    restart=("listeners",),
)
NOTHING = Plan((), {}, (), (), (), {}, ())


@pytest.mark.parametrize(
    ("done", "head", "is_or_would", "are_or_would"),
    [(True, "taken over", "is", "are"), (False, "would change", "would be", "would be")],
)
def test_everything_that_a_plan_has_is_told(
    done: bool, head: str, is_or_would: str, are_or_would: str
) -> None:
    assert list(lines_of({"done": done, **plan_as_dict(PLAN)})) == [
        head,
        "  accounts[old]: removed",
        "  accounts[shop].rate: 0 → 50",
        "  connectors[up].password: changed",
        "  connectors[new]: added",
        f"connector up {is_or_would} bound anew: password",
        f"connector new {is_or_would} added",
        f"connector gone {is_or_would} removed",
        "connector spare changes and keeps its links",
        f"sessions of old {are_or_would} ended: 2",
        "listeners needs a restart",
    ]


def test_nothing_is_told_in_a_line() -> None:
    assert list(lines_of({"done": True, **plan_as_dict(NOTHING)})) == ["nothing changed"]
    assert list(lines_of({"done": False, **plan_as_dict(NOTHING)})) == ["nothing would change"]


def test_a_long_list_is_cut() -> None:
    changes = tuple(Change(f"accounts[{number}]", None, None, ADDED) for number in range(CHANGES_MAX + 7))
    plan = plan_as_dict(Plan(changes, {}, (), (), (), {}, ()))
    assert len(plan["changes"]) == CHANGES_MAX
    assert list(lines_of({"done": True, **plan}))[-1] == "  … and 7 more"
