"""docs/cluster.md on booted Debians: a database's machine and two nodes, packages, units, passwords and TLS.

The commands and lines are those of the page. The tests are one life, in their order: each leaves both nodes
in service for the next one.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import booted_system
import pytest
from booted_system import PATIENCE_S, System
from cluster_page import address, blocks, commands

from gateway.core.passwords import hash_password

pytestmark = pytest.mark.interop
SERVICE = "smsc-gateway.service"
ADDRESSES = {"db1": "192.0.2.10", "sms1": "192.0.2.11", "sms2": "192.0.2.12"}
SMSC = f"{ADDRESSES['sms1']}:2776"
PASSWORD = "packaged"
DATABASE_PASSWORD = "of-the-role"
SERVER = "/etc/postgresql/15/main"
FOLDER = "/etc/smsc-gateway"
PGPASS = f"{FOLDER}/pgpass"
CONFIG = f"""\
listeners: {{smpp: [{{address: '127.0.0.1:2775'}}]}}
accounts: [{{system_id: app, password_hash: '{hash_password(PASSWORD)}'}}]
connectors: [{{name: smsc, address: '{SMSC}', system_id: gateway, password: gateway, one_bind_only: true}}]
routes: [{{connectors: [smsc]}}]
"""
SEND = (
    f"printf {PASSWORD} > /tmp/password && exec smsc-gateway send --system-id app "
    "--password-file /tmp/password --to 79991234567 --text Hello"
)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all machines see, with the package of this tree."""
    if reason := booted_system.missing():
        booted_system.unavailable(reason)
    return booted_system.built_package(tmp_path_factory.mktemp("package")).parent


@pytest.fixture(scope="module")
def systems(shown: Path) -> Iterator[dict[str, System]]:
    with ExitStack() as stack:
        lan = stack.enter_context(booted_system.network())
        found = {}
        for name, at in ADDRESSES.items():
            machine = booted_system.booted(shown / f"{name}.console", shown, name=name, place=(lan, at))
            found[name] = stack.enter_context(machine)
        names = {**ADDRESSES, "localhost": "127.0.0.1"}
        for system in found.values():
            system.write("/etc/hosts", "".join(f"{at} {name}\n" for name, at in names.items()))
        yield found


@pytest.fixture
def db1(systems: dict[str, System]) -> System:
    return systems["db1"]


@pytest.fixture
def sms1(systems: dict[str, System]) -> System:
    return systems["sms1"]


@pytest.fixture
def sms2(systems: dict[str, System]) -> System:
    return systems["sms2"]


def do(system: System, *lines: str) -> str:
    """Says lines of the page, as they stand; what they print."""
    return "\n".join(system.run("sh", "-c", line) for line in lines)


def until(is_so: Callable[[], bool], system: System) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, system.journal()
        time.sleep(0.1)


def says(system: System, words: str, *, times: int = 1) -> Callable[[], bool]:
    """Whether these words are in the gateway's journal, so often."""
    return lambda: system.journal().count(words) >= times


def nodes(system: System) -> set[str]:
    """Those in service, as this one knows; none while it starts."""
    lines = system.ask("smsc-gateway", "nodes")[1].splitlines()
    return {line.split()[0] for line in lines if "in service" in line}


def test_the_database_is_made_as_the_page_says(db1: System) -> None:
    assert db1.ask("pg_isready")[0] != 0
    do(db1, "systemctl start postgresql")
    install, *made = commands("The database")
    assert install == "sudo apt install postgresql-15"
    restart = made.index("sudo systemctl restart postgresql")
    do(db1, *made[:restart])
    psql = ("sudo", "-u", "postgres", "psql", "-c", r"\password smsc_gateway")
    with db1.start(*psql, stdin=subprocess.PIPE, start_new_session=True) as asked:  # else by the terminal
        asked.communicate(f"{DATABASE_PASSWORD}\n" * 2, timeout=PATIENCE_S)
    let_in, server, _ = blocks("The database", "text")
    db1.write(f"{SERVER}/pg_hba.conf", let_in + "\n", mode="a")
    db1.write(f"{SERVER}/postgresql.conf", server + "\n", mode="a")
    do(db1, made[restart])
    assert db1.run("pg_isready", "-h", "db1").endswith("accepting connections")


def test_a_node_moves_from_sqlite_to_postgresql(shown: Path, db1: System, sms1: System) -> None:
    [package] = shown.glob("smsc-gateway_*.deb")
    sms1.install(package)
    sms1.write(f"{FOLDER}/config.yaml", CONFIG)
    sms1.run("systemctl", "enable", "--now", SERVICE)
    sms1.run("sh", "-c", f"{SEND} --no-receipt")  # there is no SMSC yet: it waits in the store

    [private] = [line for line in commands("The database") if PGPASS in line]
    do(sms1, private)
    sms1.write(PGPASS, f"db1:5432:smsc:smsc_gateway:{DATABASE_PASSWORD}\n")
    sms1.write(f"{FOLDER}/db-ca.pem", db1.run("cat", "/root/db-ca.pem") + "\n")
    sms1.write(f"{FOLDER}/config.yaml", f"store: {address()}\n", mode="a")
    do(sms1, "smsc-gateway check-config")
    stop, move, start, look = commands("Move the store")
    do(sms1, stop)
    assert "both sides hold the same\nstart the gateway" in do(sms1, move)
    do(sms1, start)
    assert "as this program wants it" in do(sms1, look)
    sms1.run("systemd-run", "--unit=simulator", "smsc-gateway", "simulate", "--listen", SMSC)
    until(lambda: "upstream\nnone" in do(sms1, "smsc-gateway queue"), sms1)
    assert "DELIVRD" in sms1.run("sh", "-c", SEND)


def test_a_second_node_joins(shown: Path, sms1: System, sms2: System) -> None:
    [package] = shown.glob("smsc-gateway_*.deb")
    sms2.install(package)
    copied = sms1.run("sh", "-c", "tar -C /etc -cf - smsc-gateway | base64")
    with sms2.start("sh", "-c", "base64 -d | tar -C /etc -xpf -", stdin=subprocess.PIPE) as tar:
        tar.communicate(copied)
    files, enable, look, *_ = commands("The second node")
    do(sms2, files, enable)
    assert {line.split()[0] for line in do(sms2, look).splitlines()} >= {"sms1", "sms2"}
    assert "DELIVRD" in sms2.run("sh", "-c", SEND)  # by the other one's link


def test_a_start_waits_for_a_database_that_comes_later(db1: System, sms1: System, sms2: System) -> None:
    do(sms2, "systemctl stop smsc-gateway")
    do(db1, "systemctl stop postgresql")
    do(sms2, "systemctl start --no-block smsc-gateway")
    until(says(sms2, " store_not_reached "), sms2)
    do(db1, "systemctl start postgresql")
    sms2.wait(SERVICE, "ActiveState", "active")
    assert sms2.property(SERVICE, "NRestarts") == "0"
    until(lambda: nodes(sms1) == {"sms1", "sms2"}, sms1)


def test_what_no_waiting_mends_ends_a_start_and_then_all_of_them(sms2: System) -> None:
    drop_in = f"/run/systemd/system/{SERVICE}.d/soon.conf"
    sms2.run("mkdir", "-p", str(Path(drop_in).parent))
    sms2.write(drop_in, "[Service]\nRestartSec=100ms\n")
    do(sms2, "systemctl daemon-reload", "systemctl reset-failed smsc-gateway", f"chown root {PGPASS}")
    code, report = sms2.ask("smsc-gateway", "doctor", "--only", "files,store")
    assert (code, "reached; PostgreSQL" in report) == (1, True)  # root may read it
    assert f"chown smsc-gateway {PGPASS} && chmod 0600 {PGPASS}" in report
    sms2.ask("systemctl", "restart", SERVICE)
    until(says(sms2, "Start request repeated too quickly"), sms2)
    sms2.wait(SERVICE, "ActiveState", "failed")
    assert sms2.journal().count("no password supplied") == 10
    do(sms2, f"chown smsc-gateway {PGPASS}")
    assert sms2.ask("systemctl", "start", SERVICE)[0] != 0
    do(sms2, *commands("The second node")[-2:])
    assert sms2.property(SERVICE, "ActiveState") == "active"
    do(sms2, f"rm {drop_in}", "systemctl daemon-reload")


def test_a_node_that_is_killed_is_back_and_the_other_one_goes_on(sms1: System, sms2: System) -> None:
    restarts = sms1.property(SERVICE, "NRestarts")
    sms1.run("systemctl", "kill", "--kill-who=main", "--signal=KILL", SERVICE)
    assert "DELIVRD" in sms2.run("sh", "-c", SEND)
    sms1.wait(SERVICE, "NRestarts", restarts, other_than=True)
    sms1.wait(SERVICE, "ActiveState", "active")
    until(lambda: nodes(sms2) == {"sms1", "sms2"}, sms2)


def test_a_node_is_drained_and_started_anew(sms1: System, sms2: System) -> None:
    drain, look = commands("Drain a node, upgrade")
    assert "sms2 is drained: it can be stopped" in do(sms1, drain)
    assert "drained" in do(sms1, look)
    do(sms2, "systemctl stop smsc-gateway")
    assert "DELIVRD" in sms1.run("sh", "-c", SEND)
    do(sms2, "systemctl start smsc-gateway")
    until(lambda: nodes(sms1) == {"sms1", "sms2"}, sms1)
