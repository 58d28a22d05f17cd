"""What tshark makes of the traffic on both sides of the gateway.

Two ways to get the traffic: `capture` listens on the loopback interface (root only), `relay` stands in the
way, keeps the bytes of each connection and needs no privileges. Both end in pcap files for `decode`.
"""

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from free_ports import free_ports
from interop_gateway import HOST, Ports
from peer_programs import need

TSHARK_TIMEOUT_S = 60
FLUSH_WAIT_S = 10.0
POLL_S = 0.05
CHUNK_OCTETS = 16_384  # a pcap record holds one IP packet, at most 65,535 octets
# Wireshark's PI_WARN: from here on an expert remark says that something is wrong
EXPERT_WARNING = 0x00600000


@dataclass(frozen=True)
class Pdu:
    """One PDU as tshark reads it; `fields` are tshark's names without the `smpp.` in front."""

    source_port: int
    destination_port: int
    fields: dict[str, Any]

    @property
    def command_id(self) -> int:
        """The command's number, with the top bit in a response."""
        return int(self.fields["command_id"], 16)

    @property
    def text(self) -> str:
        """The message's text; tshark reads UCS-2, so surrogates come one by one and are joined here."""
        halves = str(self.fields["message_text"])
        return halves.encode("utf-16-be", "surrogatepass").decode("utf-16-be")


@dataclass
class Traffic:
    """Every PDU, in order, and what tshark holds against any of them."""

    pdus: list[Pdu] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    undecoded_octets: int = 0

    def sent_from(self, port: int) -> list[Pdu]:
        """PDUs of the side that listens on the port."""
        return [pdu for pdu in self.pdus if pdu.source_port == port]

    def sent_to(self, port: int) -> list[Pdu]:
        """PDUs to the side that listens on the port."""
        return [pdu for pdu in self.pdus if pdu.destination_port == port]


def decode(pcaps: list[Path], server_ports: list[int]) -> Traffic:
    """Let tshark decode the files, with SMPP on the given ports."""
    traffic = Traffic()
    for pcap in pcaps:
        for packet in _tshark(pcap, server_ports):
            _add(traffic, packet["_source"]["layers"])
    return traffic


def _tshark(pcap: Path, server_ports: list[int]) -> list[dict[str, Any]]:
    command = [need("tshark", "tshark"), "-n", "-r", str(pcap), "-Y", "tcp.len > 0"]
    command += ["-T", "json", "--no-duplicate-keys", "-o", "smpp.decode_sms_over_smpp:GSM 7-bit"]
    for port in server_ports:
        command += ["-d", f"tcp.port=={port},smpp"]
    # preferences of the user who runs the tests must not change what tshark says
    environment = {**os.environ, "WIRESHARK_CONFIG_DIR": str(pcap.parent / "wireshark")}
    result = subprocess.run(
        command, capture_output=True, env=environment, timeout=TSHARK_TIMEOUT_S, check=False
    )
    if result.returncode != 0:
        pytest.fail(f"tshark cannot read {pcap}: {result.stderr.decode(errors='replace')}")
    packets: list[dict[str, Any]] = json.loads(result.stdout.decode("utf-8", "surrogatepass"))
    return packets


def _add(traffic: Traffic, layers: dict[str, Any]) -> None:
    tcp = layers["tcp"]
    frame = f"frame {layers['frame']['frame.number']}"
    found = layers.get("smpp", [])
    pdus = [_flat(pdu) for pdu in (found if isinstance(found, list) else [found])]
    # a reassembled PDU is counted whole in the frame where it ends, so the sum over frames comes out right
    traffic.undecoded_octets += int(tcp["tcp.len"]) - sum(int(pdu["smpp.command_length"]) for pdu in pdus)
    if "_ws.malformed" in layers:
        traffic.complaints.append(f"{frame}: malformed")
    for pdu in pdus:
        severity = pdu.get("_ws.expert.severity", 0)
        worst = max(int(level) for level in (severity if isinstance(severity, list) else [severity]))
        if worst >= EXPERT_WARNING:
            traffic.complaints.append(f"{frame}: {pdu['_ws.expert.message']} in {pdu}")
        fields = {name.removeprefix("smpp."): value for name, value in pdu.items()}
        traffic.pdus.append(Pdu(int(tcp["tcp.srcport"]), int(tcp["tcp.dstport"]), fields))


def _flat(tree: dict[str, Any]) -> dict[str, Any]:
    """The leaves of tshark's tree by name; a name that comes again becomes a list."""
    leaves: dict[str, Any] = {}
    todo: list[tuple[str, Any]] = list(tree.items())
    while todo:
        name, value = todo.pop(0)
        if isinstance(value, dict):
            todo[:0] = value.items()
        elif isinstance(value, list):
            todo[:0] = [(name, item) for item in value]
        elif name in leaves:
            before = leaves[name]
            leaves[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            leaves[name] = value
    return leaves


@dataclass
class Tap:
    """The ports to use while the traffic is watched, and the files, complete when the block has ended.

    `client_port` is where the peer connects; `server_ports` are those that the files' packets have.
    """

    ports: Ports
    client_port: int
    pcaps: list[Path] = field(default_factory=list)

    @property
    def server_ports(self) -> list[int]:
        """Gateway and SMSC."""
        return [self.ports.gateway, self.ports.smsc]


@contextmanager
def capture(work_dir: Path) -> Iterator[Tap]:
    """Listen on the loopback interface while the block runs. Skips the test without root's rights."""
    tcpdump = need("tcpdump", "tcpdump")
    if os.geteuid() != 0:
        pytest.skip("only root may capture on lo; the relay variant of this test covers the same PDUs")
    gateway, smsc = free_ports(2)
    tap = Tap(Ports(gateway=gateway, smsc=smsc, connector=smsc), gateway, [work_dir / "lo.pcap"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as marker:
        marker.bind((HOST, 0))
        ports = " or ".join(f"tcp port {port}" for port in tap.server_ports)
        expression = f"{ports} or udp port {marker.getsockname()[1]}"
        command = [tcpdump, "-i", "lo", "--immediate-mode", "-U", "-Z", "root", "-w", str(tap.pcaps[0])]
        child = subprocess.Popen([*command, expression], stderr=subprocess.DEVNULL)
        try:
            _wait_for_marker(marker, tap.pcaps[0], b"capture begins")
            yield tap
            _wait_for_marker(marker, tap.pcaps[0], b"capture ends")
        finally:
            child.terminate()
            child.wait()


def _wait_for_marker(marker: socket.socket, pcap: Path, text: bytes) -> None:
    """Send a datagram to ourselves until it is in the file: then all that was sent before is there too."""
    until = time.monotonic() + FLUSH_WAIT_S
    while not (pcap.exists() and text in pcap.read_bytes()):
        if time.monotonic() > until:
            pytest.fail(f"tcpdump does not see {text!r}")
        marker.sendto(text, marker.getsockname())
        time.sleep(POLL_S)


@contextmanager
def relay(work_dir: Path) -> Iterator[Tap]:
    """Stand between peer and gateway, and between gateway and SMSC, and write down what passes."""
    text2pcap = need("text2pcap", "wireshark-common")
    gateway, smsc = free_ports(2)
    with ExitStack() as stack:
        to_gateway = stack.enter_context(Relay(gateway))
        to_smsc = stack.enter_context(Relay(smsc))
        tap = Tap(Ports(gateway=gateway, smsc=smsc, connector=to_smsc.port), to_gateway.port)
        yield tap
    for relayed in (to_gateway, to_smsc):
        for number, chunks in enumerate(relayed.connections):
            pcap = work_dir / f"{relayed.target_port}-{number}.pcap"
            write_pcap(text2pcap, chunks, relayed.target_port, pcap)
            tap.pcaps.append(pcap)


def write_pcap(text2pcap: str, chunks: list[tuple[str, bytes]], server_port: int, pcap: Path) -> None:
    """Make a pcap file of one connection's chunks; "I" goes to the server's port, "O" comes from it."""
    dump = "".join(f"{direction}\n0000 {octets.hex(' ')}\n" for direction, octets in chunks)
    ports = f"40000,{server_port}"
    command = [text2pcap, "-q", "-D", "-T", ports, "-", str(pcap)]
    subprocess.run(command, input=dump, text=True, check=True, capture_output=True, timeout=TSHARK_TIMEOUT_S)


class Relay:
    """Passes connections on to a port of ours; keeps every connection's chunks in order.

    A chunk is a direction, "I" to the port or "O" from it, and what came at once.
    """

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.connections: list[list[tuple[str, bytes]]] = []
        self._listener = socket.create_server((HOST, 0))
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> "Relay":
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        # shutdown wakes threads that block in accept or recv, which close alone does not
        for s in (self._listener, *self._sockets):
            with suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for s in (self._listener, *self._sockets):
            s.close()

    def _start(self, target: Any, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            self._sockets.append(client)
            try:
                server = socket.create_connection((HOST, self.target_port))
            except OSError:
                client.shutdown(socket.SHUT_RDWR)
                continue
            self._sockets.append(server)
            chunks: list[tuple[str, bytes]] = []
            self.connections.append(chunks)
            self._start(self._pass, client, server, "I", chunks)
            self._start(self._pass, server, client, "O", chunks)

    def _pass(
        self, source: socket.socket, target: socket.socket, direction: str, chunks: list[tuple[str, bytes]]
    ) -> None:
        with suppress(OSError):
            while octets := source.recv(CHUNK_OCTETS):
                chunks.append((direction, octets))
                target.sendall(octets)
            target.shutdown(socket.SHUT_WR)
