"""Kinds of message that only an SMSC service can send: calls, Viber, MMS, e-mail, HLR requests and so on.

Each recipient gets a message with options (`smsc_options`), which goes by a service or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.model import Draft
from gateway.translate.api_submit import (
    KINDS,
    Content,
    Kind,
    SubmitError,
    coded_text,
    source_of,
    transliterated,
)
from gateway.translate.smsc_options import OptionError, Unsendable, options_tlv
from gateway.translate.smsc_send import line_of
from protocols.smsc_http.recipients import canonical_number, is_bot_user, is_mail, is_number
from protocols.smsc_http.sending import CALL_DEFAULT, MAX_TEXT, PREFIXES, call_param, split_prefix

WITHOUT_TEXT = frozenset({"hlr", "ping"})
_PASSED = ("subj", "bot", "smsreq", "fileurl", "voice")
"""Parameters that go to the service as they came."""
_MAY_BE_FILES = frozenset({"call", "viber", "mms"})
_MAX_LINE = 255
_LETTERS_A_SECOND = 15
_SECONDS_OF_A_FILE = 30


def kind_in(text: str) -> tuple[Kind, str] | None:
    """The kind that the prefix of a text stands for, and the rest of the text; None: it has none.

    A bot's text keeps it: which bot it is knows the service alone, by this prefix.
    """
    prefix, rest = split_prefix(text)
    if not prefix:
        return None
    kind = KINDS[PREFIXES[prefix][0]]
    return kind, text if kind.name == "bot" and rest.strip() else rest


def content_of(text: str, comment: str, kind: Kind, params: Mapping[str, str]) -> Content:
    """What goes to the service; the comment is off the text already. SubmitError for what nothing takes."""
    name = kind.name
    options = [(key, params[key]) for key in _PASSED if params.get(key)]
    if name != "bot":
        options.append((name, "1"))
    if name in WITHOUT_TEXT:
        return Content(kind, "", "", 1, coded_text(""), options=(*_of_kind(options, name),))
    if len(text) > MAX_TEXT:
        raise SubmitError(f"a text has at most {MAX_TEXT} characters")
    has_file = name in _MAY_BE_FILES and bool(params.get("fileurl"))
    if not (text.strip() or has_file or (name == "mms" and params.get("subj"))):
        raise SubmitError("there is no text")
    text = transliterated(text, params.get("translit", ""))
    parts = 1
    if name == "call":
        options += _timing(comment or params.get("param", ""))
        parts = max(1, -(-len(text) // _LETTERS_A_SECOND) + (_SECONDS_OF_A_FILE if has_file else 0))
        comment = ""
    elif comment:
        options.append(("comment", " ".join(comment.split())[:_MAX_LINE]))
    return Content(kind, text, comment, parts, coded_text(text), options=(*_of_kind(options, name),))


def _of_kind(options: list[tuple[str, str]], name: str) -> list[tuple[str, str]]:
    """Without what means nothing to this kind, and would make the service refuse it."""
    if name in WITHOUT_TEXT:
        return [(name, "1")]
    keeps = {"voice": {"call"}, "smsreq": {"bot"}, "fileurl": {*_MAY_BE_FILES, "mail"}}
    return [option for option in options if name in keeps.get(option[0], {name})]


def _timing(param: str) -> list[tuple[str, str]]:
    """`w,i,n` of a call; what is none, or out of bounds, leaves it to the service."""
    timing = call_param(param)
    if timing == CALL_DEFAULT or timing.interval_s is None:
        return []
    return [("param", f"{timing.wait_s},{timing.interval_s},{timing.attempts}")]


def recipient_of(given: str, kind: Kind) -> tuple[str, str]:
    """Whom it goes to, as answers name him, and the digits of the number, if it is one."""
    if kind.name == "mail":
        return given.lower(), ""
    if kind.name == "bot" and not given.lstrip("+").isdecimal():
        return given, ""
    digits = canonical_number(given)
    return digits, digits


def is_well_formed(recipient: str, digits: str, kind: Kind) -> bool:
    """Whether this kind can go there."""
    if digits:
        return is_number(digits)
    return is_mail(recipient) if kind.name == "mail" else is_bot_user(recipient)


def sender_of(sender: str, kind: Kind) -> tuple[int, int, str] | None:
    """TON, NPI and sender: of e-mail an address, of calls a number. None: it can be no sender."""
    if kind.name == "mail":
        return (0, 0, sender) if is_mail(sender) else None
    if kind.name in WITHOUT_TEXT or (kind.name == "call" and not sender.removeprefix("+").isdecimal()):
        return 0, 0, ""
    return source_of(sender)


def for_service(draft: Draft, content: Content, recipient: str, now_ms: int) -> Draft:
    """The draft with its options. SubmitError when the service would not take it."""
    options = content.options if draft.destination else (*content.options, ("to", recipient))
    draft = draft._replace(tlvs=options_tlv(options), segments=1)
    if not draft.destination:
        draft = draft._replace(destination_ton=0, destination_npi=0)
    try:
        line_of(draft, now_ms, may_command=True)
    except (OptionError, Unsendable) as error:
        raise SubmitError(f"the service does not take this: {error}") from None
    return draft
