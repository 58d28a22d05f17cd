"""How often the service may be asked (SMSC HTTP API, error 9), and the count that holds to it.

The client waits so that it never asks too often; the simulator counts and answers error 9.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict, deque
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from protocols.smsc_http.operations import COMMON, OPERATIONS, Operation

MAX_CONCURRENT: Final = 15
"""So many requests at once under one login are answered with error 9."""
MAX_CONCURRENT_STATUS: Final = 5
"""The same for requests for a status."""
FLOOD_MESSAGES: Final = 50
FLOOD_GAP_S: Final = 60
"""More than so many messages to one subscriber, each less than so long after the one before, are blocked."""

Per = Literal["identical", "message", "mass", "target", "all"]


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` requests within `window_s` seconds.

    `per`: counted for identical requests, for those about one message, for all that ask about several
    messages, for those that change the same thing, or for all of the operation. Operations of one `group`
    are counted together.
    """

    count: int
    window_s: int
    per: Per
    group: str = ""


_MINUTE: Final = 60
_HOUR: Final = 3600


def _identical(count: int) -> tuple[Limit, ...]:
    return (Limit(count, _MINUTE, "identical"),)


_BY_SCRIPT: Final[dict[str, tuple[Limit, ...]]] = {
    "send.php": _identical(1),
    "jobs.php": _identical(1),
    "status.php": (Limit(5, _MINUTE, "message", "status"), Limit(1, _MINUTE, "mass", "status")),
    "balance.php": (Limit(10, _MINUTE, "all"),),
    "phones.php": _identical(3),
    "mails.php": _identical(3),
    "documents.php": (Limit(1, _MINUTE, "all", "documents"),),
    "templates.php": _identical(3),
    "op_templates.php": _identical(10),
    "ping.php": _identical(5),
    "info.php": (*_identical(3), Limit(100, _MINUTE, "all")),
    "tinyurls.php": _identical(3),
    "receive_phones.php": _identical(2),
    "wait_call.php": _identical(50),
    "downloads.php": _identical(3),
}
_BY_OPERATION: Final[dict[str, tuple[Limit, ...]]] = {
    "cost": _identical(5),
    "status_delete": (),
    "user_add": (Limit(3, _MINUTE, "all"),),
    "user_chg": (Limit(3, _MINUTE, "target"),),
    "sender_get": _identical(3),
    "sender_add": (Limit(5, _MINUTE, "all"),),
    "messages": (*_identical(3), Limit(30, _HOUR, "all")),
    "answers": _identical(3),
    "stat": (Limit(3, _MINUTE, "all"),),
    "price": _identical(3),
}

LIMITS: Final[Mapping[str, tuple[Limit, ...]]] = {
    name: _BY_OPERATION.get(name, _BY_SCRIPT.get(operation.script, ()))
    for name, operation in OPERATIONS.items()
}
"""By operation; an operation without rows may be asked as often as one likes."""


class Claim(NamedTuple):
    """A limit that a request falls under, and the key under which it is counted there."""

    limit: Limit
    key: Hashable


def claims(operation: Operation, params: Mapping[str, str]) -> tuple[Claim, ...]:
    """Every limit that a request counts for. The keys of one login are to be kept apart from another's."""
    found = []
    is_mass = any("," in params.get(name, "") for name in ("phone", "id"))
    for limit in LIMITS[operation.name]:
        where = limit.group or operation.name
        match limit.per:
            case "identical":
                found.append(Claim(limit, (limit, where, identity(params))))
            case "message" if not is_mass:
                found.append(Claim(limit, (limit, where, params.get("id", ""), params.get("phone", ""))))
            case "mass" if is_mass:
                found.append(Claim(limit, (limit, where)))
            case "target":
                found.append(Claim(limit, (limit, where, params.get("user") or params.get("user_id", ""))))
            case "all":
                found.append(Claim(limit, (limit, where)))
    return tuple(found)


def identity(params: Mapping[str, str]) -> bytes:
    """What two identical requests of an operation have in common, in 16 octets.

    Who asks, and in which format the answer is to be, does not make requests different.
    """
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(params):
        if name not in COMMON:
            for part in (name, params[name]):
                octets = part.encode("utf-8", "surrogatepass")
                digest.update(b"%d:" % len(octets) + octets)
    return digest.digest()


class SlidingWindow:
    """Counts by key: at most `count` within any `window_s` seconds. `now` is any clock that never goes back.

    Of more than `most_keys` keys the one whose last request is the longest ago is forgotten.
    """

    def __init__(self, count: int, window_s: float, *, most_keys: int = 10_000) -> None:
        self._count = count
        self._window_s = window_s
        self._most_keys = most_keys
        self._taken: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._taken)

    def due(self, key: Hashable, now: float) -> float:
        """Seconds until one more is allowed, 0 when it is now."""
        taken = self._taken.get(key)
        if taken is None or len(taken) < self._count:
            return 0.0
        return max(0.0, taken[0] + self._window_s - now)

    def take(self, key: Hashable, now: float) -> None:
        """Count one, whether it was allowed or not."""
        self._forget(now)
        taken = self._taken.setdefault(key, deque(maxlen=self._count))
        taken.append(now)
        self._taken.move_to_end(key)
        if len(self._taken) > self._most_keys:
            self._taken.popitem(last=False)

    def give_back(self, key: Hashable) -> None:
        """The last one was none after all."""
        taken = self._taken.get(key)
        if taken:
            taken.pop()
            if not taken:
                del self._taken[key]

    def _forget(self, now: float) -> None:
        """Two keys, of those that stand first, whose last request no longer counts."""
        for _ in range(2):
            if not self._taken:
                return
            key = next(iter(self._taken))
            if self._taken[key][-1] + self._window_s > now:
                return
            del self._taken[key]
