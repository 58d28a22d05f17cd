"""Callbacks: ours, where a service calls; and those of clients, as far as a connection, without a call."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from gateway.cli.doctor.connecting import CONNECT_S, connect, near, own_context, reason_of
from gateway.cli.doctor.look import Look
from gateway.cli.doctor.results import Finding, Job, failed, passed, said, skipped, warned
from gateway.config.smsc_model import CallbackListener
from gateway.core.call_urls import CallUrl, CallUrlError, parse_call_url
from gateway.egress.call_addresses import refusal_of

MOST = 40
"""So many hosts of clients are tried."""
_NO_REQUEST = b"?\r\n\r\n"
"""Answered by any HTTP server with 400, and counted by none of our listeners as a call."""


def jobs(look: Look) -> Iterator[Job]:
    assert look.config is not None
    listeners = look.config.listeners.callbacks
    for listener in listeners:
        subject = f"our listener {listener.address}"
        if look.gateway.answers:
            yield Job(subject, partial(_ours, subject, listener), 10.0)
        else:
            yield said(skipped(subject, f"the gateway is {look.gateway.running.value}"))
    places = _places(look)
    for url, who in list(places.items())[:MOST]:
        yield Job(f"{url.shown} ({who})", partial(_theirs, url, who, look), 10.0)
    if len(places) > MOST:
        yield said(skipped("handlers and webhooks", f"{len(places) - MOST} more hosts were not tried"))
    if not listeners and not places:
        yield said(skipped("callbacks", "no listener, handler or webhook is configured"))


def _ours(subject: str, listener: CallbackListener) -> Finding:
    try:
        with connect(near(listener.address.host), listener.address.port) as link:
            if listener.tls is None:
                answer = _answer(link)
            else:
                with own_context(str(listener.tls.certificate)).wrap_socket(link) as wrapped:
                    answer = _answer(wrapped)
    except OSError as error:
        return failed(subject, reason_of(error), "see ports; restart the gateway if this listener is new")
    if answer.startswith(b"HTTP/1."):
        return passed(subject, "answers")
    return failed(subject, "what answers there is no HTTP server", "see ports: another program may have it")


def _answer(link: socket.socket) -> bytes:
    link.settimeout(CONNECT_S)
    link.sendall(_NO_REQUEST)
    return link.recv(64)


def _places(look: Look) -> dict[CallUrl, str]:
    """Each scheme, host and port of a handler or webhook once, and the first account that has it."""
    found: dict[CallUrl, str] = {}
    assert look.config is not None
    for account in look.config.accounts:
        for text in (account.http.handler, account.http.webhook) if account.http is not None else ():
            with suppress(CallUrlError):
                if text:
                    url = parse_call_url(text)._replace(rest="")
                    found.setdefault(url, account.system_id)
    return found


def _theirs(url: CallUrl, who: str, look: Look) -> Finding:
    """A client's fault is a warning: the gateway does all that it can."""
    subject, tell = f"{url.shown} ({who})", f"tell {who}: calls wait, and are dead letters after days"
    assert look.config is not None
    try:
        addresses = look.machine.addresses(url.host)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no host name"
        return warned(subject, f"its host is not found: {reason}", tell)
    refusals = [refusal_of(address, look.config.http.call_networks) for address in addresses]
    allowed = [address for address, refusal in zip(addresses, refusals, strict=True) if not refusal]
    if not allowed:
        text = f"it is at {addresses[0]}, which is not called: {refusals[0]}"
        return warned(subject, text, "add its network to http.call_networks, if it is yours; then reload")
    try:
        with connect(allowed[0], url.port) as link:
            if url.scheme == "https":
                with ssl.create_default_context().wrap_socket(link, server_hostname=url.host):
                    pass
    except OSError as error:
        return warned(subject, f"{allowed[0]}: {reason_of(error)}", tell)
    return passed(subject, f"{allowed[0]} connects{', TLS verified' * (url.scheme == 'https')}; not called")
