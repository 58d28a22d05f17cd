"""Numbers that get no SMS: put on lists by commands and by what subscribers write."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import pytest
from journey_support import (
    DESTINATION,
    Gateway,
    account,
    config,
    connector,
    gateway_and_smsc,
    journey,
    running,
    simulated_smsc,
)
from mail_journey_support import mail, mailer, post_office, queue_id

from gateway.__main__ import main
from gateway.admin.blacklist import handlers
from gateway.admin.commits import committed
from gateway.config.model import Account
from gateway.ops.status import status_of
from gateway.store.reader_blacklist import blacklist_page
from protocols.smpp import constants as c
from protocols.smpp.pdu import DeliverSm

OTHER = "79161200002"
Command = Callable[..., Awaitable[str]]


@pytest.fixture
def blacklist(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the command against a gateway; what it printed. It has to succeed, unless it `fails`."""

    async def run(gateway: Gateway, *words: str, fails: bool = False) -> str:
        line = ["blacklist", *words, "--state-dir", str(gateway.daemon.state_dir)]
        code = await asyncio.to_thread(main, line)
        shown = capsys.readouterr()
        assert bool(code) == fails, shown
        return shown.err if fails else shown.out

    return run


def sms(text: str) -> DeliverSm:
    """From DESTINATION, who writes to the sender of what he got."""
    return DeliverSm(
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=DESTINATION,
        destination_addr="12345",
        data_coding=8,
        short_message=text.encode("utf-16-be"),
    )


def accounts() -> list[Account]:
    return [account(), account("part", parent="app"), account("other")]


@journey
async def test_a_number_on_a_list_gets_nothing_from_whom_the_list_is(
    tmp_path: Path, blacklist: Command
) -> None:
    async with simulated_smsc() as smsc:
        made = config(connector(smsc.port), accounts=accounts())
        async with running(made, tmp_path) as gateway:
            clients = {name: await gateway.client(system_id=name) for name in ("app", "part", "other")}
            assert await blacklist(gateway, "add", f"+{DESTINATION}", "--account", "app") == (
                "1 added, 0 on the list before\n"
            )
            said = {name: await client.status_of_submit() for name, client in clients.items()}
            refused = c.status_name(c.ESME_RINVDSTADR)
            assert said == {"app": refused, "part": refused, "other": "ESME_ROK"}
            await clients["app"].submit(OTHER)
            status = status_of(gateway.daemon)
            assert status["refused"] == {"blacklist": 2}
            assert [row["blacklist"] for row in status["accounts"]] == [1, 0, 0]
            assert await blacklist(gateway, "remove", DESTINATION, OTHER, "--account", "app") == (
                "1 removed, 1 not on the list\n"
            )
            await clients["part"].submit()


@journey
async def test_a_list_outlives_the_gateway(tmp_path: Path, blacklist: Command) -> None:
    async with simulated_smsc() as smsc:
        made = config(connector(smsc.port), accounts=accounts())
        async with running(made, tmp_path) as gateway:
            await blacklist(gateway, "add", DESTINATION)
        async with running(made, tmp_path) as gateway:
            client = await gateway.client(system_id="other")
            assert await client.status_of_submit() == "ESME_RINVDSTADR"
            assert status_of(gateway.daemon)["blacklist"] == 1


@journey
async def test_a_file_is_imported_listed_and_exported(tmp_path: Path, blacklist: Command) -> None:
    numbers = [str(79_160_000_000 + n) for n in range(2500)]
    file = tmp_path / "stop.txt"
    file.write_text("# who called us\n\n" + "".join(f"+{n[0]} {n[1:4]} {n[4:]};Example\n" for n in numbers))
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        assert json.loads(await blacklist(gateway, "import", str(file), "--why", "called us", "--json")) == {
            "added": 2500,
            "known": 0,
        }
        assert (await blacklist(gateway, "import", str(file))).startswith("0 added, 2500 on the list")
        exported = await blacklist(gateway, "export")
        assert exported.split() == numbers
        assert gateway.daemon.admission.blacklists.sizes() == {"": 2500}
        await blacklist(gateway, "add", numbers[7], "--account", "app")
        rows = json.loads(await blacklist(gateway, "list", numbers[7], "--json"))
        assert [(row["account"], row["number"], row["why"]) for row in rows] == [
            ("", numbers[7], "called us"),
            ("app", numbers[7], ""),
        ]
        assert len(json.loads(await blacklist(gateway, "list", "--limit", "1500", "--json"))) == 1500
        [row] = json.loads(await blacklist(gateway, "list", "--account", "app", "--json"))
        assert row["number"] == numbers[7]
        assert "everybody" in await blacklist(gateway, "list", numbers[8])
        again = tmp_path / "again.txt"
        again.write_text(exported)
        assert (await blacklist(gateway, "import", str(again), "--account", "app")).startswith("2499 added")


@journey
async def test_what_is_no_number_or_no_account_is_told(tmp_path: Path, blacklist: Command) -> None:
    file = tmp_path / "bad.txt"
    file.write_text("79990000001\nnobody\n12\n")
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        said = await blacklist(gateway, "import", str(file), fails=True)
        assert f"{file}:2: 'nobody' is no number" in said
        assert f"{file}:3: '12' is no number" in said
        assert "nothing was imported" in said
        assert "there is no account 'nobody'; there are: app" in await blacklist(
            gateway, "add", DESTINATION, "--account", "nobody", fails=True
        )
        assert "cannot be read" in await blacklist(gateway, "import", str(tmp_path / "none"), fails=True)
        assert gateway.daemon.admission.blacklists.sizes() == {}


@journey
async def test_a_stop_word_puts_its_sender_on_the_list_and_is_delivered(
    tmp_path: Path, blacklist: Command
) -> None:
    async with simulated_smsc() as smsc:
        up = connector(smsc.port, incoming_account="app")
        made = config(up, accounts=[account(stop_words=("STOP", "отписать всё"))])
        async with running(made, tmp_path) as gateway:
            client = await gateway.client()
            await gateway.linked()
            smsc.deliver(sms("do not stop"), "gateway")
            assert (await client.delivery()).short_message.decode("utf-16-be") == "do not stop"
            await client.submit()
            smsc.deliver(sms("«Stop!» please"), "gateway")
            assert (await client.delivery()).source_addr == DESTINATION
            assert await client.status_of_submit() == "ESME_RINVDSTADR"
            await gateway.said("stop_word", "account=app")
            assert not any(DESTINATION in line for line in gateway.lines if "stop_word" in line)
            [row] = json.loads(await blacklist(gateway, "list", "--account", "app", "--json"))
            assert (row["number"], row["why"]) == (DESTINATION, "SMS: stop")
        async with running(made, tmp_path) as gateway:
            client = await gateway.client()
            assert await client.status_of_submit() == "ESME_RINVDSTADR"
            await client.submit(OTHER)


@journey
async def test_a_reload_takes_over_stop_words_and_parents_blocks(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc:
        up = connector(smsc.port, incoming_account="part")
        made = config(up, accounts=accounts())
        async with running(made, tmp_path) as gateway:
            client = await gateway.client(system_id="part")
            top, part, other = accounts()
            stops = replace(part, stop_words=("STOP",))
            await gateway.daemon.reload(replace(made, accounts=[top, stops, other]))
            smsc.deliver(sms("stop"), "gateway")
            await client.delivery()
            assert await client.status_of_submit() == "ESME_RINVDSTADR"
            await gateway.daemon.reload(replace(made, accounts=[replace(top, blocked=True), stops, other]))
            await client.end()
            again = await gateway.connect()
            assert await again.bind(system_id="part") == c.ESME_RBINDFAIL
            await gateway.daemon.reload(replace(made, accounts=[top, stops, other]))
            assert await again.bind(system_id="part") == c.ESME_ROK


@journey
async def test_an_answer_to_a_mail_stops_the_account_that_sent_it(tmp_path: Path) -> None:
    accounts = [mailer(stop_words=("STOP",)), account("other", stop_words=("STOP",))]
    async with post_office(tmp_path, accounts=accounts, link={"incoming_account": "other"}) as post:
        queue_id(await post.send(mail("hello")))
        await post.texts()
        post.deliver("Stop!", "12345")
        (answer,) = await post.letters()
        assert answer.text.strip() == "Stop!"
        await post.gateway.said("stop_word", "account=app")
        assert (await post.send(mail("hello again"))).startswith("550 5.7.1 this number wants no SMS")
        assert post.gateway.daemon.admission.blacklists.sizes() == {"app": 1}


@journey
async def test_changes_at_the_same_time_are_the_same_in_memory_and_in_the_store(tmp_path: Path) -> None:
    stopping = [account(stop_words=("STOP",))]
    async with gateway_and_smsc(tmp_path, accounts=stopping) as (gateway, _):
        daemon, asked = gateway.daemon, handlers(gateway.daemon)
        lists, request = daemon.admission.blacklists, {"account": "app", "numbers": [DESTINATION]}

        async def change(what: str) -> None:
            await cast(Awaitable[object], asked[f"blacklist_{what}"](request))

        async def stop() -> None:
            daemon.incoming.stop_words.heed(daemon.journal.batch, "app", DESTINATION, "stop", 0)

        async def are_on(at_once: Callable[[], Awaitable[None]], then: Callable[[], Awaitable[None]]) -> int:
            await asyncio.gather(at_once(), then())
            await committed(daemon.journal)
            rows = blacklist_page(daemon.reads, "app", "", ("", ""), 10)
            assert {int(f"1{row['number']}") for row in rows} == lists.of("app")
            return len(rows)

        add, remove = partial(change, "add"), partial(change, "remove")
        await add()
        assert [await are_on(remove, add), await are_on(add, remove)] == [1, 0]
        assert [await are_on(remove, stop), await are_on(stop, remove)] == [1, 0]


@journey
async def test_a_number_stays_on_its_list_if_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        lists, asked = gateway.daemon.admission.blacklists, handlers(gateway.daemon)
        lists.add("app", [DESTINATION])

        async def fails(_: object) -> None:
            return None

        monkeypatch.setattr("gateway.admin.blacklist.committed", fails)
        both = {"account": "app", "numbers": [DESTINATION, OTHER]}
        answer = await cast(Awaitable[dict[str, str]], asked["blacklist_remove"](both))
        assert "error" in answer
        assert lists.of("app") == {int(f"1{DESTINATION}")}
