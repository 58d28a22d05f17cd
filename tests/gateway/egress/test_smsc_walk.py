"""Whatever happens between the gateway and an SMSC service, each message is sent once at the most, and ends.

A walk makes random things happen: answers that are lost before or after the service took the request,
requests that come late, errors, receipts at any moment, full disks, kills, reloads, other connectors, ends of
validity.  Then it is calm, and what is left has to be right.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pytest
from gateway_fakes import NOW_MS
from service_fakes import NAME, Asked, Bench, FakeClient, looped, to, turns

from gateway.core.model import Message, MessageState, OnAmbiguous
from gateway.core.receipts import ReceiptBook
from gateway.core.upstream import Upstream
from gateway.egress.smsc_http.client import NoAnswer, NotSent
from protocols.smsc_http.answers import Failure

NUMBERS = 40
OTHER = "other"
IDENTICAL_S = 60.0
COMMIT_MS = 15_000
"""A commit takes so long at the most."""
DELIVERED, EXPIRED, REJECTED = (
    state.value for state in (MessageState.DELIVERED, MessageState.EXPIRED, MessageState.REJECTED)
)


class Service:
    """The service's memory of what was sent to it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.calm = False
        self.expires: dict[str, int] = {}
        """By text, when it is no longer wanted."""
        self.sent: Counter[str] = Counter()
        """By text, how often it was sent on."""
        self.refused: set[str] = set()
        self.statuses: dict[tuple[str, str], int] = {}
        """By id and number."""
        self.late: list[tuple[float, Asked]] = []
        """Requests on their way, and when they come."""
        self.recent: dict[str, float] = {}
        """Requests as they were, and when."""
        self.elsewhere: list[Message] = []
        """What went by the other connector."""
        self.bench: WalkBench

    # -- requests ----------------------------------------------------------------------------------------

    def take(self, asked: Asked) -> object:
        """A request that has come."""
        now = self.bench.clock.now()
        same = [it for it in self.late if it[1].params == asked.params]
        self.late = [it for it in self.late if it not in same]
        for _, faster in same:
            self.take(faster)
        words = repr(sorted(asked.params.items()))
        if now - self.recent.get(words, -IDENTICAL_S) < IDENTICAL_S:
            return Failure(9, "duplicate request, wait a minute")
        lines = _lines(asked)
        if bad := [text for _, text in lines if "bad" in text]:
            self.refused.update(bad)
            if len(lines) == 1 or "registered" not in bad[0]:
                return Failure(5 if "registered" not in bad[0] else 7, "", asked.id)
        self.recent[words] = now
        for phone, text in lines:
            key = (asked.id, phone)
            assert key not in self.statuses, "an id was given twice"
            self.statuses[key] = 22 if "bad" in text else self.random.choice((-1, 0, 1))
            self.sent[text] += "bad" not in text
        return Failure(7, "", asked.id) if bad else {"id": asked.id, "cnt": len(lines)}

    def come_late(self) -> None:
        now = self.bench.clock.now()
        due = [asked for at, asked in self.late if at <= now]
        self.late = [(at, asked) for at, asked in self.late if at > now]
        for asked in due:
            self.take(asked)

    # -- answers -----------------------------------------------------------------------------------------

    def send(self, asked: Asked) -> object:
        self.come_late()
        for _, text in _lines(asked):
            wanted = self.expires[text] + COMMIT_MS > self.bench.clock.now_ms()
            assert wanted, f"{text} is not wanted any more"
        roll = 1.0 if self.calm else self.random.random()
        if roll < 0.12:
            self.take(asked)
            return self.slowly(NoAnswer("the connection was lost"))
        if roll < 0.2:
            return self.slowly(NoAnswer("HTTP 500"))
        if roll < 0.26:
            at = self.bench.clock.now() + self.random.choice((0.5, 3.0, 1e9))
            self.late.append((at, asked))
            return NoAnswer("no answer within 30 s")
        if roll < 0.3:
            return NotSent("Connection refused")
        if roll < 0.36:
            return Failure(self.random.choice((2, 3, 4, 9, 9, 99)), "")
        return self.slowly(self.take(asked))

    def status(self, asked: Asked) -> object:
        self.come_late()
        if not self.calm and self.random.random() < 0.2:
            return self.random.choice((NoAnswer("x"), NotSent("x"), Failure(9, ""), Failure(4, "")))
        phones, ids = (asked.params[name].split(",") for name in ("phone", "id"))
        rows = []
        for phone, id in zip(phones, ids, strict=True):
            if phone:
                status = self.statuses.get((id, phone))
                if status is not None and self.calm and status < 1:
                    status = self.statuses[id, phone] = 1
                known = {"status": -3} if status is None else {"status": status, "err": 0}
                rows.append({**known, "id": id, "phone": phone})
        self.random.shuffle(rows)
        return self.slowly(rows if "," in asked.params["phone"] else rows[0])

    def balance(self, asked: Asked) -> object:
        if not self.calm and self.random.random() < 0.2:
            return self.random.choice((NoAnswer("x"), NotSent("x"), Failure(2, ""), Failure(9, "")))
        return {"balance": str(self.random.randrange(40)), "currency": "RUR"}

    def slowly(self, answer: object) -> object:
        """The answer, or that it comes later."""
        if self.calm or self.random.random() < 0.5:
            return answer
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self.bench.later.append((future, answer))
        return future


def _lines(asked: Asked) -> list[tuple[str, str]]:
    """The recipients and texts of a request."""
    if "list" in asked.params:
        pairs = [line.partition(":")[::2] for line in asked.params["list"].split("\n")]
    else:
        pairs = [(asked.params["phones"], asked.params["mes"])]
    return [(phone.removeprefix("+"), text) for phone, text in pairs]


class Other:
    """Another connector of the route: what it gets is delivered."""

    stuck = False
    room = 10

    def __init__(self, bench: Bench, service: Service) -> None:
        self.service = service
        self.receipts = ReceiptBook(OTHER, bench.journal, bench.events)
        self.upstream = Upstream(
            OTHER,
            window=10,
            rate=0,
            whole=True,
            journal=bench.journal,
            events=bench.events,
            clock=bench.clock,
            random=Random(3),
        )
        bench.upstream.all = {**bench.upstream.all, OTHER: self.upstream}

    def submit(self, message: Message, segments: Sequence[int]) -> None:
        text = message.user_data.decode()
        if "bad" in text:
            self.service.refused.add(text)
            self.upstream.refused_for_good(message, "no", NOW_MS)
        else:
            self.service.sent[text] += 1
            self.upstream.taken(message, 1, f"{message.message_id}x", NOW_MS)
            self.service.elsewhere.append(message)
        self.upstream.results_end()

    def tell(self) -> None:
        """Its receipts come, for the first time or again."""
        for message in self.service.elsewhere:
            self.receipts.take(f"{message.message_id}x", message.destination, DELIVERED, True, "000", NOW_MS)


class WalkBench(Bench):
    """A bench whose route has another connector, which is up at times."""

    service: Service
    later: list[tuple[asyncio.Future[object], object]]

    def make(self) -> None:
        super().make()
        self.other = Other(self, self.service)


class Walk:
    """A walk of one seed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random = Random(seed)
        self.service = Service(random)
        client = FakeClient()
        client.usual = {
            "send": self.service.send,
            "status": self.service.status,
            "balance": self.service.balance,
            "answers": [],
        }
        config = {"max_requests": random.choice((1, 4, 8)), "list_max": random.choice((1, 3, 10))}
        WalkBench.service = self.service
        self.bench = WalkBench(folder, client=client, **config)
        self.bench.later = []
        self.service.bench = self.bench
        self.count = 0
        self.steps: list[tuple[int, Callable[[], object]]] = [
            (6, self.accept),
            (10, self.answer),
            (6, self.call),
            (8, self.commit),
            (6, self.pass_),
            (1, self.be_down),
            (2, self.other),
            (1, self.kill),
            (1, self.reload),
            (1, self.be_full),
        ]

    # -- steps -------------------------------------------------------------------------------------------

    def accept(self) -> None:
        messages = []
        for _ in range(self.random.randint(1, 8)):
            self.count += 1
            kind = self.random.choice(("",) * 12 + (" bad", " bad registered"))
            text = f"text {self.count}{kind}"
            left_ms = self.random.choice((3_600_000,) * 6 + (20_000, 90_000))
            fields = {"user_data": text.encode(), "expires_ms": self.bench.clock.now_ms() + left_ms}
            if self.random.random() < 0.2:
                fields["validity_period"] = "000000010000000R"
            if self.random.random() < 0.1:
                fields["data_coding"] = 0x10
            if self.random.random() < 0.3:
                fields["alternatives"] = f"{NAME} {OTHER}"
            self.service.expires[text] = int(fields["expires_ms"])
            number = self.random.randint(1, NUMBERS)
            messages.append(to(number, self.count, on_ambiguous=OnAmbiguous.HOLD.value, **fields))
        self.bench.queue(*messages)

    def answer(self) -> None:
        """An answer that was on its way comes."""
        if self.bench.later:
            future, value = self.bench.later.pop(self.random.randrange(len(self.bench.later)))
            if not future.done():
                future.set_result(value)

    def call(self) -> None:
        """The service calls."""
        known = list(self.service.statuses)
        if known:
            id, phone = self.random.choice(known)
            status = self.service.statuses[id, phone]
            if status < 1:
                status = self.service.statuses[id, phone] = self.random.choice((status, 1))
            self.bench.receipt(f"{id}/{phone}", status)

    async def commit(self) -> None:
        if self.bench.journal.is_due and not self.bench.journal.error:
            self.bench.commit()
        await turns(3)

    async def pass_(self) -> None:
        for _ in range(self.random.choice((1, 4, 20))):
            self.bench.clock.advance(0.5)
            self.service.come_late()
            for upstream in self.bench.upstream.all.values():
                upstream.tick(self.bench.clock.now(), self.bench.clock.now_ms())
            self.bench.connector.tick(self.bench.clock.now())
            await turns(4)
            if self.random.random() < 0.5:
                await self.commit()

    def be_down(self) -> None:
        self.bench.connector.unreachable("somebody pulled the plug")

    def other(self) -> None:
        """The other connector comes or goes."""
        other = self.bench.other
        if other.upstream.up:
            other.upstream.link_down(other)
        else:
            other.upstream.link_up(other)

    async def kill(self) -> None:
        while self.bench.other.upstream.in_flight:  # what the other one had would be in doubt
            self.bench.commit()
        await self.bench.kill()

    async def reload(self) -> None:
        await self.bench.reload()

    async def be_full(self) -> None:
        with self.bench.full_disk():
            for _ in range(self.random.randint(1, 3)):
                self.bench.commit()
                await turns(4)
                self.answer()
                await turns(2)

    # -- the walk ------------------------------------------------------------------------------------------

    async def go(self, steps: int) -> None:
        weights, choices = zip(*self.steps, strict=True)
        self.bench.start()
        for _ in range(steps):
            [step] = self.random.choices(choices, weights)
            done = step()
            if asyncio.iscoroutine(done):
                await done
            await turns(self.random.randint(0, 4))
            assert not self.bench.deaths, self.bench.deaths
        await self.come_to_an_end()
        self.look()

    async def come_to_an_end(self) -> None:
        self.service.calm = True
        if not self.bench.other.upstream.up:
            self.other()
        while self.bench.later:
            self.answer()
            await self.bench.calm()
        for _ in range(60):
            await self.bench.pass_(60)
            self.bench.other.tell()
            await self.bench.calm()
            if not self.bench.progress():
                break

    def look(self) -> None:
        bench, service = self.bench, self.service
        repeated = {text: count for text, count in service.sent.items() if count > 1}
        assert repeated == {}, "sent twice"
        assert bench.progress() == {}, "has not ended"
        ends = bench.ends()
        assert sorted(ends) == list(range(1, self.count + 1))
        for message_id, (state, error) in ends.items():
            [text] = [it for it in service.expires if it.split()[1] == str(message_id)]
            if service.sent[text]:
                assert state == DELIVERED, (text, state, error)
            elif text in service.refused:
                assert state in (REJECTED, EXPIRED), (text, state, error)
            else:
                assert state == EXPIRED, (text, state, error)
        bench.has_nothing_left()
        assert bench.rows("ambiguous") == []


@pytest.mark.parametrize("seed", range(40))
@looped
async def test_every_message_is_sent_once_at_the_most_and_ends_as_it_was_sent(
    tmp_path: Path, seed: int
) -> None:
    await Walk(tmp_path, seed).go(150)
