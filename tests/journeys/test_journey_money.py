"""Messages that cost money: refused when there is none, given back when nobody took them."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from journey_support import DESTINATION, Gateway, journey, running, simulated_smsc, submit_sm
from mail_journey_support import ANYBODY, MailClient, mail, to
from money_support import PRICES, ask, balance, credit, money_config, payer, with_mail

from gateway.config.account_model import AccountLimits
from gateway.config.mail_model import AccountMail
from gateway.config.model import Account, Price, PriceList, Route, TextPolicy
from gateway.core.prices import amount_text
from gateway.store.sqlite_open import FILE_NAME
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import CancelSm, ReplaceSm, SubmitSm

REFUSED = "79000099011"
"""The simulated SMSC refuses what goes there for good."""
UNDELIVERED = "79000099002"


def stored(gateway: Gateway, name: str = "app") -> str:
    """The balance in the store."""
    with sqlite3.connect(gateway.daemon.state_dir / FILE_NAME) as connection:
        row = connection.execute("SELECT amount FROM balance WHERE account = ?", (name,)).fetchone()
    return amount_text(row[0] if row else 0)


async def is_balance(gateway: Gateway, amount: str, name: str = "app") -> None:
    """The balance is that, in memory and in the store."""
    await gateway.until(lambda: balance(gateway, name) == amount == stored(gateway, name))


@journey
async def test_a_message_costs_its_segments_and_is_refused_without_money(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc, running(money_config(smsc.port, payer()), tmp_path) as gateway:
        await gateway.linked()
        client = await gateway.client()
        assert await client.status_of_submit() == "ESME_RSUBMITFAIL"
        await gateway.said("balance_empty", "account=app", "balance=0.00", "currency=EUR")
        await credit(gateway, "0.25")
        await client.submit()
        await is_balance(gateway, "0.20")
        await client.submit(text=b"x" * 161)  # two segments
        await is_balance(gateway, "0.10")
        long = ((tlv.MESSAGE_PAYLOAD, b"x" * 400),)  # three segments
        assert await client.status_of_submit(text=b"", tlvs=long) == "ESME_RSUBMITFAIL"
        assert await client.status_of_submit("49151234567") == "ESME_RINVDSTADR"
        refused = gateway.daemon.submission.refused
        assert {reason.value: n for reason, n in refused.items() if n} == {"balance": 2, "no_price": 1}
        await gateway.emptied()
        await is_balance(gateway, "0.10")
        answer = await ask(gateway, "account", account="app")
        assert (answer["account"]["balance"], answer["account"]["left"]) == ("0.10", "0.10")
        assert [(it["amount"], it["balance"], it["who"], it["note"]) for it in answer["changes"]] == [
            ("0.25", "0.25", "root", "test")
        ]
        status = await ask(gateway, "status")
        assert [row["balance"] for row in status["accounts"]] == ["0.10 EUR"]


@pytest.mark.parametrize(
    ("refund", "destination", "left"),
    [
        ("unsent", REFUSED, "1.00"),
        ("unsent", UNDELIVERED, "0.95"),
        ("undelivered", UNDELIVERED, "1.00"),
        ("undelivered", DESTINATION, "0.95"),
        ("never", REFUSED, "0.95"),
    ],
)
def test_what_fails_is_given_back_as_agreed(tmp_path: Path, refund: str, destination: str, left: str) -> None:
    @journey
    async def run() -> None:
        accounts = payer(refund=refund)
        async with simulated_smsc() as smsc, running(money_config(smsc.port, accounts), tmp_path) as gateway:
            await gateway.linked()
            await credit(gateway, "1")
            client = await gateway.client()
            await client.submit(destination)
            await client.receipt()
            await gateway.emptied()
            await is_balance(gateway, left)

    run()


@journey
async def test_a_part_pays_by_its_parent_and_its_own_prices(tmp_path: Path) -> None:
    part = payer("part", balance="parent", parent="app", prices="cheap")
    free = payer("free", balance="none", parent="app")
    accounts = (payer(credit=0.05), part, free)
    async with simulated_smsc() as smsc, running(money_config(smsc.port, *accounts), tmp_path) as gateway:
        await gateway.linked()
        client = await gateway.client(system_id="part")
        for left in ("-0.02", "-0.04"):
            await client.submit()
            await is_balance(gateway, left)
        assert await client.status_of_submit() == "ESME_RSUBMITFAIL"
        assert len(gateway.lines_with("balance_below_zero", "account=app")) == 1
        assert len(gateway.lines_with("balance_empty", "account=app", "balance=-0.04")) == 1
        await (await gateway.client(system_id="free")).submit()
        rows = (await ask(gateway, "accounts"))["accounts"]
        assert [(row["account"], row["payer"], row["balance"], row["left"]) for row in rows] == [
            ("app", "app", "-0.04", "0.01"),
            ("part", "app", "-0.04", "0.01"),
            ("free", None, None, None),
        ]
        assert (await ask(gateway, "account", account="app"))["account"]["parts"] == ["part", "free"]
        answer = await ask(gateway, "account_credit", account="part", amount="1")
        assert answer == {"error": "part has no balance of its own; app pays for it"}
        assert "there is no account 'x'" in (await ask(gateway, "account", account="x"))["error"]


@journey
async def test_what_is_told_of_an_account(tmp_path: Path) -> None:
    accounts = (
        payer(limits=AccountLimits(per_day=5), tags=("vip",), refund="never"),
        payer("part", balance="parent", parent="app", prices="cheap"),
        payer("shut", balance="none", blocked=True),
        payer("below", balance="none", parent="shut"),
        payer("trial", balance="none", test_mode=True),
    )
    async with simulated_smsc() as smsc, running(money_config(smsc.port, *accounts), tmp_path) as gateway:
        await gateway.linked()
        await credit(gateway, "1")
        client = await gateway.client()
        await client.submit()
        await gateway.emptied()
        rows = (await ask(gateway, "accounts"))["accounts"]
        assert [(row["account"], row["state"]) for row in rows] == [
            ("app", "open"),
            ("part", "open"),
            ("shut", "blocked"),
            ("below", "blocked by its parent"),
            ("trial", "test mode"),
        ]
        assert (await ask(gateway, "account", account="app"))["account"] == {
            "account": "app",
            "parent": None,
            "payer": "app",
            "balance": "0.95",
            "credit": "0.00",
            "left": "0.95",
            "currency": "EUR",
            "sessions": 1,
            "open_messages": 0,
            "state": "open",
            "parts": ["part"],
            "prices": "retail",
            "refund": "never",
            "tags": ["vip"],
            "accepted": 1,
            "today": 1,
            "per_day": 5,
        }
        for number in range(3):
            await credit(gateway, f"0.0{number + 1}")
        answer = await ask(gateway, "account", account="app", limit=2)
        assert [change["amount"] for change in answer["changes"]] == ["0.02", "0.03"]


@pytest.mark.parametrize(
    ("name", "amount", "told"),
    [
        ("app", "x", "amount: write an amount in digits, for example 100 or 12.50"),
        ("none", "1", "there is no account 'none'; there are: app, free"),
        ("free", "1", "free has no balance of its own; write balance: own into its configuration"),
    ],
)
def test_money_that_cannot_be_put_in(tmp_path: Path, name: str, amount: str, told: str) -> None:
    @journey
    async def run() -> None:
        accounts = (payer(), payer("free", balance="none"))
        async with simulated_smsc() as smsc, running(money_config(smsc.port, *accounts), tmp_path) as gateway:
            answer = await ask(gateway, "account_credit", account=name, amount=amount)
            assert answer == {"error": told}
            assert balance(gateway) == "0.00"

    run()


@journey
async def test_money_moves_between_accounts_in_one_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = (payer(credit=1), payer("part", parent="app"), payer("free", balance="none"))
    async with simulated_smsc() as smsc, running(money_config(smsc.port, *accounts), tmp_path) as gateway:
        await credit(gateway, "2")

        async def move(amount: str, name: str = "part", source: str = "app") -> Any:
            words = {"account": name, "amount": amount, "who": "root", "note": "of May", "from": source}
            return await ask(gateway, "account_credit", **words)

        assert (await move("2.5"))["balance"] == "2.50"
        await is_balance(gateway, "-0.50")
        await is_balance(gateway, "2.50", "part")
        changes = [(await ask(gateway, "account", account=name))["changes"][-1] for name in ("app", "part")]
        assert [(change["amount"], change["note"]) for change in changes] == [
            ("-2.50", "to part of May"),
            ("2.50", "from app of May"),
        ]
        assert (await move("0.51"))["error"] == "app has only 0.50 left, with its credit"
        other = "money is moved from another account, and more than nothing"
        assert (await move("1", "app"))["error"] == other
        assert (await move("-1"))["error"] == other
        assert "there is no account 'gone'" in (await move("1", source="gone"))["error"]
        assert "free has no balance of its own" in (await move("1", "free"))["error"]

        journal = gateway.daemon.journal
        then = journal.then
        monkeypatch.setattr(journal, "then", lambda callback: then(lambda ok: callback(False)))
        moving = asyncio.ensure_future(move("0.1"))
        await asyncio.sleep(0)
        assert balance(gateway) == "-0.60"  # it cannot be spent meanwhile
        assert "the store cannot write" in (await moving)["error"]
        assert (balance(gateway), balance(gateway, "part")) == ("-0.50", "2.50")


@journey
async def test_a_change_counts_also_when_nobody_waits_for_it_any_more(tmp_path: Path) -> None:
    """A store that takes long: the command has given up, and the change is committed after that."""
    accounts = (payer(credit=1), payer("part"))
    async with simulated_smsc() as smsc, running(money_config(smsc.port, *accounts), tmp_path) as gateway:
        await credit(gateway, "2")

        async def ask_and_leave(**words: str) -> None:
            asked = asyncio.ensure_future(ask(gateway, "account_credit", **words))
            await asyncio.sleep(0)
            asked.cancel()

        await ask_and_leave(account="app", amount="-2.5")
        assert balance(gateway) == "-0.50"  # what is taken out cannot be spent meanwhile
        await ask_and_leave(account="app", amount="1")
        await ask_and_leave(account="part", amount="0.2", **{"from": "app"})
        await gateway.until(lambda: stored(gateway, "part") == "0.20")
        await is_balance(gateway, "0.30")
        await is_balance(gateway, "0.20", "part")


@journey
async def test_a_balance_outlives_a_restart_and_a_reload(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc:
        wanted = money_config(smsc.port, payer())
        async with running(wanted, tmp_path) as gateway:
            await gateway.linked()
            await credit(gateway, "1")
            await credit(gateway, "-0.5")
            client = await gateway.client()
            await client.submit()
            await gateway.emptied()
        async with running(wanted, tmp_path, later_s=60) as gateway:
            await gateway.linked()
            await is_balance(gateway, "0.45")
            dear = PriceList(name="retail", currency="EUR", prices=(Price(price=0.4),))
            changed = replace(money_config(smsc.port, payer(), payer("new")), price_lists=(dear, PRICES[1]))
            await gateway.daemon.reload(changed)
            client = await gateway.client()
            await client.submit()
            await is_balance(gateway, "0.05")
            other = await gateway.client(system_id="new")
            assert await other.status_of_submit() == "ESME_RSUBMITFAIL"
            await gateway.daemon.reload(replace(changed, accounts=[payer("new")]))
            await gateway.daemon.reload(changed)
            assert balance(gateway) == "0.05"


@journey
async def test_what_the_store_cannot_keep_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_smsc() as smsc, running(money_config(smsc.port, payer()), tmp_path) as gateway:
        await gateway.linked()
        await credit(gateway, "1")
        client = await gateway.client()
        submission = gateway.daemon.submission
        forget = submission._committed
        monkeypatch.setattr(submission, "_committed", lambda taken, ok: forget(taken, False))
        response = client.send(submit_sm())
        await gateway.until(lambda: submission.ledger._uncommitted == {} and response.done())
        assert balance(gateway) == "1.00"


@journey
async def test_sixteen_sessions_spend_what_there_is_and_no_more(tmp_path: Path) -> None:
    accounts = (payer(max_binds=20, window=200), payer("part", balance="parent", parent="app", max_binds=20))
    async with simulated_smsc() as smsc, running(money_config(smsc.port, *accounts), tmp_path) as gateway:
        await gateway.linked()
        await credit(gateway, "10")
        clients = [await gateway.client(system_id=name) for name in ("app", "part") for _ in range(8)]

        async def spend(number: int) -> int:
            pdus = [submit_sm(f"7916{number:03d}{n:04d}", registered_delivery=0) for n in range(50)]
            answers = await asyncio.gather(*clients[number].send_together(*pdus))
            return sum(answer.command_status == c.ESME_ROK for answer in answers)

        taken = sum(await asyncio.gather(*map(spend, range(16))))
        assert taken == 200  # of 800
        await gateway.emptied()
        await is_balance(gateway, "0.00")


@journey
async def test_a_cancelled_message_and_another_text(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc, running(money_config(smsc.port, payer()), tmp_path) as gateway:
        await gateway.linked()
        await credit(gateway, "0.20")
        client = await gateway.client()
        later = "270120000000000+"
        message_id = await client.submit(schedule_delivery_time=later)
        await is_balance(gateway, "0.15")

        async def replace_by(text: bytes) -> str:
            pdu = ReplaceSm(message_id=message_id, source_addr="12345", short_message=text)
            return c.status_name((await client.request(pdu)).command_status)

        assert await replace_by(b"of the same length") == "ESME_ROK"
        await is_balance(gateway, "0.15")
        assert await replace_by(b"x" * 200) == "ESME_ROK"
        await is_balance(gateway, "0.10")
        assert await replace_by(b"x" * 254) == "ESME_ROK"
        await is_balance(gateway, "0.10")
        await credit(gateway, "-0.09")
        assert await replace_by(b"one segment again") == "ESME_RSUBMITFAIL"  # its price has to be there
        await credit(gateway, "0.09")
        assert await replace_by(b"one segment again") == "ESME_ROK"
        await is_balance(gateway, "0.15")
        cancel = CancelSm(message_id=message_id, source_addr="12345", destination_addr=DESTINATION)
        assert (await client.request(cancel)).command_status == c.ESME_ROK
        await is_balance(gateway, "0.20")


def mailing(**fields: object) -> Account:
    return payer(mail=AccountMail(networks=ANYBODY), **fields)


@journey
async def test_a_mail_is_paid_whole_or_not_taken(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc:
        configured = with_mail(money_config(smsc.port, mailing()))
        async with running(configured, tmp_path) as gateway:
            await gateway.linked()
            await credit(gateway, "0.12")
            assert gateway.daemon.mail is not None
            port = gateway.daemon.mail.listeners[0].port
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            client = MailClient(reader, writer, each=False)
            await client.reply()
            await client.hello()
            numbers = ("79161200001", "79161200002", "79161200003")
            header_id = "<1@client.example.net>"
            refused = await client.send(mail(header_id=header_id), *to(*numbers))
            assert refused.startswith("451 4.7.1 the account's balance"), refused
            await is_balance(gateway, "0.12")
            await credit(gateway, "0.10")
            for _ in range(2):  # the second time is the same mail, and costs nothing
                taken = await client.send(mail(header_id=header_id), *to(*numbers[:2]))
                assert taken.startswith("250"), taken
                await gateway.emptied()
                await is_balance(gateway, "0.12")
            writer.close()


@journey
async def test_segments_that_are_joined_have_each_their_price(tmp_path: Path) -> None:
    route = Route(connectors=["smsc"], whole=True)
    async with (
        simulated_smsc() as smsc,
        running(money_config(smsc.port, payer(), routes=[route]), tmp_path) as gateway,
    ):
        await gateway.linked()
        await credit(gateway, "1")
        client = await gateway.client()

        def part(number: int, to: str) -> SubmitSm:
            header = bytes((5, 0, 3, 7, 2, number))
            return submit_sm(to, esm_class=c.ESM_CLASS_UDHI, short_message=header + b"part")

        await client.request(part(1, REFUSED))
        await is_balance(gateway, "0.95")
        await client.request(part(2, REFUSED))
        assert {(await client.receipt()).state for _ in range(2)} == {c.REJECTED}
        await is_balance(gateway, "1.00")
        assert smsc.counters.submitted == 1
        for number in (1, 2):
            await client.request(part(number, DESTINATION))
        await gateway.emptied()
        await is_balance(gateway, "0.90")


@journey
async def test_a_route_that_writes_another_alphabet_changes_the_price(tmp_path: Path) -> None:
    route = Route(connectors=["smsc"], text=TextPolicy(transliterate="latin"))
    async with (
        simulated_smsc() as smsc,
        running(money_config(smsc.port, payer(), routes=[route]), tmp_path) as gateway,
    ):
        await gateway.linked()
        await credit(gateway, "1")
        client = await gateway.client()
        await client.submit(text=("п" * 100).encode("utf-16-be"), data_coding=8)
        await is_balance(gateway, "0.95")
