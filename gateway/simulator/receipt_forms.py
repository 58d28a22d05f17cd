"""The forms in which SMSCs write their receipts: each a row of FORMS, with what it does otherwise.

The plain one is that of `receipts.receipt`, which is the fast one; all others are made here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from gateway.simulator.message import Message
from gateway.simulator.receipts import error_of, receipt_tlvs, way_back
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import DataSm, DeliverSm, Tlvs
from protocols.sms.receipts import STATE_WORDS

_COUNTS = " sub:{sub} dlvrd:{dlvrd}"
_DATES = " submit date:{submit} done date:{done}"
_END = " stat:{stat} err:{err}"
_TEXT = " text:{text}"
_LONG_WORDS = {
    c.DELIVERED: "DELIVERED",
    c.UNDELIVERABLE: "UNDELIVERABLE",
    c.ACCEPTED: "ACCEPTED",
    c.REJECTED: "REJECTED",
}
_PORTS = bytes.fromhex("0605040b8423f0")  # a header that has nothing to do with parts
_NETWORK = " imsi:250011234567890 msc:{source} mcc:250 mnc:01 cn:{country} net:{network} rcn: rnet:"
# Tags of the service's own: what the message cost, a flag, and how many parts it had.
_COST, _FLAG, _PARTS = 0x2000, 0x2001, 0x2002


@dataclass(frozen=True, slots=True)
class Form:
    """How a receipt differs from the form of SMPP v3.4 Appendix B."""

    meaning: str
    text: str = "id:{id}" + _COUNTS + _DATES + _END + _TEXT
    date: str = "%y%m%d%H%M"  # of strftime; "epoch": seconds since 1970
    words: Mapping[int, str] = field(default_factory=dict)
    esm_class: int = c.ESM_CLASS_TYPE_SMSC_DELIVERY_RECEIPT
    udh: bytes = b""
    ucs2: bool = False
    in_payload: bool = False
    by_data_sm: bool = False
    vendor_tlvs: bool = False
    nul_missing: bool = False
    nul_after: bool = False


_PLAIN = Form("as SMPP v3.4 Appendix B has it")

FORMS: dict[str, Form] = {
    "plain": _PLAIN,
    "no_counts": Form("without sub and dlvrd", text="id:{id}" + _DATES + _END + _TEXT),
    "no_text": Form("without text", text="id:{id}" + _COUNTS + _DATES + _END),
    "no_dates": Form("without dates", text="id:{id}" + _COUNTS + _END + _TEXT),
    "no_err": Form("without err", text="id:{id}" + _COUNTS + _DATES + " stat:{stat}" + _TEXT),
    "short": Form("id and stat alone", text="id:{id} stat:{stat}"),
    "other_order": Form(
        "other order, other case of the names", text="Stat:{stat} Err:{err}" + _DATES + " ID:{id} Text:{text}"
    ),
    "dates_12": Form("dates with seconds, YYMMDDhhmmss", date="%y%m%d%H%M%S"),
    "dates_14": Form("dates of 14 digits, YYYYMMDDhhmmss", date="%Y%m%d%H%M%S"),
    "dates_zero": Form("dates of zeros", date="0000000000"),
    "dates_epoch": Form("dates in seconds since 1970", date="epoch"),
    "long_words": Form("stat spelt out, as DELIVERED", words=_LONG_WORDS),
    "stat_0": Form("stat 0 for delivered", words={c.DELIVERED: "0"}),
    "esm_class_00": Form("esm_class 0x00", esm_class=0x00),
    "esm_class_08": Form("esm_class 0x08", esm_class=c.ESM_CLASS_TYPE_SME_DELIVERY_ACKNOWLEDGEMENT),
    "esm_class_20": Form("esm_class 0x20", esm_class=c.ESM_CLASS_TYPE_INTERMEDIATE_NOTIFICATION),
    "udh": Form("esm_class 0x44, a header before the text", esm_class=0x44, udh=_PORTS),
    "ucs2": Form("text in UCS-2", ucs2=True),
    "payload": Form("text in message_payload", in_payload=True),
    "data_sm": Form("data_sm, text in message_payload", in_payload=True, by_data_sm=True),
    "vendor_tlvs": Form("the service's TLVs 0x2000 (cost), 0x2001 (flag), 0x2002 (parts)", vendor_tlvs=True),
    "hlr": Form(
        "as the service answers an HLR request",
        text="id:{id} stat:{stat} err:{err}" + _NETWORK,
        vendor_tlvs=True,
    ),
    "no_nul": Form("receipted_message_id without its NUL", nul_missing=True),
    "nul_after": Form("a NUL at the end of the text", nul_after=True),
}
RECEIPT_FORMS = tuple(FORMS)


def receipt_in(
    name: str,
    message: Message,
    state: int,
    done_at: float,
    *,
    content: str,
    quoted: bytes,
    word: str | None = None,
) -> DeliverSm | DataSm:
    """The receipt of a message in the form of that name; `quoted` is what it tells of the message's text.

    `content` and `word` are those of `receipts.receipt`, `done_at` is seconds since the epoch.
    """
    form = FORMS[name]
    text = b""
    if content != "tlv":
        text = _text(form, message, state, done_at, quoted, word)
    tlvs: Tlvs = ()
    if content != "text":
        tlvs = receipt_tlvs(message, state)
        if form.nul_missing:
            tlvs = tuple(
                (tag, raw.rstrip(b"\0") if tag == tlv.RECEIPTED_MESSAGE_ID else raw) for tag, raw in tlvs
            )
        if form.vendor_tlvs:
            tlvs += ((_COST, b"1.2345"), (_FLAG, b"\0\1"), (_PARTS, b"\0\1"))
    user_data = form.udh + text
    in_payload = bool(user_data) and (form.in_payload or len(user_data) > 254)
    if in_payload:
        tlvs += ((tlv.MESSAGE_PAYLOAD, user_data),)
    coding = 8 if form.ucs2 else 0
    back = way_back(message)
    if form.by_data_sm:
        return DataSm(**back, esm_class=form.esm_class, data_coding=coding, tlvs=tlvs)
    short = b"" if in_payload else user_data
    return DeliverSm(**back, esm_class=form.esm_class, data_coding=coding, short_message=short, tlvs=tlvs)


def _text(form: Form, message: Message, state: int, done_at: float, quoted: bytes, word: str | None) -> bytes:
    delivered = state == c.DELIVERED
    text = form.text.format(
        id=message.receipt_id,
        sub="001",
        dlvrd="001" if delivered else "000",
        submit=_date(form.date, message.at),
        done=_date(form.date, done_at),
        stat=word or form.words.get(state) or STATE_WORDS[state],
        err=error_of(state),
        text=quoted[:20].decode("latin-1"),
        source=message.destination,
        country=quote_plus("Russian Federation"),
        network=quote_plus("MegaFON open Joint Stock Company"),
    )
    if form.nul_after:
        text += "\0"
    return text.encode("utf-16-be") if form.ucs2 else text.encode("latin-1", "replace")


def _date(pattern: str, at: float) -> str:
    return str(int(at)) if pattern == "epoch" else time.strftime(pattern, time.gmtime(at))
