"""What to do about what `smsc-gateway status` calls a problem: the table of docs/operations.md, in short."""

from __future__ import annotations

import re

_LOG = "journalctl -u smsc-gateway -n 50"

_ADVICE: tuple[tuple[str, str], ...] = (
    (
        r"refused the bind: ESME_R(ALYBND|BINDFAIL)",
        "wait 30 s; if it stays: lower binds, set rebind_pause_s, or ask the operator",
    ),
    (r"certificate", "correct tls.server_name and tls.ca of the connector, then smsc-gateway reload"),
    (r"is silent", "ask the operator; smsc-gateway trace --connector NAME shows what it says"),
    (
        r"ESME_RINVPASWD|ESME_RINVSYSID",
        "correct system_id and password (8 characters at most), then smsc-gateway reload",
    ),
    (
        r"login, or this address",
        "correct login and password (or api_key), and the addresses that its account allows; then reload",
    ),
    (r"is without money", "pay; it goes on within a minute"),
    (r"is blocked", "it ends by itself after minutes; look for programs with an old password"),
    (r"is paused", "smsc-gateway connector resume NAME, when it may go on"),
    (
        r"^connector .* is \w+",
        "check address, firewall and VPN, then ask the operator; messages wait, or go by the next connector",
    ),
    (r"^the store cannot write: PostgreSQL", "see store here, or smsc-gateway doctor --only store"),
    (
        r"the store cannot write|queue_full",
        "free some space where the state directory is; it goes on by itself",
    ),
    (r"^the balance of", "pay, or lower balance_warning"),
    (r"clock", "set the machine's clock (timedatectl, chronyc); it is followed when it comes back"),
    (r"^this node is .*drained", "stop it; or let it go on, by the command that is named there"),
    (r"stopping", "nothing: it is being stopped"),
    (r"^smarthost", f"see smarthost here, and {_LOG}"),
    (r"^the pages at", f"{_LOG}: web_died or web_not_listening says why; messages go on without them"),
    (r"no mail is taken", f"{_LOG}: what reads mails died; look for the mail that it names"),
    (r"died within a day", "smsc-gateway deadletters list, then smsc-gateway deadletters replay"),
    (r"faults in the gateway itself", f"{_LOG}: report the line `fault`"),
    (r"no gateway is running", f"systemctl status smsc-gateway; {_LOG}"),
)


def advice_for(problem: str) -> str:
    """The next step; where nothing is known, the log."""
    found = (advice for pattern, advice in _ADVICE if re.search(pattern, problem))
    return next(found, f"{_LOG}, and `When something is wrong` in the manual")
