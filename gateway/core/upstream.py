"""One connector's way up: what may go now, straight or from disk, and over which link.

Theory of operation.  A segment occupies a slot from the commit of its intent until its result is committed;
slots are what bounds memory and doubt.  A message takes slots in one of two ways:

* straight: `Submission` reserves them while the queue on disk is empty, and sends after its commit;
* from disk: when slots are free and messages wait, `pump` asks the store for as many segments as fit.  The
  store writes their intents in the same transaction, so what it returns is sent at once.

Nothing waits in memory between the two: what has no slot is on disk.  New messages do not overtake those
that wait for a slot; those that were put off (throttled, scheduled) are claimed beside them.

How many slots there are is up to `FlowControl`, what waits on disk to `DiskQueue`, and what becomes of the
segments that were sent to `Results`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from gateway.core.batch import Journal, Row
from gateway.core.clock import Clock
from gateway.core.disk_queue import DiskQueue
from gateway.core.events import Events
from gateway.core.flow_control import FlowControl
from gateway.core.histogram import Histogram
from gateway.core.links import Ask, Link
from gateway.core.model import Message
from gateway.core.pacing import SenderPace
from gateway.core.pauses import Pause
from gateway.core.results import Results
from gateway.core.sent_as import as_sent
from gateway.core.silence import Silence, Turn

MOVE_AFTER_S = 5.0
"""A connector that is down for so long hands its queue to another one."""


class Upstream(Results):
    """The state of one connector that is shared by its links."""

    all: Mapping[str, Upstream]

    def __init__(
        self,
        name: str,
        *,
        window: int,
        rate: int,
        whole: bool,
        service: bool = False,
        journal: Journal,
        events: Events,
        clock: Clock,
        random: Random,
    ) -> None:
        super().__init__(name, journal, events, random)
        self.flow = FlowControl(window, rate, clock.now())
        self.queue = DiskQueue()
        self.elsewhere = False
        """Another node can send by it: what waits on disk goes up there."""
        self.whole = whole
        """Long messages go up in one PDU: the SMSC splits them."""
        self.service = service
        """It is the SMSC service over HTTP: it takes more kinds of messages than SMS, and their ids are ours
        to give.  So nothing goes straight up: what is claimed is given its id, and sent after that commit."""
        self.sender_rate = 0
        """Segments per second of one sender; 0: no limit. Set by `limit_senders`."""
        self.operations: frozenset[str] = frozenset()
        """What the SMSC can do with a message that it has: query_sm, cancel_sm, replace_sm."""
        self.asks: Ask | None = None
        """Puts a request to the SMSC; set by the connector, see `ask`."""
        self.approximated: Callable[[], int] = lambda: 0
        """How many texts went up with "?" in them, for want of characters in this SMSC's alphabet."""
        self.on_alert: Callable[[object], object] | None = None
        """Gets the SMSC's alert_notifications."""
        self.broadcasts: dict[str, str] = {}
        """To which account the SMSC gave which message_id of a broadcast; some thousands at the most."""
        self.links: list[Link] = []
        self.silence = Silence(clock.now())
        """Whether the SMSC answers; its `limit_s` is set by the connector."""
        self.heard = False
        """The SMSC has answered a submit, in whatever way; set by its links."""
        self.questions = 0
        """Slots that questions have, see `ask`."""
        self.in_flight = 0
        self.binds = 0
        """Links that came up."""
        self.response_s = Histogram()
        """From sending a submit to its answer."""
        self.held = ""
        """Why nothing goes up any more, see `hold`."""
        self.paused: Pause | None = None
        """A person lets nothing go up, see `pause`."""
        self.on_resume: Callable[[], object] = lambda: None
        """Called when the pause is over."""
        self.down_since = clock.now()
        self._clock = clock
        self._turn = 0
        self._paused_until = 0.0
        self._senders: SenderPace | None = None

    # -- whether it works ------------------------------------------------------------------------------

    @property
    def bound(self) -> bool:
        """Whether there is a link."""
        return bool(self.links)

    @property
    def works(self) -> bool:
        """Whether messages go up by it, at whatever node."""
        return self.paused is None and (self.elsewhere or self.works_here)

    @property
    def works_here(self) -> bool:
        """Whether there is a link, the SMSC answers, and nobody has paused it."""
        return bool(self.links) and not self.silence.is_silent and self.paused is None

    @property
    def trouble(self) -> str:
        """Why it does not work, if it does not: "paused", "silent" or "down"."""
        if self.paused is not None:
            return "paused"
        return "silent" if self.links else "down"

    @property
    def up(self) -> bool:
        """Whether a message should be given to it now: it works, or one may try whether it does."""
        if self.paused is not None:
            return False
        if self.elsewhere:
            return True
        if not self.silence.is_silent:
            return bool(self.links)
        return self.silence.probe_due and not self.in_flight and not self.queue.joining and bool(self.links)

    @property
    def backlog(self) -> bool:
        """Whether messages that are due wait on disk."""
        return self.queue.waits

    def link_up(self, link: Link) -> None:
        self.links.append(link)
        self.binds += 1
        if self._paused_until != float("inf"):
            self._paused_until = 0.0
        self.queue.look_anew()  # failover may have left what only this connector can take
        if self.silence.is_silent:
            self.silence.bound_again(self._clock.now())
        self.pump()

    def link_down(self, link: Link) -> None:
        if link not in self.links:
            return  # it never came up: the connector has been down for longer
        self.links.remove(link)
        if not self.links:
            self.down_since = self._clock.now()

    def hold(self, why: str) -> None:
        """Sends nothing any more, at the end of the gateway's day or of the connector's."""
        self.held = why
        self._paused_until = float("inf")

    def let_go(self) -> None:
        """Ends a `hold`: this node is not drained after all."""
        self.held = ""
        self._paused_until = 0.0
        self.queue.look_anew()
        self.pump()

    def pause(self, pause: Pause) -> None:
        """Sends nothing new, neither straight nor from disk; links stay, and what is under way is finished.

        It counts as down, at once: nobody waits for it to come back by itself.
        """
        self.paused = pause
        self.down_since = self._clock.now() - MOVE_AFTER_S

    def resume(self) -> None:
        """Ends a pause."""
        if self.paused is None:
            return
        self.paused = None
        self.queue.look_anew()  # failover may have left what only this connector can take
        self.on_resume()
        self.pump()

    # -- limits ----------------------------------------------------------------------------------------

    def limit(self, window: int, rate: int, *, adaptive: bool) -> None:
        """Other limits from now on, see `FlowControl.limit`."""
        self.flow.limit(window, rate, adaptive=adaptive, now=self._clock.now(), taken=self.submitted)
        self.pump()

    def use(self, window: int, rate: float) -> None:
        """This node's part of the limits from now on, see `FlowControl.share`."""
        self.flow.share(window, rate, self._clock.now())
        self.pump()

    @property
    def window_now(self) -> int:
        """Segments that may be under way on all links together."""
        return self.flow.most(len(self.links))

    def submit_failed(self, sent_at: float) -> bool:
        """The SMSC refuses a segment without a reason; whether that can only mean that it is too much."""
        too_much = self.flow.pace.failed(self._clock.now(), self.submitted)
        if too_much:
            self.too_fast(sent_at)
        return too_much

    def too_fast(self, sent_at: float) -> None:
        """The SMSC says of a segment that was sent then (the clock's seconds) that it is too much."""
        now = self._clock.now()
        if self.flow.too_fast(sent_at, self.in_flight, now, self.submitted):
            self._say_slowed(now)

    def congestion(self, state: int, sent_at: float) -> None:
        """A response to what was sent then has this congestion_state, percent."""
        now = self._clock.now()
        if self.flow.congestion(state, sent_at, self.in_flight, now, self.submitted):
            self._say_slowed(now)

    def _say_slowed(self, now: float) -> None:
        pace = self.flow.pace
        self._events.seldom(
            "info", "slowed", now, connector=self.name, window=pace.window, rate=pace.rate or "-"
        )

    def paced(self, source: str, segments: int, now_ms: int) -> int:
        """When a message of this sender may go (milliseconds since 1970), so that `sender_rate` holds."""
        return self._senders.due_ms(source, segments, now_ms) if self._senders is not None else 0

    def limit_senders(self, rate: int) -> None:
        """So many segments per second of one sender; 0: no limit."""
        self.sender_rate = rate
        self._senders = SenderPace(rate) if rate else None

    # -- questions -------------------------------------------------------------------------------------

    def ask(self, request: object, then: Callable[[object | None], None]) -> bool:
        """Sends a request about a message (a query_sm, say), which is passed on without a look.

        `then` gets the response, or None when there is none in time. False: there is no link, or the SMSC
        cannot do this; `then` is not called.
        """
        return self.asks is not None and self.asks(request, then)

    # -- slots -----------------------------------------------------------------------------------------

    def reserve(self, segments: int, now: float) -> bool:
        """Takes slots for a message that goes straight up; False: it has to queue, see `join`."""
        if self.service or not self.queue.lets_pass() or self._room(now) < segments:
            return False
        self.in_flight += segments
        self.flow.bucket.spend(segments)
        return True

    def release(self, segments: int) -> None:
        """Gives slots back."""
        self.in_flight -= segments
        if self.queue.waits:
            self.pump()

    def adopt(self, segments: int) -> None:
        """Takes slots for what an earlier run has sent, and whose result is still to come."""
        self.in_flight += segments

    def _room(self, now: float) -> int:
        if not self.links or now < self._paused_until or self.paused is not None:
            return 0
        room = self.flow.room(self.links, self.in_flight, now)
        if self.silence.is_silent:
            room = min(room, int(self.silence.probe_due)) if not self.in_flight else 0
        return room

    def _rest(self, pause_s: float) -> None:
        self._paused_until = max(self._paused_until, self._clock.now() + pause_s)
        self.queue.look()

    # -- sending ---------------------------------------------------------------------------------------

    def send(self, message: Message, segments: Sequence[int]) -> None:
        """Sends segments whose intent is committed and whose slots are taken."""
        if message.sent_as:
            message = as_sent(message)
        links = self.links
        for _ in links:
            self._turn = (self._turn + 1) % len(links)
            room = links[self._turn].room
            if room:
                links[self._turn].submit(message, segments[:room])
                segments = segments[room:]
                if not segments:
                    return
        self.unsent(message, segments)

    def unsent(self, message: Message, segments: Sequence[int]) -> None:
        """No byte of these segments was sent: back into the queue, and no attempt."""
        now_ms = self._clock.now_ms()
        for segment in segments:
            self.journal.batch.postponed.append((message.message_id, segment, self.name, 0, 0, now_ms, ""))
        self.flow.bucket.spend(-len(segments))
        self._free_after_commit(len(segments))

    def put_off(self, message: Message, segment: int, delay_s: float, reason: str, now_ms: int) -> None:
        """It has to wait here for so long, whatever the SMSC would say; nothing of it is at the SMSC."""
        row = (message.message_id, segment, self.name, now_ms + int(1000 * delay_s), 0, now_ms, "")
        self.journal.batch.postponed.append(row)
        self.flow.bucket.spend(-1)
        if self._events.messages:
            self._events.postponed(message.message_id, self.name, reason, now_ms)
        self._results += 1

    # -- the queue on disk -----------------------------------------------------------------------------

    def join(self, segments: int) -> None:
        """A message that is due goes into the queue with the gathering batch."""
        self.queue.join(segments, self.journal.batch)

    def joined(self, *, ok: bool) -> None:
        """The first of those that joined is on disk (False: it was not kept)."""
        if self.queue.joined(ok=ok):
            self.pump()

    def queued(self, due_ms: int) -> None:
        """Something waits on disk for this connector, which may be more than what has joined here."""
        if self.queue.found(due_ms, self._clock.now_ms()):
            self.pump()

    def hinted(self) -> None:
        """Another node has queued something for this connector just now."""
        self.queue.hinted()
        self.pump()

    def pump(self) -> None:
        """Claims what waits on disk, if there is room for it."""
        queue = self.queue
        if queue.claiming or not queue.waits:
            return
        room = self._room(self._clock.now())
        if room <= 0:
            return
        batch = self.journal.batch
        claiming = queue.claim(room, batch, may_end=not self.service)
        self.in_flight += claiming
        batch.claims.append((self.name, claiming, self._clock.now_ms(), int(not self.service)))
        self.journal.then(self._claim_committed)

    def _claim_committed(self, ok: bool) -> None:
        if not ok:  # an answer that came was taken by `claimed` before
            self.in_flight -= self.queue.claiming
            self.queue.claim_failed()

    def claimed(self, rows: list[Row], next_due_ms: int | None) -> None:
        """What the store found for `pump`; the intents are committed."""
        self.in_flight -= self.queue.claiming
        self.queue.claimed(next_due_ms, self._clock.now_ms())
        for fields, segments in rows:
            self.in_flight += len(segments)
            self.flow.bucket.spend(len(segments))
            self.send(Message._make(fields), segments)
        self.pump()

    def moved(self, *, more: bool) -> None:
        """Some of the queue was looked at for what can go to others; `more`: the next look goes on there."""
        self.queue.moved(more=more)
        if more:
            self.down_since -= MOVE_AFTER_S

    def moved_away(self, now: float) -> None:
        """What waits goes to other connectors; look again when more has come."""
        self.queue.moved_away()
        self.down_since = now

    # -- the clock -------------------------------------------------------------------------------------

    def tick(self, now: float, now_ms: int) -> None:
        """Wakes messages whose time has come; a few times each second."""
        self._note_error(now_ms)
        self.queue.tick(now_ms)
        self.flow.tick(len(self.links), now, self.submitted)
        self._listen(now)
        self.pump()

    def _listen(self, now: float) -> None:
        heard, self.heard = self.heard, False
        waiting = self.in_flight - self.queue.claiming - self.questions > 0 and bool(self.links)
        over = bool(self.links) and not self.in_flight and not self.queue.waits
        turn = self.silence.look(now, heard=heard, waiting=waiting, over=over)
        if turn is Turn.BEGAN:
            self.down_since = now - MOVE_AFTER_S  # it has been waited for long enough
            self.last_error = f"it has answered no submit for {self.silence.limit_s:g} s"
            self._events.say("warning", "silent", connector=self.name, submits=self.in_flight)
        elif turn is Turn.ENDED:
            self._events.say("info", "answers_again", connector=self.name)
        if turn is not Turn.NOTHING:
            self.queue.look_anew()
