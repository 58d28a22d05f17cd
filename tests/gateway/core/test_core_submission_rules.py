"""What routes and the configuration decide beyond the way: parts, TLVs, doubt, denied numbers."""

from __future__ import annotations

from gateway_fakes import NOW_MS, account, draft
from test_core_submission import Desk

from gateway.config.connector_model import TextPolicy
from gateway.config.route_model import Rewrite
from gateway.core.errors import Refusal
from gateway.core.model import OnAmbiguous, Origin, Progress, Wish
from gateway.core.rewriting import rewriting_of
from gateway.core.routing import Prefixes, Route
from protocols.sms.alphabet import Alphabet
from protocols.sms.segments import count

WHOLE = Route("", ("one", "two"), whole=True)
PART = (7, 3, 2)


def test_a_senders_own_segment_waits_for_the_others_where_the_route_wants_the_whole() -> None:
    desk, app = Desk(WHOLE), account()
    taken = desk.taken(app, part=PART)
    batch = desk.journal.batch
    assert batch.accepted == [(*taken, Progress.GATHERED)]
    assert batch.parts == [(taken.message_id, "app", taken.source, taken.destination, *PART, NOW_MS)]
    assert batch.intents == []
    desk.submission.flush()
    desk.journal.commit()
    assert desk.sent == []
    assert (app.open_messages, app.accepted, desk.submission.accepted) == (1, 1, 1)
    assert (desk.upstreams["one"].queue.joining, desk.upstreams["one"].backlog) == (0, False)


def test_it_waits_for_a_service_over_http_too_and_goes_straight_by_any_other() -> None:
    desk = Desk()
    straight = desk.taken(account(), part=PART)
    assert desk.journal.batch.accepted == [(*straight, Progress.SENT)]
    desk.upstreams["one"].service = True
    gathered = desk.taken(account(), part=PART)
    assert desk.journal.batch.accepted[1] == (*gathered, Progress.GATHERED)


def test_a_gathered_segment_that_was_not_stored_gives_back_its_place() -> None:
    desk, app = Desk(WHOLE), account()
    desk.taken(app, part=PART)
    desk.submission.flush()
    desk.journal.commit(ok=False)
    assert (app.open_messages, desk.submission.open_messages) == (0, 0)
    assert desk.upstreams["one"].in_flight == 0


def test_a_whole_text_does_not_wait_where_the_route_joins_parts() -> None:
    desk = Desk(WHOLE)
    taken = desk.taken(account())
    assert desk.journal.batch.accepted == [(*taken, Progress.SENT)]
    assert desk.journal.batch.parts == []


def test_a_message_that_replaces_says_so_with_its_own_row() -> None:
    desk = Desk()
    plain, replacing = desk.taken(account()), desk.taken(account(), flags=Wish.REPLACE, service_type="CMT")
    assert desk.journal.batch.replaced_by == [
        (replacing.message_id, "app", replacing.source, replacing.destination, "CMT", NOW_MS)
    ]
    assert (plain.flags, replacing.flags) == (0, Wish.REPLACE)


def test_a_segment_that_goes_up_alone_replaces_none_of_those_before_it() -> None:
    desk = Desk()
    desk.taken(account(), part=PART, flags=Wish.REPLACE)
    assert desk.journal.batch.replaced_by == []
    gathered = Desk(WHOLE)
    gathered.taken(account(), part=PART, flags=Wish.REPLACE)
    assert len(gathered.journal.batch.replaced_by) == 1


def test_tlvs_that_do_not_go_this_way_are_left_out() -> None:
    desk = Desk(Route("", ("one",), passing=lambda stream: stream[:1]))
    assert desk.taken(account(), tlvs=b"\x14\x00\x00\x00").tlvs == b"\x14"
    assert desk.taken(account()).tlvs == b""


def test_a_connectors_word_on_doubt_counts_more_than_the_routes() -> None:
    route = Route("", ("one", "two"), OnAmbiguous.HOLD, ambiguous={"one": OnAmbiguous.RESEND_ONCE.value})
    assert Desk(route).taken(account()).on_ambiguous == OnAmbiguous.RESEND_ONCE
    assert Desk(route, up="two").taken(account()).on_ambiguous == OnAmbiguous.HOLD


def test_what_is_urgent_is_due_before_what_is_not() -> None:
    desk = Desk()
    dues = [desk.taken(account(), priority=priority).due_ms for priority in (0, 1, 2, 3, 200)]
    assert dues == [0, -1, -2, -3, -3]
    assert desk.taken(account(), priority=3, due_ms=NOW_MS + 5).due_ms == NOW_MS + 5


def test_what_is_urgent_stays_so_where_senders_have_a_rate() -> None:
    desk = Desk()
    desk.upstreams["one"].limit_senders(1)
    first, second = [desk.taken(account(), priority=3) for _ in range(2)]
    assert first.due_ms == -3
    assert second.due_ms > NOW_MS, "it waits all the same"


def test_nobody_may_write_to_denied_numbers() -> None:
    desk, app = Desk(), account()
    desk.submission.denied = Prefixes(["7900", "882"])
    assert desk.accept(app, destination="79001234567") is Refusal.DENIED
    assert desk.accept(app, destination="+882123456", destination_ton=1) is Refusal.DENIED
    assert desk.taken(app, destination="79011234567").destination == "79011234567"
    assert desk.submission.refused[Refusal.DENIED] == 2
    together = [draft(), draft(destination="79001234567")]
    now, now_ms = desk.clock.now(), desk.clock.now_ms()
    assert desk.submission.accept_all(app, together, now, now_ms, Origin.MAIL) is Refusal.DENIED
    assert app.open_messages == 1


def test_a_route_that_rewrites_numbers_is_no_way_to_denied_ones() -> None:
    rewriting = rewriting_of([Rewrite(what="destination", match="8(.*)", replace=r"7\1")])
    desk, app = Desk(Route("", ("one",), rewriting=rewriting)), account()
    desk.submission.denied = Prefixes(["7900", "8902"])
    assert desk.accept(app, destination="89001234567") is Refusal.DENIED
    assert desk.accept(app, destination="89021234567") is Refusal.DENIED
    assert desk.taken(app, destination="89011234567").destination == "89011234567"


TURKISH = "ğ" * 100
PLAIN = Route("", ("one",), text=TextPolicy(transliterate="typography", shift_tables=("turkish",)))


def ucs2(text: str) -> dict[str, object]:
    data = text.encode("utf-16-be")
    return {"user_data": data, "data_coding": 8, "segments": count(data, Alphabet.UCS2)}


def test_a_text_is_written_as_the_routes_policy_says() -> None:
    desk = Desk(PLAIN)
    folded = desk.taken(account(), **ucs2("“Quoted” – and so on"))
    assert (folded.data_coding, folded.user_data, folded.segments) == (0, b'"Quoted" - and so on', 1)
    turkish = desk.taken(account(), **ucs2(TURKISH))
    assert (turkish.data_coding, turkish.segments, turkish.esm_class) == (0, 1, 0x40)
    assert turkish.user_data[:4] == bytes.fromhex("03250101")
    russian = desk.taken(account(), **ucs2("Привет"))
    assert (russian.data_coding, russian.user_data) == (8, "Привет".encode("utf-16-be"))


def test_segments_and_rate_are_counted_after_that() -> None:
    desk = Desk(PLAIN)
    assert desk.taken(account(max_segments=1), **ucs2(TURKISH)).segments == 1
    assert Desk().accept(account(max_segments=1), **ucs2(TURKISH)) is Refusal.TOO_LONG


def test_a_senders_own_segment_is_not_written_anew() -> None:
    text = ucs2("“Quoted”")
    assert Desk(PLAIN).taken(account(), part=PART, **text).user_data == text["user_data"]


def test_a_service_over_http_gets_no_tables() -> None:
    desk = Desk(PLAIN)
    desk.upstreams["one"].service = True
    assert desk.taken(account(), **ucs2(TURKISH)).data_coding == 8
    assert desk.taken(account(), **ucs2("“Quoted”")).data_coding == 0


def test_texts_that_are_taken_together_are_written_so_too() -> None:
    desk, app = Desk(PLAIN), account()
    now, now_ms = desk.clock.now(), desk.clock.now_ms()
    both = [draft(), draft(**ucs2("“Quoted”"))]
    taken = desk.submission.accept_all(app, both, now, now_ms, Origin.MAIL)
    assert not isinstance(taken, Refusal)
    assert [message.user_data for message in taken] == [b"hello", b'"Quoted"']


def test_no_prefix_fits_nothing() -> None:
    assert not Prefixes().fit("79001234567")
    assert Prefixes(["7", "79"]).fit("79")
    assert not Prefixes(["790"]).fit("79")
