"""What a node knows of one connector's queue on disk: whether something waits there, and how much of it.

Theory of operation.  Nobody reads the queue to know how long it is.  At first that is unknown (`look`): a
claim asks for as much as there is room for, and the store says whether something is left.  Once nothing is,
the queue is *counted*: all that waits is what has joined here since.

A claim for which there is room for all of a counted queue ends it: what comes after that goes straight up
again, behind it in the same batch or a later one.  Else a queue would never end while messages come.  What
joins in the batch of another claim is covered by it, for the store queues what a batch accepts before it
looks at the batch's claims.

What was put off (throttled, scheduled) is not counted: when its time has come it is *due*, and where nothing
else waits it is claimed in small portions, beside what goes straight.

All of it is without a clock; a claim is under way from `claim` to `claimed` or `claim_failed`, one at a time.
"""

from __future__ import annotations

DUE_AT_ONCE = 100
"""Messages that were put off come back in such portions, beside those that go straight up."""


class DiskQueue:
    """The count of one connector's queue, and the claim on it that is under way."""

    def __init__(self) -> None:
        self.claiming = 0
        """Segments that a claim which is under way has room for; 0: there is none."""
        self.joining = 0
        """Messages whose way to the queue is not committed yet; none may overtake them."""
        self.moving = False
        """Some of it was looked at for what can go to other connectors; the next look goes on there."""
        self._backlog = True  # until the store says that nothing waits
        self._is_counted = False  # the backlog is what has joined since `_ended_at`, and no more
        self._joined_segments = 0
        self._ended_at = 0  # `_joined_segments` when a claim was asked for that has left nothing
        self._covered = 0  # of those that are joining, the first ones, which the claim takes
        self._claim_takes_all = False
        self._claim_is_for_due = False
        self._claim_asked_at = 0  # `_joined_segments` then
        self._claim_batch: object = None
        self._is_followed = False  # more has joined in the batch of a claim that takes all before it
        self._is_hinted = False  # something has come which the claim may have missed
        self._next_due_ms: int | None = None
        self._is_due = False  # something that was put off has its time
        self._has_come = False  # something, since the store was at this queue's head
        self._was_moved = False  # else the store may be in its middle since before a reload

    @property
    def waits(self) -> bool:
        """Whether something that is due waits, or may."""
        return self._backlog or self._is_due

    def lets_pass(self) -> bool:
        """Whether a message that comes now overtakes nothing when it goes straight up."""
        if self._backlog or self.joining > self._covered:
            return False
        return not self.claiming or self._claim_takes_all or self._claim_is_for_due

    # -- what comes ------------------------------------------------------------------------------------

    def join(self, segments: int, batch: object) -> None:
        """A message that is due goes into the queue with this batch, the gathering one."""
        self.joining += 1
        self._joined_segments += segments
        if self._claim_batch is batch:
            if self._claim_takes_all:
                self._is_followed = True
            else:
                self._cover()

    def joined(self, *, ok: bool) -> bool:
        """The first of those that are joining is on disk (not `ok`: it was not kept); whether it is to be
        claimed."""
        self.joining -= 1
        self._has_come |= ok
        if self._covered:
            self._covered -= 1
            return False
        self._backlog |= ok
        return ok

    def found(self, due_ms: int, now_ms: int) -> bool:
        """Something waits that is due then, and may be more than what has joined; whether it is due now."""
        self._has_come = True
        if due_ms <= now_ms:
            self.look()
            return True
        if self._next_due_ms is None or due_ms < self._next_due_ms:
            self._next_due_ms = due_ms
        return False

    def look(self) -> None:
        """Nobody knows how much waits."""
        self._backlog = True
        self._is_counted = False

    def look_anew(self) -> None:
        """The same after a time without claims, in which anything may have come."""
        self._has_come = True
        self.look()

    def hinted(self) -> None:
        """Another node has queued something just now, which a claim that is under way may have missed."""
        self.look_anew()
        self._is_hinted = True

    def nothing_waits(self) -> None:
        """The store found nothing for this connector."""
        self._backlog = False
        self._is_counted = True

    def tick(self, now_ms: int) -> None:
        """Wakes what was put off and has its time."""
        if self._next_due_ms is not None and self._next_due_ms <= now_ms:
            self._next_due_ms = None
            self._is_due = True

    # -- claims ----------------------------------------------------------------------------------------

    def claim(self, room: int, batch: object, *, may_end: bool) -> int:
        """Begins a claim in the gathering batch, for which there is so much room; how many segments it asks
        for. `may_end`: something may go straight up when this has ended the queue."""
        self._claim_is_for_due = not self._backlog
        if self._claim_is_for_due:
            room = min(room, DUE_AT_ONCE)
        else:
            room = self._of_backlog(room, may_end)
            self._claim_batch = batch
            self._cover()
        self._is_due = self._is_hinted = False
        self.claiming = room
        return room

    def _of_backlog(self, room: int, may_end: bool) -> int:
        """All that waits and no more, where there is room for it; then the queue ends."""
        waiting = self._joined_segments - self._ended_at
        self._claim_takes_all = self._is_counted and 0 < waiting <= room and may_end
        if not self._claim_takes_all:
            return room
        self._backlog = self._is_followed = False
        return waiting

    def _cover(self) -> None:
        """A claim takes all that has joined until now, if it has room for it."""
        self._covered = self.joining
        self._claim_asked_at = self._joined_segments

    def claimed(self, next_due_ms: int | None, now_ms: int) -> None:
        """The claim is committed; next_due_ms: of what comes next in the queue."""
        self._end_claim()
        self._next_due_ms = next_due_ms
        is_left = next_due_ms is not None and next_due_ms <= now_ms
        if self._claim_is_for_due:
            self._is_due = is_left
        elif self._is_hinted or (is_left and not (self._claim_takes_all and self._is_followed)):
            self.look()
        else:
            self._backlog = self._backlog and self._claim_takes_all  # then it is of later messages
            self._is_counted = True
            self._ended_at = self._claim_asked_at

    def claim_failed(self) -> None:
        """The claim was not committed: what it was for waits still."""
        self._end_claim()
        if self._claim_is_for_due:
            self._is_due = True
        else:
            self.look()

    def _end_claim(self) -> None:
        self.claiming = 0
        self._claim_batch = None

    # -- to other connectors ---------------------------------------------------------------------------

    def moved(self, *, more: bool) -> None:
        """Some of it was looked at for what can go to others; `more`: the next look goes on there.

        What came meanwhile may stand before that place: then the queue is looked at once more.
        """
        if more:
            self.look()
        elif (self.moving and self._has_come) or not self._was_moved:
            self._was_moved = True
            self.look()
        self.moving = more

    def moved_away(self) -> None:
        """What waits goes to other connectors; look again when more has come."""
        if not self.moving:
            self._has_come = False
        self._backlog = self._is_due = False
