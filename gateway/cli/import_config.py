"""`smsc-gateway import-config`: the configuration of Kannel or Jasmin as one of this gateway."""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.cli import EXIT_CONFIG, EXIT_OK, CommandError, add_json
from gateway.cli.preview import safe_line
from gateway.cli.smsc.output import progress
from gateway.config.load import load
from gateway.config.problems import ConfigError
from gateway.core.events import safe
from gateway.core.passwords import hash_password
from gateway.importers import jasmin, kannel
from gateway.importers.outcome import MAX_OCTETS, Imported, ImportRefused, Password
from gateway.importers.writing import yaml_of

HELP = "Convert the configuration of Kannel or Jasmin, and list what has no counterpart here."

UNKNOWN = "unknown"
"""Stands where a connector's password is not known."""
_HEADER = """\
# Made by `smsc-gateway import-config` from {source} ({form}).
# What has no counterpart was listed then; `smsc-gateway check-config` says what is wrong or odd.

"""
_KANNEL = re.compile(r"^\s*group\s*=\s*\w", re.MULTILINE)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", help="kannel.conf, or what is typed into jcli or printed by it"
    )
    parser.add_argument("--format", choices=("kannel", "jasmin"), help="default: by what FILE looks like")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="PATH",
        help="write it there, and the connectors' passwords to PATH.secrets; default: standard output, with "
        "the passwords in it",
    )
    add_json(parser)
    parser.epilog = (
        "Accounts get the hashes of their passwords. What has no counterpart is listed on standard error,\n"
        "as FILE:LINE: option: why.\n\n"
        "examples:\n"
        "  smsc-gateway import-config /etc/kannel/kannel.conf --output config.yaml\n"
        "  smsc-gateway import-config jcli.txt --format jasmin\n\n"
        "exit codes: 0 converted, 1 not, 78 what came of it has mistakes"
    )


def run(args: argparse.Namespace) -> int:
    if args.output is not None and args.output.exists():
        raise CommandError(f"{args.output} is there already: give another --output, or remove it")
    text = _read(Path(args.file))
    form = args.format or ("kannel" if _KANNEL.search(text) else "jasmin")
    try:
        imported = _convert(form, text, args.file)
    except ImportRefused as error:
        raise CommandError(f"{args.file} {error} (read as {form}; see --format)") from error
    written = _HEADER.format(source=Path(args.file).name, form=form)
    if args.output is None:
        written += _yaml_of(imported, _in_the_open)
        with tempfile.TemporaryDirectory() as temporary:
            problems = _problems_of(_write(Path(temporary) / "config.yaml", written, 0o600))
    else:
        written += _yaml_of(imported, _in_files(args.output.with_name(args.output.name + ".secrets")))
        problems = _problems_of(_write(args.output, written, 0o640))
    _show(args, imported, written, problems)
    return EXIT_CONFIG if problems else EXIT_OK


def _convert(form: str, text: str, file: str) -> Imported:
    return kannel.convert(text, file, _read_included) if form == "kannel" else jasmin.convert(text, file)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_OCTETS + 1)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error
    return _decoded(octets)


def _decoded(octets: bytes) -> str:
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        return octets.decode("latin-1")  # as old files are; it takes any octets


def _read_included(name: str, by: str) -> list[tuple[str, str]] | str:
    """What a file of Kannel's includes: a file, or all files of a folder."""
    path = Path(by).parent / name
    try:
        paths = sorted(it for it in path.iterdir() if it.is_file()) if path.is_dir() else [path]
        return [(str(it), _read(it)) for it in paths]
    except (CommandError, OSError, ValueError):
        return f"{safe(str(path))} cannot be read, so what it holds is missing"


def _yaml_of(imported: Imported, plain: Callable[[Password], Any]) -> str:
    """The configuration, with hashes of the accounts' passwords, each of which takes its time."""
    accounts = len(imported.tree["accounts"])
    done = 0
    with progress() as bar:

        def write(password: Password) -> Any:
            nonlocal done
            if password.kind == "plain":
                return plain(password)
            bar.update(f"hashing passwords: {done} of {accounts}", done / accounts)
            done += 1
            return hash_password(password.text or secrets.token_hex(16))

        return yaml_of(imported.tree, write)


def _in_the_open(password: Password) -> str:
    return password.text or UNKNOWN


def _in_files(folder: Path) -> Callable[[Password], Any]:
    def write(password: Password) -> dict[str, str]:
        path = folder / f"{password.name}.password"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            path.unlink(missing_ok=True)  # of an earlier try
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from error
        _write(path, (password.text or UNKNOWN) + "\n", 0o600)
        return {"file": f"{folder.name}/{path.name}"}

    return write


def _write(path: Path, text: str, mode: int) -> Path:
    """A file that was not there; the path."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error
    return path


def _problems_of(path: Path) -> list[str]:
    """What check-config says of the result."""
    try:
        load(path)
    except ConfigError as error:
        return [str(problem).replace(str(path), "result") for problem in error.problems]
    return []


def _show(args: argparse.Namespace, imported: Imported, written: str, problems: list[str]) -> None:
    tree = imported.tree
    counts = {name: len(tree.get(name, ())) for name in ("accounts", "connectors", "routes", "incoming")}
    if args.json:
        where = {"config": written} if args.output is None else {"output": str(args.output)}
        notes = [note._asdict() for note in imported.notes]
        print(
            json.dumps(
                {**where, **counts, "notes": notes, "problems": problems}, indent=2, ensure_ascii=False
            )
        )
        return
    if args.output is None:
        sys.stdout.write(written)
    for line in (*imported.notes, *problems):
        sys.stderr.write(f"{safe_line(str(line))}\n")
    said = ", ".join(f"{count} {name}" for name, count in counts.items())
    sys.stderr.write(f"{said}; {len(imported.notes)} notes above\n")
    if args.output is None and tree.get("connectors"):
        sys.stderr.write(
            "the connectors' passwords are in this output: keep it from others, or use --output\n"
        )
