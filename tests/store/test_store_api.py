"""Messages over HTTP: what is known of them, those that are registered, requests that come again."""

from __future__ import annotations

import pytest
from gateway_fakes import DAY_MS, NOW_MS, message
from store_http import (
    CALLED,
    HANDLER,
    INBOX,
    NO_SESSIONS,
    WEBHOOK,
    claim,
    fail,
    incoming,
    known,
    live,
    send,
    use,
)
from store_support import PEER, SqliteEngine, Store, mail_rows, receipt, submitted

from gateway.core.batch import Answer, Batch, Row, not_kept
from gateway.core.model import Progress

# -- ends -------------------------------------------------------------------------------------------


def test_the_end_of_a_message_is_told_with_what_its_client_knows(store: Store) -> None:
    send(store, live(1, flags=0), live(2, flags=0), api_id="abc")
    store.apply(submitted=[submitted(1, "A")])
    answer = store.apply(receipts=[receipt("A", at_ms=NOW_MS + 5)])
    assert answer.api_ended == [("app", 1, "abc", PEER, 2, "000", NOW_MS + 5)]
    assert (answer.calls_waiting, store.rows("call")) == (False, [])
    assert answer.deliveries == []
    assert fail(store, 2).api_ended == [("app", 2, "abc", PEER, 5, "000", NOW_MS)]


def test_no_receipt_goes_to_sessions_whatever_was_asked_for(store: Store) -> None:
    send(store, live(1, registered_delivery=1))
    assert fail(store, 1).deliveries == []
    assert store.rows("delivery") == []


def test_what_ends_is_told_once(store: Store) -> None:
    send(store, live(1))
    assert len(fail(store, 1, 1).api_ended) == 1
    assert fail(store, 1).api_ended == []


@pytest.mark.parametrize(
    ("uses", "targets"), [(0, []), (HANDLER, [0]), (WEBHOOK, [1]), (HANDLER | WEBHOOK, [0, 1])]
)
def test_whoever_wants_it_is_called_with_the_end(store: Store, uses: int, targets: list[int]) -> None:
    use(store, uses)
    send(store, live(1, segments=2), parts=2, kind=1)
    answer = fail(store, 1, state=3)
    assert answer.calls_waiting is bool(targets)
    calls, _ = claim(store)
    assert [one.target for one in calls] == targets
    for one in calls:
        assert (one.account, one.kind, one.message_id, one.api_id) == ("app", 1, 1, "77")
        assert (one.phone, one.own_number, one.state, one.error) == (PEER, "Example", 3, "000")
        assert (one.done_ms, one.created_ms, one.tries) == (NOW_MS, NOW_MS, 0)
        assert (one.sms_type, one.parts, one.cost, one.comment) == (1, 2, 1_400_000, "note")
        assert (one.esm_class, one.data_coding, one.user_data) == (0, 0, b"")


def test_a_message_of_a_session_is_told_by_its_number_and_its_sms(store: Store) -> None:
    use(store, HANDLER)
    store.apply(
        accepted=[(*message(1, flags=CALLED, destination="+" + PEER, segments=3), Progress.SENT.value)]
    )
    fail(store, 1)
    (one,) = claim(store)[0]
    assert (one.phone, one.parts) == (PEER, 3)


def test_messages_of_sessions_and_mails_are_called_for_too(store: Store) -> None:
    use(store, HANDLER)
    store.send(message(1, flags=CALLED, source="1234", destination=PEER, registered_delivery=1))
    store.apply(**mail_rows(2, flags=CALLED))
    answer = fail(store, 1, 2)
    calls, _ = claim(store)
    assert [(one.message_id, one.api_id, one.phone, one.cost) for one in calls] == [
        (1, "", PEER, 0),
        (2, "", PEER, 0),
    ]
    assert calls[0].own_number == "1234"
    assert answer.api_ended == []
    assert [row[2] for row in answer.deliveries] == [1]
    assert answer.letters_waiting


def test_a_message_that_nobody_is_to_be_called_for(store: Store) -> None:
    use(store, HANDLER)
    store.send(message(1))
    assert not fail(store, 1).calls_waiting


def test_a_mail_is_reported_where_messages_over_http_end_beside_it(store: Store) -> None:
    store.mail(1)
    send(store, live(2))
    assert fail(store, 1, 2).letters_waiting
    send(store, live(3))
    assert not fail(store, 3).letters_waiting


def test_calls_of_a_multiple_submit_bear_the_id_that_its_sender_knows(store: Store) -> None:
    use(store, HANDLER)
    store.send(message(10, flags=CALLED), message(11, flags=CALLED | 1 << 16))
    fail(store, 10, 11)
    assert [one.message_id for one in claim(store)[0]] == [10, 10]


def test_what_a_message_of_a_session_cost_is_told(store: Store) -> None:
    use(store, WEBHOOK)
    store.apply(
        accepted=[(*message(1, flags=CALLED | 16), Progress.SENT.value)], charges=[(1, "app", 250, 0)]
    )
    fail(store, 1)
    assert [one.cost for one in claim(store)[0]] == [250]


def test_what_else_the_receipt_says_is_told(store: Store) -> None:
    use(store, HANDLER)
    send(store, live(1))
    store.apply(submitted=[submitted(1, "A")])
    store.apply(receipts=[(*receipt("A")[:-1], "imsi=1")])
    assert [one.info for one in claim(store, NOW_MS + DAY_MS)[0]] == ["imsi=1"]


@pytest.mark.parametrize(("kind", "kept"), [(0, ""), (4, "imsi=1"), (5, "imsi=1")])
def test_what_is_said_of_a_number_that_was_looked_up_is_kept(store: Store, kind: int, kept: str) -> None:
    send(store, live(1, flags=0), live(2, flags=0), kind=kind)
    store.apply(submitted=[submitted(1, "A"), submitted(2, "B")])
    store.apply(receipts=[(*receipt("A")[:-1], "imsi=1"), receipt("B")])
    assert [row["info"] for row in store.rows("api_message")] == [kept, ""]


def test_what_ended_in_the_last_run_is_called_for_in_the_next(store: Store) -> None:
    """In doubt when the gateway was killed, with a policy that ends it: the start ends it."""
    use(store, HANDLER)
    send(store, live(1, on_ambiguous=3))
    store.restart()
    assert [one.message_id for one in claim(store, NOW_MS + DAY_MS)[0]] == [1]


# -- registered -------------------------------------------------------------------------------------


def registered(message_id: int, **fields: object) -> Row:
    values = {
        "account": "app",
        "accepted_ms": NOW_MS,
        "source": "Example",
        "destination": PEER,
        "segments": 2,
        "state": 8,
        "error": "no money",
        "route": "r",
        "client_id": "",
        "esm_class": 0,
        "data_coding": 8,
        "user_data": b"\x04\x1f",
    }
    return (message_id, *{**values, **fields}.values())


def test_a_refused_message_can_be_asked_for(store: Store) -> None:
    use(store, HANDLER)
    answer = store.apply(registered=[registered(1)], api_messages=[known(1)])
    assert store.end(1) == (8, "no money")
    (row,) = store.rows("history")
    assert (row["origin"], row["segments"], row["done_ms"], row["route"]) == (2, 2, NOW_MS, "r")
    assert answer.api_ended == [("app", 1, "77", PEER, 8, "no money", NOW_MS)]
    assert answer.ended == []
    (one,) = claim(store)[0]
    assert (one.message_id, one.api_id, one.phone, one.state, one.error) == (1, "77", PEER, 8, "no money")
    assert (one.own_number, one.parts, one.cost, one.comment) == ("Example", 1, 1_400_000, "note")


def test_one_that_did_not_come_over_http_is_told_to_no_listener(store: Store) -> None:
    use(store, HANDLER)
    answer = store.apply(registered=[registered(1), registered(2)], api_messages=[known(2)])
    assert [row[1] for row in answer.api_ended] == [2]
    assert [(one.message_id, one.api_id, one.phone) for one in claim(store)[0]] == [
        (1, "", PEER),
        (2, "77", PEER),
    ]


def test_it_is_counted_like_others_that_end(store: Store) -> None:
    store.apply(registered=[registered(1), registered(3, state=5)])
    store.apply(registered=[registered(2)])
    found = [(row["state"], row["messages"], row["segments"]) for row in store.rows("statistics")]
    assert found == [(5, 1, 2), (8, 2, 4)]
    assert {row["day"] for row in store.rows("statistics")} == {NOW_MS // DAY_MS}


def test_its_text_is_kept_where_texts_are(store: Store) -> None:
    store.apply(registered=[registered(1)])
    assert store.rows("history_text") == []
    store.sweep()  # says that texts are kept
    store.apply(registered=[registered(2), registered(3, user_data=b"")])
    found = [(row["message_id"], row["data_coding"], row["user_data"]) for row in store.rows("history_text")]
    assert found == [(2, 8, b"\x04\x1f")]


def test_its_id_is_not_given_again(store: Store) -> None:
    store.apply(registered=[registered(7)])
    assert store.engine.rows("history")[0]["message_id"] == 7


# -- hidden -----------------------------------------------------------------------------------------


def test_a_hidden_message_is_its_own_account_s(store: Store) -> None:
    send(store, live(1), live(2), flags=1)
    store.apply(hidden=[("app", 1), ("other", 2)])
    assert [row["flags"] for row in store.rows("api_message")] == [3, 1]


# -- requests that come again -------------------------------------------------------------------------


def request(
    key: str, *message_ids: int, at_ms: int = NOW_MS, digest: bytes = b"d", account: str = "app"
) -> Row:
    return (account, key, digest, at_ms, b"answer %d" % sum(message_ids), message_ids)


def test_of_a_request_that_comes_again_nothing_is_kept(store: Store) -> None:
    def accept(n: int) -> Answer:
        return store.apply(
            request_keys=[request("k", n, digest=b"%d" % n)],
            accepted=[(*live(n, flags=16), Progress.GATHERED.value)],
            parts=[(n, "app", "a", PEER, 1, 2, 1, NOW_MS)],
            replaced_by=[(n, "app", PEER, "Example", "", NOW_MS)],
            charges=[(n, "app", 10, 0)],
            api_messages=[known(n)],
            registered=[registered(n + 100)] * (n == 1),
            short_links=[(n + 200, "app", "https://example.org/", NOW_MS, n)],
        )

    assert accept(1).keys_known == []
    before = {
        name: store.rows(name) for name in ["message", "charge", "api_message", "history", "short_link"]
    }
    assert accept(2).keys_known == [(0, b"1", b"answer 1")]
    after = {name: store.rows(name) for name in before}
    assert after == before
    assert [row["message_id"] for row in store.rows("gathered_part")] == [1]
    assert store.rows("balance")[0]["amount"] == -10


def test_the_gateway_hears_which_messages_were_not_kept(store: Store) -> None:
    """Their slots, money and counts come back (Submission)."""
    store.apply(request_keys=[request("k", 1)])
    batch = Batch(request_keys=[request("new", 2), request("k", 3, 4)])
    assert not_kept(batch, store.apply_batch(batch)) == {3, 4}


def test_intents_and_registered_ones_are_left_out_too(store: Store) -> None:
    store.apply(request_keys=[request("k", 1)])
    store.apply(
        request_keys=[request("k", 2, 3), request("other", 4)],
        accepted=[(*live(n), Progress.SENT.value) for n in (2, 4)],
        intents=[(n, 1, "one", NOW_MS) for n in (2, 4)],
        registered=[registered(3)],
        api_messages=[known(n) for n in (2, 3, 4)],
    )
    assert [row["message_id"] for row in store.rows("submission")] == [4]
    assert [row["message_id"] for row in store.rows("message")] == [4]
    assert (store.rows("history"), store.rows("call")) == ([], [])


def test_one_key_twice_in_a_batch_is_the_same_request(store: Store) -> None:
    answer = store.apply(
        request_keys=[request("a", 1), request("k", 2), request("k", 3)],
        accepted=[(*live(n), Progress.QUEUED.value) for n in (1, 2, 3)],
    )
    assert answer.keys_known == [(2, b"d", b"answer 2")]
    assert [row["message_id"] for row in store.rows("message")] == [1, 2]


def test_keys_are_each_account_s_own(store: Store) -> None:
    assert store.apply(request_keys=[request("k", 1), request("k", 2, account="b")]).keys_known == []


def test_a_key_is_new_again_after_a_day(store: Store) -> None:
    store.apply(request_keys=[request("k", 1)])
    assert store.apply(request_keys=[request("k", 2, at_ms=NOW_MS + DAY_MS)]).keys_known
    assert not store.apply(request_keys=[request("k", 3, at_ms=NOW_MS + DAY_MS + 1)]).keys_known
    (row,) = store.rows("request_key")
    assert row["answer"] == b"answer 3"
    assert store.apply(request_keys=[request("k", 4, at_ms=NOW_MS)]).keys_known  # a clock that went back


def test_a_repeated_mail_and_a_repeated_request_come_together(store: Store) -> None:
    store.apply(request_keys=[request("k", 1)])
    store.mail(2, key=b"m")
    rows = mail_rows(3, mail_id=1001, key=b"m", flags=16)
    rows["accepted"] += [(*live(n, flags=16), Progress.QUEUED.value) for n in (4, 5)]
    answer = store.apply(
        **rows, request_keys=[request("k", 4)], charges=[(n, "app", 10, 0) for n in (3, 4, 5)]
    )
    assert (len(answer.repeated), len(answer.keys_known)) == (1, 1)
    assert [row["message_id"] for row in store.rows("message")] == [2, 5]
    assert store.rows("balance")[0]["amount"] == -10


# -- what an account wants ----------------------------------------------------------------------------


def test_what_an_account_wants_holds_in_the_next_run(store: Store) -> None:
    use(store, HANDLER | NO_SESSIONS)
    use(store, WEBHOOK, account="other")
    use(store, 0, account="other")
    store.restart()
    assert [(row["account"], row["uses"]) for row in store.rows("api_account")] == [("app", 9)]
    send(store, live(1), live(2, account="other"))
    fail(store, 1, 2)
    assert [one.account for one in claim(store)[0]] == ["app"]


def test_what_was_undone_is_not_wanted_either(store: Store) -> None:
    use(store, HANDLER)
    with pytest.raises(Exception, match=r"NOT NULL|not-null"):
        store.apply(api_accounts=[("app", 0), ("other", WEBHOOK)], records=[("word", None, 1, "", "")])
    send(store, live(2), live(3, account="other"))
    fail(store, 2, 3)
    assert [(one.account, one.target) for one in claim(store)[0]] == [("app", 0)]


# -- erased -------------------------------------------------------------------------------------------


def erase(store: Store, number: str) -> None:
    step, after = 0, 0
    while step >= 0:
        ((_, step, after),) = store.apply(erasures=[(number, step, after)]).erased


def test_what_lives_is_not_erased_and_what_is_to_be_told_says_no_number(store: Store) -> None:
    use(store, HANDLER | INBOX)
    send(store, live(1), live(2))
    fail(store, 2)
    erase(store, PEER)
    assert [row["phone"] for row in store.rows("api_message")] == [PEER, "erased"]
    assert [(one.message_id, one.phone, one.state) for one in claim(store)[0]] == [(2, "erased", 5)]


@pytest.mark.parametrize("number", [PEER, "1234"])
def test_incoming_sms_are_erased_by_either_number(store: Store, number: str) -> None:
    use(store, HANDLER | INBOX)
    store.apply(incoming=[incoming(source=PEER, destination="1234")])
    erase(store, number)
    assert store.rows("inbox") == store.rows("call") == []


# -- age ----------------------------------------------------------------------------------------------


def test_what_is_forgotten_of_messages(store: Store) -> None:
    send(store, live(1), live(2), live(3))
    fail(store, 1, 3)
    store.sweep(history_before_id=3)
    assert [row["message_id"] for row in store.rows("api_message")] == [2, 3]  # 2 is not over
    fail(store, 2)
    store.sweep(history_before_id=4)
    assert store.rows("api_message") == store.rows("history") == []


def test_a_sweep_does_not_look_at_what_lives_however_much_that_is(sqlite_store: Store) -> None:
    store = sqlite_store
    send(store, *(live(n) for n in range(1, 600)))
    engine = store.engine
    assert isinstance(engine, SqliteEngine)
    steps: list[int] = []
    engine.connection.set_progress_handler(lambda: steps.append(1) and None, 100)
    engine.applier.api.forget(10_000)
    engine.connection.set_progress_handler(None, 0)
    assert len(steps) < 5, "some instructions, not some for each message"


def test_keys_are_forgotten_after_a_day(store: Store) -> None:
    store.apply(
        request_keys=[request("old", at_ms=NOW_MS - DAY_MS - 1), request("new", at_ms=NOW_MS - DAY_MS)]
    )
    store.sweep()
    assert [row["key"] for row in store.rows("request_key")] == ["new"]


@pytest.mark.parametrize("table", ["request_key", "short_link", "inbox"])
def test_a_sweep_forgets_in_pieces(store: Store, table: str) -> None:
    if table == "request_key":
        store.apply(request_keys=[request(str(n), at_ms=0) for n in range(2001)])
    elif table == "short_link":
        store.apply(short_links=[(n, "app", "https://example.org/", 0, 0) for n in range(1, 1002)])
    else:
        use(store, INBOX)
        store.apply(incoming=[incoming(created_ms=1)] * 2001)
    assert store.sweep(history_before_ms=2).sweep_again
    assert len(store.rows(table)) == 1
    assert not store.sweep(history_before_ms=2).sweep_again
    assert store.rows(table) == []
