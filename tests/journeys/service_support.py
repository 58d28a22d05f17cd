"""A gateway with a simulated SMSC service over HTTP behind it, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from journey_support import HOST, Gateway, account, running

from gateway.config.basics import Address, Url
from gateway.config.model import Account, Config, Listeners, Log, Queue, Route, SmppListener
from gateway.config.secret import Secret
from gateway.config.smsc_model import CallbackListener, SmscCallback, SmscConnector
from gateway.simulator.smsc_http.server import HttpSimulator
from gateway.simulator.smsc_http.settings import HttpSettings

SERVICE = "centre"
LOGIN, SERVICE_PASSWORD = "gateway", "service-pw"
PATH, SECRET = "/smsc/centre", "callback-secret"


def service(port: int, name: str = SERVICE, **fields: Any) -> SmscConnector:
    """A connector to the simulated service on this port."""
    values: dict[str, Any] = {
        "url": Url("http", HOST, port),
        "login": LOGIN,
        "password": Secret(SERVICE_PASSWORD),
        "reconnect_max_s": 0.02,
        "timeout_s": 2.0,
        **fields,
    }
    return SmscConnector(name=name, **values)


def callback(**fields: Any) -> SmscCallback:
    return SmscCallback(**{"path": PATH, "secret": Secret(SECRET), **fields})


def service_config(
    *services: SmscConnector,
    accounts: Sequence[Account] | None = None,
    routes: Sequence[Route] | None = None,
    listens: bool = False,
    **others: Any,
) -> Config:
    """One account and all services in one route, unless said otherwise."""
    calls = [CallbackListener(address=Address(HOST, 0))] if listens else []
    return Config(
        **{
            "listeners": Listeners(smpp=[SmppListener(address=Address(HOST, 0))], callbacks=calls),
            "accounts": [account()] if accounts is None else accounts,
            "connectors": (),
            "smsc_connectors": services,
            "routes": [Route(connectors=[it.name for it in services])] if routes is None else routes,
            "queue": Queue(commit_delay_ms=0),
            "log": Log(),
            **others,
        }
    )


@asynccontextmanager
async def simulated_service(**settings: Any) -> AsyncIterator[HttpSimulator]:
    """A simulated service that only the gateway can use; its messages end at once."""
    values = {
        "login": LOGIN,
        "password": SERVICE_PASSWORD,
        "operator_ms": 5.0,
        "final_ms": 5.0,
        "retry_s": 0.05,
        **settings,
    }
    simulator = HttpSimulator(HttpSettings(**values))
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.close()


@asynccontextmanager
async def gateway_and_service(
    state_dir: Path,
    *,
    simulated: dict[str, Any] | None = None,
    link: dict[str, Any] | None = None,
    with_calls: bool = False,
    **configured: Any,
) -> AsyncIterator[tuple[Gateway, HttpSimulator]]:
    """A gateway whose only connector is the simulated service; `with_calls`: the service calls it."""
    async with simulated_service(**(simulated or {})) as simulator:
        fields = {**({"callback": callback()} if with_calls else {}), **(link or {})}
        made = service_config(service(simulator.port, **fields), listens=with_calls, **configured)
        async with running(made, state_dir) as gateway:
            if with_calls:
                port = gateway.daemon.services.listeners[0].port
                simulator.service.account.handler_url = f"http://{HOST}:{port}{PATH}?sha1={SECRET}"
            await gateway.linked(SERVICE)
            yield gateway, simulator
