"""Kannel (bearerbox and smsbox) as an ESME: sends messages.json by smsbox's HTTP interface.

Usage: kannel_peer.py HOST PORT SYSTEM_ID PASSWORD [--work-dir DIR] [--pair]
Kannel tells the receipts to a small HTTP server in this program (dlr-url). Prints one JSON line per
message; exit status 0 when every segment has its receipt. Configuration and logs go to the work dir.
"""

import argparse
import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

START_WAIT_S = 15.0
RECEIPT_WAIT_S = 20.0
POLL_S = 0.1
STOP_WAIT_S = 10.0
SOURCE_ADDR = "12345"
HTTP_USER, HTTP_PASSWORD = "peer", "peer-only"
# dlr-mask: 1 delivered, 2 failed, 4 buffered, 8 accepted by the SMSC, 16 refused by the SMSC
DLR_MASK = 1 | 2 | 8 | 16
DLR_ACCEPTED = "8"
GSM_CODING, UCS2_CODING = "0", "2"
RECEIPT = re.compile(r"id:(\S+) .*?stat:(\S+)", re.DOTALL)

CONFIG = """\
group = core
admin-port = {admin_port}
admin-password = {http_password}
admin-interface = 127.0.0.1
smsbox-port = {smsbox_port}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
log-file = "{work_dir}/bearerbox.log"
log-level = 0
dlr-storage = internal

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms_port}
sendsms-interface = 127.0.0.1
log-file = "{work_dir}/smsbox.log"
log-level = 0

group = sendsms-user
username = {http_user}
password = {http_password}
max-messages = 10
concatenation = true

group = sms-service
keyword = default
max-messages = 0
text = ""
"""


# one group for each connection; to the boxes all are one smsc-id
TRANSCEIVER = ["port = {port}\ntransceiver-mode = true"]
PAIR = ["port = {port}", "receive-port = {port}"]
SMSC = """
group = smsc
smsc = smpp
smsc-id = gateway
host = {host}
{bind}
smsc-username = {system_id}
smsc-password = {password}
system-type = ""
interface-version = 34
enquire-link-interval = 5
reconnect-delay = 1
"""


class DlrServer(ThreadingHTTPServer):
    """Collects what Kannel's dlr-url requests say, as one dict of query parameters each."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), DlrHandler)
        self.seen: list[dict[str, str]] = []

    def reports(self, name: str) -> list[dict[str, str]]:
        """The reports for one message, in the order of their coming."""
        return [report for report in list(self.seen) if report["name"] == name]


class DlrHandler(BaseHTTPRequestHandler):
    """One dlr-url request."""

    server: DlrServer

    def do_GET(self) -> None:
        """Note the query and answer with an empty page."""
        query = urllib.parse.urlsplit(self.path).query
        self.server.seen.append(dict(urllib.parse.parse_qsl(query, keep_blank_values=True)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on stderr."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now; all are held until all are known, so they differ."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def get(port: int, path: str, **query: str) -> str:
    """GET from a box on loopback, never through a proxy; the body."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    url = f"http://127.0.0.1:{port}{path}?{urllib.parse.urlencode(query)}"
    with opener.open(url, timeout=5) as response:
        return str(response.read().decode("utf-8", "replace"))


def wait_for(condition: Callable[[], bool], limit_s: float) -> bool:
    """Poll `condition` until it is true (True) or `limit_s` seconds have gone (False)."""
    until = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(POLL_S)
    return True


@contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A child that is ended, if need be killed, when the block ends."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def listens(port: int) -> bool:
    """Whether something accepts connections on the port."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def link_is_online(admin_port: int) -> bool:
    """Whether bearerbox has all its binds to the gateway and smsbox is connected to bearerbox."""
    try:
        status = get(admin_port, "/status.txt", password=HTTP_PASSWORD)
    except OSError:
        return False
    links = [line for line in status.splitlines() if " SMPP:" in line]
    return bool(links) and all("(online " in link for link in links) and "smsbox" in status


def send(sendsms_port: int, dlr_port: int, message: dict[str, Any]) -> None:
    """Hand one message to smsbox; Kannel chooses the segments, we the alphabet."""
    report_url = f"http://127.0.0.1:{dlr_port}/dlr?name={message['name']}&type=%d&reply=%A&id=%F"
    answer = get(
        sendsms_port,
        "/cgi-bin/sendsms",
        username=HTTP_USER,
        password=HTTP_PASSWORD,
        to=message["to"],
        text=message["text"],
        charset="UTF-8",
        coding=GSM_CODING if message["text"].isascii() else UCS2_CODING,
        **{"from": SOURCE_ADDR, "dlr-mask": str(DLR_MASK), "dlr-url": report_url},
    )
    if not answer.startswith("0:"):
        sys.exit(f"smsbox refused {message['name']}: {answer}")


def results(server: DlrServer, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the receipts say so far, in the form that every peer prints."""
    lines = []
    for message in messages:
        reports = server.reports(message["name"])
        ids = [report["id"] for report in reports if report["type"] == DLR_ACCEPTED]
        found = [RECEIPT.search(report["reply"]) for report in reports if report["type"] != DLR_ACCEPTED]
        receipts = [{"id": match[1], "stat": match[2]} for match in found if match]
        lines.append({"name": message["name"], "message_ids": ids, "receipts": receipts})
    return lines


def complete(line: dict[str, Any]) -> bool:
    """Kannel asks for one receipt per text: registered_delivery is set in the first segment only."""
    return len(line["message_ids"]) == 1 and [r["id"] for r in line["receipts"]] == line["message_ids"]


@contextmanager
def kannel(args: argparse.Namespace, work_dir: Path) -> Iterator[int]:
    """Bearerbox, bound to the gateway, and smsbox; yields smsbox's HTTP port."""
    admin_port, smsbox_port, sendsms_port = free_ports(3)
    config = work_dir / "kannel.conf"
    values = {
        **vars(args),
        "admin_port": admin_port,
        "smsbox_port": smsbox_port,
        "sendsms_port": sendsms_port,
        "http_user": HTTP_USER,
        "http_password": HTTP_PASSWORD,
        "work_dir": work_dir,
    }
    binds = [bind.format(**values) for bind in (PAIR if args.pair else TRANSCEIVER)]
    groups = [CONFIG.format(**values), *(SMSC.format(**values, bind=bind) for bind in binds)]
    config.write_text("".join(groups), encoding="utf-8")
    with process("bearerbox", str(config)):
        # smsbox gives up at once when bearerbox does not listen yet
        if not wait_for(lambda: listens(smsbox_port), START_WAIT_S):
            sys.exit(f"bearerbox does not start: see {work_dir}/bearerbox.log")
        with process("smsbox", str(config)):
            if not wait_for(lambda: link_is_online(admin_port) and listens(sendsms_port), START_WAIT_S):
                sys.exit(f"no bind to the gateway: see {work_dir}/bearerbox.log")
            yield sendsms_port


def main() -> int:
    """Start Kannel, send, wait, stop Kannel; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    for argument in ("host", "port", "system_id", "password"):
        parser.add_argument(argument)
    parser.add_argument("--work-dir", type=Path, help="for configuration and logs; default: a temporary one")
    parser.add_argument("--pair", action="store_true", help="bind a transmitter and a receiver")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that Kannel's processes are ended too
    messages = json.loads(Path(__file__).with_name("messages.json").read_text(encoding="utf-8"))
    server = DlrServer()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with (
        tempfile.TemporaryDirectory() as scratch,
        kannel(args, args.work_dir or Path(scratch)) as sendsms_port,
    ):
        for message in messages:
            send(sendsms_port, server.server_port, message)
        done = wait_for(lambda: all(map(complete, results(server, messages))), RECEIPT_WAIT_S)
    for line in results(server, messages):
        print(json.dumps(line))
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
