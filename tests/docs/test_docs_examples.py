"""Every example of the manuals is executed: configurations are checked, commands run against a gateway.

All pages have fenced blocks of these kinds and no other; none is indented.

yaml     A file of conf.d. It has to pass check-config, without a warning, together with BASE, of which what
         the block names is left out: a block that names accounts has all of them. Of BASE there are only the
         connectors that the block's routes name, and mail only if an account sends some; its route goes to
         all connectors. Files in /etc/smsc-gateway are made: the hash of PASSWORD for *.hash, that of an API
         key for *.key, a number for *.txt, PASSWORD for all others.
changed  What that file is now, while the gateway of the last yaml block runs.
csv      The content of the *.csv that the next yaml block names.
conf     A file for the commands that follow; its first line, which is not of it, is a comment with its name.
console  Commands `$ smsc-gateway …` that run one after the other, against a gateway with the configuration of
         the last yaml block before and an empty store; blocks behind the same yaml block share it. A
         backslash at the end of a line continues it. Under a command stands its whole output, standard error
         behind standard output. It has to end with 0, or `$ echo $?` shows with what. Standard input is
         PASSWORD. `--connect` and the password of `send` are added; --config and --state-dir may be left out.
         `$ curl …` asks the gateway in the place of sms.example.org; tests/support/example_curl.py has the
         options that it may have. JSON is shown with line breaks. What runs until it is stopped (FOREVER) is
         stopped when it has printed something; its ports are free ones.
shell    Commands that other tests execute: tests/docs/elsewhere.yaml has each line of them with its test.
sh       A piece of a script, executed by tests/docs/test_docs_webhooks.py.
python   A whole program; it is run, and has to end. Unless it is in elsewhere.yaml too, by its first line.
smtp     A dialogue with the same gateway, from 127.0.0.1 and behind EHLO: `> ` is said, `< ` is the reply.
text     Not executed: for layouts, never for commands or options. nginx: a proxy's configuration, for people.

In outputs `…` is any text of a line, and alone on a line any lines. `<word>` is a piece of text without
blanks, the same wherever it comes again; in a command it is what it was before. Blanks are as many as there
are.
"""

from __future__ import annotations

import io
import itertools
import os
import re
import shutil
import signal
import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import example_gateway
import pytest
import yaml
from docs_support import ROOT
from example_blocks import Block, arguments_of, blocks_of, commands_of, lines_said_in, matched
from example_curl import curl
from example_gateway import Ports

import gateway.cli
import gateway.cli.run
import gateway.cli.smsc  # both take over DEFAULT_CONFIG when they are imported, so before it is changed
from gateway.__main__ import main
from gateway.core.api_keys import hash_key, new_key
from gateway.core.passwords import hash_password

MADE = {"docs/commands.md", "docs/configuration.md", "docs/index.md", "docs/changelog.md"}
"""Pages that are made from the code, or list the others."""
PAGES = ["README.md", *sorted({f"docs/{path.name}" for path in ROOT.glob("docs/*.md")} - MADE)]
KINDS = {"yaml", "changed", "csv", "conf", "console", "shell", "smtp", "python", "sh", "text", "nginx"}
ELSEWHERE: dict[str, str] = yaml.safe_load((Path(__file__).parent / "elsewhere.yaml").read_text())
"""The test that executes a command, by the command's line."""
FOREVER = {"simulate", "run", "trace"}
PASSWORD = "q7-Kf2pw"
LOOKING = {"status", "queue", "statistics", "export", "show", "list", "find", "unmatched", "audit"}
"""Commands, or their first words, that change nothing."""
PATIENCE_S = 20.0
ETC = "/etc/smsc-gateway/"
BASE = f"""\
listeners:
  smpp: [{{address: '127.0.0.1:2775'}}]
  smtp: [{{address: '127.0.0.1:2525'}}]
mail:
  domains: [sms.example.org]
accounts:
  - {{system_id: app, password_hash: {{file: {ETC}app.hash}}, mail: {{networks: [127.0.0.0/8]}}}}
connectors:
  - {{name: smsc-a, address: '192.0.2.1:2775', system_id: gateway, password: {{file: {ETC}smsc-a.password}}}}
  - {{name: smsc-b, address: '192.0.2.2:2775', system_id: gateway, password: {{file: {ETC}smsc-b.password}}}}
routes:
  - connectors: [smsc-a, smsc-b]
"""
Capture = pytest.CaptureFixture[str]


class Example(NamedTuple):
    """A configuration of a page, and the commands that are shown with it."""

    page: str
    yaml: Block
    csv: str
    actions: list[Block]
    """Of console, smtp, changed and conf, in their order."""


def examples_of(page: str) -> Iterator[Example]:
    """The examples of a page, in order; commands before the first configuration have BASE alone."""
    csv, found = "", Example(page, Block("yaml", "", 0), "", [])
    for block in blocks_of((ROOT / page).read_text(encoding="utf-8")):
        if block.kind == "csv":
            csv = block.text
        elif block.kind in ("console", "smtp", "changed", "conf"):
            found.actions.append(block)
        elif block.kind == "yaml":
            yield found
            found, csv = Example(page, block, csv, []), ""
    yield found


EXAMPLES = [example for page in PAGES for example in examples_of(page)]
WITH_COMMANDS = [example for example in EXAMPLES if example.actions]


def named(example: Example) -> str:
    return f"{example.page}:{example.yaml.line}"


@cache
def password_hash() -> str:
    return hash_password(PASSWORD)


@cache
def certificate() -> tuple[str, str]:
    """One and its key, as PEM."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    with tempfile.TemporaryDirectory() as folder:
        command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        command += f" -subj /CN=sms.example.org -keyout {folder}/key -out {folder}/certificate"
        subprocess.run(command.split(), check=True, capture_output=True)
        return Path(f"{folder}/certificate").read_text(), Path(f"{folder}/key").read_text()


def base_for(given: dict[str, Any]) -> dict[str, Any]:
    """What of BASE there is beside a block."""
    base = {key: value for key, value in yaml.safe_load(BASE).items() if key not in given}
    if "routes" in given and "connectors" not in given:
        named_there = str(given["routes"])
        base["connectors"] = [one for one in base["connectors"] if one["name"] in named_there]
    elif "connectors" in given and "routes" not in given:
        base["routes"] = [{"connectors": [one["name"] for one in given["connectors"]]}]
    if not any("mail" in one for one in given.get("accounts") or base.get("accounts", ())):
        base.pop("mail", None)
        base.get("listeners", {}).pop("smtp", None)
    return base


def write(example: Example, folder: Path) -> Path:
    """The configuration of an example, with the files that it names."""
    here = f"{folder}/"
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(base_for(yaml.safe_load(example.yaml.text) or {})).replace(ETC, here))
    (folder / "conf.d").mkdir()
    (folder / "conf.d" / "example.yaml").write_text(example.yaml.text.replace(ETC, here))
    for name in re.findall(rf"{ETC}([\w.-]+)", example.yaml.text + BASE):
        (folder / name).write_text(content_of(name, example))
    for file in folder.rglob("*.*"):
        if file.is_file():
            file.chmod(0o640)
    return path


def content_of(name: str, example: Example) -> str:
    """What a file in ETC holds."""
    if name.endswith(".csv"):
        return example.csv
    if name.endswith(".txt"):
        return "79991234567\n"
    if name in ("tls.pem", "tls.key"):
        return certificate()[name == "tls.key"]
    if name.endswith(".key"):
        return hash_key(new_key())
    if name.endswith(".webhook"):
        return "of thirty-two random letters, say"
    return password_hash() if name.endswith(".hash") else PASSWORD


@pytest.mark.parametrize("page", PAGES)
def test_all_blocks_of_a_page_are_executed_or_plain_text(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    wrong = [f"{page}:{block.line} {block.kind}" for block in blocks_of(text) if block.kind not in KINDS]
    assert not wrong, f"blocks of {', '.join(KINDS)} only"
    commands = [block for block in blocks_of(text) if block.kind == "text" and "$ " in block.text]
    assert not commands, "commands stand in console blocks"
    assert text.count("```") == 2 * len(blocks_of(text)), "a fence is not closed, or is indented"
    prose = "".join(re.split(r"^```.*?^```$", text, flags=re.M | re.S))
    assert not re.findall(r"\n\n {4,}\S.*", prose), "examples stand in fenced blocks"


@pytest.mark.parametrize("page", PAGES)
def test_what_is_executed_elsewhere_is_executed_there(page: str) -> None:
    blocks = blocks_of((ROOT / page).read_text(encoding="utf-8"))
    lines = [line for block in blocks if block.kind == "shell" for line in block.text.splitlines() if line]
    lines += [
        first for block in blocks if block.kind == "python" and (first := first_line(block)) in ELSEWHERE
    ]
    for line in lines:
        file, _, test = ELSEWHERE[line].partition("::")
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), line


@pytest.mark.parametrize("page", PAGES)
def test_programs_run(page: str, tmp_path: Path) -> None:
    for block in blocks_of((ROOT / page).read_text(encoding="utf-8")):
        if block.kind == "python" and first_line(block) not in ELSEWHERE:
            done = subprocess.run(
                [sys.executable, "-"],
                input=block.text,
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, f"{page}:{block.line}\n{done.stderr}"


def first_line(block: Block) -> str:
    return block.text.partition("\n")[0]


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_a_configuration_has_no_mistakes(example: Example, tmp_path: Path, capsys: Capture) -> None:
    path = write(example, tmp_path)
    code = main(["check-config", "--config", str(path)])
    streams = capsys.readouterr()
    assert (code, streams.err) == (0, ""), streams.err or streams.out


@pytest.mark.parametrize("example", WITH_COMMANDS, ids=named)
def test_commands_do_what_is_shown(
    example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    path, state_dir = write(example, tmp_path), tmp_path / "state"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gateway.cli, "DEFAULT_CONFIG", path)
    monkeypatch.setenv("STATE_DIRECTORY", str(state_dir))
    monkeypatch.setenv("SMSC_GATEWAY_PASSWORD", PASSWORD)
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    monkeypatch.setenv("COLUMNS", "110")
    known: dict[str, str] = {}
    with example_gateway.running(path, state_dir) as ports:
        for block in example.actions:
            if block.kind == "smtp":
                known |= talk(example.page, block, ports.smtp, known)
            elif block.kind == "changed":
                (tmp_path / "conf.d" / "example.yaml").write_text(block.text.replace(ETC, f"{tmp_path}/"))
            elif block.kind == "conf":
                name = PurePosixPath(first_line(block).lstrip("#; ")).name
                (tmp_path / name).write_text(block.text.partition("\n")[2])
            else:
                known |= run_all(example.page, block, ports, known, capsys)


def talk(page: str, block: Block, port: int, known: dict[str, str]) -> dict[str, str]:
    """Says what a dialogue says; the words that were found in the replies."""
    known = dict(known)
    with smtplib.SMTP(example_gateway.HOST, port, local_hostname="client.example.org") as client:
        client.ehlo()
        for said in lines_said_in(block):
            client.send(said.words + "\r\n")
            if not said.shown:
                continue
            code, reply = client.getreply()
            answer = f"{code} {reply.decode()}"
            found = matched(said.shown, answer, known)
            assert found is not None, f"{page}:{said.line}: {said.words}\n{answer}\nis not\n{said.shown}"
            known |= found
    return known


def run_all(page: str, block: Block, ports: Ports, known: dict[str, str], capsys: Capture) -> dict[str, str]:
    """Runs the commands of a block; the words that were found in their outputs.

    AssertionError says which command printed something else than is shown.
    """
    known = dict(known)
    code = 0
    commands = list(commands_of(block))
    for place, command in enumerate(commands):
        where = f"{page}:{command.line}"
        if command.words == "echo $?":
            assert command.shown == str(code), f"{where}: it was {code}"
            continue
        program, *arguments = arguments_of(command.words, known)
        if program == "curl":
            found, output = asked(arguments, command.shown, ports.http, known)
        else:
            assert program == "smsc-gateway", f"{where}: only smsc-gateway and curl can be run"
            if arguments[0] == "send":
                arguments += ["--connect", f"{example_gateway.HOST}:{ports.smpp}"]
            if arguments[0] in FOREVER:
                found, code, output = began(arguments, command.shown, known)
            else:
                found, code, output = result_of(arguments, command.shown, known, capsys)
        assert found is not None, f"{where}: $ {command.words}\n{output}\nis not\n{command.shown}"
        known |= found
        is_told = place + 1 < len(commands) and commands[place + 1].words == "echo $?"
        assert code == 0 or is_told, f"{where}: exit code {code}\n{output}"
    return known


def began(arguments: list[str], shown: str, known: dict[str, str]) -> tuple[dict[str, str] | None, int, str]:
    """The same of a command that runs until it is stopped, which it is when it has printed what is shown."""
    ports = [re.sub(r"^([\w.:]*):\d+$", r"\1:0", one) for one in arguments]
    if arguments[0] == "simulate" and not {"--listen", "--http"}.intersection(arguments):
        ports += ["--listen", "127.0.0.1:0"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", *ports],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        output = "".join(itertools.islice(process.stdout, max(1, len(shown.splitlines()))))
        process.send_signal(signal.SIGINT)
        code = process.wait(30)
    return matched(shown, output, known), 0 if code == 130 else code, output


def asked(
    arguments: list[str], shown: str, port: int, known: dict[str, str]
) -> tuple[dict[str, str] | None, str]:
    """The same of a request over HTTP; one that changes nothing is made again for a while."""
    only_looks = not {"-X", "-d", "--json"}.intersection(arguments)
    until = time.monotonic() + (PATIENCE_S if only_looks else 0)
    while True:
        output = curl(arguments, example_gateway.HOST, port, PASSWORD)
        found = matched(shown, output, known)
        if found is not None or time.monotonic() >= until:
            return found, output
        time.sleep(0.05)


def result_of(
    arguments: list[str], shown: str, known: dict[str, str], capsys: Capture
) -> tuple[dict[str, str] | None, int, str]:
    """The words that were found in its output (None: it is not what is shown), its exit code, its output.

    What only looks is run again for a while: what a message or an incoming SMS does may take a moment.
    """
    only_looks = arguments[0] in LOOKING or LOOKING.intersection(arguments[1:2]) or is_timeline(arguments)
    until = time.monotonic() + (PATIENCE_S if only_looks else 0)
    while True:
        code = run(arguments)
        streams = capsys.readouterr()
        output = streams.out + streams.err
        found = matched(shown, output, known)
        if found is not None or time.monotonic() >= until:
            return found, code, output
        time.sleep(0.05)


def is_timeline(arguments: list[str]) -> bool:
    """Whether it is `message ID`: that a receipt was taken, say, may not be committed yet."""
    return arguments[0] == "message" and arguments[1].isdecimal()


def run(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as error:  # wrong usage
        return int(error.code or 0)
