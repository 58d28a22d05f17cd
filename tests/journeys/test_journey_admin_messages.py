"""Messages in the admin's hands, by the command line: found, held back, let go, hurried, cancelled; and what
nobody took."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from journey_support import (
    DESTINATION,
    PASSWORD,
    UPSTREAM,
    Client,
    Gateway,
    Receipt,
    account,
    config,
    connector,
    gateway_and_smsc,
    journey,
    running,
    simulated_smsc,
    submit_sm,
)
from mail_journey_support import (
    DOMAIN,
    SENDER,
    a_sink,
    mail,
    mail_config,
    mailer,
    post_office,
    posting,
    queue_id,
    to,
)

from gateway.__main__ import main
from gateway.config.model import Route
from gateway.ops.control import SOCKET_NAME
from gateway.ops.status import status_of
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import BindReceiver, BindTransmitter

IN_AN_HOUR = "000000010000000R"
MASKED = f"{DESTINATION[:4]}***{DESTINATION[-4:]}"
REFUSED_FOR_NOW = "79000099058"  # throttled once, see docs/simulator.md
Command = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command against a gateway: the exit code, and what it printed."""

    async def run(gateway: Gateway, *words: str) -> tuple[int, str]:
        line = [*words, "--state-dir", str(gateway.daemon.state_dir)]
        code = await asyncio.to_thread(main, line)
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return run


async def found(command: Command, gateway: Gateway, *options: str) -> list[dict[str, Any]]:
    code, shown = await command(gateway, "message", "find", "--json", *options)
    assert code == 0, shown
    return json.loads(shown)  # type: ignore[no-any-return]


async def told(command: Command, gateway: Gateway, message_id: str) -> list[str]:
    code, shown = await command(gateway, "message", "show", message_id, "--json")
    assert code == 0, shown
    return [event["text"] for event in json.loads(shown)["timeline"]]


async def submit_later(client: Client, **fields: Any) -> str:
    return await client.submit(schedule_delivery_time=IN_AN_HOUR, **fields)


@journey
async def test_what_is_held_back_goes_when_it_is_let_go(tmp_path: Path, command: Command) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        held, other = [await submit_later(client, text=text) for text in (b"held", b"other")]
        assert await command(gateway, "message", "hold", held) == (0, f"{held}  done\n")
        gateway.clock.advance(3601)
        assert await client.receipt() == Receipt(other, c.DELIVERED, "000")
        assert gateway.states(held) == ["PAUSED"]
        assert [it["message_id"] for it in gateway.listing("paused")] == [held]
        assert smsc.counters.accepted == 1
        assert await command(gateway, "message", "release", held) == (0, f"{held}  done\n")
        assert await client.receipt() == Receipt(held, c.DELIVERED, "000")
        texts = await told(command, gateway, held)
        assert texts[2:5] == [
            "a person holds it back",
            "a person lets it go on",
            f"message going to {UPSTREAM}",
        ]
        code, shown = await command(gateway, "message", "hold", held)
        assert (code, shown) == (1, f"{held}  it has ended: DELIVERED\n")
        await gateway.said("decided", held, "word=release")


@journey
async def test_what_is_cancelled_ends_with_a_receipt(tmp_path: Path, command: Command) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, smsc):
        client = await gateway.client()
        first, second = [await submit_later(client) for _ in range(2)]
        await command(gateway, "message", "hold", second)
        code, shown = await command(gateway, "message", "cancel", first, second, "7", "--json")
        assert code == 1
        assert [it["done"] for it in json.loads(shown)] == [True, True, False]
        assert json.loads(shown)[2]["why"].startswith("no such message")
        receipts = {await client.receipt() for _ in range(2)}
        assert receipts == {Receipt(first, c.DELETED, "000"), Receipt(second, c.DELETED, "000")}
        gateway.clock.advance(3601)
        await gateway.ticked()
        assert (smsc.counters.submitted, gateway.daemon.submission.open_messages) == (0, 0)


@journey
async def test_what_is_held_back_expires(tmp_path: Path, command: Command) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        client = await gateway.client()
        held = await submit_later(client, validity_period="000000020000000R")
        await command(gateway, "message", "hold", held)
        gateway.clock.advance(2 * 3600 + 1)
        gateway.daemon._housekeeping.sweep_soon()
        assert (await client.receipt())[:2] == (held, c.EXPIRED)


@journey
async def test_what_was_postponed_tries_at_once(tmp_path: Path, command: Command) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        client = await gateway.client()
        message_id = await client.submit(REFUSED_FOR_NOW)
        await gateway.said("postponed", message_id)
        assert await command(gateway, "message", "retry", message_id) == (0, f"{message_id}  done\n")
        assert await client.receipt() == Receipt(message_id, c.DELIVERED, "000")


@journey
async def test_what_is_under_way_is_left_alone(tmp_path: Path, command: Command) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        client = await gateway.client()
        message_id = await client.submit("79000099106")  # there is no receipt
        await gateway.said("submitted", message_id)
        for word in ("hold", "cancel", "retry", "release"):
            code, shown = await command(gateway, "message", word, message_id)
            assert (code, shown) == (
                1,
                f"{message_id}  it is under way at {UPSTREAM}; wait for its receipt\n",
            ), word


# -- find -------------------------------------------------------------------------------------------


@journey
async def test_a_message_is_found_by_whatever_is_known_of_it(tmp_path: Path, command: Command) -> None:
    routes = [Route(name="main", connectors=[UPSTREAM])]
    accounts = [account(), account("other")]
    async with gateway_and_smsc(tmp_path, routes=routes, accounts=accounts) as (gateway, _):
        client = await gateway.client()
        reference = ((tlv.USER_MESSAGE_REFERENCE, b"\x01\x02"),)
        message_id = await client.submit(tlvs=reference)
        assert (await client.receipt()).message_id == message_id
        later = await submit_later(client, destination="79161200002")
        other = await gateway.client(system_id="other")
        foreign = await other.submit("79161200003")
        await other.receipt()

        async def ids(*options: str) -> list[str]:
            return [row["message_id"] for row in await found(command, gateway, *options)]

        assert await ids() == [foreign, later, message_id]
        assert await ids("--limit", "1") == [foreign]
        [row] = await found(command, gateway, "--client-id", "258")
        assert (row["message_id"], row["to"], row["state"], row["route"]) == (
            message_id,
            MASKED,
            "DELIVERED",
            "main",
        )
        [row] = await found(command, gateway, "--number", "+7 (916) 120-00-01")
        assert (row["message_id"], row["to"]) == (message_id, DESTINATION), "who asks for a number may see it"
        upstream_id = gateway.reader.timeline(int(message_id))["timeline"][3]["text"].split()[-1]  # type: ignore[index]
        assert await ids("--upstream-id", upstream_id) == [message_id]
        assert await ids("--upstream-id", f"{int(upstream_id):X}") == [message_id], "in whichever form"
        assert await ids("--id", f"{int(later):016x}") == [later]
        assert await ids("--account", "other") == [foreign]
        assert await ids("--connector", UPSTREAM, "--state", "queued,sent") == [later]
        assert await ids("--state", "EXPIRED") == []
        assert await ids("--until", "2020-01-01", "--since", "2019-01-01") == []


@journey
async def test_the_table_of_what_was_found(tmp_path: Path, command: Command) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        client = await gateway.client()
        message_id = await submit_later(client)
        code, shown = await command(gateway, "message", "find", "--account", "app", "--limit", "1")
        head, row, note = shown.splitlines()
        assert head.split()[:7] == ["time", "message_id", "account", "to", "state", "connector", "route"]
        assert row.split()[2:7] == [message_id, "app", MASKED, "QUEUED", UPSTREAM]
        assert (code, note) == (0, "the newest 1; there may be more: --limit, --until")
        assert await command(gateway, "message", "find", "--account", "nobody") == (0, "none\n")


@journey
async def test_the_text_is_shown_only_when_it_is_asked_for(tmp_path: Path, command: Command) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        client = await gateway.client()
        message_id = await submit_later(client, text="Grüße\x1b[2J".encode("utf-16-be"), data_coding=8)
        _, shown = await command(gateway, "message", message_id)
        assert "Gr" not in shown
        assert DESTINATION not in shown
        assert shown.startswith(f"{message_id}  QUEUED  to {MASKED} by {UPSTREAM}\n")
        _, shown = await command(gateway, "message", "show", message_id, "--text", "--full")
        assert f"to {DESTINATION} by" in shown
        assert shown.endswith("\n\n  Grüße\\x1b[2J\n")
        data = await submit_later(client, text=b"\x01\x02", data_coding=4)
        assert (await command(gateway, "message", data, "--text"))[1].endswith("\n\n  0102\n")
        empty = await submit_later(client, text=b"")
        await command(gateway, "message", "cancel", empty)
        _, shown = await command(gateway, "message", empty, "--text")
        assert shown.endswith("\n\nits text is not kept (queue.text_days)\n")


@journey
async def test_the_whole_way_of_a_mail_on_one_page(tmp_path: Path, command: Command) -> None:
    destination = "79000099008"  # each SMSC answers it with a system error once
    async with simulated_smsc() as one, simulated_smsc() as two, a_sink() as sink:
        both = [Route(name="both", connectors=[UPSTREAM, "second"])]
        made = mail_config(one, sink, routes=both, accounts=[mailer(mail={"report": "always"})])
        made = replace(made, connectors=[*made.connectors, connector(two.port, "second")])
        async with posting(made, tmp_path, one, sink) as post:
            gateway = post.gateway
            await gateway.linked("second")
            mail_id = queue_id(await post.send(mail("hello"), f"{destination}@{DOMAIN}"))
            await gateway.said("postponed", "connector=second")
            [row] = await found(command, gateway, "--id", mail_id)
            gateway.clock.advance(1.0)
            await post.letters()
            await post.settled()
            texts = await told(command, gateway, row["message_id"])
    expected = [
        f"mail {mail_id} from {SENDER} came in",
        f"accepted from app by mail {mail_id}, 1 segment(s)",
        "route both",
        f"{UPSTREAM}: ESME_RSYSERR, handed to second",
        "second: ESME_RSYSERR, again in ",
        "message going to second",
        "second took the message, its id is ",
        "ended DELIVERED (error 000)",
        f"{SENDER} has had the report",
    ]
    assert len(texts) == len(expected), texts
    assert all(text.startswith(begin) for text, begin in zip(texts, expected, strict=True)), texts


@journey
async def test_a_message_that_one_smsc_refused_and_another_got(tmp_path: Path, command: Command) -> None:
    async with simulated_smsc() as one, simulated_smsc() as two:
        both = [Route(name="both", connectors=["first", "second"], failover=("down", "refused"))]
        made = config(connector(one.port, "first"), connector(two.port, "second"), routes=both)
        async with running(made, tmp_path) as gateway:
            await gateway.linked("first")
            await gateway.linked("second")
            client = await gateway.client()
            message_id = await client.submit("79000099011")  # each refuses it for good
            assert (await client.receipt())[:2] == (message_id, c.REJECTED)
            await gateway.emptied()
            texts = await told(command, gateway, message_id)
    assert texts[:3] == [
        "accepted from app, 1 segment(s)",
        "route both",
        "first refused it (ESME_RINVDSTADR): goes to second",
    ]
    assert texts[-2:] == ["ended REJECTED (error ESME_RINVDSTADR)", "app has had its receipt"]


@journey
async def test_messages_of_a_mail_are_found_by_what_its_sender_calls_them(
    tmp_path: Path, command: Command
) -> None:
    sender = mailer(mail={"networks": (), "service_form": True, "source": "Example"})
    async with post_office(tmp_path, accounts=[sender]) as post:
        form = f"app:{PASSWORD}:order-7::,,,:{DESTINATION},79161200002:hello"
        mail_id = queue_id(await post.send(mail(form, header_id="<7@example.org>"), *to("send")))
        await post.settled()
        rows = await found(command, post.gateway, "--client-id", "order-7")
        assert {row["to"][-4:] for row in rows} == {DESTINATION[-4:], "0002"}
        assert {row["client_id"] for row in rows} == {"order-7"}
        assert await found(command, post.gateway, "--client-id", "<7@example.org>") == rows
        assert await found(command, post.gateway, "--id", mail_id) == rows


# -- queue, receipts, dead letters ------------------------------------------------------------------


@journey
async def test_the_queue_by_connector_and_account(tmp_path: Path, command: Command) -> None:
    async with gateway_and_smsc(tmp_path, accounts=[account(), account("other")]) as (gateway, _):
        client, other = await gateway.client(), await gateway.client(system_id="other")
        ids = [await submit_later(client) for _ in range(3)]
        await submit_later(other)
        await command(gateway, "message", "hold", ids[0])
        gateway.clock.advance(1800)
        code, shown = await command(gateway, "queue")
        head, first, second = shown.splitlines()[1:4]
        assert head.split() == [
            *("connector", "account", "messages", "oldest", "next_due", "paused", "held", "gathered"),
        ]
        assert first.split() == [UPSTREAM, "app", "2", "30m", "in", "30m", "1", "0", "0"]
        assert second.split() == [UPSTREAM, "other", "1", "30m", "in", "30m", "0", "0", "0"]
        assert (code, "paused               1" in shown) == (0, True)
        _, shown = await command(gateway, "queue", "--json")
        assert json.loads(shown)["by_account"][0]["messages"] == 2
        assert json.loads(shown)["upstream"] == [
            {"connector": UPSTREAM, "messages": 3, "oldest_ms": gateway.clock.now_ms() - 1_800_000}
        ]


@journey
async def test_receipts_that_match_nothing_and_why(tmp_path: Path, command: Command) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        row = (UPSTREAM, "77", "77", None, None, DESTINATION, 2, 1, "000", gateway.clock.now_ms(), "")
        gateway.daemon.journal.batch.receipts.append(row)
        gateway.daemon.journal.wake()
        await gateway.until(lambda: gateway.listing("unmatched"))
        gateway.clock.advance(90)
        code, shown = await command(gateway, "receipts", "unmatched")
        head, told_of = shown.splitlines()
        assert head.split() == ["age", "connector", "upstream_id", "from", "state", "error", "final", "why"]
        why = "no message has this id: another program with this login, or sent before this store began"
        assert told_of.split()[:8] == ["1m", "30s", UPSTREAM, "77", MASKED, "DELIVERED", "000", "True"]
        assert (code, told_of.endswith(why)) == (0, True)
        assert json.loads((await command(gateway, "receipts", "unmatched", "--json"))[1])[0]["why"] == why


@journey
async def test_dead_letters_go_to_the_next_session_again(tmp_path: Path, command: Command) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        sender = await gateway.client(BindTransmitter)
        ids = [await sender.submit() for _ in range(3)]
        refusing = await gateway.client(BindReceiver, answers=[c.ESME_RX_R_APPN] * 3)
        for _ in ids:
            await refusing.delivery()
        await gateway.until(lambda: len(gateway.listing("dead")) == 3)
        gateway.clock.advance(60)
        await gateway.said("dead_letters", "account=app", "count=3")
        alarm = "3 deliveries of app died within a day: smsc-gateway deadletters list"
        assert status_of(gateway.daemon)["problems"] == [alarm]
        code, shown = await command(gateway, "deadletters", "list", "--json")
        rows = json.loads(shown)
        assert (code, {row["message_id"] for row in rows}) == (0, set(ids))
        assert {row["reason"] for row in rows} == {"ESME_RX_R_APPN"}
        first = min(rows, key=lambda row: int(row["id"]))
        code, shown = await command(gateway, "deadletters", "replay", first["id"], "99", "L1")
        assert code == 1
        assert shown.splitlines() == [
            "99  is not among the dead letters",
            "L1  is not among the dead letters",
            "1 replayed",
        ]
        assert (await refusing.receipt()).message_id == first["message_id"], "the same session, at once"
        assert await command(gateway, "deadletters", "replay", "--account", "app") == (0, "2 replayed\n")
        assert {(await refusing.receipt()).message_id for _ in range(2)} == set(ids) - {first["message_id"]}
        await gateway.emptied()
        assert await command(gateway, "deadletters", "replay", "--all") == (0, "0 replayed\n")
        assert await command(gateway, "deadletters", "list") == (0, "none\n")
        gateway.clock.advance(60)
        await gateway.until(lambda: status_of(gateway.daemon)["healthy"])
        assert len(gateway.lines_with("dead_letters")) == 1


@journey
async def test_the_control_socket_refuses_what_makes_no_sense(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        path = str(gateway.daemon.state_dir / SOCKET_NAME)
        for request in (
            {"command": "find", "limit": "x"},
            {"command": "find", "limit": 5, "states": ["NONE"]},
            {"command": "find", "limit": 5, "message_id": "7; DROP TABLE message"},
            {"command": "decide", "word": "hold", "message_ids": 7},
            {"command": "decide", "word": "burn", "message_ids": [7]},
            {"command": "decide", "word": "hold", "message_ids": [7, 1 << 63]},
            {"command": "message", "message_id": 1 << 63},
            {"command": "replay", "ids": ["x"]},
            {"command": "replay", "ids": [-1]},
            {"command": "message", "message_id": None},
        ):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(json.dumps(request).encode() + b"\n")
            answer = json.loads(await reader.readline())
            assert "error" in answer, request
            writer.close()
        await (await gateway.client()).request(submit_sm())


@pytest.mark.parametrize("word", ["hold", "cancel"])
def test_a_restart_forgets_no_decision(tmp_path: Path, command: Command, word: str) -> None:
    @journey
    async def run() -> None:
        async with simulated_smsc() as smsc:
            made = config(connector(smsc.port))
            async with running(made, tmp_path / "state") as gateway:
                await gateway.linked()
                message_id = await submit_later(await gateway.client(BindTransmitter))
                await command(gateway, "message", word, message_id)
                state = gateway.states(message_id)
            async with running(made, tmp_path / "state", later_s=7200) as gateway:
                await gateway.linked()
                client = await gateway.client()
                if word == "cancel":
                    assert await client.receipt() == Receipt(message_id, c.DELETED, "000")
                await gateway.ticked()
                assert (gateway.states(message_id), smsc.counters.submitted) == (state, 0)

    run()
