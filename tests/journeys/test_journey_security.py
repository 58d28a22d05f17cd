"""Lines of the security list that are about more than one way in, on a whole gateway."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from http_support import LOGIN, PASSWORD, asked_over_http
from journey_support import gateway_and_smsc, journey

from gateway.core import passwords
from protocols.smpp import constants as c


def basic(login: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()


def test_security_36_nobody_learns_whether_an_account_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by what is answered nor by the work that it takes, over SMPP, the service's API and JSON."""
    hashed = 0
    scrypt = passwords._scrypt

    def counted(*args: Any) -> bytes:
        nonlocal hashed
        hashed += 1
        return scrypt(*args)

    monkeypatch.setattr(passwords, "_scrypt", counted)

    @journey
    async def run() -> None:
        async with asked_over_http(tmp_path) as it:

            async def over_smpp(login: str, password: str) -> object:
                client = await it.gateway.connect()
                return await client.bind(system_id=login, password=password)

            async def over_json(login: str, password: str) -> object:
                reply = await it.http("GET", "/v1/account", auth=basic(login, password))
                return reply.status, reply.body, reply.headers.get("WWW-Authenticate")

            async def over_the_service(login: str, password: str) -> object:
                return await it.text("balance.php?", login=login, psw=password)

            for number, ask in enumerate((over_smpp, over_json, over_the_service)):
                found = []
                for login in (LOGIN, "nobody"):
                    before = hashed
                    found.append((await ask(login, f"bad-{number}"), hashed - before))
                assert found[0] == found[1]
                assert found[0][1] == 2
            # and the right one is another answer
            assert (await it.http("GET", "/v1/account", auth=basic(LOGIN, PASSWORD))).status == 200

    run()


@journey
async def test_security_71_72_what_strangers_write_stays_in_its_line_and_what_clients_write_out_of_the_log(
    tmp_path: Path,
) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        stranger = await gateway.connect()
        forged = "x\n1 info\x1b[2J"
        assert await stranger.bind(system_id=forged) == c.ESME_RINVPASWD
        client = await gateway.client()
        await client.submit("79161234567", b"the text of a message")
        await client.receipt()
        await gateway.until(lambda: gateway.lines_with("returned"))
        [line] = gateway.lines_with("bind_refused")
        assert 'system_id="x\\x0a1 info\\x1b[2J"' in line
        log = "\n".join(gateway.lines)
        assert "the text" not in log and "79161234567" not in log
        assert "7916***4567" in log
