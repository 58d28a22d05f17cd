"""What is said over SMTP: commands, envelope and replies."""

from __future__ import annotations

import asyncio
import re

import pytest
from smtp_support import HOST, NAME, TO, listening, mail_account, on_loops

from gateway.config.mail_model import AccountMail
from gateway.ingress import smtp

ENHANCED = re.compile(r"(2\d\d 2|4\d\d 4|5\d\d 5)\.\d+\.\d+ \S")
MAIL = b"Subject: hi\r\n\r\nhello\r\n.\r\n"


@on_loops
async def test_a_mail_is_taken_with_its_envelope() -> None:
    async with listening() as server:
        client = await server.client()
        assert await client.say("MAIL FROM:<a@example.org> SIZE=500 RET=HDRS ENVID=x+2By") == (
            "250 2.1.0 sender ok"
        )
        assert await client.say(f"RCPT TO:<{TO}> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b@example.org") == (
            "250 2.1.5 recipient ok"
        )
        assert await client.data() == "250 2.0.0 queued as 1"
        account, peer, sender, recipients, raw = server.intake.mails[0]
        assert account is server.accounts["app"]
        assert peer == HOST
        assert sender == ("a@example.org", 500, False, "HDRS", "x+y")
        assert server.intake.asked == [(TO, 5, "rfc822;b@example.org")]
        assert (recipients, raw) == ([TO], b"Subject: hi\r\n\r\nhello\r\n")
        assert await client.say("QUIT") == "221 2.0.0 goodbye"
        assert await client.is_closed()


@on_loops
async def test_many_mails_on_one_connection_keep_apart() -> None:
    async with listening() as server:
        client = await server.client()
        for count in range(1, 4):
            await client.envelope(f"{count}@example.org")
            assert (await client.data(b"%d\r\n.\r\n" % count)).startswith("250")
        assert [(mail[2].address, mail[4]) for mail in server.intake.mails] == [
            ("1@example.org", b"1\r\n"),
            ("2@example.org", b"2\r\n"),
            ("3@example.org", b"3\r\n"),
        ]


@on_loops
async def test_what_ehlo_offers() -> None:
    async with listening(trusted=False) as server:
        server.intake.max_size = 12_345
        client = await server.connect()
        lines = (await client.begin()).splitlines()
        assert lines[0] == f"250-{NAME}"
        assert {line[4:] for line in lines[1:]} == {
            "SIZE 12345",
            "8BITMIME",
            "SMTPUTF8",
            "PIPELINING",
            "DSN",
            "ENHANCEDSTATUSCODES",
        }
        assert await client.say("HELO client.example.org") == f"250 {NAME}"


@on_loops
async def test_pipelined_commands_are_answered_in_order() -> None:
    async with listening() as server:
        client = await server.client()
        for _ in range(2):
            recipients = f"RCPT TO:<{TO}>\r\nRCPT TO:<x@elsewhere.example>\r\n"
            client.send(f"MAIL FROM:<a@example.org>\r\n{recipients}DATA\r\n".encode())
            assert [(await client.reply())[:3] for _ in range(4)] == ["250", "250", "554", "354"]
            client.send(MAIL + b"NOOP\r\n")
            assert [(await client.reply())[:3] for _ in range(2)] == ["250", "250"]
        assert len(server.intake.mails) == 2


@on_loops
async def test_a_client_that_closes_its_side_early_still_sends_its_mail() -> None:
    async with listening() as server:
        go_on = asyncio.Event()
        server.intake.answers = [go_on]
        client = await server.connect()
        client.send(
            f"EHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<{TO}>\r\nDATA\r\n".encode() + MAIL + b"QUIT\r\n"
        )
        client.writer.write_eof()
        await server.intake.taking.wait()
        asyncio.get_running_loop().call_later(0.05, go_on.set)
        assert (await client.reader.read()).splitlines()[-2:] == [
            b"250 2.0.0 queued late",
            b"221 2.0.0 goodbye",
        ]
        assert len(server.intake.mails) == 1


@on_loops
async def test_every_refusal_has_an_enhanced_code() -> None:
    async with listening() as server:
        client = await server.connect()
        await client.reply()
        for line in (
            "MAIL FROM:<a@example.org>",
            "RCPT TO:<x@y>",
            "DATA",
            "AUTH PLAIN",
            "EHLO",
            "HELO",
            "EXPN list",
            "VRFY a@example.org",
            "HELP",
            "NOOP",
            "RSET",
            "STARTTLS",
            "STARTTLS now",
            "DATA now",
            "",
            "\xff\xfe",
            "FOO \x1b[31m",
            "NOOP " + "x" * 600,
            b"\x80\x00",
        ):
            reply = await client.say(line)
            assert ENHANCED.match(reply), (line, reply)
            assert "\n" not in reply and reply.isprintable() and reply.isascii()


@on_loops
async def test_commands_out_of_order_are_refused() -> None:
    async with listening() as server:
        client = await server.connect()
        await client.reply()
        assert await client.code("MAIL FROM:<a@example.org>") == "503 5.5.1"
        await client.say("EHLO x")
        assert await client.code(f"RCPT TO:<{TO}>") == "503 5.5.1"
        assert await client.code("DATA") == "503 5.5.1"
        await client.envelope()
        assert await client.code("MAIL FROM:<a@example.org>") == "503 5.5.1"
        assert await client.code("AUTH PLAIN") == "503 5.5.1"
        assert await client.code("DATA now") == "501 5.5.4"
        assert (await client.data()).startswith("250")


@pytest.mark.parametrize("command", ["RSET", "EHLO again", "HELO again"])
def test_a_mail_that_was_begun_is_forgotten(command: str) -> None:
    @on_loops
    async def run() -> None:
        async with listening() as server:
            client = await server.client()
            await client.envelope()
            assert (await client.say(command)).startswith("250")
            assert await client.code("DATA") == "503 5.5.1"
            await client.envelope("b@example.org")
            await client.data()
            assert [mail[2].address for mail in server.intake.mails] == ["b@example.org"]

    run(kind_of_loop="asyncio")


@on_loops
async def test_helo_knows_no_parameters() -> None:
    async with listening() as server:
        client = await server.client("HELO x")
        assert await client.code("MAIL FROM:<a@example.org> SIZE=5") == "555 5.5.4"
        await client.envelope()
        assert (await client.data()).startswith("250")


@on_loops
async def test_the_null_sender_is_a_sender() -> None:
    async with listening() as server:
        client = await server.client()
        await client.envelope("")
        assert (await client.data()).startswith("250")
        assert server.intake.mails[0][2].address == ""


@on_loops
async def test_addresses_outside_ascii_need_smtputf8() -> None:
    async with listening() as server:
        client = await server.client()
        assert await client.code("MAIL FROM:<почта@example.org>") == "553 5.6.7"
        assert await client.code(b"MAIL FROM:<\xff\xfe@example.org> SMTPUTF8") == "501 5.5.4"
        await client.envelope()
        assert await client.code(f"RCPT TO:<почта@{NAME}>") == "553 5.6.7"
        await client.say("RSET")
        assert await client.code("MAIL FROM:<почта@example.org> SMTPUTF8") == "250 2.1.0"
        assert await client.code(f"RCPT TO:<почта@{NAME}>") == "250 2.1.5"
        await client.data()
        assert server.intake.mails[0][2].address == "почта@example.org"


@on_loops
async def test_a_size_that_is_announced_is_refused_at_once() -> None:
    async with listening() as server:
        client = await server.client()
        assert await client.code("MAIL FROM:<a@example.org> SIZE=100001") == "552 5.3.4"
        assert await client.code("MAIL FROM:<a@example.org> SIZE=100000") == "250 2.1.0"


@on_loops
async def test_bytes_of_long_parameters_fit() -> None:
    async with listening() as server:
        client = await server.client()
        orcpt = "rfc822;" + "a" * 450 + "@example.org"
        assert await client.code(f"MAIL FROM:<a@example.org> ENVID={'x' * 100} RET=FULL") == "250 2.1.0"
        assert await client.code(f"RCPT TO:<{TO}> ORCPT={orcpt} NOTIFY=SUCCESS,FAILURE,DELAY") == "250 2.1.5"
        assert await client.code("NOOP " + "x" * 508) == "500 5.5.2"


@on_loops
async def test_security_46_nobody_relays() -> None:
    async with listening(trusted=False) as server:
        client = await server.client()
        assert await client.code("MAIL FROM:<a@example.org>") == "250 2.1.0"
        for path, code in (
            ("<x@elsewhere.example>", "554 5.7.1"),
            (f"<user%elsewhere.example@{NAME}>", "554 5.7.1"),
            (f"<@{NAME}:b@elsewhere.example>", "554 5.7.1"),
            (f"<b@elsewhere.example@{NAME}>", "553 5.1.3"),
            (f"<elsewhere.example!b@{NAME}>", "554 5.7.1"),
            (f"<{TO}>", "530 5.7.0"),
        ):
            assert (path, await client.code(f"RCPT TO:{path}")) == (path, code)
        assert await client.code("DATA") == "503 5.5.1"
        assert await client.code(f"RCPT TO:<send@{NAME}>") == "250 2.1.5"  # the login is in the mail
        assert (await client.data()).startswith("250")
        assert server.intake.mails[0][0] is None


@on_loops
async def test_security_47_senders_that_are_not_the_accounts() -> None:
    app = mail_account(mail=AccountMail(senders=["a@example.org"]))
    async with listening(accounts=[app]) as server:
        client = await server.client()
        assert await client.code("MAIL FROM:<b@example.org>") == "553 5.7.1"
        assert await client.code(f"RCPT TO:<{TO}>") == "503 5.5.1"
        assert await client.code("MAIL FROM:<a@example.org>") == "250 2.1.0"


@on_loops
async def test_security_59_vrfy_tells_nothing() -> None:
    async with listening(trusted=False) as server:
        client = await server.client()
        for address in (TO, "nobody@example.org", ""):
            assert (await client.say(f"VRFY {address}")).startswith("252 ")
        assert await client.code("EXPN ops") == "502 5.5.1"


@on_loops
async def test_security_48_a_refusal_is_one_line_whatever_is_in_it() -> None:
    async with listening() as server:
        client = await server.client()
        await client.say("MAIL FROM:<a@example.org>")
        assert await client.say(f"RCPT TO:<nobody@{NAME}>") == "550 5.1.1 no number: ??250 hi?"
        assert await client.code("NOOP") == "250 2.0.0"


@on_loops
async def test_security_50_more_recipients_than_allowed() -> None:
    async with listening() as server:
        server.intake.max_recipients = 1000
        client = await server.client()
        await client.say("MAIL FROM:<a@example.org>")
        client.send("".join(f"RCPT TO:<{79990000000 + n}@{NAME}>\r\n" for n in range(1001)).encode())
        codes = [(await client.reply())[:9] for _ in range(1001)]
        assert codes == ["250 2.1.5"] * 1000 + ["452 4.5.3"]
        assert (await client.data()).startswith("250")
        assert len(server.intake.mails[0][3]) == 1000


@on_loops
async def test_a_fault_is_told_to_the_log_and_not_to_the_client() -> None:
    async with listening() as server:
        server.intake.answers = [RuntimeError("secret text of a fault"), OSError("secret text too")]
        client = await server.client()
        await client.envelope()
        assert await client.data() == smtp.FAULT
        await client.envelope()
        assert await client.data() == smtp.FAULT
        assert await client.say("MAIL FROM:<fault@example.org>") == smtp.FAULT
        await client.envelope()
        assert await client.data() == "250 2.0.0 queued as 1"
        assert len(server.said("mail_fault")) == 1  # one line in ten seconds
        assert "RuntimeError in smtp_support.py:" in server.said("mail_fault")[0]
        assert not server.said("secret")


@on_loops
async def test_refusals_of_the_intake_are_passed_on_and_the_connection_stays() -> None:
    async with listening() as server:
        server.intake.answers = ["554 5.6.0 no text"]
        client = await server.client()
        await client.envelope()
        assert await client.data() == "554 5.6.0 no text"
        await client.envelope()
        assert await client.data() == "250 2.0.0 queued as 1"
