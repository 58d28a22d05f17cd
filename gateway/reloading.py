"""Takes over a changed configuration while everything runs, touching only what changed.

All is checked first: a configuration with a mistake changes nothing. Then accounts and rules change at once,
and of the connectors only those get new links that cannot do without (`gateway.egress.live_options`); the
others go on, and so do all sessions but those of accounts that are gone or blocked.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.config.differences import CONTENT, Change, differences
from gateway.config.files import Prints, changed_files, prints_of
from gateway.config.load import load
from gateway.config.model import Account as AccountConfig
from gateway.config.model import Config
from gateway.config.model import Connector as ConnectorConfig
from gateway.config.options import print_of
from gateway.config.problems import ConfigError
from gateway.config.smsc_model import SmscConnector as ServiceConfig
from gateway.connectors import add_connector, forget_pauses, hand_over, stop_connector
from gateway.core.routing import RouteTable
from gateway.egress import live_options
from gateway.egress.tls import client_context
from gateway.ops import sd_notify
from gateway.translate.vendor_tlvs import VendorTlvs
from gateway.wiring import all_connectors, apply_rules, only_at_start, routes_of

if TYPE_CHECKING:
    from gateway.daemon import Daemon


OTHERWISE = "the configuration, or its files, have changed since this was shown: look at it again"


class ReloadError(Exception):
    """The configuration cannot be taken over now; the text says why."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checked configuration, and digests of the files that it names."""

    config: Config
    prints: Prints


def load_all(path: Path) -> Loaded:
    """The configuration in a file; ConfigError with every mistake."""
    config = load(path)
    return Loaded(config, prints_of(config))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a reload does; connectors by name."""

    changes: tuple[Change, ...]
    rebuilt: dict[str, str]
    """Those that get new links, and why."""
    adjusted: tuple[str, ...]
    """Those that change and keep their links."""
    added: tuple[str, ...]
    removed: tuple[str, ...]
    ended: dict[str, int]
    """Sessions that are sent away, by account."""
    restart: tuple[str, ...]
    """What changed and needs a restart."""


class Reloading:
    """Compares what runs with what a file says, and makes it so."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self.lock = asyncio.Lock()
        self._prints: Prints = prints_of(daemon.config)
        self._in_force: tuple[Config, str] | None = None
        """The configuration that was printed last (`print_of`), and its print."""

    async def look(self, path: Path) -> Plan:
        """What a reload would do; ConfigError when it would do nothing, for mistakes."""
        return (await self.planned(await asyncio.to_thread(load_all, path)))[0]

    async def planned(self, loaded: Loaded) -> tuple[Plan, str]:
        """What taking it over would do, and by what `take_over` knows that it is still the same."""
        loaded = self._joined(loaded)
        async with self.lock:
            return await self._plan(loaded), await asyncio.to_thread(self._print_of, loaded)

    def _print_of(self, loaded: Loaded) -> str:
        """Of what runs and of what would run: of a plan."""
        files = hashlib.sha256(repr(sorted(loaded.prints.items())).encode()).hexdigest()
        config = self._daemon.config
        if self._in_force is None or self._in_force[0] is not config:
            self._in_force = config, print_of(config)
        return f"{self._in_force[1]}{print_of(loaded.config)}{files}"

    async def from_file(self, path: Path, shown: str = "") -> Plan:
        """Takes over what a file says now, if that is still what was `shown` (`planned`; "": whatever it is).

        Raises ConfigError, told in the log, when it has mistakes, and ReloadError when it cannot be now.
        """
        daemon = self._daemon
        sd_notify.notify("RELOADING=1", sd_notify.monotonic_usec(daemon.clock.now()))
        try:
            loaded = await asyncio.to_thread(load_all, path)
            return await self.take_over(loaded, shown)
        except (ConfigError, ReloadError) as error:
            problems = error.problems if isinstance(error, ConfigError) else [error]
            daemon.events.say(
                "error", "reload_refused", problems=len(problems), see="smsc-gateway check-config"
            )
            for problem in problems:
                daemon.events.say("error", "config", problem=problem)
            raise
        finally:
            sd_notify.notify("READY=1")

    async def take_over(self, loaded: Loaded, shown: str = "") -> Plan:
        """Makes a checked configuration hold.

        ReloadError, before anything has changed, when the gateway is stopping, when a certificate is gone
        again, or when it is another one than was `shown`.
        """
        async with self.lock:
            if self._daemon.is_stopping:
                raise ReloadError("the gateway is stopping")
            loaded = self._joined(loaded)
            if shown and shown != await asyncio.to_thread(self._print_of, loaded):
                raise ReloadError(OTHERWISE)
            plan = await self._plan(loaded)
            await asyncio.to_thread(_read_certificates, loaded.config, (*plan.rebuilt, *plan.added))
            routes = await asyncio.to_thread(routes_of, loaded.config)
            await self._apply(loaded.config, plan, routes)
            self._prints = loaded.prints
            return plan

    async def accounts_changed(self) -> bool:
        """Takes over accounts that were made or changed by other accounts; what files say stays as it is.

        False when the gateway is stopping.
        """
        daemon = self._daemon
        async with self.lock:
            if daemon.is_stopping:
                return False
            config = daemon.sub_accounts.joined(daemon.config)
            if any(route.accounts or route.tags for route in config.routes):  # they are for parts too
                daemon.submission.router.routes = await asyncio.to_thread(routes_of, config)
            self._accounts(config)
            self._know(config)
            return True

    def _joined(self, loaded: Loaded) -> Loaded:
        """What files say, with the accounts that accounts have made."""
        return Loaded(self._daemon.sub_accounts.joined(loaded.config), loaded.prints)

    # -- what is to be done ----------------------------------------------------------------------------

    async def _plan(self, loaded: Loaded) -> Plan:
        old, new = self._daemon.config, loaded.config
        changes = await asyncio.to_thread(lambda: list(differences(old, new)))
        known = {change.key for change in changes}
        files = changed_files(new, self._prints, loaded.prints)
        changes += [Change(key, None, None, CONTENT) for key in files if key not in known]
        before = {connector.name: connector for connector in all_connectors(old)}
        after = {connector.name: connector for connector in all_connectors(new)}
        rebuilt = {
            name: why
            for name, section in after.items()
            if name in before and (why := self._why_new_link(before[name], section, loaded.prints))
        }
        return Plan(
            tuple(changes),
            rebuilt,
            tuple(n for n in after if n in before and n not in rebuilt and before[n] != after[n]),
            tuple(name for name in after if name not in before),
            tuple(name for name in before if name not in after),
            self._sessions_to_end(new),
            tuple(only_at_start(old, new)),
        )

    def _why_new_link(
        self, old: ConnectorConfig | ServiceConfig, new: ConnectorConfig | ServiceConfig, prints: Prints
    ) -> str:
        """Which options need a new link; "" if none does."""
        if type(old) is not type(new):
            return "another kind of connector"
        named = [
            option.name
            for option in fields(new)
            if getattr(old, option.name) != getattr(new, option.name)
            and not live_options.is_live(option.name, old, new)
        ]
        named += changed_files(new, self._prints, prints)
        if not named and self._daemon.connectors[new.name].state == "refused":
            return "its login was refused"  # the mistake may have been the SMSC's
        return ", ".join(named)

    def _sessions_to_end(self, new: Config) -> dict[str, int]:
        wanted = open_accounts(new.accounts)
        return {
            name: account.sessions
            for name, account in self._daemon.accounts.items()
            if name not in wanted and account.sessions
        }

    # -- doing it --------------------------------------------------------------------------------------

    async def _apply(self, config: Config, plan: Plan, routes: RouteTable) -> None:
        daemon = self._daemon
        old = daemon.config
        if any(change.word == CONTENT and change.key.startswith("listeners") for change in plan.changes):
            self._renew_certificates()
        if config.log != old.log:
            daemon.events.configure(config.log.format, config.log.level)
        self._accounts(config)
        after = {connector.name: connector for connector in all_connectors(config)}
        for name in plan.adjusted:
            self._adjust(after[name])
        await asyncio.gather(*(stop_connector(daemon, name) for name in plan.rebuilt))
        for name in (*plan.rebuilt, *plan.added):
            add_connector(daemon, after[name])
        apply_rules(config, daemon.submission, routes)
        await asyncio.gather(*(stop_connector(daemon, name) for name in plan.removed))
        for name in plan.removed:
            del daemon.upstreams[name]
            hand_over(daemon, name)
        forget_pauses(daemon)
        if daemon.mail is not None and config.mail is not None:
            daemon.mail.reload(config.mail)
        await daemon.web.reload(config)
        self._know(config)
        daemon.sub_accounts.say_what_rests()
        for section in only_at_start(old, config):
            daemon.events.say("warning", "restart_needed", section=section)
        touched = ",".join((*plan.rebuilt, *plan.added, *plan.removed))
        daemon.events.say("info", "reloaded", changes=len(plan.changes), connectors=touched or "-")

    def _know(self, config: Config) -> None:
        """The last step: what remains that is about accounts, and the configuration itself."""
        daemon = self._daemon
        # mail that is configured for the first time begins with a restart
        mail = config.mail if daemon.mail is not None else None
        daemon.incoming.configure(config.incoming, mail, config.accounts)
        daemon.http.reload(config)
        daemon.config = config

    def _renew_certificates(self) -> None:
        """Of the listeners; the first step, because one that cannot be read ends the reload."""
        daemon = self._daemon
        mail = daemon.mail.listeners if daemon.mail is not None else ()
        try:
            others = (*daemon.services.listeners, *daemon.http.listeners)
            for listener in (*daemon.smpp.listeners, *mail, *others):
                listener.renew_certificate()
        except OSError as error:
            raise ReloadError(f"a certificate cannot be read any more: {error}") from error

    def _accounts(self, config: Config) -> None:
        daemon = self._daemon
        now = daemon.clock.now()
        daemon.money.configure(config)
        for account in config.accounts:
            known = daemon.accounts.get(account.system_id)
            if known is None:
                daemon.add_account(account.system_id, config, now)
            elif known.config != account:
                known.configure(account, now)
        for listener in daemon.smpp.listeners:
            listener.reload(VendorTlvs(config.vendor_tlvs))
        self._drop_accounts(config)
        daemon.sub_accounts.share_rates()
        daemon.admission.configure(daemon.accounts, config.queue.default_validity_h * 3_600_000)

    def _drop_accounts(self, config: Config) -> None:
        """Sends away the sessions of accounts that are gone or blocked."""
        wanted = open_accounts(config.accounts)
        for listener in self._daemon.smpp.listeners:
            for connection in tuple(listener.connections):
                if connection.account is not None and connection.account.name not in wanted:
                    connection.unbind()
        for name in set(self._daemon.accounts) - {account.system_id for account in config.accounts}:
            self._daemon.forget_account(name)

    def _adjust(self, config: ConnectorConfig | ServiceConfig) -> None:
        daemon = self._daemon
        outlet = daemon.outlets.get(config.incoming_account)
        daemon.upstreams[config.name].on_alert = outlet.alert if outlet is not None else None
        for task in daemon.connectors[config.name].configure(config):
            task.add_done_callback(daemon.task_ended)


def _read_certificates(config: Config, names: tuple[str, ...]) -> None:
    """What new links are about to read can still be read."""
    try:
        for connector in all_connectors(config):
            if connector.name in names and connector.tls is not None:
                client_context(connector.tls)
    except OSError as error:
        raise ReloadError(f"a certificate cannot be read any more: {error}") from error


def open_accounts(accounts: Iterable[AccountConfig]) -> set[str]:
    """The accounts that are not blocked, nor parts of one that is."""
    known = {account.system_id: account for account in accounts}

    def is_open(account: AccountConfig | None) -> bool:
        seen: set[str] = set()
        while account is not None and account.system_id not in seen:
            if account.blocked:
                return False
            seen.add(account.system_id)
            account = known.get(account.parent)
        return True

    return {name for name, account in known.items() if is_open(account)}
