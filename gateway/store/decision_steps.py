"""The steps of a batch that a person asks for: decisions about messages, dead letters that wait again, and
connectors that pause.

A message that may have been sent is only sent again where a person says `resend`: whatever else can be said
of one changes nothing but when, or whether, its first byte goes up.
"""

from __future__ import annotations

from gateway.core.batch import Answer, Row
from gateway.store.steps import Many, Run

REPLAY_MAX = 1000
"""So many dead letters wait again with one request."""
LETTERS = "mail:"
"""Stands in the place of the account for letters; no account is called so."""
_UNIT = "\x1f"
"""Between a connector's name and who has paused it, in the name of a setting: neither has it in it."""
_SAID = {
    "resend": "a person decided to send it again",
    "drop": "a person gave it up",
    "cancel": "a person cancelled it",
    "hold": "a person holds it back",
    "release": "a person lets it go on",
    "retry": "a person lets it try at once",
}


class DecisionSteps:
    """Part of the Applier; `run` and `many` run the named statements in its transaction."""

    def __init__(self, run: Run, many: Many) -> None:
        self._run = run
        self._many = many

    def decide(self, rows: list[Row], answer: Answer) -> int:
        """See Batch.decisions; how many doubts that settles at once."""
        settled = 0
        for message_id, word, now_ms in rows:
            done = not self._is_ending(message_id) and self._decide(message_id, word, now_ms, answer)
            if done:
                self._run("insert_incident", (message_id, now_ms, _SAID[word]))
            if done and word == "resend":
                settled += self._run("settle_by_person", (now_ms, "person: resend", message_id)).rowcount
            answer.decided.append(done)
        return settled

    def _decide(self, message_id: int, word: str, now_ms: int, answer: Answer) -> bool:
        if word == "drop":
            return self._run("end_held", (message_id, now_ms)).rowcount > 0
        if word == "cancel":
            return self._run("end_cancelled", (message_id, now_ms)).rowcount > 0
        if word == "hold":
            return bool(self._run("pause_message", (message_id,)).fetchall())
        if word == "resend":
            found = self._run("release_held", (message_id,)).fetchall()
        elif word == "release":
            found = self._run("unpause_message", (message_id,)).fetchall()
        else:
            found = self._run("hurry_message", (message_id, now_ms)).fetchall()
        answer.queued.extend(found)
        return bool(found)

    def pause(self, rows: list[Row]) -> None:
        """See Batch.pauses."""
        for connector, since_ms, who in rows:
            self._run("drop_pause", (connector,))
            if since_ms:
                self._run("keep_pause", (f"{connector}{_UNIT}{who}", since_ms))

    def pauses(self) -> list[Row]:
        """connector, since_ms, who: of those that are paused."""
        found = [(*name.partition(_UNIT), since_ms) for name, since_ms in self._run("list_pauses")]
        return [(connector, since_ms, who) for connector, _, who, since_ms in found]

    def _is_ending(self, message_id: int) -> bool:
        return self._run("is_ending", (message_id,)).fetchone() is not None

    def replay(self, rows: list[Row], answer: Answer) -> None:
        """See Batch.replays."""
        for number, account, now_ms in rows:
            if account == LETTERS:
                count = self._replay_letters(number, now_ms)
                answer.letters_waiting |= count > 0
            else:
                count = self._replay_deliveries(number, account, now_ms)
            answer.replayed.append(count)

    def _replay_deliveries(self, number: int, account: str, now_ms: int) -> int:
        numbers = [(number,)]
        if not number:
            numbers = self._run("list_dead_deliveries", (account, REPLAY_MAX)).fetchall()
        done = [row for row in numbers if self._run("replay_delivery", (*row, account, now_ms)).rowcount]
        self._many("drop_dead_delivery", done)
        return len(done)

    def _replay_letters(self, number: int, now_ms: int) -> int:
        numbers = [(number,)] if number else self._run("list_dead_letters", (REPLAY_MAX,)).fetchall()
        count = sum(self._run("replay_letter", (*row, now_ms)).rowcount for row in numbers)
        self._many("drop_dead_letter", numbers)
        return count
