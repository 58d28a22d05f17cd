"""smsc-gateway probe against simulated SMSCs, and against peers that are worse."""

from __future__ import annotations

import io
import json
import shutil
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from gateway.__main__ import main
from gateway.cli import probe_steps
from gateway.config import profiles
from gateway.config.load import load
from gateway.simulator import Simulator
from protocols.smpp import constants as c

TO = "15550001"
ALL = ["query_sm", "cancel_sm", "replace_sm"]
CONFIG = """\
listeners: {smpp: [{address: 127.0.0.1:2775}]}
accounts:
  - system_id: app
    password_hash: scrypt$15$8$1$dmVjdG9yLXNhbHQtMDAwMQ==$0VzBzFwXWYHFIY74QcIFfpC4huEdnm7tfl1Lb5gkmQQ=
connectors:
  - {name: up, address: 127.0.0.1:PORT, system_id: gw, password: secret, OPTIONS}
routes: [{connectors: [up]}]
"""
StartSimulator = Callable[..., Simulator]


class Probed(NamedTuple):
    code: int
    profile: dict[str, Any]
    steps: dict[str, tuple[str, str]]
    err: str


@pytest.fixture
def probe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Probed]:
    """Runs the command with --json; `config` are more options of the connector."""
    monkeypatch.setattr(probe_steps, "RETRY_PAUSE_S", 0.01)

    def run(port: int, *options: str, to: str = TO, config: str = "rate: 0", timeout: str = "5") -> Probed:
        path = configured(tmp_path, port, config)
        arguments = ["probe", "up", "--config", str(path), "--to", to, "--yes", "--timeout", timeout]
        code = main([*arguments, "--json", *options])
        streams = capsys.readouterr()
        answer = json.loads(streams.out) if streams.out else {"profile": {}, "steps": []}
        steps = {step["name"]: (step["answer"], step["why"]) for step in answer["steps"]}
        return Probed(code, answer["profile"], steps, streams.err)

    return run


def configured(tmp_path: Path, port: int, options: str = "rate: 0") -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.replace("PORT", str(port)).replace("OPTIONS", options))
    path.chmod(0o640)
    return path


# -- what is found out ---------------------------------------------------------------------------------

SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "default": ({}, {"operations": ALL, "id_form": "same"}),
    "hexadecimal ids in receipts": (
        {"id_format": "decimal_resp_hex_receipt"},
        {"operations": ALL, "id_form": "hex_to_dec"},
    ),
    "decimal ids in receipts": (
        {"id_format": "hex_resp_decimal_receipt"},
        {"operations": ALL, "id_form": "dec_to_hex"},
    ),
    "ids padded with zeros": ({"id_format": "padded"}, {"operations": ALL, "id_form": "same"}),
    "uuid": ({"id_format": "uuid"}, {"operations": ALL, "id_form": "same"}),
    "latin1": (
        {"data_coding_0": "latin1"},
        {"data_coding_0": "latin1", "operations": ALL, "id_form": "same"},
    ),
    "ascii": ({"data_coding_0": "ascii"}, {"data_coding_0": "ascii", "operations": ALL, "id_form": "same"}),
    "utf8": ({"data_coding_0": "utf8"}, {"data_coding_0": "utf8", "operations": ALL, "id_form": "same"}),
    "packed": (
        {"data_coding_0": "gsm7_packed"},
        {"data_coding_0": "gsm7_packed", "operations": ALL, "id_form": "same"},
    ),
    "receipts without esm_class, by their text": (
        {"receipt_form": "esm_class_00", "receipts_from": "text"},
        {"operations": ALL, "id_form": "same", "receipts_by_text": True},
    ),
    "receipts without esm_class, named by a TLV": (
        {"receipt_form": "esm_class_00"},
        {"operations": ALL, "id_form": "same"},
    ),
    "no query, cancel and replace": ({"without": "query_sm,cancel_sm,replace_sm"}, {"id_form": "same"}),
    "query alone": (
        {"without": "cancel_sm,replace_sm"},
        {"operations": ["query_sm"], "id_form": "same"},
    ),
    "3.3": ({"interface_version": "3.3"}, {"operations": ALL, "id_form": "same"}),
    "receipts by data_sm": ({"receipt_form": "data_sm"}, {"operations": ALL, "id_form": "same"}),
    "receipts of TLVs alone": ({"receipts_from": "tlv"}, {"operations": ALL, "id_form": "same"}),
    "receipts before answers, also of what is scheduled": (
        {"receipt_before_response": True},
        {"operations": ["query_sm"], "id_form": "same"},
    ),
    "a bind response of nothing": ({"bind_resp": "header"}, {"operations": ALL, "id_form": "same"}),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_profile_has_exactly_what_differs_from_the_defaults(
    name: str, probe: Callable[..., Probed], start_simulator: StartSimulator, tmp_path: Path
) -> None:
    settings, expected = SETTINGS[name]
    probed = probe(start_simulator(**settings, receipt_retry_ms=5).port)
    assert (probed.code, probed.err) == (0, "")
    assert probed.profile == expected
    (tmp_path / "found.yaml").write_text(profiles.written(probed.profile))
    [connector] = load(configured(tmp_path, 2776, "profile: found.yaml")).connectors
    for option, value in expected.items():
        assert getattr(connector, option) == (tuple(value) if isinstance(value, list) else value)


def test_every_step_is_told_with_its_reason(
    probe: Callable[..., Probed], start_simulator: StartSimulator
) -> None:
    simulator = start_simulator()
    steps = probe(simulator.port).steps
    message_id = simulator.received[0].message_id
    assert steps == {
        "bind": ("yes", "as a transceiver; it says version 3.4"),
        "enquire_link": ("yes", "ESME_ROK"),
        "message": ("yes", f"taken as {message_id}"),
        "vendor TLV": ("yes", "ignored, or obeyed"),
        "SAR": ("yes", "both parts taken"),
        "UDH parts": ("yes", "both parts taken"),
        "message_payload": ("yes", "taken"),
        "UCS-2": ("yes", "taken, its receipt repeats the text"),
        "receipts": ("yes", "8 by deliver_sm, first state DELIVRD"),
        "receipt esm_class": ("yes", "esm_class 0x04"),
        "receipt TLVs": ("yes", "receipted_message_id"),
        "receipt text": ("yes", "id in the text"),
        "data_coding 0": ("yes", "gsm7: a receipt writes our UCS-2 text so"),
        "ids": ("yes", f"the same in both: {message_id}"),
        "schedule": ("yes", "a message for in an hour is taken"),
        "query_sm": ("yes", "ESME_ROK"),
        "replace_sm": ("yes", "ESME_ROK"),
        "cancel_sm": ("yes", "ESME_ROK"),
        "throttling": ("cannot tell", "none at 9 messages"),
    }


def test_the_messages_are_what_they_claim_to_be(
    probe: Callable[..., Probed], start_simulator: StartSimulator
) -> None:
    simulator = start_simulator()
    probe(simulator.port, "--from", "Office", config="destination: {ton: 2, npi: 8, prefix: plus}")
    plain, ucs2, vendor, payload, sar, sar2, udh, udh2, scheduled = simulator.received
    assert plain.text.startswith(bytes.fromhex("00 20 02 20 11 20 01 20 05"))
    assert ucs2.text.decode("utf-16-be").startswith("@ $ _ £ é")
    assert (0x1400, b"probe") in vendor.pdu.tlvs
    assert payload.pdu.short_message == b"" and b"message payload" in payload.text
    assert [dict(part.pdu.tlvs)[0x020F] for part in (sar, sar2)] == [b"\1", b"\2"]
    assert [part.udh[-2:] for part in (udh, udh2)] == [b"\2\1", b"\2\2"]
    assert scheduled.pdu.schedule_delivery_time == "000000010000000R"
    for each in simulator.received:
        assert (each.source, each.pdu.source_addr_ton) == ("Office", 5)
        assert (each.destination, each.pdu.dest_addr_ton, each.pdu.dest_addr_npi) == ("+15550001", 2, 8)
    assert len({each.text for each in simulator.received}) == 9


def test_a_pair_is_bound_as_a_pair(probe: Callable[..., Probed], start_simulator: StartSimulator) -> None:
    probed = probe(start_simulator().port, config="bind_mode: pair")
    assert probed.steps["bind"][1].startswith("as transmitter and receiver")
    assert probed.steps["receipts"][0] == "yes"
    assert probed.profile == {"operations": ALL, "id_form": "same"}


def test_a_transmitter_gets_no_receipts(
    probe: Callable[..., Probed], start_simulator: StartSimulator
) -> None:
    probed = probe(start_simulator().port, config="bind_mode: transmitter", timeout="0.2")
    assert probed.steps["receipts"] == ("cannot tell", "none came in time")
    assert probed.steps["ids"][0] == "cannot tell"
    assert probed.steps["data_coding 0"][0] == "cannot tell"
    assert probed.profile == {"operations": ALL}


def test_the_version_that_it_says_is_in_the_profile(
    probe: Callable[..., Probed], start_simulator: StartSimulator
) -> None:
    probed = probe(start_simulator().port, config="interface_version: '5.0'")
    assert probed.profile["interface_version"] == "5.0"
    assert "it says version 5.0" in probed.steps["bind"][1]


def test_what_an_smsc_says_when_it_is_too_much_is_in_the_profile(
    probe: Callable[..., Probed], start_simulator: StartSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_steps, "RETRY_PAUSE_S", 0.3)
    probed = probe(start_simulator(rate=5, rate_status=0x0401).port)
    assert probed.profile["throttle_statuses"] == ["ESME_RTHROTTLED", "ESME_RMSGQFUL", "0x0401"]
    assert probed.steps["throttling"][0] == "yes"


def test_the_usual_status_of_throttling_is_told_and_needs_no_option(
    probe: Callable[..., Probed], start_simulator: StartSimulator
) -> None:
    probed = probe(start_simulator().port, to="155599058")
    assert probed.steps["throttling"] == ("yes", "ESME_RTHROTTLED 9×, and taken when tried again")
    assert probed.profile == {"operations": ALL, "id_form": "same"}


def test_receipts_and_messages_of_others_are_left_to_the_gateway(
    probe: Callable[..., Probed], start_simulator: StartSimulator
) -> None:
    simulator = start_simulator(receipt_retry_ms=5)
    assert probe(simulator.port, to="155599120").code == 0
    assert simulator.counters.receipts_acknowledged >= 8
    assert simulator.counters.receipts_retried > 0


# -- peers that are worse than the simulator -----------------------------------------------------------


class Peer:
    """An SMSC of a few lines: takes binds and messages, and what `without` names is answered otherwise."""

    def __init__(self, *, refuses_tlvs: bool = False, ends_at: int = 0, only_udh_fails: bool = False) -> None:
        self.refuses_tlvs, self.ends_at, self.only_udh_fails = refuses_tlvs, ends_at, only_udh_fails
        self.count = 0

    def answer(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while len(head := stream.read(16)) == 16:
                length, command, _, sequence = struct.unpack(">4L", head)
                body = stream.read(length - 16)
                if command == self.ends_at:
                    return
                status, answer = self.reaction(command, body)
                frame = struct.pack(">4L", 16 + len(answer), command | 0x80000000, status, sequence) + answer
                connection.sendall(frame)
                if command == c.UNBIND:
                    return

    def reaction(self, command: int, body: bytes) -> tuple[int, bytes]:
        if command in (c.BIND_TRANSCEIVER, c.BIND_TRANSMITTER):
            return 0, b"peer\0"
        if command != c.SUBMIT_SM:
            return (0, b"") if command in (c.ENQUIRE_LINK, c.UNBIND) else (c.ESME_RINVCMDID, b"")
        esm_class, has_tlvs, is_scheduled = parsed(body)
        if has_tlvs and self.refuses_tlvs:
            return c.ESME_RINVOPTPARSTREAM, b""
        if is_scheduled:
            return c.ESME_RINVSCHED, b""
        if self.only_udh_fails and esm_class & 0x40:
            return c.ESME_RINVESMCLASS, b""
        self.count += 1
        return 0, b"m%d\0" % self.count


def parsed(body: bytes) -> tuple[int, bool, bool]:
    """esm_class of a submit_sm, whether it has TLVs, and whether it is scheduled."""
    at = body.index(b"\0") + 3  # service_type, ton and npi
    at = body.index(b"\0", at) + 3
    at = body.index(b"\0", at) + 1
    esm_class, at = body[at], at + 3
    scheduled = body[at] != 0
    at = body.index(b"\0", at) + 1
    at = body.index(b"\0", at) + 1
    length = body[at + 4]
    return esm_class, len(body) > at + 5 + length, scheduled


@contextmanager
def listening(answer: Callable[[socket.socket], None], connections: int = 1) -> Iterator[int]:
    """The port of a server that answers so many connections, one after the other."""

    def serve() -> None:
        for _ in range(connections):
            connection, _ = server.accept()
            answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)
        assert not thread.is_alive()


def test_a_peer_that_refuses_every_tlv_gets_none(probe: Callable[..., Probed]) -> None:
    with listening(Peer(refuses_tlvs=True).answer) as port:
        probed = probe(port, timeout="0.2")
    assert probed.profile == {"tlvs": False}
    for name in ("vendor TLV", "message_payload", "SAR"):
        assert probed.steps[name] == ("no", "refused: ESME_RINVOPTPARSTREAM")
    assert probed.steps["schedule"] == ("no", "refused: ESME_RINVSCHED")
    assert probed.steps["cancel_sm"] == ("cannot tell", "there is no message that waits")
    assert probed.steps["bind"][1] == "as a transceiver; it says no version"


def test_a_peer_that_refuses_udh_gets_sar(probe: Callable[..., Probed]) -> None:
    with listening(Peer(only_udh_fails=True).answer) as port:
        probed = probe(port, timeout="0.2")
    assert probed.profile == {"long_messages": "sar"}
    assert probed.steps["UDH parts"] == ("no", "refused: ESME_RINVESMCLASS")


def test_a_peer_that_hangs_up_on_query_sm_is_bound_again(probe: Callable[..., Probed]) -> None:
    with listening(Peer(ends_at=c.QUERY_SM).answer, connections=2) as port:
        probed = probe(port, timeout="0.2")
    assert (probed.code, probed.profile) == (0, {})
    assert probed.steps["query_sm"] == ("no", "it closed the connection")


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"", "did not answer the bind: it closed the connection"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "did not answer the bind: what it sends is not SMPP"),
    ],
)
def test_a_peer_that_speaks_no_smpp_is_told(octets: bytes, told: str, probe: Callable[..., Probed]) -> None:
    def answer(connection: socket.socket) -> None:
        with connection:
            connection.recv(1000)
            connection.sendall(octets)

    with listening(answer) as port:
        probed = probe(port)
    assert probed.code == 1
    assert told in probed.err
    assert len(probed.err.splitlines()) == 1


def test_a_peer_without_tls_is_told(probe: Callable[..., Probed]) -> None:
    def answer(connection: socket.socket) -> None:
        with connection:
            connection.recv(1000)
            connection.sendall(b"no TLS here, only text\r\n")

    with listening(answer) as port:
        probed = probe(port, config="tls: {}")
    assert "no TLS with 127.0.0.1" in probed.err
    assert probed.code == 1


def test_a_peer_with_tls_is_probed_if_its_certificate_is_good(
    probe: Callable[..., Probed], tmp_path: Path
) -> None:
    certificate, key = tmp_path / "peer.pem", tmp_path / "peer.key"
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = f"-subj /CN=peer -addext subjectAltName=DNS:peer.example -keyout {key} -out {certificate}"
    subprocess.run([*command.split(), *names.split()], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def answer(connection: socket.socket) -> None:
        try:
            Peer().answer(context.wrap_socket(connection, server_side=True))
        except OSError:
            connection.close()  # who does not trust it hangs up

    with listening(answer, connections=2) as port:
        trusting = probe(port, config=f"tls: {{ca: {certificate}, server_name: peer.example}}", timeout="0.2")
        doubting = probe(port, config=f"tls: {{ca: {certificate}, server_name: other.example}}")
    assert (trusting.code, trusting.profile) == (0, {})
    assert trusting.steps["message"] == ("yes", "taken as m1")
    assert "no TLS with 127.0.0.1" in doubting.err
    assert "Hostname mismatch" in doubting.err


# -- when it cannot be done ----------------------------------------------------------------------------


def test_a_wrong_password_is_told_with_its_fix(
    probe: Callable[..., Probed], start_simulator: StartSimulator
) -> None:
    probed = probe(start_simulator(password="other").port)
    assert probed.err == (
        "smsc-gateway probe: up: the SMSC refused the bind: ESME_RINVPASWD – the password is wrong: correct "
        "the connector's password\n"
    )
    assert probed.code == 1


def test_a_login_that_is_bound_already_is_told_with_its_fix(probe: Callable[..., Probed]) -> None:
    def answer(connection: socket.socket) -> None:
        with connection:
            sequence = connection.recv(1000)[12:16]
            connection.sendall(struct.pack(">3L", 16, c.BIND_TRANSCEIVER_RESP, c.ESME_RALYBND) + sequence)
            connection.recv(1000)

    with listening(answer) as port:
        probed = probe(port)
    assert "ESME_RALYBND – it is bound already: stop the gateway's connector first" in probed.err
    assert "another system_id" in probed.err


def test_nobody_there_is_told(probe: Callable[..., Probed]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    probed = probe(port)
    assert f"cannot connect to 127.0.0.1:{port}: Connection refused – check address" in probed.err
    assert probed.code == 1


def test_a_number_that_is_refused_ends_the_probe(
    probe: Callable[..., Probed], start_simulator: StartSimulator
) -> None:
    simulator = start_simulator()
    probed = probe(simulator.port, to="155599011")
    assert "it takes no plain message (ESME_RINVDSTADR)" in probed.err
    assert probed.code == 1
    assert len(simulator.received) == 1


def test_nothing_is_sent_unasked(
    tmp_path: Path,
    start_simulator: StartSimulator,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    simulator = start_simulator()
    command = ["probe", "up", "--config", str(configured(tmp_path, simulator.port)), "--to", TO]
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main(command) == 2
    assert f"9 real messages to {TO}, by up (127.0.0.1:{simulator.port})" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", terminal("no\n"))
    assert main(command) == 1
    streams = capsys.readouterr()
    assert "They may cost money. Go on? [y/N]" in streams.err
    assert streams.err.endswith("nothing was sent\n")
    assert not simulator.received
    monkeypatch.setattr("sys.stdin", terminal("y\n"))
    assert main(command) == 0
    assert len(simulator.received) == 9


def terminal(text: str) -> io.StringIO:
    typed = io.StringIO(text)
    typed.isatty = lambda: True  # type: ignore[method-assign]
    return typed


def test_the_profile_alone_is_on_standard_output(
    tmp_path: Path, start_simulator: StartSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    port = start_simulator(data_coding_0="latin1").port
    config = configured(tmp_path, port)
    assert main(["probe", "up", "--config", str(config), "--to", TO, "--yes"]) == 0
    streams = capsys.readouterr()
    assert streams.out == (
        f"# What smsc-gateway probe found at 127.0.0.1:{port}; the rest is as the defaults have it.\n"
        "data_coding_0: latin1\n"
        "operations: [query_sm, cancel_sm, replace_sm]\n"
        "id_form: same\n"
    )
    assert yaml.safe_load(streams.out)["data_coding_0"] == "latin1"
    assert "bind               yes          as a transceiver; it says version 3.4\n" in streams.err
    assert "(waiting for receipts, at most 30 s)\n" in streams.err
    assert streams.err.startswith("This sends about 9 real messages to 15550001, by up (127.0.0.1:")


def test_the_password_is_never_shown(
    probe: Callable[..., Probed], start_simulator: StartSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    probed = probe(start_simulator().port)
    assert "secret" not in f"{probed}{caplog.text}"


def test_the_profiles_of_the_gateway_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "--profiles"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "smscentre: the SMSC service over SMPP" in "\n".join(lines)
    assert "  enquire_link_s: 60" in lines
    assert main(["probe", "--profiles", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["profiles"]
    assert [each["name"] for each in found] == list(profiles.names())
    assert all(each["about"] and each["options"] for each in found)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name a connector"),
        (["up"], "--to"),
        (["down", "--to", TO], "there is no connector down: give up"),
        (["up", "--to", "nobody"], "'nobody' is not a number"),
        (["up", "--to", TO, "--from", "far too long a name"], "'far too long a name'"),
        (["up", "--to", TO, "--timeout", "0"], "--timeout"),
    ],
)
def test_wrong_usage_is_told(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path, 2776)
    assert main(["probe", *arguments, "--config", str(config), "--yes"]) == 2
    assert told in capsys.readouterr().err


def test_a_receiver_cannot_be_probed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = configured(tmp_path, 2776)
    other = "  - {name: in, address: 127.0.0.1:1, system_id: gw, password: secret, bind_mode: receiver}\n"
    path.write_text(path.read_text().replace("routes:", f"{other}routes:"))
    assert main(["probe", "in", "--config", str(path), "--to", TO, "--yes"]) == 1
    assert "in: a receiver cannot send: give a connector with another bind_mode" in capsys.readouterr().err
