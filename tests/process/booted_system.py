"""A Debian of its own, booted with its own systemd, network and memory of what was changed.

`mmdebstrap` makes the root once, in CACHE; `systemd-nspawn` boots it with an overlay that is gone afterwards.
Several may be on one network, which no other machine is on.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from own_cgroup import OwnCgroup

CACHE = Path("/var/cache/smsc-gateway-tests/bookworm-2")
"""The number grows when what is in it changes."""
PACKAGES = "systemd-sysv,dbus,python3,postgresql-15,sudo"
TAKEN_OUT = ("/etc/systemd/system/multi-user.target.wants/postgresql.service", "/etc/hostname")
"""A test of a database starts it; each machine has a name of its own."""
PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "nsenter": "util-linux",
    "ip": "iproute2",
}
BRIDGE = "lan0"
PATIENCE_S = 120.0
PACKAGING = Path(__file__).parents[2] / "packaging" / "deb"
CLEAN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}


def missing() -> str:
    """Why nothing can be booted here; empty if it can."""
    if os.getuid() != 0:
        return "systemd-nspawn needs root"
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            return f"{program} is not installed (Debian package {package})"
    return ""


def made_root() -> Path:
    """A minimal Debian 12."""
    if not CACHE.exists():
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=CACHE.parent))
        command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}"]
        command += [f'--customize-hook=rm "$1"{path}' for path in TAKEN_OUT]
        command += ["bookworm", str(folder / "root")]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        try:
            (folder / "root").rename(CACHE)
        except OSError:  # another run was faster
            shutil.rmtree(folder / "root")
        folder.rmdir()
    return CACHE


def built_package(folder: Path) -> Path:
    """The package of this tree, in a folder."""
    environment = {**os.environ, "DPKG_DEB_COMPRESSOR_TYPE": "none"}
    made = subprocess.run([PACKAGING, folder], capture_output=True, text=True, env=environment)
    assert made.returncode == 0, made.stdout + made.stderr
    [path] = folder.glob("smsc-gateway_*.deb")
    return path


def unavailable(reason: str) -> NoReturn:
    """Skips, or fails where REQUIRE_PEERS=1 promises that everything is there."""
    if os.environ.get("REQUIRE_PEERS") == "1":
        pytest.fail(f"{reason}, and REQUIRE_PEERS=1")
    pytest.skip(reason)


class System:
    """A booted one; `leader` is its first process as this machine counts."""

    def __init__(self, leader: int) -> None:
        self._leader = str(leader)

    def install(self, package: Path) -> str:
        """What apt says of a package in the folder that is shown to it."""
        return self.run("apt-get", "install", "--yes", "-o", "Dpkg::Progress=0", f"/shown/{package.name}")

    def write(self, path: str, text: str, *, mode: str = "w") -> None:
        """A file anew, or more of it."""
        with self.start("tee", *(["-a"] if mode == "a" else []), path, stdin=subprocess.PIPE) as process:
            process.communicate(text)
        assert process.returncode == 0, path

    def start(self, *command: str, **options: object) -> subprocess.Popen[str]:
        """A process in it."""
        enter = ["nsenter", "--target", self._leader, "--mount", "--uts", "--ipc", "--net", "--pid"]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen([*enter, *command], text=True, env=CLEAN, **{**pipes, **options})  # type: ignore[call-overload, no-any-return]

    def ask(self, *command: str) -> tuple[int, str]:
        """Exit code and all output of a command."""
        with self.start(*command) as process:
            output, _ = process.communicate(timeout=PATIENCE_S)
        return process.returncode, output

    def run(self, *command: str) -> str:
        """The output of a command that has to end well."""
        code, output = self.ask(*command)
        assert code == 0, f"{' '.join(command)} ended with {code}:\n{output}\n{self.journal()}"
        return output.strip()

    def beside(self, script: Path, *arguments: str) -> subprocess.Popen[str]:
        """A Python script of this machine on that one's network."""
        enter = ["nsenter", "--target", self._leader, "--net"]
        return subprocess.Popen(
            [*enter, sys.executable, str(script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def property(self, unit: str, name: str) -> str:
        """Of a unit."""
        return self.run("systemctl", "show", "--value", f"--property={name}", unit)

    def wait(self, unit: str, name: str, value: str, *, other_than: bool = False) -> None:
        """Until a unit's property has this value, or another one than this."""
        deadline = time.monotonic() + PATIENCE_S
        while (self.property(unit, name) == value) is other_than:
            assert time.monotonic() < deadline, self.journal()
            time.sleep(0.1)

    def journal(self, *options: str) -> str:
        """Of the gateway."""
        return self.ask("journalctl", "--no-pager", "--lines=200", "--unit=smsc-gateway.service", *options)[1]


@contextmanager
def network() -> Iterator[str]:
    """A network namespace of its own with a bridge; its name."""
    name = f"smsc-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "link", "add", BRIDGE, "type", "bridge"], check=True)
        subprocess.run(["ip", "-n", name, "link", "set", BRIDGE, "up"], check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


@contextmanager
def booted(
    log: Path, shown: Path, *, name: str = "smsc", place: tuple[str, str] | None = None
) -> Iterator[System]:
    """Boots it; `shown` is its folder /shown, `place` a network and its address there."""
    enter = ["nsenter", f"--net=/run/netns/{place[0]}"] if place else []
    command = [
        *enter,
        "systemd-nspawn",
        "--quiet",
        "--boot",
        f"--directory={made_root()}",
        "--volatile=overlay",
        f"--network-bridge={BRIDGE}" if place else "--private-network",
        "--register=no",
        "--keep-unit",
        f"--machine={name}-{os.getpid()}",
        f"--hostname={name}",
        f"--bind-ro={shown}:/shown",
        "--console=pipe",
    ]
    cgroup = OwnCgroup()
    with log.open("w") as output:
        nspawn = subprocess.Popen(
            [*cgroup.enter, *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        leader = _leader(nspawn, log)
        if place:
            _connect(leader, place[1])
        system = System(leader)
        deadline = time.monotonic() + PATIENCE_S
        # its manager cannot be asked in the first moments
        while (state := system.ask("systemctl", "is-system-running")[1].strip()) not in (
            "running",
            "degraded",
        ):
            assert nspawn.poll() is None and time.monotonic() < deadline, (state, log.read_text())
            time.sleep(0.1)
        yield system
    finally:
        nspawn.terminate()
        nspawn.wait()
        cgroup.remove()


def _connect(leader: int, address: str) -> None:
    """Gives its interface an address."""
    for words in (["address", "add", f"{address}/24", "dev", "host0"], ["link", "set", "host0", "up"]):
        subprocess.run(["nsenter", f"--target={leader}", "--net", "ip", *words], check=True)


def _leader(nspawn: subprocess.Popen[bytes], log: Path) -> int:
    children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children")
    deadline = time.monotonic() + PATIENCE_S
    while True:
        for pid in map(int, children.read_text().split()):
            comm = Path(f"/proc/{pid}/comm").read_text().strip()
            if comm == "systemd":
                return pid
        assert nspawn.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
