"""What takes longer than its request: a call that proves a number, an export that a restart interrupts."""

from __future__ import annotations

import threading
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from called_server import called
from http_support import LOGIN, NO_LIMITS, PASSWORD, asked_over_http
from journey_support import DESTINATION, journey
from money_support import PRICES, credit

from gateway.config.model import AccountHttp
from gateway.front import exports, history, sent_messages
from protocols.smsc_http.callbacks import WaitCall, parse_callback

PAGE = 3


@journey
async def test_a_call_that_proves_a_number_reaches_the_handler_of_who_waits_for_it(tmp_path: Path) -> None:
    settings = replace(NO_LIMITS, call_networks=(ip_network("127.0.0.0/8"),))
    async with called() as handler:
        http = AccountHttp(handler=handler.url)
        async with asked_over_http(tmp_path, http=http, settings=settings, relayed=True) as it:
            await it.ask("wait_call", phone=f"+{DESTINATION}")
            daemon, now_ms = it.gateway.daemon, it.gateway.clock.now_ms()
            inbox = daemon.services.connectors["centre"].inbox
            inbox.wait_call(WaitCall(phone=DESTINATION, ts=now_ms // 1000), now_ms)
            daemon.journal.wake()
            await handler.until(lambda: handler.came)
            [came] = handler.came
            call = parse_callback(came.headers["content-type"], came.body)
            assert isinstance(call, WaitCall)
            assert (call.phone, call.ts) == (DESTINATION, now_ms // 1000)
            await it.gateway.until(lambda: daemon.http.caller.taken == 1)
            [answer] = await it.ask("get", get_answers=1)
            assert (answer["phone"], answer["message"]) == (DESTINATION, "[waitcall]")


@journey
async def test_a_file_whose_answer_is_lost_is_sent_and_charged_once(tmp_path: Path) -> None:
    paying = {"balance": "own", "prices": "retail", "service_messages": True}
    more = {"price_lists": PRICES}
    async with asked_over_http(tmp_path, relayed=True, configured=more, **paying) as it:
        assert it.service is not None
        await credit(it.gateway, "1", LOGIN)
        phone = "79990099126"  # accepted, answered with a page of HTML
        form = aiohttp.FormData(
            {"login": LOGIN, "psw": PASSWORD, "phones": phone, "mms": "1", "mes": "cat", "id": "15"}
        )
        form.add_field(
            "file0", b"\xff\xd8\xff" + b"\x00" * 200, filename="cat.jpg", content_type="image/jpeg"
        )
        assert (await it.http("POST", "/sys/send.php", data=form)).text == "OK - 1 SMS, ID - 15"
        assert len(it.service.service.store.messages) == 1
        assert (await it.ask("status", id=15, phone=phone))["status"] in (0, 1)
        assert await it.ask("balance") == {"balance": "0.95"}


@journey
async def test_a_restart_goes_on_with_an_export_that_it_interrupted(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for module in (sent_messages, history, exports):
            patch.setattr(module, "PAGE", PAGE)
        append, goes_on, began = exports._append, threading.Event(), threading.Event()

        def waits(*told: Any) -> int:
            began.set()
            goes_on.wait(20)
            return append(*told)

        with pytest.MonkeyPatch.context() as first_run:
            first_run.setattr(exports, "_append", waits)
            async with asked_over_http(tmp_path) as it:
                for number in range(2 * PAGE):
                    await it.ask("send", phones=DESTINATION, mes=f"text {number}", id=number + 1)
                assert len(await it.ask("get", get_messages=1, cnt=PAGE + 1)) == PAGE
                await it.gateway.until(began.is_set)
                [task] = await it.ask("downloads", get_list=1)
                assert (task["status"], task["file"]) == ("1", "")
            goes_on.set()
        async with asked_over_http(tmp_path) as it:
            worker = exports._made[0]._worker
            assert worker is not None
            await worker
            [again] = await it.ask("downloads", get_list=1)
            assert (again["id"], again["status"]) == (task["id"], "2")
            reply = await it.http(
                "GET", f"/sys/downloads.php?login=alex&psw=123&get_file=1&name={again['file']}"
            )
            assert reply.headers["Content-Disposition"] == f'attachment; filename="{again["file"]}"'
            lines = reply.text.split("\r\n")
            assert [line.partition(";")[0] for line in lines] == ["id", *map(str, range(2 * PAGE, 0, -1)), ""]
            [path] = (tmp_path / exports.FOLDER).iterdir()
            assert path.stat().st_mode & 0o777 == 0o600
