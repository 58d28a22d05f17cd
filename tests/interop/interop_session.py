"""Libraries as clients that a test asks step by step: npm smpp and Net::SMPP in processes of their own."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from interop_gateway import STOP_WAIT_S, wait_until
from interop_peers import PEERS, Smsc, need_net_smpp, node_modules
from peer_programs import need

SOURCE_ADDR = "12345"
Pdu = dict[str, Any]


def node_session() -> list[str]:
    """The npm package smpp."""
    return [need("node", "nodejs"), str(node_modules().parent / "session.js")]


def net_smpp_session() -> list[str]:
    """Perl's Net::SMPP."""
    return [need_net_smpp(), str(PEERS / "net_smpp_session.pl")]


LIBRARIES: dict[str, Callable[[], list[str]]] = {"npm smpp": node_session, "Net::SMPP": net_smpp_session}


class Session:
    """A bound library."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._seen: list[Pdu] = []
        threading.Thread(target=self._read, daemon=True).start()

    def came(self, command: str) -> list[Pdu]:
        """What has come of this command, oldest first."""
        return [pdu for pdu in list(self._seen) if pdu["command"] == command]

    def wait_for(self, command: str, count: int = 1) -> list[Pdu]:
        """What has come of this command, once it is so many."""
        wait_until(lambda: len(self.came(command)) >= count, f"{count} times {command}: {self._seen}")
        return self.came(command)

    def ask(self, command: str, **fields: Any) -> Pdu:
        """Sends a request; its answer."""
        answer = f"{command}_resp"
        known = len(self.came(answer))
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"send": command, **fields}) + "\n")
        self._process.stdin.flush()
        return self.wait_for(answer, known + 1)[known]

    def submit(self, destination: str, text: str, **fields: Any) -> str:
        """Sends a text and asks for a receipt; the message_id."""
        number = {"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": destination}
        answer = self.ask(
            "submit_sm",
            source_addr=SOURCE_ADDR,
            registered_delivery=1,
            short_message=text,
            **number,
            **fields,
        )
        assert answer["status"] == 0, answer
        return str(answer["message_id"])

    def wait_for_receipt(self, message_id: str) -> Pdu:
        """The receipt of a message, the only one that has come for it."""
        start = f"id:{message_id} "
        found: list[Pdu] = []

        def there() -> bool:
            found[:] = [pdu for pdu in self.came("deliver_sm") if pdu["short_message"].startswith(start)]
            return bool(found)

        wait_until(there, f"a receipt of {message_id}")
        [receipt] = found
        return receipt

    def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                self._seen.append(json.loads(line))
        except ValueError:
            if not self._process.stdout.closed:  # by whoever ends it
                raise


@contextmanager
def bound_session(
    command: list[str], smsc: Smsc, bind: str = "bind_transceiver", version: str = "3.4"
) -> Iterator[tuple[Session, Pdu]]:
    """A library, bound while the block runs, and the answer to its bind."""
    number = "0x" + version.replace(".", "")
    arguments = [smsc.host, str(smsc.port), smsc.system_id, smsc.password, bind, number]
    process = subprocess.Popen(
        [*command, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    with process:
        try:
            session = Session(process)
            [answer] = session.wait_for(f"{bind}_resp")
            assert answer["status"] == 0, answer
            yield session, answer
            assert process.stdin is not None
            process.stdin.close()  # it unbinds then
            if process.wait(STOP_WAIT_S) != 0:
                pytest.fail(f"{command} ended with {process.returncode}")
        finally:
            process.kill()
