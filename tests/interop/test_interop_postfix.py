"""Debian's Postfix relays mail to the gateway, and takes its reports, the answers and what comes in."""

import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.message import EmailMessage, Message
from pathlib import Path
from typing import NamedTuple

import pytest
from free_ports import free_ports
from interop_gateway import EXECUTABLE, HOST, WAIT_S, ask, listens, running, wait_until
from interop_peers import Smsc
from mail_gateway import (
    OWN_NUMBER,
    PASSWORD,
    RELAY_ADDRESS,
    MailGateway,
    configuration,
    received,
    running_mail_gateway,
    simulator,
)
from mail_peers import KILL_DOMAIN, LMTP_DOMAIN, SMS_DOMAIN, Postfix, running_postfix
from peer_programs import need

pytestmark = pytest.mark.interop

ALICE, BOB, CAROL = "alice@example.org", "bob@example.org", "carol@example.org"
UTF8 = "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
MAILS = 400
KILLS, MAILS_BETWEEN = 5, 20
KILL_WAIT_S = 60


class System(NamedTuple):
    """A mail server and the gateway that it relays to, and that sends its own mail through it."""

    postfix: Postfix
    gateway: MailGateway
    kill_port: int


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    smtp_port, kill_port = free_ports(2)
    smtp, lmtp = documented_maps()
    maps = [
        smtp.replace("2525", str(smtp_port)),
        lmtp.replace(SMS_DOMAIN, LMTP_DOMAIN),
        smtp.replace("2525", str(kill_port)).replace(SMS_DOMAIN, KILL_DOMAIN),
    ]
    options = f"transport_maps = {' '.join(maps)}\nsmtp_bind_address = {RELAY_ADDRESS}\n"
    work_dir = tmp_path_factory.mktemp("postfix")
    with (
        running_postfix(options, "alice", "bob", "carol") as postfix,
        running_mail_gateway(
            work_dir, smtp_port, folder_for_lmtp(postfix) / "lmtp", smarthost_port=postfix.port
        ) as gateway,
    ):
        yield System(postfix, gateway, kill_port)


def folder_for_lmtp(postfix: Postfix) -> Path:
    """The folder that docs/email.md has made for the socket."""
    page = (Path(__file__).parents[2] / "docs" / "email.md").read_text(encoding="utf-8")
    found = re.search(r"install -d -o smsc-gateway -g postfix -m (\d+) /var/spool/postfix/(\S+)", page)
    assert found is not None
    folder = postfix.folder / "queue" / found[2]
    folder.mkdir()
    shutil.chown(folder, group="postfix")
    folder.chmod(int(found[1], 8))
    return folder


def documented_maps() -> list[str]:
    """What docs/email.md gives Postfix as transport_maps: over SMTP, then over LMTP."""
    page = Path(__file__).parents[2] / "docs" / "email.md"
    found = re.findall(r"^transport_maps = (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(found) == 2, found
    return found


def test_a_mail_relayed_over_smtp_is_an_sms(system: System) -> None:
    header = f"From: {ALICE}\nTo: 79990010001@{SMS_DOMAIN}\nSubject: =?utf-8?b?0KHQsdC+0Lk=?=\n{UTF8}"
    system.postfix.send(ALICE, [f"79990010001@{SMS_DOMAIN}"], "диск полон\n".encode(), header=header)
    (sms,) = system.gateway.wait_for_sms("79990010001")
    assert (sms["source"], sms["text"]) == (OWN_NUMBER, "Сбой: диск полон")


def test_a_mail_relayed_over_lmtp_is_an_sms(system: System) -> None:
    system.postfix.send(ALICE, [f"79990020001@{LMTP_DOMAIN}"], b"disk full\n")
    (sms,) = system.gateway.wait_for_sms("79990020001")
    assert sms["text"] == "disk full"


def test_over_lmtp_only_the_recipient_that_is_refused_after_the_data_bounces(system: System) -> None:
    """Two segments are one too many for the second recipient alone."""
    good, narrow = f"79990030001@{LMTP_DOMAIN}", f"/id=79990030002/maxpages=1/@{LMTP_DOMAIN}"
    system.postfix.send(BOB, [good, narrow], b"x" * 200 + b"\n")
    assert len(system.gateway.wait_for_sms("79990030001", 2)) == 2
    (bounce,) = system.postfix.wait_for_mails("bob", 1)
    _, recipients = status_fields(bounce)
    assert [field(recipient, "Final-Recipient") for recipient in recipients] == [f"rfc822; {narrow}"]
    assert field(recipients[0], "Status") == "5.2.3"
    assert "mx.example.org" in field(status_fields(bounce)[0], "Reporting-MTA")
    assert [sms for sms in system.gateway.received() if sms["destination"] == "79990030002"] == []


def test_a_failed_sms_is_reported_to_the_mail_s_sender(system: System) -> None:
    recipient = f"79990099002@{SMS_DOMAIN}"
    header = f"From: {CAROL}\nTo: {recipient}\nSubject: lost\nMessage-ID: <failed@example.org>\n"
    before = len(system.postfix.mails("carol"))
    system.postfix.send(CAROL, [recipient], b"never arrives\n", header=header)
    report = system.postfix.wait_for_mails("carol", before + 1)[before]
    whole, (status,) = status_fields(report)
    assert field(status, "Action") == "failed"
    assert field(status, "Status").startswith("5.")
    assert field(status, "Final-Recipient") == f"rfc822; {recipient}"
    assert field(status, "Original-Recipient") == f"rfc822; {recipient}"
    assert field(whole, "Reporting-MTA") == f"dns; {SMS_DOMAIN}"
    assert report["Return-Path"] == "<>"
    assert report["To"] == CAROL
    assert report["Auto-Submitted"] == "auto-replied"
    assert report["In-Reply-To"] == "<failed@example.org>"
    assert "Subject: lost" in returned_header(report)


def test_a_delivered_sms_is_reported_when_notify_asks_for_it_and_never_means_never(system: System) -> None:
    before = len(system.postfix.mails("carol"))
    unheard = f"79990199002@{SMS_DOMAIN}"
    system.postfix.send(CAROL, [unheard], b"fails\n", "-N", "never")
    system.gateway.wait_for_sms("79990199002")
    system.postfix.send(
        CAROL, [f"79990050001@{SMS_DOMAIN}"], b"arrives\n", "-N", "success,failure", "-V", "e+1"
    )
    report = system.postfix.wait_for_mails("carol", before + 1)[before]
    whole, (status,) = status_fields(report)
    assert (field(status, "Action"), field(status, "Status")) == ("delivered", "2.0.0")
    assert field(whole, "Original-Envelope-Id") == "e+1"
    assert len(system.postfix.mails("carol")) == before + 1


def test_an_incoming_sms_is_a_mail_whose_reply_is_an_sms_and_whose_answer_is_a_reply(
    system: System, tmp_path: Path
) -> None:
    """The simulated subscriber answers whatever it gets with the same words."""
    subscriber = "79990099120"
    submit_over_smpp(system.gateway.smpp, tmp_path, subscriber, "call me")
    (incoming,) = system.postfix.wait_for_mails("alice", 1)
    assert body(incoming) == "call me"
    assert incoming["From"].addresses[0].addr_spec == f"{subscriber}@{SMS_DOMAIN}"
    assert incoming["Return-Path"] == "<>"

    reply = f"From: {ALICE}\nTo: {incoming['From']}\nSubject: tomorrow\nMessage-ID: <reply@example.org>\n"
    reply += f"In-Reply-To: {incoming['Message-ID']}\n"
    system.postfix.send(ALICE, [incoming["From"].addresses[0].addr_spec], b"at nine\n", header=reply)
    assert system.gateway.wait_for_sms(subscriber, 2)[1]["text"] == "at nine"

    answer = system.postfix.wait_for_mails("alice", 2)[1]
    assert body(answer) == "at nine"
    assert answer["Subject"] == "Re: tomorrow"
    assert answer["In-Reply-To"] == "<reply@example.org>"
    assert "<reply@example.org>" in answer["References"]


def test_nothing_is_lost_when_the_gateway_is_killed_while_postfix_relays(
    system: System, tmp_path: Path
) -> None:
    smsc_port, smpp_port = free_ports(2)
    gateway = MailGateway(
        tmp_path,
        Smsc(HOST, smpp_port, "", ""),
        (system.kill_port, 0, 0),
        system.postfix.folder / "killed",
    )
    config = tmp_path / "gateway.yaml"
    config.write_text(configuration(gateway, smsc_port, None, None), encoding="utf-8")
    relaying = 0
    faults = ("--no-magic", "--resp-delay-ms", "20")
    with running(simulator(smsc_port, *faults), tmp_path / "simulator.log", lambda: listens(smsc_port)):
        process = start(config, gateway)
        try:
            with numbered_mails(system.postfix) as source:
                for _ in range(KILLS):
                    # What has waited for the gateway comes in a burst: a kill finds mails whose 250 is due
                    wait_for_more(tmp_path, MAILS_BETWEEN)
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    relaying += source.poll() is None or bool(system.postfix.queue())
                    process = start(config, gateway)
                assert source.wait(KILL_WAIT_S) == 0
            wait_until(lambda: is_relayed(system.postfix), "an empty queue at Postfix")
            wait_until(lambda: nothing_waits(tmp_path), "all receipts")
        finally:
            process.terminate()
            process.wait()
    assert relaying, "Postfix was done before the first kill"
    assert process.returncode == 0
    assert b"Traceback" not in (tmp_path / "gateway.log").read_bytes()
    arrived = Counter(sms["destination"] for sms in received(tmp_path) if sms["status"] == "ESME_ROK")
    messages, doubtful, held = kept(tmp_path / "state")
    assert len(held | arrived.keys()) == MAILS, "lost"
    assert max(messages.values()) == 1, "a mail whose 250 was lost has become a second message"
    assert {number for number, count in arrived.items() if count > 1} <= doubtful


def start(config: Path, gateway: MailGateway) -> subprocess.Popen[bytes]:
    """The gateway, once it takes mail."""
    state = gateway.work_dir / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    command = [str(EXECUTABLE), "run", "--config", str(config), "--state-dir", str(state)]
    with (gateway.work_dir / "gateway.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until(lambda: listens(gateway.smtp[0]) or process.poll() is not None, "a listener")
    except BaseException:
        process.kill()
        raise
    assert process.poll() is None, gateway.log()
    return process


@contextmanager
def numbered_mails(postfix: Postfix) -> Iterator[subprocess.Popen[bytes]]:
    """MAILS mails, each to a number of its own, on their way to Postfix by its own load tool."""
    command = [need("smtp-source", "postfix"), "-N", "-s", "2", "-m", str(MAILS), "-f", ALICE]
    command += ["-t", f"79990070000@{KILL_DOMAIN}", f"{HOST}:{postfix.port}"]
    with subprocess.Popen(command) as source:
        try:
            yield source
        finally:
            source.terminate()


def wait_for_more(work_dir: Path, mails: int) -> None:
    """Until so many more SMS have come to the SMSC, or as long as a test waits for anything."""
    until = time.monotonic() + WAIT_S
    wanted = len(received(work_dir)) + mails
    while len(received(work_dir)) < wanted:
        assert time.monotonic() < until, f"no {mails} SMS more"
        time.sleep(0.002)


def is_relayed(postfix: Postfix) -> bool:
    if not postfix.queue():
        return True
    postfix.flush()
    return False


def nothing_waits(work_dir: Path) -> bool:
    summary = ask(work_dir, "queue")
    return not (summary["upstream"] or summary["awaiting_receipt"])


def kept(state_dir: Path) -> tuple[Counter[str], set[str], set[str]]:
    """How many messages each number had; which numbers' are listed as perhaps sent twice, and which are held.

    The gateway has ended; what it says itself leaves out the middle of the numbers.
    """
    messages = "SELECT message_id, destination, 0 AS held FROM history"
    messages += " UNION ALL SELECT message_id, destination, progress = 2 FROM message"
    listed = "message_id IN (SELECT message_id FROM ambiguous)"
    with closing(sqlite3.connect(f"file:{state_dir / 'queue.sqlite3'}?mode=ro", uri=True)) as database:
        rows = database.execute(f"SELECT destination, {listed}, held FROM ({messages})").fetchall()
    doubtful = {number for number, is_listed, _ in rows if is_listed}
    return Counter(row[0] for row in rows), doubtful, {number for number, _, is_held in rows if is_held}


def submit_over_smpp(smsc: Smsc, work_dir: Path, destination: str, text: str) -> None:
    """A message of the SMPP account, from our own number."""
    password = work_dir / "password"
    password.write_text(PASSWORD, encoding="utf-8")
    command = [
        str(EXECUTABLE),
        "send",
        "--connect",
        f"{smsc.host}:{smsc.port}",
        "--system-id",
        smsc.system_id,
    ]
    command += ["--password-file", str(password), "--from", OWN_NUMBER, "--to", destination, "--text", text]
    subprocess.run([*command, "--json"], check=True, capture_output=True, timeout=60)


def status_fields(report: EmailMessage) -> tuple[Message, list[Message]]:
    """The fields of a report about the whole mail, and those of each recipient (RFC 3464 §2.1)."""
    assert report.get_content_type() == "multipart/report", report
    assert report.get_param("report-type") == "delivery-status"
    status = report.get_payload(1)
    assert isinstance(status, EmailMessage)
    assert status.get_content_type() == "message/delivery-status"
    whole, *recipients = (part for part in status.get_payload() if isinstance(part, Message))
    return whole, recipients


def returned_header(report: EmailMessage) -> str:
    part = report.get_payload(2)
    assert isinstance(part, EmailMessage)
    assert part.get_content_type() == "text/rfc822-headers"
    return str(part.get_content())


def field(fields: Message, name: str) -> str:
    """A field's value; with no spaces twice."""
    return " ".join(str(fields[name]).split())


def body(mail: EmailMessage) -> str:
    return str(mail.get_content()).strip()
