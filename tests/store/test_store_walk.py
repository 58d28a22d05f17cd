"""A random walk over batches: whatever happens in whatever order, each message ends exactly once.

The other side is a small model of SMSCs: what they were sent, what they took, which receipts they owe.  It
lets answers, losses, late answers, early and repeated receipts, restarts and a person's decisions come as
they may, several in a batch, and looks at the store after each batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from gateway_fakes import DAY_MS, NOW_MS, message
from store_support import SENDER, Store, receipt, submitted

from gateway.core.batch import Answer
from gateway.core.model import LetterKind, Message, MessageState, Origin, Progress, wants_receipt

Part = tuple[int, int]  # message_id, segment
UNUSED = 1_000_000
"""Above this are the messages of repeated mails, which nobody ever sees."""


class Walk:
    def __init__(self, store: Store, seed: int) -> None:
        self.random, self.store = Random(seed), store
        self.now_ms = NOW_MS
        self.messages: dict[int, Message] = {}
        self.ids: dict[Part, str] = {}  # the id that the SMSC has given, or will give, to a part
        self.out: set[Part] = set()  # sent, not answered
        self.taken: set[Part] = set()  # answered with an id
        self.lost: set[Part] = set()  # nobody here knows whether it was taken
        self.owed: list[tuple[Part, str]] = []  # receipts that are still to come
        self.lists: dict[str, list[Any]] = {}
        self.ends: dict[int, int] = {}
        self.paused: set[int] = set()  # what a person holds back
        self.mails: list[bytes] = []  # the keys of all that came
        self.repeated: list[int] = []  # mails that came again, of the gathering batch
        self.asked: list[int] = []  # messages that are to be replaced, of the gathering batch
        self.notify: dict[int, int] = {}  # message_id: what its mail's sender wants to hear

    def add(self, name: str, *rows: Any) -> None:
        self.lists.setdefault(name, []).extend(rows)

    # -- what may happen --------------------------------------------------------------------------------

    def accept(self) -> None:
        new = message(
            len(self.messages) + 1,
            account=self.random.choice(("app", "other")),
            segments=self.random.choice((1, 1, 2, 3)),
            registered_delivery=self.random.choice((0, 1, 1, 1, 2, 3)),
            on_ambiguous=self.random.randrange(4),
            connector=self.random.choice(("one", "two")),
            alternatives="one two",
            expires_ms=self.now_ms + self.random.choice((50, DAY_MS)),
            origin=self.random.choice((Origin.SESSION, Origin.SESSION, Origin.MAIL)).value,
        )
        if new.origin == Origin.MAIL and not self.add_mail(new):
            return
        self.messages[new.message_id] = new
        straight = self.random.random() < 0.5
        self.add("accepted", (*new, (Progress.SENT if straight else Progress.QUEUED).value))
        if straight:
            parts = [(new.message_id, n) for n in range(1, new.segments + 1)]
            self.add("intents", *((*part, new.connector, self.now_ms) for part in parts))
            self.sent(parts)

    def accept_parts(self) -> None:
        """Segments that a sender made itself: a set, or some of it, or a part that was there already."""
        total, reference = self.random.choice((2, 3)), self.random.choice((1, 2))
        for n in self.random.sample(range(1, total + 1), self.random.randint(1, total)):
            new = message(
                len(self.messages) + 1,
                account=self.random.choice(("app", "app", "other")),
                registered_delivery=self.random.choice((0, 1, 1, 2, 3)),
                on_ambiguous=self.random.randrange(4),
                alternatives="one two",
                expires_ms=self.now_ms + self.random.choice((50, DAY_MS)),
            )
            self.messages[new.message_id] = new
            self.add("accepted", (*new, Progress.GATHERED.value))
            key = (new.account, new.source, new.destination, reference, total)
            self.add("parts", (new.message_id, *key, n, self.now_ms))

    def request(self) -> None:
        """A sender cancels or replaces one of its messages, wherever that stands."""
        if not self.messages:
            return
        message_id = self.random.choice(list(self.messages))
        account = self.messages[message_id].account
        if self.random.random() < 0.5:
            self.add("cancels", (account, message_id, "", "", "", self.now_ms))
        else:
            row = (account, message_id, b"new", 1, 0, 0, -1, 0, "", 1, self.now_ms)
            self.add("replacements", row)
            self.asked.append(message_id)

    def add_mail(self, new: Message) -> bool:
        """The mail that a message comes by; it may be one that came before, and then nothing comes of it."""
        mail_id = len(self.mails) + 1
        again = bool(self.mails) and self.random.random() < 0.2
        key = self.random.choice(self.mails) if again else b"key %d" % mail_id
        self.mails.append(key)
        notify = self.random.randrange(4)
        mail = (mail_id, key, new.account, self.now_ms, SENDER, "", "<1@example.org>", "", "", b"", 0)
        message_id = UNUSED + mail_id if again else new.message_id
        self.add("mails", mail)
        self.add("mail_recipients", (message_id, mail_id, "", "", notify, "", ""))
        if again:
            self.add("accepted", (*new._replace(message_id=message_id), Progress.QUEUED.value))
            self.repeated.append(mail_id)
        else:
            self.notify[new.message_id] = notify
        return not again

    def sent(self, parts: list[Part]) -> None:
        for part in parts:
            assert part not in self.out, "sent while it is under way"
            assert part not in self.taken, "sent although it was taken"
            self.lost.discard(part)
            self.out.add(part)
            self.ids[part] = f"id-{part[0]}-{part[1]}-{self.random.random()}"

    def answer(self) -> None:
        if not self.out:
            return
        part = self.random.choice(sorted(self.out))
        self.out.discard(part)
        kind = self.random.random()
        if kind < 0.6:
            self.take(part)
        elif kind < 0.75:
            due_ms = self.random.choice((0, self.now_ms + 30))
            connector = self.random.choice(("one", "two"))
            self.add("postponed", (*part, connector, due_ms, self.random.randrange(2), self.now_ms, "busy"))
        elif kind < 0.78:
            self.refuse(part)
        elif kind < 0.8:
            self.add("failed", (part[0], 8, "refused", self.now_ms))
        else:
            self.lost.add(part)
            self.add("doubts", (*part, self.now_ms, "no answer", "", self.now_ms))
            if self.random.random() < 0.5:
                self.owed.append((part, self.ids[part]))

    def refuse(self, part: Part) -> None:
        """Its SMSC will never take it, so its message goes on to the other one."""
        rows = self.store.rows("submission", message_id=part[0], segment=part[1])
        refuser = str(rows[0]["connector"]) if rows else self.messages[part[0]].connector
        other = "two" if refuser == "one" else "one"
        self.add("rerouted", (*part, refuser, other, self.now_ms, "ESME_RINVDSTADR"))

    def take(self, part: Part, name: str = "submitted") -> None:
        self.taken.add(part)
        self.add(name, submitted(*(part[0], self.ids[part], part[1], self.connector_of(part), self.now_ms)))
        if self.messages[part[0]].registered_delivery & 3:
            self.owed.append((part, self.ids[part]))
        else:
            self.add("handed_over", (part[0], self.now_ms))

    def connector_of(self, part: Part) -> str:
        rows = self.store.rows("submission", message_id=part[0], segment=part[1])
        return str(rows[0]["connector"]) if rows else "one"

    def answer_late(self) -> None:
        known = sorted(
            part for part in self.lost if part not in {row[:2] for row in self.lists.get("doubts", [])}
        )
        if known:
            part = self.random.choice(known)
            live = self.store.progress(part[0])
            if live is None:
                self.lost.discard(part)
                self.add("late", submitted(part[0], self.ids[part], part[1], self.connector_of(part)))
            else:
                self.lost.discard(part)
                self.take(part, "late")

    def send_receipt(self) -> None:
        early = [(part, self.ids[part]) for part in self.out]
        owed = self.owed if self.random.random() < 0.8 or not early else sorted(early)
        if owed:
            part, upstream_id = owed[self.random.randrange(len(owed))]
            state = self.random.choice((2, 2, 2, 2, 5, 3))
            connector = self.connector_of(part)
            self.add("receipts", receipt(upstream_id, state, connector=connector, at_ms=self.now_ms))
            if owed is self.owed and self.random.random() < 0.7:  # else it comes once more
                self.owed.remove((part, upstream_id))

    def claim(self) -> None:
        connector = self.random.choice(("one", "two"))
        if connector not in {row[0] for row in self.lists.get("claims", [])}:
            self.add("claims", (connector, self.random.randint(1, 6), self.now_ms, 1))

    def decide(self) -> None:
        held = self.store.rows("message", progress=Progress.HELD.value)
        if held:
            word = self.random.choice(("resend", "drop"))
            self.add("decisions", (self.random.choice(held)["message_id"], word, self.now_ms))

    def meddle(self) -> None:
        """A person holds back, lets go, hurries or cancels whatever comes to hand, wherever that stands."""
        if self.messages:
            word = self.random.choice(("hold", "hold", "release", "retry", "cancel"))
            recent = list(self.messages)[-20:]
            self.add("decisions", (self.random.choice(recent), word, self.now_ms))

    def decided(self, rows: list[Any], answers: list[bool]) -> None:
        """What was decided holds, and was never decided of what may be at the SMSC."""
        known = {part[0] for part in self.out | self.taken | self.lost}
        for (message_id, word, _), done in zip(rows, answers, strict=True):
            if not done:
                continue
            if word in ("hold", "cancel"):
                assert message_id not in known, f"{word} of what was sent"
            if word == "hold":
                self.paused.add(message_id)
            elif word != "retry":
                self.paused.discard(message_id)

    def sweep(self) -> None:
        self.add("sweeps", Store.sweep_row(self.now_ms, assembly_before_ms=self.now_ms - 40))

    def move(self) -> None:
        self.add("moves", (*self.random.choice((("one", "two"), ("two", "one"))), 0))

    def restart(self) -> None:
        self.commit()
        found = self.store.restart(self.now_ms)
        live = {part for part in self.out if part[0] not in self.ends}
        assert found == len(live)
        self.lost |= live
        self.out.clear()
        self.look(None)

    # -- a batch, and what must be true after it ----------------------------------------------------------

    def commit(self) -> None:
        lists, self.lists = self.lists, {}
        answer = self.store.apply(**lists)
        assert [mail_id for mail_id, _ in answer.repeated] == self.repeated
        self.repeated = []
        for message_id, done in zip(self.asked, answer.replaced, strict=True):
            if done:
                self.messages[message_id] = self.messages[message_id]._replace(registered_delivery=1)
        self.asked = []
        self.decided(lists.get("decisions", []), answer.decided)
        for _, rows, _ in answer.claimed:
            for fields, segments in rows:
                assert fields[0] not in self.ends, "claimed after its end"
                assert fields[0] not in self.paused, "sent although it is held back"
                self.sent([(fields[0], n) for n in segments])
        self.look(answer)

    def look(self, answer: Answer | None) -> None:
        """`answer`: None after a restart, of which the gateway only learns what is open."""
        live = {row["message_id"] for row in self.store.rows("message")}
        history = {row["message_id"]: row["state"] for row in self.store.rows("history")}
        assert live | history.keys() == self.messages.keys()
        assert not live & history.keys()
        assert all(history[message_id] == state for message_id, state in self.ends.items()), "an end changed"
        new = history.keys() - self.ends.keys()
        self.ends = history
        self.paused -= history.keys()
        paused = self.store.rows("message", progress=Progress.PAUSED.value)
        assert {row["message_id"] for row in paused} == self.paused
        if answer is not None:
            told: Counter[str] = Counter()
            for account, count in answer.ended:
                told[account] += count
            assert told == Counter(self.messages[message_id].account for message_id in new)
            assert sorted(row[2] for row in answer.deliveries) == sorted(self.wanted(new))
            assert answer.letters_waiting == bool(self.to_report(new))

    def wanted(self, message_ids: Iterable[int]) -> set[int]:
        """Ended messages whose end the sender wants to hear of."""
        return {
            message_id
            for message_id in message_ids
            if self.messages[message_id].origin == Origin.SESSION
            and wants_receipt(self.messages[message_id].registered_delivery, self.ends[message_id])
        }

    def to_report(self, message_ids: Iterable[int]) -> set[int]:
        """Ended messages of mails whose senders want to hear of it."""
        good = (MessageState.DELIVERED, MessageState.ACCEPTED)
        return {
            message_id
            for message_id in message_ids
            if self.notify.get(message_id, 0) & (1 if self.ends[message_id] in good else 2)
        }

    def drain(self) -> None:
        """From here on everything goes well, and everything ends."""
        for _ in range(200):
            self.now_ms += 60
            for part in sorted(self.out):
                self.out.discard(part)
                self.take(part)
            self.commit()
            for part in sorted(self.taken):
                self.add("receipts", receipt(self.ids[part], connector=self.connector_of(part)))
            for row in self.store.rows("message", progress=Progress.HELD.value):
                self.add("decisions", (row["message_id"], "resend", self.now_ms))
            for message_id in sorted(self.paused):
                self.add("decisions", (message_id, "release", self.now_ms))
            for connector in ("one", "two"):
                self.add("claims", (connector, 50, self.now_ms, 1))
            self.sweep()
            self.commit()
            if not self.store.rows("message"):
                break
        assert self.ends.keys() == self.messages.keys()


@pytest.mark.parametrize("seed", range(25))
def test_every_message_ends_exactly_once(store: Store, seed: int) -> None:
    walk = Walk(store, seed)
    steps = (
        [walk.accept] * 5
        + [walk.answer] * 8
        + [walk.send_receipt] * 6
        + [walk.claim] * 3
        + [walk.answer_late, walk.decide, walk.sweep, walk.move, walk.accept_parts, walk.request]
        + [walk.meddle] * 2
    )
    for _ in range(60):
        for _ in range(walk.random.randint(1, 8)):
            walk.random.choice(steps)()
        walk.commit()
        walk.now_ms += walk.random.randint(0, 20)
        if walk.random.random() < 0.05:
            walk.restart()
    walk.drain()
    assert Counter(id_ for id_, _ in store.delivery_states()) == dict.fromkeys(walk.wanted(walk.ends), 1)
    reports = [(LetterKind.REPORT, SENDER, message_id) for message_id in sorted(walk.to_report(walk.ends))]
    assert sorted(store.letters()) == reports
    assert walk.to_report(walk.ends)
    assert MessageState.DELIVERED in walk.ends.values()
