"""HTTP for our own clients by a whole gateway: asked, reloaded, stopped, restarted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from http_support import (
    BASIC,
    LOGIN,
    NO_LIMITS,
    PASSWORD,
    asked_over_http,
    http_account,
    raw,
)
from journey_support import DESTINATION, HOST, Gateway, journey

from gateway.admin import all_handlers
from gateway.config.basics import Address
from gateway.config.model import AccountHttp, Http
from gateway.config.secret import Secret
from gateway.core.api_keys import hash_key
from gateway.ops.status import status_of

KEY = "k" * 43
SENT = {"phones": DESTINATION, "mes": "Hello", "id": "77"}


@journey
async def test_a_message_goes_up_and_its_status_is_asked_for(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path) as it:
        assert await it.ask("send", **SENT) == {"id": 77, "cnt": 1}
        await it.gateway.until(lambda: it.smsc.received)
        assert it.texts() == [b"Hello"]
        shown = await it.v1("GET", "messages")
        assert [row["to"] for row in shown.json["messages"]] == [DESTINATION]
        await it.gateway.until(lambda: "receipt message_id" in "".join(it.gateway.lines))
        assert (await it.ask("status", phone=DESTINATION, id="77"))["status"] == 1


class HeldAnswers:
    """What the store says of commits, kept back until a test lets it go on."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._journal = gateway.daemon.journal
        self._go_on = self._journal._answered
        self.held: list[Any] = []
        self._journal._answered = self.held.append  # type: ignore[method-assign]

    async def of_messages(self, messages: int) -> None:
        """Waits until so many messages have come that nobody is told of."""
        unanswered = self._journal.unanswered
        await self._gateway.until(lambda: sum(len(it.accepted) for it in unanswered()) == messages)

    def release(self) -> None:
        self._journal._answered = self._go_on  # type: ignore[method-assign]
        for answer in self.held:
            self._go_on(answer)


@journey
async def test_nothing_is_answered_before_the_commit(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path) as it:
        await it.ask("get", get_stat=1)  # the password is known from then on
        answers = HeldAnswers(it.gateway)
        asking = [asyncio.create_task(it.ask("send", **SENT))]
        asking.append(asyncio.create_task(it.v1("POST", "messages", {"to": DESTINATION, "text": "Hi"})))
        await answers.of_messages(2)
        await it.http("GET", "/nowhere")  # were they answered before, they would be by now
        assert not any(one.done() for one in asking)
        answers.release()
        assert await asking[0] == {"id": 77, "cnt": 1}
        assert (await asking[1]).status in (200, 201, 202)


@journey
async def test_security_69_administration_has_no_path_here(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path) as it:
        words = {word.partition(" ")[0] for word in all_handlers(it.gateway.daemon)}
        for word in (*words, "metrics", "admin", "status", "_simulator", ""):
            for method in ("GET", "POST"):
                assert (await it.http(method, f"/{word}", auth=BASIC)).status == 404, word
        assert (await it.http("GET", "/v1/queue", auth=BASIC)).status == 404


@journey
async def test_security_68_of_others_nothing_is_found(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path, others=[http_account("other")]) as it:
        await it.ask("send", **SENT)
        mine = await it.ask("status", phone=DESTINATION, id="77")
        theirs = await it.ask("status", phone=DESTINATION, id="77", login="other")
        nobodys = await it.ask("status", phone=DESTINATION, id="78", login="other")
        assert "status" in mine and mine != theirs
        assert theirs == nobodys
        await it.ask("status", phone=DESTINATION, id="77", login="other", **{"del": 1})
        assert "status" in await it.ask("status", phone=DESTINATION, id="77")


@journey
async def test_a_reload_changes_who_may_ask_and_how_often(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path) as it:
        daemon = it.gateway.daemon
        config = daemon.config
        keyed = http_account(api_keys=[Secret(hash_key(KEY))])
        await daemon.reload(replace(config, accounts=(keyed, http_account("new"))))
        assert isinstance(await it.ask("get", login="", psw=KEY, get_stat=1), list)
        assert isinstance(await it.ask("get", login="new", get_stat=1), list)
        elsewhere = http_account(http=AccountHttp(networks=[ip_network("192.0.2.0/24")]))
        await daemon.reload(replace(config, accounts=(elsewhere,), http=replace(NO_LIMITS, limits=1)))
        for login in (LOGIN, "new"):
            assert (await it.ask("get", login=login, get_stat=1))["error_code"] == 2
        assert (await it.ask("get", login="", psw=KEY, get_stat=1))["error_code"] == 2
        await daemon.reload(replace(config, http=replace(NO_LIMITS, limits=1)))
        answers = [await it.ask("send", **SENT) for _ in range(2)]
        assert [answer.get("error_code") for answer in answers] == [None, 9]
        await daemon.reload(replace(config, accounts=(http_account(blocked=True),)))
        assert (await it.ask("get", get_stat=1))["error_code"] == 2
        assert (await it.v1("GET", "account")).status == 401


@journey
async def test_a_reload_brings_http_to_a_gateway_that_had_none(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path) as it:
        daemon = it.gateway.daemon
        config = replace(daemon.config, listeners=replace(daemon.config.listeners, http=()))
    plain = replace(config, accounts=[replace(config.accounts[0], http=None)], connectors=())
    plain = replace(plain, routes=())
    gateway = Gateway(plain, tmp_path)
    await gateway.start()
    try:
        assert gateway.daemon.http.desk is None and gateway.daemon.http.status() == []
        called = http_account(http=AccountHttp(handler="https://example.org/x"))
        await gateway.daemon.reload(replace(plain, accounts=[called]))
        assert gateway.daemon.http.desk is not None
        assert gateway.daemon.http.caller.under_way == 0
    finally:
        await gateway.stop()


@journey
async def test_requests_that_wait_for_their_commit_are_answered_by_a_stop(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path) as it:
        await it.ask("get", get_stat=1)
        answers = HeldAnswers(it.gateway)
        asking = asyncio.create_task(it.ask("send", **SENT))
        await answers.of_messages(1)
        stopping = asyncio.create_task(it.gateway.stop())
        await it.gateway.until(lambda: it.gateway.daemon.http.listeners[0].stopping)
        assert not asking.done()
        answers.release()
        assert await asking == {"id": 77, "cnt": 1}
        await stopping


@journey
async def test_while_it_stops_nothing_new_is_taken(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path) as it:
        port = it.port
        await it.gateway.daemon.stop()
        it.gateway.stopped = True
        it.gateway._poller.cancel()
        with pytest.raises(OSError):
            await raw(port, b"")


@journey
async def test_the_status_counts_what_was_asked(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path, settings=Http(limits=0)) as it:
        await it.ask("send", **SENT)
        await it.ask("send", phones="", mes="x")
        await it.ask("send", psw="wrong", phones=DESTINATION, mes="x")
        await raw(it.port, b"nonsense\r\n\r\n", ends=False)
        shown = status_of(it.gateway.daemon)
        [http] = shown["http"]
        assert (http["requests"], http["errors"], http["refused"]) == (2, 1, 1)
        [listener] = [row for row in shown["listeners"] if row["protocol"] == "http"]
        assert listener["bad_inputs"] == 1
        assert "http_refused account=alex peer=127.0.0.1" in "\n".join(it.gateway.lines)
        assert PASSWORD not in "".join(line for line in it.gateway.lines if "http_refused" in line)


@journey
async def test_a_listener_serves_what_it_is_for(tmp_path: Path) -> None:
    for serves, found in (
        ("service", [200, 404, 404]),
        ("json", [404, 401, 404]),
        ("links", [404, 404, 404]),
    ):
        async with asked_over_http(tmp_path / serves, listener={"serves": [serves]}) as it:
            replies = [await it.http("GET", path) for path in ("/sys/send.php", "/v1/account", "/l/abc")]
            assert [reply.status for reply in replies] == found
            is_ours = replies[2].body == b"there is no such link\n"
            assert is_ours == (serves == "links")


@journey
async def test_messages_outlive_a_restart_and_ids_go_on(tmp_path: Path) -> None:
    made = {"phones": DESTINATION, "mes": "Hello"}
    async with asked_over_http(tmp_path) as it:
        first = await it.ask("send", **made)
    async with asked_over_http(tmp_path) as it:
        second = await it.ask("send", **made)
        assert second["id"] > first["id"]
        assert "status" in await it.ask("status", phone=DESTINATION, id=first["id"])


@journey
async def test_hosts_that_are_not_there_are_told_at_the_start(tmp_path: Path) -> None:
    async with asked_over_http(tmp_path / "one") as it:
        taken = {"address": Address(HOST, it.port)}
        with pytest.raises(Exception, match="cannot listen on"):
            async with asked_over_http(tmp_path / "two", listener=taken):
                pass
