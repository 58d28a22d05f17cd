"""Credentials of the unit, for a command that systemd has not started.

Where the gateway runs they are where systemd has put them; where it does not, they are the files that the
unit names, and are shown to the configuration under the names that it knows.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from gateway.cli.doctor.machine import UNIT, Machine

VARIABLE = "CREDENTIALS_DIRECTORY"
OF_UNITS = Path("/run/credentials")
_LOADED = re.compile(r"^\s*LoadCredential=([^:\s]+):(/\S+)", re.M)


def provide(machine: Machine, at_exit: list[Callable[[], None]], of_units: Path = OF_UNITS) -> bool:
    """Sets CREDENTIALS_DIRECTORY where that is possible; whether it did."""
    there = of_units / UNIT
    if os.access(there, os.R_OK | os.X_OK):
        os.environ[VARIABLE] = str(there)
        return True
    named = _LOADED.findall(machine.tool("systemctl", "cat", UNIT) or "")
    if not named:
        return False
    folder = tempfile.mkdtemp(prefix="smsc-gateway-doctor-")
    at_exit.append(lambda: shutil.rmtree(folder, ignore_errors=True))
    for name, path in named:
        Path(folder, name).symlink_to(path)
    os.environ[VARIABLE] = folder
    return True
