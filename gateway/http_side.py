"""HTTP's part of the daemon: the service's API, /v1 and short links for our clients, and the calls to them.

Only here is what needs aiohttp imported, and only when a listener or an account wants HTTP: it is memory that
other gateways have no use for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from gateway.config.model import Config
from gateway.config.model import HttpListener as ListenerConfig
from gateway.core.api import NEWEST_API_ID, use_of
from gateway.core.batch import Answer, Batch
from gateway.core.cluster import JOBS

if TYPE_CHECKING:
    from gateway.api.app import JsonApi
    from gateway.core.hub import Hub
    from gateway.core.id_blocks import IdBlocks
    from gateway.daemon import Daemon
    from gateway.egress.calls import Caller
    from gateway.front.desk import Desk
    from gateway.front.front import SmscFront
    from gateway.front.gate import Gate
    from gateway.front.job_runs import JobRuns
    from gateway.ingress.http_listener import HttpListener
    from gateway.ingress.http_requests import Mount
    from gateway.store.api_rows import ApiRows
    from gateway.store.journal import Opening

CALLS_TIMEOUT_S = 5.0
EXPORTS = "downloads"
"""A folder of the state directory, there since the first export."""
NUMBERED = (
    "black",
    "documents",
    "download",
    "group",
    "job",
    "ping_task",
    "sender",
    "sender_code",
    "template",
    "user",
    "wait_call",
)
"""Kinds of records whose ids come from blocks where other nodes give some too."""
_SMALL = 1024
"""Octets of a body where none is of use."""


def is_wanted(config: Config) -> bool:
    """Whether anything of HTTP is configured for clients."""
    return bool(config.listeners.http) or any(account.http is not None for account in config.accounts)


class HttpSide:
    """The listeners, what answers behind them, and the caller; nothing at all where nobody wants HTTP."""

    def __init__(self, daemon: Daemon, opening: Opening) -> None:
        self._daemon = daemon
        self._opening = opening
        self.listeners: list[HttpListener] = []
        self.desk: Desk | None = None
        self.front: SmscFront
        self.gate: Gate
        self.hub: Hub
        self.api: JsonApi
        self.caller: Caller
        self.job_runs: JobRuns | None = None
        """Sends mailing lists; None: nobody has had one yet."""
        self.id_blocks: IdBlocks | None = None
        """Whose ids are given; None: no other node gives any."""
        self._rows: ApiRows
        self._told = dict(opening.api_uses)
        """What the store knows of how accounts want to hear of things; no name: it wants nothing."""
        self._uses: dict[str, int] = {}
        """The same as the configuration has it."""

    # -- start, reload, stop -----------------------------------------------------------------------------

    async def load(self, config: Config) -> None:
        """What accounts keep and what holds however a message comes, so before any listener; goes on with
        calls of an earlier run."""
        self._tell_store(config)
        if not is_wanted(config):
            return
        self._build(config)
        if self.id_blocks is not None:
            from gateway.front.desk import committed

            await committed(self._daemon.journal)  # so that nobody has to wait for a number
        from gateway.front import blacklist, job_records, sender_records

        assert self.desk is not None
        for module in (blacklist, sender_records, job_records):
            await module.load(self.desk)
        if self.desk.relay is not None:
            await self.desk.relay.waiting.load()

    async def start(self, config: Config) -> None:
        """Listens; DaemonError when an address cannot be had."""
        if self.desk is None:
            return
        from gateway.ingress.http_listener import HttpListener

        daemon = self._daemon
        if (daemon.state_dir / EXPORTS).exists():  # of an earlier run: to go on, or too old
            from gateway.front.exports import exports_of

            await exports_of(self.desk).resume()
        for section in config.listeners.http:
            listener = HttpListener(section, self._mounts(section), daemon.events, daemon.clock)
            await daemon.start_listener(listener, "http", listener.address)
            self.listeners.append(listener)

    def reload(self, config: Config) -> None:
        """Takes over a changed configuration; listeners stay as they are."""
        self._tell_store(config)
        if self.desk is None:
            if is_wanted(config):
                self._build(config)
            return
        self.desk.config = config
        self.desk.sender_names.apply(self.desk.accounts)
        self.gate.configure(config.http)
        self.caller.configure(config.http.call_networks)

    def stop_listening(self) -> None:
        """Takes no connection more; what was asked before is still answered."""
        for listener in self.listeners:
            listener.stop_listening()

    async def stop(self) -> None:
        """Answers the last requests, and ends the calls that are under way."""
        for listener in self.listeners:
            await listener.stop()
        if self.desk is not None:
            self.hub.close()
            if self.job_runs is not None:
                await self.job_runs.stop(CALLS_TIMEOUT_S)
            await self.caller.stop(CALLS_TIMEOUT_S)
            await self._rows.close()

    def _tell_store(self, config: Config) -> None:
        """How each account wants to hear of things; who is no account any more wants nothing."""
        self._uses = {account.system_id: use for account in config.accounts if (use := use_of(account))}
        self._tell_changes()

    def _tell_changes(self) -> None:
        told, uses = self._told, self._uses
        rows = [(name, use) for name, use in uses.items() if told.get(name) != use]
        rows += [(name, 0) for name in told if name not in uses]
        if not rows:
            return
        self._told = uses
        self._daemon.journal.batch.api_accounts.extend(rows)
        self._daemon.journal.then(lambda ok: None if ok else self._tell_again(rows))

    def _tell_again(self, rows: list[tuple[str, int]]) -> None:
        """It was not stored; by now something else may be wanted."""
        unknown = dict.fromkeys((name for name, _ in rows), -1)
        self._told = {**self._told, **unknown}
        self._tell_changes()

    # -- what there is -----------------------------------------------------------------------------------

    def _build(self, config: Config) -> None:
        from gateway.api.app import JsonApi
        from gateway.core.hub import Hub
        from gateway.egress.calls import Caller
        from gateway.front.desk import CONTACT, Desk, Records
        from gateway.front.front import SmscFront
        from gateway.front.gate import Gate
        from gateway.relay_side import relay_of
        from gateway.store.api_rows import ApiRows

        daemon, opening = self._daemon, self._opening
        self._rows = ApiRows(daemon.reads)
        shared_id = self._shared_ids() if daemon.submission.shared else None
        self.desk = Desk(
            config=config,
            accounts=daemon.accounts,
            submission=daemon.submission,
            journal=daemon.journal,
            events=daemon.events,
            clock=daemon.clock,
            random=daemon.random,
            rows=self._rows,
            records=Records(
                daemon.journal,
                self._rows,
                {**opening.newest_records, CONTACT: opening.newest_contact},
                shared_id,
            ),
            newest_api_id=opening.newest_api_id,
            shared_id=shared_id,
            sub_accounts=daemon.sub_accounts,
            state_dir=daemon.state_dir,
            blacklists=daemon.admission.blacklists,
        )
        self.desk.relay = relay_of(self.desk, daemon.services)
        self.gate = Gate(daemon.accounts, daemon.logins, daemon.clock, config.http, daemon.events)
        self.front = SmscFront(self.desk, self.gate)
        self.hub = Hub(daemon.clock.now_ms())
        self.api = JsonApi(self.desk, self.gate, self.hub)
        self.caller = Caller(
            daemon.accounts,
            config.http.call_networks,
            journal=daemon.journal,
            events=daemon.events,
            clock=daemon.clock,
            random=daemon.random,
        )
        self.caller.guard = daemon.watch
        self.caller.rests = daemon.is_drained
        self.caller.start()

    def _shared_ids(self) -> Callable[[str], int]:
        """Who gives ids that no other node gives."""
        from gateway.core.id_blocks import IdBlocks
        from gateway.front.desk import CONTACT, Unavailable, name_of_ids

        blocks, clock = IdBlocks(self._daemon.journal), self._daemon.clock
        self.id_blocks = blocks
        blocks.ask([NEWEST_API_ID, CONTACT, *map(name_of_ids, NUMBERED)])

        def shared_id(name: str) -> int:
            number = blocks.next(name, clock.now())
            if number is None:
                raise Unavailable
            return number

        return shared_id

    def _mounts(self, section: ListenerConfig) -> Iterator[Mount]:
        """What a listener serves, by the paths."""
        from gateway.front.front import BODY_MAX, PATHS
        from gateway.ingress.http_requests import Mount

        assert self.desk is not None
        if "service" in section.serves:
            self.front.load_all()
            yield from (Mount(path, self.front, BODY_MAX) for path in PATHS)
        if "json" in section.serves:
            from gateway.api.app import BODY_MAX as JSON_MAX
            from gateway.api.app import PREFIX

            yield Mount(f"{PREFIX}/", self.api, JSON_MAX)
        if "links" in section.serves:
            from gateway.front.links import PATH, links_app

            yield Mount(PATH, links_app(self.desk), _SMALL)

    # -- while it runs -----------------------------------------------------------------------------------

    def store_says(self, batch: Batch, answer: Answer, not_kept: frozenset[int]) -> None:
        """What a commit tells before its callbacks run. `not_kept`: messages that had come before."""
        if self.desk is None:
            return
        if self.id_blocks is not None:
            self.id_blocks.given(answer.id_blocks)
        if answer.calls or answer.calls_waiting:
            self.caller.store_says(answer)
        if self.hub:
            from gateway.api import events

            events.accepted(self.hub, batch, not_kept)
            events.ended(self.hub, answer.api_ended)
            events.incoming(self.hub, answer.inbox)

    def tick(self, now: float, now_ms: int) -> None:
        """Timers; about twice a second."""
        if self.desk is None:
            return
        for listener in self.listeners:
            listener.tick(now)
        self.caller.tick(now, now_ms)
        if self.desk.due_jobs and self._daemon.may(JOBS):
            self._send_due(self.desk, now_ms)
        if self.hub:
            from gateway.api import events

            events.tick(self.hub, self._daemon.accounts, now)

    def _send_due(self, desk: Desk, now_ms: int) -> None:
        if self.job_runs is None:
            from gateway.front.job_runs import JobRuns  # few have mailing lists

            self.job_runs = JobRuns(desk)
        self.job_runs.tick(now_ms)

    def status(self) -> list[dict[str, Any]]:
        """What clients have asked, and what they were told."""
        if self.desk is None:
            return []
        front, api, caller = self.front, self.api, self.caller
        return [
            {
                "requests": front.requests,
                "errors": front.errors,
                "refused": front.refused,
                "json_requests": api.requests,
                "json_errors": api.errors,
                "json_refused": api.refused,
                "calls_taken": caller.taken,
                "calls_put_off": caller.put_off,
                "calls_dead": caller.dead,
                "calls_under_way": caller.under_way,
            }
        ]

    def problems(self) -> Iterator[str]:
        """What an admin should know of."""
        if self.desk is not None:
            yield from self.caller.problems()
