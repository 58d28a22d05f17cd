"""What a mail in the service's form asks for and only an SMSC service can send: calls, Viber, e-mail, …

Each recipient gets a message with options (`smsc_options`), which goes by a service or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from gateway.core.model import Draft, Notify
from gateway.translate.mail_submit import draft_of
from gateway.translate.smsc_options import OptionError, Unsendable, options_tlv
from gateway.translate.smsc_send import line_of
from protocols.mail import service_form as form
from protocols.mail.errors import MailError
from protocols.mail.fitting import fit
from protocols.sms.segments import MAX_SEGMENTS
from protocols.smsc_http.sending import split_comment, split_prefix

_PARAMETERS = {
    form.PUSH: "push",
    form.HLR: "hlr",
    form.PING: "ping",
    form.MMS: "mms",
    form.MAIL: "mail",
    form.CALL: "call",
    form.VIBER: "viber",
    form.SOC: "soc",
}
_WITHOUT_TEXT = (form.HLR, form.PING)
_MAX_SUBJECT = 200


class Wishes(NamedTuple):
    """What the mail says of all its texts."""

    source: str
    """The SMS sender, of the form or the account; ""."""
    author: str
    """The mail address of who wrote it."""
    subject: str
    translit: str
    notify: Notify
    due_ms: int
    now_ms: int


def drafts_of_text(
    said: form.ServiceText, wishes: Wishes, resolve: Callable[[str], Iterable[str]]
) -> list[Draft]:
    """The messages of one text; MailError when the service would not take it."""
    text, comment = split_comment(said.text)
    options: list[tuple[str, str]] = []
    if said.format == form.BOT:
        text, comment = said.text, ""  # which bot it is knows the service by this prefix alone
    else:
        text = split_prefix(text)[1]
        options.append((_PARAMETERS[said.format], "1"))
    if said.format in _WITHOUT_TEXT:
        text = comment = ""
    if comment:
        is_call = said.format == form.CALL
        options.append(("param", "".join(comment.split())) if is_call else ("comment", _one_line(comment)))
    if wishes.translit in ("1", "2") and text:
        options.append(("translit", wishes.translit))
    if said.format == form.MAIL:
        options.append(("subj", _one_line(wishes.subject or text)[:_MAX_SUBJECT]))
    fitted = fit(text, transliterate="none", max_segments=MAX_SEGMENTS, max_characters=0, cut=False)
    drafts = []
    for number, to in dict.fromkeys(_recipients(said, resolve)):
        own = [*options, ("to", to)] if to else options
        source = _source_of(said.format, wishes)
        draft = draft_of(fitted, number, source, notify=wishes.notify, due_ms=wishes.due_ms)
        drafts.append(draft._replace(tlvs=options_tlv(own), segments=1))
    for draft in drafts:
        _check(draft, wishes.now_ms)
    return drafts


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _source_of(kind: int, wishes: Wishes) -> str:
    """The sender: of e-mail an address, of calls a number; else that of an SMS."""
    if kind == form.MAIL:
        return wishes.source if "@" in wishes.source else wishes.author
    if kind == form.CALL and not wishes.source.removeprefix("+").isdecimal():
        return ""
    return wishes.source


def _recipients(said: form.ServiceText, resolve: Callable[[str], Iterable[str]]) -> Iterable[tuple[str, str]]:
    """Number, or what stands for one: a mail address; a bot's users have names and ids as well."""
    for phone in said.phones:
        if said.format == form.MAIL or (said.format == form.BOT and _is_name(phone)):
            yield "", phone
            continue
        for number in resolve(phone):
            yield number, ""


def _is_name(phone: str) -> bool:
    """Whether it is a user of Telegram and no number; what a group's name begins with is none either."""
    return phone[:1] == "#" or (phone[:1].isalpha() and phone[:1] not in "Gg")


def _check(draft: Draft, now_ms: int) -> None:
    try:
        line = line_of(draft, now_ms, may_command=True)
    except OptionError as error:
        if str(error) == "option_to":
            raise MailError("550 5.1.3", "one of the recipients is none that this format goes to") from None
        raise MailError("550 5.5.4", f"the service does not take this: {error}") from None
    except Unsendable as error:
        raise MailError("554 5.6.0", f"the service does not take this: {error}") from None
    if ("mail", "1") in line.group and "@" not in line.sender:
        raise MailError("550 5.5.4", "e-mail needs a sender that is a mail address")
