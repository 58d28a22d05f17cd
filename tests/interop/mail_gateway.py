"""The real gateway with mail, and a simulated SMSC that writes down each SMS, for the mail peers."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from free_ports import free_ports
from interop_gateway import (
    EXECUTABLE,
    HOST,
    POLL_S,
    WAIT_S,
    listens,
    running,
    running_daemon,
)
from interop_peers import Smsc
from mail_peers import KILL_DOMAIN, LMTP_DOMAIN, SMS_DOMAIN
from peer_programs import need

ACCOUNT, PASSWORD = "interop", "peers123"
RELAY = "relay"  # the account of what the mail server brings
RELAY_ADDRESS = "127.0.0.2"  # where its mail comes from; every other address has to log in
OWN_NUMBER = "1234"
SMTP, STARTTLS, IMPLICIT = 0, 1, 2


@dataclass(frozen=True)
class MailGateway:
    """Where the gateway listens, and what the simulated SMSC got of it."""

    work_dir: Path
    smpp: Smsc
    smtp: tuple[int, int, int]  # plain, with STARTTLS, with TLS from the first octet
    lmtp: Path

    def received(self) -> list[dict[str, Any]]:
        """Each submit that came to the SMSC, as `simulate --json` prints it."""
        return received(self.work_dir)

    def wait_for_sms(self, destination: str, count: int = 1) -> list[dict[str, Any]]:
        """What came for a number, once there are `count` submits; a test failure when they do not come."""
        until = time.monotonic() + WAIT_S
        while True:
            found = [sms for sms in self.received() if sms["destination"] == destination]
            if len(found) >= count:
                return found
            if time.monotonic() > until:
                pytest.fail(f"{len(found)} of {count} SMS came for {destination}\n{self.log()}")
            time.sleep(POLL_S)

    def log(self) -> str:
        """The end of the gateway's log."""
        return (self.work_dir / "gateway.log").read_text(encoding="utf-8", errors="replace")[-6000:]


def received(work_dir: Path) -> list[dict[str, Any]]:
    """Each submit that came to the simulated SMSC whose output is in `work_dir`."""
    lines = (work_dir / "simulator.log").read_text(encoding="utf-8").splitlines(keepends=True)
    records = [json.loads(line) for line in lines if line.endswith("\n")]  # the last may be half written
    return [record for record in records if record["event"] == "received"]


@contextmanager
def running_mail_gateway(
    work_dir: Path,
    smtp_port: int,
    lmtp: Path,
    *,
    smarthost_port: int | None = None,
    certificate: Path | None = None,
) -> Iterator[MailGateway]:
    """Gateway and simulator; with a certificate (and its .key) two more SMTP listeners have TLS."""
    smpp_port, smsc_port, starttls, implicit = free_ports(4)
    gateway = MailGateway(
        work_dir,
        Smsc(HOST, smpp_port, ACCOUNT, PASSWORD),
        (smtp_port, starttls, implicit),
        lmtp,
    )
    config = work_dir / "gateway.yaml"
    config.write_text(configuration(gateway, smsc_port, smarthost_port, certificate), encoding="utf-8")
    with (
        running(simulator(smsc_port), work_dir / "simulator.log", lambda: listens(smsc_port)),
        running_daemon(config, work_dir, gateway.smpp),
    ):
        yield gateway


def simulator(port: int, *options: str) -> list[str]:
    """The command of a simulated SMSC that prints each submit."""
    return [str(EXECUTABLE), "simulate", "--json", "--listen", f"{HOST}:{port}", *options]


def configuration(
    gateway: MailGateway, smsc_port: int, smarthost_port: int | None, certificate: Path | None
) -> str:
    """The gateway's configuration; it is JSON, and so YAML."""
    hashed = password_hash(PASSWORD)
    smtp: list[dict[str, Any]] = [{"address": f"{HOST}:{gateway.smtp[SMTP]}", "hostname": SMS_DOMAIN}]
    if certificate is not None:
        tls = {"certificate": str(certificate), "key": str(certificate.with_suffix(".key"))}
        smtp.append({"address": f"{HOST}:{gateway.smtp[STARTTLS]}", "tls": tls})
        smtp.append(
            {"address": f"{HOST}:{gateway.smtp[IMPLICIT]}", "tls": tls, "tls_mode": "implicit"},
        )
    mail: dict[str, Any] = {"domains": [SMS_DOMAIN, LMTP_DOMAIN, KILL_DOMAIN], "max_per_pair_h": 10_000}
    if smarthost_port is not None:
        mail["smarthost"] = {"address": f"{HOST}:{smarthost_port}"}
    incoming = {"number": OWN_NUMBER, "mail": ["alice@example.org"], "account": ACCOUNT}
    sections = {
        "listeners": {
            "smpp": [{"address": f"{HOST}:{gateway.smpp.port}"}],
            "smtp": smtp,
            "lmtp": [{"path": str(gateway.lmtp), "account": RELAY}],
        },
        "accounts": [
            {"system_id": ACCOUNT, "password_hash": hashed, "mail": {}},
            {
                "system_id": RELAY,
                "password_hash": hashed,
                "mail": {
                    "networks": [f"{RELAY_ADDRESS}/32"],
                    "source": OWN_NUMBER,
                    "over_limit": "reject",
                },
            },
        ],
        "connectors": [
            {
                "name": "simulator",
                "address": f"{HOST}:{smsc_port}",
                "system_id": "gateway",
                "password": "upstream",
                "reconnect_max_s": 0.2,
            }
        ],
        "routes": [{"prefix": "", "connectors": ["simulator"]}],
        "mail": mail,
        "incoming": [incoming] if smarthost_port is not None else [],
    }
    return json.dumps(sections, indent=2)


def password_hash(password: str) -> str:
    """What `smsc-gateway hash-password` prints."""
    command = [str(EXECUTABLE), "hash-password"]
    done = subprocess.run(command, input=password + "\n", capture_output=True, text=True, check=True)
    return done.stdout.strip()


def certificate(folder: Path) -> Path:
    """A self-signed certificate for SMS_DOMAIN in PEM, with its key beside it."""
    made = folder / "sms.pem"
    command = [need("openssl", "openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", f"/CN={SMS_DOMAIN}"]
    command += ["-addext", f"subjectAltName=DNS:{SMS_DOMAIN}"]
    command += ["-out", str(made), "-keyout", str(made.with_suffix(".key"))]
    subprocess.run(command, check=True, capture_output=True)
    return made
