"""What an SMSC service tells becomes rows of the batch."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import NOW_MS, FakeJournal, ManualClock, recorded_events

from gateway.config.basics import Address, Url
from gateway.config.mail_model import IncomingRule, Mail, Smarthost
from gateway.config.secret import Secret
from gateway.config.smsc_model import SmscCallback, SmscConnector
from gateway.core.incoming import Incoming
from gateway.core.model import INCOMING, Delivery, MessageState
from gateway.core.receipts import ReceiptBook
from gateway.core.smsc_ids import incoming_key
from gateway.core.smsc_inbox import SmscInbox, endpoints, hlr_info
from protocols.smsc_http.callbacks import IncomingCall, StatusCall, WaitCall

PHONE = "79991234567"
EARLIER_MS = NOW_MS - 60_000
CALLBACK = SmscCallback(path="/smsc/centre", secret=Secret("my-secret_1"))


class Inbox(SmscInbox):
    """An inbox with what surrounds it, for the test to look at."""

    def __init__(self, rules: tuple[IncomingRule, ...] = (), mail: Mail | None = None, **fields: Any) -> None:
        values = {"name": "centre", "url": Url("https", "smscentre.com", 443), "incoming_account": "app"}
        config = SmscConnector(**{**values, **fields})
        self.journal = FakeJournal()
        self.rules = Incoming()
        self.rules.configure(rules, mail)
        events, self.lines = recorded_events()
        book = ReceiptBook("centre", self.journal, events, forms=("same",))
        super().__init__(
            config,
            receipts=book,
            journal=self.journal,
            incoming=self.rules,
            events=events,
            clock=ManualClock(),
        )

    def receipts_told(self) -> list[tuple[Any, ...]]:
        """(upstream_id, peer, state, final, error, received_ms, info) of each."""
        return [(row[1], *row[5:]) for row in self.journal.commit().receipts]

    def told_once(self) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self.journal.commit().once
        return rows

    def delivery(self) -> Delivery:
        [(_, _, _, kind, row)] = self.told_once()
        assert kind == "incoming"
        return Delivery(0, *row)


# -- receipts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "err", "state", "final", "error"),
    [
        (-1, 0, MessageState.ACCEPTED, 0, "000"),
        (0, 0, MessageState.ENROUTE, 0, "000"),
        (1, 0, MessageState.DELIVERED, 1, "000"),
        (2, 0, MessageState.DELIVERED, 1, "000"),
        (3, 6, MessageState.EXPIRED, 1, "006"),
        (20, 1, MessageState.UNDELIVERABLE, 1, "001"),
        (23, 253, MessageState.REJECTED, 1, "253"),
        (99, 0, MessageState.UNDELIVERABLE, 1, "000"),
    ],
)
def test_a_status_becomes_a_receipt(status: int, err: int, state: int, final: int, error: str) -> None:
    inbox = Inbox()
    inbox.status(StatusCall(id="1234", phone=PHONE, status=status, err=err), NOW_MS)
    assert inbox.receipts_told() == [(f"1234/{PHONE}", PHONE, int(state), final, error, NOW_MS, "")]


def test_errors_of_mail_have_a_table_of_their_own() -> None:
    inbox = Inbox()
    kinds: list[dict[str, Any]] = [{"type": 8}, {"flag": 8}, {"type": 0, "flag": 0x100}]
    for kind in kinds:
        inbox.status(StatusCall(id="1", phone="Ops@example.org", status=20, err=245, **kind), NOW_MS)
        # no template: of a mail the number means nothing
        inbox.status(StatusCall(id="1", phone="Ops@example.org", status=20, err=238, **kind), NOW_MS)
    states = [row[2] for row in inbox.receipts_told()]
    assert states == [7, 5, 7, 5, 7, 8]
    inbox.receipt("1", "Ops@example.org", 20, 2, "", True, NOW_MS)
    assert inbox.receipts_told() == [("1/ops@example.org", "ops@example.org", 5, 1, "002", NOW_MS, "")]


def test_an_hlr_receipt_says_what_it_found() -> None:
    inbox = Inbox()
    found = {"imsi": "250011234567890", "mcc": "250", "cn": "Россия", "net": "Mega & Co", "rcn": " "}
    inbox.status(StatusCall(id="5", phone=PHONE, status=1, type=4, hlr=found), NOW_MS)
    [row] = inbox.receipts_told()
    assert row[-1] == (
        " imsi:250011234567890 mcc:250 cn:%D0%A0%D0%BE%D1%81%D1%81%D0%B8%D1%8F net:Mega+%26+Co"
    )


def test_what_is_said_of_a_call_is_kept_for_handlers() -> None:
    inbox = Inbox()
    menu = {"dtmf": "1#", "calltime": "17", "callmenu": "12", "ringtime": "4", "cmt": "c\novertime: 00:05"}
    inbox.status(StatusCall(id="5", phone=PHONE, status=1, type=7, **menu), NOW_MS)
    inbox.status(StatusCall(id="6", phone=PHONE, status=1, type=7, cmt="c", dtmf="9" * 100), NOW_MS)
    inbox.status(StatusCall(id="7", phone=PHONE, status=1, type=7, cmt="c"), NOW_MS)
    assert [row[-1] for row in inbox.receipts_told()] == [
        "call: dtmf:1%23 calltime:17 callmenu:12 ringtime:4 overtime:00%3A05",
        f"call: dtmf:{'9' * 64}",
        "",
    ]


def test_the_fields_of_an_hlr_answer_keep_their_order_and_are_bounded() -> None:
    fields: dict[str, object] = {"rnet": "r" * 1000, "msc": 79990000001, "other": "x", "imsi": ""}
    assert hlr_info(fields) == f" msc:79990000001 rnet:{'r' * 64}"
    assert hlr_info({}) == ""


# -- incoming SMS --------------------------------------------------------------------------------------


def test_an_incoming_sms_is_a_delivery_for_the_connectors_account() -> None:
    inbox = Inbox()
    inbox.incoming_sms(17, f"+{PHONE}", "1234", "Hello [1]", EARLIER_MS, NOW_MS)
    [(connector, id, now_ms, kind, row)] = inbox.told_once()
    assert (connector, id, now_ms, kind) == ("centre", 17, NOW_MS, "incoming")
    assert Delivery(0, *row) == Delivery(
        delivery_id=0,
        account="app",
        message_id=0,
        created_ms=NOW_MS,
        source_ton=1,
        source_npi=1,
        source=PHONE,
        destination_ton=3,
        destination_npi=0,
        destination="1234",
        esm_class=0,
        protocol_id=0,
        data_coding=0,
        user_data=b"Hello \x1b<1\x1b>",
        tlvs=b"",
        state=INCOMING,
        error="",
        accepted_ms=EARLIER_MS,
        done_ms=EARLIER_MS,
        segments=1,
    )


def test_cyrillic_goes_down_in_ucs2() -> None:
    inbox = Inbox()
    inbox.incoming_sms(17, PHONE, "79990000001", "Привет", EARLIER_MS, NOW_MS)
    delivery = inbox.delivery()
    assert (delivery.data_coding, delivery.user_data) == (8, "Привет".encode("utf-16-be"))


@pytest.mark.parametrize("received_ms", [0, -1, NOW_MS + 1])
def test_a_time_that_cannot_be_is_replaced_by_now(received_ms: int) -> None:
    inbox = Inbox()
    inbox.incoming_sms(17, PHONE, "1234", "x", received_ms, NOW_MS)
    assert inbox.delivery().done_ms == NOW_MS


def test_a_senders_name_goes_down_as_a_name_and_is_bounded() -> None:
    inbox = Inbox()
    inbox.incoming_sms(17, "Example", "", "x" * 100_000, EARLIER_MS, NOW_MS)
    delivery = inbox.delivery()
    assert (delivery.source_ton, delivery.source) == (5, "example")
    assert (delivery.destination_ton, delivery.destination_npi, delivery.destination) == (0, 0, "")
    assert len(delivery.user_data) * 2 < 65_536
    inbox.incoming_sms(18, "9" * 300, "8" * 300, "x", EARLIER_MS, NOW_MS)
    delivery = inbox.delivery()
    assert (len(delivery.source), len(delivery.destination)) == (20, 20)


def test_a_rule_chooses_the_account() -> None:
    inbox = Inbox((IncomingRule(keyword="STOP", connector="centre", account="other"),))
    for id, text in ((1, "stop it"), (2, "go on")):
        inbox.incoming_sms(id, PHONE, "1234", text, EARLIER_MS, NOW_MS)
    assert [(row[1], row[3], row[4][0]) for row in inbox.told_once()] == [
        (1, "incoming", "other"),
        (2, "incoming", "app"),
    ]


def test_a_rule_sends_it_to_mailboxes_and_an_account() -> None:
    both = IncomingRule(account="other", mail=("a@example.org", "b@example.org"))
    inbox = Inbox((both,))
    inbox.incoming_sms(1, PHONE, "+1234", "Hello", EARLIER_MS, NOW_MS)
    [(connector, id, _, kind, row)] = inbox.told_once()
    assert (connector, id, kind) == ("centre", 1, "incoming_mail")
    said = ("centre", PHONE, "1234", "Hello", 0, 1, 1, EARLIER_MS, 0, "a@example.org b@example.org")
    assert row[:10] == said
    assert Delivery(0, *row[10]).account == "other"


def test_it_may_answer_a_mail_though_no_account_gets_it() -> None:
    mail = Mail(domains=("sms.example.org",), smarthost=Smarthost(address=Address("127.0.0.1", 25)))
    inbox = Inbox(mail=mail, incoming_account="")
    inbox.incoming_sms(1, PHONE, "1234", "Hello", EARLIER_MS, NOW_MS)
    [(_, _, _, kind, row)] = inbox.told_once()
    assert kind == "incoming_mail"
    assert row[8] == NOW_MS - 72 * 3_600_000
    assert Delivery(0, *row[10]).account == ""


def test_what_nobody_gets_is_dropped_and_said_without_text_or_number() -> None:
    inbox = Inbox(incoming_account="")
    inbox.incoming_sms(1, PHONE, "1234", "hunter2", EARLIER_MS, NOW_MS)
    assert len(inbox.journal.batch) == 0
    [line] = inbox.lines
    assert " warning incoming_refused connector=centre " in line
    assert "hunter2" not in line
    assert PHONE not in line


def test_calls_bring_what_asking_brings() -> None:
    inbox = Inbox()
    seconds = EARLIER_MS // 1000
    inbox.incoming(IncomingCall(id="17", phone=PHONE, mes="Hello", to="1234", time=seconds), NOW_MS)
    inbox.incoming_sms(17, PHONE, "1234", "Hello", seconds * 1000, NOW_MS)
    called, asked = inbox.told_once()
    assert called == asked


def test_a_confirmation_call_is_an_sms_that_says_so() -> None:
    inbox = Inbox()
    seconds = EARLIER_MS // 1000
    for ts in (seconds, seconds, seconds + 1):
        inbox.wait_call(WaitCall(phone=PHONE, ts=ts), NOW_MS)
    first, again, later = inbox.told_once()
    assert first[:2] == again[:2] == ("centre", incoming_key(f"waitcall {PHONE} {seconds}"))
    assert first[1] != later[1]
    assert first[1] < 0
    delivery = Delivery(0, *first[4])
    assert (delivery.source, delivery.user_data) == (PHONE, b"\x1b<waitcall\x1b>")


def test_only_connectors_with_a_callback_have_a_path() -> None:
    called, asking = Inbox(callback=CALLBACK), Inbox()
    assert endpoints([called, asking]) == {"/smsc/centre": ("centre", CALLBACK, called)}
