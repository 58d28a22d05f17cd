"""The simulated SMSC service over HTTP as a process of its own, and the programs that ask it."""

import json
import os
import select
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from free_ports import free_ports
from interop_gateway import EXECUTABLE, HOST, listens, running, wait_until
from interop_peers import PEERS, node_modules, python_environment
from peer_programs import need

LOGIN, PASSWORD = "alex", "123"  # as the service's documentation has them
ANSWER_TIMEOUT_S = 30
# A proxy must not get what is meant for loopback.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Service:
    """A simulated service and its pages for tests."""

    url: str

    def messages(self, **wanted: object) -> list[dict[str, Any]]:
        """Accepted messages, oldest first, of this `id`, of this `phone`."""
        with _direct.open(f"{self.url}/simulator/messages?{urlencode(wanted)}") as answer:
            found: list[dict[str, Any]] = json.load(answer)["messages"]
        return found

    def tell(self, page: str, **fields: object) -> None:
        """Posts to a page: what a subscriber does, say."""
        request = urllib.request.Request(f"{self.url}/simulator/{page}", json.dumps(fields).encode())
        _direct.open(request).close()

    def wait_for_status(self, status: int, id: object, phone: str) -> dict[str, Any]:
        """The message, once it has this status; a test failure when it does not get it."""
        wait_until(
            lambda: [row["status"] for row in self.messages(id=id, phone=phone)] == [status],
            f"status {status} of {id}, {phone}",
        )
        return self.messages(id=id, phone=phone)[0]


@contextmanager
def running_service(work_dir: Path, *options: str) -> Iterator[Service]:
    """`simulate --http` with login and password; its messages end at once."""
    password = work_dir / "service.password"
    password.write_text(PASSWORD, encoding="utf-8")
    (port,) = free_ports(1)
    command = [str(EXECUTABLE), "simulate", "--http", f"{HOST}:{port}", "--http-login", LOGIN]
    command += ["--http-password-file", str(password), "--http-operator-ms", "5", "--http-final-ms", "5"]
    with running([*command, *options], work_dir / "service.log", lambda: listens(port)):
        yield Service(f"http://{HOST}:{port}")


# -- client libraries ----------------------------------------------------------------------------------


class LibraryError(Exception):
    """What a client library has raised: the type's name, its text, and the answer if it shows it."""

    def __init__(self, kind: str, text: str, response: Any) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind
        self.text = text
        self.response = response


class Library:
    """A client library in a process of its own, asked by lines of JSON."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def ask(self, call: str, **arguments: Any) -> Any:
        """What the library makes of the service's answer; raises LibraryError."""
        to, of = self._process.stdin, self._process.stdout
        assert to is not None and of is not None
        to.write(json.dumps({"call": call, **arguments}).encode() + b"\n")
        to.flush()
        if not select.select([of], [], [], ANSWER_TIMEOUT_S)[0]:
            pytest.fail(f"{call} is not answered within {ANSWER_TIMEOUT_S} s")
        line = of.readline()
        if not line:
            pytest.fail(f"the library's process has ended at {call}: status {self._process.wait()}")
        said = json.loads(line)
        if "raised" in said:
            raise LibraryError(said["raised"], said["text"], said.get("response"))
        return said["answer"]


@contextmanager
def library(command: list[str], service: Service, password: str = PASSWORD) -> Iterator[Library]:
    """A client library of this service while the block runs."""
    process = subprocess.Popen(
        [*command, service.url, LOGIN, password],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # one of them logs all that it does
        env=ENVIRONMENT,
    )
    with process:
        try:
            yield Library(process)
        finally:
            process.kill()


def python_library(script: str) -> list[str]:
    """A program of peers/python."""
    return [str(python_environment()), str(PEERS / "python" / script)]


def node_library(script: str) -> list[str]:
    """A program of peers/node."""
    return [need("node", "nodejs"), str(node_modules().parent / script)]


# -- curl ----------------------------------------------------------------------------------------------


class Answer(NamedTuple):
    """What curl got: the HTTP status, the Content-Type and the body."""

    status: int
    content_type: str
    body: bytes


def curl(*arguments: str) -> Answer:
    """A request of the program curl, which sends nothing but what it is told."""
    shown = "\n%{http_code} %{content_type}"
    command = [need("curl", "curl"), "--silent", "--show-error", "--globoff", "--max-time", "30"]
    done = subprocess.run(
        [*command, "--write-out", shown, *arguments], capture_output=True, env=ENVIRONMENT, check=False
    )
    if done.returncode != 0:
        pytest.fail(f"curl {arguments} ended with {done.returncode}: {done.stderr.decode()}")
    body, _, last = done.stdout.rpartition(b"\n")
    status, _, content_type = last.decode().partition(" ")
    return Answer(int(status), content_type, body)
