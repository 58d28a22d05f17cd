"""One message as it came to the simulated SMSC."""

from __future__ import annotations

from protocols.smpp import constants, tlv
from protocols.smpp.pdu import DataSm, SubmitSm, Tlvs


class More:
    """What only a message out of the ordinary has; plain ones do without.

    `done` says that its final state has been told. `scheduled_at` is when it may go out (seconds of the
    loop's clock, 0: at once), `form` and `tlvs` how its response looks, `siblings` the messages of its id.
    """

    __slots__ = ("done", "form", "scheduled_at", "siblings", "tlvs")

    def __init__(self) -> None:
        self.done = False
        self.form = ""
        self.tlvs: Tlvs = ()
        self.scheduled_at = 0.0
        self.siblings: list[Message] = []


class Message:
    """What arrived, how it was answered and what becomes of it.

    `status` is the command_status of the answer, None when there was none. Only messages with ESME_ROK
    were taken: those have ids and a final state. `at` is seconds since the epoch, `final_at` seconds of
    the event loop's clock.
    """

    __slots__ = (
        "at",
        "final_at",
        "final_state",
        "message_id",
        "more",
        "pdu",
        "receipt_id",
        "status",
        "system_id",
        "user_data",
    )

    def __init__(self, pdu: SubmitSm | DataSm, user_data: bytes, system_id: str, at: float) -> None:
        self.pdu = pdu
        self.user_data = user_data
        self.system_id = system_id
        self.at = at
        self.status: int | None = None
        self.message_id = ""
        self.receipt_id = ""
        self.final_state = constants.ENROUTE
        self.final_at = 0.0
        self.more: More | None = None

    def special(self) -> More:
        """What this message has more than others, to be written into."""
        if self.more is None:
            self.more = More()
        return self.more

    @property
    def source(self) -> str:
        return self.pdu.source_addr

    @property
    def destination(self) -> str:
        return self.pdu.destination_addr

    @property
    def data_coding(self) -> int:
        return self.pdu.data_coding

    @property
    def esm_class(self) -> int:
        return self.pdu.esm_class

    @property
    def udh(self) -> bytes:
        """The user data header with its length octet; empty when there is none or it does not fit."""
        data = self.user_data
        if not self.esm_class & constants.ESM_CLASS_UDHI or not data or data[0] >= len(data):
            return b""
        return data[: data[0] + 1]

    @property
    def text(self) -> bytes:
        """The octets of the text, from short_message or message_payload, without the header."""
        return self.user_data[len(self.udh) :]

    def state(self, now: float) -> int:
        """Message state as query_sm tells it at `now`; SCHEDULED is a state of SMPP 5.0."""
        if now >= self.final_at:
            return self.final_state
        if self.more is not None and now < self.more.scheduled_at:
            return constants.SCHEDULED
        return constants.ENROUTE


def user_data_of(pdu: SubmitSm | DataSm) -> bytes:
    """The user data of a submit_sm or data_sm, wherever it is (SMPP v3.4 §5.3.2.32)."""
    if isinstance(pdu, SubmitSm) and pdu.short_message:
        return pdu.short_message
    return tlv.get(pdu.tlvs, tlv.MESSAGE_PAYLOAD) or b""
