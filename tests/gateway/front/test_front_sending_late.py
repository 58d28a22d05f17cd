"""send.php when the store refuses messages after all: the same answers as when they are refused at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from front_sending import OTHER, PHONE, SendDesk
from late_store import refuse_late

from gateway.core.errors import Refusal
from protocols.smsc_http import errors


@pytest.fixture
def at(tmp_path: Path) -> Iterator[SendDesk]:
    made = SendDesk(tmp_path)
    yield made
    made.close()


def late(at: SendDesk, why: Refusal, *places: int) -> None:
    refuse_late(at.journal, at.desk.submission, why, places)


def kept(at: SendDesk) -> tuple[int, int]:
    """Live and ended messages of the store."""
    [(live,)], [(ended,)] = (at.journal.all(f"SELECT count(*) FROM {t}") for t in ("message", "history"))
    return live, ended


def test_one_message_is_refused_with_its_error_and_its_id(at: SendDesk) -> None:
    late(at, Refusal.BALANCE, 0)
    assert at.refused("rich") == (errors.NO_MONEY, 1)
    assert kept(at) == (0, 1)
    assert at.desk.submission.open_messages == 0
    [row] = at.journal.all("SELECT api_id, phone, cost FROM api_message")
    assert row == ("1", PHONE, 0)
    assert at.journal.all("SELECT error FROM history") == [("balance",)]


def test_an_error_without_an_id_has_none(at: SendDesk) -> None:
    late(at, Refusal.REPEATED, 0)
    assert at.refused() == (errors.TOO_MANY, None)


def test_the_others_of_a_request_are_taken(at: SendDesk) -> None:
    late(at, Refusal.PER_NUMBER, 1)
    answer = at.ask("rich", phones=f"{PHONE},{OTHER}", op="1", cost="2")
    assert (answer["cnt"], answer["cost"]) == (1, "0.50")
    shown = {row["phone"]: (row["status"], row["error"], row["cost"]) for row in answer["phones"]}
    assert shown[PHONE] == ("-1", "0", "0.50")
    assert shown[OTHER][1] == "251"
    assert kept(at) == (1, 1)


def test_a_request_of_which_nothing_is_left_is_an_error(at: SendDesk) -> None:
    late(at, Refusal.BALANCE, 0, 1)
    number, id = at.refused("rich", phones=f"{PHONE},{OTHER}")
    assert number == errors.NO_MONEY
    assert isinstance(id, int)
    assert kept(at) == (0, 2)
