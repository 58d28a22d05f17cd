"""A message to the parameters of a sending at the SMSC service over HTTP (send.php).

One message is a *line*; lines that differ only in recipient, text and sender may share a request, in the
service's list.  Options that a message carries (`smsc_options`) are parameters of its request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from gateway.core.model import Draft, Message
from gateway.translate.smsc_content import binary_of, class_of, is_binary, text_of
from gateway.translate.smsc_options import WITHOUT_TEXT, OptionError, Options, Unsendable, options_of
from protocols.sms.addresses import TON_INTERNATIONAL, digits_of, is_e164
from protocols.smsc_http.sending import (
    ListLine,
    SendingError,
    can_list,
    format_binary,
    format_list,
    join_comment,
)

__all__ = ["Line", "OptionError", "Unsendable", "line_of", "request_of"]

MAX_TEXT = 1000
"""Characters; the service takes no more."""
_DAY_MINUTES = 24 * 60
_NO_OPTIONS = Options()
_ALONE = frozenset({"push", "mms", "mail", "bot"})
"""Kinds that no list of the service is known to carry."""
_WITHOUT_LIFETIME = frozenset({"hlr", "mail", "call", "bot"})

_is_command = re.compile(r"\s*__(?:CALL|VIBER|SOC|MMS|MAIL|BOT|PING|HLR|WHATS|WHATSAPP)__").match
_has_comment = re.compile("(?:^|[\r\n])~~~[\r\n]").search
_has_list_sign = re.compile(r"[|,:;\\\x00-\x1f\x7f]").search


class Line(NamedTuple):
    """What one recipient gets."""

    to: str
    """As `phones` has it: "+79991234567", "a@example.org"."""
    key: str
    """As the service names the recipient in its answers: digits, or the address."""
    text: str
    sender: str
    """"": the service's choice."""
    group: tuple[tuple[str, str], ...]
    """The other parameters, sorted. Lines of equal groups may share a request."""
    alone: bool
    """It has to go in a request of its own."""


def line_of(message: Message | Draft, now_ms: int, *, may_command: bool) -> Line:
    """What to ask the service for; `may_command`: its account may have commands to the service in texts.

    Raises Unsendable, with one word that says why, when the service cannot be asked for this.
    """
    options = _NO_OPTIONS
    if message.tlvs or message.service_type:
        options = options_of(message.service_type, message.tlvs)
    kind = options.kind
    to = options.to or _number(message)
    sender = options.sender or digits_of(message.source, message.source_ton)
    parameters = dict(options.parameters)
    alone = kind in _ALONE or "imgcode" in parameters
    if kind in WITHOUT_TEXT:
        if options.comment:
            raise OptionError("option_comment")
        text = ""
        if sender and kind == "ping":  # there is no line to say it in
            parameters["sender"] = sender
        sender = ""
    elif is_binary(message):
        text = _binary(message, options)
        parameters.pop("flash", None)  # the data coding says it
        parameters["bin"] = "2"
        alone = True
    else:
        text, is_command = _text(message, options, may_command=may_command)
        if not kind and class_of(message.data_coding) == 0:
            parameters["flash"] = "1"
        alone = alone or is_command or not can_list(text)
    if message.validity_period and "valid" not in parameters and kind not in _WITHOUT_LIFETIME:
        parameters["valid"] = _valid(message.expires_ms - now_ms)
    return Line(
        to=to,
        key=to.removeprefix("+"),
        text=text,
        sender=sender,
        group=tuple(sorted(parameters.items())),
        alone=alone or _has_list_sign(sender) is not None or _has_list_sign(to) is not None,
    )


def request_of(lines: Sequence[Line], request_id: str) -> dict[str, str]:
    """The parameters of operation "send" for lines of one group, or for one line.

    The same lines in the same order always become the same request. ValueError for lines that cannot share
    one: of different groups, one that has to be alone, or two to the same recipient, which no answer of the
    service could tell apart.
    """
    if not lines:
        raise ValueError("a request has at least one line")
    first = lines[0]
    parameters = dict(first.group)
    parameters["id"] = request_id
    senders = {line.sender for line in lines}
    if len(lines) > 1:
        if any(line.alone or line.group != first.group for line in lines):
            raise ValueError("these lines cannot share a request")
        if len({line.key for line in lines}) < len(lines):
            raise ValueError("two lines of a request have the same recipient")
    if len(senders) == 1 and first.sender:
        parameters["sender"] = first.sender
    if len(lines) == 1 or WITHOUT_TEXT & parameters.keys():
        parameters["phones"] = ",".join(line.to for line in lines)
        if first.text:
            parameters["mes"] = first.text
    else:
        differ = len(senders) > 1
        parameters["list"] = format_list(
            ListLine(phones=(line.to,), text=line.text, sender=line.sender if differ else "", zone="")
            for line in lines
        )
    return parameters


def _number(message: Message | Draft) -> str:
    """The destination; an international number with "+", so that the service does not correct it."""
    digits = digits_of(message.destination, message.destination_ton)
    if not digits:
        raise OptionError("option_to")
    return f"+{digits}" if message.destination_ton <= TON_INTERNATIONAL and is_e164(digits) else digits


def _binary(message: Message | Draft, options: Options) -> str:
    if options.kind not in ("", "flash") or options.comment:
        raise OptionError("options_with_binary_data")
    return format_binary(*binary_of(message, flash=options.kind == "flash"))


def _text(message: Message | Draft, options: Options, *, may_command: bool) -> tuple[str, bool]:
    """The text, and whether there is a command to the service in it."""
    text = text_of(message)
    if len(text) > MAX_TEXT:
        raise Unsendable("text_over_1000_characters")
    may_be_empty = options.get("fileurl") or (options.kind == "mms" and options.get("subj"))
    if not (text.strip() or may_be_empty):
        raise Unsendable("text_is_missing")
    is_command = _is_command(text) is not None or _has_comment(text) is not None
    if is_command and not may_command:
        raise Unsendable("service_command_in_text")
    if options.comment:
        if is_command or options.kind == "call":  # where a call has its `param`
            raise OptionError("option_comment")
        try:
            text = join_comment(text, options.comment)
        except SendingError:
            raise OptionError("option_comment") from None
    return text, is_command


def _valid(left_ms: int) -> str:
    """What is left of a validity as hh:mm; the service takes a minute to a day."""
    minutes = max(1, min(_DAY_MINUTES, -(-left_ms // 60_000)))
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
