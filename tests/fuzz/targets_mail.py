"""Octets as a mail, and as what stands for an address or a number in mails and their envelopes."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.core.numbers import reader_of
from gateway.ingress.mail_worker import html_to_text
from protocols.mail.addresses import format_address, parse_address, parse_mailboxes
from protocols.mail.envelope import decode_xtext, parse_mail, parse_rcpt
from protocols.mail.errors import MailError
from protocols.mail.fitting import fit
from protocols.mail.message import Reading, Style, read_message
from protocols.mail.recipients import CountryRule, find_numbers, international, parse_local
from protocols.mail.service_form import BOT, FORMAT_NAMES, MAX_FORM, parse_service_form, parse_time
from protocols.sms import segments
from protocols.sms.addresses import is_e164

RULES = [CountryRule("8", 11, "7"), CountryRule("0", 10, "49"), CountryRule("00", 13, "")]
NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
_REGIONS = ("", "RU", "US", "AT")
_REWRITES = ("none", "typography", "all")


def mails(data: bytes) -> None:
    """The first octet says in which style the rest is read."""
    how = data[0] if data else 0
    style = Style(
        subject="{subject}: " if how & 1 else "",
        sender="{name} {address}" if how & 2 else "",
        text=True,
        cut_quotes=bool(how & 4),
        cut_signature=bool(how & 4),
        empty_text="nothing" if how & 8 else "",
        numbers_in_subject=bool(how & 16),
        numbers_in_body=bool(how & 16),
        service_form=bool(how & 32),
    )
    check_mail(data[1:], style, _REWRITES[how // 64 % 3])


def check_mail(raw: bytes, style: Style, transliterate: str) -> None:
    """A mail is read or refused, and what it says can be sent."""
    reading = read_or_refuse(raw, style)
    if reading is None:
        return
    for line in (reading.subject, *reading.traces, reading.header_id, reading.number_source):
        assert not any(character in line for character in "\r\n\0")
    assert 0 <= reading.header_length <= len(raw)
    assert reading.priority in range(4)
    assert reading.text == reading.text.strip() or style.empty_text
    assert "\0" not in reading.text or style.service_form  # there it may be binary data
    if reading.text:
        fitted = fit(reading.text, transliterate=transliterate, max_segments=2, max_characters=0, cut=True)
        assert segments.count(fitted.user_data, fitted.alphabet) == fitted.segments <= 2


def read_or_refuse(raw: bytes, style: Style) -> Reading | None:
    """What a mail says; None: it is refused in one of the two ways that there are."""
    try:
        return read_message(raw, style, html_to_text)
    except MailError as error:
        assert error.code in ("554 5.6.0", "552 5.3.4")
        return None


def addresses(data: bytes) -> None:
    """The first octet says whose numbers they are, and whether EHLO was said."""
    how = data[0] if data else 0
    text = data[1:].decode("utf-8", "surrogateescape")
    check_address(text)
    check_mailboxes(text)
    check_envelope(text, esmtp=bool(how & 1))
    check_xtext(text)
    check_numbers(text, _REGIONS[how // 2 % len(_REGIONS)])
    check_form(text[:MAX_FORM])


def check_address(text: str) -> None:
    try:
        local, domain = parse_address(text)
    except ValueError:
        return
    written = format_address(local, domain)
    assert written.isprintable()
    assert len(written.encode()) <= 254
    assert parse_address(written) == (local, domain)


def check_mailboxes(text: str) -> None:
    try:
        found = parse_mailboxes(text)
    except ValueError:
        return
    assert found
    for name, address in found:
        assert "\n" not in name
        assert "\0" not in name
        assert format_address(*parse_address(address)) == address


def check_envelope(argument: str, *, esmtp: bool) -> None:
    try:
        sender = parse_mail(argument, esmtp=esmtp, max_size=1000)
    except MailError as error:
        _check_refusal(error)
    else:
        assert (sender.address + sender.envid).isprintable()
        assert 0 <= sender.size <= 1000
        assert sender.address == "" or parse_address(sender.address)
        assert sender.utf8 or sender.address.isascii()
    try:
        rcpt = parse_rcpt(argument, esmtp=esmtp)
    except MailError as error:
        _check_refusal(error)
    else:
        assert (rcpt.address + rcpt.orcpt).isprintable()
        assert parse_address(rcpt.address)
        assert rcpt.notify in (None, *range(8))


def check_xtext(text: str) -> None:
    try:
        decoded = decode_xtext(text)
    except ValueError:
        return
    assert decoded.isascii()
    assert decoded.isprintable()


def check_numbers(text: str, region: str) -> None:
    national = reader_of(region)
    number = international(text, RULES, national)
    assert number is None or is_e164(number)
    try:
        wish = parse_local(text, RULES, national)
    except MailError as error:
        _check_refusal(error)
    else:
        assert bool(wish.numbers) != bool(wish.name)
        assert all(map(is_e164, wish.numbers))
        assert (wish.name + wish.source).isprintable()
    try:
        numbers = find_numbers(text, RULES, 3, national)
    except MailError:
        return
    assert len(numbers) <= 3
    assert all(map(is_e164, numbers))


def check_form(text: str) -> None:
    try:
        form = parse_service_form(text)
    except MailError as error:
        _check_refusal(error)
        return
    assert form.texts
    assert all(said.format in {*FORMAT_NAMES, BOT} for said in form.texts)
    assert all(said.phones and all(said.phones) for said in form.texts)
    for field in (form.login, form.password, form.client_id, form.time, form.zone, form.source):
        assert field.isprintable()
    check_time(form.time, form.zone)


def check_time(time: str, zone: str) -> None:
    try:
        due = parse_time(time, zone, NOW)
    except ValueError:
        return
    assert due is None or due > NOW


def _check_refusal(error: MailError) -> None:
    """It goes out as a line of SMTP."""
    assert error.text.isascii()
    assert error.text.isprintable()
