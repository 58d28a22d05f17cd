"""A number is erased: afterwards it is in no column of any table, nor what was said to it or by it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from gateway_fakes import NOW_MS, message
from store_support import SENDER, SqliteEngine, Store, incoming_sms, mail_rows, receipt

from gateway.core.model import INCOMING, Delivery, Progress, Wish
from gateway.store import history_steps
from gateway.store.history_steps import OVER

NUMBER = "79990001234"
OTHER = "79990005678"
TEXT = "canary text"


def erase(store: Store, number: str = NUMBER) -> dict[str, int]:
    """Rows of each table, after all portions."""
    total: dict[str, int] = {}
    step = after = 0
    while step != OVER:
        ((counts, step, after),) = store.apply(erasures=[(number, step, after)]).erased
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
    return total


def incoming(number: str = NUMBER) -> tuple[Any, ...]:
    """A row of Batch.incoming."""
    row = Delivery(
        *(0, "app", 0, NOW_MS, 1, 1, number, 1, 1, "1234", 0, 0, 0, TEXT.encode(), b"", INCOMING, ""),
        *(NOW_MS, NOW_MS, 1),
    )
    return tuple(row[1:-1])


def fill(store: Store, number: str, first: int) -> None:
    """Something in each table; ten messages from `first` on, of which the last lives."""
    text = TEXT.encode()
    ids = range(first, first + 4)
    sent = [message(n, destination=number, user_data=text, client_id=f"to-{number}") for n in ids]
    store.send(*sent[:2], sent[2]._replace(source=number, destination="79995550000"), sent[3])
    store.taken(first, f"up-{first}")
    store.apply(doubts=[(first + 1, 1, NOW_MS, f"no answer for {number}", "", 0)])
    store.apply(incidents=[(first, NOW_MS, f"asked about {number}")])
    store.apply(receipts=[receipt(f"up-{first}", peer=number)])
    store.apply(failed=[(n, 5, "", NOW_MS) for n in ids[1:3]])
    store.apply(refused=[(store.rows("delivery")[-1]["delivery_id"], "no", NOW_MS)])
    store.apply(incoming=[incoming(number), incoming(number)])
    store.apply(refused=[(store.rows("delivery")[-1]["delivery_id"], "no", NOW_MS)])
    store.apply(receipts=[receipt(f"unknown-{number}", peer=number)])
    mail = {"mail_id": first + 6, "number": number, "address": f"{number}@sms.example.org", "notify": 7}
    rows = mail_rows(first + 4, subject=f"{TEXT} for {number}", returned=f"To: {number}\n{TEXT}".encode(),
                     orcpt=f"rfc822;{number}@sms.example.org", destination=number, user_data=text,
                     envid=number, client_id=number, **mail)  # fmt: skip
    store.apply(**rows)
    store.apply(failed=[(first + 4, 5, "", NOW_MS)])
    sms = incoming_sms(TEXT, number=number)
    part = incoming_sms(TEXT, number=number, reference=first, total=3, fallback=incoming(number))
    store.apply(incoming_mail=[sms, sms, part])
    store.apply(letters_refused=[(store.rows("letter")[-1]["letter_id"], "no", NOW_MS)])
    fill_http(store, number, first + 7)


def fill_http(store: Store, number: str, message_id: int) -> None:
    """The same of what came over HTTP: two messages that have ended, and an incoming SMS."""
    store.apply(api_accounts=[("web", 15)])
    bare = message(message_id, account="web", destination=number, origin=2, flags=Wish.CALLED.value)
    store.send(bare, bare._replace(message_id=message_id + 1))
    known = (number, "Example", 0, 1, 0, f"{TEXT} for {number}", 0)
    store.apply(api_messages=[(n, "web", f"to-{number}", *known) for n in (message_id, message_id + 1)])
    store.apply(failed=[(message_id, 5, "", NOW_MS)])
    store.apply(calls_refused=[(row["call_id"], "no", NOW_MS) for row in store.rows("call")])
    store.apply(failed=[(message_id + 1, 5, "", NOW_MS)])
    store.apply(incoming=[("web", *incoming(number)[1:])])
    said = f'{{"to": "{number}"}}'.encode()
    store.apply(request_keys=[("web", f"k{message_id}", b"-", NOW_MS, said, ())])
    store.apply(short_links=[(message_id, "web", f"https://example.org/?to={number}", NOW_MS, 0)])
    store.apply(clicks=[(message_id, NOW_MS, 20000)])
    store.apply(records=[("job", "web", message_id, "", f'["{number}"]')])
    store.apply(contacts=[(message_id, "web", 0, number, "3", *"abcdefghi"[:9])])


def cells(store: Store) -> list[tuple[str, str, Any]]:
    """Every cell of every table, but for those of live messages and what is kept."""
    live = {row["message_id"] for row in store.rows("message")}
    return [
        (table, column, value)
        for table in store.engine.tables()
        for row in store.rows(table)
        for column, value in row.items()
        if table not in KEPT_TABLES and row.get("message_id") not in live
    ]


def holding(store: Store, words: str) -> set[str]:
    """Tables that hold this, in a text or in octets."""
    wanted = words.encode()
    return {
        table
        for table, _, value in cells(store)
        if wanted in (value if isinstance(value, bytes) else str(value).encode())
    }


TABLES = {
    "ambiguous", "dead_delivery", "dead_letter", "delivery", "history", "incident", "incoming_part", "letter",
    "mail", "mail_recipient", "parked_receipt", "api_message", "inbox", "call", "dead_call", "request_key",
    "short_link",
}  # fmt: skip
KEPT_TABLES = {"blacklist", "contact", "contact_number", "record", "boot", "change"}


def test_security_73_nothing_of_the_number_is_left_anywhere(store: Store) -> None:
    store.sweep()  # texts are kept
    fill(store, NUMBER, 1000)
    assert holding(store, NUMBER) == TABLES
    assert holding(store, TEXT) >= {
        "history_text",
        "mail",
        "letter",
        "dead_letter",
        "delivery",
        "dead_delivery",
    }
    counts = erase(store)
    assert holding(store, NUMBER) == set()
    assert holding(store, TEXT) == set()
    assert counts["live"] == 1
    assert {name for name, count in counts.items() if count} == TABLES | {"live", "contact", "record"}
    assert len(store.rows("contact")) == len(store.rows("record")) == 1


def test_no_table_is_left_out(store: Store) -> None:
    """A new table that may hold a number or a text has to be erased too, or named here."""
    harmless = {
        "message", "submission", "gathered_part",  # of live messages, or without numbers
        "boot", "mark", "setting", "statistics", "incoming_seen", "sqlite_sequence",
        "balance", "balance_change", "charge", "day_count", "blacklist",
        "api_account", "contact_group_member", "link_day",
        "audit",  # it has masked numbers, which tests/store/test_store_audit.py looks for
        "schema_version", "node", "lease", "recent", "refund", "open_count",  # of a store that nodes share
        "change",  # what nodes tell each other; an hour later it is gone
    }  # fmt: skip
    names = set(store.engine.tables())
    assert names - harmless == TABLES | {"history_text"} | KEPT_TABLES - harmless


def test_others_keep_theirs(store: Store) -> None:
    store.sweep()
    fill(store, OTHER, 2000)
    before = cells(store)
    assert not any(erase(store).values())
    assert cells(store) == before


def test_live_messages_stay_and_history_goes_on_counting(store: Store) -> None:
    store.sent(1, "A", destination=NUMBER)
    store.sent(2, "B", destination=NUMBER)
    store.apply(receipts=[receipt("B", peer=NUMBER)])
    assert erase(store)["live"] == 1
    assert store.progress(1) is Progress.SENT
    (row,) = store.rows("history")
    assert (row["destination"], row["state"], row["account"]) == ("erased", 2, "app")
    store.apply(receipts=[receipt("A", peer=NUMBER)])
    assert erase(store)["live"] == 0
    assert {row["destination"] for row in store.rows("history")} == {"erased"}


@pytest.mark.parametrize("written", ["+" + NUMBER, "00" + NUMBER])
def test_a_number_is_found_however_it_was_written(store: Store, written: str) -> None:
    """Senders of both kinds of messages are kept as they came."""
    store.send(message(1, source=written), message(2, source=written, registered_delivery=1))
    store.send(message(3, source=written))
    store.apply(failed=[(1, 5, "", NOW_MS), (2, 5, "", NOW_MS)])
    store.apply(incoming=[incoming(written), incoming(written)])
    store.apply(refused=[(store.rows("delivery")[-1]["delivery_id"], "no", NOW_MS)])
    counts = erase(store)
    assert holding(store, NUMBER) == set()
    assert {name: count for name, count in counts.items() if count} == {
        "live": 1, "history": 2, "delivery": 3, "dead_delivery": 1,
    }  # fmt: skip
    assert {row["source"] for row in store.rows("history")} == {"erased"}
    assert {row["destination_ton"] for row in store.rows("delivery")} == {5}


def test_a_receipt_that_waits_still_goes_down(store: Store) -> None:
    store.sent(1, "A", destination=NUMBER)
    store.apply(receipts=[receipt("A", peer=NUMBER)])
    erase(store)
    (row,) = store.rows("delivery")
    assert (row["message_id"], row["state"], row["source"], row["source_ton"]) == (1, 2, "erased", 5)


def test_a_mail_with_other_recipients_keeps_those(store: Store) -> None:
    store.mail(10, 11)
    store.apply(failed=[(10, 5, "", NOW_MS)])
    (row,) = store.rows("mail_recipient", message_id=10)
    erase(store, row["number"])
    live = store.rows("mail_recipient", message_id=11)[0]
    assert live["number"] == row["number"]  # its message lives
    assert store.rows("mail_recipient", message_id=10)[0]["number"] == "erased"
    assert store.rows("mail")[0]["sender"] == SENDER


def test_a_delay_notice_stays_as_long_as_its_message(store: Store) -> None:
    store.apply(**mail_rows(1, number=NUMBER, notify=7))
    assert store.sweep(NOW_MS, delay_before_id=2).letters_waiting
    erase(store)
    assert [row["number"] for row in store.rows("letter")] == [NUMBER]
    store.apply(failed=[(1, 5, "", NOW_MS)])
    erase(store)
    assert store.rows("letter") == []


def test_a_portion_looks_at_so_many_rows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.send(*(message(n, destination=NUMBER) for n in range(1, 31)))
    store.apply(failed=[(n, 5, "", NOW_MS) for n in range(1, 31)])
    monkeypatch.setattr(history_steps, "ERASE_LOOK", 7)
    step = after = portions = 0
    while step != OVER:
        before = len(store.rows("history", destination=NUMBER))
        ((_, step, after),) = store.apply(erasures=[(NUMBER, step, after)]).erased
        assert before - len(store.rows("history", destination=NUMBER)) <= 7
        portions += 1
    assert store.rows("history", destination=NUMBER) == []
    assert portions > 10
    assert {row["destination"] for row in store.rows("history")} == {"erased"}


def test_a_failed_batch_erases_nothing(store: Store) -> None:
    store.sent(1, "A", destination=NUMBER)
    store.apply(receipts=[receipt("A", peer=NUMBER)])
    with pytest.raises((sqlite3.Error, ValueError)):
        store.apply(accepted=[(1, 2)], erasures=[(NUMBER, 0, 0)])
    assert store.rows("history")[0]["destination"] == NUMBER


def test_the_number_is_in_no_file_either(tmp_path: Path) -> None:
    engine = SqliteEngine(tmp_path)
    store = Store(engine)
    store.sweep()
    for n in range(40):
        fill(store, NUMBER, 1000 + 10 * n)
    live = store.rows("message", destination=NUMBER)
    store.apply(failed=[(row["message_id"], 5, "", NOW_MS) for row in live])
    store.apply(records_gone=[("job", "web", row["record_id"]) for row in store.rows("record")])
    store.apply(contacts_gone=[("web", row["contact_id"]) for row in store.rows("contact")])
    erase(store)
    files = [file for file in tmp_path.iterdir() if NUMBER.encode() in file.read_bytes()]
    assert files == []
    engine.close()
