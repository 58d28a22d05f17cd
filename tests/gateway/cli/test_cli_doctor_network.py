"""doctor: names, certificates, connectors, smarthost and callbacks, against peers that are good and bad."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from doctor_support import (
    DAY_S,
    HOST,
    answering,
    certificate,
    found,
    hang_up,
    looking,
    outcomes,
    peer,
    silent_tool,
    smarthost,
)

from gateway.cli.doctor.gateway_state import GatewayState, Running
from gateway.cli.doctor.machine import Machine
from gateway.cli.doctor.results import Finding
from gateway.simulator import Simulator
from protocols.smpp import constants as c

HEAD = """\
listeners: {smpp: [{address: '127.0.0.1:1'}]}
accounts: [{system_id: app, password_hash: 'HASH'}]
"""
ROUTES = "routes: [{connectors: [up]}]\n"
MAIL = """\
connectors: [{name: up, address: '127.0.0.1:2', system_id: gw, password: pass-1}]
mail: {domains: [sms.example.org], smarthost: {address: '127.0.0.1:PORT', OPTIONS}}
"""


def connector(options: str = "", address: str = "127.0.0.1:PORT") -> str:
    one = f"{{name: up, address: '{address}', system_id: gateway, password: pass-1, {options}}}"
    return f"{HEAD}connectors: [{one}]\n{ROUTES}"


def closed_port() -> int:
    with socket.create_server((HOST, 0)) as closed:
        return int(closed.getsockname()[1])


# -- dns ---------------------------------------------------------------------------------------------


def resolver(answer: list[str] | OSError, took_s: float = 0.0) -> Machine:
    ticks = iter((0.0, took_s))

    def addresses(host: str) -> list[str]:
        assert host == "smsc.example"
        if isinstance(answer, OSError):
            raise answer
        return answer

    return Machine(tool=silent_tool, addresses=addresses, elapsed_s=lambda: next(ticks))


@pytest.mark.parametrize(
    ("machine", "outcome", "words"),
    [
        (resolver(["192.0.2.1", "2001:db8::1"]), "passed", "192.0.2.1, 2001:db8::1 (IPv4 and IPv6)"),
        (resolver(["192.0.2.1"], took_s=2.5), "warned", "after 2.5 s"),
        (resolver(socket.gaierror(socket.EAI_NONAME, "Name or service not known")), "failed", "is not found"),
        (resolver(socket.gaierror(socket.EAI_AGAIN, "try again")), "failed", "no name server answers"),
    ],
)
def test_a_connectors_name_is_looked_up(tmp_path: Path, machine: Machine, outcome: str, words: str) -> None:
    [finding] = found(
        "dns", looking(tmp_path, connector(address="smsc.example:2775", options="tls: {}"), machine=machine)
    )
    assert (finding.subject, finding.outcome.value) == ("smsc.example (connector up)", outcome)
    assert words in finding.found
    assert (finding.next == "") is (outcome == "passed")


def test_a_clients_name_that_is_not_found_only_warns(tmp_path: Path) -> None:
    machine = resolver(socket.gaierror(socket.EAI_NONAME, "unknown"))
    text = HEAD.replace("'HASH'", "'HASH', http: {handler: 'https://smsc.example/x?token=hidden'}") + (
        "connectors: [{name: up, address: '127.0.0.1:2', system_id: gw, password: pass-1}]\n" + ROUTES
    )
    [finding] = found("dns", looking(tmp_path, text, machine=machine))
    assert (finding.outcome.value, "tell account app" in finding.next) == ("warned", True)
    assert "hidden" not in str(finding)


def test_addresses_need_no_names(tmp_path: Path) -> None:
    assert outcomes(found("dns", looking(tmp_path))) == ["skipped"]


# -- tls ---------------------------------------------------------------------------------------------


def listener(pem: Path) -> str:
    tls = f"tls: {{certificate: {pem}, key: {pem.with_suffix('.key')}}}"
    return (
        f"listeners: {{smpp: [{{address: '127.0.0.1:1', {tls}}}]}}\n"
        "accounts: [{system_id: app, password_hash: 'HASH'}]\n"
        "connectors: [{name: up, address: '127.0.0.1:2', system_id: gw, password: pass-1}]\n" + ROUTES
    )


def test_our_certificates_are_judged_by_their_dates_and_chain(tmp_path: Path) -> None:
    pem = certificate(tmp_path, "ours", days=30)
    look = looking(tmp_path, listener(pem))
    dates, chain = found("tls", look)
    assert (dates.outcome.value, dates.found) == ("passed", "certificate of localhost, 29 days left")
    assert (chain.outcome.value, chain.found) == (
        "passed",
        "complete, self-signed: clients have to be given it",
    )
    now = look.machine.now_s()
    for days, outcome in ((20, "warned"), (31, "failed"), (-2, "failed")):
        look.machine = Machine(tool=silent_tool, now_s=lambda days=days: now + days * DAY_S)  # type: ignore[misc]
        assert (found("tls", look)[0].outcome.value, days) == (outcome, days)
    look = looking(tmp_path, listener(certificate(tmp_path, "old", days=-1)))
    dates = found("tls", look)[0]
    assert (dates.outcome.value, "expired on" in dates.found) == ("failed", True)


def test_a_certificate_without_its_issuer_warns(tmp_path: Path) -> None:
    pem = certificate(tmp_path, "leaf", issuer=certificate(tmp_path, "authority", is_authority=True))
    chain = found("tls", looking(tmp_path, listener(pem)))[1]
    assert chain.outcome.value == "warned"
    assert "put the issuer's certificates behind it" in chain.next
    pem.write_text(pem.read_text() + (tmp_path / "authority.pem").read_text())
    chain = found("tls", looking(tmp_path, listener(pem)))[1]
    assert (chain.outcome.value, "of a private authority" in chain.found) == ("passed", True)


def test_a_key_that_does_not_fit_fails_whoever_notices(tmp_path: Path) -> None:
    pem, other = certificate(tmp_path, "ours"), certificate(tmp_path, "other")
    look = looking(tmp_path, listener(pem))
    pem.with_suffix(".key").write_text(other.with_suffix(".key").read_text())
    [finding] = found("tls", look)
    assert (finding.outcome.value, "KEY_VALUES_MISMATCH" in finding.found) == ("failed", True)
    assert looking(tmp_path, listener(pem)).config is None


def test_the_name_that_mail_servers_expect_is_compared(tmp_path: Path) -> None:
    pem = certificate(tmp_path, "ours", names="DNS:mx.example.org")
    for name, outcome in (("mx.example.org", "passed"), ("other.example.org", "warned")):
        text = listener(pem).replace("smpp: [{address", f"smtp: [{{hostname: {name}, address") + (
            "mail: {domains: [sms.example.org]}\n"
        )
        finding = found("tls", looking(tmp_path, text))[0]
        assert (finding.outcome.value, name in finding.found) == (outcome, True)


def test_one_certificate_of_many_listeners_is_told_once(tmp_path: Path) -> None:
    pem = certificate(tmp_path, "ours")
    tls = f"tls: {{certificate: {pem}, key: {pem.with_suffix('.key')}}}"
    text = listener(pem).replace("smpp: [", f"smpp: [{{address: '127.0.0.2:1', {tls}}}, ")
    dates, _ = found("tls", looking(tmp_path, text))
    assert dates.subject == "smpp 127.0.0.2:1, smpp 127.0.0.1:1"


def test_a_handshake_with_an_smsc_says_how_long_its_certificate_lasts(tmp_path: Path) -> None:
    pem = certificate(tmp_path, "peer", days=30)
    with peer(hang_up, tls=pem) as port:
        [finding] = found("tls", looking(tmp_path, connector(f"tls: {{ca: {pem}}}"), port))
    assert finding.outcome.value == "passed"
    assert "TLSv1.3, chain verified, certificate of localhost, 29 days left" in finding.found


@pytest.mark.parametrize(
    ("days", "options", "words"),
    [
        (-1, "ca: PEM", "certificate has expired"),
        (30, "server_name: other.example, ca: PEM", "Hostname mismatch"),
        (30, "", "self-signed certificate"),
    ],
)
def test_a_handshake_that_fails_says_why(tmp_path: Path, days: int, options: str, words: str) -> None:
    pem = certificate(tmp_path, "peer", days=days)
    with peer(hang_up, tls=pem) as port:
        text = connector(f"tls: {{{options.replace('PEM', str(pem))}}}")
        [finding] = found("tls", looking(tmp_path, text, port))
    assert (finding.outcome.value, words in finding.found) == ("failed", True)
    assert "tls.server_name and tls.ca" in finding.next


def test_an_smsc_without_tls_or_behind_a_closed_port_is_told(tmp_path: Path) -> None:
    with peer(lambda link: link.sendall(b"no TLS here, not at all")) as port:
        [finding] = found("tls", looking(tmp_path, connector("tls: {}"), port))
    assert (finding.outcome.value, finding.found.startswith("no TLS: ")) == ("failed", True)
    [finding] = found("tls", looking(tmp_path, connector("tls: {}"), closed_port()))
    assert (finding.outcome.value, finding.found) == (
        "skipped",
        "no connection (Connection refused); see binds",
    )


def test_an_smsc_that_does_not_take_our_certificate_is_told(tmp_path: Path) -> None:
    pem, ours = certificate(tmp_path, "peer"), certificate(tmp_path, "ours")
    strict = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    strict.load_cert_chain(pem, pem.with_suffix(".key"))
    strict.load_verify_locations(pem)
    strict.verify_mode = ssl.CERT_REQUIRED

    def serve(link: socket.socket) -> None:
        with strict.wrap_socket(link, server_side=True) as wrapped:
            wrapped.recv(1)

    with peer(serve) as port:
        options = f"tls: {{ca: {pem}, certificate: {ours}, key: {ours.with_suffix('.key')}}}"
        own, theirs = found("tls", looking(tmp_path, connector(options), port))
    assert (own.subject, own.outcome.value) == ("our certificate for up", "passed")
    assert (theirs.outcome.value, "unknown ca" in theirs.found) == ("failed", True)


# -- binds -------------------------------------------------------------------------------------------


def binds(look: Any) -> list[Finding]:
    return found("binds", look)


@pytest.mark.parametrize("mode", ["transceiver", "pair", "transmitter"])
def test_where_no_gateway_runs_the_login_is_tried_and_ended(
    tmp_path: Path, start_simulator: Callable[..., Simulator], mode: str
) -> None:
    simulator = start_simulator(system_id="gateway", password="pass-1")
    [finding] = binds(looking(tmp_path, connector(f"bind_mode: {mode}"), simulator.port))
    assert (finding.outcome.value, finding.found) == ("passed", f"it took the bind of gateway ({mode})")
    counters = simulator.counters
    assert (counters.binds, counters.submitted, counters.bad_input) == (2 if mode == "pair" else 1, 0, 0)


def test_a_receiver_can_be_tried_too(tmp_path: Path, start_simulator: Callable[..., Simulator]) -> None:
    simulator = start_simulator(system_id="gateway", password="pass-1")
    login = "address: '127.0.0.1:PORT', system_id: gateway, password: pass-1"
    connectors = (
        f"[{{name: up, {login}}}, {{name: down, {login}, bind_mode: receiver, incoming_account: app}}]"
    )
    findings = binds(looking(tmp_path, f"{HEAD}connectors: {connectors}\n{ROUTES}", simulator.port))
    assert [(it.outcome.value, it.found.split()[-1]) for it in findings] == [
        ("passed", "(transceiver)"),
        ("passed", "(receiver)"),
    ]


def test_a_refused_login_says_what_to_correct(
    tmp_path: Path, start_simulator: Callable[..., Simulator]
) -> None:
    simulator = start_simulator(system_id="gateway", password="other")
    [finding] = binds(looking(tmp_path, connector(), simulator.port))
    assert (finding.outcome.value, "ESME_RINVPASWD" in finding.found) == ("failed", True)
    assert finding.next == "the password is wrong: correct the connector's password"
    assert "pass-1" not in str(finding)


def test_a_login_that_is_bound_elsewhere_is_told(tmp_path: Path) -> None:
    def refuse(link: socket.socket) -> None:
        sequence = link.recv(1000)[12:16]
        link.sendall(struct.pack(">3L", 16, c.BIND_TRANSCEIVER_RESP, c.ESME_RALYBND) + sequence)
        link.recv(1000)

    with peer(refuse) as port:
        [finding] = binds(looking(tmp_path, connector(), port))
    assert (finding.outcome.value, "ESME_RALYBND" in finding.found) == ("failed", True)


def test_a_closed_port_and_a_dead_backup_are_told(tmp_path: Path) -> None:
    text = connector(f"backup_addresses: ['127.0.0.1:{closed_port()}']")
    primary, backup = binds(looking(tmp_path, text, closed_port()))
    assert (primary.outcome.value, "Connection refused" in primary.found) == ("failed", True)
    assert (backup.outcome.value, backup.found) == ("warned", "Connection refused")


def gateway(state: str = "", last_error: str = "", paused: str = "", **more: Any) -> GatewayState:
    """One that runs, with its connector in this state."""
    row = {"connector": "up", "state": state or "bound", "links": 1, "in_flight": 0, "last_error": last_error}
    problems = [f"connector up is paused {paused}: smsc-gateway connector resume up"] if paused else []
    problems += [f"connector up is {state}: {last_error}"] if state else []
    return answering(connectors=[row], problems=problems, **more)


def test_beside_a_running_gateway_nobody_binds(tmp_path: Path) -> None:
    came: list[bytes] = []

    def note(link: socket.socket) -> None:
        came.append(link.recv(100))

    with peer(note) as port:
        bound = looking(tmp_path, connector(), port, gateway=gateway())
        assert [(it.outcome.value, it.found) for it in binds(bound)] == [
            ("passed", "bound, 1 link, 0 in flight")
        ]
        assert came == []  # what is bound is not even connected to
        down = looking(
            tmp_path,
            connector(),
            port,
            gateway=gateway("refused", "the SMSC refused the bind: ESME_RINVPASWD"),
        )
        said, reached = binds(down)
        silent = looking(tmp_path, connector(), port, gateway=GatewayState(Running.SILENT))
        assert outcomes(binds(silent)) == ["skipped", "passed"]
        new = looking(tmp_path, connector(), port, gateway=answering())
        assert outcomes(binds(new)) == ["warned", "passed"]
        gone = looking(
            tmp_path,
            connector(),
            closed_port(),
            gateway=gateway("connecting", "127.0.0.1:1: Connection refused"),
        )
        assert outcomes(binds(gone)) == ["failed"]  # the same reason is not told again
    assert (said.outcome.value, reached.outcome.value) == ("failed", "passed")
    assert "correct system_id and password" in said.next
    assert b"".join(came) == b""


def test_a_pause_warns_and_says_how_to_go_on(tmp_path: Path) -> None:
    paused = gateway(paused="since 2026-11-28 10:00:00Z by root")
    pause, links = binds(looking(tmp_path, connector(), closed_port(), gateway=paused))
    assert (pause.outcome.value, pause.found) == ("warned", "paused since 2026-11-28 10:00:00Z by root")
    assert pause.next == "smsc-gateway connector resume up, when it may go on"
    assert links.outcome.value == "passed"
    both = gateway("connecting", "Connection refused", paused="since 2026-11-28 10:00:00Z")
    findings = binds(looking(tmp_path, connector(), closed_port(), gateway=both))
    assert outcomes(findings) == ["warned", "failed"]


def test_a_services_balance_is_the_gateways_word(tmp_path: Path) -> None:
    text = HEAD + (
        "smsc_connectors: [{name: up, url: 'http://127.0.0.1:PORT', login: x, password: pass-1}]\n" + ROUTES
    )
    money = {"connector": "up", "balance": "12.50", "currency": "EUR"}
    with peer(hang_up) as port:
        runs = gateway(services=[money])
        said, reached = binds(looking(tmp_path, text, port, gateway=runs))
        assert (said.found, reached.outcome.value) == (
            "bound, 1 link, 0 in flight; balance 12.50 EUR",
            "passed",
        )
        said, _ = binds(looking(tmp_path, text, port))
    assert (said.outcome.value, said.next) == ("skipped", "smsc-gateway smsc balance --connector up")


# -- smarthost ---------------------------------------------------------------------------------------


def mail(options: str = "tls: none") -> str:
    return HEAD + MAIL.replace("OPTIONS", options) + ROUTES


def test_a_smarthost_is_asked_and_given_nothing(tmp_path: Path) -> None:
    came: list[str] = []
    with peer(smarthost(came)) as port:
        [finding] = found("smarthost", looking(tmp_path, mail(), port))
    assert (finding.outcome.value, finding.found) == (
        "passed",
        "greets without TLS, no login configured, takes mail from <>",
    )
    assert came == ["EHLO sms.example.org", "MAIL FROM:<>", "RSET", "QUIT"]


@pytest.mark.parametrize(
    ("options", "replies", "words", "fix"),
    [
        ("tls: none", {"MAIL": "550 not you"}, "550 not you", "also with the sender <>"),
        ("tls: none", {"CONNECT": "554 go away"}, "554 go away", "let the smarthost take mail"),
        ("tls: required", {}, "does not offer STARTTLS", "tls"),
        ("tls: none, username: me, password: pass-9", {}, "offers no AUTH", "AUTH"),
    ],
)
def test_a_smarthost_that_does_not_do_says_why(
    tmp_path: Path, options: str, replies: dict[str, str], words: str, fix: str
) -> None:
    with peer(smarthost([], **replies)) as port:
        [finding] = found("smarthost", looking(tmp_path, mail(options), port))
    assert finding.outcome.value == "failed"
    assert words in finding.found
    assert fix.lower() in finding.next.lower()
    assert "pass-9" not in str(finding)


def test_a_smarthost_that_is_not_there_is_told(tmp_path: Path) -> None:
    [finding] = found("smarthost", looking(tmp_path, mail(), closed_port()))
    assert (finding.outcome.value, finding.found) == ("failed", "Connection refused")
    assert "mail.smarthost.address" in finding.next
    assert outcomes(found("smarthost", looking(tmp_path))) == ["skipped"]


# -- callbacks ---------------------------------------------------------------------------------------


def called(port: int, networks: str = "[127.0.0.0/8]") -> str:
    return (
        HEAD.replace("'HASH'", f"'HASH', http: {{handler: 'http://127.0.0.1:{port}/secret-path'}}")
        + f"http: {{call_networks: {networks}}}\n"
        + "connectors: [{name: up, address: '127.0.0.1:2', system_id: gw, password: pass-1}]\n"
        + ROUTES
    )


def test_a_clients_handler_is_connected_to_and_not_called(tmp_path: Path) -> None:
    came: list[bytes] = []
    with peer(lambda link: came.append(link.recv(100))) as port:
        [finding] = found("callbacks", looking(tmp_path, called(port)))
        assert (finding.outcome.value, finding.found) == ("passed", f"{HOST} connects; not called")
        [finding] = found("callbacks", looking(tmp_path, called(port, "[]")))
        assert (finding.outcome.value, "which is not called" in finding.found) == ("warned", True)
    assert b"".join(came) == b""
    assert "secret-path" not in str(finding)
    [finding] = found("callbacks", looking(tmp_path, called(closed_port())))
    assert (finding.outcome.value, finding.found) == ("warned", f"{HOST}: Connection refused")


@pytest.mark.parametrize(
    ("serve", "outcome"),
    [
        (lambda link: (link.recv(100), link.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")), "passed"),
        (lambda link: (link.recv(100), link.sendall(b"220 mail\r\n")), "failed"),
        (None, "failed"),
    ],
)
def test_our_own_listener_has_to_answer(
    tmp_path: Path, serve: Callable[[socket.socket], None] | None, outcome: str
) -> None:
    text = HEAD.replace("smpp:", "callbacks: [{address: '127.0.0.1:PORT'}], smpp:") + (
        "connectors: [{name: up, address: '127.0.0.1:2', system_id: gw, password: pass-1}]\n" + ROUTES
    )
    with peer(serve or hang_up) as port:
        look = looking(tmp_path, text, port if serve is not None else closed_port(), gateway=answering())
        [finding] = found("callbacks", look)
    assert (finding.outcome.value, finding.next == "") == (outcome, outcome == "passed")
    look.gateway = GatewayState(Running.NOT)
    assert outcomes(found("callbacks", look)) == ["skipped"]
