"""What a text repeats or appends: quoted mails, signatures, lines that were broken for transport.

How an answer looks is custom, not specification; the forms here are those of the mail programs in wide use,
in the languages that people write.  One rule protects what is no answer at all (a forwarded mail, a table
that begins its lines with ">"): nothing is cut where nothing would be left, unless an introduction like "On …
wrote:" says that it is a quotation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_WROTE = re.compile(
    r"\b(?:wrote|writes|schrieb|schreef|skrev|kirjoitti|napsala?|napísala?|írta|scris|escribi[óo]|escreveu|"
    r"ha scritto|pisze|napisał(?:\(a\)|a)?|a écrit|έγραψε|(?:на)?писала?(?:\(а\))?|пишет|писали|пише|"
    r"(?:на)?писав(?:ла|\(ла\))?|напіса[ўл]а?|написа|жазды)(?!\w)|写道|寫道|書きました|작성",
    re.IGNORECASE,
)
_STARTER = re.compile(
    r"(?:On|Am|Le|El|Em|Il|Op|Den|Dne|Dňa|W dniu|Dnia|Στις|Вы писали|Пользователь|пн|вт|ср|чт|пт|сб|вс|нд|"
    r"понедельник|вторник|среда|четверг|пятница|суббота|воскресенье)\b",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(
    r"-{2,}\s?(?:Original Message|Original Appointment|Исходное сообщение|Оригинальное сообщение|"
    r"Вихідне повідомлення|Ursprüngliche Nachricht|Originalnachricht|Message d'origine|Message original|"
    r"Mensaje original|Mensagem original|Messaggio originale|Oorspronkelijk bericht|Ursprungligt meddelande|"
    r"Oprindelig meddelelse|Wiadomość oryginalna|Původní zpráva|原始邮件|原始郵件|元のメッセージ)\s?-{2,}",
    re.IGNORECASE,
)
# What was forwarded is not quoted: it is what the mail is for.
_FORWARDED = re.compile(
    r"forwarded message|пересыла|пересланн|weitergeleitete|transféré|reenviado|encaminhada|inoltrato|"
    r"doorgestuurd|vidarebefordra|転送|转发",
    re.IGNORECASE,
)
_RULE = re.compile(r"[_-]{8,}")
_DIGIT = re.compile(r"[0-9]")
_MAILBOX_AT_END = re.compile(r"<[^<>\s]+@[^<>\s]+>\s?[:：]\s*$")

_FROM, _SENT, _TO, _SUBJECT = range(4)
_HEADS = {
    word: kind
    for kind, words in (
        (_FROM, "from|von|de|da|от|от кого|від|від кого|van|från|fra|od|发件人|寄件者|差出人"),
        (
            _SENT,
            "sent|date|gesendet|datum|envoyé|enviado|enviado el|fecha|inviato|data|отправлено|дата|надіслано|"
            "verzonden|skickat|sendt|wysłano|发送时间|送信日時",
        ),
        (_TO, "to|an|à|para|a|кому|aan|till|til|do|收件人|宛先"),
        (_SUBJECT, "subject|betreff|objet|asunto|oggetto|assunto|тема|onderwerp|ämne|emne|temat|主题|件名"),
    )
    for word in words.split("|")
}

# Only with the device's or the program's name: "Sent from warehouse 5" is what a mail may be about.
_LONGEST_FOOTER = 100
_FOOTER = re.compile(
    r"\s*(?:(?:sent (?:from|via|with)|gesendet (?:mit|von|über)|(?:diese nachricht wurde )?von meinem|"
    r"envoyé (?:de|depuis|à partir)|enviado (?:desde|do|de)|inviato da|verzonden (?:vanaf|met)|skickat från|"
    r"sendt fra|wysłan[eo] z|odesláno z|отправлено (?:с|из|через)|надіслано (?:з|із|через))"
    r"\b.{0,30}?\b(?:iphone|ipad|android|samsung|galaxy|huawei|honor|xiaomi|blackberry|outlook|gmail|yahoo|"
    r"proton ?mail|windows|e?mail app|mail (?:for|pour|für) |mobile|mobiltelefon|handy|smartphone|móvil|"
    r"celular|яндекс|почты|mail\.ru|mymail|мобильн|смартфона|телефона)"
    r"|.{0,25}\boutlook\b.{0,9}\b(?:for|für|pour|para|per|voor|dla|для) (?:ios|android))",
    re.IGNORECASE,
)

_INTRODUCTION_LINES = 3
_LONGEST_INTRODUCTION = 400
_BLANK_LINES = 3
_SIGNATURE_LINES = 10
_SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----\n"
_SIGNATURE = "\n-----BEGIN PGP SIGNATURE-----"


def cut_quotes(text: str, *, reply: bool) -> tuple[str, str]:
    """`text` without the mails it quotes, and what was cut ("" for nothing).

    `reply` says that the header marks the mail as an answer: then lines behind ">" are quoted even if nothing
    introduces them.  Answers between quoted lines stay.
    """
    if ":" not in text and ">" not in text and "--" not in text:
        return text, ""
    lines = text.split("\n")
    block = _header_block(lines)
    if block >= 0 and _says_something(lines[:block]):
        kept, what = _without_quoted_lines(lines[:block], reply)
        return "\n".join(kept), what or "the mail that was answered is left out"
    kept, what = _without_quoted_lines(lines, reply)
    return ("\n".join(kept), what) if what else (text, "")


def _says_something(lines: Sequence[str]) -> bool:
    return any(line and not line.isspace() for line in lines)


def _header_block(lines: Sequence[str]) -> int:
    """Where an answered mail begins: at "-----Original Message-----", or its From, Sent, To; -1: nowhere."""
    for number, line in enumerate(lines):
        found = line.lstrip().startswith("--") and _SEPARATOR.match(line.lstrip())
        if found or (":" in line and _head(line) == _FROM and _is_header(lines[number : number + 8])):
            while number and (not lines[number - 1].strip() or _RULE.fullmatch(lines[number - 1].strip())):
                number -= 1
            return -1 if number and _FORWARDED.search(lines[number - 1]) else number
    return -1


def _head(line: str) -> int:
    """Which head of a quoted mail a line has, also in bold (*From:*)."""
    return _HEADS.get(line[:24].partition(":")[0].strip(" \t*").lower(), -1)


def _is_header(lines: Sequence[str]) -> bool:
    kinds = {_head(line) for line in lines if ":" in line}
    return _SENT in kinds and (_TO in kinds or _SUBJECT in kinds)


def _without_quoted_lines(lines: Sequence[str], reply: bool) -> tuple[Sequence[str], str]:
    kept: list[str] = []
    quoted, introduced, inside = 0, False, False
    for line in lines:
        if line.startswith((">", " >")):
            start = -1 if inside else _introduction(kept)
            if start >= 0:
                introduced = True
                del kept[start:]
            quoted += 1
            inside = True
        else:
            kept.append(line)
            inside = False
    if not quoted:
        return _without_unmarked_quote(lines, reply)
    if not (introduced or reply) or not (introduced or _says_something(kept)):
        return lines, ""
    return kept, f"{quoted} quoted lines are left out"


def _without_unmarked_quote(lines: Sequence[str], reply: bool) -> tuple[Sequence[str], str]:
    """Without what follows an introduction; HTML made into text has no ">" before its quotations."""
    for number, line in enumerate(lines):
        if line.rstrip().endswith((":", "：")):
            first = max(number - _INTRODUCTION_LINES + 1, 0)
            start = _introduction(lines[first : number + 1], sure=reply)
            if start >= 0 and _says_something(lines[: first + start]):
                return lines[: first + start], "the mail that was answered is left out"
    return lines, ""


def _introduction(lines: Sequence[str], *, sure: bool = True) -> int:
    """Where the introduction at the end of `lines` begins ("On … wrote:"); -1 if they do not end in one.

    Unless it is `sure` that something is quoted, it must have a date, and a verb or a beginning that is
    usual.
    """
    last = len(lines) - 1
    while last >= 0 and len(lines) - last <= _BLANK_LINES and not lines[last].strip():
        last -= 1
    if last < 0 or not lines[last].rstrip().endswith((":", "：")):
        return -1
    joined = ""
    for first in range(last, max(last - _INTRODUCTION_LINES, -1), -1):
        line = lines[first].strip()
        joined = f"{line} {joined}"
        if not line or len(joined) > _LONGEST_INTRODUCTION:
            break
        if _STARTER.match(line) and _DIGIT.search(joined) and ("@" in joined or _WROTE.search(joined)):
            return first
    line = lines[last][-_LONGEST_INTRODUCTION:]
    dated = _DIGIT.search(line) is not None
    if (_WROTE.search(line) and (dated or sure)) or (sure and dated and _MAILBOX_AT_END.search(line)):
        return last
    return -1


def cut_signature(text: str) -> tuple[str, str]:
    """`text` without its signature and what a telephone adds by itself, and what was cut ("" for nothing)."""
    kept, what = _cut_behind_dashes(text)
    end = kept.rstrip()
    start = end.rfind("\n") + 1
    if len(end) - start <= _LONGEST_FOOTER and _FOOTER.match(end, start) is not None:
        return end[:start], what or "the telephone's own last line is left out"
    return kept, what


def _cut_behind_dashes(text: str) -> tuple[str, str]:
    """`text` without what follows its signature's dashes (RFC 3676 §4.3), and what was cut ("" for nothing).

    The space behind the dashes is often lost on the way; then they count only near the end of the text,
    because programs write such lines between their results too.
    """
    if "--" not in text:
        return text, ""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line == "-- ":
            return "\n".join(lines[:number]), "the signature is left out"
    dashes = [number for number, line in enumerate(lines) if line.rstrip() == "--"]
    if len(dashes) == 1 and len(lines) - dashes[0] <= _SIGNATURE_LINES + 1:
        return "\n".join(lines[: dashes[0]]), "the signature is left out"
    return text, ""


def unflow(text: str, *, delsp: bool) -> str:
    """A format=flowed text with its paragraphs in one line each; quoted ones behind "> " (RFC 3676 §4)."""
    lines: list[str] = []
    paragraph: list[str] = []
    depth = 0
    for line in text.split("\n"):
        content = line.lstrip(">") if line.startswith(">") else line
        quoted = len(line) - len(content)
        content = content.removeprefix(" ")  # space-stuffing
        if paragraph and (quoted != depth or content == "-- "):
            lines.append(_paragraph(depth, paragraph))
            paragraph = []
        depth = quoted
        if content.endswith(" ") and content != "-- ":
            paragraph.append(content[:-1] if delsp else content)
        else:
            paragraph.append(content)
            lines.append(_paragraph(depth, paragraph))
            paragraph = []
    if paragraph:
        lines.append(_paragraph(depth, paragraph))
    return "\n".join(lines)


def _paragraph(depth: int, pieces: list[str]) -> str:
    text = "".join(pieces)
    return f"{'>' * min(depth, 10)} {text}" if depth else text


def without_armour(text: str) -> str:
    """The text of a clearsigned one (OpenPGP, RFC 4880 §7); any other as it is."""
    if not text.startswith(_SIGNED):
        return text
    _, _, text = text.partition("\n\n")  # behind the Hash lines
    text, _, _ = text.partition(_SIGNATURE)
    return text.removeprefix("- ").replace("\n- ", "\n")
