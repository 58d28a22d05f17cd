"""Which commands are written down, and that nothing of them is but ids, known names and masked numbers."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from gateway.admin import SUBJECTS, messages
from gateway.admin.actions import (
    ACTIONS,
    NOTES,
    READS,
    WORDS,
    Action,
    Kind,
    Names,
    Outcome,
    action_of,
    outcome_of,
    subject_of,
    why_of,
)

NAMES = Names({"shop": 1, "79990000000": 1}, {"operator": 1})
COMMANDS = [name for names in SUBJECTS.values() for name in names]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_a_read_or_an_action(command: str) -> None:
    """A new one: READS of gateway/admin/actions.py if it changes nothing and masks numbers, else ACTIONS."""
    assert sum(command in them for them in (READS, ACTIONS, NOTES)) == 1


def test_no_list_has_what_is_no_command() -> None:
    assert {*READS, *ACTIONS, *NOTES} == set(COMMANDS)


def test_what_nobody_knows_is_written_down() -> None:
    assert action_of({"command": "burn"}) is not None
    assert action_of({"command": ["status"]}) is not None


@pytest.mark.parametrize(
    ("request_", "is_one"),
    [
        ({"command": "status"}, False),
        ({"command": "message", "message_id": 7}, False),
        ({"command": "message", "message_id": 7, "text": True}, True),
        ({"command": "message", "message_id": 7, "full": True}, True),
        ({"command": "find", "full": False}, False),
        ({"command": "reload", "diff": True}, False),
        ({"command": "reload"}, True),
        ({"command": "trace"}, True),
        ({"command": "audit_note"}, False),
    ],
)
def test_reading_is_written_down_where_it_shows_whole_numbers_or_texts(
    request_: dict[str, Any], is_one: bool
) -> None:
    assert (action_of(request_) is not None) is is_one


@pytest.mark.parametrize(
    ("command", "request_", "subject"),
    [
        ("account_credit", {"account": "shop", "amount": "-2.50", "note": "for Ann"},
         "account=shop amount=-2.50"),
        ("account_credit", {"account": "nobody", "from": "shop"}, "account=? from=shop"),
        ("decide", {"word": "drop", "message_ids": [7, "8", 9, 10, 11]},
         "word=drop message_ids=7,8,9 and 2 more"),
        ("replay", {"ids": ["L7", "C8", "123456789"]}, "ids=L7,C8,123456789"),
        ("message", {"message_id": 1234567890123456789, "full": True},
         "message_id=1234567890123456789 full=yes"),
        ("message", {"message_id": 79990001234, "full": True}, "message_id=7999***1234 full=yes"),
        ("erase", {"number": "79990001234"}, ""),
        ("blacklist_add", {"account": "", "numbers": ["+79990001234", "112"]}, "numbers=7999***1234,11*"),
        ("blacklist_add", {"account": "79990000000", "numbers": "what"}, "account=79990000000 numbers=?"),
        ("ping_task_add", {"account": "shop", "to": "79990001234, 0079990001235", "failure": "down"},
         "account=shop to=7999***1234,7999***1235"),
        ("sender_decide", {"account": "shop", "name": "79990001234", "allowed": False},
         "account=shop name=7999***1234 allowed=no"),
        ("sender_decide", {"account": "shop", "name": "My shop", "allowed": True},
         "account=shop name=My shop allowed=yes"),
        ("export", {"from_ms": 1_700_000_000_000, "states": ["DELIVERED"], "text": True},
         "from=2023-11-14T22:13:20Z states=DELIVERED text=yes"),
        ("trace", {"connector": "operator", "seconds": 60, "texts": True},
         "connector=operator seconds=60 texts=yes"),
        ("export", {"from_ms": 10**30}, "from=?"),
    ],
)  # fmt: skip
def test_subjects(command: str, request_: dict[str, Any], subject: str) -> None:
    assert subject_of(ACTIONS[command], request_, NAMES) == subject


def test_outcomes() -> None:
    decide, word = ACTIONS["decide"], {"command": "decide"}
    rows = [{"done": True, "why": ""}, {"done": False, "why": "it has ended"}]
    assert outcome_of(decide, word, {"results": rows}) == Outcome("done", "1 of 2")
    assert outcome_of(decide, word, {"results": rows[1:]}) == Outcome("refused", "0 of 1")
    assert outcome_of(decide, word, {"results": rows[:1]}) == Outcome("done")
    assert outcome_of(ACTIONS["reload"], {}, {"problems": [{}, {}]}) == Outcome(
        "refused", "0 changed, 2 mistakes"
    )
    assert outcome_of(ACTIONS["replay"], {}, {"replayed": 1, "unknown": ["7"]}).why == "1 were not there"
    assert outcome_of(Action(), {}, {"error": "no room"}) == Outcome("refused", "no room")


@pytest.mark.parametrize(
    ("text", "request_", "why"),
    [
        ("there is no account 'shap'; there are: shop", {"account": "shap"}, "there is no account"),
        ("there is no account shap", {"account": "shap"}, "there is no account …"),
        ("no to 79990001234, nor +79990001234", {}, "no to 7999***1234, nor 7999***1234"),
        ("message 1234567890123456789 has ended", {}, "message 1234567890123456789 has ended"),
        ("what is 'a\\nb'", {"x": {"y": ["a\nb"]}}, "what is"),
    ],
)
def test_a_reason_does_not_repeat_what_was_asked(text: str, request_: dict[str, Any], why: str) -> None:
    assert why_of(text, request_) == why


CANARIES = (
    "canary secret",
    "canarytext, и по-русски",
    "canary'\"\n\\x",
    "79160000666",
    "+79160000666",
    "0079160000666",
)


def anything(random: Random, depth: int = 0) -> Any:
    """A value of a request; whatever is a text is a canary."""
    kind = random.randrange(8 if depth < 3 else 6)
    if kind < 4:
        return random.choice(CANARIES)
    if kind == 4:
        return random.choice((True, False, None, 0, -1, 7, 10**30, 79160000666, 1.5))
    if kind == 5:
        return random.randrange(1 << 40)
    if kind == 6:
        return [anything(random, depth + 1) for _ in range(random.randrange(4))]
    return {random.choice(CANARIES): anything(random, depth + 1) for _ in range(random.randrange(3))}


@pytest.mark.parametrize("command", sorted(ACTIONS))
def test_no_text_secret_or_whole_number_is_ever_written_down(command: str) -> None:
    """Requests with canaries at any place, and errors that repeat them as errors do."""
    random = Random(command)
    action = ACTIONS[command]
    fields = [*action.subject, "note", "why", "text", "failure", "password", "by", "who", "client_id"]
    for _ in range(300):
        request = {name: anything(random) for name in fields if random.random() < 0.7}
        written = subject_of(action, request, NAMES)
        for form in (str, repr, json.dumps, lambda value: repr(str(value))):
            error = f"it is wrong: {form(random.choice([*request.values(), 'nothing']))}; write another"
            written += " " + outcome_of(action, request, {"error": error}).why
        assert "canary" not in written, (request, written)
        assert "79160000666" not in written, (request, written)


def test_the_words_are_those_that_can_be_decided() -> None:
    assert set(messages.WORDS) <= WORDS


def test_each_kind_is_used() -> None:
    assert {kind for action in ACTIONS.values() for kind in action.subject.values()} == set(Kind)
