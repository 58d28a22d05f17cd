"""What to do about what `status` calls a problem: the manual's table in a sentence each, and where to go."""

from __future__ import annotations

import re
from typing import NamedTuple

from gateway.ops.web.words import N_


class Advice(NamedTuple):
    """One kind of problem."""

    begins: str
    """A pattern of how the problem's text begins."""
    what: str
    """What to do, in English; the pages translate it."""
    page: str
    """Where on the pages one sees more or does it; "" for nowhere."""
    manual: str
    """The chapter of the manual (docs/), with its anchor."""


PROBLEMS = "operations.md#what-status-calls-a-problem"
_ADVICE = tuple(
    Advice(*row)
    for row in (
        (
            "connector .* is paused",
            N_("Somebody paused it: messages wait or go by another connector. Resume it when all is well."),
            "/connectors",
            "operations.md#commands",
        ),
        (
            "connector .* is connecting: .*(ALYBND|BINDFAIL)",
            N_("The SMSC thinks we are bound, or allows fewer binds. If it does not end, lower `binds`."),
            "/connectors",
            PROBLEMS,
        ),
        (
            "connector .* is connecting: .*certificate",
            N_("Correct `tls.server_name` or `tls.ca`, so that they fit the SMSC's certificate."),
            "/configuration",
            PROBLEMS,
        ),
        (
            "connector .* is connecting",
            N_("It does not answer: check address, firewall and VPN, then ask its operator. Messages wait."),
            "/connectors",
            PROBLEMS,
        ),
        (
            "connector .* is silent",
            N_(
                "It is bound, and answers no submit: ask the SMSC's operator. Messages wait or go by another."
            ),
            "/connectors",
            PROBLEMS,
        ),
        (
            "connector .* is refused",
            N_("The SMSC does not take the login: correct `system_id` and `password`, then reload."),
            "/configuration",
            PROBLEMS,
        ),
        (
            "connector .* is without money",
            N_("Pay the SMSC service's account; it goes on within a minute."),
            "/connectors",
            PROBLEMS,
        ),
        (
            "connector .* is blocked",
            N_("Too many wrong requests came from this address: look for programs with an old password."),
            "/connectors",
            PROBLEMS,
        ),
        (
            "connector .* is ",
            N_("Look at the connector and its last error. Messages wait or take the route's next connector."),
            "/connectors",
            PROBLEMS,
        ),
        (
            "the store cannot write: PostgreSQL",
            N_("The database is not reached: `doctor --only store` says more. It goes on by itself."),
            "",
            "cluster.md#when-something-fails",
        ),
        (
            "this node is (being )?drained",
            N_("Others do its work. Stop it, or let it go on by `smsc-gateway nodes resume`."),
            "",
            "cluster.md#drain-a-node-upgrade",
        ),
        (
            "the store cannot write",
            N_("Free some space on the disk of the state directory. It goes on by itself."),
            "",
            PROBLEMS,
        ),
        (
            "nothing is accepted: stopping",
            N_("The gateway is being stopped."),
            "",
            PROBLEMS,
        ),
        (
            "nothing is accepted",
            N_("Free some space on the disk of the state directory; what is queued is sent all the while."),
            "",
            PROBLEMS,
        ),
        (
            "the balance of .* is low",
            N_("Pay the SMSC service's account, or lower `balance_warning`."),
            "/connectors",
            PROBLEMS,
        ),
        (
            "smarthost .* is down",
            N_("Reports and answers do not reach mailboxes: look at the smarthost. Mail is taken still."),
            "",
            "operations.md#reports-and-answers-do-not-reach-the-mailbox",
        ),
        (
            "the pages at .* do not run",
            N_("Their process ends again and again, or their address is taken: the log has the reason."),
            "",
            "pages.md#when-something-is-wrong",
        ),
        (
            "no mail is taken",
            N_("What reads mails ended again and again: the log has the reason (`mail_reader_died`)."),
            "",
            "operations.md#a-mail-did-not-become-an-sms",
        ),
        (
            r"\d+ .*died within a day",
            N_("Look at the dead letters, end what made them die, and put them back."),
            "/deadletters",
            "operations.md#dead-letters",
        ),
        (
            "faults in the gateway itself",
            N_("Report the log line with it; what it was about goes on."),
            "",
            "operations.md#the-log",
        ),
        (
            "the machine's clock",
            N_("Set the machine's clock right, best by NTP."),
            "",
            PROBLEMS,
        ),
        (
            "the .* of account .* has failed",
            N_("A client's handler does not answer: tell its owner. Calls are tried again."),
            "/accounts",
            "http.md",
        ),
    )
)
_OTHER = Advice("", N_("The manual has more about it."), "", PROBLEMS)


def advice_for(problem: str) -> Advice:
    """What to do about a problem of `status`."""
    return next((one for one in _ADVICE if re.match(one.begins, problem, re.IGNORECASE)), _OTHER)
