"""What the simulated service over HTTP does, field by field.

`smsc-gateway simulate` has one option `--http-FIELD` per field (dashes for underscores) and prints `doc` as
its help.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from gateway.simulator.settings import option
from gateway.simulator.smsc_http.faults import parse_faults

FINAL = frozenset({1, 2, 3, 4, 20, 22, 23, 24, 25})
"""Statuses after which a message does not change by itself (but delivered may become read or clicked)."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """One simulated service over HTTP.

    Raises ValueError, with a sentence that names the field, when a value makes no sense.
    """

    login: str | None = option(None, "the only login it knows; without it, any")
    password: str | None = option(None, "the password it needs; without it, any", secret=True)
    api_key: str | None = option(
        None,
        "the API key it takes; without it none, or any if login and password are not set either",
        secret=True,
    )
    allowed_ips: str = option("", "addresses and networks that may ask, by commas; others get error 2")
    block_after: int = option(
        50, "requests with errors 1 and 2 from one address within a minute before error 4; 0 = never"
    )
    block_s: float = option(60.0, "how long an address is blocked, in s")
    limits: float = option(
        1.0, "factor of the limits on requests (15 at once, 1 identical per minute, …); 0 = no limits"
    )
    flood_max: int = option(50, "messages to one number with short gaps before err 251; 0 = no limit")
    flood_gap_s: float = option(60.0, "a longer gap between messages to one number ends a flood, in s")
    balance: str = option("1000.00", "money in the account")
    credit: str = option("0", "credit of the account")
    tz: int = option(0, "time zone of the account, in hours from Moscow")
    virtual: bool = option(False, "virtual sending: nothing is charged, messages end delivered with err 200")
    operator_ms: float = option(100.0, "status 0 (with the operator) comes this many ms after the request")
    final_ms: float = option(400.0, "the final status comes this many ms after status 0")
    late_ms: float = option(5000.0, "what the magic destination for a late status waits more, in ms")
    follow_ms: float = option(200.0, "read and clicked come this many ms after delivered")
    status_mix: str = option(
        "", "final statuses by weight, as 1=90,20/255=7,3/6=3 (status/err); empty = delivered"
    )
    handler: str = option(
        "", "URL of the handler of statuses and incoming messages, with its options; empty = none", file=True
    )
    handler_statuses: str = option("all", "which statuses the handler gets", choices=("all", "final"))
    retry_s: float = option(240.0, "call the handler again this many s after a failure")
    attempts: int = option(50, "calls of the handler for one event, at most")
    handler_timeout_s: float = option(15.0, "how long to wait for the handler's answer, in s")
    handler_calls: int = option(8, "calls of the handler at once, at most")
    resp_delay_ms: float = option(0.0, "answer each request this many ms after it came")
    slow_ms: float = option(3000.0, "what the fault `slow` waits, in ms")
    faults: str = option("", "faults by script and share, as send.timeout=1%,status.http_500=/50")
    magic: bool = option(True, "obey magic destinations; off for load tests with running numbers")
    seed: int = option(1, "seed of the random faults: same seed and order of requests, same faults")
    keep: int = option(200_000, "sent messages kept, at most")
    keep_counted: int = option(1_000_000, "(id, phone) pairs and texts whose count is kept, at most")
    keep_calls: int = option(100_000, "calls of the handler that wait, at most")

    def __post_init__(self) -> None:
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is below 0: give 0 or more")
        for name in ("attempts", "handler_calls", "keep", "keep_counted", "keep_calls"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more")
        for name in ("balance", "credit"):
            _money(name, getattr(self, name))
        if self.handler and not self.handler.startswith(("http://", "https://")):
            raise ValueError("handler is no URL: it starts with http:// or https://")
        if self.handler_statuses not in ("all", "final"):
            raise ValueError("handler_statuses is none of all, final")
        if not -15 <= self.tz <= 11:
            raise ValueError("tz is no time zone: give -15 to 11")
        parse_networks(self.allowed_ips)
        parse_status_mix(self.status_mix)
        parse_faults(self.faults)


_NOT_NEGATIVE = (
    *("block_after", "block_s", "limits", "flood_max", "flood_gap_s", "operator_ms", "final_ms", "late_ms"),
    *("follow_ms", "retry_s", "handler_timeout_s", "resp_delay_ms", "slow_ms"),
)


def _money(name: str, text: str) -> None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise ValueError(f"{name} is no amount: write {name} as 1000.00")


def parse_networks(text: str) -> tuple[Network, ...]:
    """The networks of `allowed_ips`; raises ValueError."""
    networks = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            networks.append(ipaddress.ip_network(part, strict=False))
        except ValueError:
            raise ValueError(f"allowed_ips: {part!r} is no address or network") from None
    return tuple(networks)


def parse_status_mix(text: str) -> dict[tuple[int, int], float]:
    """Weights by (status, err) from `1=90,20/255=7`; empty text gives delivered alone. Raises ValueError."""
    weights: dict[tuple[int, int], float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        what, _, weight = part.partition("=")
        status, _, err = what.partition("/")
        try:
            key = int(status), int(err or 0)
            weights[key] = float(weight)
        except ValueError:
            raise ValueError(f"status_mix: {part!r} is not written as 20/255=7") from None
        if key[0] not in FINAL or not 0 <= key[1] <= 255:
            raise ValueError(f"status_mix: {what!r} is no final status and err")
        if not weights[key] > 0:
            raise ValueError(f"status_mix: the weight of {what} is not above 0")
    return weights or {(1, 0): 1.0}
