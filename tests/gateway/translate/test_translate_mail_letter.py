"""What becomes of an SMS, told by mail: codes, words, and whom the mail seems to come from."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import pytest
from gateway_fakes import NOW_MS
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.mail_model import Mail
from gateway.core.model import FINAL_STATES, Letter, LetterKind, MessageState
from gateway.translate.mail_letter import fate_of, mail_of

MAIL = Mail(domains=("sms.example.org", "other.example.org"))
HEADER = b"Subject: Disk full\r\nFrom: monitor@example.org\r\nMessage-ID: <a.1@example.org>\r\n\r\n"


def letter(kind: LetterKind = LetterKind.REPORT, **fields: Any) -> Letter:
    values: dict[str, Any] = {
        "letter_id": 7,
        "kind": kind.value,
        "recipient": "monitor@example.org",
        "created_ms": NOW_MS,
        "tries": 0,
        "message_id": 911_587_823_084_109_824,
        "state": MessageState.UNDELIVERABLE.value,
        "error": "001",
        "done_ms": NOW_MS - 1000,
        "number": "79991234567",
        "own_number": "1234",
        "text": "",
        "mail_id": 911_587_823_084_109_000,
        "received_ms": NOW_MS - 60_000,
        "envid": "QQ314",
        "header_id": "<a.1@example.org>",
        "subject": "Disk full",
        "returned": HEADER,
        "whole": 0,
        "address": "+7-999-123-45-67@sms.example.org",
        "orcpt": "",
    }
    return Letter(**{**values, **fields})


def sms(kind: LetterKind, **fields: Any) -> Letter:
    about = {} if kind is LetterKind.ANSWER else {"mail_id": 0, "header_id": "", "subject": ""}
    empty = {"message_id": 0, "state": 0, "error": "", "done_ms": 0, "returned": b"", "address": ""}
    return letter(kind, **{**empty, **about, "text": "On my way", **fields})


def read(one: Letter, *, eight_bit: bool = True, mail: Mail = MAIL, **more: Any) -> EmailMessage:
    """The letter's mail as Python reads it; each field is there once."""
    outgoing = mail_of(one, mail, NOW_MS, eight_bit=eight_bit, **more)
    assert outgoing.recipient == one.recipient
    assert not outgoing.needs_utf8
    message = email.message_from_bytes(outgoing.data, policy=email.policy.default)
    assert len(message.keys()) == len({key.lower() for key in message})
    assert message.defects == []
    return message


def recipient_fields(message: EmailMessage) -> Any:
    payload: Any = message.get_payload()
    return payload[1].get_payload()[1]


def words_of(message: EmailMessage) -> str:
    payload: Any = message.get_payload()
    return str(payload[0].get_content()).replace("\r\n", "\n")


# -- what a state means --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "error", "action", "status"),
    [
        ("DELIVERED", "000", "delivered", "2.0.0"),
        ("DELIVERED", "001", "delivered", "2.0.0"),
        ("ACCEPTED", "", "relayed", "2.0.0"),
        ("EXPIRED", "", "failed", "5.4.7"),
        ("EXPIRED", "006", "failed", "5.4.7"),
        ("DELETED", "", "failed", "5.7.0"),
        ("DELETED", "given up", "failed", "5.7.0"),
        ("UNDELIVERABLE", "", "failed", "5.0.0"),
        ("UNDELIVERABLE", "000", "failed", "5.0.0"),
        ("UNDELIVERABLE", "1", "failed", "5.1.1"),
        ("UNDELIVERABLE", "001", "failed", "5.1.1"),
        ("UNDELIVERABLE", "006", "failed", "5.4.7"),
        ("UNDELIVERABLE", "011", "failed", "5.2.1"),
        ("UNDELIVERABLE", "012", "failed", "5.3.0"),
        ("UNDELIVERABLE", "013", "failed", "5.2.1"),
        ("UNDELIVERABLE", "021", "failed", "5.3.3"),
        ("UNDELIVERABLE", "9" * 400, "failed", "5.0.0"),
        ("UNDELIVERABLE", "x1", "failed", "5.0.0"),
        ("UNDELIVERABLE", "١", "failed", "5.0.0"),
        ("REJECTED", "", "failed", "5.7.1"),
        ("REJECTED", "001", "failed", "5.7.1"),
        ("REJECTED", "0x00000401", "failed", "5.7.1"),
        ("REJECTED", "ESME_RINVDSTADR", "failed", "5.1.1"),
        ("REJECTED", "ESME_RINVSRCADR", "failed", "5.1.8"),
        ("REJECTED", "ESME_RINVMSGLEN", "failed", "5.2.3"),
        ("REJECTED", "unsendable", "failed", "5.6.0"),
        ("SKIPPED", "", "failed", "5.0.0"),
        ("UNKNOWN", "no receipt", "failed", "5.4.7"),
        ("UNKNOWN", "001", "failed", "5.4.7"),
        ("ENROUTE", "", "failed", "5.4.7"),
    ],
)
def test_states_and_errors_become_codes(state: str, error: str, action: str, status: str) -> None:
    fate = fate_of(MessageState[state], error)
    assert (fate.action, fate.status) == (action, status)


def test_every_failure_says_why_and_what_to_do() -> None:
    for state in FINAL_STATES - {MessageState.DELIVERED}:
        for error in ("", "001", "ESME_RINVDSTADR"):
            fate = fate_of(state, error)
            assert fate.why.endswith(".") and fate.advice.endswith(".")


# -- SMSC services -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "error", "is_mail", "status"),
    [
        ("UNDELIVERABLE", "001", False, "5.1.1"),
        ("UNDELIVERABLE", "248", False, "5.4.4"),
        ("UNDELIVERABLE", "237", False, "5.4.1"),
        ("REJECTED", "249", False, "5.1.3"),
        ("REJECTED", "254", False, "5.7.1"),
        ("EXPIRED", "006", False, "5.4.7"),
        ("EXPIRED", "000", False, "5.4.7"),
        ("UNDELIVERABLE", "002", True, "5.2.2"),
        ("UNDELIVERABLE", "003", True, "5.1.2"),
        ("UNDELIVERABLE", "003", False, "5.0.0"),
        ("UNDELIVERABLE", "999", False, "5.0.0"),
        ("UNKNOWN", "245", False, "5.4.7"),
        ("REJECTED", "ESME_RINVDSTADR", False, "5.1.1"),
        ("REJECTED", "smsc_error_7", False, "5.1.3"),
        ("REJECTED", "smsc_error_6", False, "5.7.1"),
        ("REJECTED", "smsc_error_3", False, "5.3.0"),
        ("REJECTED", "smsc_error_77", False, "5.7.1"),
        ("REJECTED", "smsc_error_x", False, "5.7.1"),
        ("REJECTED", "needs_smsc_service", False, "5.3.3"),
        ("REJECTED", "text_over_1000_characters", False, "5.2.3"),
    ],
)
def test_errors_of_a_service_have_its_codes(state: str, error: str, is_mail: bool, status: str) -> None:
    fate = fate_of(MessageState[state], error, service=True, is_mail=is_mail)
    assert (fate.action, fate.status) == ("failed", status)
    assert fate.why.endswith(".") and fate.advice.endswith(".")


def test_what_was_delivered_is_delivered_whatever_the_error_says() -> None:
    assert fate_of(MessageState.DELIVERED, "200", service=True).status == "2.0.0"


def test_the_connector_says_whose_numbers_they_are() -> None:
    report = letter(error="248", connector="web")
    assert recipient_fields(read(report))["Status"] == "5.0.0"
    message = read(report, services={"web"})
    assert recipient_fields(message)["Status"] == "5.4.4"
    assert "The SMSC service says: no route (service has no way to this number)." in words_of(message)
    whole = letter(error="248", connector="web", whole=1, returned=HEADER + b"x" * 5000)
    assert recipient_fields(read(whole, services={"web"}, max_size=4000))["Status"] == "5.4.4"


def test_mail_that_the_service_sent_is_no_sms() -> None:
    message = read(letter(number="a@example.org", error="002", connector="web"), services={"web"})
    assert message["Subject"] == "Mail to a@example.org was not delivered"
    assert words_of(message).startswith("Your mail to a@example.org was not delivered.\n")
    assert recipient_fields(message)["Status"] == "5.2.2"


def test_what_is_known_of_a_number_is_read_by_people() -> None:
    info = " imsi:250023012345678 mcc:250 mnc:02 cn:Russian+Federation net:%D0%9C%D0%B5%D0%B3%D0%B0%0A rnet:x"
    message = read(letter(state=MessageState.DELIVERED.value, error="000", text=info))
    assert message["Subject"] == "What is known of +79991234567"
    assert words_of(message).startswith(
        "What is known of +79991234567:\n\n"
        "IMSI:        250023012345678\n"
        "MCC:         250\n"
        "MNC:         02\n"
        "Country:     Russian Federation\n"
        "Operator:    Мега\n"
        "Roaming at:  x\n"
    )


# -- reports -------------------------------------------------------------------------------------------


def test_a_report_says_what_happened_to_people_and_to_programs() -> None:
    message = read(letter())
    assert dict(message.items()) | {"Content-Type": ""} == {
        "From": "SMS gateway <postmaster@sms.example.org>",
        "Subject": "SMS to +79991234567 was not delivered",
        "Auto-Submitted": "auto-replied",
        "To": "monitor@example.org",
        "Date": "Sun, 15 Jun 2025 15:06:40 +0000",
        "Message-ID": f"<report.7.{NOW_MS}@sms.example.org>",
        "In-Reply-To": "<a.1@example.org>",
        "References": "<a.1@example.org>",
        "X-SMSC-Gateway": "911587823084109000@sms.example.org",
        "MIME-Version": "1.0",
        "Content-Type": "",
    }
    assert words_of(message) == (
        "Your SMS to +79991234567 was not delivered.\n\n"
        "The number is not in use.\n\n"
        "Check the number. Sending the same again will not help.\n\n"
        "Mail:        Disk full\n"
        "Received:    Sun, 15 Jun 2025 15:05:40 +0000\n"
        "Ended:       Sun, 15 Jun 2025 15:06:39 +0000\n"
        "SMS centre:  UNDELIV err:001\n"
        "Queue id:    911587823084109000\n"
        "Message id:  911587823084109824\n"
    )
    assert dict(recipient_fields(message).items()) == {
        "Final-Recipient": "rfc822; +7-999-123-45-67@sms.example.org",
        "Action": "failed",
        "Status": "5.1.1",
        "Diagnostic-Code": "x-sms; UNDELIV err:001",
        "Last-Attempt-Date": "Sun, 15 Jun 2025 15:06:39 +0000",
    }


@pytest.mark.parametrize(
    ("state", "error", "subject", "diagnostic"),
    [
        ("DELIVERED", "000", "SMS to +79991234567 was delivered", "DELIVRD err:000"),
        ("ACCEPTED", "", "SMS to +79991234567 was handed over", "ACCEPTD"),
        ("REJECTED", "ESME_RINVDSTADR", "SMS to +79991234567 was not delivered", "REJECTD ESME_RINVDSTADR"),
        ("UNKNOWN", "no receipt", "SMS to +79991234567 is of unknown fate", "UNKNOWN no receipt"),
        ("SKIPPED", "", "SMS to +79991234567 was not delivered", "UNKNOWN"),
    ],
)
def test_the_subject_says_the_outcome(state: str, error: str, subject: str, diagnostic: str) -> None:
    message = read(letter(state=MessageState[state].value, error=error))
    assert message["Subject"] == subject
    assert recipient_fields(message)["Diagnostic-Code"] == f"x-sms; {diagnostic}"


def test_a_delay_notice_is_no_failure() -> None:
    late = letter(LetterKind.DELAY, state=0, error="", done_ms=0)
    message = read(late)
    assert message["Subject"] == "SMS to +79991234567 is late"
    assert message["Message-ID"] == f"<delay.7.{NOW_MS}@sms.example.org>"
    fields = recipient_fields(message)
    assert fields["Action"] == "delayed" and fields["Status"] == "4.4.7"
    assert "Diagnostic-Code" not in fields and "Will-Retry-Until" not in fields
    assert "Ended" not in words_of(message)
    fields = recipient_fields(read(late._replace(done_ms=NOW_MS)))
    assert fields["Will-Retry-Until"] == "Sun, 15 Jun 2025 15:06:40 +0000"
    assert "Last-Attempt-Date" not in fields


def test_the_postmaster_of_the_configuration_signs_reports() -> None:
    mail = Mail(domains=("sms.example.org",), postmaster="mail@example.org")
    assert read(letter(), mail=mail)["From"] == "SMS gateway <mail@example.org>"


def test_a_letter_sent_again_has_the_same_id_and_another_letter_has_not() -> None:
    again = mail_of(letter(tries=3), MAIL, NOW_MS + 5000, eight_bit=True)
    ids = {email.message_from_bytes(again.data)["Message-ID"], read(letter())["Message-ID"]}
    assert len(ids) == 1
    ids |= {read(other)["Message-ID"] for other in (letter(letter_id=8), letter(created_ms=5))}
    assert len(ids) == 3


def test_the_mail_comes_back_whole_where_it_was_wanted_and_can_go() -> None:
    whole = letter(whole=1, returned=HEADER + b"The disk is full: \xd0\x96\r\n")
    payload: Any = read(whole).get_payload()
    assert payload[2].get_content_type() == "message/rfc822"
    assert mail_of(whole, MAIL, NOW_MS, eight_bit=True).needs_8bit
    assert not mail_of(whole, MAIL, NOW_MS, eight_bit=False).needs_8bit
    size = len(mail_of(whole, MAIL, NOW_MS, eight_bit=True).data)
    for arguments in ({"eight_bit": False}, {"max_size": size - 1}):
        payload = read(whole, **arguments).get_payload()
        assert payload[2].get_content_type() == "text/rfc822-headers"
    payload = read(whole, max_size=size).get_payload()
    assert payload[2].get_content_type() == "message/rfc822"


# -- incoming SMS --------------------------------------------------------------------------------------


def test_an_answer_goes_on_with_the_thread_and_can_be_answered() -> None:
    message = read(sms(LetterKind.ANSWER))
    assert message["From"] == message["Reply-To"] == "+79991234567 <79991234567@sms.example.org>"
    assert message["Subject"] == "Re: Disk full"
    assert message["In-Reply-To"] == message["References"] == "<a.1@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-SMSC-Gateway"] == "911587823084109000@sms.example.org"
    assert message.get_content() == "On my way\r\n"


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("RE: x", "RE: x"),
        ("re:x", "re:x"),
        ("Regarding", "Re: Regarding"),
        ("Диск", "Re: Диск"),
        ("", "SMS from +79991234567 to 1234"),
        ("a\r\nBcc: b@example.org", "Re: a Bcc: b@example.org"),
    ],
)
def test_security_48_an_answer_has_the_subject_of_its_mail(subject: str, expected: str) -> None:
    assert read(sms(LetterKind.ANSWER, subject=subject))["Subject"] == expected


def test_an_incoming_sms_says_from_whom_and_to_which_number() -> None:
    message = read(sms(LetterKind.INCOMING, own_number="74951234567", text="Привет\nвам"))
    assert message["Subject"] == "SMS from +79991234567 to +74951234567"
    assert "In-Reply-To" not in message
    assert message["X-SMSC-Gateway"] == "0@sms.example.org"
    assert message.get_content() == "Привет\r\nвам\r\n"
    assert read(sms(LetterKind.INCOMING, own_number=""))["Subject"] == "SMS from +79991234567"


@pytest.mark.parametrize(
    ("number", "sender"),
    [
        ("BANK", "BANK <postmaster@sms.example.org>"),
        ("", "SMS gateway <postmaster@sms.example.org>"),
        ("a@b\r\nX: y", '"a@b X: y" <postmaster@sms.example.org>'),
        ("1234²", "1234² <postmaster@sms.example.org>"),
    ],
)
def test_nobody_can_answer_a_name(number: str, sender: str) -> None:
    message = read(sms(LetterKind.INCOMING, number=number))
    assert message["From"] == sender
    assert "Reply-To" not in message


def test_a_short_number_has_no_plus() -> None:
    message = read(sms(LetterKind.INCOMING, number="900"))
    assert message["From"] == "900 <900@sms.example.org>"


# -- recipients ----------------------------------------------------------------------------------------


def test_a_recipient_outside_ascii_needs_smtputf8() -> None:
    outgoing = mail_of(letter(recipient="дежурный@example.org"), MAIL, NOW_MS, eight_bit=True)
    assert outgoing.needs_utf8 and outgoing.needs_8bit
    assert "\r\nTo: дежурный@example.org\r\n".encode() in outgoing.data


@pytest.mark.parametrize("recipient", ["", "nobody", "a@b\r\nRCPT TO:<c@d>", "a b@example.org"])
def test_security_48_what_is_no_address_gets_no_mail(recipient: str) -> None:
    for kind in LetterKind:
        with pytest.raises(ValueError):
            mail_of(letter(kind, recipient=recipient), MAIL, NOW_MS, eight_bit=True)


TEXT = st.text(max_size=30) | st.sampled_from(["\r\n\r\n", "a\r\nTo: x@y", "\ud800", "\x00", "ж" * 300])


@given(
    kind=st.sampled_from(LetterKind),
    state=st.integers(-1, 10),
    number=TEXT | st.from_regex("[0-9]{1,15}", fullmatch=True),
    texts=st.tuples(TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT),
    returned=st.binary(max_size=50),
    whole=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_security_48_whatever_strangers_wrote_each_field_is_there_once(
    kind: LetterKind, state: int, number: str, texts: tuple[str, ...], returned: bytes, whole: bool
) -> None:
    names = ("error", "own_number", "text", "envid", "header_id", "subject", "address", "orcpt")
    fields = dict(zip(names, texts, strict=True))
    one = letter(kind, state=state, number=number, returned=returned, whole=int(whole), **fields)
    message = read(one)
    expected = [
        "From",
        "Subject",
        "Auto-Submitted",
        "To",
        "Date",
        "Message-ID",
        "X-SMSC-Gateway",
        "MIME-Version",
    ]
    optional = {"Reply-To", "In-Reply-To", "References", "Content-Type", "Content-Transfer-Encoding"}
    assert [name for name in message if name not in optional] == expected
    assert [address.addr_spec for address in message["To"].addresses] == ["monitor@example.org"]
