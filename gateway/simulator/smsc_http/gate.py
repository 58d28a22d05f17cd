"""Who may ask the simulated service, and how often: credentials, addresses, blocks, limits."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager

from gateway.simulator.smsc_http.model import ApiProblem
from gateway.simulator.smsc_http.settings import HttpSettings, parse_networks
from protocols.smsc_http.limits import MAX_CONCURRENT, MAX_CONCURRENT_STATUS, Limit, SlidingWindow, claims
from protocols.smsc_http.operations import Operation

BAD_PARAMETERS = 1
DENIED = 2
BLOCKED = 4
TOO_OFTEN = 9

Claims = list[tuple[SlidingWindow, Hashable]]

_BAD_WINDOW_S = 60.0
_MOST_ADDRESSES = 10_000
_MOST_REQUESTS = 200_000


class Gate:
    """Lets requests through or raises ApiProblem with the number they are answered with."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._networks = parse_networks(settings.allowed_ips)
        self._in_flight = {"": 0, "status": 0}
        self._windows: dict[Limit, SlidingWindow] = {}
        self._bad: OrderedDict[str, deque[float]] = OrderedDict()
        self._blocked: dict[str, float] = {}

    @contextmanager
    def present(self, path: str) -> Iterator[None]:
        """While a request to this path is there: from its beginning until its answer is sent."""
        crowds = ("", "status") if path.endswith("/status.php") else ("",)
        for crowd in crowds:
            self._in_flight[crowd] += 1
        try:
            yield
        finally:
            for crowd in crowds:
                self._in_flight[crowd] -= 1

    @property
    def crowd(self) -> int:
        """How many requests are there."""
        return self._in_flight[""]

    def check_crowd(self, script: str) -> None:
        """Raises ApiProblem when too many requests have come and not been answered, this one included."""
        factor = self._settings.limits
        if factor and (
            self._in_flight[""] >= MAX_CONCURRENT * factor
            or (script == "status" and self._in_flight[script] >= MAX_CONCURRENT_STATUS * factor)
        ):
            raise ApiProblem(TOO_OFTEN)

    def check_address(self, ip: str, now: float) -> None:
        """Raises ApiProblem for an address that is blocked or not in the allow-list."""
        until = self._blocked.get(ip)
        if until is not None:
            if now < until:
                raise ApiProblem(BLOCKED)
            del self._blocked[ip]
        if self._networks:
            try:
                address = ipaddress.ip_address(ip)
            except ValueError:
                raise ApiProblem(DENIED) from None
            if not any(address in network for network in self._networks):
                raise ApiProblem(DENIED)

    def check_credentials(self, params: Mapping[str, str]) -> None:
        """An API key, or login and password (or its MD5); an empty login makes the password a key.

        Raises ApiProblem. Only where nothing at all is set, anything will do.
        """
        key = params.get("apikey") or ("" if params.get("login") else params.get("psw", ""))
        settings = self._settings
        known = settings.password
        if key:
            if settings.api_key is None and (settings.login or known):
                raise ApiProblem(DENIED)
            if not _same(key, settings.api_key):
                raise ApiProblem(DENIED)
            return
        login, password = params.get("login", ""), params.get("psw", "")
        if not login or not password or (settings.api_key and not (settings.login or known)):
            raise ApiProblem(DENIED)
        of_md5 = None if known is None else hashlib.md5(known.encode(), usedforsecurity=False).hexdigest()
        if not _same(login, settings.login) or not (_same(password, known) or _same(password, of_md5)):
            raise ApiProblem(DENIED)

    def claim(self, operation: Operation, params: Mapping[str, str], now: float) -> Claims:
        """What is to be counted of a request when it is taken; raises ApiProblem when a limit is reached."""
        factor = self._settings.limits
        if not factor:
            return []
        found = [(self._window(limit, factor), key) for limit, key in claims(operation, params)]
        if any(window.due(key, now) > 0 for window, key in found):
            raise ApiProblem(TOO_OFTEN)
        return found

    def count(self, claims: Claims, now: float) -> None:
        """The request was taken, whatever its answer."""
        for window, key in claims:
            window.take(key, now)

    def _window(self, limit: Limit, factor: float) -> SlidingWindow:
        window = self._windows.get(limit)
        if window is None:
            count = max(1, int(limit.count * factor))
            window = SlidingWindow(count, limit.window_s, most_keys=_MOST_REQUESTS)
            self._windows[limit] = window
        return window

    def was_bad(self, ip: str, number: int, now: float) -> None:
        """A request from there was answered with an error: frequent ones of some kinds block the address."""
        most = self._settings.block_after
        if not most or number not in (BAD_PARAMETERS, DENIED):
            return
        times = self._bad.setdefault(ip, deque(maxlen=most))
        self._bad.move_to_end(ip)
        if len(self._bad) > _MOST_ADDRESSES:
            self._bad.popitem(last=False)
        times.append(now)
        if len(times) == most and now - times[0] < _BAD_WINDOW_S:
            times.clear()
            if len(self._blocked) >= _MOST_ADDRESSES:
                del self._blocked[next(iter(self._blocked))]
            self._blocked[ip] = now + self._settings.block_s


def _same(given: str, known: str | None) -> bool:
    """Whether a credential fits; any does when none is set."""
    return known is None or hmac.compare_digest(given.encode(), known.encode())
