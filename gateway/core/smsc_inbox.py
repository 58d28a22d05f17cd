"""What an SMSC service tells of a login's messages, by calls or when asked, as rows of the batch.

Both ways may tell the same: the store knows a receipt that came before, and an incoming SMS by the id that
the service gave it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote_plus

from gateway.config.smsc_model import SmscConnector
from gateway.core.batch import Journal, Row
from gateway.core.clock import Clock
from gateway.core.events import Events
from gateway.core.incoming import Came, Incoming
from gateway.core.model import INCOMING
from gateway.core.receipts import ReceiptBook
from gateway.core.smsc_ids import incoming_key, phone_key, upstream_id_of
from gateway.core.smsc_sink import Endpoint
from protocols.sms import alphabet
from protocols.sms.addresses import guess_source_ton_npi
from protocols.smsc_http.callbacks import HLR_FIELDS, VOICE_FIELDS, IncomingCall, StatusCall, WaitCall
from protocols.smsc_http.statuses import TYPE_MAIL, outcome, read_flag

WAIT_CALL_TEXT = "[waitcall]"
_DATA_CODINGS = {alphabet.Alphabet.GSM7: 0, alphabet.Alphabet.UCS2: 8}
_MAX_INFO = 64  # characters of one field
_MAX_ADDRESS = 20  # SMPP v3.4 §5.2.8
_MAX_TEXT = 30_000  # characters; in UCS-2 they still fit into message_payload


class SmscInbox:
    """The receipts and incoming SMS of one connector; a `CallbackSink`."""

    def __init__(
        self,
        config: SmscConnector,
        *,
        receipts: ReceiptBook,
        journal: Journal,
        incoming: Incoming,
        events: Events,
        clock: Clock,
    ) -> None:
        self.config = config
        self.receipts = receipts
        self._journal = journal
        self._incoming = incoming
        self._events = events
        self._clock = clock
        self.whose_call: Callable[[str], tuple[str, int] | None] = lambda number: None
        """Which account waits for a call from a number (digits), and since when (ms); None: none does."""

    # -- what is told, in plain values -----------------------------------------------------------------

    def receipt(
        self, id: int | str, phone: str, status: int, err: int, info: str, is_mail: bool, now_ms: int
    ) -> None:
        """A status of what went to `phone` under our `id`; `info` as `hlr_info` writes it."""
        what = outcome(status, err, is_mail=is_mail)
        key = phone_key(phone)
        self.receipts.take(
            upstream_id_of(id, phone), key[:254], what.state, what.final, what.error, now_ms, info
        )

    def incoming_sms(
        self, id: int | str, phone: str, to: str, text: str, received_ms: int, now_ms: int
    ) -> None:
        """An SMS to `to`, a number of ours or of the service; `id` is the service's."""
        number, own_number = phone_key(phone), phone_key(to)
        text = text[:_MAX_TEXT]
        received_ms = received_ms if 0 < received_ms <= now_ms else now_ms
        waiting = self.whose_call(number) if text == WAIT_CALL_TEXT else None
        if waiting is not None:
            account, since_ms = waiting
            # told by a call and by a list it is the same one; without an own number it is no SMS
            key = incoming_key(f"waitcall {number} {since_ms}")
            called = _delivery(account, number, "", text, received_ms, now_ms)
            self._journal.batch.once.append((self.config.name, key, now_ms, "incoming", called))
            return
        way = self._incoming.way(self.config, own_number, text, now_ms, total=1, part=1)
        self._incoming.recent.append(Came(now_ms, self.config.name, number, own_number, 1, 1, way))
        delivery = None
        if way.account is not None:
            delivery = _delivery(way.account, number, own_number, text, received_ms, now_ms)
        stops = self._incoming.heed_stop(self._journal.batch, way, number, text, now_ms, total=1)
        if way.gathered:
            said = (self.config.name, number, own_number, text, 0, 1, 1, received_ms)
            row: Row | None = (*said, way.answers_since_ms, " ".join(way.mail), delivery, 0, stops)
        else:
            row = delivery
        if row is None:
            reason = "no rule fits, and the connector has no incoming_account"
            self._events.seldom(
                "warning", "incoming_refused", self._clock.now(), connector=self.config.name, reason=reason
            )
            return
        kind = "incoming_mail" if way.gathered else "incoming"
        self._journal.batch.once.append((self.config.name, incoming_key(id), now_ms, kind, row))

    # -- what is told, in calls ------------------------------------------------------------------------

    def status(self, call: StatusCall, now_ms: int) -> None:
        """What became of a message."""
        is_mail = TYPE_MAIL in (call.type, read_flag(call.flag).type)  # the service may give either
        info = hlr_info(call.hlr) or _voice_info(call)
        self.receipt(call.id, call.phone, call.status, call.err, info, is_mail, now_ms)

    def incoming(self, call: IncomingCall, now_ms: int) -> None:
        """A subscriber has written."""
        self.incoming_sms(call.id, call.phone, call.to, call.mes, call.time * 1000, now_ms)

    def wait_call(self, call: WaitCall, now_ms: int) -> None:
        """A subscriber has called the number that he was shown: an SMS that says so."""
        key = f"waitcall {phone_key(call.phone)} {call.ts}"
        self.incoming_sms(key, call.phone, "", WAIT_CALL_TEXT, call.ts * 1000, now_ms)


def endpoints(inboxes: Iterable[SmscInbox]) -> dict[str, Endpoint]:
    """What the paths of the callback listeners lead to."""
    return {
        callback.path: Endpoint(inbox.config.name, callback, inbox)
        for inbox in inboxes
        if (callback := inbox.config.callback) is not None
    }


def hlr_info(fields: Mapping[str, object]) -> str:
    """What the answer to an HLR request says, for a receipt's text: " imsi:… msc:…", "" when it says nothing.

    Values are URL-encoded, a space as "+".
    """
    said = ((name, str(fields.get(name, "")).strip()[:_MAX_INFO]) for name in HLR_FIELDS)
    return "".join(f" {name}:{quote_plus(value)}" for name, value in said if value)


def _voice_info(call: StatusCall) -> str:
    """What a status says of a call and its voice menu: "call: dtmf:… calltime:…", "" when it says nothing.

    It goes to handlers alone. Values are as in `hlr_info`.
    """
    said = {name: getattr(call, name) for name in VOICE_FIELDS}
    said["overtime"] = call.cmt.partition("overtime: ")[2].partition("\n")[0]
    words = [f" {name}:{quote_plus(value.strip()[:_MAX_INFO])}" for name, value in said.items() if value]
    return f"call:{''.join(words)}" if words else ""


def _delivery(account: str, number: str, own_number: str, text: str, received_ms: int, now_ms: int) -> Row:
    """An incoming SMS as a row for an account: Delivery's fields without the id."""
    kind = alphabet.choose(text)
    source, destination = (_address(number), _address(own_number))
    head = (account, 0, now_ms, *source, *destination, 0, 0, _DATA_CODINGS[kind])
    return (*head, alphabet.encode(text, kind), b"", INCOMING, "", received_ms, received_ms, 1)


def _address(text: str) -> tuple[int, int, str]:
    return (*guess_source_ton_npi(text), text[:_MAX_ADDRESS]) if text else (0, 0, "")
