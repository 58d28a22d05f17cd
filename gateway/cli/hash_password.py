"""`smsc-gateway hash-password`: a password to the hash that the configuration holds.

The password is never an argument: arguments are seen in `ps` and kept in the shell's history.
"""

from __future__ import annotations

import argparse
import sys
from getpass import getpass

from gateway.cli import EXIT_OK, CommandError
from gateway.core.passwords import hash_password

HELP = "Ask for a password, or read one line from standard input, and print the password_hash of an account."

SMPP_MAX_OCTETS = 8
_MAX_CHARACTERS = 256


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "examples:\n"
        "  smsc-gateway hash-password                  asks twice, without echo\n"
        "  smsc-gateway hash-password < password.txt   reads one line"
    )


def run(args: argparse.Namespace) -> int:
    password = _ask() if sys.stdin.isatty() else _read_line()
    if not password:
        raise CommandError("the password is empty")
    if len(password) > _MAX_CHARACTERS:
        raise CommandError(f"the password is longer than {_MAX_CHARACTERS} characters")
    if len(password.encode()) > SMPP_MAX_OCTETS or not password.isascii():
        sys.stderr.write(
            f"note: SMPP passwords have at most {SMPP_MAX_OCTETS} ASCII characters (SMPP v3.4 §5.2.2); "
            "some clients cut or refuse others\n"
        )
    print(hash_password(password))
    return EXIT_OK


def _ask() -> str:
    try:
        password = getpass("Password: ")
        if getpass("Again: ") != password:
            raise CommandError("the two passwords differ")
    except EOFError:
        raise CommandError("no password was given") from None
    return password


def _read_line() -> str:
    try:
        return sys.stdin.readline(_MAX_CHARACTERS + 2).rstrip("\r\n")
    except UnicodeDecodeError:
        raise CommandError("standard input is not text") from None
