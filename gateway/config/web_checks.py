"""Rules of the section about the pages, and what is hardly meant there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.config.account_model import SAMPLE_PASSWORD_HASH
from gateway.config.http_lints import Lint
from gateway.config.model import Config
from gateway.config.rules import check_tls, check_unique, good, named
from gateway.config.sections import Reading
from gateway.config.values import quoted
from gateway.core.passwords import is_hash

_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*", re.ASCII)


def check_web(config: Config, reading: Reading) -> None:
    """Note what is wrong with the pages."""
    web = config.web
    if web is None or not reading.is_good("web"):
        return
    if web.tls is not None:
        check_tls(web.tls, "web.tls", reading)
    if reading.is_good("web.address") and web.address.is_public and web.tls is None and not web.proxies:
        text = "passwords would come here in the clear, from any network"
        fix = "add tls, or listen on loopback, or name in proxies what adds TLS"
        reading.note("web.address", text, fix)
    check_unique(named(web.users, "web.users", "name", reading), reading)
    for path, user in good(web.users, "web.users", reading):
        key = f"{path}.password_hash"
        if not reading.is_good(key):
            continue
        fix = "run smsc-gateway hash-password and put its line here"
        if user.password_hash.reveal() == SAMPLE_PASSWORD_HASH:
            reading.note(key, "is the sample from the example", fix)
        elif not is_hash(user.password_hash.reveal()):
            reading.note(key, "is no password hash", fix)
    for path, host in good(web.hosts, "web.hosts", reading):
        if not _HOST.fullmatch(host):
            text = f"{quoted(host)} is no host name"
            reading.note(path, text, "write a name in small letters, without scheme and port")


def web_lints(config: Config) -> Iterator[Lint]:
    """The warnings about the pages."""
    web = config.web
    if web is None:
        return
    if web.tls is None and not web.address.is_loopback and not web.proxies:
        text = "passwords come here in the clear"
        yield "web.address", text, "add tls, or listen on loopback behind a proxy that has it"
    for name, networks, text in (
        ("proxies", web.proxies, "believes anybody who says that he asks for somebody else"),
        ("monitor_networks", web.monitor_networks, "anybody may read how much is sent, and by whom"),
    ):
        for place, network in enumerate(networks):
            if network.prefixlen == 0:
                yield f"web.{name}[{place}]", text, "name the addresses that are meant"
