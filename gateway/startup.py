"""What a start meets: the state directory, the machine's clock, a store that is away, what is left."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.connectors import hand_over
from gateway.core.clock import Clock
from gateway.core.events import Events
from gateway.core.message_ids import moment_of_id
from gateway.core.steady_clock import SteadyClock
from gateway.housekeeping import say_clock
from gateway.kinds import DaemonError
from gateway.ops import state_dir
from gateway.ops.activation import Inherited
from gateway.ops.control import SOCKET_NAME
from gateway.ops.listening import path_too_long
from gateway.store.journal import Opening

if TYPE_CHECKING:
    from gateway.daemon import Daemon


def make_state_dir(folder: Path, events: Events) -> None:
    """Makes it if it is not there; DaemonError when it cannot be, or when everybody may write in it."""
    if problem := path_too_long(folder / SOCKET_NAME):
        raise DaemonError(problem)
    try:
        open_to = state_dir.make(folder)
    except state_dir.EverybodyWritesError as error:
        raise DaemonError(str(error)) from error
    except OSError as error:
        raise DaemonError(
            f"the state directory {folder} cannot be made: {error.strerror} – "
            "give another --state-dir, or make it yourself for this user"
        ) from error
    if open_to:
        fix = f"chmod 0700 {folder}"
        events.say("warning", "state_dir_open", mode=open_to, fix=fix)


def say_store_waits(events: Events, server: str, reason: str) -> None:
    """The server of the store is not reached; the start waits a minute for it."""
    fix = "see that PostgreSQL runs there and can be reached from here; this start tries for a minute"
    events.say("warning", "store_not_reached", server=server, reason=reason, fix=fix)


def begin_clock(clock: Clock, newest_message_id: int, events: Events) -> None:
    """Whether the machine's clock can be right, by what is stored."""
    if isinstance(clock, SteadyClock) and newest_message_id:
        step = clock.begin(moment_of_id(newest_message_id))
        if step is not None:
            say_clock(events, step)


def say_what_was_found(daemon: Daemon, opening: Opening) -> None:
    """What waits from the last run; what waits for a connector that is gone goes by others."""
    for connector, count, _ in opening.queued:
        known = connector in daemon.upstreams
        daemon.events.say("info" if known else "error", "queue_found", connector=connector, messages=count)
        if not known:
            hand_over(daemon, connector)
            daemon.events.say(
                "error", "queue_stuck", connector=connector, fix="configure this connector again"
            )
    if opening.in_doubt:
        daemon.events.say(
            "warning", "ambiguous_found", segments=opening.in_doubt, see="smsc-gateway queue ambiguous"
        )


def close_unused(inherited: Inherited, events: Events) -> None:
    """Sockets that were opened for us and that nothing listens on are a mistake in somebody's files."""
    for name, at in inherited.close_unused():
        fix = "configure a listener with this very address, or disable the socket unit"
        events.say("error", "socket_unused", socket=name, address=at, fix=fix)


def settle_memory() -> None:
    """What the start has built stays: the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
