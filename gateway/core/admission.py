"""What an account may send beyond its rate: to whom, when, how often, and under which name.

An account that has no such option has no Rules, and its messages pay one test for that. The rules say no
before anything is counted; what was counted and then was not sent after all is taken back (Counted).

A part of another account is bound by its own rules and by its parents' destinations, blacklists and limits
per day, which hold over the sum of all parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from typing import Any, NamedTuple

from gateway.config.account_model import Account as AccountConfig
from gateway.config.account_model import AccountLimits
from gateway.core.accounts import Account, family_of
from gateway.core.batch import Row
from gateway.core.blacklist import EVERYBODY, Blacklists, number_of
from gateway.core.clock import Clock
from gateway.core.day_counts import EVERYTHING, DayCounts, Kind, key_of
from gateway.core.destinations import Destinations
from gateway.core.errors import Refusal
from gateway.core.families import Family, families
from gateway.core.hours import Hours, parse_hours, zone_of
from gateway.core.limits import Floods, Repeats
from gateway.core.model import UNTIL_EXPIRY, Draft
from gateway.core.sent_as import parse
from protocols.sms.addresses import digits_of, guess_source_ton_npi

_HOUR_MS = 3_600_000
_PER_DAY = (
    (Kind.DAY, "per_day", Refusal.PER_DAY),
    (Kind.NUMBER, "per_number", Refusal.PER_NUMBER),
    (Kind.TEXT, "per_text", Refusal.PER_TEXT),
    (Kind.ADDRESS, "per_address", Refusal.PER_ADDRESS),
)


_NUMBER, _TEXT, _ADDRESS = Kind.NUMBER, Kind.TEXT, Kind.ADDRESS


def source_of(text: str) -> dict[str, Any]:
    """What a draft says of a sender that is configured: a name, an international number or a short code."""
    ton, npi = guess_source_ton_npi(text)
    return {"source_ton": ton, "source_npi": npi, "source": text}


class DayLimits(NamedTuple):
    """What is counted of one account each day, and how many are too many."""

    counts: DayCounts
    limits: tuple[tuple[Kind, int, Refusal], ...]


class Counted(NamedTuple):
    """What a message was counted as."""

    rows: list[Row]
    """For Batch.counted."""
    counts: list[DayCounts]
    """Whose each row is."""
    floods: Floods | None
    flood_key: bytes
    repeats: Repeats | None
    repeat_key: bytes

    def take_back(self) -> list[Row]:
        """The message was not taken after all; rows that say so, for a store that has counted it."""
        for (_, day, _, key, _), counts in zip(self.rows, self.counts, strict=True):
            counts.take_back(day, key)
        if self.floods is not None:
            self.floods.take_back(self.flood_key)
        if self.repeats is not None:
            self.repeats.take_back(self.repeat_key)
        return [(*row[:-1], -1) for row in self.rows]


class Rules:
    """Those of one account, with its parents' where they hold for it."""

    def __init__(self, config: AccountConfig, default_validity_ms: int) -> None:
        self.forced = source_of(config.forced_source) if config.forced_source else None
        self.default = source_of(config.default_source) if config.default_source else None
        self.number_check = "" if config.number_check == "none" else config.number_check
        self.destinations: list[Destinations] = []
        self.blacklists: list[set[int]] = []
        self.zone = zone_of(config.time_zone)
        limits = config.limits
        self.hours: Hours | None = parse_hours(limits.hours) if limits.hours else None
        self.waits = limits.outside_hours == "wait"
        self.by_subscriber = limits.hours_of == "subscriber"
        self.longest_ms = config.max_validity_h * _HOUR_MS
        self.validity_ms = config.validity_h * _HOUR_MS
        if self.longest_ms:
            self.validity_ms = min(self.validity_ms or default_validity_ms, self.longest_ms)
        self.days: list[DayLimits] = []
        self.floods: Floods | None = None
        self.repeats: Repeats | None = None
        self.family: Family | None = None

    def __bool__(self) -> bool:
        """Whether any message could be another one, or be refused, because of them."""
        return bool(
            self.forced
            or self.default
            or self.number_check
            or self.destinations
            or self.blacklists
            or self.hours
            or self.validity_ms
            or self._count
            or self.family
        )

    @property
    def _count(self) -> bool:
        return bool(self.days or self.floods or self.repeats)

    # -- before the route --------------------------------------------------------------------------------

    def prepare(self, draft: Draft) -> Draft:
        """The draft as the account means it, before a route is looked for."""
        sender = self.sender_for(draft.source)
        return draft if sender is None else draft._replace(**sender)

    def sender_for(self, source: str) -> dict[str, Any] | None:
        """What stands in a draft for the sender that is named; None: that one does."""
        return self.forced or (None if source else self.default)

    # -- after it ----------------------------------------------------------------------------------------

    def admit(self, draft: Draft, now: float, now_ms: int) -> tuple[Draft, Counted | None] | Refusal:
        """The draft with its times, and what it was counted as; or why it may not be sent."""
        if self.family is not None and self.family.is_full():
            return Refusal.QUEUE_FULL
        digits = _number(draft)
        written = digits_of(draft.destination, draft.destination_ton) if draft.sent_as else ""
        refusal = self.forbids(digits, written)
        if refusal is not None:
            return refusal
        if self.hours is not None:
            within = self._within_hours(draft, digits, now_ms)
            if isinstance(within, Refusal):
                return within
            draft = within
        if self.validity_ms:
            draft = self._until(draft, now_ms)
        if not self._count:
            return draft, None
        counted = self._counted(draft, digits, now, now_ms)
        return counted if isinstance(counted, Refusal) else (draft, counted)

    def forbids(self, digits: str, written: str = "") -> Refusal | None:
        """Why the account may not write to a number at all; None: it may.

        `written`: the number that the message names, if its route gives it another one, as one with digits
        in front. Who wants no SMS is on a list by his own number, and that may be either of them.
        """
        if self.number_check and digits.isdecimal():
            from gateway.core.numbers import check  # a large library, for the few that ask

            if not check(digits, self.number_check):
                return Refusal.NUMBER
        for destinations in self.destinations:
            if not destinations.allow(digits):
                return Refusal.DENIED
        if self.blacklists and (self._is_listed(digits) or (written and self._is_listed(written))):
            return Refusal.BLACKLIST
        return None

    def _is_listed(self, digits: str) -> bool:
        if digits.isdecimal():
            number = number_of(digits)
            for numbers in self.blacklists:
                if number in numbers:
                    return True
        return False

    def replaced(self, draft: Draft, now_ms: int) -> Draft | Refusal:
        """What replace_sm says of a message that was admitted: a new time and a new validity, if any.

        It is the same message, so it is not counted again.
        """
        if self.hours is not None and draft.due_ms:
            within = self._within_hours(draft, _number(draft), now_ms)
            if isinstance(within, Refusal):
                return within
            draft = within
        return self._until(draft, now_ms) if self.validity_ms and draft.expires_ms else draft

    def _within_hours(self, draft: Draft, digits: str, now_ms: int) -> Draft | Refusal:
        """The draft with the time that it waits for the hours."""
        assert self.hours is not None
        start_ms = max(now_ms, draft.due_ms)
        opening_ms = self.hours.opening_ms(start_ms, self._zone_of(digits))
        if opening_ms == start_ms:
            return draft
        if not self.waits or 0 < draft.expires_ms <= opening_ms:
            return Refusal.HOURS
        return draft._replace(due_ms=opening_ms)

    def _until(self, draft: Draft, now_ms: int) -> Draft:
        """The draft with the account's validity if it has none, or a longer one than it may."""
        longest_ms = self.longest_ms if draft.expires_ms else self.validity_ms
        latest_ms = max(now_ms, draft.due_ms) + longest_ms
        if not longest_ms or 0 < draft.expires_ms <= latest_ms:
            return draft
        return draft._replace(expires_ms=latest_ms, validity_period=UNTIL_EXPIRY)

    def _zone_of(self, digits: str) -> tzinfo:
        if not self.by_subscriber:
            return self.zone
        from gateway.core.numbers import time_zone_of  # a large library, for the few that ask

        name = time_zone_of(digits)
        return zone_of(name) if name else self.zone

    def _counted(self, draft: Draft, digits: str, now: float, now_ms: int) -> Counted | Refusal:
        number = digits.encode() or draft.tlvs  # which say whom it goes to, if no number does
        # by Kind; made when they are wanted
        keys: list[bytes | None] = [None, EVERYTHING, None, None, None]
        floods, repeats = self.floods, self.repeats
        flood_key = repeat_key = b""
        if repeats is not None:
            sender = f"\0{draft.data_coding} {draft.source}".encode()
            repeat_key = key_of(_TEXT, number + sender + _text(draft))
            if repeats.is_known(repeat_key, now):
                return Refusal.REPEATED
        if floods is not None:
            flood_key = keys[_NUMBER] = key_of(_NUMBER, number)
            if floods.is_over(flood_key, now):
                return Refusal.FLOOD
        rows: list[Row] = []
        counts: list[DayCounts] = []
        for day in self.days:
            day.counts.turn(now_ms)
            for kind, most, refusal in day.limits:
                if kind is _ADDRESS and not draft.address:
                    continue
                key = keys[kind]
                if key is None:
                    key = keys[kind] = _key_of(kind, draft, number)
                if day.counts.of(key) >= most:
                    return refusal
                rows.append((day.counts.account, day.counts.day, int(kind), key, 1))
                counts.append(day.counts)
        for row, one in zip(rows, counts, strict=True):
            one.add(row[3])
        if floods is not None:
            floods.count(flood_key, now)
        if repeats is not None:
            repeats.count(repeat_key, now)
        return Counted(rows, counts, floods, flood_key, repeats, repeat_key)


def _number(draft: Draft) -> str:
    """The digits of the number that the SMSC will be given."""
    if draft.sent_as:
        sent_as = parse(draft.sent_as)
        return digits_of(sent_as.destination, sent_as.destination_ton)
    return digits_of(draft.destination, draft.destination_ton)


def _text(draft: Draft) -> bytes:
    """What makes a text the same as another one.

    Parts of long texts have the same beginnings, and what only an SMSC service can send may have no text.
    """
    part = str(draft.part).encode() if draft.part is not None else b""
    return b"\0%b\0%b" % (part, draft.user_data or draft.tlvs)


def _key_of(kind: Kind, draft: Draft, number: bytes) -> bytes:
    if kind is _TEXT:
        return key_of(kind, number + _text(draft))
    # a socket for both versions of IP writes an address of the old one in the new form
    return key_of(kind, draft.address.removeprefix("::ffff:").encode() if kind is _ADDRESS else number)


class Admission:
    """The rules of all accounts, and what they have counted, which outlives a reload."""

    def __init__(
        self,
        clock: Clock,
        blacklists: Blacklists,
        day_counts: Iterable[tuple[str, int, bytes, int]] = (),
    ) -> None:
        """`day_counts`: account, day, key, times, as the store has them."""
        self.blacklists = blacklists
        blacklists.on_change = self._apply
        self._clock = clock
        self._accounts: Mapping[str, Account] = {}
        self._default_validity_ms = 0
        self._stored: dict[str, list[tuple[int, bytes, int]]] = {}
        for account, day, key, times in day_counts:
            self._stored.setdefault(account, []).append((day, key, times))
        self._days: dict[str, DayCounts] = {}
        self._floods: dict[str, Floods] = {}
        self._repeats: dict[str, Repeats] = {}

    def configure(self, accounts: Mapping[str, Account], default_validity_ms: int) -> None:
        """Gives every account its rules, and says which are blocked, by themselves or by a parent."""
        self._accounts, self._default_validity_ms = accounts, default_validity_ms
        self._apply()

    def _apply(self) -> None:
        now_ms, in_families = self._clock.now_ms(), families(self._accounts.values())
        for account in self._accounts.values():
            family = _with_parents(account, self._accounts)
            account.blocked = any(one.config.blocked for one in family)
            rules = Rules(account.config, self._default_validity_ms)
            for one in family:
                if one.config.destinations:
                    rules.destinations.append(Destinations(one.config.destinations))
                limits = _limits_per_day(one.config.limits)
                if limits:
                    rules.days.append(DayLimits(self._counts_of(one, now_ms), limits))
            lists = (self.blacklists.of(name) for name in (*(one.name for one in family), EVERYBODY))
            rules.blacklists.extend(one for one in lists if one)
            self._remember(account, rules)
            rules.family = in_families.get(account.name)
            account.rules = rules or None

    def counted_elsewhere(self, rows: Iterable[tuple[str, int, bytes, int]]) -> None:
        """What all nodes have counted together: account, day, key, times (Answer.counts)."""
        for account, day, key, times in rows:
            if account in self._days:
                self._days[account].at_least(day, key, times)

    def _counts_of(self, account: Account, now_ms: int) -> DayCounts:
        zone = zone_of(account.config.time_zone)
        counts = self._days.setdefault(account.name, DayCounts(account.name))
        counts.move(zone, now_ms)
        counts.load(self._stored.pop(account.name, ()))
        return counts

    def _remember(self, account: Account, rules: Rules) -> None:
        name, limits = account.name, account.config.limits
        if limits.flood:
            # whoever makes sub-clients must not get more by making more of them
            whose = family_of(account)
            floods = self._floods.get(whose)
            if floods is None or floods.gap_s != limits.flood_gap_s:
                floods = self._floods[whose] = Floods(limits.flood, limits.flood_gap_s)
            floods.most = limits.flood
            rules.floods = floods
        if limits.repeat_s:
            repeats = self._repeats.get(name)
            if repeats is None or repeats.within_s != limits.repeat_s:
                repeats = self._repeats[name] = Repeats(limits.repeat_s)
            rules.repeats = repeats


def _with_parents(account: Account, accounts: Mapping[str, Account]) -> list[Account]:
    """The account, its parent, the parent's parent and so on."""
    family = [account]
    while (above := accounts.get(family[-1].config.parent)) is not None and above not in family:
        family.append(above)
    return family


def _limits_per_day(limits: AccountLimits) -> tuple[tuple[Kind, int, Refusal], ...]:
    wanted = ((kind, getattr(limits, name), refusal) for kind, name, refusal in _PER_DAY)
    return tuple(one for one in wanted if one[1])
