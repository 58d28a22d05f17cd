"""The service's own form: whom a mail to `send@` goes to, for whom and how, says its text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from journey_support import DESTINATION, PASSWORD, Gateway, account, journey
from mail_journey_support import (
    OTHER,
    THIRD,
    UNREACHABLE,
    Post,
    mail,
    mailer,
    post_office,
    queue_id,
    text_of,
    to,
)

from gateway.config.mail_model import Group
from gateway.config.model import Account
from gateway.config.secret import Secret
from gateway.core.api_keys import hash_key, new_key

KEY = new_key()
SERVICE = to("send")
WRONG = "535 5.7.8 unknown login or wrong password"


def customer(**mail_options: Any) -> Account:
    """An account that sends by the form, from anywhere, and by no other way."""
    options = {"networks": (), "service_form": True, "source": "Example", **mail_options}
    return mailer(mail=options, api_keys=[Secret(hash_key(KEY))])


def form(text: str, *, login: str = f"app:{PASSWORD}", rest: str = "::,,,", to: str = DESTINATION) -> bytes:
    """A mail with the form; `rest` is id:time,tz:translit,format,sender,test."""
    return mail(f"{login}:{rest}:{to}:{text}")


async def refused(post: Post, octets: bytes, code: str) -> str:
    """The reply to a mail that is refused, and of which nothing goes."""
    reply = await post.send(octets, *SERVICE)
    assert reply.startswith(code + " "), reply
    await post.settled()
    assert not post.smsc.received
    return reply


def never_told(gateway: Gateway, *secrets: str) -> bool:
    return not any(secret in line for line in gateway.lines for secret in secrets)


# -- what is sent --------------------------------------------------------------------------------------


@journey
async def test_the_form(tmp_path: Path) -> None:
    async with post_office(tmp_path, accounts=[customer()]) as post:
        octets = form("Meeting at 10: room 5", rest="order-7:,:0,0,Desk,0", to=f"+{DESTINATION}, {OTHER}")
        mail_id = queue_id(await post.send(octets, *SERVICE))
        assert await post.texts(2) == [
            (DESTINATION, "Meeting at 10: room 5"),
            (OTHER, "Meeting at 10: room 5"),
        ]
        assert {it.source for it in post.smsc.received} == {"Desk"}
        found = post.gateway.reader.mail(int(mail_id))
        assert found is not None and (found["client_id"], found["account"]) == ("order-7", "app")


@journey
async def test_the_list(tmp_path: Path) -> None:
    async with post_office(tmp_path, accounts=[customer()]) as post:
        lines = f"{DESTINATION}:first\\nline\n{OTHER},{THIRD};second\nDesk|{DESTINATION}:third"
        queue_id(await post.send(form(lines, to=""), *SERVICE))
        sent = sorted((it.source, it.destination, text_of(it)) for it in await post.sms(4))
        assert sent == [
            ("Desk", DESTINATION, "third"),
            ("Example", DESTINATION, "first\nline"),
            ("Example", OTHER, "second"),
            ("Example", THIRD, "second"),
        ]


@journey
async def test_what_names_no_charset_is_koi8_r(tmp_path: Path) -> None:
    async with post_office(tmp_path, accounts=[customer()]) as post:
        octets = mail(f"app:{PASSWORD}:::,,,:{DESTINATION}:Привет".encode("koi8-r"))
        queue_id(await post.send(octets, *SERVICE))
        assert await post.texts() == [(DESTINATION, "Привет")]
        queue_id(await post.send(form("Привет", rest="::1,,,"), *SERVICE))  # in UTF-8, transliterated
        assert (DESTINATION, "Privet") in await post.texts(2)


@journey
async def test_the_frame_keeps_out_what_mail_programs_add(tmp_path: Path) -> None:
    async with post_office(tmp_path, accounts=[customer()]) as post:
        text = f"Dear all,\n\n[text]app:{PASSWORD}:::,,,:{DESTINATION}:Only this[/text]\n-- \nThe desk"
        queue_id(await post.send(mail(text), *SERVICE))
        queue_id(await post.send(form("[TEXT]And this[/TEXT]\nsent from a phone"), *SERVICE))
        assert await post.texts(2) == [(DESTINATION, "And this"), (DESTINATION, "Only this")]


@journey
async def test_groups_of_the_form(tmp_path: Path) -> None:
    groups = [
        Group(name="1", numbers=[DESTINATION, OTHER]),
        Group(name="G2", numbers=[THIRD]),
        Group(name="3", numbers=[THIRD], accounts=["other"]),
    ]
    async with post_office(tmp_path, accounts=[customer()], mail={"groups": groups}) as post:
        await refused(post, form("hello", to="G3"), "550 5.1.3")
        queue_id(await post.send(form("hello", to=f"G1,g2,{OTHER}"), *SERVICE))
        assert await post.texts(3) == [(it, "hello") for it in (DESTINATION, OTHER, THIRD)]
        await post.settled()
        assert len(post.smsc.received) == 3


@pytest.mark.parametrize(("text", "data_coding"), [("at once", 0x10), ("сразу", 0x18)])
def test_flash(tmp_path: Path, text: str, data_coding: int) -> None:
    @journey
    async def run() -> None:
        async with post_office(tmp_path, accounts=[customer()]) as post:
            queue_id(await post.send(form(text, rest="::,1,,"), *SERVICE))
            (sms,) = await post.sms()
            assert (sms.data_coding, text_of(sms)) == (data_coding, text)

    run()


@journey
async def test_hex_with_a_user_data_header(tmp_path: Path) -> None:
    async with post_office(tmp_path, accounts=[customer()]) as post:
        digits = "06 0504 1582 0000 CAFE".replace(" ", "")
        queue_id(await post.send(form(digits + "\n~~~\npid: 64, dcs: 245", rest="::,5,,"), *SERVICE))
        (sms,) = await post.sms()
        pdu: Any = sms.pdu
        assert sms.user_data == bytes.fromhex(digits)
        assert (sms.esm_class, pdu.protocol_id, sms.data_coding) == (0x40, 64, 245)
        queue_id(await post.send(form("00CAFE", rest="::,5,,"), *SERVICE))
        sms = (await post.sms(2))[1]
        assert (sms.user_data, sms.esm_class, sms.data_coding) == (b"\xca\xfe", 0, 4)


@pytest.mark.parametrize("time", ["+30,", "1501271130,", "1501271230,1", "01800001800,"])
def test_a_time_to_send_at(tmp_path: Path, time: str) -> None:
    # The clock of journeys begins on 15 January 2027 at 08:00 in UTC, 11:00 in Moscow.
    @journey
    async def run() -> None:
        async with post_office(tmp_path, accounts=[customer()], default_validity_h=1) as post:
            mail_id = queue_id(await post.send(form("later", rest=f":{time}:,,,"), *SERVICE))
            post.gateway.clock.advance(1790)
            await post.gateway.ticked()
            assert post.ends(mail_id) == ["QUEUED"] and not post.smsc.received
            post.gateway.clock.advance(10)
            assert await post.texts() == [(DESTINATION, "later")]

    run()


@journey
async def test_a_test_checks_everything_and_sends_nothing(tmp_path: Path) -> None:
    async with post_office(tmp_path, accounts=[customer()]) as post:
        reply = await post.send(form("hello", rest="::,,,1", to=f"{DESTINATION},{OTHER}"), *SERVICE)
        assert reply.startswith("250 2.0.0 test passed, nothing sent: 2 SMS")
        await refused(post, form("hello", rest="::,,,1", to="12"), "550 5.1.3")
        assert not post.gateway.daemon.submission.accepted


@journey
async def test_what_fails_is_reported_without_the_form(tmp_path: Path) -> None:
    async with post_office(tmp_path, accounts=[customer()]) as post:
        client = await post.client()
        queue_id(await client.send(form("hello", to=UNREACHABLE), *SERVICE, options=" RET=FULL"))
        (got,) = await post.letters()
        assert got.report["action"] == "failed"
        assert f"app:{PASSWORD}".encode() not in got.content


@journey
async def test_the_same_form_again_is_not_sent_again(tmp_path: Path) -> None:
    async with post_office(tmp_path, accounts=[customer()]) as post:
        octets = mail(f"app:{PASSWORD}:::,,,:{DESTINATION}:once", header_id="<1@client.example.net>")
        assert await post.send(octets, *SERVICE) == await post.send(octets, *SERVICE)
        await post.settled()
        assert len(post.smsc.received) == 1


# -- who may -------------------------------------------------------------------------------------------


@journey
async def test_an_empty_login_makes_the_password_an_api_key(tmp_path: Path) -> None:
    async with post_office(tmp_path, accounts=[customer()]) as post:
        assert await refused(post, form("hello", login=f":{KEY}x"), "535 5.7.8") == WRONG
        assert await refused(post, form("hello", login=f":{PASSWORD}"), "535 5.7.8") == WRONG
        queue_id(await post.send(form("hello", login=f":{KEY}"), *SERVICE))
        assert await post.texts() == [(DESTINATION, "hello")]
        assert never_told(post.gateway, KEY)


@journey
async def test_wrong_passwords_and_unknown_logins_are_the_same(tmp_path: Path) -> None:
    async with post_office(tmp_path, accounts=[customer(), account("smpp")]) as post:
        for login in ("app:wrong-word", "unknown:pw", "smpp:wrong-word", "app:"):
            assert await refused(post, form("hello", login=login), "535 5.7.8") == WRONG
        assert never_told(post.gateway, "wrong-word")


@pytest.mark.parametrize(
    "refusing",
    [
        account("app"),
        customer(service_form=False),
        replace(customer(), blocked=True),
    ],
    ids=["no mail", "no form", "blocked"],
)
def test_accounts_that_may_not(tmp_path: Path, refusing: Account) -> None:
    @journey
    async def run() -> None:
        async with post_office(
            tmp_path, accounts=[mailer("other", mail={"service_form": True}), refusing]
        ) as post:
            await refused(post, form("hello"), "550 5.7.1")

    run()


@journey
async def test_strangers_mails_are_not_even_read_where_no_account_takes_the_form(tmp_path: Path) -> None:
    accounts = [customer(service_form=False), mailer("other")]
    async with post_office(tmp_path, accounts=accounts) as post:
        client = await post.client()
        assert (await client.envelope(*SERVICE))[1].startswith("550 5.1.1 ")
        await client.say("RSET")
        await post.reload(accounts=[customer(service_form=False)])
        assert (await client.envelope(*SERVICE))[1].startswith("530 5.7.0 ")
        await client.say("RSET")
        await post.reload(accounts=[customer()])
        assert (await client.envelope(*SERVICE))[1].startswith("250 2.1.5 ")


@journey
async def test_only_the_form_needs_no_account(tmp_path: Path) -> None:
    async with post_office(tmp_path, accounts=[customer()]) as post:
        client = await post.client()
        replies = await client.envelope(*to("send", DESTINATION, "app", "ops"))
        assert [reply[:9] for reply in replies[1:]] == ["250 2.1.5", *["530 5.7.0"] * 3]
        queue_id((await client.data(form("hello")))[0])
        assert (await client.send(mail("hello"), "<send@elsewhere.example>")).startswith("554 5.7.1 ")
        assert await post.texts() == [(DESTINATION, "hello")]


@journey
async def test_the_accounts_limits_count(tmp_path: Path) -> None:
    limited = replace(customer(senders=["@example.net"], max_segments=1), allowed_sources=["Example"])
    async with post_office(tmp_path, accounts=[limited], mail={"max_per_pair_h": 1}) as post:
        await refused(post, form("x" * 161), "554 5.2.3")
        await refused(post, form("hello", rest="::,,Desk,"), "550 5.7.1")
        other = mail(f"app:{PASSWORD}:::,,,:{DESTINATION}:hello", author="a@elsewhere.example")
        await refused(post, other, "550 5.7.1")
        queue_id(await post.send(form("hello"), *SERVICE))
        assert (await post.send(form("hello"), *SERVICE)).startswith("450 4.7.1 ")
        assert (await post.send(form("hello", to=OTHER), *SERVICE, sender="a@b.example")).startswith("553 ")


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (form("hello", rest="::,7,,"), "550 5.5.4"),
        (form("hello", rest="::,12,,"), "550 5.5.4"),
        (form("hello", rest=":tomorrow:,,,"), "550 5.5.4"),
        (form("hello", to="12"), "550 5.1.3"),
        (form("hello", to=f"{DESTINATION},12"), "550 5.1.3"),
        (form("xyz", rest="::,5,,"), "550 5.5.4"),
        (form(""), "550 5.5.4"),
        (mail("hello"), "550 5.5.4"),
    ],
    ids=["MMS", "unknown", "time", "phone", "one phone", "hex", "text", "none"],
)
def test_malformed_ones_are_refused(tmp_path: Path, octets: bytes, code: str) -> None:
    @journey
    async def run() -> None:
        async with post_office(tmp_path, accounts=[customer()]) as post:
            await refused(post, octets, code)

    run()
