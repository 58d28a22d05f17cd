"""AUTH: what a client may say, when, and whom it makes of it."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from base64 import b64encode
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from smtp_support import HOST, PASSWORD, TO, Client, listening, mail_account, on_loops, served, trusting

from gateway.core import logins
from gateway.ingress.smtp_auth import credentials
from gateway.ingress.smtp_listener import SmtpListener
from protocols.mail.errors import MailError


def b64(text: str | bytes) -> str:
    return b64encode(text.encode() if isinstance(text, str) else text).decode()


def plain(name: str = "app", password: str = PASSWORD, identity: str = "") -> str:
    return "AUTH PLAIN " + b64(f"{identity}\0{name}\0{password}")


def exchanged(argument: str, *lines: bytes) -> tuple[tuple[str, str], list[bytes]]:
    """What `credentials` makes of an argument and of the answers to its challenges, and the challenges."""
    asked: list[bytes] = []
    answers = list(lines)

    async def ask(challenge: bytes) -> bytes:
        asked.append(challenge)
        return answers.pop(0)

    found = asyncio.run(credentials(argument, ask))
    assert not answers
    return found, asked


USERNAME, PASSWORD_PLEASE = b"334 VXNlcm5hbWU6", b"334 UGFzc3dvcmQ6"


@pytest.mark.parametrize(
    ("argument", "lines", "asked"),
    [
        ("PLAIN AGFwcABwdw==", [], []),
        ("plain YXBwAGFwcABwdw==", [], []),  # the identity repeats the name
        ("PLAIN", [b"AGFwcABwdw==\r\n"], [b"334 "]),
        ("LOGIN", [b"YXBw\r\n", b"cHc=\r\n"], [USERNAME, PASSWORD_PLEASE]),
        ("Login YXBw", [b"cHc=\r\n"], [PASSWORD_PLEASE]),
    ],
)
def test_mechanisms(argument: str, lines: list[bytes], asked: list[bytes]) -> None:
    assert exchanged(argument, *lines) == (("app", "pw"), asked)


def test_names_and_passwords_are_any_unicode() -> None:
    assert exchanged("PLAIN " + b64("\0имя\0пароль ✓"))[0] == ("имя", "пароль ✓")
    assert exchanged("LOGIN =", b"=\r\n")[0] == ("", "")


@pytest.mark.parametrize(
    ("argument", "lines", "code"),
    [
        ("", [], "501 5.5.4"),
        ("PLAIN a b", [], "501 5.5.4"),
        ("CRAM-MD5", [], "504 5.5.4"),
        ("PLAIN !!!!", [], "501 5.5.2"),
        ("PLAIN пароль", [], "501 5.5.2"),
        ("PLAIN \udcff", [], "501 5.5.2"),
        ("PLAIN " + b64("no NUL"), [], "501 5.5.2"),
        ("PLAIN " + b64("\0a\0b\0c"), [], "501 5.5.2"),
        ("PLAIN " + b64(b"\0a\0\xff"), [], "501 5.5.2"),
        ("PLAIN " + b64("boss\0app\0pw"), [], "535 5.7.8"),
        ("PLAIN", [b"*\r\n"], "501 5.7.0"),
        ("PLAIN", [b"AGFwcABwdw\r\n"], "501 5.5.2"),
        ("LOGIN", [b"YXBw\r\n", b"*\r\n"], "501 5.7.0"),
        ("LOGIN", [b"YXBw\r\n", b"\xff\r\n"], "501 5.5.2"),
        ("LOGIN " + b64(b"\xff"), [b"cHc=\r\n"], "501 5.5.2"),
    ],
)
def test_what_cannot_be_read(argument: str, lines: list[bytes], code: str) -> None:
    with pytest.raises(MailError) as caught:
        exchanged(argument, *lines)
    assert caught.value.code == code


# -- on the wire ---------------------------------------------------------------------------------------


async def secure(client: Client, pki: Path) -> Client:
    await client.starttls(trusting(pki))
    assert "250-AUTH PLAIN LOGIN" in (await client.say("EHLO x")).splitlines()
    return client


@on_loops
async def test_a_login_makes_the_account(pki: Path) -> None:
    async with listening(trusted=False, tls=served(pki)) as server:
        for lines in (
            [plain()],
            ["AUTH PLAIN", b64("\0app\0pw")],
            ["AUTH LOGIN", b64("app"), b64("pw")],
            ["AUTH LOGIN " + b64("app"), b64("pw")],
        ):
            client = await secure(await server.client(), pki)
            assert (await client.replies(*lines))[-1] == "235 2.7.0 welcome"
            await client.envelope()
            assert (await client.data()).startswith("250")
            assert server.intake.mails[-1][0] is server.accounts["app"]
            await client.say("RSET")
            assert await client.code(plain()) == "503 5.5.1"  # once is enough (RFC 4954 §4)


@on_loops
async def test_security_42_no_auth_in_the_clear(pki: Path) -> None:
    async with listening(trusted=False, tls=served(pki)) as server:
        client = await server.connect()
        assert "AUTH" not in await client.begin()
        assert await client.code(plain()) == "538 5.7.11"
        assert await client.code("AUTH LOGIN") == "538 5.7.11"


@on_loops
async def test_auth_in_the_clear_from_a_network_that_is_trusted() -> None:
    other = mail_account("other")
    async with listening(accounts=[mail_account(), other]) as server:
        client = await server.connect()
        assert "250-AUTH PLAIN LOGIN" in await client.begin()
        assert await client.code(plain("other")) == "235 2.7.0"
        await client.envelope()
        await client.data()
        assert server.intake.mails[0][0] is other


@on_loops
async def test_who_may_not_log_in() -> None:
    accounts = [
        mail_account(),
        mail_account("smpp", mail=None),
        mail_account("blocked", blocked=True),
        mail_account("elsewhere", allowed_addresses=[ip_network("10.0.0.0/8")]),
        mail_account("here", allowed_addresses=[ip_network("127.0.0.0/8")]),
    ]
    async with listening(accounts=accounts) as server:
        said = set()
        for name, password in (
            ("app", "wrong"),
            ("app", ""),
            ("nobody", PASSWORD),
            ("smpp", PASSWORD),
            ("blocked", PASSWORD),
            ("elsewhere", PASSWORD),
        ):
            client = await server.client()
            said.add(await client.say(plain(name, password)))
            server.clock.advance(11)
        assert said == {"535 5.7.8 unknown name or bad password"}  # which it was is for the log
        client = await server.client()
        assert await client.code(plain("here")) == "235 2.7.0"
        assert len(server.said("mail_login_refused")) == 6
        assert len(server.said("unknown name or bad password")) == 4
        assert not [line for line in server.lines if PASSWORD in line.split() or "wrong" in line]


@on_loops
async def test_a_refused_login_leaves_the_network_as_it_was() -> None:
    async with listening() as server:
        client = await server.client()
        assert await client.code(plain(password="wrong")) == "535 5.7.8"
        await client.envelope()
        await client.data()
        assert server.intake.mails[0][0] is server.accounts["app"]


@on_loops
async def test_three_bad_logins_end_the_connection() -> None:
    async with listening() as server:
        client = await server.client()
        lines = [plain(password="wrong"), "AUTH PLAIN !", plain(password="worse")]
        assert [reply[:9] for reply in await client.replies(*lines)] == [
            "535 5.7.8",
            "501 5.5.2",
            "535 5.7.8",
        ]
        assert (await client.reply()).startswith("421 4.7.0")
        assert await client.is_closed()


@on_loops
async def test_security_35_guessing_gets_slow_over_all_connections() -> None:
    async with listening() as server:
        for n in range(8):
            client = await server.client()
            assert await client.code(plain(password=f"guess {n}")) == "535 5.7.8"
            client.close()
        assert server.slept == [1, 2, 4]
        client = await server.client()
        assert await client.code(plain("other")) == "535 5.7.8"
        assert server.slept == [1, 2, 4]  # nobody else waits
        assert await client.code(plain()) == "235 2.7.0"
        assert server.slept == [1, 2, 4, 8]


def test_security_37_too_many_logins_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "CHECKS_AT_ONCE", 0)

    @on_loops
    async def run() -> None:
        async with listening() as server:
            client = await server.client()
            assert await client.code(plain()) == "454 4.7.0"

    run(kind_of_loop="asyncio")


@on_loops
async def test_lines_that_are_too_long() -> None:
    async with listening() as server:
        client = await server.client()
        assert await client.code("AUTH PLAIN " + "x" * 13_000) == "500 5.5.2"
        for length in (13_000, 200_000):
            client = await server.client()
            assert await client.say("AUTH PLAIN") == "334 "
            assert await client.code("x" * length) == "500 5.5.2"


@on_loops
async def test_auth_needs_ehlo() -> None:
    async with listening() as server:
        client = await server.connect()
        await client.reply()
        assert await client.code(plain()) == "503 5.5.1"
        await client.say("HELO x")
        assert await client.code(plain()) == "503 5.5.1"


@on_loops
async def test_a_reload_ends_logins_of_accounts_that_are_gone() -> None:
    stays, goes, blocked = mail_account("stays"), mail_account("goes"), mail_account("blocked")
    async with listening(accounts=[mail_account(), stays, goes, blocked]) as server:
        clients = {}
        for name in ("stays", "goes", "blocked"):
            clients[name] = await server.client()
            assert await clients[name].code(plain(name)) == "235 2.7.0"
        trusted = await server.client()
        del server.accounts["goes"]
        blocked.configure(mail_account("blocked", blocked=True).config, 0.0)
        server.intake.trusted = None
        server.listener.reloaded()
        for name in ("goes", "blocked"):
            assert (await clients[name].reply()).startswith("421 4.7.0")
            assert await clients[name].is_closed()
        await clients["stays"].envelope()
        await trusted.say("MAIL FROM:<a@example.org>")
        assert await trusted.code(f"RCPT TO:<{TO}>") == "530 5.7.0"


@on_loops
async def test_the_standard_librarys_client_logs_in(pki: Path) -> None:
    async with listening(trusted=False, tls=served(pki)) as server:
        assert isinstance(server.listener, SmtpListener)
        port = server.listener.port

        def send(context: ssl.SSLContext, password: str) -> Any:
            with smtplib.SMTP(HOST, port, timeout=10) as client:
                client.starttls(context=context)
                client.login("app", password)
                return client.sendmail("a@example.org", [TO], "Subject: hi\n\nhello\n")

        assert await asyncio.to_thread(send, trusting(pki), PASSWORD) == {}
        with pytest.raises(smtplib.SMTPAuthenticationError):
            await asyncio.to_thread(send, trusting(pki), "wrong")
        assert [mail[0] for mail in server.intake.mails] == [server.accounts["app"]]


def test_security_38_nothing_of_aiosmtpd_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)

    @on_loops
    async def run() -> None:
        async with listening() as server:
            client = await server.client()
            await client.say(plain(password="wrong"))
            await client.envelope()
            await client.data()
        assert not [record for record in caplog.records if record.name.startswith("mail")]

    run(kind_of_loop="asyncio")
