"""The smarthost: the gateway's own connection to it, up to the point where a mail would begin."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from gateway.cli.doctor.look import Look
from gateway.cli.doctor.results import Finding, Job, failed, passed, said, skipped
from gateway.config.mail_model import Smarthost
from gateway.egress.mail_connection import MailConnection, Unreachable

ANSWER_S = 4.0
_REACH = "check mail.smarthost.address, firewall, and whether a mail server runs there"


def jobs(look: Look) -> Iterator[Job]:
    assert look.config is not None
    mail = look.config.mail
    if mail is None or mail.smarthost is None:
        yield said(skipped("mail.smarthost", "none is configured: nothing goes out as mail"))
        return
    smarthost = mail.smarthost
    subject = str(smarthost.address)
    yield Job(subject, partial(_try, subject, smarthost, mail.domains[0]), 3 * ANSWER_S)


def _try(subject: str, smarthost: Smarthost, domain: str) -> Finding:
    try:
        words = asyncio.run(_converse(replace(smarthost, timeout_s=ANSWER_S), domain))
    except Unreachable as error:
        return failed(subject, error.reason, error.fix or _REACH)
    return passed(subject, words)


async def _converse(smarthost: Smarthost, domain: str) -> str:
    """What it allows, in words; nothing is sent. Raises Unreachable."""
    connection = MailConnection(smarthost, domain)
    try:
        await connection.open()
        await connection.try_sender()
        tls = "with TLS" if connection.is_private else "without TLS"
        login = f"login of {smarthost.username} taken" if smarthost.username else "no login configured"
        return f"greets {tls}, {login}, takes mail from <>"
    finally:
        await connection.close()
