"""Ports: who listens where the gateway should."""

from __future__ import annotations

import socket
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gateway.cli.doctor import sockets
from gateway.cli.doctor.look import Look, listeners_of
from gateway.cli.doctor.names import is_ip
from gateway.cli.doctor.results import Finding, Job, failed, passed, skipped, warned
from gateway.config.basics import Address
from gateway.ops.listening import why_not_listening

SYSTEMD = 1


def jobs(look: Look) -> Iterator[Job]:
    assert look.config is not None
    for protocol, _, address, _, _ in listeners_of(look.config):
        subject = f"{protocol} {address}"
        yield Job(subject, partial(_look_at, subject, address, look))
    for listener in look.config.listeners.lmtp:
        yield Job(f"lmtp {listener.path}", partial(_local, listener.path, look))


def _look_at(subject: str, address: Address, look: Look) -> Finding:
    try:
        hosts = [address.host] if is_ip(address.host) else look.machine.addresses(address.host)
    except OSError as error:
        return failed(
            subject, f"the name is not found: {error.strerror}", "write an IP address of this machine"
        )
    there = [one for one in sockets.listening(look.machine) if sockets.covers(one, hosts[0], address.port)]
    if not there:
        return _nobody(subject, hosts[0], address, look)
    pids = [pid for one in there for pid in sockets.owners(look.machine, one.inode)]
    if _is_gateways(pids, look):
        return passed(subject, "the gateway listens")
    if pids == [SYSTEMD]:
        return passed(subject, "systemd listens there for the gateway")
    if not pids:
        return _unseen(subject, look)
    who = sockets.name_of(look.machine, pids[0])
    what_next = f"stop {who}, or choose another port" if pids[0] != SYSTEMD else "see systemctl list-sockets"
    return failed(subject, f"taken by {who}", what_next)


def _is_gateways(pids: list[int], look: Look) -> bool:
    if not look.gateway.pid:
        return False
    return any(look.gateway.pid in sockets.ancestors(look.machine, pid) for pid in pids)


def _unseen(subject: str, look: Look) -> Finding:
    """Somebody listens, and who it is only root or he himself can see."""
    what_next = "run doctor as root, which sees whose it is; or ss -ltnp"
    if look.gateway.answers:
        return passed(subject, "somebody listens, whom you may not see; the gateway runs")
    return failed(subject, "taken by somebody whom you may not see", what_next)


def _nobody(subject: str, host: str, address: Address, look: Look) -> Finding:
    if look.gateway.is_drained:
        return skipped(subject, "nobody listens there: this node is drained")
    if look.gateway.answers:
        text = "nobody listens there, though the gateway runs"
        return failed(subject, text, "listeners need a restart: systemctl restart smsc-gateway; then its log")
    if look.gateway.may_run:
        return warned(subject, "nobody listens there", "see gateway")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:  # bound and never listening: nobody can come
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, address.port))
        except OSError as error:
            text, _, fix = why_not_listening(error).partition(" – ")
            return failed(subject, text, fix or "choose another address")
    return _reserved(subject, address, look) or passed(subject, "free")


def _reserved(subject: str, address: Address, look: Look) -> Finding | None:
    """Ports that root may have, and the gateway's user may not."""
    first = look.machine.read("sys/net/ipv4/ip_unprivileged_port_start").strip()
    if not look.is_root or look.uid == 0 or not first.isdecimal() or address.port >= int(first):
        return None
    if "cap_net_bind_service" in look.machine.unit().get("AmbientCapabilities", "").lower():
        return None
    fix = (
        "give the unit CAP_NET_BIND_SERVICE (its comment says how) or a socket unit, or choose a higher port"
    )
    return warned(subject, f"free, but ports below {first} are not for every user", fix)


def _local(path: Path, look: Look) -> Finding:
    subject = f"lmtp {path}"
    try:
        is_socket = stat.S_ISSOCK(path.stat().st_mode)
    except FileNotFoundError:
        if look.gateway.answers:
            return failed(
                subject, "there is no such socket, though the gateway runs", "systemctl restart smsc-gateway"
            )
        if not path.parent.is_dir():
            return warned(
                subject, f"there is no folder {path.parent}", "make it; RuntimeDirectory= of the unit does"
            )
        return passed(subject, "free; the gateway makes it at its start")
    except OSError as error:
        return skipped(
            subject, f"cannot be seen: {error.strerror}", "run doctor as root or the gateway's user"
        )
    if not is_socket:
        return failed(
            subject, "something else is there, not a socket", f"remove {path}, or choose another path"
        )
    if look.gateway.answers:
        return passed(subject, "is there")
    return passed(subject, "is left from an earlier run; the next start replaces it")
