"""doctor: the clock, the limits, the ports, the pages, and the credentials of a unit."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from doctor_support import HOST, answering, found, looking, outcomes, peer, silent_tool

from gateway.cli.doctor import credentials, limits, sockets
from gateway.cli.doctor.gateway_state import GatewayState, Running
from gateway.cli.doctor.look import Look
from gateway.cli.doctor.machine import UNIT, Machine, _tool
from gateway.core.message_ids import lowest_id_at
from gateway.store.sqlite_open import FILE_NAME, make_store, open_writer

# -- the clock ---------------------------------------------------------------------------------------


def says(**programs: str) -> Machine:
    return Machine(tool=lambda *command: programs.get(command[0]))


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("NTP=yes\nNTPSynchronized=yes\n", "passed"),
        ("NTP=yes\nNTPSynchronized=no\n", "warned"),
        ("NTP=no\nNTPSynchronized=no\n", "warned"),
        ("Failed to connect to bus\n", "skipped"),
    ],
)
def test_ntp_is_what_timedatectl_says(tmp_path: Path, text: str, outcome: str) -> None:
    finding = found("clock", looking(tmp_path, machine=says(timedatectl=text)))[0]
    assert (finding.outcome.value, finding.next == "") == (outcome, outcome == "passed")


def test_a_program_that_is_not_there_or_fails_says_nothing() -> None:
    assert _tool("no-such-program-here") is None
    assert _tool("false") is None
    assert _tool("echo", "word") == "word\n"


def time_of(look: Look, now_s: float) -> tuple[str, str]:
    look.machine = Machine(tool=silent_tool, now_s=lambda: now_s)
    finding = found("clock", look)[1]
    return finding.outcome.value, finding.found


def test_a_clock_behind_the_newest_message_fails(tmp_path: Path) -> None:
    look = looking(tmp_path)
    now = look.machine.now_s()
    assert time_of(look, now)[0] == "skipped"
    path = look.state_dir / FILE_NAME
    make_store(path)
    assert time_of(look, now)[0] == "skipped"
    with closing(open_writer(path)) as connection:
        columns = [
            column[1] for column in connection.execute("PRAGMA table_info(mail)") if column[3] or column[5]
        ]
        values = {"mail_id": lowest_id_at(int(now * 1000))}
        marks = ", ".join(str(values.get(name, 0)) for name in columns)
        connection.execute(f"INSERT INTO mail ({', '.join(columns)}) VALUES ({marks})")
    assert time_of(look, now + 5) == ("passed", "not behind the newest message of the store")
    assert time_of(look, now - 3600) == ("failed", "it is 3600 s behind the newest message of the store")
    assert time_of(look, 1_000_000)[1] == "it is before 2020"


def test_a_leap_that_the_gateway_does_not_follow_fails(tmp_path: Path) -> None:
    problem = "the machine's clock is 9000 s ahead of the gateway's, which has not leapt: set it"
    finding = found("clock", looking(tmp_path, gateway=answering(problems=[problem])))[-1]
    assert (finding.outcome.value, finding.found) == ("failed", problem)
    assert found("clock", looking(tmp_path, gateway=answering()))[-1].outcome.value == "passed"


# -- limits ------------------------------------------------------------------------------------------


def proc(folder: Path, **files: str) -> Machine:
    """A /proc with these files; their names have | for /."""
    for name, text in files.items():
        path = folder / "proc" / name.replace("|", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Machine(tool=silent_tool, proc=folder / "proc")


@pytest.mark.parametrize(("limit", "outcome"), [(65536, "passed"), (1024, "warned")])
def test_open_files_are_compared_with_what_the_listeners_allow(
    tmp_path: Path, limit: int, outcome: str
) -> None:
    machine = proc(
        tmp_path, **{"77|limits": f"Max open files            {limit}                {limit}     files\n"}
    )
    look = looking(tmp_path, gateway=answering(pid=77), machine=machine)
    assert look.config is not None
    needed = limits.needed_files(look.config)
    finding = found("limits", look)[0]
    assert (
        finding.outcome.value,
        f"{limit:,} allowed (of the running gateway), {needed:,}" in finding.found,
    ) == (
        outcome,
        True,
    )
    assert needed == 2000 + 1 + limits.REST


def test_without_a_gateway_its_units_limit_counts(tmp_path: Path) -> None:
    finding = found(
        "limits", looking(tmp_path, machine=says(systemctl="LoadState=loaded\nLimitNOFILE=64\n"))
    )[0]
    assert (finding.outcome.value, "64 allowed (of its unit)" in finding.found) == ("warned", True)


def test_little_memory_and_a_short_queue_warn(tmp_path: Path) -> None:
    few = {"meminfo": "MemAvailable:     99000 kB\n", "sys|net|core|somaxconn": "64\n"}
    assert outcomes(found("limits", looking(tmp_path, machine=proc(tmp_path, **few))))[1:] == [
        "warned",
        "warned",
    ]
    many = {"meminfo": "MemAvailable:     9900000 kB\n", "sys|net|core|somaxconn": "4096\n"}
    assert outcomes(found("limits", looking(tmp_path, machine=proc(tmp_path, **many))))[1:] == [
        "passed",
        "passed",
    ]


@pytest.mark.parametrize(("used", "outcome"), [(100, "passed"), (480, "warned")])
def test_a_control_group_that_is_nearly_full_warns(tmp_path: Path, used: int, outcome: str) -> None:
    group = tmp_path / "sys/fs/cgroup/system.slice"
    group.mkdir(parents=True)
    (group / "memory.max").write_text(f"{512 * limits.MIB}\n")
    (group / "memory.current").write_text(f"{used * limits.MIB}\n")
    machine = proc(tmp_path, **{"77|cgroup": "0::/system.slice\n", "77|status": "VmRSS:\t   51200 kB\n"})
    findings = found("limits", looking(tmp_path, machine=machine, gateway=answering(pid=77)))
    told = {finding.subject: finding for finding in findings}
    assert told["memory of the gateway"].found == "50 MiB in its first process"
    assert told["memory of its control group"].outcome.value == outcome


# -- ports -------------------------------------------------------------------------------------------


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((HOST, 0)) as listener:
        yield int(listener.getsockname()[1])


def port_of(look: Look) -> tuple[str, str]:
    [finding] = found("ports", look)
    assert (finding.next == "") is (finding.outcome.value == "passed")
    return finding.outcome.value, finding.found


def test_a_port_is_the_gateways_or_taken_or_free(tmp_path: Path, taken: int) -> None:
    ours = looking(tmp_path, port=taken, gateway=answering(pid=os.getpid()))
    assert port_of(ours) == ("passed", "the gateway listens")
    parents = looking(tmp_path, port=taken, gateway=answering(pid=os.getppid()))
    assert port_of(parents) == ("passed", "the gateway listens")
    name = Path("/proc/self/comm").read_text().strip()
    others = looking(tmp_path, port=taken)
    assert port_of(others) == ("failed", f"taken by {name} (process {os.getpid()})")
    with socket.create_server((HOST, 0)) as closed:
        free = int(closed.getsockname()[1])
    assert port_of(looking(tmp_path, port=free)) == ("passed", "free")
    runs = looking(tmp_path, port=free, gateway=answering(pid=os.getpid()))
    assert port_of(runs) == ("failed", "nobody listens there, though the gateway runs")
    nodes = [{"node": "sms1", "state": "draining"}, {"node": "sms2", "state": "in service"}]
    drained = looking(tmp_path, port=free, gateway=answering(node="sms1", nodes=nodes))
    [finding] = found("ports", drained)
    assert (finding.outcome.value, finding.found) == ("skipped", "nobody listens there: this node is drained")
    other = looking(tmp_path, port=free, gateway=answering(node="sms2", nodes=nodes))
    assert port_of(other)[0] == "failed"
    silent = looking(tmp_path, port=free, gateway=GatewayState(Running.SILENT))
    assert port_of(silent)[0] == "warned"


def test_whose_a_port_is_may_be_hidden(tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "owners", lambda machine, inode: [])
    assert port_of(looking(tmp_path, port=taken, gateway=answering(pid=1)))[0] == "passed"
    assert port_of(looking(tmp_path, port=taken)) == ("failed", "taken by somebody whom you may not see")
    monkeypatch.setattr(sockets, "owners", lambda machine, inode: [1])
    assert port_of(looking(tmp_path, port=taken)) == ("passed", "systemd listens there for the gateway")


def test_an_address_of_another_machine_and_an_unknown_name_fail(tmp_path: Path) -> None:
    look = looking(tmp_path, gateway=GatewayState(Running.NOT))
    text = look.config_file.read_text()
    look = looking(tmp_path, text.replace("127.0.0.1:1'", "192.0.2.1:2775'"))
    outcome, words = port_of(look)
    assert (outcome, "Cannot assign" in words) == ("failed", True)


def test_sockets_of_both_kinds_are_read(tmp_path: Path) -> None:
    head = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    )
    line = "   0: {} 00000000:0000 {} 00000000:00000000 00:00000000 00000000     0        0 {} 1 0 100\n"
    machine = proc(
        tmp_path,
        **{
            "net|tcp": head + line.format("0100007F:0AD7", "0A", 11) + line.format("0100007F:0AD7", "01", 12),
            "net|tcp6": head + line.format("00000000000000000000000001000000:1F90", "0A", 13),
        },
    )
    first, second = sockets.listening(machine)
    assert (str(first.address), first.port, first.inode) == ("127.0.0.1", 2775, "11")
    assert (str(second.address), second.port, second.inode) == ("::1", 8080, "13")
    assert sockets.covers(first, "0.0.0.0", 2775)
    assert not sockets.covers(first, "127.0.0.2", 2775)
    assert not sockets.covers(first, "127.0.0.1", 2776)
    assert not sockets.covers(second, "0.0.0.0", 8080)


def test_a_local_socket_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    text = (
        f"listeners: {{lmtp: [{{path: {path}, account: app}}]}}\n"
        "accounts: [{system_id: app, password_hash: 'HASH', mail: {}}]\n"
        "mail: {domains: [sms.example.org]}\n"
        "connectors: [{name: up, address: '127.0.0.1:2', system_id: gw, password: pass-1}]\n"
        "routes: [{connectors: [up]}]\n"
    )
    look = looking(tmp_path, text)
    assert port_of(look)[0] == "passed"
    look.gateway = answering()
    assert port_of(look)[0] == "failed"
    path.touch()
    assert port_of(look) == ("failed", "something else is there, not a socket")
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        assert port_of(look) == ("passed", "is there")


# -- pages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("HTTP/1.1 200 OK", "passed"),
        ("HTTP/1.1 403 Forbidden", "passed"),
        ("HTTP/1.1 503 Service Unavailable", "warned"),
        ("HTTP/1.1 500 Internal Server Error", "failed"),
        ("220 mail", "failed"),
    ],
)
def test_the_pages_have_to_answer(tmp_path: Path, answer: str, outcome: str) -> None:
    def serve(link: socket.socket) -> None:
        assert link.recv(1000).startswith(b"GET /health ")
        link.sendall(f"{answer}\r\nContent-Length: 0\r\n\r\n".encode())

    text = (
        "listeners: {smpp: [{address: '127.0.0.1:1'}]}\n"
        "accounts: [{system_id: app, password_hash: 'HASH'}]\n"
        "web: {address: '127.0.0.1:PORT', users: [{name: a, password_hash: 'HASH'}]}\n"
        "connectors: [{name: up, address: '127.0.0.1:2', system_id: gw, password: pass-1}]\n"
        "routes: [{connectors: [up]}]\n"
    )
    with peer(serve) as port:
        look = looking(tmp_path, text, port, gateway=answering())
        [finding] = found("pages", look)
    assert (finding.outcome.value, finding.next == "") == (outcome, outcome == "passed")
    assert outcomes(found("pages", look)) == ["failed"]  # nobody listens there any more
    look.gateway = GatewayState(Running.NOT)
    assert outcomes(found("pages", look)) == ["skipped"]
    assert outcomes(found("pages", looking(tmp_path))) == ["skipped"]


# -- credentials -------------------------------------------------------------------------------------

WITH_CREDENTIAL = """\
listeners: {smpp: [{address: '127.0.0.1:1'}]}
accounts: [{system_id: app, password_hash: 'HASH'}]
connectors: [{name: up, address: 'smsc.example:2', system_id: gw, password: {credential: up}, tls: {}}]
routes: [{connectors: [up]}]
"""


def test_credentials_are_found_where_systemd_or_the_unit_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(credentials.VARIABLE, raising=False)
    monkeypatch.setattr(credentials.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(credentials.provide, "__defaults__", (tmp_path / "run",))
    assert looking(tmp_path, WITH_CREDENTIAL).config is None
    secret = tmp_path / "up.password"
    secret.write_text("pass-7")
    secret.chmod(0o600)
    unit = f"[Service]\nLoadCredential=up:{secret}\n"
    look = looking(tmp_path, WITH_CREDENTIAL, machine=says(systemctl=unit))
    assert look.config is not None and look.config.connectors[0].password.reveal() == "pass-7"
    monkeypatch.delenv(credentials.VARIABLE)
    (tmp_path / "run" / UNIT).mkdir(parents=True)
    secret.rename(tmp_path / "run" / UNIT / "up")
    assert looking(tmp_path, WITH_CREDENTIAL).config is not None
    monkeypatch.delenv(credentials.VARIABLE)


def test_a_folder_of_credentials_goes_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(credentials.VARIABLE, "")
    at_exit: list[Any] = []
    machine = says(systemctl="LoadCredential=one:/etc/hostname\n")
    assert credentials.provide(machine, at_exit, tmp_path / "none")
    folder = Path(os.environ[credentials.VARIABLE])
    assert (folder / "one").readlink() == Path("/etc/hostname")
    for end in at_exit:
        end()
    assert not folder.exists()
    assert not credentials.provide(says(), at_exit, tmp_path / "none")
