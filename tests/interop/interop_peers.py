"""Runs the programs of peers/ against an SMSC's address and reads what they print."""

import json
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from peer_programs import INSTALL_TIMEOUT_S, PATH, alone, install, missing, need, npm_packages

PEERS = Path(__file__).with_name("peers")
MESSAGES: list[dict[str, Any]] = json.loads((PEERS / "messages.json").read_text(encoding="utf-8"))
# what the C program includes, and the Debian package that has it
LIBSMPP34_HEADERS = {
    "stdio.h": "libc6-dev",
    "libsmpp34/smpp34.h": "libsmpp34-dev",
    "json-c/json.h": "libjson-c-dev",
}
# Each peer bounds its own waits; this is for one that hangs nevertheless.
PEER_TIMEOUT_S = 90
STOP_WAIT_S = 25


@dataclass(frozen=True)
class Smsc:
    """Where a peer binds, and as whom."""

    host: str
    port: int
    system_id: str
    password: str


def smpplib_peer(work_dir: Path) -> list[str]:
    """smpplib is in requirements.lock, so it is always there."""
    return [sys.executable, str(PEERS / "smpplib_peer.py")]


def need_net_smpp() -> str:
    """The path of a perl that has Net::SMPP."""
    perl = need("perl", "perl")
    if subprocess.run([perl, "-MNet::SMPP", "-e", "1"], capture_output=True, check=False).returncode != 0:
        missing("Net::SMPP is not installed (Debian package libnet-smpp-perl)")
    return perl


def net_smpp_peer(work_dir: Path) -> list[str]:
    """Net::SMPP, as Debian packages it."""
    return [need_net_smpp(), str(PEERS / "net_smpp.pl")]


def libsmpp34_peer(work_dir: Path) -> list[str]:
    """Debian's C library libsmpp34 with a program of ours, compiled now."""
    compiler = need("gcc", "gcc")
    for header, package in LIBSMPP34_HEADERS.items():
        if not Path("/usr/include", header).exists():
            missing(f"{header} is not installed (Debian package {package})")
    program, source = work_dir / "libsmpp34_peer", PEERS / "libsmpp34_peer.c"
    folders = [f"-I/usr/include/{Path(header).parent}" for header in LIBSMPP34_HEADERS if "/" in header]
    command = [compiler, "-std=gnu11", "-Wall", "-Werror", *folders, str(source), "-o", str(program)]
    done = subprocess.run(
        [*command, "-lsmpp34", "-ljson-c"],
        capture_output=True,
        text=True,
        timeout=INSTALL_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(f"{source.name} does not compile: {done.stderr}")
    return [str(program), str(PEERS / "messages.json")]


def node_modules() -> Path:
    """The npm packages of peers/node."""
    return npm_packages(PEERS / "node")


def python_environment() -> Path:
    """The Python of peers/python, in an environment of its own that has what its lock file says."""
    package = PEERS / "python"
    lock, home = package / "requirements.lock", package / ".venv"
    python, installed = home / "bin" / "python", home / "installed"
    with alone(lock):
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            install([sys.executable, "-m", "venv", "--without-pip", "--clear", str(home)])
            pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
            install([*pip, "install", "--quiet", "--no-deps", "--require-hashes", "--requirement", str(lock)])
            installed.touch()
    return python


def jasmin_manual(folder: Path) -> Path:
    """The chapter about jcli's modules in Jasmin's source package, with the examples that it ships."""
    lock = PEERS / "python" / "sources.lock"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    what = ["--no-binary", ":all:", "--require-hashes", "--requirement", str(lock)]
    install([*pip, *what, "--dest", str(folder)])
    (archive,) = folder.glob("jasmin-*.tar.gz")
    with tarfile.open(archive) as source:
        (name,) = (one for one in source.getnames() if one.endswith("/management/jcli/modules.rst"))
        found = source.extractfile(name)
        assert found is not None
        manual = folder / "modules.rst"
        manual.write_bytes(found.read())
    return manual


def aiosmpplib_peer(work_dir: Path) -> list[str]:
    """The PyPI package aiosmpplib, asyncio and no code of smpplib's."""
    return [str(python_environment()), str(PEERS / "python" / "aiosmpplib_peer.py")]


def rusmppyc_peer(work_dir: Path) -> list[str]:
    """The PyPI package rusmppyc, a client of SMPP 5.0 in Rust."""
    return [str(python_environment()), str(PEERS / "python" / "rusmppyc_peer.py")]


def node_peer(work_dir: Path) -> list[str]:
    """The npm package smpp."""
    return [need("node", "nodejs"), str(node_modules().parent / "peer.js")]


def kannel_peer(work_dir: Path) -> list[str]:
    """Kannel's bearerbox and smsbox, with their configuration and logs in `work_dir`/kannel."""
    need("bearerbox", "kannel")
    need("smsbox", "kannel")
    folder = work_dir / "kannel"
    folder.mkdir()
    return [sys.executable, str(PEERS / "kannel_peer.py"), "--work-dir", str(folder)]


def run_peer(command: list[str], smsc: Smsc) -> list[dict[str, Any]]:
    """Run a peer until it ends; its lines. A test failure if it does not end with status 0."""
    arguments = [smsc.host, str(smsc.port), smsc.system_id, smsc.password]
    peer = subprocess.Popen(
        [*command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PATH": PATH},
    )
    with peer:
        try:
            output, errors = peer.communicate(timeout=PEER_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            peer.terminate()  # first gently: Kannel's peer has children to end
            try:
                output, errors = peer.communicate(timeout=STOP_WAIT_S)
            except subprocess.TimeoutExpired:
                peer.kill()
                output, errors = peer.communicate()
    if peer.returncode != 0:
        pytest.fail(f"{command} ended with {peer.returncode}\n{output}\n{errors}")
    return [json.loads(line) for line in output.splitlines()]


def check_delivered(results: list[dict[str, Any]], *, long_ids: int) -> None:
    """Every message has ids of its own and a DELIVRD receipt for each of them.

    `long_ids` is how many ids the peer gets for the long text: one for each segment that it makes, or one.
    """
    assert [result["name"] for result in results] == [message["name"] for message in MESSAGES]
    for result in results:
        expected = long_ids if result["name"] == "long" else 1
        assert len(result["message_ids"]) == expected, result
        receipts = {receipt["id"]: receipt["stat"] for receipt in result["receipts"]}
        assert receipts == dict.fromkeys(result["message_ids"], "DELIVRD"), result
        assert len(result["receipts"]) == expected, f"a receipt came twice: {result}"
    ids = [message_id for result in results for message_id in result["message_ids"]]
    assert len(set(ids)) == len(ids), ids
