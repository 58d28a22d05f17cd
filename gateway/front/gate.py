"""Who may ask over HTTP, and how often: credentials, networks, blocked addresses, limits.

One gate for the service's API and for /v1, so that what somebody tries at one of them counts at the other.
The password of a request was good a moment ago in the usual case; then nothing is awaited here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv6Address
from typing import Any, NamedTuple

from gateway.config.model import Http
from gateway.core.accounts import Account
from gateway.core.api_keys import ApiKeys
from gateway.core.clock import Clock
from gateway.core.events import Events
from gateway.core.logins import Logins
from gateway.core.peers import is_allowed
from gateway.front.desk import BLOCKED, DENIED, TOO_OFTEN, ApiProblem
from gateway.front.often import Claim, Often, may_ask
from protocols.smsc_http.operations import Operation

BAD_WITHIN_S = 60.0
ADDRESSES_MAX = 10_000
"""So many addresses are remembered for bad logins, and as many that are blocked."""
_UNKNOWN = "no such login, password or key"


class Credentials(NamedTuple):
    """What a request says of who asks: an API key, or login and password."""

    login: str = ""
    password: str = ""
    key: str = ""

    def __repr__(self) -> str:
        """Without what is secret."""
        return f"Credentials(login={self.login!r})"


def credentials_in(params: Mapping[str, str]) -> Credentials:
    """Those of a request to a script; a password without a login is an API key (SMSC HTTP API §1.2)."""
    key = params.get("apikey", "")
    login, password = params.get("login", ""), params.get("psw", "")
    if key or not login:
        return Credentials(key=key or password)
    return Credentials(login, password)


class Gate:
    """Lets requests through, or raises ApiProblem with the number that they are answered with."""

    def __init__(
        self, accounts: Mapping[str, Account], logins: Logins, clock: Clock, http: Http, events: Events
    ) -> None:
        self._accounts = accounts
        self._events = events
        self._logins = logins
        self._clock = clock
        self._keys = ApiKeys(accounts)
        self._under_way: dict[str, list[int]] = {}
        """Requests of an account that have no answer yet: all, and those for a status."""
        self._bad: dict[str, tuple[float, int]] = {}
        """By address: when its first bad login came, and how many have come since."""
        self._blocked: dict[str, float] = {}
        self._http = http
        self._often = Often(http.limits)

    def configure(self, http: Http) -> None:
        """After a reload; accounts may have changed too."""
        self._keys.configure()
        if http.limits != self._http.limits:
            self._often = Often(http.limits)
        self._http = http

    # -- who ---------------------------------------------------------------------------------------------

    def known(self, credentials: Credentials, address: str) -> Account | None:
        """Whose they are, if that can be said without a wait; None: `account` says more.

        ApiProblem 2 or 4 as `account`.
        """
        if self._blocked:
            self._check_address(address)
        login, password, key = credentials
        if key:
            return self._may(self._keys.find(key), address)
        account = self._accounts.get(login)
        if account is None or not self._logins.is_known(account, password, address):
            return None
        return self._may(account, address)

    async def account(self, credentials: Credentials, address: str) -> Account:
        """Whose they are; ApiProblem 2 if nobody's who may ask from there, 4 for an address that is blocked
        for its bad logins, 9 when too many passwords are being checked."""
        known = self.known(credentials, address)
        if known is not None:
            return known
        login, password, _ = credentials
        if not login or not password:
            return self._may(None, address)
        account = self._accounts.get(login)
        good = await self._logins.verify(account, login, password, address)
        if good is None:
            raise ApiProblem(TOO_OFTEN)
        if not good:
            raise self._refused(account.name if account is not None else "-", address, _UNKNOWN)
        return self._may(account, address)

    def _may(self, account: Account | None, address: str) -> Account:
        if account is None:
            raise self._refused("-", address, _UNKNOWN)
        http = account.config.http
        if http is None or account.blocked:
            why = "the account has no http" if http is None else "the account is blocked"
            raise self._refused(account.name, address, why)
        if not (account.allows_address(address) and is_allowed(address, http.networks)):
            why = "the address is not in allowed_addresses and http.networks"
            raise self._refused(account.name, address, why)
        return account

    def _refused(self, account: str, address: str, reason: str) -> ApiProblem:
        self._was_bad(address)
        self._events.seldom(
            "warning", "http_refused", self._clock.now(), account=account, peer=address, reason=reason
        )
        return ApiProblem(DENIED)

    # -- addresses ---------------------------------------------------------------------------------------

    def _check_address(self, address: str) -> None:
        place = _place_of(address)
        until = self._blocked.get(place)
        if until is None:
            return
        if self._clock.now() < until:
            raise ApiProblem(BLOCKED)
        del self._blocked[place]

    def _was_bad(self, address: str) -> None:
        """A bad login came from there; many of them block it."""
        most, now, place = self._http.block_after, self._clock.now(), _place_of(address)
        if not most:
            return
        since, count = self._bad.pop(place, (now, 0))
        if now - since >= BAD_WITHIN_S:
            since, count = now, 0
        if count + 1 < most:
            _make_room(self._bad)
            self._bad[place] = (since, count + 1)
        else:
            _make_room(self._blocked)
            self._blocked[place] = now + self._http.block_s
            self._events.seldom("warning", "http_blocked", now, peer=place, seconds=self._http.block_s)

    # -- how often ---------------------------------------------------------------------------------------

    def enter(self, account: Account, *, is_status: bool = False) -> None:
        """One more request is under way; ApiProblem 9 when there are too many. Else `leave` has to follow."""
        counts = self._under_way.get(account.name)
        if counts is None:
            counts = self._under_way[account.name] = [0, 0]
        http = self._http
        # the one that is the last of so many is the first to be refused, SMSC HTTP API §1.5
        if counts[0] + 1 >= http.max_requests or (is_status and counts[1] + 1 >= http.max_status_requests):
            raise ApiProblem(TOO_OFTEN)
        counts[0] += 1
        counts[1] += is_status

    def leave(self, account: Account, *, is_status: bool = False) -> None:
        """A request has its answer."""
        counts = self._under_way[account.name]
        counts[0] -= 1
        counts[1] -= is_status
        if not counts[0]:
            del self._under_way[account.name]

    def claim(self, account: Account, operation: Operation, params: Mapping[str, str]) -> Sequence[Claim]:
        """Counts a request; ApiProblem 9 when it comes too often."""
        found = self._often.claims(account, operation, params)
        if found and not may_ask(found, self._clock.now()):
            raise ApiProblem(TOO_OFTEN)
        return found

    def give_back(self, found: Sequence[Claim]) -> None:
        """A request was not taken: the same may come again at once."""
        for counter, key in found:
            counter.give_back(key)


def _place_of(address: str) -> str:
    """What is blocked: an address, or the network that one customer has of IPv6."""
    if ":" not in address:
        return address
    return str(IPv6Address(int(IPv6Address(address.partition("%")[0])) >> 64 << 64))


def _make_room(known: dict[str, Any]) -> None:
    if len(known) >= ADDRESSES_MAX:
        del known[next(iter(known))]
