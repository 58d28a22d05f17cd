"""The simulated service's office as a whole."""

from __future__ import annotations

from office_support import Desk

from protocols.smsc_http.operations import OPERATIONS


def test_it_handles_every_operation_that_is_not_the_sending_sides(desk: Desk) -> None:
    assert desk.office.HANDLERS.keys() == OPERATIONS.keys() - {
        "send",
        "cost",
        "status",
        "status_delete",
        "balance",
    }
