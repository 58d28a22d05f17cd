"""What can be configured of a route: for which messages it is, which way they go, what is changed in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from gateway.config.basics import about
from gateway.config.connector_model import OnAmbiguous, TextPolicy
from gateway.config.number_file import NumberFile

Ingress = Literal["smpp", "mail", "http"]
RouteAlphabet = Literal["gsm7", "latin1", "ucs2", "binary"]
MessageClass = Literal["none", "0", "1", "2", "3"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Order = Literal["listed", "cheapest"]
Failover = Literal["down", "silent", "refused", "throttled"]
LEAST_SEGMENTS, MOST_SEGMENTS = 1, 255
Rewritten = Literal["source", "destination", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """A change by a regular expression."""

    what: Rewritten = field(metadata=about("What is changed.", example="source"))
    match: str = field(
        metadata=about(
            "A regular expression: of a source or a destination it must match the whole, in a text every "
            "place is changed.",
            example="'8([0-9]{10})'",
            max_characters=500,
        )
    )
    replace: str = field(
        default="",
        metadata=about(
            "What stands there then; \\1 is the first group.", example="'7\\1'", max_characters=500
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which connectors a destination is sent to."""

    name: str = field(
        default="",
        metadata=about(
            "Its name in timelines, explanations and rewrites; without one its place in the list.",
            example="everything",
            max_octets=64,
        ),
    )
    priority: int = field(
        default=0,
        metadata=about(
            "Routes of a higher priority are tried before those of a lower one, whatever their prefixes.",
            low=-100,
            high=100,
        ),
    )
    prefix: str = field(
        default="",
        metadata=about(
            "First digits of the destination; of the routes of one priority whose conditions all hold the "
            "longest match wins, then the first in the file. Empty: every number.",
            max_octets=20,
        ),
    )
    prefixes: Sequence[str] = field(
        default=(),
        metadata=about("More of them.", example="['7701', '7702']", max_octets=20),
    )
    destinations_file: NumberFile | None = field(
        default=None,
        metadata=about(
            "Only numbers that this file lists, one a line, digits; # begins a comment. It is read at the "
            "start and by each reload.",
            example="/etc/smsc-gateway/vip.txt",
        ),
    )
    destination_pattern: str = field(
        default="",
        metadata=about(
            "Only numbers (digits, without +) that this regular expression matches as a whole.",
            example="'49(15|16|17)[0-9]+'",
            max_characters=500,
        ),
    )
    countries: Sequence[str] = field(
        default=(),
        metadata=about(
            "Only numbers of these countries (ISO 3166, two letters).", example="[DE, AT]", max_octets=2
        ),
    )
    accounts: Sequence[str] = field(
        default=(),
        metadata=about(
            "Only messages of these accounts, and of accounts that are parts of them.",
            example="[app]",
            max_octets=15,
        ),
    )
    tags: Sequence[str] = field(
        default=(),
        metadata=about(
            "Only messages of accounts that have one of these tags.", example="[marketing]", max_octets=64
        ),
    )
    ingress: Sequence[Ingress] = field(
        default=(), metadata=about("Only messages that came in this way.", example="[smpp, mail]")
    )
    sources: Sequence[str] = field(
        default=(),
        metadata=about(
            "Only these senders; * at the end stands for anything.",
            example="[Example, '7999*']",
            max_octets=21,
        ),
    )
    source_pattern: str = field(
        default="",
        metadata=about(
            "Only senders that this regular expression matches as a whole.",
            example="'[A-Z]{3,11}'",
            max_characters=500,
        ),
    )
    text_pattern: str = field(
        default="",
        metadata=about(
            "Only texts in which this regular expression is found; (?i) at its beginning: in small or "
            "capital letters.",
            example="'(?i)code'",
            max_characters=500,
        ),
    )
    alphabets: Sequence[RouteAlphabet] = field(
        default=(),
        metadata=about("Only texts in these alphabets, as they came.", example="[gsm7, ucs2]"),
    )
    min_segments: int = field(
        default=LEAST_SEGMENTS,
        metadata=about("Only messages of so many segments or more.", low=LEAST_SEGMENTS, high=MOST_SEGMENTS),
    )
    max_segments: int = field(
        default=MOST_SEGMENTS,
        metadata=about("Only messages of so many segments or fewer.", low=LEAST_SEGMENTS, high=MOST_SEGMENTS),
    )
    classes: Sequence[MessageClass] = field(
        default=(),
        metadata=about(
            "Only messages of these classes (3GPP TS 23.038 §4), none: without one. 0 is flash.",
            example="['0']",
        ),
    )
    hours: str = field(
        default="",
        metadata=about("Only in these hours, from-to; 21-6 is over midnight.", example="9-21", max_octets=5),
    )
    days: Sequence[Day] = field(default=(), metadata=about("Only on these days.", example="[sat, sun]"))
    time_zone: str = field(
        default="",
        metadata=about("Where hours and days are; empty: UTC.", example="Europe/Moscow", max_octets=64),
    )
    refuse: bool = field(
        default=False, metadata=about("Refuses what this route is found for; it has no connectors.")
    )
    connectors: Sequence[str] = field(
        default=(),
        metadata=about(
            "Names in order: the next is used when the one before fails.", example="[operator]", is_open=True
        ),
    )
    weights: Sequence[int] = field(
        default=(),
        metadata=about(
            "How much of the traffic each connector gets beside the others, in their order, as [70, 30, 0]; "
            "0: only when the others fail. Without weights the first gets all.",
            example="[100]",
            low=0,
            high=1000,
        ),
    )
    order: Order = field(
        default="listed",
        metadata=about(
            "listed: as connectors and weights say; cheapest: the connector whose prices ask least for this "
            "number first."
        ),
    )
    sticky: bool = field(
        default=False,
        metadata=about("With weights: a number always goes by the same connector while that one works."),
    )
    failover: Sequence[Failover] = field(
        default=("down", "silent"),
        metadata=about(
            "When the next connector takes over: down, no link; silent, links but no answers "
            "(connectors.silence_s); refused, the SMSC refused this message for good; throttled, it said "
            "that it is too much.",
            example="[down, silent, refused]",
        ),
    )
    rewrites: Sequence[Rewrite] = field(
        default=(),
        metadata=about("What is changed in a message that goes this way, in order."),
    )
    max_validity_h: int = field(
        default=0, metadata=about("Longest validity this way; more is cut. 0: no limit.", low=0, high=8760)
    )
    on_ambiguous: OnAmbiguous = field(
        default="resend_once",
        metadata=about(
            "What becomes of a submit whose answer never came: sent again, sent again once, kept for a "
            "person to decide, or failed."
        ),
    )
    text: TextPolicy = field(
        default=TextPolicy(),
        metadata=about("How a text is written anew where that saves segments; as it came if nothing is set."),
    )
    whole: bool = field(
        default=False,
        metadata=about(
            "Joins the segments that an application made itself before anything of them goes up; "
            "what is not there within queue.part_wait_s goes up in its parts."
        ),
    )
    vendor_tlvs: Sequence[str] | None = field(
        default=None,
        metadata=about(
            "Which TLVs beyond the specification go up with a message: names of vendor_tlvs, or tags; "
            "absent: all.",
            example="[charging_id, '0x1401']",
            max_octets=64,
        ),
    )
