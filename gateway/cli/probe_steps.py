"""The steps of `smsc-gateway probe`, in their order; each ends after the session's timeout."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from gateway.cli.probe_findings import (
    NO,
    SAMPLE,
    UNKNOWN,
    YES,
    Step,
    echo_of,
    id_form,
    profile,
    receipt_steps,
)
from gateway.cli.probe_findings import alphabet as judge_alphabet
from gateway.cli.probe_session import ConnectionLost, ProbeError, ProbeSession, Reply, Sent
from protocols.smpp import constants as c
from protocols.sms import segments
from protocols.sms.alphabet import Alphabet, encode

MESSAGES = 9
"""submit_sm that are sent; the scheduled one is cancelled again, if that is possible."""
RETRY_PAUSE_S = 1.0
"""Before what was refused for now is tried again."""

_TRIES = 3
_VENDOR_TLV = bytes.fromhex("1400 0005") + b"probe"  # the first of the vendors' own, SMPP v3.4 §5.3.2
_UCS2 = 8
_IN_AN_HOUR = "000000010000000R"
_USUAL = ("ESME_RTHROTTLED", "ESME_RMSGQFUL")
_TOO_FAST = (c.ESME_RTHROTTLED, c.ESME_RMSGQFUL, c.ESME_RSUBMITFAIL)
_FOR_NOW = (*_TOO_FAST, c.ESME_RSYSERR)
_VENDOR_STATUS = 0x400
_OPERATIONS = ("query_sm", "replace_sm", "cancel_sm")
_NAMES = {
    "transceiver": "as a transceiver",
    "pair": "as transmitter and receiver",
    "transmitter": "as a transmitter, so no receipts can come",
}


class Probe:
    """One probing of a connector's SMSC. `say` gets each step as soon as it is known."""

    def __init__(
        self,
        session: ProbeSession,
        addressing: dict[str, Any],
        say: Callable[[Step], None],
        waits: Callable[[], None],
    ) -> None:
        """`addressing`: the address fields of submit_sm; `waits` is told when receipts are waited for."""
        self._session = session
        self._addressing = addressing
        self._say = say
        self._waits = waits
        self._number = random.randrange(10_000)  # noqa: S311 - no secret
        self._sent: list[Sent] = []
        self._slow: dict[int, int] = {}
        self._found: dict[str, Any] = {}
        self._gone = ""

    def run(self) -> dict[str, Any]:
        """The profile that fits. Raises ProbeError when there is nothing to be found out."""
        self._session.bind()
        try:
            self._bound()
            self._messages()
            self._operations()
        except ConnectionLost as error:
            raise ProbeError(f"the SMSC went away: {error}") from None
        self._throttling()
        return profile(self._found)

    # -- the session -----------------------------------------------------------------------------------

    def _bound(self) -> None:
        version = self._session.version
        mode = _NAMES[self._session.connector.bind_mode]
        says = "it says no version" if version is None else f"it says version {_version(version)}"
        self._say(Step("bind", YES, f"{mode}; {says}"))
        if version is not None and version >= c.INTERFACE_VERSION_50:
            self._found["interface_version"] = "5.0"
        elif version is not None and version < c.INTERFACE_VERSION_34:
            self._found["interface_version"] = "3.3"
        reply = self._session.enquire()
        if reply is None:
            self._say(Step("enquire_link", NO, "no answer"))
        else:
            self._say(Step("enquire_link", YES if reply.status == c.ESME_ROK else NO, _status(reply)))

    # -- messages --------------------------------------------------------------------------------------

    def _messages(self) -> None:
        plain = self._submit(short_message=encode(SAMPLE + self._tail("A"), Alphabet.GSM7))
        if not plain.is_taken:
            self._say(Step("message", NO, _why(plain)))
            raise ProbeError(
                f"it takes no plain message ({plain.refusal}), so nothing more can be found out – check the "
                "number, --from, and what the account may and can pay"
            )
        self._say(Step("message", YES, f"taken as {plain.message_id or 'no id'}"))
        ucs2 = self._submit(short_message=encode(SAMPLE + self._tail("B"), Alphabet.UCS2), data_coding=_UCS2)
        vendor = self._submit(_VENDOR_TLV, short_message=self._text("vendor TLV"))
        self._say(_taken("vendor TLV", vendor, "ignored, or obeyed"))
        payload = self._submit(message_payload=self._text("message_payload"))
        sar = self._sar()
        udh = self._udh()
        self._waits()
        self._session.wait(self._is_complete, self._session.timeout_s)
        self._judge_tlvs(plain, vendor, payload, sar)
        self._judge_parts(sar, udh, payload)
        self._judge_receipts(plain, ucs2)

    def _sar(self) -> list[Sent]:
        reference = self._number % 0xFFFF + 1
        parts = [
            self._submit(
                short_message=self._text(f"SAR part {part}"),
                sar_msg_ref_num=reference,
                sar_total_segments=2,
                sar_segment_seqnum=part,
            )
            for part in (1, 2)
        ]
        self._say(_taken("SAR", _worst(parts), "both parts taken"))
        return parts

    def _udh(self) -> list[Sent]:
        texts = [self._text(f"UDH part {part}") for part in (1, 2)]
        parts = [
            self._submit(short_message=octets, esm_class=c.ESM_CLASS_UDHI)
            for octets in segments.with_udh(texts, self._number % 256)
        ]
        self._say(_taken("UDH parts", _worst(parts), "both parts taken"))
        return parts

    def _judge_tlvs(self, plain: Sent, vendor: Sent, payload: Sent, sar: list[Sent]) -> None:
        is_empty = bool(payload.receipts) and bool(echo_of(plain)) and not echo_of(payload)
        if payload.is_taken and is_empty:
            self._say(Step("message_payload", NO, "taken, but its receipt has no text: TLVs are not read"))
        else:
            self._say(_taken("message_payload", payload, "taken"))
        refused = [
            bool(each.reply or each.lost) and not each.is_taken for each in (vendor, payload, _worst(sar))
        ]
        if (payload.is_taken and is_empty) or all(refused):
            self._found["tlvs"] = False

    def _judge_parts(self, sar: list[Sent], udh: list[Sent], payload: Sent) -> None:
        if _worst(udh).is_taken or not self._found.get("tlvs", True):
            return
        if _worst(sar).is_taken:
            self._found["long_messages"] = "sar"
        elif payload.is_taken:
            self._found["long_messages"] = "payload"

    def _judge_receipts(self, plain: Sent, ucs2: Sent) -> None:
        echo = echo_of(ucs2)
        repeated = "its receipt repeats the text" if echo else "no receipt repeats the text"
        self._say(_taken("UCS-2", ucs2, f"taken, {repeated}"))
        self._found["receipts_by_text"], steps = receipt_steps(self._sent)
        if not self._sent[0].receipts and self._session.strangers:
            count = len(self._session.strangers)
            steps = [Step("receipts", UNKNOWN, f"{count} came whose ids are those of none of these messages")]
        for step in steps:
            self._say(step)
        self._found["data_coding_0"], step = judge_alphabet(plain, ucs2)
        self._say(step)
        self._found["id_form"], step = id_form(self._sent)
        self._say(step)
        if self._session.unreadable:
            self._say(
                Step("unreadable", UNKNOWN, f"{self._session.unreadable} PDUs that smpplib cannot read")
            )

    def _is_complete(self) -> bool:
        return all(sent.receipts for sent in self._sent if sent.is_taken)

    # -- what can be done with a message ---------------------------------------------------------------

    def _operations(self) -> None:
        scheduled = self._submit(
            short_message=self._text("is scheduled"),
            schedule_delivery_time=_IN_AN_HOUR,
            registered_delivery=0,
        )
        if scheduled.is_taken:
            self._say(Step("schedule", YES, "a message for in an hour is taken"))
        else:
            self._say(Step("schedule", NO, _why(scheduled)))
        supported = []
        for name in _OPERATIONS:
            message = scheduled if scheduled.is_taken or name != "query_sm" else self._sent[0]
            step = self._operation(name, message)
            self._say(step)
            if step.answer == YES:
                supported.append(name)
        if scheduled.is_taken and "cancel_sm" not in supported:
            self._say(Step("left behind", YES, f"{scheduled.message_id} will be delivered in an hour"))
        self._found["operations"] = [
            name for name in ("query_sm", "cancel_sm", "replace_sm") if name in supported
        ]

    def _operation(self, name: str, message: Sent) -> Step:
        if not message.message_id:
            return Step(name, UNKNOWN, "there is no message that waits")
        if self._gone:
            return Step(name, UNKNOWN, f"there is no connection: {self._gone}")
        try:
            reply = self._ask(name, message.message_id)
        except ConnectionLost as error:
            self._bind_again()
            return Step(name, NO, str(error))
        if reply is None:
            return Step(name, NO, "no answer")
        return Step(name, YES if reply.status == c.ESME_ROK else NO, _status(reply))

    def _ask(self, name: str, message_id: str) -> Reply | None:
        numbers = self._addressing
        source = {key: value for key, value in numbers.items() if key.startswith("source")}
        if name == "query_sm":
            return self._session.query(message_id=message_id, **source)
        if name == "cancel_sm":
            return self._session.cancel(message_id=message_id, **numbers)
        text = self._text("was replaced")
        return self._session.replace(message_id=message_id, short_message=text, **source)

    def _bind_again(self) -> None:
        """After a loss; some SMSCs need a moment to see that the old session is gone."""
        self._session.close()
        for _ in range(_TRIES):
            try:
                self._session.bind()
                self._gone = ""
                return
            except ProbeError as error:
                self._gone = str(error)
                self._session.wait(lambda: False, RETRY_PAUSE_S)

    # -- throttling ------------------------------------------------------------------------------------

    def _throttling(self) -> None:
        if not self._slow:
            self._say(Step("throttling", UNKNOWN, f"none at {MESSAGES} messages"))
            return
        counts = ", ".join(f"{c.status_name(status)} {count}×" for status, count in self._slow.items())
        self._say(Step("throttling", YES, f"{counts}, and taken when tried again"))
        others = [_as_option(status) for status in self._slow if c.status_name(status) not in _USUAL]
        if others:
            self._found["throttle_statuses"] = [*_USUAL, *others]

    def _submit(self, tlvs: bytes = b"", **fields: Any) -> Sent:
        values = {"registered_delivery": c.REGISTERED_DELIVERY_RECEIPT_FINAL, **self._addressing, **fields}
        refusals: list[int] = []
        for left in reversed(range(_TRIES)):
            sent = self._submit_once(tlvs, values)
            status = sent.reply.status if sent.reply is not None else c.ESME_ROK
            if not left or not (status in _FOR_NOW or status >= _VENDOR_STATUS):
                break
            refusals.append(status)
            self._session.wait(lambda: False, RETRY_PAUSE_S)
        if sent.is_taken:
            for status in refusals:
                if status in _TOO_FAST or status >= _VENDOR_STATUS:
                    self._slow[status] = self._slow.get(status, 0) + 1
        if values["registered_delivery"]:
            self._sent.append(sent)
        return sent

    def _submit_once(self, tlvs: bytes, values: dict[str, Any]) -> Sent:
        try:
            return self._session.submit(tlvs, **values)
        except ConnectionLost as error:
            self._bind_again()
            if self._gone:
                raise ProbeError(f"{error}, and then: {self._gone}") from None
            return Sent(b"", None, lost=str(error))

    def _tail(self, letter: str) -> str:
        # some SMSCs refuse a text that is sent again within a minute
        return f" probe {self._number:04d} {letter}"

    def _text(self, what: str) -> bytes:
        """In letters that every alphabet has at the same octets."""
        return f"probe {self._number:04d} {what}".replace("_", " ").encode("ascii")


def _worst(parts: list[Sent]) -> Sent:
    return next((part for part in parts if not part.is_taken), parts[0])


def _taken(name: str, sent: Sent, why: str) -> Step:
    if sent.is_taken:
        return Step(name, YES, why)
    return Step(name, UNKNOWN if sent.reply is None and not sent.lost else NO, _why(sent))


def _why(sent: Sent) -> str:
    return sent.refusal if sent.reply is None else f"refused: {sent.refusal}"


def _status(reply: Reply) -> str:
    return c.status_name(reply.status)


def _version(version: int) -> str:
    return f"{version >> 4}.{version & 15}"


def _as_option(status: int) -> str:
    name = c.status_name(status)
    return name if name.startswith("ESME") else f"0x{status:04X}"
