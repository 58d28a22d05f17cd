"""Man pages and completion are those of the command line; the image is made as its file says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.__main__ import subcommands, whole_parser
from gateway.cli import COMMANDS

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "packaging" / "Dockerfile"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("descriptions")
    subprocess.run([sys.executable, ROOT / "packaging" / "descriptions.py", folder], check=True)
    return folder


def plain(page: str) -> str:
    """What roff makes letters of."""
    return re.sub(r"\\f[BR]|\\&", "", page).replace("\\-", "-").replace("\\e", "\\")


def test_each_command_has_a_page_with_its_options(made: Path) -> None:
    pages = {path.stem: plain(path.read_text(encoding="utf-8")) for path in (made / "man").glob("*.1")}
    assert set(pages) == {"smsc-gateway", *(f"smsc-gateway-{name}" for name in COMMANDS)}
    for name, line in COMMANDS.items():
        assert f".TP\n{name}\n{line}\n" in pages["smsc-gateway"]
    for name, parser in subcommands(whole_parser()).items():
        for action in parser._actions:
            assert all(option in pages[f"smsc-gateway-{name}"] for option in action.option_strings)
    # commands of a command are parts of its page, those of a group too
    assert {".SH BALANCE", ".SH TEMPLATES ADD"} <= set(pages["smsc-gateway-smsc"].splitlines())
    # nothing that was meant as text is a request of roff's
    for page in pages.values():
        assert set(re.findall(r"(?m)^[.']\w+", page)) <= {".TH", ".SH", ".TP", ".PP", ".nf", ".fi"}


def test_completion_knows_every_command(made: Path) -> None:
    bash = made / "completion" / "bash"
    subprocess.run(["bash", "-n", bash], check=True)
    asked = (
        f"source {shlex.quote(str(bash))}; COMP_WORDS=(smsc-gateway ''); COMP_CWORD=1; _shtab_smsc_gateway"
    )
    done = subprocess.run(
        ["bash", "-c", f'{asked}; printf "%s\\n" "${{COMPREPLY[@]}}"'], capture_output=True, text=True
    )
    assert set(COMMANDS) <= set(done.stdout.split()), done.stderr
    zsh = (made / "completion" / "zsh").read_text(encoding="utf-8")
    assert zsh.startswith("#compdef smsc-gateway\n")
    assert all(f"\n    {name}:'" in zsh for name in COMMANDS)


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"(?m)^#.*\n", "", DOCKERFILE.read_text(encoding="utf-8")).replace("\\\n", " ")
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def test_the_image_runs_as_nobody_special_and_has_no_secret() -> None:
    last = instructions()[max(n for n, (word, _) in enumerate(instructions()) if word == "FROM") :]
    assert ("USER", "smsc-gateway") in last
    assert ("VOLUME", "/var/lib/smsc-gateway") in last
    # what needs root comes before the user
    assert not [
        rest for word, rest in last[last.index(("USER", "smsc-gateway")) :] if word in ("RUN", "COPY")
    ]
    [health] = [rest for word, rest in last if word == "HEALTHCHECK"]
    assert health.endswith('CMD ["smsc-gateway", "status"]')
    copied = {
        name
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--from")
        for name in rest.split()[:-1]
    }
    assert all((ROOT / name).exists() for name in copied)
    # and nothing else gets near it
    allowed = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert allowed[0] == "*"
    assert {line[1:] for line in allowed if line.startswith("!")} == copied


def test_what_the_image_runs_is_shell_that_parses() -> None:
    for word, rest in instructions():
        if word == "RUN":
            subprocess.run(["sh", "-n", "-c", rest], check=True)
