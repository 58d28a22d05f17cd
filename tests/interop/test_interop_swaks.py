"""swaks logs in, with TLS and without, and sends what it should not."""

import smtplib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from free_ports import free_ports
from interop_gateway import HOST
from mail_gateway import (
    ACCOUNT,
    IMPLICIT,
    PASSWORD,
    RELAY_ADDRESS,
    SMTP,
    STARTTLS,
    MailGateway,
    certificate,
    running_mail_gateway,
)
from mail_peers import SMS_DOMAIN, Swaks, swaks

pytestmark = pytest.mark.interop

SENDER = "alice@example.org"
TRUSTED = ("--local-interface", RELAY_ADDRESS)
MAX_SIZE = 1_000_000


class Served(NamedTuple):
    """A gateway, and the certificate that it shows."""

    gateway: MailGateway
    certificate: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    work_dir = tmp_path_factory.mktemp("swaks")
    shown = certificate(work_dir)
    (port,) = free_ports(1)
    with running_mail_gateway(work_dir, port, work_dir / "lmtp", certificate=shown) as gateway:
        yield Served(gateway, shown)


def send(served: Served, listener: int, number: str, *options: str, given: bytes = b"") -> Swaks:
    """A mail to a number; TLS as the listener has it, with a certificate that is checked."""
    tls: dict[int, list[str]] = {
        SMTP: [],
        STARTTLS: ["--tls", "--tls-verify", "--tls-ca-path", str(served.certificate)],
        IMPLICIT: ["--tls-on-connect", "--tls-verify", "--tls-ca-path", str(served.certificate)],
    }
    envelope = ["--from", SENDER, "--to", f"{number}@{SMS_DOMAIN}"]
    return swaks(served.gateway.smtp[listener], *tls[listener], *envelope, *options, given=given)


def login(kind: str, password: str = PASSWORD) -> list[str]:
    return ["--auth", kind, "--auth-user", ACCOUNT, "--auth-password", password]


@pytest.mark.parametrize("kind", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("listener", [STARTTLS, IMPLICIT], ids=["starttls", "implicit"])
def test_a_login_under_tls_sends_an_sms(served: Served, listener: int, kind: str) -> None:
    number = f"7999101{listener}00{['PLAIN', 'LOGIN'].index(kind)}"
    sent = send(served, listener, number, *login(kind), "--body", f"by {kind}", "--header", "Subject: hello")
    assert sent.status == 0, sent.transcript
    (sms,) = served.gateway.wait_for_sms(number)
    assert sms["text"] == f"hello: by {kind}"


@pytest.mark.parametrize("kind", ["PLAIN", "LOGIN"])
def test_a_wrong_password_is_refused(served: Served, kind: str) -> None:
    refused = send(served, STARTTLS, "79991020001", *login(kind, "wrong"))
    assert refused.status == 28, refused.transcript  # swaks: authentication failed
    assert any(reply.startswith("535 5.7.8 ") for reply in refused.replies()), refused.transcript


def test_without_tls_no_login_is_offered_or_taken_and_without_one_no_number_is_reached(
    served: Served,
) -> None:
    for listener in (SMTP, STARTTLS):
        plain = swaks(served.gateway.smtp[listener], *login("PLAIN"), "--to", f"79991030001@{SMS_DOMAIN}")
        assert plain.status == 28, plain.transcript
        assert not any(reply[4:].startswith("AUTH") for reply in plain.replies()), plain.transcript
    with smtplib.SMTP(HOST, served.gateway.smtp[STARTTLS]) as client:
        client.ehlo()
        assert client.docmd("AUTH", "PLAIN AGEAYg==")[0] == 538
    unknown = send(served, SMTP, "79991030001")
    assert unknown.status == 24, unknown.transcript  # swaks: no recipient was taken
    assert any(reply.startswith("5") and " 5.7." in reply for reply in unknown.replies()), unknown.transcript


def test_a_client_that_pipelines_is_served(served: Served) -> None:
    sent = send(served, SMTP, "79991040001", *TRUSTED, "--pipeline", "--body", "all at once")
    assert sent.status == 0, sent.transcript
    assert "250-PIPELINING" in sent.replies()
    assert served.gateway.wait_for_sms("79991040001")[0]["text"].endswith("all at once")


@pytest.mark.parametrize(
    "end",
    ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\n\n.\n\n"],
    ids=lambda end: end.encode("unicode_escape").decode(),
)
def test_only_the_real_end_of_data_ends_a_mail(served: Served, end: str) -> None:
    """What follows a false end would else be a mail of its own, which no check of this mail has seen."""
    hidden = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<79991059999@{SMS_DOMAIN}>\r\nDATA\r\n\r\nsmuggled\r\n"
    data = f"Subject: one\r\n\r\nfirst{end}{hidden}..after\r\n."
    sent = send(served, SMTP, "79991050001", *TRUSTED, "--no-data-fixup", "--data", data)
    answers = [reply for reply in sent.replies() if reply.startswith(("250 2.0.0", "4", "5"))]
    assert len(answers) == 1, sent.transcript
    before = len(arrived(served, "79991050002"))
    assert send(served, SMTP, "79991050002", *TRUSTED, "--body", "next").status == 0
    served.gateway.wait_for_sms("79991050002", before + 1)
    assert arrived(served, "79991059999") == []


def test_a_line_of_nearly_a_megabyte_is_refused(served: Served) -> None:
    refused = send(served, SMTP, "79991060001", *TRUSTED, "--body", "-", given=b"x" * (MAX_SIZE - 10_000))
    assert refused.status == 26, refused.transcript[-2000:]  # swaks: the mail was not taken
    assert any(reply.startswith("500 5.") for reply in refused.replies()), refused.replies()
    assert arrived(served, "79991060001") == []


def test_a_mail_over_the_size_is_refused_before_it_comes_and_after(served: Served) -> None:
    lines = b"0123456789abcdef" * 4 + b"\n"
    refused = send(served, SMTP, "79991070001", *TRUSTED, "--body", "-", given=lines * (MAX_SIZE // 60))
    assert f"250-SIZE {MAX_SIZE}" in refused.replies()
    assert refused.status == 26, refused.transcript[-2000:]
    assert any(reply.startswith("552 5.3.4 ") for reply in refused.replies()), refused.replies()
    with smtplib.SMTP(HOST, served.gateway.smtp[SMTP], source_address=(RELAY_ADDRESS, 0)) as client:
        client.ehlo()
        assert client.mail(SENDER, [f"SIZE={MAX_SIZE + 1}"])[0] == 552
        assert client.mail(SENDER, [f"SIZE={MAX_SIZE}"])[0] == 250
    assert arrived(served, "79991070001") == []


def arrived(served: Served, number: str) -> list[dict[str, Any]]:
    """What the SMSC has got for a number by now."""
    return [sms for sms in served.gateway.received() if sms["destination"] == number]
