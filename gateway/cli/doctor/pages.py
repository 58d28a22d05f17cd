"""Pages: whether the process of the web pages answers."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from functools import partial

from gateway.cli.doctor.connecting import near, own_context, reason_of
from gateway.cli.doctor.look import Look
from gateway.cli.doctor.results import Finding, Job, failed, passed, said, skipped, warned
from gateway.config.basics import Address, TlsServer

ANSWER_S = 6.0
SUBJECT = "/health"


def jobs(look: Look) -> Iterator[Job]:
    assert look.config is not None
    web = look.config.web
    if web is None:
        yield said(skipped("pages", "no section web is configured"))
    elif not look.gateway.answers:
        yield said(skipped("pages", f"the gateway is {look.gateway.running.value}"))
    else:
        yield Job(str(web.address), partial(_ask, web.address, web.tls), 2 * ANSWER_S)


def _ask(address: Address, tls: TlsServer | None) -> Finding:
    subject = f"{address}{SUBJECT}"
    host, port = near(address.host), address.port
    if tls is None:
        link = http.client.HTTPConnection(host, port, timeout=ANSWER_S)
    else:
        context = own_context(str(tls.certificate))
        link = http.client.HTTPSConnection(host, port, timeout=ANSWER_S, context=context)
    try:
        link.request("GET", SUBJECT)
        code = link.getresponse().status
    except OSError as error:
        text = "look for `web` in the log; a first section web needs a restart"
        return failed(subject, reason_of(error), text)
    except http.client.HTTPException:
        return failed(
            subject, "what answers there is no HTTP server", "see ports: another program may have it"
        )
    finally:
        link.close()
    if code == 200:
        return passed(subject, "answers")
    if code in (401, 403):
        return passed(subject, f"answers ({code}: this machine is not in web.monitor_networks)")
    if code == 503:
        return warned(subject, "answers that the gateway is not well", "see gateway and binds")
    return failed(subject, f"answers {code}", "look for `web` in the log")
