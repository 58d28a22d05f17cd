"""What a mail's sender hears when the store has refused its messages after all."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from gateway_fakes import ManualClock, account, message, quiet_events

from gateway.core.errors import Refusal
from gateway.ingress.mail_intake import MailIntake


class Intake:
    """As much of an intake as ends a mail."""

    committed = MailIntake._committed

    def __init__(self, late: dict[int, Refusal], earlier: dict[int, int]) -> None:
        self.submission = SimpleNamespace(refused_late=late)
        self.parted: list[str] = []
        self.pairs = SimpleNamespace(parted=lambda who, number: self.parted.append(number))
        self.repeated = self.taken = 0
        self.clock = ManualClock()
        self._earlier = earlier
        self._events = quiet_events()


def said(ok: bool = True, late: Any = (), earlier: Any = ()) -> tuple[str, Intake]:
    async def told() -> tuple[str, Intake]:
        intake, reply = Intake(dict(late), dict(earlier)), asyncio.get_running_loop().create_future()
        both = [message(1), message(2)]
        intake.committed(reply, account(), "a@example.org", 9, both, ok)  # type: ignore[misc]
        return await reply, intake

    return asyncio.run(told())


@pytest.mark.parametrize(
    ("why", "text"), [(Refusal.BALANCE, "451 4.7.1 the account's balance"), (Refusal.DENIED, "550 5.7.1")]
)
def test_a_mail_of_which_nothing_is_kept_is_refused(why: Refusal, text: str) -> None:
    reply, intake = said(late={1: why, 2: why})
    assert reply.startswith(text)
    assert (intake.taken, len(intake.parted)) == (0, 2)


def test_what_was_refused_late_of_others_is_nothing_to_this_mail() -> None:
    reply, intake = said(late={7: Refusal.BALANCE})
    assert reply == "250 2.0.0 queued as 9"
    assert (intake.taken, intake.parted) == (1, [])


def test_a_mail_that_came_before_and_a_store_that_cannot_write_are_told_as_ever() -> None:
    assert said(earlier={9: 5})[0] == "250 2.0.0 queued as 5"
    assert said(ok=False, late={7: Refusal.BALANCE})[0].startswith("451 4.3.0")
