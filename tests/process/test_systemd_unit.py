"""The systemd unit: well formed, strict, in step with the program, and the program lives under it."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import smtplib
import stat
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import fields
from http.cookiejar import CookieJar
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest
from free_ports import free_port
from systemd_sandbox import LIBRARY, settings

from gateway import kinds
from gateway.cli import DEFAULT_CONFIG, DEFAULT_STATE_DIR, EXIT_CONFIG
from gateway.config.mail_model import LmtpListener
from gateway.core.door import BACKLOG
from gateway.core.passwords import hash_password
from gateway.store import journal

FOLDER = Path(__file__).parents[2] / "systemd"
UNIT = FOLDER / "smsc-gateway.service"
SOCKETS = sorted(FOLDER.glob("*.socket"))
SANDBOX = Path(__file__).with_name("systemd_sandbox.py")
PATIENCE_S = 60
PASSWORD = "sandbox1"

CONFIG = """\
listeners:
  smpp: [{{address: '127.0.0.1:{port}'}}]
  smtp: [{{address: '127.0.0.1:{smtp_port}'}}]
  lmtp: [{{path: '{lmtp}', account: app}}]
mail: {{domains: [sms.example.org]}}
accounts: [{{system_id: app, password_hash: {password_hash}, mail: {{networks: [127.0.0.1]}}}}]
connectors: [{{name: smsc, address: '127.0.0.1:{smsc_port}', system_id: gateway, password: gateway}}]
routes: [{{connectors: [smsc]}}]
web: {{address: '127.0.0.1:{web_port}', users: [{{name: olga, password_hash: {password_hash}}}]}}
"""


def missing(reason: str) -> NoReturn:
    """Skips, or fails where REQUIRE_PEERS=1 promises that everything is there."""
    if os.environ.get("REQUIRE_PEERS") == "1":
        pytest.fail(f"{reason}, and REQUIRE_PEERS=1")
    pytest.skip(reason)


def need(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        missing(f"{program} is not installed (Debian package systemd)")
    return path


@pytest.fixture
def unit() -> dict[str, list[str]]:
    return settings(UNIT.read_text(encoding="utf-8"))


# -- as systemd sees it ------------------------------------------------------------------------------------


def test_systemd_finds_no_mistake(tmp_path: Path) -> None:
    copies = []
    for unit in (UNIT, *SOCKETS):
        text = unit.read_text(encoding="utf-8").replace("/opt/smsc-gateway/bin/smsc-gateway", sys.executable)
        copies.append(tmp_path / unit.name)
        copies[-1].write_text(text, encoding="utf-8")
    done = subprocess.run(
        [need("systemd-analyze"), "verify", "--man=no", *map(str, copies)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_security_systemd_exposure_is_low() -> None:
    command = [need("systemd-analyze"), "security", "--offline=true", "--no-pager", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"Overall exposure level for smsc-gateway.service: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout
    assert float(found[1]) <= 1.5


def test_the_user_is_made(tmp_path: Path, unit: dict[str, list[str]]) -> None:
    rules = (FOLDER / "smsc-gateway.sysusers").read_text(encoding="utf-8")
    (tmp_path / "etc").mkdir()
    rules_file = tmp_path / "gateway.conf"
    rules_file.write_text(rules, encoding="utf-8")
    command = [need("systemd-sysusers"), f"--root={tmp_path}", str(rules_file)]
    subprocess.run(command, check=True, capture_output=True)
    assert [line.split(":")[0] for line in (tmp_path / "etc" / "passwd").read_text().splitlines()] == unit[
        "User"
    ]


# -- in step with the program ------------------------------------------------------------------------------


def seconds(value: str) -> float:
    return float(value.removesuffix("s"))


def test_paths_are_the_programs_defaults(unit: dict[str, list[str]]) -> None:
    [command] = unit["ExecStart"]
    assert command.endswith(f"/smsc-gateway run --config {DEFAULT_CONFIG}")
    assert Path("/var/lib") / unit["StateDirectory"][0] == DEFAULT_STATE_DIR


def test_the_units_runtime_directory_is_where_an_lmtp_socket_is_documented_to_be(
    unit: dict[str, list[str]],
) -> None:
    [path] = (field for field in fields(LmtpListener) if field.name == "path")
    assert Path("/run") / unit["RuntimeDirectory"][0] == Path(path.metadata["option"].example).parent
    # others may pass through it; who may write to the socket is the socket's `mode`
    assert unit["RuntimeDirectoryMode"] == ["0755"]


def addresses_of_the_example() -> dict[str, str]:
    """Where each kind of listener, and the pages, are in the example configuration."""
    text = "".join(
        line.removeprefix("#") + "\n" if line.startswith("#") else line + "\n"
        for line in (FOLDER.parent / "config.example.yaml").read_text(encoding="utf-8").splitlines()
    )
    kinds = "smpp|smtp|lmtp|callbacks|http"
    found = dict(re.findall(rf"(?m)^ +#?({kinds}):\n(?:.*\n){{1,2}}? *#?  - (?:address|path): (\S+)$", text))
    [web] = re.findall(r"(?m)^web:\n(?:.*\n){1,2}? +address: (\S+)$", text)
    return {**found, "web": web}


def test_the_socket_units_listen_where_the_example_does() -> None:
    units = {unit.stem.rpartition("-")[2]: settings(unit.read_text(encoding="utf-8")) for unit in SOCKETS}
    assert {kind: unit["ListenStream"][0] for kind, unit in units.items()} == addresses_of_the_example()
    for kind, unit in units.items():
        assert unit["FileDescriptorName"] == [kind]
        assert unit["Service"] == [UNIT.name]
        assert unit["Backlog"] == [str(BACKLOG)]
        # one for 0.0.0.0 and another for [::], as the gateway itself listens
        assert unit.get("BindIPv6Only", ["ipv6-only"]) == ["ipv6-only"]


def test_the_folder_of_a_socket_outlives_the_service(unit: dict[str, list[str]]) -> None:
    assert unit["RuntimeDirectoryPreserve"] == ["yes"]
    rules = (FOLDER / "smsc-gateway.tmpfiles").read_text(encoding="utf-8")
    assert "\nd /run/smsc-gateway 0755 smsc-gateway smsc-gateway -\n" in rules


def test_a_reload_fails_when_the_configuration_is_bad(unit: dict[str, list[str]]) -> None:
    [start], [reload] = unit["ExecStart"], unit["ExecReload"]
    assert reload == f"{start.partition(' ')[0]} reload"


def test_security_systemd_a_bad_configuration_is_not_tried_again(unit: dict[str, list[str]]) -> None:
    assert unit["Restart"] == ["on-failure"]
    assert unit["RestartPreventExitStatus"] == [str(EXIT_CONFIG)]


def test_the_gateway_reaches_its_own_limits_before_systemds(unit: dict[str, list[str]]) -> None:
    stopping_s = kinds.STOP_TIMEOUT_S + 2 * kinds.UNBIND_TIMEOUT_S
    assert seconds(unit["TimeoutStopSec"][0]) >= 2 * stopping_s
    assert seconds(unit["TimeoutStartSec"][0]) > journal.START_TIMEOUT_S


def test_a_stop_reaches_the_gateway_alone(unit: dict[str, list[str]]) -> None:
    assert unit["KillMode"] == ["mixed"]
    assert unit["NotifyAccess"] == ["main"]


# -- under its restrictions --------------------------------------------------------------------------------


def can_filter() -> bool:
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return False
    return True


def run_sandboxed(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SANDBOX), str(UNIT), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        umask=0o077,
    )


def wait_for(process: subprocess.Popen[str], words: str) -> str:
    """The first line that holds `words`."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if words in line:
            return line
    pytest.fail(f"it ended without saying {words!r}:\n{''.join(seen)}")


@pytest.fixture
def program() -> str:
    return str(Path(sys.executable).with_name("smsc-gateway"))


class Sandboxed(NamedTuple):
    """A gateway under the unit's restrictions, with a simulated SMSC behind it."""

    port: int
    smtp_port: int
    lmtp: Path
    web_port: int
    simulator: subprocess.Popen[str]


@pytest.fixture
def sandboxed_gateway(tmp_path: Path, program: str) -> Iterator[Sandboxed]:
    need("systemd-analyze")
    if not can_filter():
        missing(f"{LIBRARY} is not installed (Debian package libseccomp2)")
    with ExitStack() as stack:
        simulator = stack.enter_context(
            subprocess.Popen(
                [program, "simulate", "--listen", "127.0.0.1:0", "--json"], stdout=subprocess.PIPE, text=True
            )
        )
        stack.callback(simulator.terminate)
        [smsc_port] = re.findall(r"127\.0\.0\.1:(\d+)", wait_for(simulator, '"ready"'))
        port, smtp_port, web_port, lmtp = free_port(), free_port(), free_port(), tmp_path / "lmtp"
        config = tmp_path / "config.yaml"
        config.write_text(
            CONFIG.format(
                port=port,
                smtp_port=smtp_port,
                lmtp=lmtp,
                web_port=web_port,
                smsc_port=smsc_port,
                password_hash=hash_password(PASSWORD),
            )
        )
        gateway = stack.enter_context(
            run_sandboxed(program, "run", "--config", str(config), "--state-dir", str(tmp_path / "state"))
        )
        stack.callback(gateway.terminate)
        wait_for(gateway, " ready ")
        yield Sandboxed(port, smtp_port, lmtp, web_port, simulator)
        gateway.terminate()
        assert gateway.wait(PATIENCE_S) == 0


def test_security_systemd_the_gateway_works_under_the_units_restrictions(
    sandboxed_gateway: Sandboxed, program: str, tmp_path: Path
) -> None:
    environment = {**os.environ, "SMSC_GATEWAY_PASSWORD": PASSWORD}
    where = ["--connect", f"127.0.0.1:{sandboxed_gateway.port}", "--system-id", "app"]
    sent = subprocess.run(
        [program, "send", *where, "--to", "79991234567", "--text", "Hello"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert sent.returncode == 0, sent.stdout + sent.stderr
    asked = subprocess.run(
        [program, "status", "--state-dir", str(tmp_path / "state")],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert asked.stdout.startswith("healthy\n"), asked.stdout + asked.stderr
    # the pages too: a password is checked, and the daemon asked
    url = f"http://127.0.0.1:{sandboxed_gateway.web_port}"
    browser = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
    )
    form = urllib.parse.urlencode({"name": "olga", "password": PASSWORD}).encode()
    log_in = urllib.request.Request(f"{url}/login", form, {"Origin": url})
    with browser.open(log_in, timeout=PATIENCE_S) as page:
        assert page.url == f"{url}/"
        assert "smsc" in page.read().decode()


def test_mail_works_under_the_units_restrictions(sandboxed_gateway: Sandboxed) -> None:
    html = "Subject: Alert\r\nContent-Type: text/html\r\n\r\n<p>the disk of <b>db1</b> is full</p>\r\n"
    with smtplib.SMTP("127.0.0.1", sandboxed_gateway.smtp_port, timeout=PATIENCE_S) as smtp:
        assert smtp.sendmail("ops@example.org", "79991230001@sms.example.org", html) == {}
    assert "Alert: the disk of db1 is full" in wait_for(sandboxed_gateway.simulator, "79991230001")
    with smtplib.LMTP(str(sandboxed_gateway.lmtp)) as lmtp:
        assert lmtp.sendmail("ops@example.org", "79991230002@sms.example.org", html) == {}
    assert "Alert: the disk of db1 is full" in wait_for(sandboxed_gateway.simulator, "79991230002")
    # UMask=0077 closes files; the socket's mode is the configuration's
    assert stat.S_IMODE(sandboxed_gateway.lmtp.stat().st_mode) == 0o660


@pytest.mark.parametrize(
    ("attempt", "is_refused"),
    [
        ("import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE)", False),
        ("import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)", True),
        ("import socket; socket.socket(socket.AF_INET6)", False),
        ("import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)", True),
        ("import os; os.nice(1)", True),
        ("import os; os.chown('/nowhere', 0, 0)", True),
    ],
)
def test_the_sandbox_of_these_tests_restricts(attempt: str, is_refused: bool) -> None:
    need("systemd-analyze")
    if not can_filter():
        missing(f"{LIBRARY} is not installed (Debian package libseccomp2)")
    with run_sandboxed(sys.executable, "-c", attempt) as process:
        output, _ = process.communicate(timeout=PATIENCE_S)
    assert ("PermissionError" in output, process.returncode != 0) == (is_refused, is_refused), output
