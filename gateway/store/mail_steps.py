"""The steps of a batch that are about mail: mails that came in, letters to write, incoming SMS for mailboxes.

A letter is written in the transaction in which its reason happens, and its row goes when somebody has taken
it.  A claimed letter belongs to this run: after a crash the next one claims it again.  Where several nodes
share the store, each claims what no other one has, and one at a time looks at the parts of a long SMS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from gateway.core.batch import Answer, Batch, Row, Sweep
from gateway.core.model import Delivery, Letter, LetterKind
from gateway.store.api_steps import ApiSteps
from gateway.store.steps import Many, Run, lock_name
from protocols.sms import reassembly

SWEEP_ROWS = 500
"""So many mails, letters or late messages are looked at in one sweep."""
PARTS_MAX = 5000
"""So many parts of long SMS wait, of one connector; another one goes on alone."""
PIECE_OCTETS = 4 << 20
"""So much of their mails is claimed with letters, or deleted, in one batch."""
JOINED_MS = 3_600_000
"""So long a part of a long SMS that has gone on is known when it comes again."""
KEY_MS = 24 * 3_600_000
"""So long a mail with the same key is the same mail."""
WAITS, GONE_ON, CAME_AGAIN = range(3)
"""Where a part of a long SMS stands: its column `joined`."""
FOR_INBOX = 2
"""Where the joined text of a long SMS goes (`whole`): to where its account asks for it over HTTP, while its
sessions get the parts as they came."""
GAP = " … "
"""Stands where parts of a long SMS are missing."""


class IncomingRow(NamedTuple):
    """A row of Batch.incoming_mail."""

    connector: str
    number: str
    own_number: str
    text: str
    reference: int
    total: int
    part: int
    received_ms: int
    answers_since_ms: int
    addresses: str
    fallback: Row | None
    whole: int = 0
    stops: tuple[Row, ...] = ()

    @property
    def key(self) -> Row:
        """What all parts of a long SMS have in common."""
        return self.connector, self.number, self.own_number, self.reference, self.total


RETURNED = Letter._fields.index("returned")
NO_DELIVERY = (None,) * (len(Delivery._fields) - 2)


class MailSteps:
    """Part of the Applier; `run` and `many` run the named statements in its transaction."""

    def __init__(self, boot: int, run: Run, many: Many, api: ApiSteps, *, shared: bool = False) -> None:
        self._boot = boot
        self._api = api
        self._shared = shared
        self._run = run
        self._many = many
        self._purged_to = 0  # the mail that the last sweep looked at last
        self.read_counts()

    def read_counts(self) -> None:
        self._counted = True
        self._parts: Counter[str] = Counter(dict(self._run("count_parts").fetchall()))

    # -- in ----------------------------------------------------------------------------------------------

    def take(self, batch: Batch, answer: Answer) -> tuple[list[Row], list[Row]]:
        """Keeps the mails that are new; what is then to be accepted, and to be sent at once."""
        accepted, intents, recipients = batch.accepted, batch.intents, batch.mail_recipients
        if self._many("insert_mail", batch.mails).rowcount < len(batch.mails):
            answer.repeated = self._repeated(batch.mails)
            again = {mail_id for mail_id, _ in answer.repeated}
            left_out = {row[0] for row in recipients if row[1] in again}
            accepted = [row for row in accepted if row[0] not in left_out]
            intents = [row for row in intents if row[0] not in left_out]
            recipients = [row for row in recipients if row[0] not in left_out]
        self._many("insert_mail_recipient", recipients)
        return accepted, intents

    def _repeated(self, mails: list[Row]) -> list[Row]:
        firsts = [(mail[0], self._first_with_key(mail)) for mail in mails if mail[1] is not None]
        return [(mail_id, first) for mail_id, first in firsts if first != mail_id]

    def _first_with_key(self, mail: Row) -> int:
        """The mail that has the key of this one: itself, when the one that had it came too long ago."""
        mail_id, key, _, received_ms, *_ = mail
        while True:
            found = self._run("find_mail", (key,)).fetchone()
            if found is not None and found[1] + KEY_MS >= received_ms:
                return int(found[0])
            if found is not None:
                self._run("forget_key", found[:1])
            if self._many("insert_mail", [mail]).rowcount:
                return int(mail_id)
            # another node was faster

    def finish(self, answer: Answer) -> None:
        """Reports of the messages in temp.ended to the senders who asked for them."""
        self._run("drop_delay_notices")
        if self._run("write_reports").rowcount:
            answer.letters_waiting = True

    # -- incoming SMS ------------------------------------------------------------------------------------

    def incoming(self, rows: Iterable[Row], answer: Answer) -> None:
        """Letters and deliveries of what came whole, or is whole now; see Batch.incoming_mail."""
        found = [IncomingRow(*row) for row in rows]
        if self._shared:
            names = [(lock_name("incoming", sms.key),) for sms in found if sms.total > 1]
            self._many("lock_sets", names)
            self._counted = False
        for sms in found:
            if sms.total < 2 or not 1 <= sms.part <= sms.total:
                self._bring(sms, answer)
                continue
            if not self._is_new(sms, answer):
                continue
            there = len(self._run("list_parts", (*sms.key, WAITS)).fetchall()) + 1
            if there < sms.total and self._are_too_many(sms.connector):
                self._bring(sms, answer)
                continue
            self._insert_part(sms, WAITS)
            self._parts[sms.connector] += 1
            if there == sms.total:
                self._join(sms.key, answer)

    def _are_too_many(self, connector: str) -> bool:
        """Whether no more parts may wait; what other nodes brought or took is counted when it seems so."""
        if self._shared and not self._counted and self._parts[connector] >= PARTS_MAX:
            self.read_counts()
        return self._parts[connector] >= PARTS_MAX

    def _is_new(self, sms: IncomingRow, answer: Answer) -> bool:
        """Whether a part did not come before.

        An SMSC that missed our answer brings a part again, perhaps when the SMS has gone on already: then it
        is passed over, unless all others come again too; but an account that gets an SMS whole never gets it
        again.  Another text with its reference is another SMS, which may have begun with what seemed to come
        again.
        """
        found = self._run("part_text", (*sms.key, sms.part)).fetchone()
        if found is None:
            return True
        text, joined = found
        if text != sms.text:
            if joined == WAITS:
                self._join(sms.key, answer)
            self._run("forget_parts", (*sms.key, sms.part))
            self._wait_again(sms)
            return True
        if joined != WAITS:
            self._insert_part(sms, CAME_AGAIN)
            again = self._run("list_parts", (*sms.key, CAME_AGAIN)).fetchall()
            if len(again) == sms.total and not again[0][-1]:  # the first part says
                self._wait_again(sms)
                self._join(sms.key, answer)
        return False

    def _wait_again(self, sms: IncomingRow) -> None:
        self._parts[sms.connector] += self._run("wait_again", sms.key).rowcount

    def _insert_part(self, sms: IncomingRow, joined: int) -> None:
        columns = (*sms.key, sms.part, sms.text, sms.received_ms, sms.answers_since_ms, sms.addresses)
        self._run("insert_part", (*columns, joined, sms.whole, *(sms.fallback or NO_DELIVERY)))

    def _bring(self, sms: IncomingRow, answer: Answer) -> None:
        if not self._post(sms, answer) and sms.fallback is not None:
            self._deliver([sms.fallback], sms.connector, answer)
            self._stop(sms, sms.fallback[0], answer)

    def _deliver(self, rows: list[Row], connector: str, answer: Answer) -> None:
        self._many("insert_incoming", self._api.incoming(rows, connector, answer))

    def _stop(self, sms: IncomingRow, account: str, answer: Answer) -> None:
        """Puts the SMS's sender on the blacklist of its account, if it says so."""
        for name, why in sms.stops:
            if name == account:
                self._run("insert_blacklisted", (account, sms.number, sms.received_ms, why))
                answer.stopped.append((account, sms.number))

    def _join(self, key: Row, answer: Answer) -> None:
        """A long SMS goes on with the parts that are there.

        The first of them decides where to: a keyword is in it.  So its account gets them all.
        """
        parts = self._run("list_parts", (*key, WAITS)).fetchall()
        if not parts:  # another node was faster
            return
        connector, number, own_number, reference, total = key
        text = _joined([row[:2] for row in parts], total)
        part, _, received_ms, since_ms, addresses, account, whole = parts[0]
        sms = IncomingRow(
            *(connector, number, own_number, text, reference, total, part),
            *(received_ms, since_ms, addresses, None),
        )
        if not self._post(sms, answer) and account is not None:
            self._bring_parts(key, account, whole, answer)
        if len(parts) == total:
            self._run("keep_parts", (max(row[2] for row in parts), *key))
        else:
            self._run("delete_parts", key)
        self._parts[connector] -= len(parts)

    def _bring_parts(self, key: Row, account: str, whole: int, answer: Answer) -> None:
        """The first part's account gets one SMS with the text of all that are there, or the parts."""
        found = self._run("list_part_deliveries", key).fetchall()
        if not whole or (whole == FOR_INBOX and self._api.goes_to_sessions(account)):
            parts = [(account, *row[2:]) for row in found]
            if whole:
                self._many("insert_incoming", parts)
            else:
                self._deliver(parts, key[0], answer)
        if whole == FOR_INBOX:
            self._api.note(self._whole(found, key[-1]), key[0], answer)
        elif whole:
            self._deliver([self._whole(found, key[-1])], key[0], answer)

    @staticmethod
    def _whole(found: list[Row], total: int) -> Row:
        deliveries = [Delivery(0, *row[1:]) for row in found]
        first = deliveries[0]
        parts = [
            reassembly.Part(row[0], sms.user_data, sms.esm_class, sms.data_coding)
            for row, sms in zip(found, deliveries, strict=True)
        ]
        whole = reassembly.join_incoming(parts, total)
        joined = first._replace(**whole._asdict(), tlvs=reassembly.without_sar(first.tlvs))
        return joined[1:-1]

    def _post(self, sms: IncomingRow, answer: Answer) -> bool:
        """Writes the letters to whoever shall have this SMS; whether it answers a mail, and so is done."""
        found = None
        if sms.answers_since_ms > 0:
            parameters = (sms.number, sms.own_number, sms.answers_since_ms)
            found = self._run("find_answered", parameters).fetchone()
        if found is not None:
            letters = [(LetterKind.ANSWER.value, *found)]
            if sms.stops:
                self._stop(sms, self._run("account_of_mail", found[1:]).fetchone()[0], answer)
        else:
            letters = [(LetterKind.INCOMING.value, address, None) for address in sms.addresses.split()]
        said = (sms.received_ms, sms.number, sms.own_number, sms.text)
        self._many("insert_letter", [(*letter, *said) for letter in letters])
        answer.letters_waiting |= bool(letters)
        return found is not None

    # -- letters -----------------------------------------------------------------------------------------

    def letters(self, batch: Batch) -> None:
        """What became of the letters that were claimed."""
        if batch.letters_sent:
            self._many("delete_letter", batch.letters_sent)
        if batch.letters_put_off:
            self._many("put_off_letter", batch.letters_put_off)
        if batch.letters_refused:
            self._bury(batch.letters_refused)

    def _bury(self, rows: list[Row]) -> None:
        self._many("bury_letter", rows)
        self._many("delete_letter", [row[:1] for row in rows])

    def claim(self, now_ms: int, limit: int) -> Row:
        """A row of Answer.letters."""
        found = self._run("claim_letters", (now_ms, self._boot, limit))
        rows = _piece(found, lambda row: len(row[RETURNED]))
        self._many("mark_claimed", [(self._boot, row[0]) for row in rows])
        following = self._run("next_letter", (self._boot,)).fetchone()
        return rows, following[0] if following else None

    # -- age ---------------------------------------------------------------------------------------------

    def sweep(self, sweep: Sweep, answer: Answer) -> None:
        """What the time does to mails, letters and parts; a piece of it, and whether more is left."""
        old_parts = self._run("list_old_parts", (sweep.part_before_ms, SWEEP_ROWS)).fetchall()
        for key in old_parts:
            if not self._shared or self._run("try_set", (lock_name("incoming", key),)).fetchone()[0]:
                self._join(key, answer)
        purged = self._run("purge_parts", (sweep.now_ms - JOINED_MS, SWEEP_ROWS)).rowcount
        late = self._run("take_late", (sweep.delay_before_id, SWEEP_ROWS)).fetchall()
        if late and self._many("write_delay", [(row[0], sweep.now_ms) for row in late]).rowcount:
            answer.letters_waiting = True
        old = self._run("list_old_letters", (sweep.delivery_before_ms, self._boot, SWEEP_ROWS)).fetchall()
        self._bury([(letter_id, "not sent in time", sweep.now_ms) for (letter_id,) in old])
        self._run("purge_dead_letters", (sweep.history_before_ms,))
        more = self._purge(sweep.mail_before_id)
        answer.sweep_again |= more or bool(old_parts) or max(len(late), len(old), purged) >= SWEEP_ROWS

    def _purge(self, before_id: int) -> bool:
        """Looks at the next old mails, and begins anew after the last; whether to go on at once.

        A mail that must be kept is passed over, so that those behind it do not wait for it.
        """
        old = self._run("list_old_mails", (self._purged_to, before_id, SWEEP_ROWS))
        found = _piece(old, lambda row: int(row[1]))
        gone = [(mail_id,) for mail_id, _, needed in found if not needed]
        self._many("delete_mail_recipients", gone)
        self._many("delete_mail", gone)
        full = len(found) == SWEEP_ROWS or sum(row[1] for row in found) >= PIECE_OCTETS
        self._purged_to = found[-1][0] if full else 0
        return full and bool(gone)


def _piece(rows: Iterable[Row], octets: Callable[[Row], int]) -> list[Row]:
    """The first rows, as many as one batch should carry."""
    piece, carried = [], 0
    for row in rows:
        piece.append(row)
        carried += octets(row)
        if carried >= PIECE_OCTETS:
            break
    return piece


def _joined(parts: list[tuple[int, str]], total: int) -> str:
    """The text of a long SMS, with a mark wherever something is missing."""
    if len(parts) == total:
        return "".join(text for _, text in parts)
    text, expected = "", 1
    for part, piece in parts:
        text += piece if part == expected else GAP + piece
        expected = part + 1
    return (text if expected > total else text + GAP).strip()
