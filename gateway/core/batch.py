"""What the core asks of the store: one batch, its answer, and the journal that takes batches.

A batch is one transaction.  Its lists hold plain tuples (no named ones, and no enums in them: those cannot
cross), because they go to another process by the thousand; what the tuples hold is said at each list.  The
order of the lists is the order in which they are applied, which matters: a receipt that came in the same
batch as its response finds the response's id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

Row = tuple[Any, ...]


@dataclass(slots=True)
class Batch:
    """Rows to become durable together, and questions about what follows from them."""

    audits: list[Row] = field(default_factory=list)
    """at_ms, who, origin, address, action, subject, outcome, why: what somebody does by a page or a command,
    with the outcome "" where that is still to come; it is here before what is done."""
    audit_ends: list[Row] = field(default_factory=list)
    """audit_id, outcome, why."""
    accepted: list[Row] = field(default_factory=list)
    """Message's fields, and its Progress."""
    intents: list[Row] = field(default_factory=list)
    """message_id, segment, connector, intent_ms: of the accepted messages that go up at once."""
    assigned: list[Row] = field(default_factory=list)
    """message_id, segment, connector, intent_ms, upstream_id, upstream_key: intents of claimed messages whose
    ids are ours to give.  A claim without intents is followed by these, and only then is anything sent."""
    parts: list[Row] = field(default_factory=list)
    """message_id, account, source, destination, reference, total, part, received_ms: of accepted messages
    with Progress.GATHERED. When all parts of a set are there, the first one (by its part) that wants a
    receipt, else the first one, becomes the whole: its text is theirs joined, without concatenation elements,
    its segments are as many as that needs (one with Wish.ONE_PDU), its
    Progress is QUEUED, and Answer.queued tells of it; the others are CARRIED and end with it and as it does.
    A part that is there already (same number) starts a set anew: the older set goes up in its parts, each as
    it came, as it does when its time is over (Sweep.assembly_before_ms), when an account has more than
    SETS_MAX open sets, or when its parts are not written alike (protocols.sms.reassembly.can_join)."""
    replaced_by: list[Row] = field(default_factory=list)
    """message_id, account, source, destination, service_type, now_ms: an accepted message that takes the
    place of earlier ones of the same four that still wait (QUEUED, HELD or GATHERED, and nothing of them
    sent); they end as DELETED with the error "replaced". Segments of one set do not replace each other."""
    charges: list[Row] = field(default_factory=list)
    """message_id, payer (an account), amount (millionths of its currency), 0 or 1 or 2: of an accepted
    message (with Wish.CHARGED) what it costs, taken from the payer's balance in this transaction; and when it
    is given back (AccountConfig.refund: never, unsent, undelivered)."""
    credits: list[Row] = field(default_factory=list)
    """account, amount (millionths; below 0: taken out), at_ms, who, note: a person changes a balance."""
    recharges: list[Row] = field(default_factory=list)
    """place among `replacements`, message_id, payer, amount: what a message costs with its new text. If it
    gets it, what it has cost before comes back with Answer.refunds; else, or if that was nothing, this amount
    does."""
    counted: list[Row] = field(default_factory=list)
    """account, day (a number), kind, key (octets), times: what limits per day have counted, so that a restart
    forgets nothing; added to what is there."""
    blacklisted: list[Row] = field(default_factory=list)
    """account ("": everybody's), number (digits), at_ms, why: nobody writes to it any more."""
    unblacklisted: list[Row] = field(default_factory=list)
    """account, number."""
    mails: list[Row] = field(default_factory=list)
    """mail_id, key (octets, or None: never seen as repeated), account, received_ms, sender ("": none), envid,
    header_id, subject, client_id, returned (octets), 1 if that is the whole mail.

    A mail with the key of one that came within a day is a repeated one: nothing of it is kept, neither its
    messages, and the answer says so in `repeated`."""
    mail_recipients: list[Row] = field(default_factory=list)
    """message_id, mail_id, address, orcpt, notify (Notify), number, own_number: of the accepted messages that
    came by mail; the numbers are digits."""
    request_keys: list[Row] = field(default_factory=list)
    """account, key, digest (octets), at_ms, answer (octets, none is 0), message_ids (a tuple): a request that
    may come again. If the account had one with this key within a day, nothing of these messages is kept
    (neither their intents, charges, api_messages …) and Answer.keys_known says what was answered then, as
    `with_late` writes it if some of it was refused late."""
    api_messages: list[Row] = field(default_factory=list)
    """ApiMessage's fields: of messages that came over HTTP, accepted or registered."""
    registered: list[Row] = field(default_factory=list)
    """message_id, account, accepted_ms, source, destination, segments, state, error, route, client_id,
    esm_class, data_coding, user_data: a message that is refused and can be asked for all the same. It goes
    straight to the history, with its text where texts are kept; with Call rows for its account, if any."""
    hidden: list[Row] = field(default_factory=list)
    """account, message_id: its sender wants to see nothing of it any more (ApiFlag.HIDDEN)."""
    api_accounts: list[Row] = field(default_factory=list)
    """account, ApiUse: how the account wants to hear of things; 0: by no HTTP at all. Kept, so that it holds
    from the first moment of the next run."""
    records: list[Row] = field(default_factory=list)
    """kind, account, record_id, name, data (JSON): a small thing of an account, new or changed: a template,
    a mailing list …"""
    records_gone: list[Row] = field(default_factory=list)
    """kind, account, record_id."""
    records_changed: list[Row] = field(default_factory=list)
    """name, data (JSON), kind, account, record_id: one that is gone stays gone."""
    contacts: list[Row] = field(default_factory=list)
    """Contact's fields: new, or changed as a whole."""
    contacts_gone: list[Row] = field(default_factory=list)
    """account, contact_id."""
    short_links: list[Row] = field(default_factory=list)
    """link_id, account, url, created_ms, message_id (0: of no message alone)."""
    clicks: list[Row] = field(default_factory=list)
    """link_id, at_ms, day: a short link was opened; the day (since 1970) is one of its account's. The first
    one of a message's link marks it read (ApiFlag.CLICKED), with Call rows."""
    submitted: list[Row] = field(default_factory=list)
    """submitted_ms, upstream_id, upstream_key, message_id, segment, connector."""
    late: list[Row] = field(default_factory=list)
    """The same, of responses that came after we gave up waiting."""
    handed_over: list[Row] = field(default_factory=list)
    """message_id, now_ms: no receipt is expected."""
    postponed: list[Row] = field(default_factory=list)
    """message_id, segment, connector, due_ms, 1 if the SMSC answered (else 0), now_ms, reason."""
    rerouted: list[Row] = field(default_factory=list)
    """message_id, segment, connector that refused it, connector that is next, now_ms, status: the SMSC
    refuses a segment for good, and its message goes on to another connector of its route. The one that
    refused it leaves the message's alternatives. What the SMSC took of the message, or has not answered yet,
    stays with it; answers that are still to come are waited for a moment (REROUTE_WAIT_MS)."""
    failed: list[Row] = field(default_factory=list)
    """message_id, state, error, done_ms: refused for good."""
    doubts: list[Row] = field(default_factory=list)
    """message_id, segment, now_ms, evidence, link, sent_ms: by which connection, and when."""
    receipts: list[Row] = field(default_factory=list)
    """connector, upstream_id, key_same, key_second, key_third, peer, state, final, error, received_ms, info
    (what else it says, for whoever asked: the fields of an HLR receipt; or "tlv:" and TLVs in hexadecimal, to
    go down with the receipt).

    final: 1, it ends its segment; 0, it does not; above 1, it is a notice: the esm_class of an intermediate
    notification (0x20) or of an acknowledgement by the handset or its user (0x08, 0x10), which says nothing
    of the end and goes down, with that esm_class, to who asked for it (bit 4, or bits 2 and 3, of
    registered_delivery). One that says ENROUTE or ACCEPTED with 0 is such an intermediate notification too.
    Each goes down once for a segment and a state, or once for a message unless its sender wants receipts per
    part; acknowledgements also after the end. `info` is then the acknowledgement's text, in UTF-8 the
    delivery's user_data (or "tlv:…", which is in its tlvs)."""
    incoming: list[Row] = field(default_factory=list)
    """Delivery's fields without the id and without the part."""
    incoming_mail: list[Row] = field(default_factory=list)
    """An incoming SMS that may become a letter: connector, number (the subscriber's digits), own_number
    (digits), text, reference, parts in all, part (0, 1, 1: it is whole), received_ms, answers_since_ms (0: no
    look for a mail that it answers), mail addresses joined by spaces ("": none), for the account that gets it
    when no mail does: a row of `incoming`, or None; and whether the account gets the parts of a long one
    joined (1), as they came (0), or as they came and, where it asks for them over HTTP, joined (2), as the
    first part says; and of a whole SMS, accounts whose stop word it begins with, each with a reason: the one
    that gets it, or whose mail it answers, puts its sender on its blacklist, and Answer.stopped says so.

    The parts of a long one wait until all are there; Answer.letters_waiting tells of new letters."""
    once: list[Row] = field(default_factory=list)
    """connector, id that the service gave an incoming SMS, now_ms, "incoming" or "incoming_mail", a row of
    that list: it is taken unless this connector's SMS with this id was taken before."""
    marks: list[Row] = field(default_factory=list)
    """name, value: how far something outside was read."""
    pauses: list[Row] = field(default_factory=list)
    """connector, since_ms (0: the pause is over), who: a person lets nothing go up by it. Kept, so that it
    holds from the first moment of the next run."""
    incidents: list[Row] = field(default_factory=list)
    """message_id, at_ms, text: a line of a message's timeline."""
    delivered: list[Row] = field(default_factory=list)
    """delivery_id."""
    refused: list[Row] = field(default_factory=list)
    """delivery_id, reason, now_ms: the account does not want it."""
    letters_sent: list[Row] = field(default_factory=list)
    """letter_id."""
    letters_put_off: list[Row] = field(default_factory=list)
    """letter_id, due_ms, reason."""
    letters_refused: list[Row] = field(default_factory=list)
    """letter_id, reason, now_ms: nobody will ever take it."""
    calls: list[Row] = field(default_factory=list)
    """Call's fields without the id, the tries and the target: for the account's handler and webhook."""
    calls_done: list[Row] = field(default_factory=list)
    """call_id: it was taken."""
    calls_put_off: list[Row] = field(default_factory=list)
    """call_id, due_ms, reason."""
    calls_refused: list[Row] = field(default_factory=list)
    """call_id, reason, now_ms: it goes to the dead calls."""
    call_replays: list[Row] = field(default_factory=list)
    """call_id (0: all of the account), account, now_ms: dead calls wait again, as new ones."""
    moves: list[Row] = field(default_factory=list)
    """connector, other connector, flags (Wish): failover of what waits and has none of these flags,
    some of it at a time. A message goes to the first one that it may go to."""
    decisions: list[Row] = field(default_factory=list)
    """message_id, word, now_ms: a person's word on a message that waits. "resend" sends a held one again,
    "drop" gives one up, "hold" keeps one from being sent (Progress.PAUSED) until "release", "retry" makes one
    due now, "cancel" ends one as DELETED. Only what nothing was sent of can be held back or cancelled; what
    was sent of one that is retried is not sent again."""
    replays: list[Row] = field(default_factory=list)
    """delivery_id (0: all of the account), account ("": any, with an id), now_ms: dead deliveries wait again.
    A letter_id with account "mail:" is one of the dead letters."""
    erasures: list[Row] = field(default_factory=list)
    """number (digits), step, after (both 0 at first): everything that ended and has to do with it loses
    number and text. Each row looks at some thousand rows of the tables, from where the last one stopped."""
    queries: list[Row] = field(default_factory=list)
    """account, message_id: what became of it, live or ended."""
    cancels: list[Row] = field(default_factory=list)
    """account, message_id (0: all that wait here and fit the rest, 1,000 at the most), source, destination,
    service_type ("": any), now_ms: what waits here, with nothing of it sent, ends as DELETED.

    One that is CARRIED stands for the message that it goes up with, and so for all of its set."""
    replacements: list[Row] = field(default_factory=list)
    """account, message_id, user_data, segments, esm_class, data_coding, due_ms (-1: as it was), expires_ms
    (0: as it was), validity_period, registered_delivery, now_ms: a message that waits here, with nothing of
    it sent, gets another text. One that is GATHERED, CARRIED, or the whole of such ones does not."""
    claims: list[Row] = field(default_factory=list)
    """connector, segments at the most, now_ms, 1 if their intents are written with the claim (0: `assigned`
    follows)."""
    open_sends: list[Row] = field(default_factory=list)
    """connector: what an earlier run of the gateway sent with an id of ours, and has no answer to.  Each run
    is told once."""
    unfinished: list[Row] = field(default_factory=list)
    """connector, after this message_id, rows at the most: what has no receipt yet."""
    fetches: list[Row] = field(default_factory=list)
    """account, after this delivery_id, rows at the most."""
    letter_claims: list[Row] = field(default_factory=list)
    """now_ms, letters at the most."""
    call_claims: list[Row] = field(default_factory=list)
    """now_ms, calls at the most, who is left out: a tuple of (account, CallTarget)."""
    sweeps: list[Row] = field(default_factory=list)
    """A Sweep's fields: look for what has expired or is too old."""
    receivers: list[Row] = field(default_factory=list)
    """account, 1: this node has sessions that receive for it, so its new deliveries are this node's
    (Answer.deliveries); 0: it has none any more, and what it had in memory is free for other nodes. As all
    that follows, only where several nodes share the store."""
    unclaimed: list[Row] = field(default_factory=list)
    """delivery_id: fetched or offered, and not kept in memory; any node may fetch it."""
    drains: list[Row] = field(default_factory=list)
    """name of a node, 1: it takes nothing new and finishes what it has, so that it can be stopped; 0: it
    goes on. Answer.drained says whether such a node is there."""
    beats: list[Row] = field(default_factory=list)
    """What this node is and has (JSON, see gateway.core.cluster), 1 if its lease is to be renewed
    (else 0). Answer.view says what the others are and have."""

    conditions: list[Row] = field(default_factory=list)
    """What accepted messages hang on that other nodes change too; the first value says what it is:
    "money", message_id, group, payer, amount, floor: the balance is not below the floor after the amount.
    "count", message_id, group, account, day, kind, key, most: with this one that is as often as it may be.
    "repeat", message_id, group, account, key, within_ms, now_ms: it was not sent within that time.
    "flood", message_id, group, account, key, most, gap_ms, now_ms: fewer than `most` have followed each other
    with less than the gap between them.
    "move", id, group, payer, amount, floor, place: money that two rows of `credits` (from this place on) take
    from one balance to another is there; the id is a number like a message's, of none.
    "replace", id, group, payer, amount, floor, place: the same of a row of `recharges`, whose row of
    `replacements` is at this place; else nothing is replaced.
    All rows of a message stand together, and so do the messages of a group (the message_id of its first one),
    which are taken together or not at all. They are decided in their order; of what is refused
    (Answer.refused_late) nothing is kept: no row here that names the message, no charge, no count."""
    id_blocks: list[Row] = field(default_factory=list)
    """name, how many: numbers that no other node gives (Answer.id_blocks)."""

    def __len__(self) -> int:
        return sum(len(getattr(self, name)) for name in BATCH_FIELDS)


@dataclass(slots=True)
class Answer:
    """What the store says of a batch."""

    error: str = ""
    """Empty: committed.  Else nothing of the batch was applied, unless it is fatal."""
    fatal: bool = False
    """The store cannot go on, and whether the batch was applied is unknown: the gateway has to end."""
    damaged: bool = False
    """And another start would find the same."""
    audited: list[int] = field(default_factory=list)
    """For each of audits: its audit_id."""
    results: list[Row] = field(default_factory=list)
    """For each receipt, in order: how it matched (None, 1, 2, 3: which key), message_id, replay."""
    repeated: list[Row] = field(default_factory=list)
    """mail_id, the earlier mail_id with its key."""
    letters_waiting: bool = False
    """This batch has written letters."""
    letters: list[Row] = field(default_factory=list)
    """For each claim of letters: [Letter's fields], due_ms of what comes next or None."""
    keys_known: list[Row] = field(default_factory=list)
    """Of request_keys that had come before: place among them, digest and answer of the first time."""
    api_ended: list[Row] = field(default_factory=list)
    """account, message_id, api_id, phone, state, error, done_ms: of ApiMessages that ended."""
    inbox: list[Row] = field(default_factory=list)
    """account, inbox_id, phone, own_number, received_ms: incoming SMS that are kept to be asked for."""
    calls_waiting: bool = False
    """This batch has written calls."""
    calls: list[Row] = field(default_factory=list)
    """For each claim of calls: [Call's fields], due_ms of what comes next or None."""
    calls_replayed: list[int] = field(default_factory=list)
    """For each row of call_replays: how many wait again."""
    unparked: list[Row] = field(default_factory=list)
    """message_id, and the row of a receipt that had come before its response."""
    ended: list[Row] = field(default_factory=list)
    """account, how many of its messages ended."""
    expired: list[Row] = field(default_factory=list)
    """message_id and state of what ended because its time was over."""
    moved: list[Row] = field(default_factory=list)
    """For each connector of the moves: whether more waits for it that was not looked at."""
    sweep_again: bool = False
    """The sweep left something: sweep again soon."""
    queued: list[Row] = field(default_factory=list)
    """connector, due_ms of something that was put back into its queue."""
    deliveries: list[Row] = field(default_factory=list)
    """New rows for the accounts: Delivery's fields."""
    claimed: list[Row] = field(default_factory=list)
    """connector, [(Message's fields, segments to send)], due_ms of what comes next or None."""
    open_sends: list[Row] = field(default_factory=list)
    """connector, [(Message's fields, segment, intent_ms, upstream_id)]."""
    unfinished: list[Row] = field(default_factory=list)
    """connector, [(upstream_id, submitted_ms)], message_id of the last one looked at (0: that was all)."""
    fetched: list[Row] = field(default_factory=list)
    """account, [Delivery's fields], whether there may be more."""
    stopped: list[Row] = field(default_factory=list)
    """account, number: an incoming SMS has put the number on the account's blacklist."""
    refunds: list[Row] = field(default_factory=list)
    """payer, amount: what this batch gave back to balances; below 0: took again, for the SMSC has taken a
    segment of a message that had ended when it refused another one."""
    decided: list[bool] = field(default_factory=list)
    """For each decision: whether such a message waited."""
    replayed: list[int] = field(default_factory=list)
    """For each replay: how many wait again."""
    erased: list[Row] = field(default_factory=list)
    """For each erasure: {table: rows}, with "live" (messages that have not ended) and "blacklist" for what is
    kept; the next step (-1: it is over), and its `after`."""
    queried: list[Row] = field(default_factory=list)
    """For each query: (state, Progress or -1: ended, done_ms, error, source, destination, esm_class,
    data_coding, connector, [upstream_id of each segment that was taken], segments, service_type, sent_as), or
    () when the account has no such message. In the place of done_ms: when one that waits is due, 0: now."""
    cancelled: list[Row] = field(default_factory=list)
    """For each cancel: how many ended, [(message_id, connector, [upstream_id …], sent_as) of those that the
    SMSC has, or may have (of these there are fewer ids than segments, or none)], how many had ended before (0
    or 1, of one that was named). The message_id is that of the whole of a set, whichever of its segments was
    named."""
    replaced: list[int] = field(default_factory=list)
    """For each replacement: 1 if it was done."""
    drained: list[int] = field(default_factory=list)
    """For each of drains: 1 if such a node is there."""
    view: Row = ()
    """The fields of gateway.core.cluster.View, after a beat; (): there was none."""
    refused_late: list[Row] = field(default_factory=list)
    """message_id (or the id of a move …), the word of a Refusal: accepted messages whose conditions do not
    hold, so nothing of them is kept."""
    balances: list[Row] = field(default_factory=list)
    """payer, what is left of its money with this batch (its refunds too), where other nodes may change it."""
    counts: list[Row] = field(default_factory=list)
    """account, day, key, times: what limits per day have counted on all nodes, where that refused one."""
    id_blocks: list[Row] = field(default_factory=list)
    """For each of id_blocks: name, the first of the numbers that are this node's now, how many."""
    open_counts: list[Row] = field(default_factory=list)
    """After a beat that renews: account, how many of its messages have not ended, on all nodes, with this
    batch."""
    changes: list[Row] = field(default_factory=list)
    """After a beat: what another node has committed, each a word and rows; some come twice. "pauses": rows of
    Batch.pauses; "blacklisted", "unblacklisted": account, number; "credits": account; "records": kind,
    account, of those kinds that gateways hold in memory."""


def not_kept(batch: Batch, answer: Answer) -> frozenset[int]:
    """The messages of mails and of requests that had come before."""
    again = {mail_id for mail_id, _ in answer.repeated}
    of_mails = (row[0] for row in batch.mail_recipients if row[1] in again)
    of_requests = (batch.request_keys[place][-1] for place, *_ in answer.keys_known)
    return frozenset().union(of_mails, *of_requests)


_LATE = b"\0"


def with_late(answer: bytes, late: Iterable[Row]) -> bytes:
    """What is kept as the answer to a request (Batch.request_keys) of which some was refused late."""
    return answer + _LATE + " ".join(f"{message_id}:{word}" for message_id, word in late).encode()


def without_late(kept: bytes) -> tuple[bytes, list[Row]]:
    """The answer as it was written before, and what was refused late: message_id, word."""
    answer, _, late = kept.partition(_LATE)
    pairs = (one.partition(":") for one in late.decode().split())
    return answer, [(int(message_id), word) for message_id, _, word in pairs]


NO_TEXTS = (1 << 63) - 1
"""Above every message_id."""


@dataclass(slots=True, frozen=True)
class Sweep:
    """Bounds for the sweep over old rows; times in milliseconds since 1970."""

    now_ms: int
    receipt_before_ms: int  # messages whose validity ended before this get no receipt any more
    oldest_id: int  # and whose message_id is below this
    delivery_before_ms: int
    deliveries_max: int
    history_before_id: int
    history_before_ms: int
    parked_before_ms: int
    mail_before_id: int  # mails below this have nothing that could answer to them
    part_before_ms: int  # parts of an incoming SMS that waited so long go on without the others
    seen_before_ms: int  # incoming SMS that were taken then do not come again
    assembly_before_ms: int  # a sender's own segments that waited so long go up without the others
    text_before_id: int  # messages below this lose their text; NO_TEXTS: none is kept from now on
    statistics_before_day: int  # days since 1970 below this are not counted any more
    delay_before_id: int  # messages below this are late
    audit_before_ms: int  # what was done before this is forgotten
    with_counts: bool  # also what takes longer: deliveries of each account are counted


BATCH_FIELDS = tuple(f.name for f in fields(Batch))


class Journal(Protocol):
    """Where rows gather until they are committed together."""

    batch: Batch
    """The batch that is gathering; another one after each flush, so never keep it."""
    error: str
    """Why nothing can be stored just now; empty when all is well."""
    answer: Answer
    """What the store said of the batch whose callbacks run just now."""

    def then(self, callback: Callable[[bool], object]) -> None:
        """Calls back when the rows appended so far are durable (True) or could not be written (False)."""
        ...

    def wake(self) -> None:
        """Makes sure that the gathering batch will be written; for rows that nobody waits for."""
        ...
