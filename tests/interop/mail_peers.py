"""A private Postfix, mail files and swaks: real mail programs on loopback for the tests.

Postfix needs root: its daemons change to users of their own, and its queue belongs to them.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
from free_ports import free_ports
from interop_gateway import HOST, START_WAIT_S, STOP_WAIT_S, listens, wait_until
from peer_programs import PATH, missing, need

MAIL_DOMAIN = "example.org"  # of the people, with mailboxes at Postfix
SMS_DOMAIN = "sms.example.org"  # of the numbers: Postfix relays them to the gateway over SMTP,
LMTP_DOMAIN = "lmtp.example.org"  # and these over LMTP,
KILL_DOMAIN = "kill.example.org"  # and these to a gateway that is killed
NOBODY = 65534
LOG_END = 6000

# Short intervals, because a test waits for what comes again; IPv4 and no DNS, because only loopback is there.
MAIN_CF = f"""\
compatibility_level = 3.6
config_directory = {{folder}}/etc
queue_directory = {{folder}}/queue
data_directory = {{folder}}/data
maillog_file = {{folder}}/mail.log
maillog_file_prefixes = {{folder}}
myhostname = mx.{MAIL_DOMAIN}
mydestination =
mynetworks = 127.0.0.0/8
inet_protocols = ipv4
inet_interfaces = loopback-only
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
biff = no
alias_maps =
alias_database =
virtual_mailbox_domains = {MAIL_DOMAIN}
virtual_mailbox_maps = texthash:{{folder}}/mailboxes
virtual_mailbox_base = {{folder}}/mail
virtual_uid_maps = static:{NOBODY}
virtual_gid_maps = static:{NOBODY}
relay_domains = {SMS_DOMAIN} {LMTP_DOMAIN} {KILL_DOMAIN}
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
"""

# service, type, private, unprivileged, chroot, wakeup, processes at the most, program
MASTER_CF = """\
{port} inet n - n - - smtpd
pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Postfix:
    """A running Postfix: mail goes in by `send` or over SMTP at `port`, and out of `mails`."""

    folder: Path
    port: int

    def send(
        self, sender: str, recipients: Sequence[str], text: bytes, *options: str, header: str = ""
    ) -> None:
        """Hands a mail to Postfix's sendmail, as a program on this machine does."""
        head = header or f"From: {sender}\nTo: {', '.join(recipients)}\n"
        self._run("sendmail", "-f", sender, *options, "--", *recipients, given=head.encode() + b"\n" + text)

    def mails(self, name: str) -> list[EmailMessage]:
        """What lies in `name`'s mailbox, in the order of its coming."""
        files = sorted(
            (self.folder / "mail" / name / "new").glob("*"), key=lambda file: file.stat().st_mtime_ns
        )
        parser = BytesParser(policy=policy.default)
        return [_whole(parser.parsebytes(file.read_bytes())) for file in files]

    def wait_for_mails(self, name: str, count: int) -> list[EmailMessage]:
        """The same, once there are `count` of them."""
        wait_until(lambda: len(self.mails(name)) >= count, f"{count} mails for {name}\n{self.log()}")
        return self.mails(name)

    def flush(self) -> None:
        """Tries all that waits at once, also what Postfix found in other hands and left for minutes."""
        self._run("postqueue", "-f")

    def queue(self) -> list[dict[str, Any]]:
        """What Postfix still has to deliver."""
        return [json.loads(line) for line in self._run("postqueue", "-j").splitlines()]

    def log(self) -> str:
        """The end of its log."""
        return (self.folder / "mail.log").read_text(encoding="utf-8", errors="replace")[-LOG_END:]

    def _run(self, program: str, *arguments: str, given: bytes = b"") -> str:
        flags = ["-C" if program == "sendmail" else "-c", str(self.folder / "etc")]
        command = [need(program, "postfix"), *flags, *arguments]
        done = subprocess.run(command, input=given, capture_output=True, timeout=STOP_WAIT_S, check=False)
        if done.returncode != 0:
            pytest.fail(f"{command} ended with {done.returncode}: {done.stderr.decode()}\n{self.log()}")
        return done.stdout.decode()


@contextmanager
def running_postfix(options: str, *mailboxes: str) -> Iterator[Postfix]:
    """A Postfix with these mailboxes at MAIL_DOMAIN.

    `options` are more lines of main.cf. The folder is not pytest's, because only root may read pytest's, and
    because the paths of sockets have to be short.
    """
    program = need("postfix", "postfix")
    if os.geteuid() != 0:
        missing("Postfix starts only as root")
    folder = Path(tempfile.mkdtemp(prefix="postfix-"))
    try:
        folder.chmod(0o755)
        postfix = Postfix(folder, free_ports(1)[0])
        _write_configuration(postfix, options, mailboxes)
        with _master(program, postfix):
            yield postfix
    finally:
        shutil.rmtree(folder)


@contextmanager
def _master(program: str, postfix: Postfix) -> Iterator[None]:
    pid_file = postfix.folder / "queue/pid/master.pid"
    command = [program, "-c", str(postfix.folder / "etc"), "start-fg"]
    output = postfix.folder / "start.log"
    with output.open("wb") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "PATH": PATH})
    try:
        until = time.monotonic() + START_WAIT_S
        while not (listens(postfix.port) and pid_file.exists() and pid_file.read_text().strip()):
            if child.poll() is not None or time.monotonic() > until:
                pytest.fail(f"Postfix is not ready: {output.read_text()}\n{postfix.log()}")
            time.sleep(0.05)
        yield
    finally:
        # The child is a shell that waits for the daemon, which ends all that it has started.
        if child.poll() is None:
            if pid_file.exists():
                os.kill(int(pid_file.read_text()), signal.SIGTERM)
            else:
                child.kill()
        child.wait(STOP_WAIT_S)


def _write_configuration(postfix: Postfix, options: str, mailboxes: Sequence[str]) -> None:
    folder = postfix.folder
    for name in ("etc", "queue", "data", "mail"):
        (folder / name).mkdir(mode=0o755)
    shutil.chown(folder / "data", "postfix")
    os.chown(folder / "mail", NOBODY, NOBODY)
    (folder / "mail.log").touch()
    (folder / "etc/main.cf").write_text(MAIN_CF.format(folder=folder) + options, encoding="utf-8")
    master = MASTER_CF.format(port=f"{HOST}:{postfix.port}")
    (folder / "etc/master.cf").write_text(master, encoding="utf-8")
    lines = [f"{name}@{MAIL_DOMAIN} {name}/\n" for name in mailboxes]
    (folder / "mailboxes").write_text("".join(lines), encoding="utf-8")


def _whole(mail: object) -> EmailMessage:
    """The mail, when nothing of it is malformed: the parser notes what it had to guess."""
    assert isinstance(mail, EmailMessage)
    for part in mail.walk():
        assert not part.defects, f"{part.defects} in\n{mail}"
        for name, value in part.items():
            assert not getattr(value, "defects", ()), f"{value.defects} in {name}: {value}"
    return mail


@dataclass(frozen=True)
class Swaks:
    """What a run of swaks ended with, and its transcript."""

    status: int
    transcript: str

    def replies(self) -> list[str]:
        """The lines that the server sent, under TLS or not, refusals or not."""
        marks = ("<-  ", "<** ", "<~  ", "<~* ")
        return [line[4:] for line in self.transcript.splitlines() if line.startswith(marks)]


def swaks(port: int, *options: str, given: bytes = b"") -> Swaks:
    """Runs swaks against a port of this machine."""
    command = [need("swaks", "swaks"), "--server", HOST, "--port", str(port), *options]
    done = subprocess.run(
        command, input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False
    )
    return Swaks(done.returncode, done.stdout.decode("utf-8", "replace"))
