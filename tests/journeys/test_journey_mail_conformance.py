"""The mail listeners as peers of all kinds meet them: raw octets over real sockets, the whole gateway behind.

RFC 5321 (SMTP), 2033 (LMTP), 2920 (PIPELINING), 1870 (SIZE), 6152 (8BITMIME), 6531 (SMTPUTF8), 3461 (DSN),
4954 (AUTH), 3207 (STARTTLS).
"""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest
from journey_support import DESTINATION, HOST, PATIENCE_S, journey
from mail_journey_support import DOMAIN, OTHER, THIRD, Post, mail, mailer, post_office

from gateway.config.model import TlsServer

REPLY = re.compile(rb"(?:(?:220|250|354|334|214|252)[ -]|[245]\d\d[ -][245]\.\d{1,3}\.\d{1,3} )[ -~]*\r\n")
"""A reply's line; all but those of greetings, EHLO, 354 and 334 have enhanced codes."""
HELLO = b"EHLO client.example.net\r\n"
FROM = b"MAIL FROM:<sender@example.net>\r\n"
QUIT = b"QUIT\r\n"
GOODBYE = "221 2.0.0"


def rcpt(number: str = DESTINATION, parameters: str = "") -> bytes:
    return f"RCPT TO:<{number}@{DOMAIN}>{parameters}\r\n".encode()


def content(text: str = "hello", ends: bool = True) -> bytes:
    return b"DATA\r\n" + mail(text).replace(b"\r\n.", b"\r\n..") + (b".\r\n" if ends else b"")


def codes(octets: bytes) -> list[str]:
    """The codes of replies, with the enhanced ones where there are."""
    lines = octets.splitlines(keepends=True)
    assert all(REPLY.fullmatch(line) for line in lines), octets
    found = re.findall(rb"(?m)^(\d\d\d) ([245]\.\d+\.\d+)?", octets)
    return [" ".join(part.decode() for part in parts if part) for parts in found]


TAKEN = ["250", "250 2.1.0", "250 2.1.5", "354", "250 2.0.0"]
"""EHLO, MAIL, RCPT, DATA, the mail."""


async def said(post: Post, *pieces: bytes, lmtp: bool = False, half_close: bool = True) -> list[str]:
    """The replies to these pieces, each sent alone, behind the greeting, up to the connection's end."""
    if lmtp:
        path = next(it.config.path for it in post.side.listeners if it.protocol == "lmtp")
        reader, writer = await asyncio.open_unix_connection(str(path))
    else:
        port = next(it.port for it in post.side.listeners if it.protocol == "smtp")
        reader, writer = await asyncio.open_connection(HOST, port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            for _ in range(3 if len(pieces) > 1 else 0):
                await asyncio.sleep(0)
        if half_close:
            writer.write_eof()
        async with asyncio.timeout(PATIENCE_S):
            greeting, *replies = codes(await reader.read())
        assert greeting == "220"
        return replies
    finally:
        writer.transport.abort()


async def texts(post: Post, *expected: str) -> None:
    """The SMSC has got these, in any order, and nothing else."""
    await post.settled()
    assert sorted(text for _, text in await post.texts(len(expected))) == sorted(expected)


# -- the course of a conversation ----------------------------------------------------------------------


@journey
async def test_whole_conversations_in_one_write(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        replies = await said(post, HELLO + FROM + rcpt() + content("one") + QUIT, half_close=False)
        assert replies == [*TAKEN, GOODBYE]
        again = (
            FROM + rcpt() + content("two") + FROM + rcpt() + b"RSET\r\n" + FROM + rcpt() + content("three")
        )
        replies = await said(post, HELLO + again + QUIT, half_close=False)
        begun = TAKEN[1:3]
        assert replies == [*TAKEN, *begun, "250 2.0.0", *TAKEN[1:], GOODBYE]
        await texts(post, "one", "two", "three")


@journey
async def test_byte_by_byte(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        octets = HELLO + FROM + rcpt() + content("slow\n.dot\n..two") + QUIT
        assert await said(post, *(octets[n : n + 1] for n in range(len(octets)))) == [*TAKEN, GOODBYE]
        await texts(post, "slow\n.dot\n..two")


@journey
async def test_the_end_of_a_mail_in_two_packets(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        first, end = HELLO + FROM + rcpt() + content("cut", ends=False)[:-2], b"\r\n.\r\n"
        for cut in range(len(end) + 1):
            octets = (first + end[:cut], end[cut:] + QUIT)
            assert await said(post, *octets, half_close=False) == [*TAKEN, GOODBYE]
        await texts(post, *["cut"] * 6)


@journey
async def test_what_follows_quit_is_not_heard(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        assert await said(post, HELLO + QUIT + FROM + rcpt() + content()) == ["250", GOODBYE]
        assert await said(post, HELLO + FROM + rcpt() + content("kept") + QUIT + FROM * 50) == [
            *TAKEN,
            GOODBYE,
        ]
        await texts(post, "kept")


@journey
async def test_a_client_that_closes_its_side_hears_all_answers(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        assert await said(post, HELLO + FROM + rcpt() + content("late")) == TAKEN
        assert await said(post, HELLO + FROM + rcpt() + content("half", ends=False)) == TAKEN[:4]
        assert await said(post, HELLO + FROM + rcpt()[:-2]) == TAKEN[:2]
        await texts(post, "late")


OUT_OF_TURN = [
    (FROM, ["503 5.5.1"]),
    (HELLO + rcpt(), ["250", "503 5.5.1"]),
    (HELLO + b"DATA\r\n", ["250", "503 5.5.1"]),
    (HELLO + FROM + b"DATA\r\n", ["250", "250 2.1.0", "503 5.5.1"]),
    (HELLO + FROM + FROM, ["250", "250 2.1.0", "503 5.5.1"]),
    # PIPELINING: all recipients are refused, and DATA was sent along (RFC 2920 §3.1)
    (HELLO + FROM + rcpt("nobody") + b"DATA\r\n", ["250", "250 2.1.0", "550 5.1.1", "503 5.5.1"]),
    (HELLO + FROM + rcpt() + HELLO + b"DATA\r\n", [*TAKEN[:3], "250", "503 5.5.1"]),
    (HELLO + FROM + rcpt() + b"RSET\r\nDATA\r\n", [*TAKEN[:3], "250 2.0.0", "503 5.5.1"]),
    (HELLO + FROM + rcpt() + b"HELO x\r\n" + rcpt(), [*TAKEN[:3], "250", "503 5.5.1"]),
    (b"HELO x\r\nMAIL FROM:<a@example.net> SIZE=5\r\n", ["250", "555 5.5.4"]),
    (b"EHLO\r\nHELO \r\n", ["501 5.5.4", "501 5.5.4"]),
    (b"EHLO " + b"x" * 600 + b"\r\n" + HELLO, ["500 5.5.2", "250"]),
    (b"NOOP " + b"x" * 200_000 + b"\r\n" + HELLO, ["500 5.5.2", "250"]),
    (b"EHLO [192.0.2.1]\r\nehlo [IPv6:2001:db8::1]\r\n", ["250", "250"]),
    (HELLO + b"noop\r\nNoOp x\r\nNOOP\n", ["250", *["250 2.0.0"] * 3]),
    (HELLO + b"BDAT 5 LAST\r\n", ["250", "500 5.5.1"]),
    (HELLO + b"EXPN x\r\nVRFY x\r\nHELP\r\n", ["250", "502 5.5.1", "252 2.1.5", "214 2.0.0"]),
    (HELLO + b"TURN\r\nSEND FROM:<a@b>\r\n\r\n\0\r\n", ["250", *["500 5.5.1"] * 2, "500 5.5.2", "500 5.5.1"]),
    (HELLO + b"STARTTLS\r\nAUTH CRAM-MD5\r\n", ["250", "503 5.5.1", "504 5.5.4"]),
    (HELLO + b"DATA x\r\nRSET x\r\n", ["250", "501 5.5.4", "250 2.0.0"]),
    (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nC: d\r\nE: f\r\n\r\n" + FROM, [*["500 5.5.1"] * 4, "502 5.5.1"]),
]  # fmt: skip


@journey
async def test_what_is_said_out_of_turn(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        for octets, expected in OUT_OF_TURN:
            assert (octets, await said(post, octets)) == (octets, expected)
        await texts(post)


# -- envelopes -----------------------------------------------------------------------------------------


OF_MAIL = [
    ("MAIL FROM:<>", "250 2.1.0"),
    ("MAIL FROM:<a@example.net> BODY=8BITMIME SIZE=100 RET=HDRS ENVID=QQ+2B1", "250 2.1.0"),
    ("MAIL FROM:<a@example.net> AUTH=<>", "250 2.1.0"),
    ("MAIL FROM: <a@example.net>", "250 2.1.0"),
    ('MAIL FROM:<"a b"@example.net>', "250 2.1.0"),
    ("mail from:<a@[192.0.2.1]>", "250 2.1.0"),
    ("MAIL FROM:<почта@example.net> SMTPUTF8", "250 2.1.0"),
    ("MAIL FROM:<почта@example.net>", "553 5.6.7"),
    ("MAIL FROM:<a@example.net> SMTPUTF8=1", "501 5.5.4"),
    ("MAIL FROM:<a@example.net> BODY=BINARYMIME", "501 5.5.4"),
    ("MAIL FROM:<a@example.net> SIZE=x", "501 5.5.4"),
    ("MAIL FROM:<a@example.net> SIZE=1000000", "250 2.1.0"),
    ("MAIL FROM:<a@example.net> SIZE=1000001", "552 5.3.4"),
    ("MAIL FROM:<a@example.net> SIZE=99999999999999999999", "552 5.3.4"),
    ("MAIL FROM:<a@example.net> SIZE=1 SIZE=1", "501 5.5.4"),
    ("MAIL FROM:<a@example.net> RET=BODY", "501 5.5.4"),
    ("MAIL FROM:<a@example.net> RET=FULL RET=FULL", "501 5.5.4"),
    ("MAIL FROM:<a@example.net> ENVID=", "501 5.5.4"),
    ("MAIL FROM:<a@example.net> ENVID=a+2", "501 5.5.4"),
    ("MAIL FROM:<a@example.net> ENVID=" + "x" * 101, "501 5.5.4"),
    ("MAIL FROM:<a@example.net> NOTIFY=NEVER", "555 5.5.4"),
    ("MAIL FROM:<a@example.net> HOLDFOR=10", "555 5.5.4"),
    ("MAIL FROM:a b@example.net", "501 5.5.4"),
    ("MAIL FROM:<a@example.net", "501 5.5.4"),
    ("MAIL TO:<a@example.net>", "501 5.5.4"),
    ("MAIL FROM:<a\0b@example.net>", "501 5.5.4"),
    ("MAIL", "501 5.5.4"),
]
OF_RCPT = [
    (rcpt(), "250 2.1.5"),
    (rcpt("+79161200001"), "250 2.1.5"),
    (b"RCPT TO: " + rcpt()[8:], "250 2.1.5"),
    (rcpt(parameters=" NOTIFY=NEVER"), "250 2.1.5"),
    (rcpt(parameters=" NOTIFY=success,FAILURE,Delay ORCPT=rfc822;a+2Bb@example.net"), "250 2.1.5"),
    (rcpt(parameters=" ORCPT=utf-8;почта@example.net"), "250 2.1.5"),
    (rcpt(parameters=" NOTIFY=NEVER,SUCCESS"), "501 5.5.4"),
    (rcpt(parameters=" NOTIFY=SOMETIMES"), "501 5.5.4"),
    (rcpt(parameters=" NOTIFY="), "501 5.5.4"),
    (rcpt(parameters=" NOTIFY=DELAY NOTIFY=DELAY"), "501 5.5.4"),
    (rcpt(parameters=" ORCPT=a@example.net"), "501 5.5.4"),
    (rcpt(parameters=" ORCPT=rfc822;a+2@example.net"), "501 5.5.4"),
    (rcpt(parameters=" ORCPT=rfc822;" + "x" * 500), "501 5.5.4"),
    (rcpt(parameters=" SIZE=5"), "555 5.5.4"),
    (rcpt("почта"), "553 5.6.7"),
    (rcpt("\0"), "501 5.5.4"),
    (b"RCPT TO:<79161200001>\r\n", "553 5.1.3"),
    (b"RCPT TO:<postmaster>\r\n", "550 5.1.1"),
    (b"RCPT TO:<>\r\n", "553 5.1.3"),
    (b"RCPT " + b"x" * 2100 + b"\r\n", "500 5.5.2"),
]


@journey
async def test_envelopes(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        for line, expected in OF_MAIL:
            assert (line, await said(post, HELLO + line.encode() + b"\r\n")) == (line, ["250", expected])
        for octets, expected in OF_RCPT:
            replies = await said(post, HELLO + FROM + octets)
            assert (octets, replies) == (octets, [*TAKEN[:2], expected])


@journey
async def test_what_ehlo_offers_is_taken(tmp_path: Path) -> None:
    async with post_office(tmp_path, mail={"max_size": 1000}) as post:
        client = await post.client()
        offered = {line[4:] for line in (await client.hello()).splitlines()[1:]}
        extensions = {"PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES", "SIZE 1000"}
        assert offered == extensions | {"AUTH PLAIN LOGIN"}
        everything = "SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=x"
        octets = f"MAIL FROM:<почта@example.net> {everything}\r\n".encode()
        orcpt = " NOTIFY=FAILURE ORCPT=utf-8;почта@example.net"
        replies = await said(post, HELLO + octets + rcpt(parameters=orcpt) + content("всё") + QUIT)
        assert replies == [*TAKEN, GOODBYE]
        await texts(post, "всё")


# -- mails ---------------------------------------------------------------------------------------------


@journey
async def test_mails_of_all_kinds_of_octets(tmp_path: Path) -> None:
    async with post_office(tmp_path, mail={"max_per_pair_h": 1000}) as post:
        for octets, expected in (
            (b"", "554 5.6.0"),
            (b"\r\n", "554 5.6.0"),
            (b"From: a@example.net\r\n", "554 5.6.0"),
            (b"\r\nno header\r\n", "250 2.0.0"),
            (b"From: a@example.net\r\n\r\nnul\0nul\r\n", "250 2.0.0"),
            (b"From: a@example.net\r\n\r\n8 bit: \xc3\xa9, no BODY\r\n", "250 2.0.0"),
            (b"From: a@example.net\r\n\r\n" + b"long " * 13_000 + b"\r\n", "250 2.0.0"),
            (b"From: a@example.net\r\n\r\n" + b"x" * 70_000 + b"\r\n", "500 5.5.2"),
            (b"From: a@example.net\nbare\n.\n\nlf\n.\r\n\n", "250 2.0.0"),
        ):
            stuffed = octets.replace(b"\r\n.", b"\r\n..")
            stuffed += b"" if not stuffed or stuffed.endswith(b"\r\n") else b"\r\n"
            replies = await said(post, HELLO + FROM + rcpt() + b"DATA\r\n" + stuffed + b".\r\n" + QUIT)
            assert (octets[:60], replies) == (octets[:60], [*TAKEN[:4], expected, GOODBYE])


@journey
async def test_a_mail_of_exactly_the_size_that_is_allowed(tmp_path: Path) -> None:
    async with post_office(tmp_path, mail={"max_size": 2000}) as post:
        for more, expected in ((0, "250 2.0.0"), (1, "552 5.3.4")):
            octets = mail("one\n.two\n", "X: " + "x" * 900)
            octets += b"y" * (2000 + more - len(octets) - 2) + b"\r\n"
            assert len(octets) == 2000 + more
            stuffed = b"DATA\r\n" + octets.replace(b"\r\n.", b"\r\n..") + b".\r\n"
            replies = await said(
                post, HELLO + FROM + rcpt() + stuffed + FROM + rcpt() + content("next") + QUIT
            )
            assert replies == [*TAKEN[:4], expected, *TAKEN[1:], GOODBYE]


@journey
async def test_a_second_mail_that_is_hidden_in_one(tmp_path: Path) -> None:
    hidden = [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\r\n\0.\r\n"]
    async with post_office(tmp_path) as post:
        for end in hidden:
            inner = FROM + rcpt(OTHER) + content("hidden", ends=False)
            outer = b"DATA\r\nFrom: sender@example.net\r\n\r\nshown" + end + inner + b".\r\n"
            assert await said(post, HELLO + FROM + rcpt() + outer + QUIT) == [*TAKEN, GOODBYE]
        await post.settled()
        found = await post.texts(len(hidden))
        assert len(found) == len(hidden)
        assert {number for number, _ in found} == {DESTINATION}


# -- LMTP ----------------------------------------------------------------------------------------------


@journey
async def test_lmtp_answers_for_each_recipient_in_their_order(tmp_path: Path) -> None:
    lhlo = b"LHLO client.example.net\r\n"
    async with post_office(tmp_path, lmtp=tmp_path / "lmtp") as post:
        assert await said(post, HELLO + b"HELO x\r\n" + FROM, lmtp=True) == ["500 5.5.1"] * 2 + ["503 5.5.1"]
        octets = lhlo + FROM + rcpt(THIRD) + rcpt("nobody") + rcpt() + rcpt(THIRD) + content("each") + QUIT
        replies = await said(post, octets, lmtp=True, half_close=False)
        accepted, refused = "250 2.1.5", "550 5.1.1"
        expected = ["250", "250 2.1.0", accepted, refused, accepted, accepted, "354", *["250 2.0.0"] * 3]
        assert replies == [*expected, GOODBYE]
        octets = lhlo + FROM + rcpt("nobody") + b"DATA\r\n" + QUIT
        expected = ["250", "250 2.1.0", refused, "503 5.5.1", GOODBYE]
        assert await said(post, octets, lmtp=True) == expected
        octets = lhlo + FROM + rcpt() + rcpt(THIRD) + b"DATA\r\n" + b"x" * 70_000 + b"\r\n.\r\n" + QUIT
        assert (await said(post, octets, lmtp=True))[-3:] == ["500 5.5.2", "500 5.5.2", GOODBYE]


@journey
async def test_lmtp_sends_a_repeated_recipient_of_a_known_mail_once(tmp_path: Path) -> None:
    async with post_office(tmp_path, lmtp=tmp_path / "lmtp") as post:
        client = await post.lmtp()
        twice = [f"<{number}@{DOMAIN}>" for number in (DESTINATION, OTHER, DESTINATION)]
        await client.envelope(*twice)
        first, other, again = await client.data(mail("once", header_id="<1@example.net>"))
        assert first.startswith("250 ") and first == again != other
        await texts(post, "once", "once")


# -- TLS and logins ------------------------------------------------------------------------------------


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


@journey
async def test_starttls_and_what_is_said_around_it(tmp_path: Path, tls: TlsServer) -> None:
    trusting = ssl.create_default_context(cafile=str(tls.certificate))
    accounts = [mailer(mail={"networks": ()})]
    async with post_office(tmp_path, accounts=accounts, smtp={"tls": tls}) as post:
        assert await said(post, HELLO + b"STARTTLS x\r\nAUTH PLAIN x\r\n") == [
            "250",
            "501 5.5.4",
            "538 5.7.11",
        ]
        client = await post.client()
        client.writer.write(b"STARTTLS\r\n" + FROM + rcpt() + content("injected"))
        assert (await client.reply()).startswith("220 ")
        await client.writer.start_tls(trusting, server_hostname=HOST)
        assert (await client.say("RSET")).startswith("250 ")  # had the rest been kept, 503 would come first
        assert (await client.say("STARTTLS")).startswith("503 ")
        assert (await client.say("MAIL FROM:<sender@example.net>")).startswith("503 ")
        assert "STARTTLS" not in await client.hello()
        assert (await client.send(mail())).startswith("530 ")
        assert (await client.login("app")).startswith("235 ")
        assert (await client.send(mail("sent"))).startswith("250 ")
        await texts(post, "sent")


def b64(octets: bytes) -> str:
    return b64encode(octets).decode()


LOGINS = [
    (["AUTH PLAIN " + b64(b"\0app\0pw")], ["235"]),
    (["AUTH PLAIN " + b64(b"app\0app\0pw")], ["235"]),
    (["auth plain", b64(b"\0app\0pw")], ["334", "235"]),
    (["AUTH LOGIN", b64(b"app"), b64(b"pw")], ["334", "334", "235"]),
    (["AUTH LOGIN " + b64(b"app"), b64(b"pw")], ["334", "235"]),
    (["AUTH PLAIN", "*", "NOOP"], ["334", "501", "250"]),
    (["AUTH LOGIN", "*", "NOOP"], ["334", "501", "250"]),
    (["AUTH LOGIN", b64(b"app"), "*", "NOOP"], ["334", "334", "501", "250"]),
    (["AUTH PLAIN " + b64(b"other\0app\0pw")], ["535"]),
    (["AUTH PLAIN " + b64(b"\0\0")], ["535"]),
    (["AUTH PLAIN " + b64(b"\0app\0")], ["535"]),
    (["AUTH PLAIN " + b64(b"app\0pw")], ["501"]),
    (["AUTH PLAIN " + b64(b"\0app\0pw\0")], ["501"]),
    (["AUTH PLAIN ="], ["501"]),
    (["AUTH PLAIN ==="], ["501"]),
    (["AUTH PLAIN \xff"], ["501"]),
    (["AUTH PLAIN", ""], ["334", "501"]),
    (["AUTH LOGIN", "", ""], ["334", "334", "535"]),
    (["AUTH"], ["501"]),
    (["AUTH XOAUTH2 x"], ["504"]),
    (["AUTH PLAIN " + b64(b"\0app\0pw"), "AUTH PLAIN " + b64(b"\0app\0pw")], ["235", "503"]),
    (["MAIL FROM:<a@example.net>", "AUTH PLAIN " + b64(b"\0app\0pw")], ["250", "503"]),
]


@journey
async def test_logins(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        for lines, expected in LOGINS:
            client = await post.client()
            assert (lines, [(await client.say(line))[:3] for line in lines]) == (lines, expected)
            client.hang_up()
            post.gateway.clock.advance(601)  # bad passwords are forgotten


# -- clients that misbehave ----------------------------------------------------------------------------


@journey
async def test_connections_over_the_limit_are_told_so_and_the_others_go_on(tmp_path: Path) -> None:
    async with post_office(tmp_path, smtp={"max_connections": 3}) as post:
        clients = [await post.client() for _ in range(3)]
        for client in clients:
            await client.envelope(f"<{DESTINATION}@{DOMAIN}>")
            assert (await client.say("DATA")).startswith("354 ")
        port = next(it.port for it in post.side.listeners)
        for _ in range(20):
            reader, writer = await asyncio.open_connection(HOST, port)
            assert (await reader.read()).startswith(b"421 4.3.2 ")
            writer.close()
        for client in clients:
            client.writer.write(mail("in") + b".\r\n")
            assert (await client.reply()).startswith("250 ")
        assert (await post.send(mail("in"))).startswith("250 ")
        await texts(post, *["in"] * 4)


@journey
async def test_clients_that_say_nothing_or_read_nothing_go_and_the_others_stay(tmp_path: Path) -> None:
    async with post_office(tmp_path, smtp={"timeout_s": 0.3}) as post:
        port = next(it.port for it in post.side.listeners)
        silent = [await asyncio.open_connection(HOST, port) for _ in range(20)]
        greedy = [await asyncio.open_connection(HOST, port, limit=1) for _ in range(5)]
        for _, writer in greedy:
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(HELLO * 20_000)
        half = [await post.client() for _ in range(5)]
        for client in half:
            await client.envelope(f"<{DESTINATION}@{DOMAIN}>")
            assert (await client.say("DATA")).startswith("354 ")
            client.writer.write(b"From: a@example.net\r\n\r\nnever ends")
        assert (await post.send(mail("in"))).startswith("250 ")
        for reader, _ in silent:
            assert (await reader.read()).splitlines()[1:] == [b"421 4.4.2 timeout"]
        for client in half:
            assert await client.reply() == "421 4.4.2 timeout"
        await post.gateway.until(lambda: not post.side.listeners[0].connections)
        assert post.side.listeners[0].room.taken == 0
        for _, writer in (*silent, *greedy):
            writer.transport.abort()
        await texts(post, "in")


@journey
async def test_a_client_that_leaves_at_every_octet(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        octets = HELLO + FROM + rcpt() + content("gone", ends=False)
        port = next(it.port for it in post.side.listeners)
        for cut in range(0, len(octets), 3):
            _, writer = await asyncio.open_connection(HOST, port)
            writer.write(octets[:cut])
            await writer.drain()
            writer.transport.abort()
        assert (await post.send(mail("stays"))).startswith("250 ")
        await post.gateway.until(lambda: len(post.side.listeners[0].connections) <= 1)
        await texts(post, "stays")
        assert not [line for line in post.gateway.lines if "mail_fault" in line]
