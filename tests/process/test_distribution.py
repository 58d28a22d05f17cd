"""The sdist and the wheel: everything that the program reads is in them, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("gateway", "protocols")


def sources() -> set[str]:
    """The files of the packages."""
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in found if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make dist` makes: the wheel from the unpacked sdist."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return folder


def test_the_wheel_has_every_file_of_the_packages(dist: Path) -> None:
    [path] = dist.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        [metadata] = (name for name in wheel.namelist() if name.endswith("METADATA"))
        described = message_from_bytes(wheel.read(metadata))
    assert names == sources()
    assert {"gateway/store/sql/statements.sql", "gateway/ops/web/templates/base.html"} < names
    assert described["Name"] == "smsc-gateway"
    assert described["Description-Content-Type"] == "text/markdown"


def test_the_sdist_makes_a_release_again(dist: Path) -> None:
    [path] = dist.glob("*.tar.gz")
    with tarfile.open(path) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    wanted = {
        "requirements.lock",
        "packaging/deb",
        "packaging/debian/postinst",
        "systemd/smsc-gateway.service",
    }
    assert wanted | sources() <= names
    assert not [name for name in names if name.startswith("tests/")]
