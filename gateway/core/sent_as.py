"""The addresses that a route gives a message for its way up, kept beside those that it came with.

Why beside them: everything that looks back at the sender (receipts, query_sm, replace_sm, reports, history,
searches) has to show what he wrote, and only the links to SMSCs have a use for the other form.  Why with the
message and not worked out when it is sent: it holds over a restart, over a reload that changes the route,
and for every connector of the route that takes over.  A message without it pays for one empty text.

The form is one text, so that it is one column: TON and NPI of both ends, the sender, the number.  The number
comes last because the store compares its last digits with those that a receipt names.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.core.model import Message


class SentAs(NamedTuple):
    """Both addresses as an SMSC sees them."""

    source_ton: int
    source_npi: int
    source: str
    destination_ton: int
    destination_npi: int
    destination: str

    def __str__(self) -> str:
        return (
            f"{self.source_ton} {self.source_npi} {self.destination_ton} {self.destination_npi} "
            f"{self.source} {self.destination}"
        )


def parse(text: str) -> SentAs:
    """What `str` has written; a sender may have spaces in it, a number has none."""
    numbering, _, destination = text.rpartition(" ")
    source_ton, source_npi, destination_ton, destination_npi, source = numbering.split(" ", 4)
    return SentAs(
        int(source_ton), int(source_npi), source, int(destination_ton), int(destination_npi), destination
    )


def as_sent(message: Message) -> Message:
    """The message as it goes up; call it for those with `sent_as` only."""
    return message._replace(sent_as="", **parse(message.sent_as)._asdict())
