"""`smsc-gateway preview MAIL`: the SMS that a mail would become, and why."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gateway.cli import EXIT_FAILURE, EXIT_OK, EXIT_USAGE, CommandError, add_config, add_json
from gateway.config.load import load
from gateway.config.mail_model import AccountMail
from gateway.config.model import Account
from gateway.core.events import safe
from gateway.core.numbers import reader_of
from gateway.ingress.mail_policy import check_loops, limits_of
from gateway.ingress.mail_worker import html_to_text
from gateway.translate.mail_submit import style_of
from protocols.mail.addresses import parse_address
from protocols.mail.errors import MailError
from protocols.mail.fitting import Fitted, fit
from protocols.mail.message import Reading, read_message
from protocols.mail.recipients import CountryRule, Wish, parse_local
from protocols.sms import alphabet, segments

HELP = "Show the SMS that a mail would become: its segments, its alphabet, and the reason for each decision."

_ANY = Wish(numbers=(), name="", source="", max_segments=0, max_characters=0)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("mail", metavar="MAIL", help="file with the mail as it came, or - for standard input")
    add_config(parser)
    parser.add_argument(
        "--account", metavar="NAME", help="whose options count (default: the first with mail)"
    )
    parser.add_argument(
        "--defaults", action="store_true", help="read no configuration: every option as it is"
    )
    parser.add_argument(
        "--to", metavar="ADDRESS", default="", help="recipient, for the attributes in its address"
    )
    add_json(parser)
    parser.epilog = (
        "Nothing is sent, and no running gateway is needed.\n\n"
        "examples:\n"
        "  smsc-gateway preview alert.eml --config config.yaml --account app\n"
        "  smsc-gateway preview --defaults - < alert.eml\n"
        "  smsc-gateway preview alert.eml --to /id=79991234567/maxpages=1/@sms.example.org\n\n"
        "exit codes: 0 it would be sent, 1 it would be refused"
    )


def run(args: argparse.Namespace) -> int:
    raw = _read(args.mail)
    mail, max_segments, rules, domains, region = _options(args)
    try:
        wish = _wish(args.to, rules, region)
        reading = read_message(_with_crlf(raw), style_of(mail, seeks_numbers=not wish.numbers), html_to_text)
        check_loops(reading, domains)
        if not reading.text and mail.empty == "reject":
            raise MailError("554 5.6.0", "the mail has no text that could be sent")
        limit, characters = limits_of(wish, mail, max_segments)
        fitted = fit(
            reading.text,
            transliterate=mail.transliterate,
            max_segments=limit,
            max_characters=characters,
            cut=mail.over_limit == "cut",
        )
    except MailError as error:
        if args.json:
            print(json.dumps({"sent": False, "code": error.code, "text": error.text}, indent=2))
        else:
            print(f"refused: {error}")
        return EXIT_FAILURE
    shown = _as_dict(reading, fitted, mail, limit)
    print(json.dumps(shown, indent=2, ensure_ascii=False) if args.json else _as_text(shown))
    return EXIT_OK


def _wish(address: str, rules: list[CountryRule], region: str) -> Wish:
    if not address:
        return _ANY
    try:
        return parse_local(parse_address(address)[0], rules, reader_of(region))
    except ValueError as error:
        raise CommandError(f"--to {address} is no mail address: {error}", EXIT_USAGE) from error


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}") from error


def _with_crlf(raw: bytes) -> bytes:
    """Line ends as they are on the wire; files often have only the line feed."""
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _options(args: argparse.Namespace) -> tuple[AccountMail, int, list[CountryRule], Sequence[str], str]:
    if args.defaults:
        return AccountMail(), AccountMail().max_segments, [], (), ""
    config = load(args.config)
    account = _account(config.accounts, args.account)
    assert account.mail is not None
    assert config.mail is not None  # no account has a mail section without it
    rules = [CountryRule(rule.prefix, rule.length, rule.replace) for rule in config.mail.country_rules]
    return account.mail, account.max_segments, rules, config.mail.domains, account.default_region


def _account(accounts: Sequence[Account], name: str | None) -> Account:
    for account in accounts:
        if name in (None, account.system_id) and account.mail is not None:
            return account
    which = f"there is no account {name!r} with" if name else "no account has"
    raise CommandError(f"{which} a mail section: name another with --account, or use --defaults", EXIT_USAGE)


def _decided(reading: Reading, mail: AccountMail) -> Iterator[tuple[str, str]]:
    """What follows from the header and the options, where the text itself has no part in it."""
    yield "charset", reading.charset
    if any(what == "subject" for what, _ in reading.reasons):
        pass  # it says what became of it
    elif not reading.subject:
        yield "subject", "the mail has none"
    elif mail.subject:
        yield "subject", f"written as {mail.subject!r} (option subject)"
    else:
        yield "subject", "left out (option subject)"
    if not mail.text:
        yield "text", "left out (option text)"
    if reading.priority:
        yield "priority", f"{reading.priority}, from the header"
    if reading.automatic:
        yield "report", f"none will be written: a program sent this ({reading.automatic})"


def _as_dict(reading: Reading, fitted: Fitted, mail: AccountMail, limit: int) -> dict[str, Any]:
    parts = segments.split(fitted.user_data, fitted.alphabet)
    return {
        "sent": bool(reading.text),
        "alphabet": fitted.alphabet.value,
        "segments": fitted.segments,
        "max_segments": limit,
        "cut": fitted.cut,
        "texts": [alphabet.decode(part, fitted.alphabet) for part in parts],
        "reasons": [list(reason) for reason in (*_decided(reading, mail), *reading.reasons, *fitted.reasons)],
    }


def _as_text(shown: dict[str, Any]) -> str:
    if not shown["sent"]:
        return "discarded: the mail has no text that could be sent"
    lines = [f"{what:<12} {safe(why)}" for what, why in shown["reasons"]]
    count = shown["segments"]
    each = "1 segment" if count == 1 else f"{count} segments"
    lines.append(f"{'cost':<12} {each} for each recipient, of at most {shown['max_segments']}")
    for number, text in enumerate(shown["texts"], 1):
        lines += ["", f"SMS {number} of {count}, {len(text)} characters"]
        lines += [f"  | {safe_line(line)}" for line in text.split("\n")]
    return "\n".join(lines)


def safe_line(line: str) -> str:
    """A line of text for a terminal; longer than what `safe` lets through."""
    return "".join(safe(line[at : at + 200]) for at in range(0, len(line), 200))
