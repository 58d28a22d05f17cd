"""Limits of the machine and of the process: open files, memory, waiting connections."""

from __future__ import annotations

import re
import resource
from collections.abc import Iterator
from functools import partial

from gateway.cli.doctor.look import Look, listeners_of
from gateway.cli.doctor.results import Finding, Job, passed, skipped, warned
from gateway.config.model import Config

REST = 200
"""Files, links of the store, local sockets and processes, beside connections."""
LITTLE_MEMORY_MIB = 200
CGROUP_SHARE = 0.9
SOMAXCONN = 100
"""What asyncio asks the kernel for: so many connections may wait to be accepted."""
MIB = 1 << 20


def jobs(look: Look) -> Iterator[Job]:
    yield Job("open files", partial(_files, look))
    yield Job("memory", partial(_memory, look))
    yield Job("net.core.somaxconn", partial(_somaxconn, look))


def needed_files(config: Config) -> int:
    """Open files if every connection that is allowed is there."""
    inside = sum(most for *_, most in listeners_of(config))
    inside += sum(listener.max_connections for listener in config.listeners.lmtp)
    links = sum(one.binds * (2 if one.bind_mode == "pair" else 1) for one in config.connectors)
    requests = sum(service.max_requests for service in config.smsc_connectors)
    mail = config.mail.smarthost.connections if config.mail is not None and config.mail.smarthost else 0
    return inside + links + requests + mail + REST


def _files(look: Look) -> Finding:
    subject = "open files"
    limit, whose = _file_limit(look)
    if look.config is None:
        return skipped(subject, f"{limit:,} ({whose}); the configuration cannot be read")
    needed = needed_files(look.config)
    text = f"{limit:,} allowed ({whose}), {needed:,} needed at the most"
    if limit < needed:
        what_next = f"LimitNOFILE={needed} in the unit (ulimit -n without one), or lower max_connections"
        return warned(subject, text, what_next)
    return passed(subject, text)


def _file_limit(look: Look) -> tuple[int, str]:
    limits = look.machine.read(f"{look.gateway.pid}/limits") if look.gateway.pid else ""
    if found := re.search(r"^Max open files\s+(\d+)", limits, re.M):
        return int(found[1]), "of the running gateway"
    unit = look.machine.unit().get("LimitNOFILE", "")
    if unit.isdecimal():
        return int(unit), "of its unit"
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0], "of this shell"


def _memory(look: Look) -> Iterator[Finding]:
    found = re.search(r"^MemAvailable:\s+(\d+) kB", look.machine.read("meminfo"), re.M)
    if found is None:
        yield skipped("memory", "the machine does not say")
    else:
        free = int(found[1]) // 1024
        text = f"{free:,} MiB available"
        if free < LITTLE_MEMORY_MIB:
            yield warned("memory", text, "end what else uses it (ps aux --sort=-rss), or add some")
        else:
            yield passed("memory", text)
    if look.gateway.pid:
        yield from _of_gateway(look)


def _of_gateway(look: Look) -> Iterator[Finding]:
    status = look.machine.read(f"{look.gateway.pid}/status")
    if found := re.search(r"^VmRSS:\s+(\d+) kB", status, re.M):
        yield passed("memory of the gateway", f"{int(found[1]) // 1024:,} MiB in its first process")
    group = look.machine.read(f"{look.gateway.pid}/cgroup").strip().rpartition(":")[2].lstrip("/")
    used, most = (_of_group(look, group, name) for name in ("memory.current", "memory.max"))
    if used and most:
        text = f"{used // MIB:,} of {most // MIB:,} MiB"
        if used > CGROUP_SHARE * most:
            yield warned(
                "memory of its control group", text, "raise MemoryMax of the unit, or of the container"
            )
        else:
            yield passed("memory of its control group", text)


def _of_group(look: Look, group: str, name: str) -> int:
    """A number of a control group; 0: there is none."""
    root = look.machine.proc.parent / "sys/fs/cgroup"
    try:
        text = (root / group / name).read_text().strip()
    except OSError:
        return 0
    return int(text) if text.isdecimal() else 0


def _somaxconn(look: Look) -> Finding:
    subject = "net.core.somaxconn"
    text = look.machine.read("sys/net/core/somaxconn").strip()
    if not text.isdecimal():
        return skipped(subject, "the machine does not say")
    if int(text) < SOMAXCONN:
        return warned(subject, f"{text}: a wave of new connections is lost", f"sysctl -w {subject}=4096")
    return passed(subject, text)
