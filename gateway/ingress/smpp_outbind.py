"""Calls to applications that want to be called: outbind (SMPP v3.4 §2.2.1, §4.1.7).

When something waits for an account without a receiving session, we connect to it and say who we are; it
then binds on that connection as it would on one of its own making.  To the rest of the gateway this is a
listener like any other, which makes its connections itself.
"""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.config.model import Address
from gateway.config.model import SmppListener as ListenerConfig
from gateway.config.smpp_model import AccountOutbind
from gateway.core import retry
from gateway.core.accounts import Account
from gateway.core.door import Take, take_none
from gateway.core.errors import system_reason
from gateway.ingress.smpp import SmppConnection
from gateway.ingress.smpp_listener import SmppListener
from protocols.smpp import constants as c
from protocols.smpp.pdu import Bind, Outbind
from protocols.smpp.state import BOUND

CONNECT_TIMEOUT_S = 10.0


class CalledConnection(SmppConnection):
    """A connection of ours to an account's application; once it is bound, one like all others."""

    def __init__(self, caller: OutbindCaller, account: str, outbind: AccountOutbind) -> None:
        super().__init__(caller)
        self.caller = caller
        self.called = account
        self._outbind = outbind

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        secret = self._outbind.password
        request = Outbind(
            system_id=self._outbind.system_id, password=secret.reveal() if secret is not None else ""
        )
        self.session.send_request(request, self.listener.clock.now())
        self._write()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.caller.ended(self)


class _Call:
    """What is known of one account's calls."""

    def __init__(self) -> None:
        self.failures = 0
        self.not_before = 0.0
        self.under_way = False
        """Being made, or there."""


class OutbindCaller(SmppListener):
    """The calls to all accounts, and the sessions that came of them."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(ListenerConfig(address=Address("outbind", 0)), **parts)
        self._calls: dict[str, _Call] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, take: Take = take_none) -> None:
        """Nothing to listen on."""

    def stop_listening(self) -> None:
        """Makes no more calls."""
        self.stopping = True
        for task in self._tasks:
            task.cancel()

    @property
    def name(self) -> str:
        return "outbind"

    @property
    def wanted(self) -> bool:
        """Whether any account wants to be called, or has been."""
        return bool(self.connections) or any(
            account.config.smpp.outbind is not None for account in self.accounts.values()
        )

    def tick(self, now: float) -> None:
        """Calls whoever has something waiting; a few times each second."""
        super().tick(now)
        if self.stopping:
            return
        for name, account in self.accounts.items():
            outbind, outlet = account.config.smpp.outbind, self.outlets[name]
            if outbind is None or account.blocked or outlet.receivers:
                continue
            call = self._calls.get(name)
            if call is None:
                call = self._calls[name] = _Call()
                outlet.look()  # an earlier run may have left something
            if outlet.waiting and not call.under_way and now >= call.not_before:
                call.under_way = True
                task = self._loop.create_task(self._connect(name, outbind, call))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _connect(self, account: str, outbind: AccountOutbind, call: _Call) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._loop.create_connection(
                    lambda: CalledConnection(self, account, outbind),
                    outbind.address.host,
                    outbind.address.port,
                )
        except OSError as error:  # a timeout is one
            self._failed(account, call, system_reason(error) or "it did not answer in time")
        except Exception as error:  # else nobody would ever be called again
            self._failed(account, call, f"a fault in the gateway: {type(error).__name__}")
            raise

    def _failed(self, account: str, call: _Call, reason: str) -> None:
        call.under_way = False
        pause = retry.FIRST_S * 2 ** min(call.failures, 16)
        call.not_before = self.clock.now() + min(pause, retry.LONGEST_S)
        call.failures += 1
        self.events.seldom(
            "warning", "outbind_failed", self.clock.now(), account=account, reason=reason, tries=call.failures
        )

    def ended(self, connection: CalledConnection) -> None:
        """A connection that came of a call is gone."""
        call = self._calls[connection.called]
        if connection.account is None and not self.stopping:
            self._failed(connection.called, call, "it did not bind")
        else:
            call.under_way = False
            call.not_before = self.clock.now() + retry.FIRST_S

    def authenticate(self, connection: SmppConnection, request: Bind) -> None:
        """As for any bind, but only the account that was called may answer the call."""
        if isinstance(connection, CalledConnection) and request.system_id != connection.called:
            self._refuse(connection, request, c.ESME_RINVSYSID, "another account was called")
        else:
            super().authenticate(connection, request)

    def _bind(self, connection: SmppConnection, request: Bind, account: Account) -> None:
        super()._bind(connection, request, account)
        if connection.session.state in BOUND:
            self._calls[account.name].failures = 0
