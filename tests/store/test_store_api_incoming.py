"""Incoming SMS of accounts that hear of them over HTTP: kept, told, and brought to sessions or not."""

from __future__ import annotations

import pytest
from gateway_fakes import DAY_MS, NOW_MS
from store_http import HANDLER, INBOX, NO_SESSIONS, WEBHOOK, claim, incoming, known, use
from store_support import PEER, Store, incoming_sms

from gateway.core.api import WAIT_CALL, CallKind
from gateway.core.message_ids import lowest_id_at
from gateway.store import api_steps, mail_steps, recent_phones
from gateway.store.mail_steps import FOR_INBOX

OURS = "1234"


def sms(text: bytes = b"yes", number: str = PEER) -> tuple[object, ...]:
    return incoming(text, source=number, destination=OURS, esm_class=0)


def texts(store: Store, table: str) -> list[bytes]:
    return [row["user_data"] for row in store.rows(table)]


def bring(store: Store, uses: int) -> bool:
    """One SMS for an account that wants to hear of it so; whether calls are waiting."""
    use(store, uses)
    return store.apply(incoming=[sms()]).calls_waiting


@pytest.mark.parametrize(
    ("uses", "kept", "called", "brought"),
    [
        (0, 0, 0, 1),
        (INBOX, 1, 0, 1),
        (HANDLER, 0, 1, 1),
        (INBOX | WEBHOOK | NO_SESSIONS, 1, 1, 0),
        (INBOX | HANDLER | WEBHOOK | NO_SESSIONS, 1, 2, 0),
    ],
)
def test_where_an_incoming_sms_goes(store: Store, uses: int, kept: int, called: int, brought: int) -> None:
    assert bring(store, uses) is bool(called)
    counts = [len(store.rows(table)) for table in ("inbox", "call", "delivery")]
    assert counts == [kept, called, brought]


def test_what_is_kept_and_told_of_it(store: Store) -> None:
    bring(store, INBOX | HANDLER)
    (row,) = store.rows("inbox")
    assert (row["account"], row["phone"], row["own_number"]) == ("app", PEER, OURS)
    assert (row["received_ms"], row["user_data"], row["answers"]) == (NOW_MS, b"yes", "")
    (one,) = claim(store)[0]
    assert (one.kind, one.message_id, one.phone, one.own_number) == (2, row["inbox_id"], PEER, OURS)
    assert (one.done_ms, one.user_data, one.data_coding, one.api_id) == (NOW_MS, b"yes", 0, "")


@pytest.mark.parametrize(
    ("text", "own_number", "kind"),
    [
        (WAIT_CALL, "", CallKind.WAITCALL),
        (WAIT_CALL, OURS, CallKind.INCOMING),
        (b"yes", "", CallKind.INCOMING),
    ],
)
def test_a_subscriber_who_has_called_is_told_as_such(
    store: Store, text: bytes, own_number: str, kind: CallKind
) -> None:
    use(store, HANDLER)
    store.apply(incoming=[incoming(text, source=PEER, destination=own_number)])
    assert [one.kind for one in claim(store)[0]] == [kind]


def test_numbers_are_kept_without_their_plus(store: Store) -> None:
    use(store, INBOX)
    store.apply(incoming=[sms(number="+" + PEER)])
    assert store.rows("inbox")[0]["phone"] == PEER
    assert store.rows("delivery")[0]["source"] == "+" + PEER


def test_listeners_hear_of_what_is_kept(store: Store) -> None:
    use(store, INBOX)
    use(store, HANDLER, "called")
    row = incoming(source="+" + PEER, destination="+" + OURS)
    answer = store.apply(incoming=[row, ("called", *row[1:])])
    assert answer.inbox == [("app", 1, PEER, OURS, NOW_MS)]


def test_other_accounts_get_theirs_as_before(store: Store) -> None:
    use(store, INBOX | NO_SESSIONS, "web")
    row = ("web", *sms()[1:])
    answer = store.apply(incoming=[sms(b"mine"), row])
    assert [(one[1], one[13]) for one in answer.deliveries] == [("app", b"mine")]
    assert [one["account"] for one in store.rows("inbox")] == ["web"]


# -- the message that it answers ----------------------------------------------------------------------


def sent(store: Store, days: float, api_id: str, **fields: object) -> int:
    """A message that was sent so many days ago."""
    message_id = lowest_id_at(NOW_MS - int(days * DAY_MS)) + 1
    store.apply(api_messages=[known(message_id, api_id=api_id, **fields)])
    return message_id


def answers(store: Store) -> str:
    use(store, INBOX | HANDLER)
    store.apply(incoming=[sms()])
    (one,) = claim(store)[0]
    assert store.rows("inbox")[-1]["answers"] == one.api_id
    return one.api_id


def test_it_answers_the_newest_message_to_its_number(store: Store) -> None:
    sent(store, 3, "zz")
    sent(store, 2, "10")
    sent(store, 1, "other", account="other")
    sent(store, 1.5, "else", phone="79990001234")
    assert answers(store) == "10"


def test_a_message_without_a_name_is_called_by_its_id(store: Store) -> None:
    message_id = sent(store, 2, "")
    assert answers(store) == str(message_id)


@pytest.mark.parametrize(("days", "found"), [(6.9, "x"), (7.1, "")])
def test_it_answers_nothing_old(store: Store, days: float, found: str) -> None:
    sent(store, days, "x")
    assert answers(store) == found


def test_it_answers_one_that_went_long_before_many_others(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only some of the newest are looked at on the disk; what went before, the writer remembers."""
    store = sqlite_store
    wanted = sent(store, 2, "early")
    store.apply(api_messages=[known(wanted + n, api_id="x", phone=f"7999{n:07}") for n in range(1, 600)])
    assert answers(store) == "early"
    store.restart()
    store.apply(incoming=[sms()])
    monkeypatch.setattr(api_steps, "START_ROWS", 599)
    store.restart()
    store.apply(incoming=[sms()])
    assert [row["answers"] for row in store.rows("inbox")] == ["early", "early", ""]


def test_a_place_in_the_memory_that_another_number_has_taken(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_phones, "PLACES", 1)
    first = sent(store, 2, "10")
    for later, (phone, account) in enumerate([("79990001234", "app"), (PEER, "other")], 1):
        store.apply(api_messages=[known(first + later, api_id="x", phone=phone, account=account)])
        assert answers(store) == "10"


# -- long ones ------------------------------------------------------------------------------------------


def parts(whole: int, *numbers: int, total: int = 2) -> list[tuple[object, ...]]:
    texts = {1: b"\x05\x00\x03\x07\x02\x01one ", 2: b"\x05\x00\x03\x07\x02\x02two"}
    return [
        incoming_sms(
            texts[n][6:].decode(), reference=7, total=total, part=n, addresses="", whole=whole,
            fallback=incoming(texts[n], esm_class=0x40, source=PEER, destination=OURS),
        )
        for n in numbers
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("uses", "brought"), [(INBOX, 2), (INBOX | HANDLER, 2), (INBOX | HANDLER | NO_SESSIONS, 0)]
)
def test_a_long_one_is_kept_joined_and_brought_in_its_parts(store: Store, uses: int, brought: int) -> None:
    use(store, uses)
    store.apply(incoming_mail=parts(FOR_INBOX, 2))
    assert store.rows("inbox") == []
    store.apply(incoming_mail=parts(FOR_INBOX, 1))
    assert texts(store, "inbox") == [b"one two"]
    assert store.rows("inbox")[0]["esm_class"] == 0
    assert [row["esm_class"] for row in store.rows("delivery")] == [0x40] * brought
    assert texts(store, "call") == [b"one two"] * bool(uses & HANDLER)
    assert store.rows("inbox")[0]["connector"] == "one"


def test_who_wants_long_ones_whole_gets_them_so_everywhere(store: Store) -> None:
    use(store, INBOX)
    store.apply(incoming_mail=parts(1, 1, 2))
    assert texts(store, "inbox") == texts(store, "delivery") == [b"one two"]


def test_parts_of_before_the_account_had_http_are_kept_as_they_came(store: Store) -> None:
    store.apply(incoming_mail=parts(0, 1))
    use(store, INBOX)
    store.apply(incoming_mail=parts(0, 2))
    assert len(store.rows("inbox")) == len(store.rows("delivery")) == 2


def test_a_part_whose_others_never_come_is_kept_alone(store: Store) -> None:
    use(store, INBOX | NO_SESSIONS)
    store.apply(incoming_mail=parts(FOR_INBOX, 2))
    store.sweep(part_before_ms=NOW_MS + 1)
    (text,) = texts(store, "inbox")
    assert text.endswith(b"two")
    assert store.rows("delivery") == []


def test_a_part_for_which_there_is_no_room_goes_on_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_steps, "PARTS_MAX", 0)
    use(store, INBOX | NO_SESSIONS)
    store.apply(incoming_mail=parts(FOR_INBOX, 1))
    assert (len(store.rows("inbox")), store.rows("delivery")) == (1, [])


def test_a_whole_one_that_might_have_been_a_mail_s_answer(store: Store) -> None:
    use(store, INBOX | NO_SESSIONS)
    row = incoming_sms("yes", addresses="", answers_since_ms=1, fallback=sms())
    store.apply(incoming_mail=[row])
    assert (texts(store, "inbox"), store.rows("delivery")) == ([b"yes"], [])


def test_what_a_service_tells_twice_is_kept_once(store: Store) -> None:
    use(store, INBOX)
    for _ in range(2):
        store.apply(once=[("one", 5, NOW_MS, "incoming", sms())])
    assert len(store.rows("inbox")) == 1


# -- age ------------------------------------------------------------------------------------------------


def test_old_ones_are_forgotten_and_their_ids_not_given_again(store: Store) -> None:
    bring(store, INBOX)
    store.sweep(history_before_ms=NOW_MS + 1)
    assert store.rows("inbox") == []
    store.restart()
    store.apply(incoming=[sms()])
    assert store.rows("inbox")[0]["inbox_id"] == 2
