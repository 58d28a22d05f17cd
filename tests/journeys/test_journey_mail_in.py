"""A mail and the SMS it becomes: what it says, from whom, to whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from journey_support import DESTINATION, journey
from mail_journey_support import OTHER, THIRD, mail, mailer, post_office, queue_id, text_of, to

from gateway.config.mail_model import CountryRule, Group
from gateway.config.model import Route


@journey
async def test_a_mail_becomes_this_sms(tmp_path: Path) -> None:
    accounts = [mailer(mail={"subject": "{subject}: ", "source": "Example"})]
    async with post_office(tmp_path, accounts=accounts) as post:
        mail_id = queue_id(await post.send(mail("The disk is full\n", "Subject: Alert")))
        (sms,) = await post.sms()
        pdu: Any = sms.pdu
        assert (sms.source, pdu.source_addr_ton, pdu.source_addr_npi) == ("Example", 5, 0)
        assert (sms.destination, pdu.dest_addr_ton, pdu.dest_addr_npi) == (DESTINATION, 1, 1)
        assert (sms.data_coding, sms.esm_class, sms.text) == (0, 0, b"Alert: The disk is full")
        assert (pdu.protocol_id, pdu.priority_flag, pdu.registered_delivery) == (0, 0, 1)
        await post.settled()
        assert post.ends(mail_id) == ["DELIVERED"]


@journey
async def test_each_recipient_gets_it_once(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        queue_id(await post.send(mail("hello"), *to(DESTINATION, OTHER, THIRD)))
        assert await post.texts(3) == [(DESTINATION, "hello"), (OTHER, "hello"), (THIRD, "hello")]
        await post.settled()
        assert len(post.smsc.received) == 3


@journey
async def test_a_group_is_each_of_its_numbers(tmp_path: Path) -> None:
    groups = [Group(name="Ops", numbers=[f"+{DESTINATION}", OTHER])]
    async with post_office(tmp_path, mail={"groups": groups}) as post:
        queue_id(await post.send(mail("down"), *to("ops")))
        assert await post.texts(2) == [(DESTINATION, "down"), (OTHER, "down")]


@journey
async def test_the_accounts_name_is_its_fixed_recipients(tmp_path: Path) -> None:
    accounts = [mailer(mail={"recipients": [OTHER, THIRD]})]
    async with post_office(tmp_path, accounts=accounts) as post:
        queue_id(await post.send(mail("down"), *to("app")))
        assert await post.texts(2) == [(OTHER, "down"), (THIRD, "down")]


@pytest.mark.parametrize(
    ("option", "octets"),
    [
        ("numbers_in_subject", mail("down", f"Subject: +{OTHER}, {THIRD}")),
        ("numbers_in_body", mail(f"{OTHER}; {THIRD}\ndown", "Subject: shown")),
    ],
)
def test_numbers_in_the_mail_go_before_the_fixed_recipients(
    tmp_path: Path, option: str, octets: bytes
) -> None:
    @journey
    async def run() -> None:
        accounts = [mailer(mail={option: True, "recipients": [DESTINATION]})]
        async with post_office(tmp_path, accounts=accounts) as post:
            queue_id(await post.send(octets, *to("app")))
            assert await post.texts(2) == [(OTHER, "down"), (THIRD, "down")]
            queue_id(await post.send(mail("nobody is named"), *to("app")))
            assert (DESTINATION, "nobody is named") in await post.texts(3)

    run()


@journey
async def test_digits_are_text_in_a_mail_whose_address_says_the_number(tmp_path: Path) -> None:
    read = {"numbers_in_subject": True, "numbers_in_body": True, "subject": "{subject}: "}
    accounts = [mailer(mail=read)]
    octets = mail(f"{THIRD}\ndown", f"Subject: {OTHER}")
    async with post_office(tmp_path, accounts=accounts, lmtp=tmp_path / "lmtp") as post:
        queue_id(await post.send(octets, *to(DESTINATION)))
        assert await post.texts(1) == [(DESTINATION, f"{OTHER}: {THIRD}\ndown")]
        queue_id(await (await post.lmtp()).send(octets, *to(DESTINATION, "app")))
        assert (await post.texts(3))[1:] == [
            (DESTINATION, f"{OTHER}: {THIRD}\ndown"),
            (OTHER, f"{THIRD}\ndown"),
        ]


@journey
async def test_a_mail_to_the_account_that_names_nobody_is_refused(tmp_path: Path) -> None:
    accounts = [mailer(mail={"numbers_in_subject": True})]
    async with post_office(tmp_path, accounts=accounts) as post:
        reply = await post.send(mail("down", "Subject: hello"), *to("app"))
        assert reply.startswith("550 5.1.3 ")
        await post.settled()
        assert not post.smsc.received


@journey
async def test_attributes_in_the_address(tmp_path: Path) -> None:
    accounts = [mailer(allowed_sources=["Example", "INFO"], mail={"source": "Example"})]
    async with post_office(tmp_path, accounts=accounts) as post:
        client = await post.client()
        long = mail("word " * 100)
        queue_id(await client.send(long, *to(f"/id={DESTINATION}/from=INFO/maxpages=2/")))
        parts = await post.sms(2)
        assert [(it.source, it.destination) for it in parts] == [("INFO", DESTINATION)] * 2
        assert parts[1].text.endswith(b"...")
        queue_id(await client.send(long, *to(f"/id={OTHER}/maxlen=20/")))
        sms = (await post.sms(3))[2]
        assert (sms.source, sms.destination) == ("Example", OTHER)
        assert len(sms.text) <= 20 and sms.text.endswith(b"...")
        reply = await client.send(long, *to(f"/id={DESTINATION}/from=OTHER/"))
        assert reply.startswith("550 5.7.1 ")
        await post.settled()
        assert len(post.smsc.received) == 3


@journey
async def test_country_rules_make_a_number_international(tmp_path: Path) -> None:
    rules = [CountryRule(prefix="8", length=11, replace="7")]
    async with post_office(tmp_path, mail={"country_rules": rules}) as post:
        queue_id(await post.send(mail(), *to('"8 (916) 120-00-01"')))
        (sms,) = await post.sms()
        assert sms.destination == "79161200001"


@journey
async def test_a_long_text_goes_in_segments_up_to_the_limit(tmp_path: Path) -> None:
    accounts = [mailer(mail={"max_segments": 3})]
    text = "".join(f"{n:04}-" for n in range(80))  # 400 characters
    async with post_office(tmp_path, accounts=accounts) as post:
        queue_id(await post.send(mail(text)))
        parts = await post.sms(3)
        assert "".join(map(text_of, parts)) == text
        assert [it.udh[-2:] for it in parts] == [b"\3\1", b"\3\2", b"\3\3"]
        await post.settled()
        queue_id(await post.send(mail(text * 2)))
        cut = "".join(map(text_of, (await post.sms(6))[3:]))
        assert cut.endswith("...") and (text * 2).startswith(cut[:-3]) and 440 <= len(cut) <= 459
        await post.settled()
        assert len(post.smsc.received) == 6


@journey
async def test_a_text_over_the_limit_is_refused_where_the_account_wants_it(tmp_path: Path) -> None:
    accounts = [mailer(mail={"max_segments": 1, "over_limit": "reject"})]
    async with post_office(tmp_path, accounts=accounts) as post:
        assert (await post.send(mail("x" * 161))).startswith("554 5.2.3 ")
        queue_id(await post.send(mail("x" * 160)))
        assert await post.texts() == [(DESTINATION, "x" * 160)]


@journey
async def test_what_gsm_has_not_goes_as_ucs2(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        queue_id(await post.send(mail("Диск полон", "Subject: =?utf-8?B?0JDQu9Cw0YDQvA==?=")))
        (sms,) = await post.sms()
        assert (sms.data_coding, sms.text.decode("utf-16-be")) == (8, "Диск полон")


@pytest.mark.parametrize(
    ("transliterate", "text", "expected"),
    [
        ("typography", "“Disk” – full…", (0, '"Disk" - full...')),
        ("none", "“Disk”", (8, "“Disk”")),
        ("all", "Диск полон", (0, "Disk polon")),
    ],
)
def test_transliteration(tmp_path: Path, transliterate: str, text: str, expected: tuple[int, str]) -> None:
    @journey
    async def run() -> None:
        accounts = [mailer(mail={"transliterate": transliterate})]
        async with post_office(tmp_path, accounts=accounts) as post:
            queue_id(await post.send(mail(text)))
            (sms,) = await post.sms()
            assert (sms.data_coding, text_of(sms)) == expected

    run()


@pytest.mark.parametrize(("field", "priority"), [("X-Priority: 1", 3), ("Importance: high", 2), ("", 0)])
def test_the_mails_priority_is_the_sms_priority(tmp_path: Path, field: str, priority: int) -> None:
    @journey
    async def run() -> None:
        async with post_office(tmp_path) as post:
            queue_id(await post.send(mail("hello", *filter(None, [field]))))
            pdu: Any = (await post.sms())[0].pdu
            assert pdu.priority_flag == priority

    run()


@journey
async def test_an_empty_mail(tmp_path: Path) -> None:
    accounts = [mailer(), mailer("bin", mail={"networks": (), "empty": "discard"})]
    async with post_office(tmp_path, accounts=accounts) as post:
        assert (await post.send(mail("\n"))).startswith("554 5.6.0 ")
        client = await post.client()
        assert (await client.login("bin")).startswith("235")
        assert (await client.send(mail(" \n"))).startswith("250 2.0.0 nothing to send")
        await post.settled()
        assert not post.smsc.received


@journey
async def test_a_recipient_without_a_route_is_refused_and_the_others_go(tmp_path: Path) -> None:
    routes = [Route(prefix="7", connectors=["smsc"])]
    async with post_office(tmp_path, routes=routes) as post:
        client = await post.client()
        replies = await client.envelope(*to(DESTINATION, "4915112345678", OTHER))
        assert [reply.split()[:2] for reply in replies] == [
            ["250", "2.1.0"],
            ["250", "2.1.5"],
            ["550", "5.4.4"],
            ["250", "2.1.5"],
        ]
        queue_id((await client.data(mail()))[0])
        assert await post.texts(2) == [(DESTINATION, "hello"), (OTHER, "hello")]
        await post.settled()
        assert len(post.smsc.received) == 2
