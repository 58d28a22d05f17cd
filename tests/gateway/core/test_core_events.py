"""The event log: one vocabulary, masked numbers, no text, nothing that could forge a line."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping

import pytest
from gateway_fakes import NOW_MS, ManualClock, message, recorded_events

from gateway.core.events import Events, safe, word

NUMBER = "79161234567"
TEXT = "canary-text-of-a-customer"
STAMP = "2025-06-15T15:06:40.000Z"

FORGERY = 'x\n2025-06-15T15:06:40.000Z info accepted message_id=1 \x1b[2J\u202e"\r\u2028\x85'


def everything(events: Events) -> None:
    """One of each event of a message that names its number and has a text."""
    events.accepted(message(7, user_data=TEXT.encode(), destination=NUMBER, segments=2), NOW_MS)
    events.submitted(7, "one", "0A1B", NOW_MS)
    events.postponed(7, "one", "ESME_RTHROTTLED", NOW_MS)
    events.receipt(7, "one", 2, "000", NOW_MS)
    events.ended(7, 3, "validity is over", NOW_MS)
    events.returned(7, "app", NOW_MS)
    events.flush()


def test_lines_in_text() -> None:
    events, written = recorded_events()
    everything(events)
    assert "".join(written).splitlines() == [
        f"{STAMP} info accepted message_id=7 account=app to=7916***4567 segments=2 connector=one",
        f"{STAMP} info submitted message_id=7 connector=one upstream_id=0A1B",
        f"{STAMP} info postponed message_id=7 connector=one reason=ESME_RTHROTTLED",
        f"{STAMP} info receipt message_id=7 connector=one state=DELIVERED error=000",
        f"{STAMP} info ended message_id=7 state=EXPIRED error=validity\\x20is\\x20over",
        f"{STAMP} info returned message_id=7 account=app",
    ]


def test_lines_in_json() -> None:
    events, written = recorded_events("json")
    everything(events)
    lines = [json.loads(line) for line in "".join(written).splitlines()]
    assert [line["event"] for line in lines] == [
        "accepted",
        "submitted",
        "postponed",
        "receipt",
        "ended",
        "returned",
    ]
    assert all(line["at"] == STAMP and line["message_id"] == "7" for line in lines)
    assert (lines[0]["to"], lines[1]["upstream_id"]) == ("7916***4567", "0A1B")


@pytest.mark.parametrize("form", ["text", "json"])
def test_security_71_neither_number_nor_text(form: str) -> None:
    events, written = recorded_events(form)
    everything(events)
    assert NUMBER not in "".join(written)
    assert TEXT not in "".join(written)


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    "say",
    [
        lambda events: events.submitted(7, "one", FORGERY, NOW_MS),
        lambda events: events.postponed(7, "one", FORGERY, NOW_MS),
        lambda events: events.receipt(7, "one", 2, FORGERY, NOW_MS),
        lambda events: events.ended(7, 2, FORGERY, NOW_MS),
        lambda events: events.returned(7, FORGERY, NOW_MS),
        lambda events: events.say("info", "bind_refused", system_id=FORGERY),
    ],
)
def test_security_72_a_peer_cannot_forge_a_line(form: str, say: Callable[[Events], None]) -> None:
    events, written = recorded_events(form)
    say(events)
    events.flush()
    text = "".join(written)
    assert text.endswith("\n")
    line = text[:-1]
    assert len(line.splitlines()) == 1
    assert line.isascii()
    assert line.isprintable()
    if form == "json":
        assert json.loads(line)["event"] != "accepted"
    else:
        assert line.split()[2] != "accepted"


def test_security_72_every_control_and_direction_character_is_made_visible() -> None:
    unsafe = [
        chr(code)
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in ("Cc", "Zl", "Zp")
        or unicodedata.bidirectional(chr(code))
        in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        or code in (0x061C, 0x200E, 0x200F)
    ]
    assert len(unsafe) > 70
    for character in unsafe:
        assert safe(f"a{character}b") == f"a{safe(character)}b"
        assert safe(character).isascii()
        assert safe(character).isprintable()


def test_a_peers_text_is_bounded() -> None:
    assert len(safe("x" * 10_000)) == 200
    assert len(word("x" * 10_000)) == 200


def test_a_word_stays_one_word() -> None:
    assert [word(text) for text in ("", "a b", "a1", "a=b", "\x00")] == ["-", "a\\x20b", "a1", "a=b", "\\x00"]


def test_a_quote_in_a_value_does_not_end_it() -> None:
    events, written = recorded_events()
    events.say("info", "bind_refused", system_id='a" reason="all is well', reason="bad password")
    events.flush()
    assert 'system_id="a\\" reason=\\"all is well" reason="bad password"' in written[0]


def test_empty_and_spaced_values_are_quoted() -> None:
    events, written = recorded_events()
    events.say("info", "reloaded", connectors="", fix="do this", count=3)
    events.flush()
    assert written == [f'{STAMP} info reloaded connectors="" fix="do this" count=3\n']


def test_what_strangers_cause_is_told_so_often_and_then_counted() -> None:
    events, written = recorded_events()
    for number in range(5):
        events.seldom("warning", "bind_refused", 100.0 + number, at_most=2, number=number)
        events.seldom("warning", "bad_input", 100.0 + number, number=number)
    for now in (110.0, 119.9, 120.0):
        events.seldom("warning", "bind_refused", now, at_most=2, at=now)
    events.seldom("warning", "bad_input", 110.0)
    assert [line.partition(" warning ")[2] for line in written] == [
        "bind_refused number=0\n",
        "bad_input number=0\n",
        "bind_refused number=1\n",
        "bind_refused at=110.0 kept_back=3\n",
        "bind_refused at=119.9\n",
        "bind_refused at=120.0\n",
        "bad_input kept_back=4\n",
    ]


def test_lines_gather_until_flush_but_warnings_do_not_wait() -> None:
    events, written = recorded_events()
    events.say("info", "ready")
    assert written == []
    events.say("warning", "link_lost")
    assert len(written) == 1
    assert written[0].count("\n") == 2
    events.flush()
    assert len(written) == 1


@pytest.mark.parametrize(
    ("level", "told", "messages"),
    [("debug", 4, True), ("info", 3, True), ("warning", 2, False), ("error", 1, False)],
)
def test_levels(level: str, told: int, messages: bool) -> None:
    events, written = recorded_events(level=level)
    for name in ("debug", "info", "warning", "error"):
        events.say(name, "x")
    events.flush()
    assert "".join(written).count("\n") == told
    assert events.messages is messages


def test_the_stamp_follows_the_clock() -> None:
    clock = ManualClock()
    written: list[str] = []
    events = Events(write=written.append, clock=clock)
    events.say("info", "a")
    clock.advance(61.5)
    events.say("info", "b")
    events.submitted(1, "one", "1", clock.now_ms() + 1)
    events.flush()
    stamps = [line.split()[0] for line in written[0].splitlines()]
    assert stamps == [STAMP, "2025-06-15T15:07:41.500Z", "2025-06-15T15:07:41.501Z"]


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    def fail(text: str) -> None:
        raise OSError(28, "No space left on device")

    events = Events("text", "info", fail, ManualClock())
    events.say("warning", "ambiguous", connector="one")
    everything(events)


# -- systemd's journal ---------------------------------------------------------------------------------


class FakeJournal:
    """Takes entries, or has no room for them."""

    def __init__(self, *, is_stderr: bool = True, room: bool = True) -> None:
        self.is_stderr = is_stderr
        self.room = room
        self.entries: list[dict[str, str]] = []

    def write(self, fields: Mapping[str, str]) -> bool:
        if self.room:
            self.entries.append(dict(fields))
        return self.room


def journal_events(journal: FakeJournal, form: str = "auto") -> tuple[Events, list[str]]:
    written: list[str] = []
    return Events(form, "info", written.append, ManualClock(), journal), written


def test_messages_are_lines_with_the_journals_mark_and_without_what_it_has_itself() -> None:
    journal = FakeJournal()
    events, written = journal_events(journal)
    everything(events)
    lines = "".join(written).splitlines()
    assert lines[1] == "<6>submitted message_id=7 connector=one upstream_id=0A1B"
    assert all(line.startswith("<6>") for line in lines)
    assert journal.entries == []


@pytest.mark.parametrize(("level", "priority"), [("info", "6"), ("warning", "4"), ("error", "3")])
def test_other_events_are_entries_with_fields_of_the_same_words(level: str, priority: str) -> None:
    journal = FakeJournal()
    events, written = journal_events(journal, "journal")
    events.say(level, "link_lost", connector="one", reason=f"no\nanswer {FORGERY}", links=0)
    [entry] = journal.entries
    assert written == []
    assert entry["PRIORITY"] == priority
    assert entry["SYSLOG_IDENTIFIER"] == "smsc-gateway"
    assert entry["MESSAGE"].startswith("link_lost connector=one reason=")
    assert (entry["SMSC_EVENT"], entry["SMSC_CONNECTOR"], entry["SMSC_LINKS"]) == ("link_lost", "one", "0")
    assert entry["SMSC_REASON"].startswith("no\\x0aanswer ")
    assert all(value.isprintable() and value.isascii() for value in entry.values())
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", name) for name in entry)


def test_what_was_before_an_entry_is_written_before_it() -> None:
    journal = FakeJournal()
    events, written = journal_events(journal)
    events.submitted(7, "one", "0A1B", NOW_MS)
    events.say("info", "ready")
    assert len(written) == len(journal.entries) == 1


def test_a_journal_that_takes_nothing_gets_a_line_instead() -> None:
    events, written = journal_events(FakeJournal(room=False))
    events.say("error", "store_cannot_write", reason="disk full")
    assert written == ['<3>store_cannot_write reason="disk full"\n']


def test_auto_is_text_where_nobody_else_reads_standard_error() -> None:
    for journal in (FakeJournal(is_stderr=False), None):
        written: list[str] = []
        events = Events("auto", "info", written.append, ManualClock(), journal)
        events.say("warning", "link_lost", connector="one")
        assert written == [f"{STAMP} warning link_lost connector=one\n"]


def test_another_form_counts_from_the_next_line_on() -> None:
    events, written = recorded_events()
    events.submitted(7, "one", "A", NOW_MS)
    events.configure("json", "info")
    events.submitted(8, "one", "B", NOW_MS)
    events.configure("journal", "info")
    events.submitted(9, "one", "C", NOW_MS)
    events.flush()
    text, as_json, marked = "".join(written).splitlines()
    assert text.startswith(f"{STAMP} info submitted ")
    assert json.loads(as_json)["at"] == STAMP
    assert marked == "<6>submitted message_id=9 connector=one upstream_id=C"
