"""The Debian package in a booted Debian: installed, started by its sockets, reloaded, upgraded, removed.

The tests are one life, in their order: each leaves the gateway running for the next one.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import booted_system
import pytest
from booted_system import System

from gateway.core.passwords import hash_password

pytestmark = pytest.mark.interop
CLIENT = Path(__file__).with_name("package_client.py")
SERVICE = "smsc-gateway.service"
SOCKETS = [f"smsc-gateway-{kind}.socket" for kind in ("smpp", "lmtp")]
PASSWORD = "packaged"
AT = "127.0.0.1:2775"
CONFIG = f"""\
listeners:
  smpp: [{{address: '{AT}'}}]
  lmtp: [{{path: /run/smsc-gateway/lmtp, account: app}}]
mail: {{domains: [sms.example.org]}}
accounts: [{{system_id: app, password_hash: '{hash_password(PASSWORD)}', mail: {{}}}}]
connectors: [{{name: smsc, address: '127.0.0.1:2776', system_id: gateway, password: gateway}}]
routes: [{{connectors: [smsc]}}]
"""
SEND = (
    f"printf {PASSWORD} > /tmp/password && "
    "exec smsc-gateway send --system-id app --password-file /tmp/password"
)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of this tree, alone in a folder."""
    if reason := booted_system.missing():
        booted_system.unavailable(reason)
    return booted_system.built_package(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def system(package: Path) -> Iterator[System]:
    with booted_system.booted(package.parent / "console", package.parent) as system:
        yield system


def set_configuration(system: System, text: str) -> None:
    system.write("/etc/smsc-gateway/config.yaml", text)


@contextmanager
def clients_that_come(system: System) -> Iterator[None]:
    """While this goes on; nobody is refused."""
    with system.beside(CLIENT, AT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "began\n"
        yield
        said, _ = process.communicate("")
    found = re.fullmatch(r"served (\d+) refused (\d+) cut (\d+) then (\w+)\n", said)
    assert found, said
    assert (int(found[1]) > 0, found[2], found[4]) == (True, "0", "served"), said


def test_it_installs_and_waits_to_be_configured(package: Path, system: System) -> None:
    said = system.install(package)
    assert "smsc-gateway is not started yet: edit /etc/smsc-gateway/config.yaml" in said
    assert system.property(SERVICE, "ActiveState") == "inactive"
    assert system.run("stat", "-c", "%U:%G %a", "/etc/smsc-gateway", "/etc/smsc-gateway/config.yaml") == (
        "root:smsc-gateway 750\nroot:smsc-gateway 640"
    )
    code, problems = system.ask("smsc-gateway", "check-config")
    assert (code, problems.count("\n")) == (78, 1)
    assert "password_hash: is the sample from the example – run smsc-gateway hash-password" in problems
    # the bad configuration is told, and not tried again and again
    code, said = system.ask("systemctl", "start", SERVICE)
    assert (code, system.property(SERVICE, "NRestarts")) == (1, "0"), said
    assert system.property(SERVICE, "ExecMainStatus") == "78"
    system.run("systemctl", "reset-failed", SERVICE)


def test_who_connects_to_its_socket_starts_it_and_sends(system: System) -> None:
    set_configuration(system, CONFIG)
    system.run("smsc-gateway", "check-config")
    system.run("systemd-run", "--unit=simulator", "smsc-gateway", "simulate", "--listen", "127.0.0.1:2776")
    system.run("systemctl", "enable", "--now", *SOCKETS)
    assert system.property(SERVICE, "ActiveState") == "inactive"
    sent = system.run("sh", "-c", f"{SEND} --to 79991234567 --text Hello")
    assert "DELIVRD" in sent, sent
    assert system.property(SERVICE, "ActiveState") == "active"
    status = system.run("runuser", "-u", "smsc-gateway", "--", "smsc-gateway", "status")
    assert status.startswith("healthy\n")
    assert system.run("stat", "-c", "%U:%G %a", "/run/smsc-gateway/lmtp") == "smsc-gateway:smsc-gateway 660"


def test_doctor_finds_it_well_whoever_asks(system: System) -> None:
    for who in ("root", "smsc-gateway"):
        doctor = ("smsc-gateway", "doctor", "--json", "--timeout", "55", "--to", "79991234567")
        report = json.loads(system.run("runuser", "-u", who, "--", *doctor))
        assert report["gateway"] == "running"
        assert [it for it in report["results"] if it["outcome"] in ("failed", "warned")] == []
        passed = {it["check"] for it in report["results"] if it["outcome"] == "passed"}
        assert passed >= {"files", "store", "binds", "ports", "limits", "message", "routes"}


def test_security_systemd_exposure_while_it_runs(system: System) -> None:
    said = system.run("systemd-analyze", "security", "--no-pager", SERVICE)
    found = re.search(r"Overall exposure level for smsc-gateway.service: ([0-9.]+)", said)
    assert found is not None, said
    assert float(found[1]) <= 1.5
    main = system.property(SERVICE, "MainPID")
    facts = system.run("grep", "-E", "^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):", f"/proc/{main}/status")
    assert re.findall(r"^(\w+):\s+(\w+)", facts, re.M)[1:] == [
        ("CapEff", "0" * 16),
        ("CapBnd", "0" * 16),
        ("NoNewPrivs", "1"),
        ("Seccomp", "2"),
    ]


def test_a_reload_keeps_links_and_says_what_is_wrong(system: System) -> None:
    main = system.property(SERVICE, "MainPID")
    bound = system.journal().count(" bound connector=smsc ")
    assert bound == 1
    set_configuration(system, CONFIG.replace("[smsc]", "[nowhere]"))
    code, _ = system.ask("systemctl", "reload", SERVICE)
    assert code == 1
    assert "config.yaml:7:24: routes[0].connectors[0]: there is no connector 'nowhere'" in system.journal()
    assert system.property(SERVICE, "ActiveState") == "active"
    set_configuration(system, CONFIG + "queue: {history_days: 31}\n")
    with clients_that_come(system):
        system.run("systemctl", "reload", SERVICE)
    assert "reloaded changes=1" in system.journal()
    assert (system.property(SERVICE, "MainPID"), system.journal().count(" bound connector=smsc ")) == (
        main,
        1,
    )


def test_a_restart_refuses_nobody(system: System) -> None:
    main = system.property(SERVICE, "MainPID")
    with clients_that_come(system):
        system.run("systemctl", "restart", SERVICE)
    assert system.property(SERVICE, "MainPID") != main
    assert "socket_unused" not in system.journal()


def test_after_a_kill_it_is_back_with_its_queue(system: System) -> None:
    main = system.property(SERVICE, "MainPID")
    with clients_that_come(system):
        system.run("systemctl", "kill", "--kill-who=main", "--signal=KILL", SERVICE)
        system.wait(SERVICE, "NRestarts", "0", other_than=True)
        system.wait(SERVICE, "ActiveState", "active")
    assert system.property(SERVICE, "MainPID") not in ("0", main)


def test_a_store_that_hangs_ends_by_the_watchdog(system: System) -> None:
    system.run("mkdir", "-p", "/run/systemd/system/smsc-gateway.service.d")
    drop_in = "/run/systemd/system/smsc-gateway.service.d/watchdog.conf"
    system.run("sh", "-c", f"printf '[Service]\\nWatchdogSec=3\\nTimeoutAbortSec=2\\n' > {drop_in}")
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "restart", SERVICE)
    restarts = system.property(SERVICE, "NRestarts")
    main = system.property(SERVICE, "MainPID")
    children = system.run("sh", "-c", f"cat /proc/{main}/task/*/children").split()
    [writer] = [pid for pid in children if "sqlite_writer" in system.run("cat", f"/proc/{pid}/cmdline")]
    system.run("sh", "-c", f"kill -STOP {writer}")
    with system.start("sh", "-c", f"{SEND} --to 79991234567 --text 'waits for its commit'") as waiting:
        system.wait(SERVICE, "NRestarts", restarts, other_than=True)
        waiting.communicate()
    system.wait(SERVICE, "ActiveState", "active")
    assert "Watchdog timeout" in system.journal()
    system.run("rm", drop_in)
    system.run("systemctl", "daemon-reload")


def test_a_password_that_only_root_can_read_is_a_credential(system: System) -> None:
    system.run("sh", "-c", "umask 077; printf gateway > /etc/smsc-gateway/operator.password")
    drop_in = "/run/systemd/system/smsc-gateway.service.d/credential.conf"
    loaded = "LoadCredential=operator-password:/etc/smsc-gateway/operator.password"
    system.run("sh", "-c", f"printf '[Service]\\n{loaded}\\n' > {drop_in}")
    before = system.run("cat", "/etc/smsc-gateway/config.yaml")
    set_configuration(
        system, before.replace("password: gateway}", "password: {credential: operator-password}}")
    )
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "restart", SERVICE)
    assert "DELIVRD" in system.run("sh", "-c", f"{SEND} --to 79991234567 --text Hello")
    set_configuration(system, before)
    system.run("rm", drop_in)
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "restart", SERVICE)


def test_its_lines_are_in_the_journal(system: System) -> None:
    lines = [json.loads(line) for line in system.journal("--output=json").splitlines()]
    [ready, *_] = [line for line in lines if line.get("SMSC_EVENT") == "ready"]
    assert ready["_SYSTEMD_UNIT"] == SERVICE
    assert ready["PRIORITY"] == "6"
    assert ready["MESSAGE"] == f"ready boot={ready['SMSC_BOOT']} pid={ready['_PID']}"
    assert ready["SYSLOG_IDENTIFIER"] == "smsc-gateway"


def test_an_upgrade_refuses_nobody_and_keeps_the_configuration(package: Path, system: System) -> None:
    tree = package.parent / "newer"
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"(?m)^Version: (.*)$", r"Version: \1+next", control.read_text()))
    newer = package.with_name("smsc-gateway_next.deb")
    build = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, newer]
    subprocess.run(build, check=True, capture_output=True)
    main = system.property(SERVICE, "MainPID")
    before = system.run("cat", "/etc/smsc-gateway/config.yaml")
    with clients_that_come(system):
        said = system.install(newer)
    assert "not started yet" not in said
    assert system.run("dpkg-query", "-W", "-f", "${Version}", "smsc-gateway").endswith("+next")
    assert system.property(SERVICE, "ActiveState") == "active"
    assert system.property(SERVICE, "MainPID") != main
    assert system.run("cat", "/etc/smsc-gateway/config.yaml") == before
    assert "history_days: 31" in before


def test_a_removal_keeps_what_is_the_admins_and_a_purge_nothing(system: System) -> None:
    system.run("apt-get", "remove", "--yes", "smsc-gateway")
    assert system.ask("systemctl", "is-active", SERVICE, *SOCKETS)[0] != 0
    system.run(
        "test", "-e", "/etc/smsc-gateway/config.yaml", "-a", "-e", "/var/lib/smsc-gateway/queue.sqlite3"
    )
    system.run("apt-get", "purge", "--yes", "smsc-gateway")
    found = system.run(
        "find",
        "/etc",
        "/lib",
        "/run",
        "/usr",
        "/var",
        "-path",
        "*smsc?gateway*",
        "-not",
        "-path",
        "/var/log/*",
    )
    left = [
        line
        for line in found.splitlines()
        if not line.startswith(("/var/lib/apt", "/var/cache", "/run/systemd"))
    ]
    assert left == []
