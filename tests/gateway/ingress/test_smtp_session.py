"""What is said over SMTP: commands, envelope, replies, and what ends a connection."""

from __future__ import annotations

import asyncio
import re
import smtplib

import pytest
from smtp_support import HOST, NAME, TO, listening, mail_account, on_loops

from gateway.config.mail_model import AccountMail
from gateway.ingress import smtp
from gateway.ingress.smtp_listener import SmtpListener

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


@on_loops
async def test_unknown_commands_end_the_connection() -> None:
    async with listening() as server:
        client = await server.client()
        for _ in range(4):
            assert await client.code("FOO") == "500 5.5.1"
        # Nothing that came with the last one is obeyed.
        client.send(f"FOO\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<{TO}>\r\nDATA\r\n".encode() + MAIL)
        assert (await client.reply()).startswith("502 5.5.1")
        assert await client.is_closed()
        assert not server.intake.asked


@pytest.mark.parametrize("line", ["NOOP", "RSET", "VRFY x", "EHLO x", "HELP", "DATA", "RCPT", "\xff"])
def test_a_connection_that_brings_no_mail_is_ended(line: str) -> None:
    @on_loops
    async def run() -> None:
        async with listening() as server:
            client = await server.client()
            replies = [await client.code(line) for _ in range(100)]
            assert "421 4.7.0" not in replies[:99]
            assert replies[99] == "421 4.7.0"
            assert await client.is_closed()
            await server.until_connections(0)

    run(kind_of_loop="asyncio")


@on_loops
async def test_a_mail_earns_patience() -> None:
    async with listening() as server:
        client = await server.client()
        for _ in range(3):
            assert {await client.code("NOOP") for _ in range(98)} == {"250 2.0.0"}
            await client.envelope()
            assert (await client.data()).startswith("250")


@on_loops
async def test_a_silent_connection_is_closed() -> None:
    async with listening(timeout_s=0.1) as server:
        client = await server.client()
        assert await client.reply() == "421 4.4.2 timeout"
        assert await client.is_closed()
        await server.until_connections(0)


@on_loops
async def test_commands_keep_a_connection_and_rubbish_does_not() -> None:
    async with listening(timeout_s=0.3) as server:
        loop = asyncio.get_running_loop()
        client = await server.client()
        begun = loop.time()
        while loop.time() < begun + 0.5:
            assert (await client.say("NOOP")).startswith("250")
            await asyncio.sleep(0.02)
        client.send(b"NO")
        trickling = asyncio.create_task(_trickle(client.writer, b"O", 0.02))
        assert await client.reply() == "421 4.4.2 timeout"
        trickling.cancel()


async def _trickle(writer: asyncio.StreamWriter, piece: bytes, every_s: float) -> None:
    while True:
        writer.write(piece)
        await asyncio.sleep(every_s)


@on_loops
async def test_a_mail_that_trickles_in_has_its_time_too() -> None:
    async with listening(timeout_s=0.1) as server:
        loop = asyncio.get_running_loop()
        client = await server.client()
        await client.envelope()
        assert (await client.say("DATA")).startswith("354")
        begun = loop.time()
        trickling = asyncio.create_task(_trickle(client.writer, b"x\r\n", 0.02))
        assert await client.reply() == "421 4.4.2 timeout"
        trickling.cancel()
        assert 0.9 <= loop.time() - begun < 5  # ten times the silence that is allowed
        assert not server.intake.mails


@on_loops
async def test_a_mail_that_stops_half_way_is_closed() -> None:
    async with listening(timeout_s=0.1) as server:
        client = await server.client()
        await client.envelope()
        assert await client.data(b"x\r\n") == "421 4.4.2 timeout"
        assert not server.intake.mails


@on_loops
async def test_the_time_of_the_gateway_does_not_count() -> None:
    async with listening(timeout_s=0.1) as server:
        go_on = asyncio.Event()
        server.intake.answers = [go_on]
        client = await server.client()
        await client.envelope()
        assert (await client.say("DATA")).startswith("354")
        client.send(MAIL)
        asyncio.get_running_loop().call_later(0.35, go_on.set)
        assert await client.reply() == "250 2.0.0 queued late"


@on_loops
async def test_connections_over_the_limit_are_told_so() -> None:
    async with listening(max_connections=2) as server:
        first, _ = [await server.client() for _ in range(2)]
        for _ in range(5):
            extra = await server.connect()
            assert await extra.reply() == "421 4.3.2 too many connections"
            assert await extra.is_closed()
        assert (server.listener.accepted, server.listener.refused) == (2, 5)
        assert len(server.said("connections_full")) == 1
        await first.say("QUIT")
        await server.until_connections(1)
        await server.client()


@on_loops
async def test_strangers_do_not_take_all_connections() -> None:
    async with listening(trusted=False, max_connections=8) as server:
        strangers = [await server.client() for _ in range(6)]
        extra = await server.connect()
        assert await extra.reply() == "421 4.3.2 too many connections"
        server.intake.trusted = server.accounts["app"]
        for _ in range(2):
            client = await server.client()
            await client.envelope()
            assert (await client.data()).startswith("250")
        extra = await server.connect()
        assert await extra.reply() == "421 4.3.2 too many connections"
        strangers[0].close()
        await server.until_connections(7)
        server.intake.trusted = None
        await server.client()


@on_loops
async def test_a_stop_waits_for_mails_under_way_only() -> None:
    async with listening() as server:
        go_on = asyncio.Event()
        server.intake.answers = [go_on]
        idle, begun, taking = [await server.client() for _ in range(3)]
        await begun.envelope()
        await taking.envelope()
        await taking.say("DATA")
        taking.send(MAIL)
        await server.intake.taking.wait()
        assert server.listener.under_way == 1
        server.listener.stop_listening()
        for client in (idle, begun):
            assert await client.reply() == smtp.STOPPING
            assert await client.is_closed()
        go_on.set()
        assert await taking.reply() == "250 2.0.0 queued late"
        assert await taking.reply() == smtp.STOPPING
        await server.until_connections(0)


@on_loops
async def test_a_stop_ends_what_does_not_end() -> None:
    async with listening() as server:
        server.intake.answers = [asyncio.Event()]
        client = await server.client()
        await client.envelope()
        await client.say("DATA")
        client.send(MAIL)
        await server.intake.taking.wait()
        server.listener.stop_listening()
        assert server.listener.under_way == 1
        server.listener.close()
        assert await client.reply() == smtp.STOPPING
        assert await client.is_closed()


@on_loops
async def test_a_client_that_leaves_while_its_mail_is_taken_is_no_fault() -> None:
    async with listening() as server:
        go_on = asyncio.Event()
        server.intake.answers = [go_on]
        client = await server.client()
        await client.envelope()
        await client.say("DATA")
        client.send(MAIL)
        await server.intake.taking.wait()
        client.close()
        go_on.set()
        await server.until_connections(0)
        assert len(server.intake.mails) == 1
        assert not server.said("mail_fault")


@on_loops
async def test_a_client_that_leaves_at_any_point_is_no_fault() -> None:
    async with listening() as server:
        for said in (b"", b"EHLO x\r\nMAIL", b"EHLO x\r\nMAIL FROM:<a@example.org>\r\n", b"\r\n" * 50):
            for half in (True, False):
                client = await server.connect()
                client.send(said)
                await client.reply()
                if half:
                    client.writer.write_eof()
                    await client.reader.read()
                client.close()
        await server.until_connections(0)
        assert not server.said("mail_fault")


@on_loops
async def test_a_peer_that_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "STUCK_AFTER_S", 0.05)
    monkeypatch.setattr(smtp, "USELESS", 10**9)
    async with listening(timeout_s=0.2) as server:
        client = await server.client()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(200):
            client.send(b"NOOP\r\n" * 10_000)
        await server.until_connections(0)


def test_the_standard_librarys_client_gets_through() -> None:
    @on_loops
    async def run() -> None:
        async with listening() as server:
            assert isinstance(server.listener, SmtpListener)
            port = server.listener.port

            def send() -> dict[str, tuple[int, bytes]]:
                with smtplib.SMTP(HOST, port, timeout=10) as client:
                    return client.sendmail(
                        "a@example.org",
                        [TO, "x@elsewhere.example"],
                        "Subject: hi\n\n.dots\n..two\n",
                        mail_options=["BODY=8BITMIME"],
                    )

            assert await asyncio.to_thread(send) == {
                "x@elsewhere.example": (554, b"5.7.1 relay access denied")
            }
            assert server.intake.mails[0][4] == b"Subject: hi\r\n\r\n.dots\r\n..two\r\n"

    run(kind_of_loop="asyncio")


def test_addresses_of_peers() -> None:
    class Transport:
        def __init__(self, name: object) -> None:
            self.name = name

        def get_extra_info(self, what: str) -> object:
            assert what == "peername"
            return self.name

    for name, address in (
        (("192.0.2.1", 5), "192.0.2.1"),
        (("::ffff:192.0.2.1", 5, 0, 0), "192.0.2.1"),
        (("fe80::1%eth0", 5, 0, 2), "fe80::1"),
        (("2001:db8::1", 5, 0, 0), "2001:db8::1"),
        ("", ""),
        (None, ""),
    ):
        assert smtp.address_of(Transport(name)) == address  # type: ignore[arg-type]
