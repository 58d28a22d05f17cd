"""The steps of a batch that are about HTTP: messages that came so, and what their accounts can ask for.

A message without a row in api_message, and without the flag CALLED, costs nothing here: the statement that
counts what ends says whether there is one of either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from gateway.core.api import WAIT_CALL, ApiUse, CallKind
from gateway.core.batch import Answer, Batch, Row, Sweep
from gateway.core.model import Delivery
from gateway.store.call_steps import CallSteps
from gateway.store.recent_phones import RecentPhones
from gateway.store.steps import Many, Run

SWEEP_ROWS = 1000
"""A sweep that found so many of a kind has not seen all."""
START_ROWS = 50_000
"""So many messages are remembered at the start by whom they went to; it takes a tenth of a second."""
DAY_MS = 86_400_000
KEY_MS = DAY_MS
"""So long a request with the same key is the same request."""
ANSWERS_MS = 7 * DAY_MS
"""So long an incoming SMS may answer a message."""
LINK_MS = 365 * DAY_MS
"""So long a short link leads somewhere."""
NO_TEXT = (0, 0, b"")
"""esm_class, data_coding and user_data of a call that tells of no incoming SMS."""
OF_MESSAGES = {
    "accepted": 0,
    "intents": 0,
    "parts": 0,
    "replaced_by": 0,
    "charges": 0,
    "mail_recipients": 0,
    "api_messages": 0,
    "registered": 0,
    "short_links": 4,
}
"""Lists of a batch that bring new messages, and where their rows name the message."""


class ApiSteps:
    """Part of the Applier; `run` and `many` run the named statements in its transaction."""

    def __init__(self, run: Run, many: Many, calls: CallSteps, *, shared: bool = False) -> None:
        self._run = run
        self._many = many
        self._calls = calls
        self._shared = shared
        self._recent = RecentPhones()  # not of what other nodes took: a shared store has an index
        if calls.uses and not shared:
            self._recent.remember(self._run("list_newest_messages", (START_ROWS,)))

    # -- messages ------------------------------------------------------------------------------------------

    def leave_out_repeated(self, batch: Batch, answer: Answer) -> None:
        """Keeps the keys of requests, and takes out of the batch what requests bring that came before."""
        gone: set[int] = set()
        # by their keys, so that nodes that have the same ones do not wait for each other in a circle
        for place, request in sorted(enumerate(batch.request_keys), key=lambda one: (one[1][:2], one[0])):
            account, key, digest, at_ms, reply, message_ids = request
            row = (account, key, digest, at_ms, reply, at_ms - KEY_MS)
            if not digest:  # all of it was refused late, so it may come again
                continue
            if not self._run("insert_request_key", row).rowcount:
                first = self._run("find_request_key", (account, key)).fetchone()
                answer.keys_known.append((place, *first))
                gone.update(message_ids)
        for name, column in OF_MESSAGES.items() if gone else ():
            setattr(batch, name, [row for row in getattr(batch, name) if row[column] not in gone])

    def apply(self, batch: Batch, answer: Answer) -> None:
        """What is said of messages beside that they are accepted; the registered ones are in the history."""
        self._calls.begin()
        if batch.api_accounts:
            self._calls.configure(batch.api_accounts)
        if batch.api_messages:
            self._many("insert_api_message", batch.api_messages)
            if not self._shared:
                self._recent.remember((row[0], row[1], row[3]) for row in batch.api_messages)
        if batch.registered:
            self._tell_registered(batch, answer)
        if batch.hidden:
            self._many("hide_message", batch.hidden)
        if batch.short_links:
            self._many("insert_short_link", batch.short_links)
        if batch.clicks:
            self._count_clicks(batch.clicks, answer)

    def _tell_registered(self, batch: Batch, answer: Answer) -> None:
        known = {row[0]: row for row in batch.api_messages}
        calls = []
        for message_id, account, at_ms, source, destination, segments, state, error, *_ in batch.registered:
            api = known.get(message_id)
            names = ("", destination, source, 0, segments, 0, "") if api is None else api[2:9]
            api_id, phone, sender, kind, parts, cost, comment = names
            if api is not None:
                answer.api_ended.append((account, message_id, api_id, phone, state, error, at_ms))
            what = (account, CallKind.STATUS.value, at_ms, message_id, api_id, phone, sender, state, error)
            calls.append((*what, at_ms, kind, parts, cost, comment, *NO_TEXT, ""))
        self._calls.write(calls, answer)

    def finish(self, answer: Answer) -> None:
        """What those in temp.ended that came over HTTP, or whose ends are called for, have to tell."""
        answer.api_ended.extend(self._run("list_api_ended").fetchall())
        self._run("note_lookups")
        self._calls.of_ends(answer)

    # -- incoming SMS --------------------------------------------------------------------------------------

    def incoming(self, rows: Iterable[Row], connector: str, answer: Answer) -> list[Row]:
        """Tells of incoming SMS (rows of Batch.incoming) where that is asked for; those for the sessions."""
        if not self._calls.uses:
            return list(rows)
        for_sessions = []
        for row in rows:
            self.note(row, connector, answer)
            if self.goes_to_sessions(row[0]):
                for_sessions.append(row)
        return for_sessions

    def goes_to_sessions(self, account: str) -> bool:
        """Whether an account's sessions get incoming SMS."""
        return not self._calls.uses.get(account, 0) & ApiUse.NO_SESSIONS

    def note(self, row: Row, connector: str, answer: Answer) -> None:
        """Keeps an incoming SMS for its account to be asked for, and has it called, as the account wants."""
        sms = Delivery(0, *row)
        uses = self._calls.uses.get(sms.account, 0)
        if not uses:
            return
        from gateway.core.message_ids import lowest_id_at  # a gateway without HTTP needs none of it

        phone, own_number = sms.source.removeprefix("+"), sms.destination.removeprefix("+")
        answers = self._answered(sms.account, phone, lowest_id_at(sms.created_ms - ANSWERS_MS))
        text = (sms.esm_class, sms.data_coding, sms.user_data)
        at_ms, inbox_id = sms.created_ms, 0
        if uses & ApiUse.INBOX:
            kept = (sms.account, phone, own_number, at_ms, *text, answers, connector)
            inbox_id = self._run("insert_inbox", kept).fetchone()[0]
            answer.inbox.append((sms.account, inbox_id, phone, own_number, at_ms))
        is_call = sms.user_data == WAIT_CALL and not own_number
        kind = CallKind.WAITCALL if is_call else CallKind.INCOMING
        what = (sms.account, kind.value, at_ms, inbox_id, answers, phone, own_number)
        self._calls.write([(*what, 0, "", at_ms, 0, sms.segments, 0, "", *text, "")], answer)

    def _answered(self, account: str, phone: str, since: int) -> str:
        """What its client calls the message that went to this number last, of ids since `since`; "": none."""
        message_id = self._recent.find(account, phone)
        found = None
        if message_id >= since:
            found = self._run("name_of_message", (account, phone, message_id)).fetchone()
        if found is None:
            found = self._run("find_answered_message", (account, phone, since)).fetchone()
        return found[0] if found else ""

    # -- short links ---------------------------------------------------------------------------------------

    def _count_clicks(self, rows: list[Row], answer: Answer) -> None:
        times = Counter(row[0] for row in rows)
        by_day = Counter((link_id, day) for link_id, _, day in rows)
        first_ms = {link_id: at_ms for link_id, at_ms, _ in reversed(rows)}
        known = set()
        for link_id, count in sorted(times.items()):
            found = self._run("count_clicks", (link_id, count)).fetchone()
            if found is None:
                continue
            known.add(link_id)
            clicks, message_id = found
            if message_id and clicks == count:
                calls = self._run("mark_clicked", (message_id, first_ms[link_id])).fetchall()
                self._calls.write(calls, answer)
        self._many("count_clicks_of_day", [(*key, n) for key, n in by_day.items() if key[0] in known])

    # -- age -----------------------------------------------------------------------------------------------

    def forget(self, history_before_id: int) -> None:
        """What is known of messages that are forgotten now; before they are."""
        self._run("purge_api_messages", (history_before_id,))

    def sweep(self, sweep: Sweep) -> bool:
        """Forgets what is too old; whether there is more."""
        purged = [
            self._run("purge_inbox", (sweep.history_before_ms,)).rowcount,
            self._run("purge_request_keys", (sweep.now_ms - KEY_MS,)).rowcount,
        ]
        links = self._run("list_old_links", (sweep.now_ms - LINK_MS, SWEEP_ROWS)).fetchall()
        self._many("delete_link_days", links)
        self._many("delete_link", links)
        return max(*purged, len(links)) >= SWEEP_ROWS
