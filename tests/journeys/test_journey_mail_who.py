"""Who may send: by address, by login, as whom, to whose groups."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from ipaddress import ip_network
from pathlib import Path

import pytest
from journey_support import DESTINATION, HOST, account, journey
from mail_journey_support import OTHER, SENDER, THIRD, Post, mail, mailer, post_office, queue_id, to

from gateway.config.mail_model import Group
from gateway.config.model import TlsServer

ELSEWHERE = (ip_network("192.0.2.0/24"),)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TlsServer:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("pki")
    command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", "/CN=sms.example.org", "-addext", f"subjectAltName=IP:{HOST}"]
    files = ["-out", "it.pem", "-keyout", "it.key"]
    subprocess.run([*command.split(), *names, *files], cwd=folder, check=True, capture_output=True)
    return TlsServer(certificate=folder / "it.pem", key=folder / "it.key")


async def nothing_went(post: Post) -> None:
    await post.settled()
    assert not post.smsc.received


# -- by address ----------------------------------------------------------------------------------------


@journey
async def test_an_address_belongs_to_the_account_whose_networks_hold_it(tmp_path: Path) -> None:
    accounts = [
        mailer("far", mail={"networks": ELSEWHERE, "source": "far"}),
        mailer("near", mail={"source": "near"}),
    ]
    async with post_office(tmp_path, accounts=accounts) as post:
        queue_id(await post.send(mail()))
        assert [it.source for it in await post.sms()] == ["near"]
        assert "account=near" in await post.gateway.said("mail_taken")


@journey
async def test_security_46_whoever_is_nobody_may_not_send(tmp_path: Path) -> None:
    accounts = [mailer(mail={"networks": ELSEWHERE})]
    async with post_office(tmp_path, accounts=accounts) as post:
        client = await post.client()
        assert (await client.send(mail(), *to(DESTINATION))).startswith("530 5.7.0 ")
        assert (await client.send(mail(), f"<{DESTINATION}@elsewhere.example>")).startswith("554 5.7.1 ")
        await nothing_went(post)


@pytest.mark.parametrize(
    "recipient",
    [
        f"<{DESTINATION}@elsewhere.example>",
        f"<{DESTINATION}%elsewhere.example@sms.example.org>",
        f"<@elsewhere.example:{DESTINATION}@sms.example.org>",
        f'<"{DESTINATION}@elsewhere.example"@sms.example.org>',
        f"<{DESTINATION}!elsewhere@sms.example.org>",
    ],
)
def test_security_46_nobody_relays_through_us(tmp_path: Path, recipient: str) -> None:
    @journey
    async def run() -> None:
        async with post_office(tmp_path) as post:
            assert (await post.send(mail(), recipient)).startswith("554 5.7.1 ")
            await nothing_went(post)

    run()


# -- by login ------------------------------------------------------------------------------------------


@journey
async def test_a_login_chooses_the_account(tmp_path: Path) -> None:
    accounts = [mailer(mail={"source": "relay"}), mailer("other", mail={"networks": (), "source": "other"})]
    async with post_office(tmp_path, accounts=accounts) as post:
        client = await post.client()
        assert (await client.login("other")).startswith("235 2.7.0 ")
        queue_id(await client.send(mail()))
        assert [it.source for it in await post.sms()] == ["other"]


@journey
async def test_bad_logins_are_refused_and_do_not_tell_why(tmp_path: Path) -> None:
    accounts = [
        mailer(),
        mailer("blocked", mail={"networks": ()}, blocked=True),
        account("smpp"),
        mailer("far", mail={"networks": ()}, allowed_addresses=ELSEWHERE),
    ]
    async with post_office(tmp_path, accounts=accounts) as post:
        replies = set()
        for name, password, reason in (
            ("app", "wrong", "unknown name or bad password"),
            ("unknown", "pw", "unknown name or bad password"),
            ("smpp", "pw", "unknown name or bad password"),
            ("blocked", "pw", "blocked"),
            ("far", "pw", "allowed_addresses"),
        ):
            client = await post.client()
            replies.add(await client.login(name, password))
            client.hang_up()
            await post.gateway.said("mail_login_refused", f"account={name}", reason)
            post.gateway.clock.advance(11)  # such lines come seldom
        (reply,) = replies
        assert reply.startswith("535 5.7.8 ")


def test_a_login_needs_tls(tmp_path: Path, tls: TlsServer) -> None:
    @journey
    async def run() -> None:
        accounts = [mailer(mail={"networks": ()})]
        trusting = ssl.create_default_context(cafile=str(tls.certificate))
        async with post_office(tmp_path, accounts=accounts, smtp={"tls": tls}) as post:
            client = await post.connect()
            offer = await client.hello()
            assert "STARTTLS" in offer and "AUTH" not in offer
            assert (await client.login("app")).startswith("538 5.7.11 ")
            await client.start_tls(trusting)
            offer = await client.hello()
            assert "AUTH PLAIN LOGIN" in offer and "STARTTLS" not in offer
            assert (await client.send(mail())).startswith("530 5.7.0 ")
            assert (await client.login("app", "wrong")).startswith("535 5.7.8 ")
            assert (await client.login("app")).startswith("235 2.7.0 ")
            queue_id(await client.send(mail()))
            assert await post.texts() == [(DESTINATION, "hello")]
            await post.settled()
            assert len(post.smsc.received) == 1

    run()


# -- as whom -------------------------------------------------------------------------------------------

SENDERS = {"senders": ["ops@example.org", "@alerts.example.org"]}


@pytest.mark.parametrize(
    ("envelope", "author", "code"),
    [
        ("ops@example.org", "ops@example.org", "250 2.0.0"),
        ("db1@alerts.example.org", "Alerts <ops@example.org>", "250 2.0.0"),
        ("", "ops@example.org", "250 2.0.0"),
        ("other@example.org", "ops@example.org", "553 5.7.1"),
        ("x@sub.alerts.example.org", "ops@example.org", "553 5.7.1"),
        ("ops@example.org", "other@example.org", "550 5.7.1"),
        ("ops@example.org", "ops@example.org, other@example.org", "550 5.7.1"),
        ("ops@example.org", '"ops@example.org" <other@example.org>', "550 5.7.1"),
        ("ops@example.org", "ops@example.org (", "550 5.7.1"),
        ("ops@example.org", "ops@example.org\r\nSender: other@example.org", "550 5.7.1"),
    ],
)
def test_security_47_senders_are_those_of_the_account(
    tmp_path: Path, envelope: str, author: str, code: str
) -> None:
    @journey
    async def run() -> None:
        async with post_office(tmp_path, accounts=[mailer(mail=SENDERS)]) as post:
            reply = await post.send(mail(author=author), sender=envelope)
            assert reply.startswith(code + " "), reply
            await post.settled()
            assert len(post.smsc.received) == (code == "250 2.0.0")

    run()


@journey
async def test_an_account_without_senders_may_be_anybody(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        queue_id(await post.send(mail(author="nonsense, <"), sender="anybody@elsewhere.example"))
        await post.sms()


# -- to whose groups -----------------------------------------------------------------------------------


@journey
async def test_groups_and_names_of_other_accounts_are_not_ours(tmp_path: Path) -> None:
    accounts = [
        mailer(mail={"recipients": [THIRD]}),
        mailer("other", mail={"networks": (), "recipients": ["79161200004"]}),
    ]
    groups = [
        Group(name="ours", numbers=[DESTINATION], accounts=["app", "other"]),
        Group(name="theirs", numbers=[OTHER], accounts=["other"]),
    ]
    mails = {"groups": groups, "rejected_text": "ask the desk about {address}"}
    async with post_office(tmp_path, accounts=accounts, mail=mails) as post:
        client = await post.client()
        replies = await client.envelope(*to("ours", "theirs", "other", "app"))
        assert [reply[:9] for reply in replies[1:]] == [
            "250 2.1.5",
            "550 5.1.1",
            "550 5.1.1",
            "250 2.1.5",
        ]
        assert replies[2] == "550 5.1.1 ask the desk about theirs@sms.example.org"
        queue_id((await client.data(mail()))[0])
        assert (await client.login("other")).startswith("235")
        queue_id(await client.send(mail("other"), *to("theirs", "other")))
        assert await post.texts(4) == [
            (DESTINATION, "hello"),
            (OTHER, "other"),
            (THIRD, "hello"),
            ("79161200004", "other"),
        ]


# -- how often -----------------------------------------------------------------------------------------


@journey
async def test_beyond_the_hours_share_a_pair_has_to_wait(tmp_path: Path) -> None:
    async with post_office(tmp_path, mail={"max_per_pair_h": 2}) as post:
        client = await post.client()
        for text in ("1", "2"):
            queue_id(await client.send(mail(text)))
        assert (await client.send(mail("3"))).startswith("450 4.7.1 ")
        assert (await client.send(mail("3"), *to(OTHER, DESTINATION))).startswith("450 4.7.1 ")
        queue_id(await client.send(mail("4"), sender="b@example.net"))
        queue_id(await client.send(mail("5"), *to(OTHER)))
        # Without an envelope sender From counts.
        assert (await client.send(mail("3"), sender="")).startswith("450 4.7.1 ")
        await post.settled()  # the hour is none that the SMSC has not answered in
        post.gateway.clock.advance(3599)
        assert (await client.send(mail("3"))).startswith("450 4.7.1 ")
        post.gateway.clock.advance(2)
        queue_id(await client.send(mail("3")))
        assert [text for _, text in await post.texts(5)] == ["1", "2", "3", "4", "5"]
        await post.settled()
        assert len(post.smsc.received) == 5


# -- what goes in circles ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (mail("hello", *["Received: by a.example.net; Fri, 15 Jan 2027 08:00:00 +0000"] * 51), "554 5.4.6"),
        (mail("hello", "X-SMSC-Gateway: 77@sms.example.org"), "554 5.4.6"),
        (mail("hello", 'Content-Type: multipart/report; boundary="b"'), "554 5.7.1"),
        (mail("hello", "Auto-Submitted: auto-replied"), "554 5.7.1"),
        (mail("hello", *["Received: by a.example.net; Fri, 15 Jan 2027 08:00:00 +0000"] * 50), "250 2.0.0"),
        (mail("hello", "X-SMSC-Gateway: 77@sms.elsewhere.example"), "250 2.0.0"),
    ],
    ids=["hops", "own", "report", "reply", "few hops", "another gateway"],
)
def test_security_57_loops_end_here(tmp_path: Path, octets: bytes, code: str) -> None:
    @journey
    async def run() -> None:
        async with post_office(tmp_path) as post:
            reply = await post.send(octets)
            assert reply.startswith(code + " "), reply
            await post.settled()
            assert len(post.smsc.received) == (code == "250 2.0.0")
            assert not post.sink.mails

    run()


@journey
async def test_security_57_what_we_wrote_ourselves_does_not_come_back_in(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        queue_id(await post.send(mail("hello"), *to("79161299002")))
        (report,) = await post.letters()
        assert (await post.send(report.content, sender="")).startswith("554 5.")
        # Some mail servers forward it to us as a new mail; the trace is still in it.
        lines = report.content.split(b"\r\n")
        (trace,) = [line for line in lines if line.lower().startswith(b"x-smsc-gateway:")]
        assert (await post.send(mail("hello", trace.decode(), author=SENDER))).startswith("554 5.4.6 ")
